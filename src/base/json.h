/* json.h: JSON writer onto an fvi_str; commas and nesting are its job. NaN and infinity are written as null. Nesting deeper
 * than 31, or an end too many, sets out->failed. Threads: one at a time. */
#ifndef FVI_BASE_JSON_H
#define FVI_BASE_JSON_H
#include "base/str.h"
#include <stdint.h>
typedef struct fvi_json {
    fvi_str *out;
    int depth;
    bool comma[32];
    bool pretty; /* newline and two blanks a level */
    bool after_key;
} fvi_json;
void fvi_json_begin(fvi_json *j, fvi_str *out, bool pretty);
void fvi_json_object(fvi_json *j);
void fvi_json_end_object(fvi_json *j);
void fvi_json_array(fvi_json *j);
void fvi_json_end_array(fvi_json *j);
void fvi_json_key(fvi_json *j, const char *key);
void fvi_json_string(fvi_json *j, const char *s); /* null pointer: null */
void fvi_json_int(fvi_json *j, int64_t v);
void fvi_json_bool(fvi_json *j, bool v);
void fvi_json_null(fvi_json *j);
/* shortest of `decimals` digits after the point, trailing zeros removed */
void fvi_json_number(fvi_json *j, double v, int decimals);
#endif
