/* log.c: formats a message on the stack and hands it to the user's callback. Anybody may call it, on any thread. */
#include "base/log.h"
#include <stdarg.h>
#include <stdio.h>

void fvi_log_write(const fvi_log *log, fv_log_level level, const char *fmt, ...)
{
    if (!log || !log->fn || level > log->level) return;
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0) return;
    for (char *c = text; *c; c++)
        if (*c == '\n' || *c == '\r') *c = ' '; /* one line is the promise */
    log->fn(log->user, level, text);
}
