/* json_read.h: a small strict JSON reader (RFC 8259) for run files. Everything lives in one arena, bounded by the text's
 * size; depth and text size are limited. */
#ifndef FVI_REPORT_JSON_READ_H
#define FVI_REPORT_JSON_READ_H
#include "base/alloc.h"
#include <fovea/status.h>
#include <stdbool.h>

#define FVI_REPORT_JSON_MAX_TEXT ((size_t)64 << 20)
#define FVI_REPORT_JSON_MAX_DEPTH 64

typedef enum fvi_report_json_type {
    FVI_REPORT_JSON_NULL,
    FVI_REPORT_JSON_BOOL,
    FVI_REPORT_JSON_NUMBER,
    FVI_REPORT_JSON_STRING,
    FVI_REPORT_JSON_ARRAY,
    FVI_REPORT_JSON_OBJECT
} fvi_report_json_type;
typedef struct fvi_report_json fvi_report_json;
struct fvi_report_json {
    fvi_report_json_type type;
    const char *key;    /* member name inside an object, else null */
    const char *string; /* UTF-8, without NUL inside */
    double number;      /* also 0/1 of a bool */
    int count;          /* children */
    fvi_report_json *child, *next;
};

/* *root lives in `a`. FV_ERR_INPUT: err says line and what was expected. */
fv_status fvi_report_json_read(const fvi_report_json **root, fvi_arena *a, const char *text, size_t size, fv_error *err);
/* Member of an object; null when v is null, no object, or has no such member. */
const fvi_report_json *fvi_report_json_get(const fvi_report_json *v, const char *key);
/* Default when missing or of another type. */
double fvi_report_json_num(const fvi_report_json *v, const char *key, double def);
const char *fvi_report_json_str(const fvi_report_json *v, const char *key, const char *def);
#endif
