/* wire_write.h: protobuf's wire format, written. Large data is not copied: a message is a row of parts, some of which point to where
 * the data lies. Running out of memory only sets `failed`. Threads: one at a time. */
#ifndef FVI_MODEL_ONNX_WIRE_WRITE_H
#define FVI_MODEL_ONNX_WIRE_WRITE_H
#include "base/file.h"
#include "base/str.h"
#include <stdint.h>

typedef struct fvi_wire_out {
    fvi_str small;       /* bytes that are not pointed to */
    fvi_file_part *part; /* in order; data null: the next `size` bytes of `small` */
    size_t n, cap, size; /* size: bytes in all */
    bool failed;
} fvi_wire_out;

void fvi_wire_put_int(fvi_wire_out *o, uint32_t field, int64_t v);
void fvi_wire_put_float(fvi_wire_out *o, uint32_t field, float v);
void fvi_wire_put_text(fvi_wire_out *o, uint32_t field, const char *s);
void fvi_wire_put_bytes(fvi_wire_out *o, uint32_t field, const void *data, size_t size); /* data is borrowed */
void fvi_wire_put_raw(fvi_wire_out *o, const void *data, size_t size); /* without a tag; borrowed */
/* A message in a message; m is emptied and freed. */
void fvi_wire_put_message(fvi_wire_out *o, uint32_t field, fvi_wire_out *m);
/* Parts with addresses: what can be written. Valid until the next put. False: out of memory. */
bool fvi_wire_parts(fvi_wire_out *o);
void fvi_wire_out_free(fvi_wire_out *o);
#endif
