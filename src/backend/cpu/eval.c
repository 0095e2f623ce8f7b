/* eval.c: runs one node at load time on dense tensors over its constant inputs; its outputs become constants. Called by
 * constant folding through a function pointer. */
#include "backend/cpu/eval.h"
#include "backend/cpu/step.h"
#include <string.h>

/* Dense tensor over constant data; false when it is not constant or its shape is not known. */
static bool constant_tensor(const fvi_value *v, fvi_tensor *t)
{
    memset(t, 0, sizeof *t);
    if (!v) return true; /* left out */
    if (!v->constant || v->rank < 0 || v->rank > FV_MAX_RANK || v->dtype == FV_NONE) return false;
    *t = fvi_tensor_over(v->constant, v->dtype, v->rank, v->dim);
    return true;
}

static fv_status output_tensor(fvi_graph *g, const fvi_value *v, fvi_tensor *t, size_t *left, fv_error *err)
{
    memset(t, 0, sizeof *t);
    int64_t count = v->rank < 0 || v->rank > FV_MAX_RANK || v->dtype == FV_NONE ? -1 : fvi_value_count(v);
    if (count < 0) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "the shape of '%s' is not known", v->name);
    size_t size = fv_dtype_size(v->dtype);
    if ((uint64_t)count > *left / size) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "'%s' is too large to be computed while loading", v->name);
    *left -= (size_t)count * size;
    *t = fvi_tensor_over(fvi_arena_alloc(g->arena, (size_t)count * size + FVI_PAD), v->dtype, v->rank, v->dim);
    return t->data ? FV_OK : fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
}

static fv_status run_node(const fvi_backend_env *env, const fvi_node *n, fvi_tensor *in, bool *in_const, fvi_tensor *out, fv_error *err)
{
    const fvi_backend *cpu = fvi_backend_cpu();
    fvi_step s = {.backend = cpu, .env = env, .node = n, .name = n->name, .n_in = n->n_in, .n_out = n->n_out, .in = in, .in_const = in_const, .out = out};
    if (n->residual && !constant_tensor(n->residual, &s.residual)) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "its residual is not constant");
    fv_status st = cpu->prepare(&s, err);
    if (st >= 0) s.run(&s);
    fvi_step_release(&s);
    return st;
}

fv_status fvi_cpu_eval(void *user, fvi_graph *g, fvi_node *n, fv_error *err)
{
    const fvi_backend_env *env = user;
    const char *why = fvi_backend_cpu()->unsupported(n);
    if (why) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "node '%s': %s", n->name, why);
    size_t left = FVI_EVAL_MAX_BYTES, n_in = (size_t)n->n_in, n_out = (size_t)n->n_out;
    fvi_tensor *t = fvi_calloc(n_in + n_out, sizeof *t);
    bool *in_const = fvi_calloc(n_in + 1, sizeof *in_const);
    fv_status st = t && in_const ? FV_OK : fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < n_in && st == FV_OK; i++) {
        in_const[i] = true;
        /* Shape needs only the shape of its input */
        if (n->op == FVI_OP_SHAPE && i == 0 && n->in[0] && !n->in[0]->constant && fvi_value_count(n->in[0]) >= 0) {
            t[i] = fvi_tensor_over(NULL, n->in[0]->dtype, n->in[0]->rank, n->in[0]->dim);
        } else if (!constant_tensor(n->in[i], &t[i])) {
            st = fvi_error_set(err, FV_ERR_UNSUPPORTED, "input %d of node '%s' is not constant", (int)i, n->name);
        }
    }
    for (size_t i = 0; i < n_out && st == FV_OK; i++) st = output_tensor(g, n->out[i], &t[n_in + i], &left, err);
    if (st == FV_OK) st = run_node(env, n, t, in_const, t + n_in, err);
    if (st < 0) st = fvi_error_prefix(err, st, "node '%s' (%s)", n->name, fvi_op_get(n->op)->name);
    for (size_t i = 0; i < n_out && st == FV_OK; i++) n->out[i]->constant = t[n_in + i].data;
    fvi_free(in_const);
    fvi_free(t);
    return st;
}
