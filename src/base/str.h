/* str.h: growing string, and escaping of text that came from files (names in models, file names, labels). A zeroed fvi_str
 * is an empty one; running out of memory only sets `failed`, to be asked once at the end. Threads: one at a time. */
#ifndef FVI_BASE_STR_H
#define FVI_BASE_STR_H
#include <stdbool.h>
#include <stddef.h>
typedef struct fvi_str {
    char *s; /* null-terminated once anything was added; null at first */
    size_t len, cap;
    bool failed; /* out of memory somewhere: everything after it was dropped */
} fvi_str;
void fvi_str_add(fvi_str *b, const char *text);
void fvi_str_addn(fvi_str *b, const char *text, size_t n);
void fvi_str_printf(fvi_str *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void fvi_str_free(fvi_str *b);
/* Escapers append to b. Invalid UTF-8 becomes U+FFFD everywhere. */
void fvi_str_add_json(fvi_str *b, const char *text);     /* with the quotes */
void fvi_str_add_html(fvi_str *b, const char *text);     /* & < > " ' */
void fvi_str_add_terminal(fvi_str *b, const char *text); /* control characters shown as \xNN */
#endif
