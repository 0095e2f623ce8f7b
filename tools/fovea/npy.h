/* npy.h: NumPy's .npy files (format 1 to 3) <-> dense tensors. */
#ifndef FOVEA_TOOL_NPY_H
#define FOVEA_TOOL_NPY_H
#include "text.h"
#include <fovea/tensor.h>

/* Reads a whole file into *t; any byte order and either element order come out native and row-major. t->data is owned:
 * free(). FV_ERR_INPUT: not such a file, cut short, or of a type that no tensor has. */
fv_status npy_read(const char *path, fv_tensor *t, fv_error *err);
/* The same from memory; `name` is for messages. */
fv_status npy_parse(const void *bytes, size_t size, const char *name, fv_tensor *t, fv_error *err);
/* Appends the header of format 1.0, a multiple of 64 bytes, for data in this machine's (little) byte order. */
void npy_header(text *f, const fv_tensor *t);
/* Writes format 1.0, replacing what is there at the end only. bfloat16 becomes float32, which NumPy knows. */
fv_status npy_write(const char *path, const fv_tensor *t, fv_error *err);
#endif
