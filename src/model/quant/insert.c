/* insert.c: QuantizeLinear and DequantizeLinear behind every site, weights as int8 behind a DequantizeLinear of an axis, biases
 * corrected. Engines find the pattern DequantizeLinear -> operator -> QuantizeLinear and compute in bytes; whoever reads a site reads its
 * bytes, so that no value is stored twice. */
#include "model/quant/insert.h"
#include "base/alloc.h"
#include "model/onnx/write.h"
#include <string.h>

#define OPSET 13 /* the first with an axis */

typedef struct inserter {
    fvi_graph *g;
    const fvi_quant_insert *in;
    fvi_value **dequantised;        /* [values of the clone] */
    fvi_value **scale, **zero;      /* likewise, at the value that stands for a group */
    fv_error *err;
} inserter;

static fv_status no_memory(const inserter *t) { return fvi_error_set(t->err, FV_ERR_MEMORY, "out of memory"); }

/* NAME + suffix, or a fresh name where that is taken. */
static const char *name_for(const inserter *t, const char *name, const char *suffix)
{
    char *made = fvi_arena_printf(t->g->arena, "%s%s", name, suffix);
    return made && !fvi_graph_find(t->g, made) ? made : NULL;
}

static fvi_value *like(const inserter *t, const fvi_value *v, const char *suffix, fv_dtype dtype)
{
    fvi_value *made = fvi_graph_add_value(t->g, name_for(t, v->name, suffix));
    if (!made) return NULL;
    made->dtype = dtype;
    made->rank = v->rank;
    memcpy(made->dim, v->dim, sizeof made->dim);
    memcpy(made->symbol, v->symbol, sizeof made->symbol);
    return made;
}

static fvi_value *node(const inserter *t, fvi_op op, const char *name, fvi_value *x, fvi_value *scale, fvi_value *zero, fvi_value *y)
{
    fvi_node *n = x && scale && zero && y ? fvi_graph_add_node(t->g, op, name, 3, 1) : NULL;
    if (!n) return NULL;
    n->in[0] = x;
    n->in[1] = scale;
    n->in[2] = zero;
    n->out[0] = y;
    y->producer = n;
    return y;
}

/* ---- values ---- */

static fv_status group_constants(inserter *t, int group)
{
    const fvi_quant_scale *s = &t->in->scale[group];
    const char *name = t->in->sel->g->values[group]->name;
    int8_t z = (int8_t)s->zero; /* the bits of a uint8 */
    if (t->scale[group]) return FV_OK;
    t->scale[group] = fvi_graph_add_constant(t->g, name_for(t, name, "_scale"), FV_F32, 0, NULL, &s->scale);
    t->zero[group] = fvi_graph_add_constant(t->g, name_for(t, name, "_zero_point"), t->in->symmetric ? FV_I8 : FV_U8, 0, NULL, &z);
    return t->scale[group] && t->zero[group] ? FV_OK : no_memory(t);
}

static fv_status add_pair(inserter *t, fvi_value *v, int group)
{
    FVI_TRY(group_constants(t, group));
    fvi_value *byte = like(t, v, "_QuantizeLinear_Output", t->in->symmetric ? FV_I8 : FV_U8), *back = like(t, v, "_DequantizeLinear_Output", FV_F32);
    if (!node(t, FVI_OP_QUANTIZE_LINEAR, name_for(t, v->name, "_QuantizeLinear"), v, t->scale[group], t->zero[group], byte)) return no_memory(t);
    if (!node(t, FVI_OP_DEQUANTIZE_LINEAR, name_for(t, v->name, "_DequantizeLinear"), byte, t->scale[group], t->zero[group], back)) return no_memory(t);
    t->dequantised[v->id] = back;
    return FV_OK;
}

/* ---- weights ---- */

static fv_status add_weights(inserter *t, const fvi_quant_layer *l, fvi_node *n)
{
    int64_t channels = l->channels;
    int8_t *q = fvi_arena_array(t->g->arena, (size_t)(channels * l->inner), 1), *zeros = fvi_arena_array(t->g->arena, (size_t)channels, 1);
    float *scale = fvi_arena_array(t->g->arena, (size_t)channels, sizeof *scale);
    if (!q || !zeros || !scale) return no_memory(t);
    fvi_quant_weights(l, q, scale);
    fvi_value *w = n->in[1];
    fvi_value *byte = fvi_graph_add_constant(t->g, name_for(t, w->name, "_quantized"), FV_I8, w->rank, w->dim, q);
    fvi_value *s = fvi_graph_add_constant(t->g, name_for(t, w->name, "_scale"), FV_F32, 1, &channels, scale);
    fvi_value *z = fvi_graph_add_constant(t->g, name_for(t, w->name, "_zero_point"), FV_I8, 1, &channels, zeros);
    fvi_value *back = like(t, w, "_DequantizeLinear_Output", FV_F32);
    if (!node(t, FVI_OP_DEQUANTIZE_LINEAR, name_for(t, w->name, "_DequantizeLinear"), byte, s, z, back)) return no_memory(t);
    FVI_TRY(fvi_node_set_int(t->g, back->producer, "axis", l->axis));
    n->in[1] = back;
    return FV_OK;
}

static fv_status correct_bias(inserter *t, const fvi_quant_layer *l, fvi_node *n, const double *add)
{
    if (!add || n->op == FVI_OP_MATMUL) return FV_OK;
    float *b = fvi_arena_array(t->g->arena, (size_t)l->channels, sizeof *b);
    if (!b) return no_memory(t);
    for (int64_t c = 0; c < l->channels; c++) b[c] = (float)((l->bias ? (double)((const float *)l->bias->constant)[c] : 0) + add[c]);
    bool has = n->n_in > 2 && n->in[2];
    fvi_value *v = fvi_graph_add_constant(t->g, name_for(t, has ? n->in[2]->name : n->name, "_corrected"), FV_F32, has ? l->bias->rank : 1, has ? l->bias->dim : &l->channels, b);
    fvi_value **in = fvi_arena_array(t->g->arena, 3, sizeof *in);
    if (!v || !in) return no_memory(t);
    in[0] = n->in[0];
    in[1] = n->in[1];
    in[2] = v;
    n->in = in;
    n->n_in = 3;
    return FV_OK;
}

fv_status fvi_quant_insert_pairs(fvi_graph *g, const fvi_quant_insert *in, fv_error *err)
{
    const fvi_quant_select *s = in->sel;
    int n_values = g->n_values, n_nodes = g->n_nodes;
    size_t room = (size_t)n_values + 1;
    inserter t = {.g = g, .in = in, .err = err, .dequantised = fvi_calloc(room, sizeof(void *)), .scale = fvi_calloc(room, sizeof(void *)), .zero = fvi_calloc(room, sizeof(void *))};
    fv_status st = t.dequantised && t.scale && t.zero ? FV_OK : no_memory(&t);
    if (st >= 0) FVI_TRY_GOTO(fvi_onnx_upgrade(g, OPSET, err), out);
    for (int i = 0; i < n_values && st >= 0; i++)
        if (s->group[i] >= 0) st = add_pair(&t, g->values[i], s->group[i]);
    for (int i = 0; i < n_nodes && st >= 0; i++)
        for (int k = 0; k < g->nodes[i]->n_in; k++) {
            fvi_value **v = &g->nodes[i]->in[k];
            if (*v && (*v)->id < n_values && t.dequantised[(*v)->id]) *v = t.dequantised[(*v)->id];
        }
    for (int i = 0; i < s->n_layers && st >= 0; i++) {
        fvi_node *n = g->nodes[s->layers[i].node->id];
        if (s->layers[i].off) continue;
        st = add_weights(&t, &s->layers[i], n);
        if (st >= 0) st = correct_bias(&t, &s->layers[i], n, in->bias ? in->bias[i] : NULL);
    }
    if (st >= 0) st = fvi_graph_relink(g, err);
    if (st >= 0) st = fvi_graph_verify(g, err);
out:
    fvi_free(t.dequantised);
    fvi_free(t.scale);
    fvi_free(t.zero);
    return st;
}
