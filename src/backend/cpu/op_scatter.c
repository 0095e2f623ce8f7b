/* op_scatter.c: ScatterElements, ScatterND and GatherND: elements or slices put to, or taken from, places that a tensor of
 * indices names. Indices outside are an error when they are constant, and are clamped when they come from the data. */
#include "backend/cpu/fold_dims.h"
#include "backend/cpu/loop.h"
#include <string.h>

typedef enum scatter_how { PUT, ADD, MUL, MAX, MIN } scatter_how;
typedef struct scatter_state {
    int depth, batch; /* index dims that one tuple names; leading dims that both sides share */
    int64_t tuples, slice; /* how many places; elements at each */
    fvi_tensor inner[2];   /* one slice of the indexed tensor (strides), of the updates or output */
    scatter_how how;
    int axis;
} scatter_state;

static int64_t clamp_index(int64_t i, int64_t dim)
{
    if (i < 0) i += dim;
    return i < 0 ? 0 : i >= dim ? dim - 1 : i;
}

static int64_t index_value(const fvi_tensor *t, int64_t offset)
{
    return t->dtype == FV_I64 ? ((const int64_t *)(const void *)t->data)[offset] : ((const int32_t *)(const void *)t->data)[offset];
}

#define COMBINE(T)                                                                                                     \
    {                                                                                                                  \
        T a, b;                                                                                                        \
        memcpy(&a, to, sizeof a);                                                                                      \
        memcpy(&b, from, sizeof b);                                                                                    \
        a = (T)(how == ADD ? a + b : how == MUL ? a * b : how == MAX ? (b > a ? b : a) : (b < a ? b : a));             \
        memcpy(to, &a, sizeof a);                                                                                      \
        return;                                                                                                        \
    }
/* Unsigned types for sums and products of integers: they wrap. */
#define COMBINE_INT(T, U)                                                                                              \
    {                                                                                                                  \
        T a, b;                                                                                                        \
        memcpy(&a, to, sizeof a);                                                                                      \
        memcpy(&b, from, sizeof b);                                                                                    \
        a = how == ADD ? (T)((U)a + (U)b) : how == MUL ? (T)((U)a * (U)b) : how == MAX ? (b > a ? b : a) : (b < a ? b : a); \
        memcpy(to, &a, sizeof a);                                                                                      \
        return;                                                                                                        \
    }
static void combine(char *to, const char *from, fv_dtype t, scatter_how how)
{
    if (how == PUT) {
        memcpy(to, from, fv_dtype_size(t));
        return;
    }
    switch (t) {
    case FV_F32: COMBINE(float)
    case FV_I32: COMBINE_INT(int32_t, uint32_t)
    case FV_I64: COMBINE_INT(int64_t, uint64_t)
    default: return;
    }
}

static void run_elements(fvi_step *s)
{
    const scatter_state *m = s->state;
    const fvi_tensor *ix = &s->in[1], *u = &s->in[2], *y = &s->out[0];
    int64_t es = (int64_t)fv_dtype_size(y->dtype);
    fvi_tensor_copy(y, &s->in[0]);
    for (int64_t f = 0; f < m->tuples; f++) {
        int64_t rest = f, to = 0, from = 0, at = 0;
        for (int i = ix->rank - 1; i >= 0; i--) {
            int64_t p = rest % ix->dim[i];
            rest /= ix->dim[i];
            at += p * ix->stride[i];
            from += p * u->stride[i];
            if (i != m->axis) to += p * y->stride[i];
        }
        to += clamp_index(index_value(ix, at), y->dim[m->axis]) * y->stride[m->axis];
        combine(y->data + to * es, u->data + from * es, y->dtype, m->how);
    }
}

/* Offset in `indexed` of the place that tuple f names. */
static int64_t tuple_offset(const scatter_state *m, const fvi_tensor *ix, const fvi_tensor *indexed, int64_t f)
{
    int64_t rest = f, at = 0, to = 0;
    for (int i = ix->rank - 2; i >= 0; i--) {
        int64_t p = rest % ix->dim[i];
        rest /= ix->dim[i];
        at += p * ix->stride[i];
        if (i < m->batch) to += p * indexed->stride[i];
    }
    for (int i = 0; i < m->depth; i++)
        to += clamp_index(index_value(ix, at + i * ix->stride[ix->rank - 1]), indexed->dim[m->batch + i]) * indexed->stride[m->batch + i];
    return to;
}

/* Offset in the updates (or the output of GatherND) of tuple f: their first dims are those of the indices but the last. */
static int64_t slice_offset(const fvi_tensor *ix, const fvi_tensor *t, int64_t f)
{
    int64_t off = 0;
    for (int i = ix->rank - 2; i >= 0; i--) {
        off += f % ix->dim[i] * t->stride[i];
        f /= ix->dim[i];
    }
    return off;
}

static void run_nd(fvi_step *s)
{
    const scatter_state *m = s->state;
    bool gather = s->node->op == FVI_OP_GATHER_ND;
    const fvi_tensor *ix = &s->in[1], *indexed = gather ? &s->in[0] : &s->out[0], *other = gather ? &s->out[0] : &s->in[2];
    int64_t es = (int64_t)fv_dtype_size(indexed->dtype);
    if (!gather) fvi_tensor_copy(&s->out[0], &s->in[0]);
    for (int64_t f = 0; f < m->tuples; f++) {
        char *a = indexed->data + tuple_offset(m, ix, indexed, f) * es, *b = other->data + slice_offset(ix, other, f) * es;
        for (int64_t k = 0; k < m->slice; k++) {
            char *p = a + fvi_flat_offset(&m->inner[0], k) * es, *q = b + fvi_flat_offset(&m->inner[1], k) * es;
            combine(gather ? q : p, gather ? p : q, indexed->dtype, m->how);
        }
    }
}

/* ---- prepare ---- */
static fv_status read_how(const fvi_step *s, scatter_how *how, fv_error *err)
{
    static const char *const names[] = {"none", "add", "mul", "max", "min"};
    const char *name = fvi_node_string(s->node, "reduction", "none");
    for (int i = 0; i < 5; i++)
        if (strcmp(name, names[i]) == 0) {
            *how = (scatter_how)i;
            return i == PUT ? FV_OK : fvi_cpu_need_type(s->in[0].dtype, FVI_TYPE_BIT(FV_F32) | FVI_TYPE_BIT(FV_I32) | FVI_TYPE_BIT(FV_I64), err);
        }
    return fvi_error_set(err, FV_ERR_UNSUPPORTED, "a reduction of \"%.20s\" is not supported", name);
}

/* Constant indices: number f of a row of `depth` belongs to a dim of dims[f % depth]. */
static fv_status check_indices(const fvi_step *s, const int64_t *dims, int depth, fv_error *err)
{
    const fvi_tensor *t = &s->in[1];
    int64_t n = fvi_tensor_count(t);
    FVI_TRY(fvi_cpu_need_type(t->dtype, FVI_TYPE_BIT(FV_I64) | FVI_TYPE_BIT(FV_I32), err));
    for (int i = 0; i < depth && n > 0; i++)
        if (dims[i] == 0) return fvi_error_set(err, FV_ERR_SHAPE, "nothing has an index along an empty dimension");
    if (!s->in_const[1]) return FV_OK;
    for (int64_t f = 0; f < n; f++) {
        int64_t dim = dims[f % depth], i = index_value(t, t->rank ? fvi_flat_offset(t, f) : 0);
        if (i < -dim || i >= dim) return fvi_error_set(err, FV_ERR_MODEL, "index %lld is out of range for a dimension of %lld", (long long)i, (long long)dim);
    }
    return FV_OK;
}

static fv_status prepare_elements(fvi_step *s, fv_error *err)
{
    const fvi_tensor *x = &s->in[0];
    int64_t axis = fvi_node_int(s->node, "axis", 0);
    scatter_how how;
    FVI_TRY(fvi_cpu_need_type(x->dtype, FVI_TYPES_ANY, err));
    FVI_TRY(read_how(s, &how, err));
    if (!fvi_cpu_axis(&axis, x->rank)) return fvi_error_set(err, FV_ERR_MODEL, "axis is out of range");
    bool fits = fvi_tensor_same_shape(x, &s->out[0]) && fvi_tensor_same_shape(&s->in[1], &s->in[2]) && s->in[1].rank == x->rank && s->in[2].dtype == x->dtype;
    for (int i = 0; i < x->rank && fits; i++) fits = i == axis || s->in[1].dim[i] <= x->dim[i];
    if (!fits) return fvi_error_set(err, FV_ERR_SHAPE, "data, indices and updates do not fit");
    FVI_TRY(check_indices(s, &x->dim[axis], 1, err));
    FVI_TRY(fvi_cpu_new_state(s, sizeof(scatter_state), err));
    scatter_state *m = s->state;
    m->how = how;
    m->axis = (int)axis;
    m->tuples = fvi_tensor_count(&s->in[1]);
    s->run = run_elements;
    s->tactic = "scatter";
    return FV_OK;
}

static fv_status prepare_nd(fvi_step *s, fv_error *err)
{
    bool gather = s->node->op == FVI_OP_GATHER_ND;
    const fvi_tensor *x = &s->in[0], *ix = &s->in[1], *other = gather ? &s->out[0] : &s->in[2];
    int64_t batch = gather ? fvi_node_int(s->node, "batch_dims", 0) : 0;
    scatter_how how = PUT;
    FVI_TRY(fvi_cpu_need_type(x->dtype, FVI_TYPES_ANY, err));
    if (!gather) FVI_TRY(read_how(s, &how, err));
    if (ix->rank < 1 || batch < 0 || batch >= ix->rank) return fvi_error_set(err, FV_ERR_SHAPE, "indices have %d dimensions", ix->rank);
    int64_t depth = ix->dim[ix->rank - 1];
    bool fits = depth >= 1 && depth <= x->rank - batch && other->dtype == x->dtype && other->rank == ix->rank - 1 + x->rank - batch - depth;
    fits = fits && (gather || fvi_tensor_same_shape(x, &s->out[0]));
    for (int i = 0; i < ix->rank - 1 && fits; i++) fits = other->dim[i] == ix->dim[i] && (i >= batch || x->dim[i] == ix->dim[i]);
    for (int i = (int)(batch + depth), o = ix->rank - 1; i < x->rank && fits; i++, o++) fits = other->dim[o] == x->dim[i];
    if (!fits) return fvi_error_set(err, FV_ERR_SHAPE, "data, indices and %s do not fit", gather ? "output" : "updates");
    FVI_TRY(check_indices(s, x->dim + batch, (int)depth, err));
    FVI_TRY(fvi_cpu_new_state(s, sizeof(scatter_state), err));
    scatter_state *m = s->state;
    m->how = how;
    m->depth = (int)depth;
    m->batch = (int)batch;
    m->tuples = m->slice = 1;
    for (int i = 0; i < ix->rank - 1; i++) m->tuples *= ix->dim[i];
    const fvi_tensor *indexed = gather ? x : &s->out[0];
    for (int i = (int)(batch + depth), o = ix->rank - 1; i < x->rank; i++, o++) {
        const fvi_tensor *from[2] = {indexed, other};
        int dim[2] = {i, o};
        for (int k = 0; k < 2; k++) {
            fvi_tensor *t = &m->inner[k];
            t->dim[t->rank] = x->dim[i];
            t->stride[t->rank++] = from[k]->stride[dim[k]];
        }
        m->slice *= x->dim[i];
    }
    for (int k = 0; k < 2; k++)
        if (m->inner[k].rank == 0) m->inner[k] = (fvi_tensor){.rank = 1, .dim = {1}, .stride = {1}};
    s->run = run_nd;
    s->tactic = gather ? "gather slices" : "scatter slices";
    return FV_OK;
}

static const char *refuse(const fvi_node *n) { return fvi_cpu_refuse_type(n->in[0]->dtype, FVI_TYPES_ANY); }

#define OP(id, prepare) {FVI_OP_##id, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, false, refuse, NULL, prepare}
const fvi_cpu_op fvi_cpu_scatter_ops[] = {
    OP(SCATTER_ELEMENTS, prepare_elements),
    OP(SCATTER, prepare_elements),
    OP(SCATTER_ND, prepare_nd),
    OP(GATHER_ND, prepare_nd),
    {FVI_OP_NONE},
};
