/* error.h: filling in fv_error. `err` may be null everywhere. Threads: one at a time an fv_error. */
#ifndef FVI_BASE_ERROR_H
#define FVI_BASE_ERROR_H
#include <fovea/status.h>

/* Sets the text and returns `status`, so that a failing function can end in `return fvi_error_set(...)`. */
fv_status fvi_error_set(fv_error *err, fv_status status, const char *fmt, ...) FV_PRINTF(3, 4);
/* Puts "prefix: " in front of the text that is there. Returns err's status (or `status` when err is null). */
fv_status fvi_error_prefix(fv_error *err, fv_status status, const char *fmt, ...) FV_PRINTF(3, 4);

#define FVI_TRY(expr)                                                                                                  \
    do {                                                                                                               \
        fv_status fvi_try_s_ = (expr);                                                                                 \
        if (fvi_try_s_ < 0) return fvi_try_s_;                                                                         \
    } while (0)
/* same, jumping to a clean-up label; needs `fv_status st` in scope */
#define FVI_TRY_GOTO(expr, label)                                                                                      \
    do {                                                                                                               \
        st = (expr);                                                                                                   \
        if (st < 0) goto label;                                                                                        \
    } while (0)
#endif
