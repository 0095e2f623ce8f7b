/* ports.c: ValueInfoProto (inputs, outputs, intermediate values): type and shape, with names of symbolic dimensions. */
#include "base/alloc.h"
#include "model/onnx/internal.h"

static fv_status read_dim(fvi_onnx *o, fvi_span s, fvi_value *v, int i)
{
    fvi_field f;
    bool more;
    v->dim[i] = FVI_DIM_UNKNOWN;
    for (;;) {
        FVI_TRY(fvi_onnx_next(o, &s, &f, "a dimension", &more));
        if (!more) return FV_OK;
        if (f.number == 1 && f.type == FVI_WIRE_VARINT) {
            int64_t d = (int64_t)f.value;
            if (d > FVI_ONNX_MAX_DIM)
                return fvi_error_set(o->err, FV_ERR_MODEL_FORMAT, "a dimension of \"%.120s\" is %lld", v->name,
                                     (long long)d);
            v->dim[i] = d > 0 ? d : FVI_DIM_UNKNOWN; /* some exporters write 0 or -1 for "any" */
        }
        if (f.number == 2 && f.bytes.n && !v->symbol[i]) FVI_TRY(fvi_onnx_text(o, &f, FVI_ONNX_MAX_NAME, &v->symbol[i]));
    }
}

static fv_status read_shape(fvi_onnx *o, fvi_span s, fvi_value *v)
{
    fvi_field f;
    bool more;
    v->rank = 0;
    for (;;) {
        FVI_TRY(fvi_onnx_next(o, &s, &f, "a shape", &more));
        if (!more) return FV_OK;
        if (f.number != 1 || f.type != FVI_WIRE_BYTES) continue;
        if (v->rank == FV_MAX_RANK) {
            v->rank = -1;
            return fvi_error_set(o->err, FV_ERR_UNSUPPORTED, "\"%.120s\" has more than %d dimensions", v->name, FV_MAX_RANK);
        }
        FVI_TRY(read_dim(o, f.bytes, v, v->rank++));
    }
}

static fv_status read_tensor_type(fvi_onnx *o, fvi_span s, fvi_value *v)
{
    fvi_field f;
    bool more;
    for (;;) {
        FVI_TRY(fvi_onnx_next(o, &s, &f, "a tensor type", &more));
        if (!more) return FV_OK;
        if (f.number == 1) {
            v->dtype = fvi_onnx_dtype((int64_t)f.value);
            v->declared = fvi_onnx_dtype_declared((int64_t)f.value);
            if (fvi_onnx_dtype_widened((int64_t)f.value)) o->widened++;
            if (v->dtype == FV_NONE && f.value)
                return fvi_error_set(o->err, FV_ERR_UNSUPPORTED, "\"%.120s\" is of type %s, which is not supported",
                                     v->name, fvi_onnx_dtype_name((int64_t)f.value));
        }
        if (f.number == 2 && f.type == FVI_WIRE_BYTES) FVI_TRY(read_shape(o, f.bytes, v));
    }
}

static fv_status read_type(fvi_onnx *o, fvi_span s, fvi_value *v)
{
    fvi_field f;
    bool more;
    for (;;) {
        FVI_TRY(fvi_onnx_next(o, &s, &f, "a type", &more));
        if (!more) return FV_OK;
        if (f.number == 1 && f.type == FVI_WIRE_BYTES) FVI_TRY(read_tensor_type(o, f.bytes, v));
        if (f.number == 4 || f.number == 5 || f.number == 8 || f.number == 9)
            return fvi_error_set(o->err, FV_ERR_UNSUPPORTED,
                                 "\"%.120s\" is a sequence, a map or an optional value; only tensors are supported",
                                 v->name);
    }
}

fv_status fvi_onnx_value_info(fvi_onnx *o, fvi_span s, fvi_value *v, fvi_span *name)
{
    fvi_field f;
    bool more;
    *name = (fvi_span){NULL, 0};
    for (;;) {
        FVI_TRY(fvi_onnx_next(o, &s, &f, "a value description", &more));
        if (!more) return FV_OK;
        if (f.number == 1) *name = f.bytes;
        if (f.number == 2 && f.type == FVI_WIRE_BYTES && v) FVI_TRY(read_type(o, f.bytes, v));
    }
}
