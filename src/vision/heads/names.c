/* names.c: the `names` metadata of a model, a Python dict or list literal (or JSON) -> class names. The text comes from
 * a file and is hostile: the index range, the lengths and the memory are bounded. Called when a detector is made. */
#include "base/alloc.h"
#include "vision/heads/heads.h"
#include <stdio.h>
#include <string.h>

#define MAX_TEXT (4u << 20)
#define MAX_NAMES 65536
#define MAX_NAME 255  /* bytes */
#define GAP_NAME 16   /* room for "class65535" */

typedef struct cursor {
    const char *p;
} cursor;

static void skip_blank(cursor *c)
{
    while (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r') c->p++;
}

static int hex_value(char ch)
{
    if (ch >= '0' && ch <= '9') return ch - '0';
    if (ch >= 'a' && ch <= 'f') return ch - 'a' + 10;
    if (ch >= 'A' && ch <= 'F') return ch - 'A' + 10;
    return -1;
}

static bool read_hex(cursor *c, int digits, uint32_t *out)
{
    uint32_t v = 0;
    for (int i = 0; i < digits; i++) {
        int h = hex_value(c->p[i]);
        if (h < 0) return false;
        v = v << 4 | (uint32_t)h;
    }
    c->p += digits;
    *out = v;
    return true;
}

/* A name being decoded; over-long ones are cut. */
typedef struct text {
    char s[MAX_NAME + 1];
    int n;
    bool full;
} text;

static void put(text *t, const char *bytes, int n)
{
    if (t->full || t->n + n > MAX_NAME) {
        t->full = true;
        return;
    }
    memcpy(t->s + t->n, bytes, (size_t)n);
    t->n += n;
}

static void put_codepoint(text *t, uint32_t u)
{
    char b[4];
    if (u == 0 || (u >= 0xD800 && u < 0xE000) || u > 0x10FFFF) u = 0xFFFD;
    if (u < 0x80) {
        b[0] = (char)u;
        put(t, b, 1);
    } else if (u < 0x800) {
        b[0] = (char)(0xC0 | u >> 6);
        b[1] = (char)(0x80 | (u & 63));
        put(t, b, 2);
    } else if (u < 0x10000) {
        b[0] = (char)(0xE0 | u >> 12);
        b[1] = (char)(0x80 | (u >> 6 & 63));
        b[2] = (char)(0x80 | (u & 63));
        put(t, b, 3);
    } else {
        b[0] = (char)(0xF0 | u >> 18);
        b[1] = (char)(0x80 | (u >> 12 & 63));
        b[2] = (char)(0x80 | (u >> 6 & 63));
        b[3] = (char)(0x80 | (u & 63));
        put(t, b, 4);
    }
}

/* After "\u": four digits; JSON writes characters beyond the base plane as two of them. */
static bool read_utf16(cursor *c, uint32_t *u)
{
    if (!read_hex(c, 4, u)) return false;
    if (*u >= 0xD800 && *u < 0xDC00 && c->p[0] == '\\' && c->p[1] == 'u') {
        cursor next = {c->p + 2};
        uint32_t low;
        if (read_hex(&next, 4, &low) && low >= 0xDC00 && low < 0xE000) {
            *u = 0x10000 + ((*u - 0xD800) << 10) + (low - 0xDC00);
            *c = next;
        }
    }
    return true;
}

/* c->p is behind the backslash. */
static void read_escape(cursor *c, text *t)
{
    static const char from[] = "ntrabfv", to[] = "\n\t\r\a\b\f\v";
    char ch = *c->p;
    uint32_t u;
    if (!ch) return;
    c->p++;
    const char *simple = strchr(from, ch);
    if (simple) {
        put(t, &to[simple - from], 1);
    } else if (ch == 'x' && read_hex(c, 2, &u)) {
        put_codepoint(t, u);
    } else if (ch == 'u' && read_utf16(c, &u)) {
        put_codepoint(t, u);
    } else if (ch == 'U' && read_hex(c, 8, &u)) {
        put_codepoint(t, u);
    } else if (ch == '\n') {
        ; /* continued line */
    } else if (ch == '\\' || ch == '\'' || ch == '"' || ch == '/') {
        put(t, &ch, 1);
    } else { /* Python keeps the backslash of an escape it does not know */
        put(t, "\\", 1);
        put(t, &ch, 1);
    }
}

static bool is_quote(char ch) { return ch == '\'' || ch == '"'; }

/* A quoted string (either quote, with a prefix letter as in u'x'), or bare text up to a delimiter. */
static bool read_text(cursor *c, text *t)
{
    t->n = 0;
    t->full = false;
    if (*c->p && strchr("ubrUBR", *c->p) && is_quote(c->p[1])) c->p++;
    if (is_quote(*c->p)) {
        char quote = *c->p++;
        while (*c->p && *c->p != quote) {
            if (*c->p == '\\') {
                c->p++;
                read_escape(c, t);
            } else {
                put(t, c->p++, 1);
            }
        }
        if (*c->p != quote) return false; /* cut short */
        c->p++;
    } else {
        while (*c->p && !strchr(",}])\n", *c->p)) put(t, c->p++, 1);
        while (t->n && t->s[t->n - 1] == ' ') t->n--;
        if (!t->n) return false;
    }
    t->s[t->n] = 0;
    return true;
}

/* Dict key: 7, '7' or "7". */
static bool read_key(cursor *c, long *key)
{
    char quote = is_quote(*c->p) ? *c->p++ : 0;
    long v = 0;
    int digits = 0;
    for (; *c->p >= '0' && *c->p <= '9'; c->p++, digits++)
        if (v < MAX_NAMES) v = v * 10 + (*c->p - '0');
    if (!digits || (quote && *c->p++ != quote)) return false;
    skip_blank(c);
    if (*c->p++ != ':') return false;
    skip_blank(c);
    *key = v;
    return true;
}

/* Next (index, name); false at the end or at what cannot be read: what came before counts. */
static bool next_name(cursor *c, bool dict, long *index, text *t)
{
    skip_blank(c);
    if (*c->p == ',') c->p++;
    skip_blank(c);
    if (!*c->p || strchr("}])", *c->p)) return false;
    if (!dict)
        ++*index;
    else if (!read_key(c, index))
        return false;
    return read_text(c, t);
}

static bool open_literal(const char *literal, cursor *c, bool *dict)
{
    c->p = literal;
    skip_blank(c);
    if (*c->p != '{' && *c->p != '[' && *c->p != '(') return false;
    *dict = *c->p++ == '{';
    return true;
}

/* Highest index + 1, and the bytes that all names need. */
static int measure(const char *literal, size_t *bytes)
{
    cursor c;
    bool dict;
    text t;
    long index = -1, count = 0;
    *bytes = 0;
    if (!open_literal(literal, &c, &dict)) return 0;
    while (next_name(&c, dict, &index, &t)) {
        if (index >= MAX_NAMES) continue;
        if (index + 1 > count) count = index + 1;
        *bytes += (size_t)t.n + 1;
    }
    return (int)count;
}

int fvi_heads_parse_names(const char *literal, char ***out)
{
    *out = NULL;
    if (!literal || strnlen(literal, MAX_TEXT) >= MAX_TEXT) return 0;
    size_t bytes;
    int count = measure(literal, &bytes);
    if (!count) return 0;
    size_t table = (size_t)count * sizeof(char *);
    char **names = fvi_calloc(1, table + bytes + (size_t)count * GAP_NAME);
    if (!names) return 0;
    char *at = (char *)names + table;
    cursor c;
    bool dict = false;
    text t;
    long index = -1;
    open_literal(literal, &c, &dict);
    while (next_name(&c, dict, &index, &t)) {
        if (index >= MAX_NAMES) continue;
        memcpy(at, t.s, (size_t)t.n + 1);
        names[index] = at;
        at += t.n + 1;
    }
    for (int i = 0; i < count; i++) {
        if (names[i]) continue;
        names[i] = at;
        at += snprintf(at, GAP_NAME, "class%d", i) + 1;
    }
    *out = names;
    return count;
}
