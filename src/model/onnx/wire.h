/* wire.h: reading protobuf's wire format from untrusted bytes, without allocating. */
#ifndef FVI_MODEL_ONNX_WIRE_H
#define FVI_MODEL_ONNX_WIRE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fvi_span {
    const uint8_t *p;
    size_t n;
} fvi_span;

typedef enum fvi_wire_type { FVI_WIRE_VARINT = 0, FVI_WIRE_FIXED64 = 1, FVI_WIRE_BYTES = 2, FVI_WIRE_FIXED32 = 5 } fvi_wire_type;
typedef struct fvi_field {
    uint32_t number;
    fvi_wire_type type;
    uint64_t value; /* of VARINT, FIXED64, FIXED32 */
    fvi_span bytes; /* of BYTES */
} fvi_field;

typedef enum fvi_wire_state { FVI_WIRE_OK, FVI_WIRE_END, FVI_WIRE_CUT, FVI_WIRE_DAMAGED } fvi_wire_state;

/* Reads the next field and moves *s past it. CUT: a field goes on past the end. DAMAGED: not protobuf. */
fvi_wire_state fvi_wire_next(fvi_span *s, fvi_field *f);
/* One varint of a packed list. */
bool fvi_wire_varint(fvi_span *s, uint64_t *v);
#endif
