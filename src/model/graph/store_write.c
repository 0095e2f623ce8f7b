/* store_write.c: graph -> bytes, for engine files and for the hash that says whether two graphs differ in more than weights. Called by
 * engine/file_*.c. */
#include "base/hash.h"
#include "model/graph/store.h"

#if UINTPTR_MAX > UINT32_MAX
_Static_assert(sizeof(fvi_value) == FVI_STORE_VALUE_SIZE && sizeof(fvi_node) == FVI_STORE_NODE_SIZE,
               "a new member of a value or node: write it here, read it in store_read.c, then change the size in store.h");
#endif

typedef struct writer {
    fvi_str *out;
    bool names;
    const bool *weight; /* without names: whose bytes do not count */
    uint32_t *number;   /* without names: values are numbered, and described, where they first appear; 0 = not yet */
    uint32_t numbered;
    fvi_store_place_fn place;
    void *user;
} writer;

static void put_dims(writer *w, const fvi_value *v)
{
    fvi_put_u8(w->out, (uint8_t)v->dtype);
    fvi_put_u8(w->out, (uint8_t)v->declared);
    fvi_put_u8(w->out, (uint8_t)(v->rank < 0 ? 255 : v->rank));
    for (int i = 0; i < v->rank; i++) fvi_put_u64(w->out, (uint64_t)v->dim[i]);
}

static void put_data(writer *w, const fvi_value *v, bool weight)
{
    const int64_t count = fvi_value_count(v);
    if (w->names)
        fvi_put_u64(w->out, w->place(w->user, v));
    else if (!weight && !v->absent && count > 0)
        fvi_put(w->out, v->constant, (size_t)count * fv_dtype_size(v->dtype));
}

static void put_value(writer *w, const fvi_value *v)
{
    put_dims(w, v);
    const bool bytes = v->quant.scale > 0;
    fvi_put_u8(w->out, (uint8_t)((v->constant ? 1 : 0) | (v->is_input ? 2 : 0) | (v->is_output ? 4 : 0) | (bytes ? 8 : 0)));
    if (w->names && bytes) { /* a scale is a weight: it says nothing about the form */
        fvi_put_f32(w->out, v->quant.scale);
        fvi_put_u8(w->out, (uint8_t)v->quant.zero);
    }
    if (w->names) {
        fvi_put_text(w->out, v->name);
        for (int i = 0; i < v->rank; i++) fvi_put_text(w->out, v->symbol[i]);
    }
    if (v->constant) put_data(w, v, w->weight && w->weight[v->id]);
}

static void put_attr(writer *w, const fvi_attr *a)
{
    fvi_put_text(w->out, a->name);
    fvi_put_u8(w->out, (uint8_t)a->type);
    switch (a->type) {
    case FVI_ATTR_INT: fvi_put_u64(w->out, (uint64_t)a->i); break;
    case FVI_ATTR_FLOAT: fvi_put_f32(w->out, a->f); break;
    case FVI_ATTR_STRING: fvi_put_text(w->out, a->s); break;
    case FVI_ATTR_INTS:
        fvi_put_u32(w->out, (uint32_t)a->count);
        for (int i = 0; i < a->count; i++) fvi_put_u64(w->out, (uint64_t)a->ints[i]);
        break;
    case FVI_ATTR_FLOATS:
        fvi_put_u32(w->out, (uint32_t)a->count);
        for (int i = 0; i < a->count; i++) fvi_put_f32(w->out, a->floats[i]);
        break;
    case FVI_ATTR_TENSOR:
        put_dims(w, a->tensor);
        put_data(w, a->tensor, a->tensor->dtype != FV_I64 && a->tensor->dtype != FV_I32 && a->tensor->dtype != FV_BOOL);
        break;
    }
}

static void put_edge(writer *w, const fvi_value *v)
{
    if (!v || w->names) {
        fvi_put_u32(w->out, v ? (uint32_t)v->id : UINT32_MAX);
        return;
    }
    const bool fresh = !w->number[v->id];
    if (fresh) w->number[v->id] = ++w->numbered;
    fvi_put_u32(w->out, w->number[v->id]);
    if (fresh) put_value(w, v);
}

static void put_node(writer *w, const fvi_node *n)
{
    fvi_put_text(w->out, fvi_op_get(n->op)->name);
    fvi_put_text(w->out, n->domain);
    fvi_put_u32(w->out, (uint32_t)n->opset);
    if (w->names) fvi_put_text(w->out, n->name);
    fvi_put_u8(w->out, n->bf16);
    fvi_put_u8(w->out, (uint8_t)n->makes);
    fvi_put_u8(w->out, (uint8_t)n->act);
    fvi_put_f32(w->out, n->act_alpha);
    fvi_put_f32(w->out, n->act_beta);
    fvi_put_u32(w->out, (uint32_t)n->n_in);
    for (int k = 0; k < n->n_in; k++) put_edge(w, n->in[k]);
    fvi_put_u32(w->out, (uint32_t)n->n_out);
    for (int k = 0; k < n->n_out; k++) put_edge(w, n->out[k]);
    put_edge(w, n->residual);
    fvi_put_u32(w->out, (uint32_t)n->n_attr);
    for (int i = 0; i < n->n_attr; i++) put_attr(w, &n->attr[i]);
}

static void put_graph(writer *w, const fvi_graph *g)
{
    fvi_put_u32(w->out, (uint32_t)g->opset);
    if (w->names) {
        fvi_put_text(w->out, g->name);
        fvi_put_text(w->out, g->producer);
        fvi_put_text(w->out, g->note);
        fvi_put_u64(w->out, (uint64_t)g->ir_version);
        fvi_put_u64(w->out, (uint64_t)g->counter);
        fvi_put_u32(w->out, (uint32_t)g->n_meta);
        for (int i = 0; i < g->n_meta; i++) fvi_put_text(w->out, g->meta[i].key), fvi_put_text(w->out, g->meta[i].value);
        fvi_put_u32(w->out, (uint32_t)g->n_values);
        for (int i = 0; i < g->n_values; i++) put_value(w, g->values[i]);
    } else { /* inputs keep their order */
        for (int i = 0; i < g->n_inputs; i++) put_edge(w, g->inputs[i]);
    }
    fvi_put_u32(w->out, (uint32_t)g->n_nodes);
    for (int i = 0; i < g->n_nodes; i++) put_node(w, g->nodes[i]);
    fvi_put_u32(w->out, (uint32_t)g->n_inputs);
    for (int i = 0; i < g->n_inputs && w->names; i++) put_edge(w, g->inputs[i]);
    fvi_put_u32(w->out, (uint32_t)g->n_outputs);
    for (int i = 0; i < g->n_outputs; i++) put_edge(w, g->outputs[i]);
}

void fvi_graph_store(const fvi_graph *g, fvi_str *out, fvi_store_place_fn place, void *user)
{
    put_graph(&(writer){.out = out, .names = true, .place = place, .user = user}, g);
}

static bool takes_sums(fvi_op op)
{
    return op == FVI_OP_DEQUANTIZE_LINEAR || op == FVI_OP_QLINEAR_CONV || op == FVI_OP_QLINEAR_MATMUL;
}

void fvi_graph_weights(const fvi_graph *g, bool *weight)
{
    for (int i = 0; i < g->n_values; i++) {
        const fvi_value *v = g->values[i];
        weight[i] = v->constant && (v->dtype == FV_F32 || v->dtype == FV_F64 || v->dtype == FV_F16 || v->dtype == FV_BF16 || v->dtype == FV_I8 || v->dtype == FV_U8);
    }
    for (int i = 0; i < g->n_nodes; i++)
        for (int k = 0; k < g->nodes[i]->n_in && takes_sums(g->nodes[i]->op); k++) {
            const fvi_value *v = g->nodes[i]->in[k];
            if (v && v->constant && v->dtype == FV_I32) weight[v->id] = true;
        }
}

bool fvi_graph_form(const fvi_graph *g, uint64_t *hash)
{
    fvi_str out = {0};
    bool *weight = fvi_calloc((size_t)g->n_values + 1, sizeof *weight);
    uint32_t *number = fvi_calloc((size_t)g->n_values + 1, sizeof *number);
    if (weight && number) {
        fvi_graph_weights(g, weight);
        put_graph(&(writer){.out = &out, .weight = weight, .number = number}, g);
        *hash = fvi_hash(out.s, out.len, 0);
    }
    const bool ok = weight && number && !out.failed && out.len;
    fvi_free(weight);
    fvi_free(number);
    fvi_str_free(&out);
    return ok;
}
