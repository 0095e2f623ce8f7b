/* build.h: small graphs for tests, by name. Every helper asserts; the graph must be freed with fvi_graph_free. */
#ifndef TEST_MODEL_GRAPH_BUILD_H
#define TEST_MODEL_GRAPH_BUILD_H
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include "model/graph/graph.h"
#include <stdio.h>
#include <string.h>

#define DIMS(...) (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]){__VA_ARGS__}

static inline fvi_graph *b_graph(int opset)
{
    fvi_graph *g = NULL;
    fv_error err = {0};
    assert_int_equal(fvi_graph_create(&g, &err), FV_OK);
    g->opset = opset;
    g->inputs = fvi_arena_array(g->arena, 16, sizeof *g->inputs);
    g->outputs = fvi_arena_array(g->arena, 16, sizeof *g->outputs);
    return g;
}

static inline void b_set(fvi_value *v, fv_dtype dtype, int rank, const int64_t *dim)
{
    v->dtype = dtype;
    v->rank = rank;
    for (int i = 0; i < rank; i++) v->dim[i] = dim[i];
}

static inline fvi_value *b_input(fvi_graph *g, const char *name, fv_dtype dtype, int rank, const int64_t *dim)
{
    fvi_value *v = fvi_graph_add_value(g, name);
    assert_non_null(v);
    b_set(v, dtype, rank, dim);
    v->is_input = true;
    g->inputs[g->n_inputs++] = v;
    return v;
}

static inline fvi_value *b_ints(fvi_graph *g, const char *name, int rank, const int64_t *v)
{
    int64_t n = rank;
    fvi_value *c = fvi_graph_add_constant(g, name, FV_I64, 1, &n, v);
    assert_non_null(c);
    return c;
}

/* f32 constant, every element the same */
static inline fvi_value *b_fill(fvi_graph *g, const char *name, float x, int rank, const int64_t *dim)
{
    fvi_value *c = fvi_graph_add_constant(g, name, FV_F32, rank, dim, NULL);
    assert_non_null(c);
    for (int64_t i = 0; i < fvi_value_count(c); i++) ((float *)c->constant)[i] = x;
    return c;
}

static inline fvi_value *b_find(fvi_graph *g, const char *name)
{
    fvi_value *v = fvi_graph_find(g, name);
    return v ? v : fvi_graph_add_value(g, name);
}

/* names: "in1 in2" ("-" = left out); outputs likewise. Values that do not exist yet are made. */
static inline fvi_node *b_node(fvi_graph *g, fvi_op op, const char *in, const char *out)
{
    char text[512], *p, *save;
    const char *lists[2] = {in, out};
    int count[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        snprintf(text, sizeof text, "%s", lists[i]);
        for (p = strtok_r(text, " ", &save); p; p = strtok_r(NULL, " ", &save)) count[i]++;
    }
    char name[64];
    snprintf(name, sizeof name, "%s_%.40s", fvi_op_get(op)->name, out);
    fvi_node *n = fvi_graph_add_node(g, op, name, count[0], count[1]);
    assert_non_null(n);
    for (int i = 0; i < 2; i++) {
        int k = 0;
        snprintf(text, sizeof text, "%s", lists[i]);
        for (p = strtok_r(text, " ", &save); p; p = strtok_r(NULL, " ", &save)) (i ? n->out : n->in)[k++] = strcmp(p, "-") ? b_find(g, p) : NULL;
    }
    return n;
}

static inline void b_output(fvi_graph *g, const char *name)
{
    fvi_value *v = b_find(g, name);
    v->is_output = true;
    g->outputs[g->n_outputs++] = v;
}

static inline void b_float_attr(fvi_graph *g, fvi_node *n, const char *name, float f)
{
    assert_int_equal(fvi_node_set_int(g, n, name, 0), FV_OK);
    fvi_attr *a = &n->attr[n->n_attr - 1];
    a->type = FVI_ATTR_FLOAT;
    a->f = f;
}

static inline void b_string_attr(fvi_graph *g, fvi_node *n, const char *name, const char *s)
{
    assert_int_equal(fvi_node_set_int(g, n, name, 0), FV_OK);
    fvi_attr *a = &n->attr[n->n_attr - 1];
    a->type = FVI_ATTR_STRING;
    a->s = fvi_arena_strdup(g->arena, s);
}

/* relink, infer, verify */
static inline void b_settle(fvi_graph *g)
{
    fv_error err = {0};
    if (fvi_graph_relink(g, &err) < 0 || fvi_graph_infer(g, &err) < 0 || fvi_graph_verify(g, &err) < 0) fail_msg("%s", err.text);
}

static inline void b_expect(const fvi_graph *g, const char *want)
{
    fvi_str s = {0};
    fvi_graph_dump(g, &s);
    if (strcmp(s.s, want)) {
        print_message("got:\n%s\nwant:\n%s\n", s.s, want);
        fvi_str_free(&s);
        fail();
    }
    fvi_str_free(&s);
}
#endif
