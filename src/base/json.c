/* json.c: writes JSON onto an fvi_str. Reports, results and summaries of every verb come from here. Nesting deeper than
 * the fixed stack marks the string as failed instead of writing something wrong. */
#include "base/json.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_DEPTH ((int)(sizeof((fvi_json *)0)->comma / sizeof(bool)))

void fvi_json_begin(fvi_json *j, fvi_str *out, bool pretty) { *j = (fvi_json){.out = out, .pretty = pretty}; }

static void new_line(fvi_json *j)
{
    if (!j->pretty || j->depth == 0) return;
    fvi_str_addn(j->out, "\n", 1);
    for (int i = 0; i < j->depth; i++) fvi_str_addn(j->out, "  ", 2);
}

/* Comma and line break in front of a value or key. */
static void separate(fvi_json *j)
{
    if (j->after_key) {
        j->after_key = false;
        return;
    }
    if (j->comma[j->depth]) fvi_str_addn(j->out, ",", 1);
    j->comma[j->depth] = true;
    new_line(j);
}

static void open_level(fvi_json *j, const char *bracket)
{
    separate(j);
    fvi_str_add(j->out, bracket);
    if (j->depth + 1 >= MAX_DEPTH) {
        j->out->failed = true;
        return;
    }
    j->comma[++j->depth] = false;
}

static void close_level(fvi_json *j, const char *bracket)
{
    if (j->depth == 0) {
        j->out->failed = true;
        return;
    }
    bool empty = !j->comma[j->depth--];
    if (!empty && j->pretty) {
        fvi_str_addn(j->out, "\n", 1);
        for (int i = 0; i < j->depth; i++) fvi_str_addn(j->out, "  ", 2);
    }
    fvi_str_add(j->out, bracket);
}

void fvi_json_object(fvi_json *j) { open_level(j, "{"); }
void fvi_json_end_object(fvi_json *j) { close_level(j, "}"); }
void fvi_json_array(fvi_json *j) { open_level(j, "["); }
void fvi_json_end_array(fvi_json *j) { close_level(j, "]"); }

void fvi_json_key(fvi_json *j, const char *key)
{
    separate(j);
    fvi_str_add_json(j->out, key);
    fvi_str_add(j->out, j->pretty ? ": " : ":");
    j->after_key = true;
}

static void add_value(fvi_json *j, const char *text)
{
    separate(j);
    fvi_str_add(j->out, text);
}

void fvi_json_string(fvi_json *j, const char *s)
{
    if (!s) {
        fvi_json_null(j);
        return;
    }
    separate(j);
    fvi_str_add_json(j->out, s);
}

void fvi_json_int(fvi_json *j, int64_t v)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)v);
    add_value(j, text);
}

void fvi_json_bool(fvi_json *j, bool v) { add_value(j, v ? "true" : "false"); }
void fvi_json_null(fvi_json *j) { add_value(j, "null"); }

/* A host program may have set a locale whose decimal point is something else, even of several bytes. */
static void fix_point(char *text)
{
    char *p = text + strcspn(text, "0123456789");
    p += strspn(p, "0123456789");
    if (!*p) return;
    char *fraction = p + strcspn(p, "0123456789");
    *p = '.';
    memmove(p + 1, fraction, strlen(fraction) + 1);
}

void fvi_json_number(fvi_json *j, double v, int decimals)
{
    char text[352]; /* the largest double has 309 digits before the point */
    if (!isfinite(v)) {
        fvi_json_null(j);
        return;
    }
    decimals = decimals < 0 ? 0 : decimals > 17 ? 17 : decimals;
    snprintf(text, sizeof text, "%.*f", decimals, v);
    fix_point(text);
    size_t n = strlen(text);
    if (strchr(text, '.')) {
        while (text[n - 1] == '0') text[--n] = 0;
        if (text[n - 1] == '.') text[--n] = 0;
    }
    add_value(j, strcmp(text, "-0") == 0 ? "0" : text);
}
