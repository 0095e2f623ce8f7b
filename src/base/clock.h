/* clock.h: monotonic time in nanoseconds, for durations. Threads: any. */
#ifndef FVI_BASE_CLOCK_H
#define FVI_BASE_CLOCK_H
#include <stdint.h>
int64_t fvi_now_ns(void);
static inline double fvi_ms(int64_t ns) { return (double)ns * 1e-6; }
#endif
