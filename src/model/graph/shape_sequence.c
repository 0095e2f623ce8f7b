/* shape_sequence.c: shape rules of attention and of other operators of sequence models. */
#include "base/checked.h"
#include "base/error.h"
#include "model/graph/shape.h"

/* Optional outputs of a node are there up to the last one that is named. */
static fv_status set_optional(fvi_node *n, int k, fv_dtype t, const fvi_dims *s, fv_error *err) { return k < n->n_out ? fvi_shape_set(n, k, t, s, err) : FV_OK; }

static fv_status heads_of(const fvi_node *n, const fvi_dims *x, const char *attr, fvi_dims *out, fv_error *err)
{
    *out = *x;
    if (x->rank == 4) return FV_OK;
    int64_t heads = fvi_node_int(n, attr, 0);
    if (x->rank != 3) return fvi_node_error(n, err, FV_ERR_SHAPE, "its inputs must have 3 or 4 dimensions, not %d", x->rank);
    if (heads < 1 || (x->d[2] >= 0 && x->d[2] % heads)) return fvi_node_error(n, err, FV_ERR_MODEL, "%lld does not divide into %s", (long long)x->d[2], attr);
    *out = (fvi_dims){.rank = 4, .d = {x->d[0], heads, x->d[1], x->d[2] < 0 ? FVI_DIM_UNKNOWN : x->d[2] / heads}};
    return FV_OK;
}

fv_status fvi_shape_attention(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims in[3], q, k, v, past;
    for (int i = 0; i < 3; i++) {
        FVI_TRY(fvi_shape_in(n, i, &in[i], err));
        if (in[i].rank != in[0].rank) return fvi_node_error(n, err, FV_ERR_SHAPE, "its queries, keys and values differ in rank");
    }
    FVI_TRY(heads_of(n, &in[0], "q_num_heads", &q, err));
    FVI_TRY(heads_of(n, &in[1], "kv_num_heads", &k, err));
    FVI_TRY(heads_of(n, &in[2], "kv_num_heads", &v, err));
    fv_dtype t = n->in[0]->dtype;
    int64_t width = v.d[3];
    fvi_dims y = {.rank = 4, .d = {q.d[0], q.d[1], q.d[2], width}};
    if (in[0].rank == 3) y = (fvi_dims){.rank = 3, .d = {q.d[0], q.d[2], width < 0 || !fvi_mul_i64(q.d[1], width, &width) ? FVI_DIM_UNKNOWN : width}};
    FVI_TRY(fvi_shape_set(n, 0, t, &y, err));
    if (n->n_in > 4 && n->in[4]) {
        FVI_TRY(fvi_shape_in(n, 4, &past, err));
        if (past.rank != 4) return fvi_node_error(n, err, FV_ERR_SHAPE, "its past keys must have 4 dimensions");
        k.d[2] = k.d[2] < 0 || past.d[2] < 0 ? FVI_DIM_UNKNOWN : k.d[2] + past.d[2];
        v.d[2] = k.d[2];
    }
    FVI_TRY(set_optional(n, 1, t, &k, err));
    FVI_TRY(set_optional(n, 2, t, &v, err));
    fvi_dims scores = {.rank = 4, .d = {q.d[0], q.d[1], q.d[2], k.d[2]}};
    return set_optional(n, 3, t, &scores, err);
}

fv_status fvi_shape_linear_attention(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims in[3], h[3];
    for (int i = 0; i < 3; i++) {
        FVI_TRY(fvi_shape_in(n, i, &in[i], err));
        if (in[i].rank != 3) return fvi_node_error(n, err, FV_ERR_SHAPE, "its inputs must have 3 dimensions");
        FVI_TRY(heads_of(n, &in[i], i ? "kv_num_heads" : "q_num_heads", &h[i], err));
    }
    int64_t width = h[2].d[3];
    fvi_dims y = {.rank = 3, .d = {in[0].d[0], in[0].d[1], width < 0 || !fvi_mul_i64(width, h[0].d[1], &width) ? FVI_DIM_UNKNOWN : width}};
    fvi_dims state = {.rank = 4, .d = {in[0].d[0], h[1].d[1], h[0].d[3], h[2].d[3]}};
    FVI_TRY(fvi_shape_set(n, 0, n->in[0]->dtype, &y, err));
    return fvi_shape_set(n, 1, n->in[0]->dtype, &state, err);
}

fv_status fvi_shape_causal_conv(fvi_graph *g, fvi_node *n, fv_error *err)
{
    (void)g;
    fvi_dims x, w;
    FVI_TRY(fvi_shape_in(n, 0, &x, err));
    FVI_TRY(fvi_shape_in(n, 1, &w, err));
    if (x.rank != 3 || w.rank != 3 || w.d[1] != 1 || w.d[2] < 1 || (x.d[1] >= 0 && x.d[1] != w.d[0])) return fvi_node_error(n, err, FV_ERR_SHAPE, "its weights do not fit its input");
    FVI_TRY(fvi_shape_set(n, 0, n->in[0]->dtype, &x, err));
    x.d[2] = w.d[2] - 1;
    return set_optional(n, 1, n->in[0]->dtype, &x, err);
}
