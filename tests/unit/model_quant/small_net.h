/* small_net.h: a small float network with all that a detector has (split, residual, concat, pool, head), as an ONNX file, and its inputs. */
#ifndef FVI_TEST_SMALL_NET_H
#define FVI_TEST_SMALL_NET_H
#include "base/alloc.h"
#include "model/graph/graph.h"
#include "model/onnx/write.h"
#include <fovea/model.h>
#include <math.h>
#include <string.h>

enum { SIDE = 16 };
static uint32_t net_seed = 3;
static float net_uniform(void)
{
    net_seed = net_seed * 1664525u + 1013904223u;
    return (float)(net_seed >> 8) / (float)(1 << 23) - 1;
}

static fvi_value *net_node(fvi_graph *g, fvi_op op, const char *name, fvi_value *a, fvi_value *b)
{
    fvi_node *x = fvi_graph_add_node(g, op, name, b ? 2 : 1, 1);
    x->in[0] = a;
    if (b) x->in[1] = b;
    x->out[0] = fvi_graph_add_value(g, NULL);
    x->out[0]->producer = x;
    return x->out[0];
}

static fvi_value *net_conv(fvi_graph *g, const char *name, fvi_value *x, int64_t cout, int64_t cin, int64_t k, float gain)
{
    static float w[8192];
    for (int i = 0; i < 8192; i++) w[i] = gain * net_uniform() / sqrtf((float)(cin * k * k));
    fvi_value *y = net_node(g, FVI_OP_CONV, name, x, fvi_graph_add_constant(g, NULL, FV_F32, 4, (int64_t[]){cout, cin, k, k}, w));
    assert_true(fvi_node_set_ints(g, y->producer, "pads", (int64_t[]){k / 2, k / 2, k / 2, k / 2}, 4) >= 0);
    return y;
}

static fvi_value *net_silu(fvi_graph *g, fvi_value *x) { return net_node(g, FVI_OP_MUL, NULL, x, net_node(g, FVI_OP_SIGMOID, NULL, x, NULL)); }

/* gain: of the weights of "mid". bytes: fvi_free, after the model. */
static uint8_t *net_make(size_t *size, float gain)
{
    fvi_graph *g = NULL;
    fv_error err = {0};
    uint8_t *bytes;
    assert_true(fvi_graph_create(&g, &err) == FV_OK);
    g->opset = 17;
    g->ir_version = 8;
    fvi_value *x = fvi_graph_add_value(g, "images");
    x->is_input = true;
    x->dtype = FV_F32;
    x->rank = 4;
    memcpy(x->dim, (int64_t[]){1, 3, SIDE, SIDE}, sizeof(int64_t) * 4);
    g->inputs = fvi_arena_array(g->arena, 1, sizeof *g->inputs);
    g->outputs = fvi_arena_array(g->arena, 1, sizeof *g->outputs);
    g->inputs[g->n_inputs++] = x;
    fvi_value *a = net_silu(g, net_conv(g, "stem", x, 16, 3, 3, 1.5f)), *b = net_silu(g, net_conv(g, "mid", a, 16, 16, 3, gain)), *c = net_node(g, FVI_OP_ADD, "sum", a, b);
    fvi_value *p = net_node(g, FVI_OP_MAX_POOL, "pool", c, NULL);
    assert_true(fvi_node_set_ints(g, p->producer, "kernel_shape", (int64_t[]){3, 3}, 2) >= 0 && fvi_node_set_ints(g, p->producer, "pads", (int64_t[]){1, 1, 1, 1}, 4) >= 0);
    fvi_value *j = net_node(g, FVI_OP_CONCAT, "join", c, p);
    assert_true(fvi_node_set_int(g, j->producer, "axis", 1) >= 0);
    fvi_value *h = net_silu(g, net_conv(g, "neck", j, 16, 32, 1, 1.5f)), *y = net_node(g, FVI_OP_SIGMOID, NULL, net_conv(g, "head", h, 5, 16, 1, 1.5f), NULL);
    y->is_output = true;
    y->name = fvi_arena_strdup(g->arena, "scores");
    g->outputs[g->n_outputs++] = y;
    if (fvi_graph_relink(g, &err) < 0 || fvi_graph_infer(g, &err) < 0 || fvi_onnx_write_memory(&bytes, size, g, NULL, &err) < 0) fail_msg("%s", err.text);
    fvi_graph_free(&g);
    return bytes;
}

/* One run on a picture of this seed; out: [5][SIDE][SIDE]. */
static void net_run(fv_model *m, uint32_t seed, float *out)
{
    static float in[3 * SIDE * SIDE];
    fv_session *s;
    fv_error err = {0};
    net_seed = seed;
    for (int i = 0; i < 3 * SIDE * SIDE; i++) in[i] = (net_uniform() + 1) / 2;
    fv_tensor t = {.dtype = FV_F32, .rank = 4, .dim = {1, 3, SIDE, SIDE}, .data = in}, y = {.dtype = FV_F32, .rank = 4, .dim = {1, 5, SIDE, SIDE}, .data = out};
    if (fv_session_create(&s, m, NULL, &err) < 0 || fv_session_set_input(s, 0, &t, &err) < 0 || fv_session_run(s) < 0 || fv_session_get_output(s, 0, &y, &err) < 0) fail_msg("%s", err.text);
    fv_session_free(&s);
}
#endif
