/* clock.h: monotonic time in nanoseconds, for durations; wall time (UTC) for records. */
#ifndef FVI_BASE_CLOCK_H
#define FVI_BASE_CLOCK_H
#include <stddef.h>
#include <stdint.h>
int64_t fvi_now_ns(void);
double fvi_wall_seconds(void);                   /* since 1970-01-01 UTC */
void fvi_wall_iso(double wall, char *buf, size_t n); /* "2026-11-21T09:08:00.123Z" */
static inline double fvi_ms(int64_t ns) { return (double)ns * 1e-6; }
#endif
