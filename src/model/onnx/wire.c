/* wire.c: protobuf's wire format: keys, varints, fixed numbers and length-delimited bytes. Called by the importer. */
#include "model/onnx/wire.h"

bool fvi_wire_varint(fvi_span *s, uint64_t *v)
{
    uint64_t r = 0;
    for (int shift = 0; shift < 70; shift += 7) {
        if (s->n == 0) return false;
        uint8_t b = *s->p;
        s->p++;
        s->n--;
        if (shift < 64) r |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80)) {
            *v = r;
            return true;
        }
    }
    return false;
}

static bool fixed(fvi_span *s, int bytes, uint64_t *v)
{
    if (s->n < (size_t)bytes) return false;
    *v = 0;
    for (int i = 0; i < bytes; i++) *v |= (uint64_t)s->p[i] << (8 * i);
    s->p += bytes;
    s->n -= (size_t)bytes;
    return true;
}

fvi_wire_state fvi_wire_next(fvi_span *s, fvi_field *f)
{
    uint64_t key;
    if (s->n == 0) return FVI_WIRE_END;
    size_t before = s->n;
    if (!fvi_wire_varint(s, &key)) return before < 10 ? FVI_WIRE_CUT : FVI_WIRE_DAMAGED;
    *f = (fvi_field){.number = (uint32_t)(key >> 3), .type = (fvi_wire_type)(key & 7)};
    if (key >> 3 == 0 || key >> 3 > 0x1fffffff) return FVI_WIRE_DAMAGED;
    before = s->n;
    switch (f->type) {
    case FVI_WIRE_VARINT: return fvi_wire_varint(s, &f->value) ? FVI_WIRE_OK : before < 10 ? FVI_WIRE_CUT : FVI_WIRE_DAMAGED;
    case FVI_WIRE_FIXED64: return fixed(s, 8, &f->value) ? FVI_WIRE_OK : FVI_WIRE_CUT;
    case FVI_WIRE_FIXED32: return fixed(s, 4, &f->value) ? FVI_WIRE_OK : FVI_WIRE_CUT;
    case FVI_WIRE_BYTES:
        if (!fvi_wire_varint(s, &f->value)) return before < 10 ? FVI_WIRE_CUT : FVI_WIRE_DAMAGED;
        if (f->value > s->n) return FVI_WIRE_CUT;
        f->bytes = (fvi_span){s->p, (size_t)f->value};
        s->p += f->bytes.n;
        s->n -= f->bytes.n;
        return FVI_WIRE_OK;
    default: return FVI_WIRE_DAMAGED; /* groups ended with proto2; ONNX never had them */
    }
}
