/* bn.c: per-channel scale and shift after a convolution go into its weights and bias: BatchNormalization, and Mul, Add,
 * Sub with a constant of one value per channel. A BatchNormalization that follows anything else becomes Mul and Add.
 * Decided by shapes only; computed in double. */
#include "base/alloc.h"
#include "model/rewrite/internal.h"
#include <math.h>
#include <string.h>

typedef struct state {
    int first_new; /* ids from here on are constants of this run, each read by one node */
    int64_t budget;
} state;

/* y = x * scale[c] + shift[c] */
typedef struct affine {
    int64_t channels;
    double *scale, *shift;
} affine;

static const float *floats(const fvi_value *v) { return v && v->constant && v->dtype == FV_F32 ? v->constant : NULL; }

static double at(const void *data, int64_t i)
{
    float f;
    memcpy(&f, (const char *)data + 4 * i, 4);
    return (double)f;
}

static bool alloc_affine(affine *a, int64_t channels)
{
    a->channels = channels;
    a->scale = fvi_calloc((size_t)channels, sizeof *a->scale);
    a->shift = fvi_calloc((size_t)channels, sizeof *a->shift);
    return a->scale && a->shift;
}

static void free_affine(affine *a)
{
    fvi_free(a->scale);
    fvi_free(a->shift);
}

static bool bn_is_constant(const fvi_node *n)
{
    for (int k = 1; k < 5; k++)
        if (!floats(n->in[k]) || n->in[k]->rank != 1 || n->in[k]->dim[0] != n->in[1]->dim[0]) return false;
    return true;
}

static void read_bn(const fvi_node *n, affine *a)
{
    double eps = (double)fvi_node_float(n, "epsilon", 1e-5f);
    for (int64_t c = 0; c < a->channels; c++) {
        a->scale[c] = at(n->in[1]->constant, c) / sqrt(at(n->in[4]->constant, c) + eps);
        a->shift[c] = at(n->in[2]->constant, c) - at(n->in[3]->constant, c) * a->scale[c];
    }
}

/* A constant with one value per channel of x [N,C,...], or one for all; returns how many values, 0 = neither. */
static int64_t per_channel(const fvi_value *c, const fvi_value *x)
{
    if (!floats(c) || x->rank < 3 || c->rank > x->rank) return 0;
    for (int i = 0; i < c->rank; i++) {
        int axis = i + x->rank - c->rank;
        if (c->dim[i] != 1 && !(axis == 1 && c->dim[i] == x->dim[1])) return 0;
    }
    return fvi_value_count(c);
}

static void read_arithmetic(const fvi_node *n, const fvi_value *c, int64_t count, affine *a)
{
    for (int64_t i = 0; i < a->channels; i++) {
        double v = at(c->constant, count == 1 ? 0 : i);
        a->scale[i] = n->op == FVI_OP_MUL ? v : 1;
        a->shift[i] = n->op == FVI_OP_MUL ? 0 : n->op == FVI_OP_SUB ? -v : v;
    }
}

static fvi_node *conv_before(const state *s, const fvi_value *x)
{
    fvi_node *p = fvi_rewrite_sole_producer(x);
    if (!p || (p->op != FVI_OP_CONV && p->op != FVI_OP_CONV_TRANSPOSE) || p->act != FVI_ACT_NONE || p->residual) return NULL;
    if (!floats(p->in[1]) || (p->n_in > 2 && p->in[2] && !floats(p->in[2]))) return NULL;
    return x->dim[1] > 0 && (p->in[1]->id >= s->first_new || fvi_value_count(p->in[1]) * 4 <= s->budget) ? p : NULL;
}

/* Conv weights [M, C/g, k...]: channel = first index. ConvTranspose [C, M/g, k...]: channel = group * M/g + second index. */
static fv_status fold_into_conv(fvi_graph *g, state *s, fvi_node *conv, const affine *a, fv_error *err)
{
    fvi_value *w = conv->in[1], *b = conv->n_in > 2 ? conv->in[2] : NULL;
    bool ours = w->id >= s->first_new;
    fvi_value *nw = ours ? w : fvi_graph_add_constant(g, NULL, FV_F32, w->rank, w->dim, w->constant);
    if (!ours) s->budget -= fvi_value_count(w) * 4;
    fvi_value *nb = fvi_graph_add_constant(g, NULL, FV_F32, 1, &a->channels, NULL);
    fvi_value **in = fvi_arena_array(g->arena, 3, sizeof *in);
    if (!nw || !nb || !in) return fvi_rewrite_memory(err);
    bool transposed = conv->op == FVI_OP_CONV_TRANSPOSE;
    int64_t groups = fvi_node_int(conv, "group", 1), rows = w->dim[0], columns = w->dim[1], kernel = 1;
    for (int i = 2; i < w->rank; i++) kernel *= w->dim[i];
    float *wd = (float *)nw->constant, *bd = (float *)nb->constant; /* ours: just made */
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++) {
            int64_t channel = transposed ? r / (rows / groups) * columns + c : r;
            for (int64_t k = 0; k < kernel; k++) {
                float *x = &wd[(r * columns + c) * kernel + k];
                *x = (float)((double)*x * a->scale[channel]);
            }
        }
    for (int64_t c = 0; c < a->channels; c++) bd[c] = (float)((b ? at(b->constant, c) : 0) * a->scale[c] + a->shift[c]);
    in[0] = conv->in[0];
    in[1] = nw;
    in[2] = nb;
    conv->in = in;
    conv->n_in = 3;
    return FV_OK;
}

static fvi_value *channel_constant(fvi_graph *g, const double *v, int64_t channels, int rank)
{
    int64_t dim[FV_MAX_RANK] = {channels, 1, 1, 1, 1, 1, 1, 1};
    fvi_value *c = fvi_graph_add_constant(g, NULL, FV_F32, rank, dim, NULL);
    for (int64_t i = 0; c && i < channels; i++) ((float *)c->constant)[i] = (float)v[i];
    return c;
}

/* BatchNormalization on its own: n becomes Add of a new Mul. */
static fv_status become_mul_add(fvi_graph *g, fvi_node *n, const affine *a, fv_error *err)
{
    int rank = n->in[0]->rank - 1;
    fvi_value *scale = channel_constant(g, a->scale, a->channels, rank), *shift = channel_constant(g, a->shift, a->channels, rank);
    fvi_node *mul = fvi_graph_add_node(g, FVI_OP_MUL, NULL, 2, 1);
    fvi_value *product = fvi_graph_add_value(g, NULL);
    if (!scale || !shift || !mul || !product) return fvi_rewrite_memory(err);
    mul->in[0] = n->in[0];
    mul->in[1] = scale;
    mul->out[0] = product;
    n->op = FVI_OP_ADD;
    n->in[0] = product;
    n->in[1] = shift;
    n->n_in = 2;
    n->n_attr = 0;
    return FV_OK;
}

static fv_status rewrite_bn(fvi_graph *g, state *s, fvi_node *n, fv_error *err)
{
    affine a = {0};
    if (fvi_node_int(n, "training_mode", 0) || !bn_is_constant(n) || n->in[0]->rank < 2 || n->in[0]->dim[1] != n->in[1]->dim[0]) return FV_OK;
    fvi_node *conv = conv_before(s, n->in[0]);
    fv_status st = FV_OK;
    if (!alloc_affine(&a, n->in[1]->dim[0])) {
        st = fvi_rewrite_memory(err);
    } else {
        read_bn(n, &a);
        st = conv ? fold_into_conv(g, s, conv, &a, err) : become_mul_add(g, n, &a, err);
        if (conv && st >= 0) fvi_rewrite_fuse(n->out[0], n->in[0]);
    }
    free_affine(&a);
    return st;
}

static fv_status rewrite_arithmetic(fvi_graph *g, state *s, fvi_node *n, fv_error *err)
{
    for (int k = 0; k < 2; k++) {
        fvi_value *x = n->in[k];
        const fvi_value *c = n->in[1 - k];
        fvi_node *conv = conv_before(s, x);
        int64_t count = conv ? per_channel(c, x) : 0;
        if (!count || (n->op == FVI_OP_SUB && k == 1)) continue;
        affine a = {0};
        fv_status st = FV_OK;
        if (!alloc_affine(&a, x->dim[1])) {
            st = fvi_rewrite_memory(err);
        } else {
            read_arithmetic(n, c, count, &a);
            st = fold_into_conv(g, s, conv, &a, err);
            if (st >= 0) fvi_rewrite_fuse(n->out[0], x);
        }
        free_affine(&a);
        return st;
    }
    return FV_OK;
}

fv_status fvi_rewrite_bn(fvi_graph *g, fv_error *err)
{
    int n_nodes = g->n_nodes; /* nodes are added behind */
    state s = {.first_new = g->n_values, .budget = fvi_rewrite_copy_budget(g)};
    for (int i = 0; i < n_nodes; i++) {
        fvi_node *n = g->nodes[i];
        fvi_node_resolve(n);
        if (n->act != FVI_ACT_NONE || n->residual) continue;
        if (n->op == FVI_OP_BATCH_NORM) FVI_TRY(rewrite_bn(g, &s, n, err));
        if (n->op == FVI_OP_MUL || n->op == FVI_OP_ADD || n->op == FVI_OP_SUB) FVI_TRY(rewrite_arithmetic(g, &s, n, err));
    }
    return FV_OK;
}
