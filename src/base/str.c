/* str.c: growing string and the escapers. Reports, JSON, dumps and error texts are made with it. Text from files is
 * hostile: every escaper decodes UTF-8 strictly and replaces what is not UTF-8. */
#include "base/str.h"
#include "base/alloc.h"
#include "base/checked.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool reserve(fvi_str *b, size_t more)
{
    size_t need;
    if (b->failed) return false;
    if (!fvi_add_size(b->len, more, &need) || !fvi_add_size(need, 1, &need)) return !(b->failed = true);
    if (need <= b->cap) return true;
    size_t cap = b->cap < 64 ? 64 : b->cap;
    while (cap < need) cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    char *s = fvi_alloc(cap);
    if (!s) return !(b->failed = true);
    if (b->len) memcpy(s, b->s, b->len);
    s[b->len] = 0;
    fvi_free(b->s);
    b->s = s;
    b->cap = cap;
    return true;
}

void fvi_str_addn(fvi_str *b, const char *text, size_t n)
{
    if (!reserve(b, n)) return;
    if (n) memcpy(b->s + b->len, text, n);
    b->len += n;
    b->s[b->len] = 0;
}

void fvi_str_add(fvi_str *b, const char *text) { fvi_str_addn(b, text, strlen(text)); }

void fvi_str_printf(fvi_str *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    if (n < 0) b->failed = true;
    if (n >= 0 && reserve(b, (size_t)n)) {
        vsnprintf(b->s + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
    va_end(ap);
}

void fvi_str_free(fvi_str *b)
{
    fvi_free(b->s);
    *b = (fvi_str){0};
}

/* One character of UTF-8 at s (not at the end). Returns its bytes, or -1 when it is not UTF-8: overlong, a surrogate,
 * beyond U+10FFFF or cut. */
static int decode(const unsigned char *s, uint32_t *cp)
{
    if (s[0] < 0x80) return *cp = s[0], 1;
    int n = s[0] >= 0xC2 && s[0] <= 0xDF ? 2 : (s[0] & 0xF0) == 0xE0 ? 3 : s[0] >= 0xF0 && s[0] <= 0xF4 ? 4 : 0;
    if (n == 0) return -1;
    uint32_t c = s[0] & (0xFFu >> (n + 1));
    for (int i = 1; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80) return -1; /* the terminating null ends here too */
        c = c << 6 | (s[i] & 0x3Fu);
    }
    if ((n == 3 && c < 0x800) || (n == 4 && (c < 0x10000 || c > 0x10FFFF)) || (c >= 0xD800 && c <= 0xDFFF)) return -1;
    return *cp = c, n;
}

/* Writes the escaped form of cp into out; 0 = as it is. */
typedef int (*escape_fn)(uint32_t cp, char out[16]);

static void add_escaped(fvi_str *b, const char *text, escape_fn escape)
{
    const unsigned char *s = (const unsigned char *)text;
    const unsigned char *plain = s; /* start of what needs no escape */
    while (*s) {
        uint32_t cp = 0;
        char out[16];
        int n = decode(s, &cp);
        int e = n < 0 ? snprintf(out, sizeof out, "\xEF\xBF\xBD") : escape(cp, out);
        if (e > 0) {
            fvi_str_addn(b, (const char *)plain, (size_t)(s - plain));
            fvi_str_addn(b, out, (size_t)e);
        }
        s += n < 0 ? 1 : n;
        if (e > 0) plain = s;
    }
    fvi_str_addn(b, (const char *)plain, (size_t)(s - plain));
}

/* '<' too, so that JSON can stand inside a script element; U+2028/9 end a line in old JavaScript */
static int escape_json(uint32_t cp, char out[16])
{
    switch (cp) {
    case '"': return snprintf(out, 16, "\\\"");
    case '\\': return snprintf(out, 16, "\\\\");
    case '\n': return snprintf(out, 16, "\\n");
    case '\r': return snprintf(out, 16, "\\r");
    case '\t': return snprintf(out, 16, "\\t");
    }
    bool special = cp < 0x20 || cp == 0x7F || cp == '<' || cp == 0x2028 || cp == 0x2029;
    return special ? snprintf(out, 16, "\\u%04x", (unsigned)cp) : 0;
}

static int escape_html(uint32_t cp, char out[16])
{
    switch (cp) {
    case '&': return snprintf(out, 16, "&amp;");
    case '<': return snprintf(out, 16, "&lt;");
    case '>': return snprintf(out, 16, "&gt;");
    case '"': return snprintf(out, 16, "&quot;");
    case '\'': return snprintf(out, 16, "&#39;");
    }
    bool control = (cp < 0x20 && cp != '\n' && cp != '\t' && cp != '\r') || (cp >= 0x7F && cp <= 0x9F);
    return control ? snprintf(out, 16, "\xEF\xBF\xBD") : 0;
}

/* control characters, and those that turn the direction of what follows */
static int escape_terminal(uint32_t cp, char out[16])
{
    if (cp < 0x20 || (cp >= 0x7F && cp <= 0x9F)) return snprintf(out, 16, "\\x%02x", (unsigned)cp);
    bool bidi = cp == 0x200E || cp == 0x200F || cp == 0x061C || (cp >= 0x2028 && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069);
    return bidi ? snprintf(out, 16, "\\u%04x", (unsigned)cp) : 0;
}

void fvi_str_add_json(fvi_str *b, const char *text)
{
    fvi_str_addn(b, "\"", 1);
    add_escaped(b, text, escape_json);
    fvi_str_addn(b, "\"", 1);
}

void fvi_str_add_html(fvi_str *b, const char *text) { add_escaped(b, text, escape_html); }
void fvi_str_add_terminal(fvi_str *b, const char *text) { add_escaped(b, text, escape_terminal); }
