/* dump.c: a graph as text, one line a node, stable: what tests of rewrites compare and `fovea inspect --graph` shows. */
#include "model/graph/graph.h"
#include <string.h>

#define DUMP_VALUES 8 /* constants of up to so many elements are shown in full */

static const char *const act_names[FVI_ACT_COUNT] = {"none", "relu",        "leaky",     "clip", "sigmoid",
                                                     "silu", "hardsigmoid", "hardswish", "tanh", "gelu"};

static void dump_type(fvi_str *out, const fvi_value *v)
{
    fvi_str_add(out, v->dtype == FV_NONE ? "?" : fv_dtype_name(v->dtype));
    if (v->rank < 0) {
        fvi_str_add(out, "[...]");
        return;
    }
    fvi_str_add(out, "[");
    for (int i = 0; i < v->rank; i++) {
        if (i) fvi_str_add(out, ",");
        if (v->dim[i] >= 0)
            fvi_str_printf(out, "%lld", (long long)v->dim[i]);
        else
            fvi_str_add_terminal(out, v->symbol[i] ? v->symbol[i] : "?");
    }
    fvi_str_add(out, "]");
}

static void dump_named(fvi_str *out, const fvi_value *v)
{
    fvi_str_add_terminal(out, v->name);
    fvi_str_add(out, ": ");
    dump_type(out, v);
}

static void dump_element(fvi_str *out, const fvi_value *v, int64_t i)
{
    const char *p = (const char *)v->constant + (size_t)i * fv_dtype_size(v->dtype);
    float f;
    int32_t s;
    int64_t l;
    switch (v->dtype) {
    case FV_F32:
        memcpy(&f, p, 4);
        fvi_str_printf(out, "%.9g", (double)f);
        break;
    case FV_I32:
        memcpy(&s, p, 4);
        fvi_str_printf(out, "%d", s);
        break;
    case FV_I64:
        memcpy(&l, p, 8);
        fvi_str_printf(out, "%lld", (long long)l);
        break;
    case FV_U8:
    case FV_BOOL: fvi_str_printf(out, "%u", *(const uint8_t *)p); break;
    case FV_I8: fvi_str_printf(out, "%d", *(const int8_t *)p); break;
    default: fvi_str_add(out, "?");
    }
}

static void dump_constant(fvi_str *out, const fvi_value *v)
{
    dump_named(out, v);
    int64_t count = fvi_value_count(v);
    if (count < 0 || count > DUMP_VALUES) return;
    fvi_str_add(out, " = {");
    for (int64_t i = 0; i < count; i++) {
        if (i) fvi_str_add(out, ", ");
        dump_element(out, v, i);
    }
    fvi_str_add(out, "}");
}

static void dump_attr(fvi_str *out, const fvi_attr *a)
{
    fvi_str_add_terminal(out, a->name);
    fvi_str_add(out, "=");
    switch (a->type) {
    case FVI_ATTR_INT: fvi_str_printf(out, "%lld", (long long)a->i); break;
    case FVI_ATTR_FLOAT: fvi_str_printf(out, "%.9g", (double)a->f); break;
    case FVI_ATTR_STRING: fvi_str_add_terminal(out, a->s); break;
    case FVI_ATTR_INTS:
    case FVI_ATTR_FLOATS:
        fvi_str_add(out, "[");
        for (int i = 0; i < a->count; i++) {
            if (i) fvi_str_add(out, ",");
            if (a->type == FVI_ATTR_INTS)
                fvi_str_printf(out, "%lld", (long long)a->ints[i]);
            else
                fvi_str_printf(out, "%.9g", (double)a->floats[i]);
        }
        fvi_str_add(out, "]");
        break;
    case FVI_ATTR_TENSOR: dump_type(out, a->tensor); break;
    }
}

static void dump_node(fvi_str *out, const fvi_node *n)
{
    for (int k = 0; k < n->n_out; k++) {
        if (k) fvi_str_add(out, ", ");
        dump_named(out, n->out[k]);
    }
    fvi_str_printf(out, " = %s(", fvi_op_get(n->op)->name);
    for (int k = 0; k < n->n_in; k++) {
        if (k) fvi_str_add(out, ", ");
        fvi_str_add_terminal(out, n->in[k] ? n->in[k]->name : "-");
    }
    fvi_str_add(out, ")");
    for (int i = 0; i < n->n_attr; i++) {
        fvi_str_add(out, i ? ", " : " {");
        dump_attr(out, &n->attr[i]);
    }
    if (n->n_attr) fvi_str_add(out, "}");
    if (n->act != FVI_ACT_NONE) {
        fvi_str_printf(out, " act %s", act_names[n->act]);
        if (n->act == FVI_ACT_LEAKY) fvi_str_printf(out, "(%.9g)", (double)n->act_alpha);
        if (n->act == FVI_ACT_CLIP || n->act == FVI_ACT_HARDSIGMOID)
            fvi_str_printf(out, "(%.9g, %.9g)", (double)n->act_alpha, (double)n->act_beta);
    }
    if (n->residual) {
        fvi_str_add(out, " residual ");
        fvi_str_add_terminal(out, n->residual->name);
    }
    if (n->bf16) fvi_str_add(out, " in bf16");
    fvi_str_add(out, "\n");
}

void fvi_graph_dump(const fvi_graph *g, fvi_str *out)
{
    fvi_str_add(out, "graph ");
    fvi_str_add_terminal(out, g->name ? g->name : "");
    fvi_str_printf(out, " opset %d\n", g->opset);
    for (int i = 0; i < g->n_inputs; i++) {
        fvi_str_add(out, "input ");
        dump_named(out, g->inputs[i]);
        fvi_str_add(out, "\n");
    }
    for (int i = 0; i < g->n_values; i++) {
        if (!g->values[i]->constant) continue;
        fvi_str_add(out, "const ");
        dump_constant(out, g->values[i]);
        fvi_str_add(out, "\n");
    }
    for (int i = 0; i < g->n_nodes; i++) dump_node(out, g->nodes[i]);
    for (int i = 0; i < g->n_outputs; i++) {
        fvi_str_add(out, "output ");
        dump_named(out, g->outputs[i]);
        fvi_str_add(out, "\n");
    }
}
