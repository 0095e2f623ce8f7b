/* Plans of random graphs (views, concats, layouts, halos, copies) computed by a toy backend, against plain evaluation. */
#include "base/alloc.h"
#include "base/error.h"
#include "model/plan/plan.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- a toy backend: Relu is y = 2x + 1 at any strides; Conv (no weights) is x plus its four neighbours, needs NHWC and
 * one pixel of zeros around ---- */
static int64_t at(const fvi_tensor *t, int64_t flat)
{
    int64_t off = 0;
    for (int d = t->rank - 1; d >= 0; d--) {
        off += flat % t->dim[d] * t->stride[d];
        flat /= t->dim[d];
    }
    return off;
}

static void run_relu(fvi_step *s)
{
    for (int64_t i = 0; i < fvi_tensor_count(&s->out[0]); i++)
        ((float *)s->out[0].data)[at(&s->out[0], i)] = 2 * ((float *)s->in[0].data)[at(&s->in[0], i)] + 1;
}

static void run_conv(fvi_step *s)
{
    const fvi_tensor *x = &s->in[0];
    assert_true(fvi_tensor_is_nhwc(x) && x->halo >= 1 && fvi_tensor_is_nhwc(&s->out[0]));
    for (int64_t i = 0; i < fvi_tensor_count(x); i++) {
        const float *p = (float *)x->data + at(x, i);
        ((float *)s->out[0].data)[at(&s->out[0], i)] = p[0] + p[x->stride[2]] + p[-x->stride[2]] + p[x->stride[3]] + p[-x->stride[3]];
    }
}

static void run_copy(fvi_step *s) { fvi_tensor_copy(&s->out[0], &s->in[0]); }
static fv_status prepare(fvi_step *s, fv_error *err)
{
    (void)err;
    s->run = s->node->op == FVI_OP_CONV ? run_conv : run_relu;
    return FV_OK;
}
static fv_status prepare_copy(fvi_step *s, fv_error *err)
{
    assert_true(fvi_tensor_same_shape(&s->in[0], &s->out[0]));
    (void)err;
    s->run = run_copy;
    return FV_OK;
}
static const char *unsupported(const fvi_node *n) { return n->op == FVI_OP_TANH ? "a toy" : NULL; }
static fvi_layout out_layout(const fvi_node *n, int k) { return (void)k, n->op == FVI_OP_CONV ? FVI_LAYOUT_NHWC : FVI_LAYOUT_ANY; }
static int in_halo(const fvi_node *n, int k) { return (void)k, n->op == FVI_OP_CONV; }
static bool in_place(const fvi_node *n, int k) { return (void)k, n->op == FVI_OP_RELU; }
static const fvi_backend toy = {"toy", unsupported, out_layout, out_layout, in_halo, in_place, prepare, prepare_copy};

/* ---- random graphs ---- */
static uint32_t seed;
static uint32_t rnd(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

typedef struct maker {
    fvi_graph *g;
    fvi_value *v[256];
    int n;
} maker;

static fvi_value *value(maker *m, int rank, const int64_t *dim)
{
    fvi_value *v = fvi_graph_add_value(m->g, NULL);
    v->dtype = FV_F32;
    v->rank = rank;
    memcpy(v->dim, dim, sizeof(int64_t) * (size_t)rank);
    return m->v[m->n++] = v;
}

static fvi_node *node(maker *m, fvi_op op, int n_in, int n_out)
{
    (void)m;
    return fvi_graph_add_node(m->g, op, NULL, n_in, n_out);
}

static void add_unary(maker *m, fvi_op op, fvi_value *x)
{
    fvi_node *n = node(m, op, 1, 1);
    n->in[0] = x;
    n->out[0] = value(m, x->rank, x->dim);
}

static void add_concat(maker *m, fvi_value *a, fvi_value *b, int axis)
{
    int64_t dim[FV_MAX_RANK];
    memcpy(dim, a->dim, sizeof dim);
    dim[axis] += b->dim[axis];
    fvi_node *n = node(m, FVI_OP_CONCAT, 2, 1);
    n->in[0] = a;
    n->in[1] = b;
    n->out[0] = value(m, a->rank, dim);
    fvi_node_set_int(m->g, n, "axis", axis);
}

static void add_split(maker *m, fvi_value *x, int axis)
{
    int64_t dim[FV_MAX_RANK];
    if (x->dim[axis] < 2) return;
    fvi_node *n = node(m, FVI_OP_SPLIT, 1, 2);
    n->in[0] = x;
    memcpy(dim, x->dim, sizeof dim);
    dim[axis] = 1 + rnd((uint32_t)x->dim[axis] - 1);
    n->out[0] = value(m, x->rank, dim);
    dim[axis] = x->dim[axis] - dim[axis];
    n->out[1] = value(m, x->rank, dim);
    fvi_node_set_int(m->g, n, "axis", axis);
}

static void add_transpose(maker *m, fvi_value *x)
{
    int64_t perm[FV_MAX_RANK], dim[FV_MAX_RANK];
    for (int i = 0; i < x->rank; i++) perm[i] = i;
    for (int i = 1; i < x->rank; i++) {
        int j = (int)rnd((uint32_t)i + 1);
        int64_t t = perm[i];
        perm[i] = perm[j];
        perm[j] = t;
    }
    for (int i = 0; i < x->rank; i++) dim[i] = x->dim[perm[i]];
    fvi_node *n = node(m, FVI_OP_TRANSPOSE, 1, 1);
    n->in[0] = x;
    n->out[0] = value(m, x->rank, dim);
    fvi_node_set_ints(m->g, n, "perm", perm, x->rank);
}

static void add_reshape(maker *m, fvi_value *x)
{
    int64_t count = fvi_value_count(x), dim[4];
    int rank = 2 + (int)rnd(3), k = 0;
    for (; k < rank - 1; k++) {
        int64_t d = 1;
        for (int64_t f = 1 + rnd(6); f > 0; f--)
            if (count % f == 0) {
                d = f;
                break;
            }
        dim[k] = d;
        count /= d;
    }
    dim[k] = count;
    fvi_node *n = node(m, FVI_OP_RESHAPE, 2, 1);
    n->in[0] = x;
    n->in[1] = fvi_graph_add_constant(m->g, NULL, FV_I64, 1, (int64_t[]){rank}, dim);
    n->out[0] = value(m, rank, dim);
}

static void add_slice(maker *m, fvi_value *x)
{
    int64_t axis = rnd((uint32_t)x->rank), start = rnd((uint32_t)x->dim[axis]), step = 1 + rnd(2), one = 1, dim[FV_MAX_RANK];
    memcpy(dim, x->dim, sizeof dim);
    dim[axis] = (x->dim[axis] - start + step - 1) / step;
    fvi_node *n = node(m, FVI_OP_SLICE, 5, 1);
    n->in[0] = x;
    n->in[1] = fvi_graph_add_constant(m->g, NULL, FV_I64, 1, &one, &start);
    n->in[2] = fvi_graph_add_constant(m->g, NULL, FV_I64, 1, &one, (int64_t[]){INT32_MAX});
    n->in[3] = fvi_graph_add_constant(m->g, NULL, FV_I64, 1, &one, &axis);
    n->in[4] = fvi_graph_add_constant(m->g, NULL, FV_I64, 1, &one, &step);
    n->out[0] = value(m, x->rank, dim);
}

static void random_graph(maker *m, int nodes)
{
    fv_error err;
    m->n = 0;
    assert_int_equal(fvi_graph_create(&m->g, &err), FV_OK);
    fvi_value *x = value(m, 4, (int64_t[]){1 + rnd(2), 1 + rnd(6), 2 + rnd(4), 2 + rnd(4)});
    x->is_input = true;
    m->g->inputs = fvi_arena_array(m->g->arena, 1, sizeof(void *));
    m->g->inputs[0] = x;
    m->g->n_inputs = 1;
    for (int i = 0; i < nodes && m->n < 240; i++) {
        fvi_value *a = m->v[m->n > 6 && rnd(3) ? m->n - 1 - (int)rnd(6) : (int)rnd((uint32_t)m->n)];
        switch (rnd(8)) {
        case 0: add_unary(m, FVI_OP_RELU, a); break;
        case 1: add_unary(m, a->rank == 4 ? FVI_OP_CONV : FVI_OP_RELU, a); break;
        case 2:
        case 3: {
            int axis = (int)rnd((uint32_t)a->rank);
            for (int j = m->n - 1; j >= 0; j--) { /* a partner that fits, itself if need be */
                fvi_value *b = m->v[j];
                bool fits = b->rank == a->rank && fvi_value_count(a) + fvi_value_count(b) < 4000;
                for (int d = 0; fits && d < a->rank; d++) fits = d == axis || a->dim[d] == b->dim[d];
                if (fits && rnd(3)) {
                    add_concat(m, a, b, axis);
                    break;
                }
            }
            break;
        }
        case 4: add_split(m, a, (int)rnd((uint32_t)a->rank)); break;
        case 5: add_transpose(m, a); break;
        case 6: add_reshape(m, a); break;
        default: add_slice(m, a); break;
        }
    }
    int n_out = 0;
    m->g->outputs = fvi_arena_array(m->g->arena, 256, sizeof(void *));
    for (int i = 1; i < m->n; i++)
        if (i > m->n - 4 || rnd(9) == 0) {
            m->v[i]->is_output = true;
            m->g->outputs[n_out++] = m->v[i];
        }
    m->g->n_outputs = n_out;
    assert_int_equal(fvi_graph_relink(m->g, &err), FV_OK);
}

/* ---- plain evaluation: dense tensors, one value at a time ---- */
static float *dense_of(float **store, const fvi_value *v) { return store[v->id]; }

static void view_of(const fvi_value *v, float *data, fvi_tensor *t)
{
    memset(t, 0, sizeof *t);
    t->dtype = FV_F32;
    t->rank = v->rank;
    memcpy(t->dim, v->dim, sizeof t->dim);
    fvi_tensor_dense(t);
    t->data = (char *)data;
}

static void eval_node(const fvi_node *n, float **store)
{
    fvi_tensor x, y, part;
    view_of(n->in[0], dense_of(store, n->in[0]), &x);
    int64_t at_axis = 0;
    for (int k = 0; k < n->n_out; k++) {
        const fvi_value *o = n->out[k];
        store[o->id] = calloc((size_t)fvi_value_count(o) + 1, sizeof(float));
        view_of(o, store[o->id], &y);
        int64_t perm64[FV_MAX_RANK], v1, v3, v4;
        int perm[FV_MAX_RANK], axis = (int)fvi_node_int(n, "axis", 0);
        switch (n->op) {
        case FVI_OP_RELU:
            for (int64_t i = 0; i < fvi_value_count(o); i++) store[o->id][i] = 2 * ((float *)x.data)[i] + 1;
            break;
        case FVI_OP_CONV:
            for (int64_t i = 0; i < fvi_value_count(o); i++) {
                int64_t w = i % x.dim[3], h = i / x.dim[3] % x.dim[2];
                const float *p = (float *)x.data + i;
                float s = p[0];
                s += h + 1 < x.dim[2] ? p[x.dim[3]] : 0;
                s += h > 0 ? p[-x.dim[3]] : 0;
                s += w + 1 < x.dim[3] ? p[1] : 0;
                s += w > 0 ? p[-1] : 0;
                store[o->id][i] = s;
            }
            break;
        case FVI_OP_CONCAT:
            for (int i = 0; i < n->n_in; i++) {
                fvi_tensor xi;
                view_of(n->in[i], dense_of(store, n->in[i]), &xi);
                fvi_tensor_slice(&part, &y, axis, at_axis, xi.dim[axis], 1);
                fvi_tensor_copy(&part, &xi);
                at_axis += xi.dim[axis];
            }
            break;
        case FVI_OP_SPLIT:
            fvi_tensor_slice(&part, &x, axis, at_axis, y.dim[axis], 1);
            fvi_tensor_copy(&y, &part);
            at_axis += y.dim[axis];
            break;
        case FVI_OP_TRANSPOSE:
            fvi_node_ints(n, "perm", perm64, FV_MAX_RANK);
            for (int i = 0; i < x.rank; i++) perm[i] = (int)perm64[i];
            fvi_tensor_transpose(&part, &x, perm);
            fvi_tensor_copy(&y, &part);
            break;
        case FVI_OP_RESHAPE: memcpy(y.data, x.data, sizeof(float) * (size_t)fvi_value_count(o)); break;
        default:
            fvi_value_ints(n->in[1], &v1, 1);
            fvi_value_ints(n->in[3], &v3, 1);
            fvi_value_ints(n->in[4], &v4, 1);
            fvi_tensor_slice(&part, &x, (int)v3, v1, y.dim[v3], v4);
            fvi_tensor_copy(&y, &part);
        }
    }
}

/* observe: every value holds what it should after the run, not only the outputs. */
static void check_graph(maker *m, uint32_t id, bool observe)
{
    fvi_graph *g = m->g;
    fv_error err = {0};
    fvi_backend_env env = {0};
    fvi_plan *p = NULL;
    if (fvi_plan_create(&p, g, &toy, &env, observe, &err) != FV_OK) fail_msg("graph %u: %s", id, err.text);
    float **store = calloc((size_t)g->n_values + 1, sizeof *store);
    store[g->inputs[0]->id] = calloc((size_t)fvi_value_count(g->inputs[0]) + 1, sizeof(float));
    for (int64_t i = 0; i < fvi_value_count(g->inputs[0]); i++) store[g->inputs[0]->id][i] = (float)(i % 97) * 0.25f;
    fvi_tensor in;
    view_of(g->inputs[0], store[g->inputs[0]->id], &in);
    fvi_tensor_copy(&p->tensor[g->inputs[0]->id], &in);
    for (int i = 0; i < g->n_nodes; i++) eval_node(g->nodes[i], store);
    for (int run = 0; run < 2; run++) { /* the second run finds dirty memory */
        fvi_plan_run(p, NULL);
        for (int i = 0; i < (observe ? g->n_values : g->n_outputs); i++) {
            const fvi_value *o = observe ? g->values[i] : g->outputs[i];
            for (int64_t k = 0; !o->constant && k < fvi_value_count(o); k++) {
                float got = ((float *)p->tensor[o->id].data)[at(&p->tensor[o->id], k)];
                if (got != store[o->id][k]) {
                    fvi_str s = {0};
                    fvi_graph_dump(g, &s);
                    fail_msg("graph %u run %d value %s element %lld: %g, expected %g\n%s", id, run, o->name, (long long)k, got, store[o->id][k], s.s);
                }
            }
        }
    }
    for (int i = 0; i < g->n_values; i++) free(store[i]);
    free(store);
    fvi_plan_free(&p);
}

static void random_graphs_match(void **state)
{
    (void)state;
    for (uint32_t id = 0; id < 600; id++) {
        maker m;
        seed = id * 2654435761u + 12345;
        random_graph(&m, 4 + (int)rnd(30));
        check_graph(&m, id, false);
        check_graph(&m, id, true);
        fvi_graph_free(&m.g);
    }
}

/* Two convolutions into a concat: no copies, and the second half of the buffer lies beside the first. */
static void concat_costs_nothing(void **state)
{
    (void)state;
    maker m = {0};
    fv_error err = {0};
    assert_int_equal(fvi_graph_create(&m.g, &err), FV_OK);
    fvi_value *x = value(&m, 4, (int64_t[]){1, 8, 4, 4});
    x->is_input = true;
    add_unary(&m, FVI_OP_CONV, x);
    add_unary(&m, FVI_OP_CONV, m.v[1]);
    add_concat(&m, m.v[1], m.v[2], 1);
    add_unary(&m, FVI_OP_CONV, m.v[3]);
    m.g->inputs = &x;
    m.g->n_inputs = 1;
    fvi_value *out = m.v[4];
    out->is_output = true;
    m.g->outputs = &out;
    m.g->n_outputs = 1;
    assert_int_equal(fvi_graph_relink(m.g, &err), FV_OK);
    fvi_plan *p = NULL;
    fvi_backend_env env = {0};
    assert_int_equal(fvi_plan_create(&p, m.g, &toy, &env, false, &err), FV_OK);
    assert_int_equal(p->n_steps, 3);
    assert_int_equal(p->copies, 0);
    assert_ptr_equal(p->tensor[m.v[2]->id].data, p->tensor[m.v[1]->id].data + 8 * sizeof(float));
    assert_int_equal(p->tensor[m.v[1]->id].stride[3], 16);
    assert_int_equal(p->tensor[m.v[3]->id].halo, 1);
    fvi_plan_free(&p);
    fvi_graph_free(&m.g);
}

/* 4 + 80 channels of which nobody reads the pixels as one row: whole cache lines from pixel to pixel, and the 80 begin with one. A
 * reader that needs it dense keeps it dense. */
static void odd_pixels_are_padded(void **state)
{
    (void)state;
    for (int dense = 0; dense < 2; dense++) {
        maker m = {0};
        fv_error err = {0};
        assert_int_equal(fvi_graph_create(&m.g, &err), FV_OK);
        fvi_value *x[2] = {value(&m, 4, (int64_t[]){1, 4, 3, 3}), value(&m, 4, (int64_t[]){1, 80, 3, 3})};
        x[0]->is_input = x[1]->is_input = true;
        add_unary(&m, FVI_OP_CONV, x[0]);
        add_unary(&m, FVI_OP_CONV, x[1]);
        add_concat(&m, m.v[2], m.v[3], 1);
        if (dense) add_unary(&m, FVI_OP_RELU, m.v[4]);
        m.g->inputs = x;
        m.g->n_inputs = 2;
        fvi_value *out = m.v[m.n - 1];
        out->is_output = true;
        m.g->outputs = &out;
        m.g->n_outputs = 1;
        assert_int_equal(fvi_graph_relink(m.g, &err), FV_OK);
        fvi_plan *p = NULL;
        fvi_backend_env env = {0};
        assert_int_equal(fvi_plan_create(&p, m.g, &toy, &env, false, &err), FV_OK);
        assert_int_equal(p->copies, 0);
        const fvi_tensor *boxes = &p->tensor[m.v[2]->id], *classes = &p->tensor[m.v[3]->id];
        assert_ptr_equal(classes->data, boxes->data + 4 * sizeof(float));
        assert_int_equal(classes->stride[3], dense ? 84 : 96);
        if (!dense) assert_int_equal((uintptr_t)classes->data % 64, 0);
        fvi_plan_run(p, NULL); /* into its last byte */
        fvi_plan_free(&p);
        fvi_graph_free(&m.g);
    }
}

/* A chain of element-wise nodes needs one buffer besides the input's, unless a value is still wanted. */
static void element_wise_nodes_overwrite(void **state)
{
    (void)state;
    maker m = {0};
    fv_error err = {0};
    assert_int_equal(fvi_graph_create(&m.g, &err), FV_OK);
    fvi_value *x = value(&m, 2, (int64_t[]){3, 5});
    x->is_input = true;
    for (int i = 0; i < 3; i++) add_unary(&m, FVI_OP_RELU, m.v[i]);
    m.g->inputs = &x;
    m.g->n_inputs = 1;
    fvi_value *out[2] = {m.v[2], m.v[3]};
    out[0]->is_output = out[1]->is_output = true;
    m.g->outputs = out;
    m.g->n_outputs = 2;
    assert_int_equal(fvi_graph_relink(m.g, &err), FV_OK);
    fvi_plan *p = NULL;
    fvi_backend_env env = {0};
    assert_int_equal(fvi_plan_create(&p, m.g, &toy, &env, false, &err), FV_OK);
    assert_ptr_not_equal(p->tensor[m.v[1]->id].data, p->tensor[x->id].data);
    assert_ptr_equal(p->tensor[m.v[2]->id].data, p->tensor[m.v[1]->id].data);
    assert_ptr_not_equal(p->tensor[m.v[3]->id].data, p->tensor[m.v[2]->id].data);
    fvi_plan_free(&p);
    fvi_graph_free(&m.g);
}

static void unsupported_node_is_named(void **state)
{
    (void)state;
    maker m = {0};
    fv_error err = {0};
    assert_int_equal(fvi_graph_create(&m.g, &err), FV_OK);
    fvi_value *x = value(&m, 1, (int64_t[]){4});
    x->is_input = true;
    add_unary(&m, FVI_OP_TANH, x);
    m.g->nodes[0]->name = fvi_arena_strdup(m.g->arena, "bend");
    m.g->inputs = &x;
    m.g->n_inputs = 1;
    fvi_value *out = m.v[1];
    out->is_output = true;
    m.g->outputs = &out;
    m.g->n_outputs = 1;
    assert_int_equal(fvi_graph_relink(m.g, &err), FV_OK);
    fvi_plan *p = (fvi_plan *)&m;
    fvi_backend_env env = {0};
    assert_int_equal(fvi_plan_create(&p, m.g, &toy, &env, false, &err), FV_ERR_UNSUPPORTED);
    assert_null(p);
    assert_non_null(strstr(err.text, "bend"));
    assert_non_null(strstr(err.text, "Tanh"));
    fvi_graph_free(&m.g);
}

static int wide_halo(const fvi_node *n, int k) { return (void)k, n->op == FVI_OP_CONV ? 1024 : 0; }

/* Sizes whose bytes, with their zeros around, are a small number modulo 2^64: an error, not a small buffer. */
static void sizes_do_not_wrap(void **state)
{
    (void)state;
    static const struct {
        int64_t dim[4];
        int (*halo)(const fvi_node *n, int k);
    } cases[] = {{{INT64_C(1098438671873), 1, 1, 1}, wide_halo}, /* * 2049 * 2049 * 4 is 2^64 + 11.5 million */
                 {{INT64_C(1) << 31, INT64_C(1) << 31, 1, 1}, wide_halo},
                 {{INT64_C(1) << 31, INT64_C(1) << 31, 1, 1}, in_halo}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        maker m = {0};
        fv_error err = {0};
        assert_int_equal(fvi_graph_create(&m.g, &err), FV_OK);
        fvi_value *x = value(&m, 4, cases[i].dim);
        x->is_input = true;
        add_unary(&m, FVI_OP_CONV, x);
        m.g->inputs = &x;
        m.g->n_inputs = 1;
        fvi_value *out = m.v[1];
        for (int d = 0; d < 4; d++) out->dim[d] = 1;
        out->is_output = true;
        m.g->outputs = &out;
        m.g->n_outputs = 1;
        assert_int_equal(fvi_graph_relink(m.g, &err), FV_OK);
        fvi_plan *p = NULL;
        fvi_backend_env env = {0};
        fvi_backend wide = toy;
        wide.input_halo = cases[i].halo;
        assert_int_equal(fvi_plan_create(&p, m.g, &wide, &env, false, &err), FV_ERR_MEMORY);
        assert_null(p);
        fvi_graph_free(&m.g);
    }
}

/* Every allocation fails once: an error, no leak (the sanitizer build sees to that), no crash. */
static void survives_failing_allocations(void **state)
{
    (void)state;
    maker m;
    seed = 99;
    random_graph(&m, 25);
    for (long n = 1; n < 2000; n++) {
        fvi_plan *p = NULL;
        fv_error err = {0};
        fvi_backend_env env = {0};
        fvi_alloc_fail_after(n);
        fv_status st = fvi_plan_create(&p, m.g, &toy, &env, false, &err);
        fvi_alloc_fail_after(0);
        if (st == FV_OK) {
            fvi_plan_free(&p);
            break;
        }
        assert_int_equal(st, FV_ERR_MEMORY);
        assert_null(p);
    }
    fvi_graph_free(&m.g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_graphs_match),
        cmocka_unit_test(concat_costs_nothing),
        cmocka_unit_test(odd_pixels_are_padded),
        cmocka_unit_test(element_wise_nodes_overwrite),
        cmocka_unit_test(unsupported_node_is_named),
        cmocka_unit_test(sizes_do_not_wrap),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
