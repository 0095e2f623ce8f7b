/* text.c: growing text and escapers of the program. Everything that goes to a terminal passes text_terminal, everything
 * that goes to JSON passes text_json; both decode UTF-8 strictly, because names in models and files are hostile. */
#include "text.h"
#include "cli.h"
#include <fovea/media.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static _Noreturn void no_memory(void)
{
    fputs("fovea: out of memory\n", stderr);
    exit(EXIT_MEMORY);
}

void *tool_alloc(size_t bytes)
{
    void *p = calloc(1, bytes ? bytes : 1);
    if (!p) no_memory();
    return p;
}

char *tool_strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    return memcpy(tool_alloc(n), s, n);
}

void tool_make_folders(char *path)
{
    for (char *p = path + 1; (p = strchr(p, '/')); p++) {
        *p = 0;
        mkdir(path, 0777); /* one that cannot be made shows when the file is written */
        *p = '/';
    }
}

int tool_ascending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

double tool_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void reserve(text *t, size_t more)
{
    if (more > SIZE_MAX / 4 - t->len) no_memory();
    size_t need = t->len + more + 1;
    if (need <= t->cap) return;
    size_t cap = t->cap ? t->cap : 64;
    while (cap < need) cap *= 2;
    char *s = realloc(t->s, cap);
    if (!s) no_memory();
    t->s = s;
    t->cap = cap;
}

void text_addn(text *t, const char *s, size_t n)
{
    reserve(t, n);
    memcpy(t->s + t->len, s, n);
    t->len += n;
    t->s[t->len] = 0;
}

void text_add(text *t, const char *s) { text_addn(t, s, strlen(s)); }

void text_vprintf(text *t, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    if (n >= 0) {
        reserve(t, (size_t)n);
        vsnprintf(t->s + t->len, (size_t)n + 1, fmt, again);
        t->len += (size_t)n;
    }
    va_end(again);
}

void text_printf(text *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    text_vprintf(t, fmt, ap);
    va_end(ap);
}

void text_folder(text *t, const char *dir)
{
    size_t n = strlen(dir);
    text_addn(t, dir, n);
    if (n && dir[n - 1] != '/') text_add(t, "/");
}

void text_clear(text *t)
{
    t->len = 0;
    if (t->s) t->s[0] = 0;
}

void text_free(text *t)
{
    free(t->s);
    *t = (text){0};
}

/* Bytes of the character at s, or 0 when it is not UTF-8. The terminating null is never stepped over. */
static int decode(const unsigned char *s, uint32_t *cp)
{
    static const uint32_t lowest[5] = {0, 0, 0x80, 0x800, 0x10000};
    int n = s[0] < 0x80 ? 1 : s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : s[0] < 0xF5 ? 4 : 0;
    uint32_t c = n <= 1 ? s[0] : s[0] & (0x7Fu >> n);
    for (int i = 1; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80) return 0;
        c = c << 6 | (s[i] & 0x3Fu);
    }
    if (n && (c < lowest[n] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))) return 0;
    *cp = c;
    return n;
}

static bool hides_on_terminal(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x61C || c == 0x200E || c == 0x200F || (c >= 0x2028 && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069);
}

/* Up to `end`, which is the end of the string or an ASCII character: no character reaches over it. */
static void add_utf8(text *t, const char *s, const char *end)
{
    while (s < end) {
        uint32_t c;
        int n = decode((const unsigned char *)s, &c);
        text_addn(t, n ? s : "\xEF\xBF\xBD", n ? (size_t)n : 3);
        s += n ? n : 1;
    }
}

void text_utf8(text *t, const char *s) { add_utf8(t, s, s + strlen(s)); }

void text_csv(text *t, const char *s)
{
    bool quoted = strpbrk(s, ",\"\r\n") != NULL;
    if (quoted) text_add(t, "\"");
    for (const char *quote; (quote = strchr(s, '"')); s = quote + 1) {
        add_utf8(t, s, quote);
        text_add(t, "\"\"");
    }
    text_utf8(t, s);
    if (quoted) text_add(t, "\"");
}

void text_terminal(text *t, const char *s)
{
    for (const unsigned char *p = (const unsigned char *)s; *p;) {
        uint32_t c = 0;
        int n = decode(p, &c);
        if (n == 0)
            text_add(t, "\xEF\xBF\xBD");
        else if (hides_on_terminal(c))
            text_printf(t, c < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)c);
        else
            text_addn(t, (const char *)p, (size_t)n);
        p += n ? n : 1;
    }
}

void text_json(text *t, const char *s)
{
    if (!s) {
        text_add(t, "null");
        return;
    }
    text_add(t, "\"");
    for (const unsigned char *p = (const unsigned char *)s; *p;) {
        uint32_t c = 0;
        int n = decode(p, &c);
        if (n == 0)
            text_add(t, "\xEF\xBF\xBD");
        else if (c == '"' || c == '\\')
            text_printf(t, "\\%c", (char)c);
        else if (c == '\n' || c == '\t' || c == '\r')
            text_add(t, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r");
        else if (c < 0x20 || c == 0x7F || c == '<' || c == 0x2028 || c == 0x2029) /* '<': JSON may stand inside HTML */
            text_printf(t, "\\u%04x", (unsigned)c);
        else
            text_addn(t, (const char *)p, (size_t)n);
        p += n ? n : 1;
    }
    text_add(t, "\"");
}

void text_redacted(text *t, const char *s)
{
    size_t n = fv_address_redact(NULL, 0, s) + 1;
    char *shown = tool_alloc(n);
    fv_address_redact(shown, n, s);
    text_add(t, shown);
    free(shown);
}

void text_number(text *t, double v, int decimals)
{
    if (!isfinite(v)) {
        text_add(t, "null");
        return;
    }
    size_t start = t->len;
    text_printf(t, "%.*f", decimals, v);
    if (memchr(t->s + start, '.', t->len - start)) {
        while (t->s[t->len - 1] == '0') t->len--;
        if (t->s[t->len - 1] == '.') t->len--;
        t->s[t->len] = 0;
    }
    if (strcmp(t->s + start, "-0") == 0) {
        t->len = start;
        text_add(t, "0");
    }
}
