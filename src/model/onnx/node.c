/* node.c: NodeProtos -> nodes. First all operators are looked up, so that one message lists everything that is not
 * supported; then outputs get values; then inputs find them, in whatever order the file has its nodes. */
#include "base/alloc.h"
#include "model/onnx/internal.h"
#include <stdio.h>
#include <string.h>

typedef struct header {
    fvi_span s, name, type, domain, first_out;
    int n_in, n_out, n_attr;
    int64_t opset;
    fvi_op op;
    fvi_node *node; /* null for Constant */
} header;

#define MAX_LISTED 24

typedef struct unsupported {
    int first, n_types;
    fvi_span type[MAX_LISTED];
    bool more;
} unsupported;

static bool is(fvi_span s, const char *text) { return s.n == strlen(text) && (s.n == 0 || memcmp(s.p, text, s.n) == 0); }
static bool same(fvi_span a, fvi_span b) { return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0); }
static int shown(fvi_span s, int max) { return s.n > (size_t)max ? max : (int)s.n; }
#define TEXT(s, max) shown(s, max), (s).n ? (const char *)(s).p : ""

static fv_status read_header(fvi_onnx *o, header *h)
{
    fvi_span s = h->s;
    fvi_field f;
    bool more;
    for (;;) {
        FVI_TRY(fvi_onnx_next(o, &s, &f, "a node", &more));
        if (!more) return FV_OK;
        if (f.type != FVI_WIRE_BYTES) continue;
        if (f.number == 1) h->n_in++;
        if (f.number == 2 && h->n_out++ == 0) h->first_out = f.bytes;
        if (f.number == 3) h->name = f.bytes;
        if (f.number == 4) h->type = f.bytes;
        if (f.number == 5) h->n_attr++;
        if (f.number == 7) h->domain = f.bytes;
        if (h->n_in > FVI_ONNX_MAX_PORTS || h->n_out > FVI_ONNX_MAX_PORTS || h->n_attr > FVI_ONNX_MAX_ATTRS)
            return fvi_error_set(o->err, FV_ERR_LIMIT,
                                 "a node has more than %d inputs or outputs, or more than %d attributes",
                                 FVI_ONNX_MAX_PORTS, FVI_ONNX_MAX_ATTRS);
    }
}

static int64_t domain_version(const fvi_onnx *o, fvi_span domain)
{
    bool plain = domain.n == 0 || is(domain, "ai.onnx");
    for (int i = 0; i < o->n_domains; i++)
        if (same(o->domain[i].name, domain) ||
            (plain && (o->domain[i].name.n == 0 || is(o->domain[i].name, "ai.onnx"))))
            return o->domain[i].version;
    return 1;
}

static void describe(const header *h, char *out, size_t n)
{
    fvi_span name = h->name.n ? h->name : h->first_out;
    snprintf(out, n, "node \"%.*s\" (%.*s)", TEXT(name, 120), TEXT(h->type, 60));
}

static fvi_op find_op(const header *h)
{
    char type[64], domain[64];
    if (h->type.n >= sizeof type || h->domain.n >= sizeof domain) return FVI_OP_NONE;
    snprintf(type, sizeof type, "%.*s", TEXT(h->type, 63));
    snprintf(domain, sizeof domain, "%.*s", TEXT(h->domain, 63));
    if (strlen(type) != h->type.n || strlen(domain) != h->domain.n) return FVI_OP_NONE;
    /* at inference Dropout passes its input on */
    if (!domain[0] && strcmp(type, "Dropout") == 0 && h->n_in <= 2) return FVI_OP_IDENTITY;
    return fvi_op_find(domain, type);
}

static void note_unsupported(unsupported *u, const header *h, int index)
{
    if (u->n_types == 0) u->first = index;
    for (int i = 0; i < u->n_types; i++)
        if (same(u->type[i], h->type)) return;
    if (u->n_types < MAX_LISTED)
        u->type[u->n_types++] = h->type;
    else
        u->more = true;
}

static fv_status report_unsupported(fvi_onnx *o, const unsupported *u, const header *h)
{
    char who[256];
    fvi_str all = {0};
    describe(h, who, sizeof who);
    for (int i = 0; i < u->n_types; i++) fvi_str_printf(&all, "%s%.*s", i ? ", " : "", TEXT(u->type[i], 60));
    if (u->more) fvi_str_add(&all, ", and others");
    fv_status st =
        fvi_error_set(o->err, FV_ERR_UNSUPPORTED,
                      "%s of domain \"%.*s\", opset %lld, is not supported; not supported in this model: %.220s", who,
                      h->domain.n ? shown(h->domain, 60) : 7, h->domain.n ? (const char *)h->domain.p : "ai.onnx",
                      (long long)h->opset, all.s ? all.s : "");
    fvi_str_free(&all);
    return st;
}

static fv_status find_ops(fvi_onnx *o, header *h, int n)
{
    unsupported u = {0};
    for (int i = 0; i < n; i++) {
        FVI_TRY(read_header(o, &h[i]));
        h[i].opset = domain_version(o, h[i].domain);
        h[i].op = find_op(&h[i]);
        const fvi_op_info *op = fvi_op_get(h[i].op);
        if (h[i].op == FVI_OP_NONE) {
            note_unsupported(&u, &h[i], i);
        } else if (h[i].opset < op->since && h[i].domain.n == 0) {
            char who[256];
            describe(&h[i], who, sizeof who);
            return fvi_error_set(o->err, FV_ERR_MODEL, "%s is supported from opset %d on, the model is of opset %lld",
                                 who, op->since, (long long)h[i].opset);
        }
    }
    return u.n_types ? report_unsupported(o, &u, &h[u.first]) : FV_OK;
}

/* ---- Constant ---- */

static fv_status constant_value(fvi_onnx *o, const fvi_attr *a, fvi_value *v, const char *what)
{
    bool list = a->type == FVI_ATTR_INTS || a->type == FVI_ATTR_FLOATS;
    if (a->type == FVI_ATTR_TENSOR && strcmp(a->name, "value") == 0) {
        v->dtype = a->tensor->dtype;
        v->rank = a->tensor->rank;
        memcpy(v->dim, a->tensor->dim, sizeof v->dim);
        v->constant = a->tensor->constant;
        return FV_OK;
    }
    if (strncmp(a->name, "value_", 6) != 0 || a->type == FVI_ATTR_STRING)
        return fvi_error_set(o->err, FV_ERR_UNSUPPORTED, "%s: attribute \"%.60s\" is not supported", what, a->name);
    v->rank = list ? 1 : 0;
    v->dim[0] = list ? a->count : 0;
    v->dtype = a->type == FVI_ATTR_INT || a->type == FVI_ATTR_INTS ? FV_I64 : FV_F32;
    size_t bytes = fv_dtype_size(v->dtype) * (list ? (size_t)a->count : 1);
    void *data = fvi_arena_alloc(o->g->arena, bytes + 1);
    if (!data) return fvi_onnx_memory(o);
    const void *from = a->type == FVI_ATTR_INT     ? (const void *)&a->i
                       : a->type == FVI_ATTR_FLOAT ? (const void *)&a->f
                       : a->type == FVI_ATTR_INTS  ? (const void *)a->ints
                                                   : (const void *)a->floats;
    if (bytes) memcpy(data, from, bytes);
    v->constant = data;
    return FV_OK;
}

static fv_status add_constant(fvi_onnx *o, const header *h)
{
    fvi_span s = h->s;
    fvi_field f;
    fvi_value *v;
    fvi_attr a = {0};
    bool more, found = false;
    char who[256];
    describe(h, who, sizeof who);
    if (h->n_out != 1 || h->first_out.n == 0) return fvi_error_set(o->err, FV_ERR_MODEL_FORMAT, "%s has no output", who);
    for (;;) {
        FVI_TRY(fvi_onnx_next(o, &s, &f, "a node", &more));
        if (!more) break;
        if (f.number != 5 || f.type != FVI_WIRE_BYTES) continue;
        if (found) return fvi_error_set(o->err, FV_ERR_MODEL_FORMAT, "%s has more than one value", who);
        FVI_TRY(fvi_onnx_attr(o, f.bytes, &a, who));
        found = true;
    }
    if (!found) return fvi_error_set(o->err, FV_ERR_MODEL_FORMAT, "%s has no value", who);
    FVI_TRY(fvi_onnx_add_value(o, h->first_out, &v));
    return constant_value(o, &a, v, who);
}

/* ---- other nodes ---- */

static fv_status add_outputs(fvi_onnx *o, const header *h)
{
    fvi_span s = h->s;
    fvi_field f;
    bool more;
    int k = 0;
    for (;;) {
        FVI_TRY(fvi_onnx_next(o, &s, &f, "a node", &more));
        if (!more) break;
        if (f.number != 2 || f.type != FVI_WIRE_BYTES || k >= h->node->n_out) continue;
        if (f.bytes.n) FVI_TRY(fvi_onnx_add_value(o, f.bytes, &h->node->out[k]));
        k++;
    }
    for (k = 0; k < h->node->n_out; k++)
        if (!h->node->out[k] && !(h->node->out[k] = fvi_graph_add_value(o->g, NULL))) return fvi_onnx_memory(o);
    return FV_OK;
}

static fv_status add_node(fvi_onnx *o, header *h)
{
    const fvi_op_info *op = fvi_op_get(h->op);
    fvi_span label = h->name.n ? h->name : h->first_out;
    if (label.n > FVI_ONNX_MAX_NAME)
        return fvi_error_set(o->err, FV_ERR_LIMIT, "a node's name is longer than %d bytes", FVI_ONNX_MAX_NAME);
    char *name = fvi_arena_strndup(o->g->arena, label.n ? (const char *)label.p : "", label.n);
    /* outputs past the ones we know (Dropout's mask, BatchNormalization's training outputs) are left out: whoever reads
     * them gets an error */
    int n_out = h->n_out > op->max_out ? op->max_out : h->n_out < op->min_out ? op->min_out : h->n_out;
    int n_in = h->op == FVI_OP_IDENTITY && h->n_in > 1 ? 1 : h->n_in;
    h->node = name ? fvi_graph_add_node(o->g, h->op, name[0] ? name : NULL, n_in, n_out) : NULL;
    if (!h->node) return fvi_onnx_memory(o);
    h->node->opset = (int)h->opset;
    h->node->domain = fvi_arena_strndup(o->g->arena, h->domain.n ? (const char *)h->domain.p : "", h->domain.n);
    h->node->attr = fvi_arena_array(o->g->arena, (size_t)h->n_attr + 1, sizeof *h->node->attr);
    if (!h->node->domain || !h->node->attr) return fvi_onnx_memory(o);
    return add_outputs(o, h);
}

static fv_status resolve_input(fvi_onnx *o, const header *h, fvi_span name, fvi_value **out)
{
    char who[256];
    *out = name.n ? fvi_names_find(&o->names, name) : NULL;
    if (*out || !name.n) return FV_OK;
    describe(h, who, sizeof who);
    return fvi_error_set(
        o->err, FV_ERR_MODEL,
        "%s reads \"%.*s\", which nothing in the model computes (or which is an output that is not supported)", who,
        TEXT(name, 120));
}

static fv_status fill_node(fvi_onnx *o, const header *h)
{
    fvi_span s = h->s;
    fvi_field f;
    fvi_node *n = h->node;
    bool more;
    int k = 0;
    char who[256];
    describe(h, who, sizeof who);
    for (;;) {
        FVI_TRY(fvi_onnx_next(o, &s, &f, "a node", &more));
        if (!more) break;
        if (f.type != FVI_WIRE_BYTES) continue;
        if (f.number == 1 && k < n->n_in) FVI_TRY(resolve_input(o, h, f.bytes, &n->in[k++]));
        if (f.number == 5) FVI_TRY(fvi_onnx_attr(o, f.bytes, &n->attr[n->n_attr++], who));
    }
    while (n->n_in > 0 && !n->in[n->n_in - 1]) n->n_in--;
    const fvi_op_info *op = fvi_op_get(n->op);
    if (n->n_in < op->min_in || n->n_in > op->max_in)
        return fvi_error_set(o->err, FV_ERR_MODEL, "%s has %d inputs, %d to %d are supported", who, n->n_in, op->min_in, op->max_in);
    for (int i = 0; i < op->min_in; i++)
        if (!n->in[i]) return fvi_error_set(o->err, FV_ERR_MODEL, "%s: its input %d is missing", who, i);
    return FV_OK;
}

static fv_status count_nodes(fvi_onnx *o, int *count)
{
    fvi_span s = o->graph;
    fvi_field f;
    bool more;
    *count = 0;
    for (;;) {
        FVI_TRY(fvi_onnx_next(o, &s, &f, "the graph", &more));
        if (!more) return FV_OK;
        if (f.number == 1 && f.type == FVI_WIRE_BYTES && ++*count > FVI_ONNX_MAX_NODES)
            return fvi_error_set(o->err, FV_ERR_LIMIT, "the model has more than %d nodes", FVI_ONNX_MAX_NODES);
    }
}

static fv_status collect(fvi_onnx *o, header *h)
{
    fvi_span s = o->graph;
    fvi_field f;
    bool more;
    for (int i = 0;;) {
        FVI_TRY(fvi_onnx_next(o, &s, &f, "the graph", &more));
        if (!more) return FV_OK;
        if (f.number == 1 && f.type == FVI_WIRE_BYTES) h[i++].s = f.bytes;
    }
}

fv_status fvi_onnx_nodes(fvi_onnx *o)
{
    int n;
    FVI_TRY(count_nodes(o, &n));
    header *h = fvi_calloc((size_t)n + 1, sizeof *h);
    if (!h) return fvi_onnx_memory(o);
    fv_status st;
    FVI_TRY_GOTO(collect(o, h), out);
    FVI_TRY_GOTO(find_ops(o, h, n), out);
    for (int i = 0; i < n; i++) FVI_TRY_GOTO(h[i].op == FVI_OP_CONSTANT ? add_constant(o, &h[i]) : add_node(o, &h[i]), out);
    for (int i = 0; i < n; i++)
        if (h[i].node) FVI_TRY_GOTO(fill_node(o, &h[i]), out);
out:
    fvi_free(h);
    return st;
}
