/* store_read.c: bytes -> graph, as untrusting as the importer: counts are bounded by the bytes that are left, every index is checked, then the
 * graph is relinked and verified. Called by engine/file_read.c. */
#include "base/checked.h"
#include "base/error.h"
#include "model/graph/limits.h"
#include "model/graph/store.h"
#include <math.h>

enum { MAX_TEXT = 1 << 24, MAX_NAME = 65535, MAX_VALUES = 2000000, MAX_NODES = 200000, MAX_PORTS = 65535, MAX_ATTRS = 256, MAX_META = 4096 };

typedef struct reader {
    fvi_graph *g;
    fvi_bytes *in;
    const uint8_t *data;
    size_t size;
    fv_error *err;
} reader;

/* What `constant` of absent ones points at; nobody reads it. */
static const uint64_t nothing[8];

static fv_status damaged(reader *r, const char *what) { return fvi_error_set(r->err, FV_ERR_MODEL_FORMAT, "the engine file is damaged: %s", what); }
static fv_status no_memory(reader *r) { return fvi_error_set(r->err, FV_ERR_MEMORY, "out of memory while reading the engine file"); }

static fv_status text(reader *r, char **out, bool needed, uint32_t most)
{
    const uint32_t n = fvi_take_u32(r->in);
    *out = NULL;
    if (r->in->bad) return damaged(r, "its graph is cut short");
    if (n == UINT32_MAX) return needed ? damaged(r, "a name is missing") : FV_OK;
    if (n > most || n > r->in->n || memchr(r->in->p, 0, n)) return damaged(r, "a text is too long or has a null byte in it");
    *out = fvi_arena_strndup(r->g->arena, (const char *)r->in->p, n);
    r->in->p += n;
    r->in->n -= n;
    return *out ? FV_OK : no_memory(r);
}

static fv_status dims(reader *r, fvi_value *v)
{
    const uint8_t dtype = fvi_take_u8(r->in), declared = fvi_take_u8(r->in), rank = fvi_take_u8(r->in);
    if (dtype >= FV_DTYPE_COUNT || declared >= FV_DTYPE_COUNT || (rank > FV_MAX_RANK && rank != 255)) return damaged(r, "a value has a type or rank that does not exist");
    v->dtype = (fv_dtype)dtype;
    v->declared = (fv_dtype)declared;
    v->rank = rank == 255 ? -1 : rank;
    for (int i = 0; i < v->rank; i++) {
        v->dim[i] = (int64_t)fvi_take_u64(r->in);
        if (v->dim[i] < FVI_DIM_UNKNOWN || v->dim[i] > FVI_MAX_ELEMENTS) return damaged(r, "a value has a dimension that cannot be");
    }
    return FV_OK;
}

/* `constant` of a value of known shape. */
static fv_status constant(reader *r, fvi_value *v)
{
    const uint64_t at = fvi_take_u64(r->in);
    const int64_t count = fvi_value_count(v);
    int64_t bytes;
    if (r->in->bad) return damaged(r, "its graph is cut short");
    if (v->rank < 0 || count < 0 || !fv_dtype_size(v->dtype) || !fvi_mul_i64(count, (int64_t)fv_dtype_size(v->dtype), &bytes)) return damaged(r, "a constant has no shape");
    v->constant = nothing;
    v->absent = at == FVI_STORE_ABSENT;
    if (v->absent || !bytes) return FV_OK;
    if (at % FVI_ALIGN || at > r->size || (uint64_t)bytes > r->size - at) return damaged(r, "a constant lies outside its section");
    v->constant = r->data + at;
    return FV_OK;
}

static fv_status read_value(reader *r)
{
    fvi_value *v = fvi_graph_add_value(r->g, "");
    if (!v) return no_memory(r);
    FVI_TRY(dims(r, v));
    const uint8_t flags = fvi_take_u8(r->in);
    if (flags > 15) return damaged(r, "a value has marks that do not exist");
    v->is_input = flags & 2, v->is_output = flags & 4;
    if (flags & 8) {
        v->quant.scale = fvi_take_f32(r->in);
        v->quant.zero = fvi_take_u8(r->in);
        if (!(v->quant.scale > 0 && v->quant.scale < INFINITY) || v->dtype != FV_U8) return damaged(r, "bytes with a scale that cannot be");
    }
    FVI_TRY(text(r, &v->name, true, MAX_NAME));
    for (int i = 0; i < v->rank; i++) FVI_TRY(text(r, &v->symbol[i], false, MAX_NAME));
    return flags & 1 ? constant(r, v) : FV_OK;
}

static fv_status edge(reader *r, fvi_value **v, bool needed)
{
    const uint32_t i = fvi_take_u32(r->in);
    *v = NULL;
    if (r->in->bad || (i == UINT32_MAX ? needed : i >= (uint32_t)r->g->n_values)) return damaged(r, "a node names a value that does not exist");
    if (i != UINT32_MAX) *v = r->g->values[i];
    return FV_OK;
}

static fv_status attr_list(reader *r, fvi_attr *a, size_t each)
{
    const uint32_t n = fvi_take_count(r->in, each, 1u << 24);
    void *p = fvi_arena_array(r->g->arena, (size_t)n + 1, each);
    if (r->in->bad) return damaged(r, "an attribute is too long");
    if (!p) return no_memory(r);
    a->count = (int)n;
    fvi_take(r->in, p, n * each);
    if (each == sizeof(int64_t))
        a->ints = p;
    else
        a->floats = p;
    return FV_OK;
}

static fv_status read_attr(reader *r, fvi_attr *a)
{
    FVI_TRY(text(r, &a->name, true, MAX_NAME));
    const uint8_t type = fvi_take_u8(r->in);
    if (type > FVI_ATTR_TENSOR) return damaged(r, "an attribute has a type that does not exist");
    a->type = (fvi_attr_type)type;
    switch (a->type) {
    case FVI_ATTR_INT: a->i = (int64_t)fvi_take_u64(r->in); return FV_OK;
    case FVI_ATTR_FLOAT: a->f = fvi_take_f32(r->in); return FV_OK;
    case FVI_ATTR_STRING: return text(r, &a->s, true, MAX_TEXT);
    case FVI_ATTR_INTS: return attr_list(r, a, sizeof(int64_t));
    case FVI_ATTR_FLOATS: return attr_list(r, a, sizeof(float));
    case FVI_ATTR_TENSOR: break;
    }
    a->tensor = fvi_arena_array(r->g->arena, 1, sizeof *a->tensor);
    if (!a->tensor) return no_memory(r);
    a->tensor->name = a->name;
    FVI_TRY(dims(r, a->tensor));
    FVI_TRY(constant(r, a->tensor));
    return a->tensor->absent ? damaged(r, "an attribute without its bytes") : FV_OK;
}

static fvi_op find_op(const char *name)
{
    for (int op = FVI_OP_NONE + 1; op < FVI_OP_COUNT; op++)
        if (!strcmp(fvi_op_get((fvi_op)op)->name, name)) return (fvi_op)op;
    return FVI_OP_NONE;
}

static fv_status read_node(reader *r)
{
    char *op_name;
    FVI_TRY(text(r, &op_name, true, MAX_NAME));
    const fvi_op op = find_op(op_name);
    if (op == FVI_OP_NONE) return fvi_error_set(r->err, FV_ERR_UNSUPPORTED, "the engine file has an operator '%.80s' that this version does not know: build it again from the model", op_name);
    char *domain, *name;
    FVI_TRY(text(r, &domain, true, MAX_NAME));
    const uint32_t opset = fvi_take_u32(r->in);
    FVI_TRY(text(r, &name, true, MAX_NAME));
    const uint8_t bf16 = fvi_take_u8(r->in), makes = fvi_take_u8(r->in), act = fvi_take_u8(r->in);
    if (bf16 > 1 || makes >= FV_DTYPE_COUNT) return damaged(r, "a node has a type that does not exist");
    const float alpha = fvi_take_f32(r->in), beta = fvi_take_f32(r->in);
    if (act >= FVI_ACT_COUNT || opset > 1000) return damaged(r, "a node has an activation or opset that does not exist");
    const uint32_t n_in = fvi_take_count(r->in, 4, MAX_PORTS);
    fvi_bytes ins = *r->in;
    if (!r->in->bad) r->in->p += 4 * (size_t)n_in, r->in->n -= 4 * (size_t)n_in;
    const uint32_t n_out = fvi_take_count(r->in, 4, MAX_PORTS);
    if (r->in->bad) return damaged(r, "its graph is cut short");
    fvi_node *n = fvi_graph_add_node(r->g, op, name, (int)n_in, (int)n_out);
    if (!n) return no_memory(r);
    n->domain = domain;
    n->opset = (int)opset;
    n->bf16 = bf16;
    n->makes = (fv_dtype)makes;
    n->act = (fvi_act)act;
    n->act_alpha = alpha, n->act_beta = beta;
    fvi_bytes *rest = r->in;
    r->in = &ins;
    fv_status st = FV_OK;
    for (uint32_t k = 0; k < n_in && st >= 0; k++) st = edge(r, &n->in[k], false);
    r->in = rest;
    for (uint32_t k = 0; k < n_out && st >= 0; k++) st = edge(r, &n->out[k], true);
    if (st >= 0) st = edge(r, &n->residual, false);
    if (st < 0) return st;
    const uint32_t n_attr = fvi_take_count(r->in, 5, MAX_ATTRS);
    if (r->in->bad) return damaged(r, "its graph is cut short");
    n->attr = fvi_arena_array(r->g->arena, (size_t)n_attr + 1, sizeof *n->attr);
    if (!n->attr) return no_memory(r);
    for (n->n_attr = 0; n->n_attr < (int)n_attr; n->n_attr++) FVI_TRY(read_attr(r, &n->attr[n->n_attr]));
    return FV_OK;
}

static fv_status read_ports(reader *r, fvi_value ***list, int *count, bool input)
{
    const uint32_t n = fvi_take_count(r->in, 4, MAX_VALUES);
    *list = fvi_arena_array(r->g->arena, (size_t)n + 1, sizeof **list);
    if (r->in->bad) return damaged(r, "its graph is cut short");
    if (!*list) return no_memory(r);
    for (uint32_t i = 0; i < n; i++) {
        fvi_value *v;
        FVI_TRY(edge(r, &v, true));
        if (input ? !v->is_input || v->constant : !v->is_output) return damaged(r, "a port is not marked as one");
        (*list)[(*count)++] = v;
    }
    int marked = 0;
    for (int i = 0; i < r->g->n_values; i++) marked += input ? r->g->values[i]->is_input : r->g->values[i]->is_output;
    return marked == *count ? FV_OK : damaged(r, "its ports do not add up");
}

static fv_status read_head(reader *r)
{
    fvi_graph *g = r->g;
    g->opset = (int)(fvi_take_u32(r->in) & 0xFFFF);
    FVI_TRY(text(r, &g->name, false, MAX_NAME));
    FVI_TRY(text(r, &g->producer, false, MAX_NAME));
    FVI_TRY(text(r, &g->note, false, MAX_NAME));
    g->ir_version = (int64_t)(fvi_take_u64(r->in) & 0xFFFFFF);
    g->counter = (int64_t)(fvi_take_u64(r->in) & 0xFFFFFFFFFF);
    const uint32_t n = fvi_take_count(r->in, 8, MAX_META);
    g->meta = fvi_arena_array(g->arena, (size_t)n + 1, sizeof *g->meta);
    if (!g->meta) return no_memory(r);
    for (; g->n_meta < (int)n; g->n_meta++) {
        FVI_TRY(text(r, &g->meta[g->n_meta].key, true, MAX_NAME));
        FVI_TRY(text(r, &g->meta[g->n_meta].value, true, MAX_TEXT));
    }
    return FV_OK;
}

static fv_status read_all(reader *r)
{
    FVI_TRY(read_head(r));
    const uint32_t values = fvi_take_count(r->in, 8, MAX_VALUES);
    for (uint32_t i = 0; i < values; i++) FVI_TRY(read_value(r));
    const uint32_t nodes = fvi_take_count(r->in, 35, MAX_NODES);
    for (uint32_t i = 0; i < nodes; i++) FVI_TRY(read_node(r));
    FVI_TRY(read_ports(r, &r->g->inputs, &r->g->n_inputs, true));
    FVI_TRY(read_ports(r, &r->g->outputs, &r->g->n_outputs, false));
    return r->in->bad ? damaged(r, "its graph is cut short") : FV_OK;
}

/* Constants without bytes: only where nobody reads them before they are found packed. */
static fv_status check_absent(reader *r, fvi_store_may_miss_fn may_miss)
{
    for (int i = 0; i < r->g->n_values; i++) {
        const fvi_value *v = r->g->values[i];
        if (v->absent && (v->is_output || v->dtype == FV_I64 || v->dtype == FV_BOOL)) return damaged(r, "a constant of the graph's form is missing");
    }
    for (int i = 0; i < r->g->n_nodes && may_miss; i++) {
        const fvi_node *n = r->g->nodes[i];
        for (int k = 0; k < n->n_in; k++)
            if (n->in[k] && n->in[k]->absent && !may_miss(n, k)) return damaged(r, "a constant that is read is missing");
        if (n->residual && n->residual->absent) return damaged(r, "a constant that is read is missing");
    }
    return FV_OK;
}

fv_status fvi_graph_restore(fvi_graph **out, fvi_bytes *in, const uint8_t *data, size_t size, bool bare, fvi_store_may_miss_fn may_miss, fv_error *err)
{
    reader r = {.in = in, .data = data, .size = size, .err = err};
    *out = NULL;
    FVI_TRY(fvi_graph_create(&r.g, err));
    fv_status st = read_all(&r);
    if (st >= 0) st = check_absent(&r, may_miss);
    if (st >= 0 && !(bare && r.g->n_nodes == 0)) {
        st = fvi_graph_relink(r.g, err);
        if (st >= 0) st = fvi_graph_verify(r.g, err);
        if (st == FV_ERR_INTERNAL || st == FV_ERR_MODEL) st = damaged(&r, "its graph does not hold together");
    }
    if (st < 0) {
        fvi_graph_free(&r.g);
        return st;
    }
    *out = r.g;
    return FV_OK;
}
