/* json_read.c: JSON text -> tree of values in an arena. Strict: no comments, no trailing commas, one value.
 * Called by run_read.c; hostile text gets an error with its line. */
#include "report/json_read.h"
#include "base/error.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef struct reader {
    const char *start, *p, *end;
    fvi_arena *arena;
    fv_error *err;
} reader;

static fv_status wrong(reader *r, const char *what)
{
    int line = 1;
    for (const char *q = r->start; q < r->p; q++) line += *q == '\n';
    return fvi_error_set(r->err, FV_ERR_INPUT, "line %d: %s", line, what);
}

static fv_status no_memory(reader *r) { return fvi_error_set(r->err, FV_ERR_MEMORY, "out of memory"); }

static void blanks(reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r')) r->p++;
}

static bool hex4(reader *r, uint32_t *out)
{
    uint32_t v = 0;
    if (r->end - r->p < 4) return false;
    for (int i = 0; i < 4; i++) {
        char c = *r->p++;
        uint32_t d = c >= '0' && c <= '9' ? (uint32_t)(c - '0') : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                     : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10) : 99;
        if (d == 99) return false;
        v = v << 4 | d;
    }
    *out = v;
    return true;
}

static char *put_utf8(char *w, uint32_t c)
{
    if (c < 0x80) {
        *w++ = (char)c;
    } else if (c < 0x800) {
        *w++ = (char)(0xC0 | c >> 6);
        *w++ = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *w++ = (char)(0xE0 | c >> 12);
        *w++ = (char)(0x80 | (c >> 6 & 63));
        *w++ = (char)(0x80 | (c & 63));
    } else {
        *w++ = (char)(0xF0 | c >> 18);
        *w++ = (char)(0x80 | (c >> 12 & 63));
        *w++ = (char)(0x80 | (c >> 6 & 63));
        *w++ = (char)(0x80 | (c & 63));
    }
    return w;
}

/* After \u: one code point, surrogate pairs joined; lone halves and NUL become U+FFFD. */
static bool escape_u(reader *r, uint32_t *out)
{
    uint32_t c, low;
    if (!hex4(r, &c)) return false;
    if (c >= 0xD800 && c < 0xDC00 && r->end - r->p >= 6 && r->p[0] == '\\' && r->p[1] == 'u') {
        const char *back = r->p;
        r->p += 2;
        if (!hex4(r, &low)) return false;
        if (low >= 0xDC00 && low < 0xE000) {
            *out = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
            return true;
        }
        r->p = back;
    }
    *out = c == 0 || (c >= 0xD800 && c < 0xE000) ? 0xFFFD : c;
    return true;
}

static fv_status read_string(reader *r, const char **out)
{
    const char *close = ++r->p;
    while (close < r->end && *close != '"') close += *close == '\\' && close + 1 < r->end ? 2 : 1;
    if (close >= r->end) return wrong(r, "a string without its closing quote");
    /* an escape is never shorter than what it stands for */
    char *text = fvi_arena_alloc(r->arena, (size_t)(close - r->p) + 1), *w = text;
    if (!text) return no_memory(r);
    while (r->p < close) {
        char c = *r->p++;
        if ((unsigned char)c < 0x20) {
            r->p--;
            return wrong(r, "a control character inside a string");
        }
        if (c != '\\') {
            *w++ = c;
            continue;
        }
        static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
        char e = *r->p++;
        const char *known = e ? strchr(from, e) : NULL;
        uint32_t code;
        if (known) {
            *w++ = to[known - from];
        } else if (e == 'u' && escape_u(r, &code)) {
            w = put_utf8(w, code);
        } else {
            return wrong(r, "an unknown escape in a string");
        }
    }
    *w = 0;
    r->p = close + 1;
    *out = text;
    return FV_OK;
}

static bool digit(const reader *r) { return r->p < r->end && *r->p >= '0' && *r->p <= '9'; }

static double scale10(double v, int e)
{
    /* run files hold milliseconds and counts: the last bit does not matter here */
    return e ? v * pow(10.0, e) : v;
}

static fv_status read_number(reader *r, double *out)
{
    bool negative = *r->p == '-', exp_negative = false;
    double v = 0;
    int shift = 0, exponent = 0;
    r->p += negative;
    if (!digit(r)) return wrong(r, "a value was expected");
    if (*r->p == '0') {
        r->p++;
        if (digit(r)) return wrong(r, "a number with a leading zero");
    }
    while (digit(r)) v = v * 10 + (*r->p++ - '0');
    if (r->p < r->end && *r->p == '.') {
        r->p++;
        if (!digit(r)) return wrong(r, "a number without digits after the point");
        for (; digit(r); r->p++)
            if (shift < 17) v = v * 10 + (*r->p - '0'), shift++;
    }
    if (r->p < r->end && (*r->p == 'e' || *r->p == 'E')) {
        r->p++;
        if (r->p < r->end && (*r->p == '+' || *r->p == '-')) exp_negative = *r->p++ == '-';
        if (!digit(r)) return wrong(r, "a number without digits in its exponent");
        for (; digit(r); r->p++)
            if (exponent < 10000) exponent = exponent * 10 + (*r->p - '0');
    }
    v = scale10(v, (exp_negative ? -exponent : exponent) - shift);
    if (!isfinite(v)) return wrong(r, "a number too large");
    *out = negative ? -v : v;
    return FV_OK;
}

static bool word(reader *r, const char *text)
{
    size_t n = strlen(text);
    if ((size_t)(r->end - r->p) < n || memcmp(r->p, text, n)) return false;
    r->p += n;
    return true;
}

static fv_status read_value(reader *r, fvi_report_json *v, int depth);

static fv_status read_children(reader *r, fvi_report_json *v, char close, int depth)
{
    fvi_report_json **tail = &v->child;
    r->p++;
    blanks(r);
    if (r->p < r->end && *r->p == close) {
        r->p++;
        return FV_OK;
    }
    for (;;) {
        fvi_report_json *c = fvi_arena_alloc(r->arena, sizeof *c);
        if (!c) return no_memory(r);
        *tail = c;
        tail = &c->next;
        v->count++;
        blanks(r);
        if (close == '}') {
            if (r->p >= r->end || *r->p != '"') return wrong(r, "a member name in quotes was expected");
            FVI_TRY(read_string(r, &c->key));
            blanks(r);
            if (r->p >= r->end || *r->p++ != ':') return wrong(r, "a colon was expected after a member name");
        }
        FVI_TRY(read_value(r, c, depth + 1));
        blanks(r);
        if (r->p >= r->end) return wrong(r, "the text ends inside a list");
        if (*r->p == ',') {
            r->p++;
            continue;
        }
        if (*r->p != close) return wrong(r, "a comma or the end of a list was expected");
        r->p++;
        return FV_OK;
    }
}

static fv_status read_value(reader *r, fvi_report_json *v, int depth)
{
    blanks(r);
    if (depth > FVI_REPORT_JSON_MAX_DEPTH) return wrong(r, "lists nested too deeply");
    if (r->p >= r->end) return wrong(r, "a value was expected");
    switch (*r->p) {
    case '{':
        v->type = FVI_REPORT_JSON_OBJECT;
        return read_children(r, v, '}', depth);
    case '[':
        v->type = FVI_REPORT_JSON_ARRAY;
        return read_children(r, v, ']', depth);
    case '"':
        v->type = FVI_REPORT_JSON_STRING;
        return read_string(r, &v->string);
    default:
        break;
    }
    if (word(r, "null")) return FV_OK;
    v->type = FVI_REPORT_JSON_BOOL;
    if (word(r, "true")) {
        v->number = 1;
        return FV_OK;
    }
    if (word(r, "false")) return FV_OK;
    v->type = FVI_REPORT_JSON_NUMBER;
    return read_number(r, &v->number);
}

fv_status fvi_report_json_read(const fvi_report_json **root, fvi_arena *a, const char *text, size_t size, fv_error *err)
{
    reader r = {.start = text, .p = text, .end = text + size, .arena = a, .err = err};
    *root = NULL;
    if (size > FVI_REPORT_JSON_MAX_TEXT)
        return fvi_error_set(err, FV_ERR_LIMIT, "%zu bytes are more than a run file may have (%zu)", size, FVI_REPORT_JSON_MAX_TEXT);
    fvi_report_json *v = fvi_arena_alloc(a, sizeof *v);
    if (!v) return no_memory(&r);
    FVI_TRY(read_value(&r, v, 0));
    blanks(&r);
    if (r.p != r.end) return wrong(&r, "text after the end of the value");
    *root = v;
    return FV_OK;
}

const fvi_report_json *fvi_report_json_get(const fvi_report_json *v, const char *key)
{
    if (!v || v->type != FVI_REPORT_JSON_OBJECT) return NULL;
    for (const fvi_report_json *c = v->child; c; c = c->next)
        if (!strcmp(c->key, key)) return c;
    return NULL;
}

double fvi_report_json_num(const fvi_report_json *v, const char *key, double def)
{
    const fvi_report_json *m = fvi_report_json_get(v, key);
    return m && m->type == FVI_REPORT_JSON_NUMBER ? m->number : def;
}

const char *fvi_report_json_str(const fvi_report_json *v, const char *key, const char *def)
{
    const fvi_report_json *m = fvi_report_json_get(v, key);
    return m && m->type == FVI_REPORT_JSON_STRING ? m->string : def;
}
