/* log.c: FFmpeg's messages -> nothing on the screen, and the reason behind a failure for our error texts. */
#include "media/media.h"
#include <libavutil/log.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char first[120]; /* the first error line since the reset; decoder threads keep their own, unread */
static _Thread_local char wrapped[128];

static void on_log(void *ctx, int level, const char *fmt, va_list args)
{
    (void)ctx;
    if (level > AV_LOG_ERROR || first[0] || strstr(fmt, "whitelist")) return; /* our own lists tell a user nothing */
    vsnprintf(first, sizeof first, fmt, args);
    size_t n = strlen(first);
    while (n > 0 && (first[n - 1] == '\n' || first[n - 1] == '.' || first[n - 1] == ' ')) first[--n] = 0;
}

void fvi_media_log_capture(void) { av_log_set_callback(on_log); }
void fvi_media_log_reset(void) { first[0] = 0; }

const char *fvi_media_log_detail(void)
{
    if (!first[0]) return "";
    snprintf(wrapped, sizeof wrapped, " (%s)", first);
    return wrapped;
}

const char *fvi_media_av_text(int code, char *buf)
{
    if (av_strerror(code, buf, AV_ERROR_MAX_STRING_SIZE) < 0) snprintf(buf, AV_ERROR_MAX_STRING_SIZE, "error %d", code);
    return buf;
}
