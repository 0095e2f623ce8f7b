/* text.h: growing text, and escaping of whatever came from files before it reaches a terminal or a JSON file; and the few things
 * that every verb needs. Running out of memory for a line of text ends the program (exit 6). */
#ifndef FOVEA_TOOL_TEXT_H
#define FOVEA_TOOL_TEXT_H
#include <stdarg.h>
#include <stddef.h>

/* Zero-initialise; `s` is null-terminated once anything was added. */
typedef struct text {
    char *s;
    size_t len, cap;
} text;
void text_add(text *t, const char *s);
void text_addn(text *t, const char *s, size_t n);
void text_printf(text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_vprintf(text *t, const char *fmt, va_list ap);
void text_folder(text *t, const char *dir); /* with a slash at its end, for a name to follow */
void text_clear(text *t); /* keeps the memory */
void text_free(text *t);

/* Invalid UTF-8 becomes U+FFFD in all of them. */
void text_terminal(text *t, const char *s); /* control and direction characters shown as \xNN, \uNNNN */
void text_json(text *t, const char *s);     /* with the quotes; null pointer: null */
void text_csv(text *t, const char *s);      /* in quotes where it has a comma, quote or line break */
void text_utf8(text *t, const char *s);
/* With the user and password of an address hidden. */
void text_redacted(text *t, const char *s);
void text_number(text *t, double v, int decimals); /* trailing zeros removed; NaN and infinity: null */

/* Memory that is there or ends the program with exit 6. */
void *tool_alloc(size_t bytes); /* cleared */
char *tool_strdup(const char *s);
double tool_seconds(void); /* of a steady clock */
void tool_make_folders(char *path); /* of a file, all that are missing */
int tool_ascending(const void *a, const void *b); /* of floats, for qsort */
#endif
