/* builtin.h: the table of the models that the build found in models/. */
#ifndef FVI_MODEL_BUILTIN_BUILTIN_H
#define FVI_MODEL_BUILTIN_BUILTIN_H
#include <stdint.h>

typedef struct fvi_builtin_model {
    const char *name, *about;
    const uint8_t *begin, *end; /* the ONNX file */
} fvi_builtin_model;
extern const fvi_builtin_model fvi_builtin_models[]; /* [fvi_builtin_count] */
extern const int fvi_builtin_count;
#endif
