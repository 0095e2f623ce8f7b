/* op_quant.c: QuantizeLinear, DequantizeLinear (one scale, one an index of an axis, one a block), and what rewrites make of
 * pairs of them: FakeQuant (quantised and back, all in float) and QuantTable (any function of a value of 8 bits). */
#include "backend/cpu/loop.h"
#include "backend/cpu/quantise.h"
#include "backend/cpu/step.h"
#include <math.h>
#include <string.h>

enum { PART = 256 };

typedef struct quant_state {
    int loops; /* blocks that do not divide the axis leave a second, shorter one */
    fvi_loop loop[2];
    fvi_quant_fn quant;
    float scale, lo, hi, zero; /* of the whole tensor */
    int low, high;             /* of the quantised type */
    fvi_bytes_kern bytes;
    union {
        float f[256];
        uint8_t b[256];
    } table;
} quant_state;

static void run(fvi_step *s)
{
    const quant_state *q = s->state;
    for (int i = 0; i < q->loops; i++) fvi_loop_run(&q->loop[i], s->env->pool);
}

static void type_range(fv_dtype t, int *low, int *high)
{
    *low = t == FV_I8 ? INT8_MIN : t == FV_I16 ? INT16_MIN : 0;
    *high = t == FV_I8 ? INT8_MAX : t == FV_U8 ? UINT8_MAX : t == FV_I16 ? INT16_MAX : UINT16_MAX;
}

/* ---- one scale for all, known at load ---- */
#define QUANT_BLOCK(T, name)                                                                                           \
    static void name(const void *user, void *const *p, size_t n)                                                       \
    {                                                                                                                  \
        const quant_state *q = user;                                                                                   \
        T *y = p[0];                                                                                                   \
        const float *x = p[1];                                                                                         \
        float part[PART];                                                                                              \
        for (size_t i = 0; i < n; i += PART) {                                                                         \
            size_t m = n - i < PART ? n - i : PART;                                                                    \
            q->quant(part, x + i, m, q->scale, q->lo, q->hi, 1);                                                       \
            for (size_t k = 0; k < m; k++) y[i + k] = (T)((int)part[k] + (int)q->zero);                                \
        }                                                                                                              \
    }
static void quant_u8(const void *user, void *const *p, size_t n)
{
    const quant_state *q = user;
    fvi_cpu_quantise_bytes(q->quant, &q->bytes, p[0], p[1], n, q->scale, q->zero);
}
QUANT_BLOCK(int8_t, quant_i8)
QUANT_BLOCK(uint16_t, quant_u16)
QUANT_BLOCK(int16_t, quant_i16)

#define DEQUANT_BLOCK(T, name)                                                                                         \
    static void name(const void *user, void *const *p, size_t n)                                                       \
    {                                                                                                                  \
        const quant_state *q = user;                                                                                   \
        float *y = p[0];                                                                                               \
        const T *x = p[1];                                                                                             \
        for (size_t i = 0; i < n; i++) y[i] = ((float)x[i] - q->zero) * q->scale;                                      \
    }
static void dequant_u8(const void *user, void *const *p, size_t n)
{
    const quant_state *q = user;
    q->bytes.widen(p[0], p[1], n, (int)q->zero, q->scale);
}
DEQUANT_BLOCK(int8_t, dequant_i8)
DEQUANT_BLOCK(uint16_t, dequant_u16)
DEQUANT_BLOCK(int16_t, dequant_i16)

static void fake_block(const void *user, void *const *p, size_t n)
{
    const quant_state *q = user;
    q->quant(p[0], p[1], n, q->scale, q->lo, q->hi, q->scale);
}

#define TABLE_BLOCK(T, name, member)                                                                                   \
    static void name(const void *user, void *const *p, size_t n)                                                       \
    {                                                                                                                  \
        const quant_state *q = user;                                                                                   \
        T *y = p[0];                                                                                                   \
        const float *x = p[1];                                                                                         \
        float part[PART];                                                                                              \
        for (size_t i = 0; i < n; i += PART) {                                                                         \
            size_t m = n - i < PART ? n - i : PART;                                                                    \
            q->quant(part, x + i, m, q->scale, q->lo, q->hi, 1);                                                       \
            for (size_t k = 0; k < m; k++) y[i + k] = q->table.member[(int)(part[k] - q->lo)];                         \
        }                                                                                                              \
    }
TABLE_BLOCK(float, table_block, f)
TABLE_BLOCK(uint8_t, table_to_bytes_block, b)

static void bytes_to_floats_block(const void *user, void *const *p, size_t n)
{
    const quant_state *q = user;
    const uint8_t *x = p[1];
    float *y = p[0];
    for (size_t i = 0; i < n; i++) y[i] = q->table.f[x[i]];
}

static void bytes_to_bytes_block(const void *user, void *const *p, size_t n)
{
    const quant_state *q = user;
    fvi_bytes_lookup(p[0], p[1], n, q->table.b);
}

/* ---- scales as a third operand ---- */
/* y = value, x, scale, zero as float */
static void quant_each(const void *user, void *const *p, size_t n)
{
    const quant_state *q = user;
    const float *x = p[1], *scale = p[2], *zero = p[3];
    float *y = p[0];
    for (size_t i = 0; i < n; i++) {
        float v = x[i] / scale[i], lo = (float)q->low - zero[i], hi = (float)q->high - zero[i];
        v = v > lo ? v : lo;
        v = v < hi ? v : hi;
        y[i] = ((v + 12582912.0f) - 12582912.0f) + zero[i];
    }
}

/* the difference is taken in double: int32 does not fit a float */
static void dequant_each(const void *user, void *const *p, size_t n)
{
    const double *x = p[1], *zero = p[3];
    const float *scale = p[2];
    float *y = p[0];
    (void)user;
    for (size_t i = 0; i < n; i++) y[i] = (float)(x[i] - zero[i]) * scale[i];
}

/* A parameter with one value an index of `axis` as a tensor of x's rank; of x's rank already: as it is. */
static fvi_tensor along_axis(const fvi_tensor *p, const fvi_tensor *x, int64_t axis)
{
    fvi_tensor t = *p;
    if (p->rank == x->rank && p->rank != 1) return t;
    int64_t stride = p->rank == 1 ? p->stride[0] : 0, count = p->rank == 1 ? p->dim[0] : 1;
    t.rank = x->rank;
    for (int i = 0; i < x->rank; i++) {
        t.dim[i] = count > 1 && i == axis ? count : 1;
        t.stride[i] = count > 1 && i == axis ? stride : 0;
    }
    return t;
}

/* Dim `axis`, from `start`, as [count, size]; size 1 of a parameter: [count, 1]. */
static fvi_tensor cut(const fvi_tensor *t, int axis, int64_t start, int64_t count, int64_t size)
{
    fvi_tensor o = *t;
    o.data += start * t->stride[axis] * (int64_t)fv_dtype_size(t->dtype);
    for (int i = t->rank; i > axis + 1; i--) {
        o.dim[i] = t->dim[i - 1];
        o.stride[i] = t->stride[i - 1];
    }
    o.dim[axis] = count;
    o.stride[axis] = t->stride[axis] * size;
    o.dim[axis + 1] = size;
    o.stride[axis + 1] = t->stride[axis];
    o.rank = t->rank + 1;
    o.halo = 0;
    return o;
}

static fv_status prepare_each(fvi_step *s, quant_state *q, fvi_block_fn block, fv_dtype as_x, fv_dtype as_y, fv_error *err)
{
    static const int64_t none = 0;
    const fvi_tensor *x = &s->in[0], *y = &s->out[0];
    int64_t axis = fvi_node_int(s->node, "axis", 1), size = fvi_node_int(s->node, "block_size", 0);
    bool several = s->in[1].rank > 0 && fvi_tensor_count(&s->in[1]) > 1, blocked = several && size > 0 && s->in[1].rank == x->rank;
    if (!several) axis = 0;
    if (x->rank == 0 ? several : !fvi_cpu_axis(&axis, x->rank)) return fvi_error_set(err, FV_ERR_MODEL, "axis %lld is out of range", (long long)axis);
    fvi_tensor zero = {.dtype = FV_I8, .data = (char *)(uintptr_t)&none};
    if (fvi_cpu_has_input(s, 2)) {
        zero = s->in[2];
        if (fvi_tensor_count(&zero) != fvi_tensor_count(&s->in[1])) return fvi_error_set(err, FV_ERR_SHAPE, "scale and zero point differ in shape");
        zero = along_axis(&zero, x, axis);
    }
    fvi_tensor scale = along_axis(&s->in[1], x, axis);
    fv_dtype as[4] = {as_y, as_x, FV_F32, as_x};
    if (!blocked) {
        q->loops = 1;
        FVI_TRY(fvi_loop_init(&q->loop[0], 4, (fvi_tensor[]){*y, *x, scale, zero}, as, 1, err));
    } else {
        if (x->rank == FV_MAX_RANK) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "blocks of a tensor of %d dimensions", FV_MAX_RANK);
        int64_t whole = x->dim[axis] / size, rest = x->dim[axis] % size;
        if (scale.dim[axis] != whole + (rest > 0)) return fvi_error_set(err, FV_ERR_SHAPE, "its scales do not fit its blocks");
        int a = (int)axis;
        fvi_tensor flat_zero = zero.rank == x->rank ? zero : along_axis(&zero, x, axis);
        for (int part = 0; part < 2; part++) {
            int64_t first = part ? whole : 0, count = part ? 1 : whole, length = part ? rest : size;
            if (count == 0 || length == 0) continue;
            fvi_tensor t[4] = {cut(y, a, first * size, count, length), cut(x, a, first * size, count, length), cut(&scale, a, first, count, 1),
                               cut(&flat_zero, a, flat_zero.dim[a] > 1 ? first : 0, flat_zero.dim[a] > 1 ? count : 1, 1)};
            fvi_loop *l = &q->loop[q->loops++];
            FVI_TRY(fvi_loop_init(l, 4, t, as, 1, err));
        }
    }
    for (int i = 0; i < q->loops; i++) {
        q->loop[i].block = block;
        q->loop[i].user = q;
    }
    s->tactic = blocked ? "quantise blocks" : "quantise by axis";
    return FV_OK;
}

/* One scale and zero point for the whole tensor, both known. */
static bool fixed_scale(const fvi_step *s, quant_state *q)
{
    double scale, zero = 0;
    if (!fvi_cpu_input_scalar(s, 1, &scale) || (fvi_cpu_has_input(s, 2) && !fvi_cpu_input_scalar(s, 2, &zero))) return false;
    q->scale = (float)scale;
    q->zero = (float)zero;
    q->lo = (float)q->low - q->zero;
    q->hi = (float)q->high - q->zero;
    return true;
}

static fv_status start(fvi_step *s, quant_state **q, fv_dtype quantised, fv_error *err)
{
    FVI_TRY(fvi_cpu_need_type(s->in[1].dtype, FVI_TYPE_BIT(FV_F32), err));
    FVI_TRY(fvi_cpu_new_state(s, sizeof(quant_state), err));
    *q = s->state;
    fvi_elementwise k;
    fvi_elementwise_init(&k, s->env->cpu);
    (*q)->quant = k.quant;
    fvi_bytes_kern_init(&(*q)->bytes, s->env->cpu);
    type_range(quantised, &(*q)->low, &(*q)->high);
    s->run = run;
    return FV_OK;
}

static fv_status one_loop(fvi_step *s, quant_state *q, fvi_block_fn block, const char *tactic, double cost, fv_error *err)
{
    fv_dtype as[2] = {s->out[0].dtype, s->in[0].dtype};
    FVI_TRY(fvi_loop_init(&q->loop[0], 2, (fvi_tensor[]){s->out[0], s->in[0]}, as, cost, err));
    q->loops = 1;
    q->loop[0].block = block;
    q->loop[0].user = q;
    s->tactic = tactic;
    return FV_OK;
}

static fv_status prepare_quantize(fvi_step *s, fv_error *err)
{
    quant_state *q;
    fv_dtype t = s->out[0].dtype;
    FVI_TRY(fvi_cpu_need_type(s->in[0].dtype, FVI_TYPE_BIT(FV_F32), err));
    FVI_TRY(start(s, &q, t, err));
    if (!fixed_scale(s, q)) return prepare_each(s, q, quant_each, FV_F32, FV_F32, err);
    return one_loop(s, q, t == FV_U8 ? quant_u8 : t == FV_I8 ? quant_i8 : t == FV_U16 ? quant_u16 : quant_i16, "quantise", 0.5, err);
}

enum { STORED = FVI_TYPE_BIT(FV_I8) | FVI_TYPE_BIT(FV_U8) | FVI_TYPE_BIT(FV_I16) | FVI_TYPE_BIT(FV_U16), DEQUANT_TYPES = STORED | FVI_TYPE_BIT(FV_I32) };

static fv_status prepare_dequantize(fvi_step *s, fv_error *err)
{
    quant_state *q;
    fv_dtype t = s->in[0].dtype;
    FVI_TRY(fvi_cpu_need_type(t, DEQUANT_TYPES, err));
    FVI_TRY(start(s, &q, t, err));
    if (t == FV_I32 || !fixed_scale(s, q)) return prepare_each(s, q, dequant_each, FV_F64, FV_F32, err);
    return one_loop(s, q, t == FV_U8 ? dequant_u8 : t == FV_I8 ? dequant_i8 : t == FV_U16 ? dequant_u16 : dequant_i16, "dequantise", 0.25, err);
}

static fv_status prepare_fake(fvi_step *s, fv_error *err)
{
    quant_state *q;
    FVI_TRY(fvi_cpu_need_type(s->in[0].dtype, FVI_TYPE_BIT(FV_F32), err));
    FVI_TRY(fvi_cpu_need_type(s->in[2].dtype, STORED, err));
    FVI_TRY(start(s, &q, s->in[2].dtype, err));
    if (!fixed_scale(s, q)) return fvi_error_set(err, FV_ERR_MODEL, "scale and zero point must be constants of one element");
    return one_loop(s, q, fake_block, "fake quantise", 0.3, err);
}

/* From floats, which are quantised first, or bytes, to whatever the table holds. */
static fv_status prepare_table(fvi_step *s, fv_error *err)
{
    quant_state *q;
    const bool from_bytes = s->in[0].dtype == FV_U8, to_bytes = s->out[0].dtype == FV_U8;
    FVI_TRY(fvi_cpu_need_type(s->in[0].dtype, FVI_TYPE_BIT(FV_F32) | FVI_TYPE_BIT(FV_U8), err));
    FVI_TRY(fvi_cpu_need_type(s->in[2].dtype, STORED, err));
    FVI_TRY(start(s, &q, s->in[2].dtype, err));
    if (!fixed_scale(s, q)) return fvi_error_set(err, FV_ERR_MODEL, "scale and zero point must be constants of one element");
    if (q->high - q->low != 255 || !s->in_const[3] || s->in[3].dtype != s->out[0].dtype || fvi_tensor_count(&s->in[3]) != 256 || !fvi_tensor_is_dense(&s->in[3]))
        return fvi_error_set(err, FV_ERR_MODEL, "its table must be 256 constant floats or bytes");
    memcpy(&q->table, s->in[3].data, 256 * fv_dtype_size(s->in[3].dtype));
    const fvi_block_fn block = from_bytes ? to_bytes ? bytes_to_bytes_block : bytes_to_floats_block : to_bytes ? table_to_bytes_block : table_block;
    return one_loop(s, q, block, from_bytes ? "bytes by table" : "quantised function", 0.6, err);
}

static const char *refuse(const fvi_node *n)
{
    const unsigned table = FVI_TYPE_BIT(FV_F32) | FVI_TYPE_BIT(FV_U8);
    return fvi_cpu_refuse_type(n->in[0]->dtype, n->op == FVI_OP_DEQUANTIZE_LINEAR ? DEQUANT_TYPES : n->op == FVI_OP_QUANT_TABLE ? table : FVI_TYPE_BIT(FV_F32));
}

#define OP(id, in_place, prepare) {FVI_OP_##id, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, in_place, refuse, NULL, prepare}
const fvi_cpu_op fvi_cpu_quant_ops[] = {
    OP(QUANTIZE_LINEAR, false, prepare_quantize),
    OP(DEQUANTIZE_LINEAR, false, prepare_dequantize),
    OP(FAKE_QUANT, true, prepare_fake),
    OP(QUANT_TABLE, true, prepare_table),
    {FVI_OP_NONE},
};
