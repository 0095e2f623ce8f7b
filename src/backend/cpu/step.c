/* step.c: reading of constant operands, type checks and state of steps; used by every op_*.c. */
#include "backend/cpu/step.h"
#include "kern/elementwise.h"
#include <string.h>

const char *fvi_cpu_refuse_type(fv_dtype t, unsigned allowed)
{
    static const char *const text[FV_DTYPE_COUNT] = {
#define TEXT(id, bytes, name) "elements of type " name,
        FV_DTYPE_LIST(TEXT)
#undef TEXT
    };
    return t == FV_NONE || (allowed & FVI_TYPE_BIT(t)) ? NULL : text[t];
}

fv_status fvi_cpu_need_type(fv_dtype t, unsigned allowed, fv_error *err)
{
    if (t != FV_NONE && (allowed & FVI_TYPE_BIT(t))) return FV_OK;
    return fvi_error_set(err, FV_ERR_UNSUPPORTED, "elements of type %s are not supported", fv_dtype_name(t));
}

bool fvi_cpu_has_input(const fvi_step *s, int i) { return i < s->n_in && s->in[i].dtype != FV_NONE; }

int fvi_cpu_input_ints(const fvi_step *s, int i, int64_t *out, int max)
{
    if (!fvi_cpu_has_input(s, i) || !s->in_const[i]) return -1;
    const fvi_tensor *t = &s->in[i];
    int64_t n = fvi_tensor_count(t);
    if (t->rank > 1 || n > max || (t->dtype != FV_I64 && t->dtype != FV_I32)) return -1;
    int64_t stride = t->rank ? t->stride[0] : 1;
    for (int64_t k = 0; k < n; k++)
        out[k] = t->dtype == FV_I64 ? ((const int64_t *)(const void *)t->data)[k * stride]
                                    : ((const int32_t *)(const void *)t->data)[k * stride];
    return (int)n;
}

int fvi_cpu_ints(const fvi_step *s, int i, const char *name, int64_t *out, int max)
{
    if (i > 0 && fvi_cpu_has_input(s, i)) return fvi_cpu_input_ints(s, i, out, max);
    int n = fvi_node_ints(s->node, name, out, max);
    return n > max ? -1 : n;
}

bool fvi_cpu_input_scalar(const fvi_step *s, int i, double *out)
{
    if (!fvi_cpu_has_input(s, i) || !s->in_const[i] || fvi_tensor_count(&s->in[i]) != 1) return false;
    fvi_convert(FV_F64, s->in[i].dtype)(out, s->in[i].data, 1);
    return true;
}

bool fvi_cpu_axis(int64_t *axis, int rank)
{
    if (*axis < -rank || *axis >= rank) return false;
    if (*axis < 0) *axis += rank;
    return true;
}

fv_status fvi_cpu_new_state(fvi_step *s, size_t bytes, fv_error *err)
{
    s->state = fvi_calloc(1, bytes);
    return s->state ? FV_OK : fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
}
