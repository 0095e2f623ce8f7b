/* silu.c: activations that exporters write as several nodes: x*Sigmoid(x) -> fovea.Silu, x*HardSigmoid(x) -> HardSwish,
 * x/2*(1+Erf(x/sqrt 2)) -> Gelu. The scalars in them belong to the function, not to the weights. */
#include "model/rewrite/internal.h"
#include <math.h>

static bool near(float a, float b) { return fabsf(a - b) <= 1e-6f * fabsf(b); }

/* v = *x (op) c for a commutative op, c a scalar constant. */
static bool with_scalar(const fvi_value *v, fvi_op op, float c, fvi_value **x)
{
    const fvi_node *p = v->producer;
    float s;
    if (!p || p->op != op || p->n_in != 2 || p->act != FVI_ACT_NONE || p->residual) return false;
    for (int k = 0; k < 2; k++) {
        if (!fvi_value_scalar(p->in[k], &s) || !near(s, c) || !fvi_rewrite_same_shape(p->in[1 - k], v)) continue;
        *x = p->in[1 - k];
        return true;
    }
    return false;
}

static bool divided_by(const fvi_value *v, float c, fvi_value **x)
{
    const fvi_node *p = v->producer;
    float s;
    if (!p || p->op != FVI_OP_DIV || !fvi_value_scalar(p->in[1], &s) || !near(s, c) ||
        !fvi_rewrite_same_shape(p->in[0], v))
        return false;
    *x = p->in[0];
    return true;
}

/* v = 1 + Erf(*x / sqrt 2) */
static bool one_plus_erf(const fvi_value *v, fvi_value **x)
{
    fvi_value *e;
    if (!with_scalar(v, FVI_OP_ADD, 1.0f, &e) || !e->producer || e->producer->op != FVI_OP_ERF) return false;
    const fvi_value *d = e->producer->in[0];
    return divided_by(d, (float)M_SQRT2, x) || with_scalar(d, FVI_OP_MUL, (float)M_SQRT1_2, x);
}

/* v = x*(1 + Erf(x / sqrt 2)) */
static bool x_times_erf(const fvi_value *v, fvi_value **x)
{
    const fvi_node *p = v->producer;
    if (!p || p->op != FVI_OP_MUL) return false;
    for (int k = 0; k < 2; k++)
        if (one_plus_erf(p->in[k], x) && p->in[1 - k] == *x) return true;
    return false;
}

static bool is_gelu(const fvi_node *n, fvi_value **x)
{
    fvi_value *inner, *half;
    if (with_scalar(n->out[0], FVI_OP_MUL, 0.5f, &inner) && x_times_erf(inner, x)) return true;
    for (int k = 0; k < 2; k++)
        if (one_plus_erf(n->in[k], x) && with_scalar(n->in[1 - k], FVI_OP_MUL, 0.5f, &half) && half == *x) return true;
    return false;
}

/* Mul whose one input is `op` of the other. */
static bool times_gate(const fvi_node *n, fvi_op op, fvi_value **x, const fvi_node **gate)
{
    for (int k = 0; k < 2; k++) {
        const fvi_node *p = n->in[k]->producer;
        if (!p || p->op != op || p->in[0] != n->in[1 - k]) continue;
        *x = n->in[1 - k];
        *gate = p;
        return true;
    }
    return false;
}

static fv_status become(fvi_graph *g, fvi_node *n, fvi_op op, const char *domain, int opset, fvi_value *x, fv_error *err)
{
    n->op = op;
    n->domain = fvi_arena_strdup(g->arena, domain);
    if (!n->domain) return fvi_rewrite_memory(err);
    n->opset = opset;
    n->n_in = 1;
    n->in[0] = x;
    n->n_attr = 0;
    return FV_OK;
}

fv_status fvi_rewrite_silu(fvi_graph *g, fv_error *err)
{
    for (int i = 0; i < g->n_nodes; i++) {
        fvi_node *n = g->nodes[i];
        fvi_value *x;
        const fvi_node *gate;
        if (n->op != FVI_OP_MUL || n->out[0]->dtype != FV_F32 || n->act != FVI_ACT_NONE) continue;
        if (times_gate(n, FVI_OP_SIGMOID, &x, &gate)) {
            FVI_TRY(become(g, n, FVI_OP_SILU, "fovea", 1, x, err));
        } else if (times_gate(n, FVI_OP_HARD_SIGMOID, &x, &gate)) {
            if (near(fvi_node_float(gate, "alpha", 0.2f), 1.0f / 6) && near(fvi_node_float(gate, "beta", 0.5f), 0.5f))
                FVI_TRY(become(g, n, FVI_OP_HARD_SWISH, "", 14, x, err));
        } else if (is_gelu(n, &x)) {
            FVI_TRY(become(g, n, FVI_OP_GELU, "", 20, x, err));
        }
    }
    return FV_OK;
}
