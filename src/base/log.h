/* log.h: messages to the callback given at fv_context_create; silent when there is none. Threads: any. */
#ifndef FVI_BASE_LOG_H
#define FVI_BASE_LOG_H
#include <fovea/context.h>
typedef struct fvi_log {
    fv_log_fn fn; /* null = silent */
    void *user;
    fv_log_level level; /* messages above it are dropped */
} fvi_log;
void fvi_log_write(const fvi_log *log, fv_log_level level, const char *fmt, ...) FV_PRINTF(3, 4); /* log may be null */
#endif
