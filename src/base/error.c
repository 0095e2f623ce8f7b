/* error.c: fills in fv_error. Called wherever a cold call fails. A text that does not fit ends in "…", cut between two
 * UTF-8 characters. */
#include "base/error.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char ellipsis[] = "\xE2\x80\xA6";

static void mark_cut(char *text, size_t size)
{
    size_t n = size - sizeof ellipsis;
    while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80) n--;
    memcpy(text + n, ellipsis, sizeof ellipsis);
}

fv_status fvi_error_set(fv_error *err, fv_status status, const char *fmt, ...)
{
    if (!err) return status;
    char text[FV_ERROR_TEXT_MAX]; /* the arguments may point into err->text */
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0) text[0] = 0;
    if (n >= (int)sizeof text) mark_cut(text, sizeof text);
    memcpy(err->text, text, sizeof text);
    err->status = status;
    return status;
}

fv_status fvi_error_prefix(fv_error *err, fv_status status, const char *fmt, ...)
{
    if (!err) return status;
    char prefix[FV_ERROR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(prefix, sizeof prefix, fmt, ap);
    va_end(ap);
    if (n < 0) prefix[0] = 0;
    if (n >= (int)sizeof prefix) mark_cut(prefix, sizeof prefix);
    if (err->status >= 0) err->status = status;
    return fvi_error_set(err, err->status, "%s: %s", prefix, err->text[0] ? err->text : fv_status_text(err->status));
}
