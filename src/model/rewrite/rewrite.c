/* rewrite.c: the passes in order, with relink, infer and verify between them. Second step of the model road; called by
 * the engine on a graph whose input shapes are settled. */
#include "model/rewrite/internal.h"

#define MAX_ROUNDS 4 /* of clean-up: each round can open the way for the next */

bool fvi_rewrite_same_shape(const fvi_value *a, const fvi_value *b)
{
    if (a->rank < 0 || a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] < 0 || a->dim[i] != b->dim[i]) return false;
    return true;
}

fvi_value *fvi_rewrite_ints(fvi_graph *g, const int64_t *v, int count)
{
    int64_t dim = count;
    return fvi_graph_add_constant(g, NULL, FV_I64, 1, &dim, v);
}

static bool all_ones(const fvi_node *n, const char *name)
{
    int64_t v[FV_MAX_RANK];
    int count = fvi_node_ints(n, name, v, FV_MAX_RANK);
    for (int i = 0; i < count && i < FV_MAX_RANK; i++)
        if (v[i] != 1) return false;
    return count <= FV_MAX_RANK;
}

static bool no_pads(const fvi_node *n)
{
    int64_t v[2 * FV_MAX_RANK];
    int count = fvi_node_ints(n, "pads", v, 2 * FV_MAX_RANK);
    for (int i = 0; i < count && i < 2 * FV_MAX_RANK; i++)
        if (v[i]) return false;
    return count <= 2 * FV_MAX_RANK;
}

bool fvi_rewrite_is_pointwise(const fvi_node *n)
{
    if (n->op != FVI_OP_CONV || n->out[0]->rank != 4 || n->in[0]->dtype != FV_F32) return false;
    const fvi_value *w = n->in[1], *b = n->n_in > 2 ? n->in[2] : NULL;
    if (!w->constant || w->dtype != FV_F32 || w->rank != 4 || w->dim[2] != 1 || w->dim[3] != 1 || (b && !b->constant)) return false;
    if (fvi_value_count(n->in[0]) < 1 || fvi_value_count(n->out[0]) < 1 || w->dim[1] != n->in[0]->dim[1]) return false;
    return fvi_node_int(n, "group", 1) == 1 && all_ones(n, "strides") && no_pads(n);
}

bool fvi_rewrite_rename(fvi_graph *g, fvi_value *v)
{
    char *name = fvi_arena_printf(g->arena, "~%lld", (long long)g->counter++);
    if (name) v->name = name;
    return name;
}

int64_t fvi_rewrite_copy_budget(const fvi_graph *g)
{
    const int64_t times = 8;
    int64_t bytes = 1 << 20;
    for (int i = 0; i < g->n_values; i++)
        if (g->values[i]->constant && g->values[i]->dtype == FV_F32) bytes += fvi_value_count(g->values[i]) * 4 * times;
    return bytes;
}

fv_status fvi_rewrite_memory(fv_error *err) { return fvi_error_set(err, FV_ERR_MEMORY, "out of memory while rewriting the graph"); }

static fv_status settle(fvi_graph *g, fv_error *err)
{
    FVI_TRY(fvi_graph_relink(g, err));
    FVI_TRY(fvi_graph_infer(g, err));
    return fvi_graph_verify(g, err);
}

static fv_status clean(fvi_graph *g, fv_error *err)
{
    bool changed = true;
    for (int round = 0; changed && round < MAX_ROUNDS; round++) {
        changed = false;
        FVI_TRY(fvi_rewrite_identity(g, &changed, err));
        FVI_TRY(settle(g, err));
        FVI_TRY(fvi_rewrite_concat(g, &changed, err));
        FVI_TRY(settle(g, err));
    }
    return FV_OK;
}

typedef fv_status (*pass)(fvi_graph *g, fv_error *err);

static fv_status run_passes(fvi_graph *g, const pass *passes, size_t n, fv_error *err)
{
    for (size_t i = 0; i < n; i++) {
        FVI_TRY(passes[i](g, err));
        FVI_TRY(settle(g, err));
    }
    return FV_OK;
}

static const pass first[] = {fvi_rewrite_gather, fvi_rewrite_bn, fvi_rewrite_silu, fvi_rewrite_act, fvi_rewrite_softmax_mean};

static fv_status begin(fvi_graph *g, fvi_eval_fn eval, void *user, fv_error *err)
{
    FVI_TRY(fvi_graph_relink(g, err));
    FVI_TRY(fvi_rewrite_fold(g, eval, user, err));
    FVI_TRY(settle(g, err));
    FVI_TRY(clean(g, err));
    FVI_TRY(fvi_rewrite_quant(g, eval, user, err));
    FVI_TRY(settle(g, err));
    return run_passes(g, first, sizeof first / sizeof *first, err);
}

fv_status fvi_rewrite_all(fvi_graph *g, fvi_eval_fn eval, void *user, fv_error *err)
{
    static const pass rest[] = {fvi_rewrite_upsample, fvi_rewrite_residual};
    FVI_TRY(begin(g, eval, user, err));
    FVI_TRY(run_passes(g, rest, sizeof rest / sizeof *rest, err));
    return clean(g, err);
}

/* Convolutions must have their residuals before they are looked at, and no float weights cut for an enlarged map yet. */
fv_status fvi_rewrite_all_bytes(fvi_graph *g, fvi_eval_fn eval, void *user, fvi_kept **kept, int *n_kept, fv_error *err)
{
    static const pass middle[] = {fvi_rewrite_residual}, rest[] = {fvi_rewrite_upsample};
    FVI_TRY(begin(g, eval, user, err));
    FVI_TRY(run_passes(g, middle, 1, err));
    FVI_TRY(clean(g, err));
    FVI_TRY(fvi_rewrite_bytes(g, kept, n_kept, err));
    FVI_TRY(run_passes(g, rest, 1, err));
    return clean(g, err);
}
