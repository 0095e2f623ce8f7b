/* write.c: graph -> ModelProto. Called by quantisation, which makes graphs for other engines as well. */
#include "model/onnx/write.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "model/onnx/internal.h"
#include "model/onnx/wire_write.h"
#include <stdio.h>
#include <string.h>

#define EXTERNAL_OVER ((size_t)1500 << 20)
#define EXTERNAL_LEAST 1024  /* bytes of a tensor that is worth a place in the other file */
#define EXTERNAL_ALIGN 4096
#define MESSAGE_LIMIT ((size_t)INT32_MAX)

enum { ATTR_FLOAT = 1, ATTR_INT, ATTR_STRING, ATTR_TENSOR, ATTR_FLOATS = 6, ATTR_INTS };

typedef struct writer {
    const fvi_graph *g;
    fv_error *err;
    const char *beside;  /* name of the other file; null = everything in one */
    fvi_wire_out data;   /* its parts */
    fvi_wire_out model;
} writer;

static fv_status no_memory(writer *w) { return fvi_error_set(w->err, FV_ERR_MEMORY, "out of memory while writing the model"); }

static int64_t onnx_type(fv_dtype t)
{
    static const int64_t of[FV_DTYPE_COUNT] = {[FV_F32] = 1, [FV_U8] = 2, [FV_I8] = 3, [FV_U16] = 4, [FV_I16] = 5, [FV_I32] = 6, [FV_I64] = 7,
                                               [FV_BOOL] = 9, [FV_F16] = 10, [FV_F64] = 11, [FV_U32] = 12, [FV_U64] = 13, [FV_BF16] = 16};
    return (unsigned)t < FV_DTYPE_COUNT ? of[t] : 0;
}

/* ---- tensors ---- */

/* A StringStringEntryProto. */
static void put_entry(fvi_wire_out *o, uint32_t field, const char *key, const char *value)
{
    fvi_wire_out e = {0};
    fvi_wire_put_text(&e, 1, key);
    fvi_wire_put_text(&e, 2, value);
    fvi_wire_put_message(o, field, &e);
}

static void put_external(writer *w, fvi_wire_out *o, const void *data, size_t bytes)
{
    static const char zeros[EXTERNAL_ALIGN];
    char number[32];
    size_t gap = (EXTERNAL_ALIGN - w->data.size % EXTERNAL_ALIGN) % EXTERNAL_ALIGN;
    put_entry(o, 13, "location", w->beside);
    snprintf(number, sizeof number, "%zu", w->data.size + gap);
    put_entry(o, 13, "offset", number);
    snprintf(number, sizeof number, "%zu", bytes);
    put_entry(o, 13, "length", number);
    fvi_wire_put_int(o, 14, 1);
    fvi_wire_put_raw(&w->data, zeros, gap);
    fvi_wire_put_raw(&w->data, data, bytes);
}

static fv_status put_tensor(writer *w, fvi_wire_out *to, uint32_t field, const fvi_value *v, const char *name, bool may_lie_outside)
{
    fvi_wire_out o = {0};
    size_t bytes = (size_t)fvi_value_count(v) * fv_dtype_size(v->dtype);
    if (!onnx_type(v->dtype)) return fvi_error_set(w->err, FV_ERR_UNSUPPORTED, "the constant \"%.120s\" has no type that ONNX knows", v->name);
    for (int d = 0; d < v->rank; d++) fvi_wire_put_int(&o, 1, v->dim[d]);
    fvi_wire_put_int(&o, 2, onnx_type(v->dtype));
    if (name) fvi_wire_put_text(&o, 8, name);
    if (w->beside && may_lie_outside && bytes >= EXTERNAL_LEAST)
        put_external(w, &o, v->constant, bytes);
    else
        fvi_wire_put_bytes(&o, 9, v->constant, bytes);
    fvi_wire_put_message(to, field, &o);
    return to->failed ? no_memory(w) : FV_OK;
}

static void put_port(fvi_wire_out *to, uint32_t field, const fvi_value *v)
{
    fvi_wire_out info = {0}, type = {0}, tensor = {0}, shape = {0};
    fvi_wire_put_int(&tensor, 1, onnx_type(v->dtype));
    for (int d = 0; d < v->rank; d++) {
        fvi_wire_out dim = {0};
        if (v->dim[d] >= 0)
            fvi_wire_put_int(&dim, 1, v->dim[d]);
        else if (v->symbol[d])
            fvi_wire_put_text(&dim, 2, v->symbol[d]);
        fvi_wire_put_message(&shape, 1, &dim);
    }
    if (v->rank >= 0) fvi_wire_put_message(&tensor, 2, &shape);
    fvi_wire_put_message(&type, 1, &tensor);
    fvi_wire_put_text(&info, 1, v->name);
    fvi_wire_put_message(&info, 2, &type);
    fvi_wire_put_message(to, field, &info);
}

/* ---- nodes ---- */

/* Importing made float32 of float16, bfloat16 and float64: what names such a type as an operator's result has to follow. */
static int64_t attr_int(const fvi_node *n, const fvi_attr *a)
{
    bool names_type = !n->domain[0] && (!strcmp(a->name, "to") || !strcmp(a->name, "dtype") || !strcmp(a->name, "output_datatype"));
    return names_type && fvi_onnx_dtype_widened(a->i) && n->out[0]->dtype != fvi_onnx_dtype_declared(a->i) ? 1 : a->i;
}

static fv_status put_attr(writer *w, fvi_wire_out *node, const fvi_node *n, const fvi_attr *a)
{
    fvi_wire_out o = {0};
    fvi_wire_put_text(&o, 1, a->name);
    switch (a->type) {
    case FVI_ATTR_INT:
        fvi_wire_put_int(&o, 3, attr_int(n, a));
        fvi_wire_put_int(&o, 20, ATTR_INT);
        break;
    case FVI_ATTR_FLOAT:
        fvi_wire_put_float(&o, 2, a->f);
        fvi_wire_put_int(&o, 20, ATTR_FLOAT);
        break;
    case FVI_ATTR_STRING:
        fvi_wire_put_text(&o, 4, a->s);
        fvi_wire_put_int(&o, 20, ATTR_STRING);
        break;
    case FVI_ATTR_INTS:
        for (int i = 0; i < a->count; i++) fvi_wire_put_int(&o, 8, a->ints[i]);
        fvi_wire_put_int(&o, 20, ATTR_INTS);
        break;
    case FVI_ATTR_FLOATS:
        for (int i = 0; i < a->count; i++) fvi_wire_put_float(&o, 7, a->floats[i]);
        fvi_wire_put_int(&o, 20, ATTR_FLOATS);
        break;
    case FVI_ATTR_TENSOR: {
        fv_status st = put_tensor(w, &o, 5, a->tensor, NULL, false);
        if (st < 0) {
            fvi_wire_out_free(&o);
            return st;
        }
        fvi_wire_put_int(&o, 20, ATTR_TENSOR);
        break;
    }
    }
    fvi_wire_put_message(node, 5, &o);
    return FV_OK;
}

static fv_status put_node(writer *w, fvi_wire_out *graph, const fvi_node *n)
{
    const char *op = fvi_op_get(n->op)->name, *dot = strrchr(op, '.');
    if (n->act != FVI_ACT_NONE || n->residual || (dot && !strncmp(op, "fovea.", 6)))
        return fvi_node_error(n, w->err, FV_ERR_UNSUPPORTED, "a rewrite made it: ONNX has nothing like it");
    fvi_wire_out o = {0};
    int used = n->n_in;
    while (used && !n->in[used - 1]) used--;
    for (int k = 0; k < used; k++) fvi_wire_put_text(&o, 1, n->in[k] ? n->in[k]->name : "");
    for (int k = 0; k < n->n_out; k++) fvi_wire_put_text(&o, 2, n->out[k]->name);
    fvi_wire_put_text(&o, 3, n->name);
    fvi_wire_put_text(&o, 4, dot ? dot + 1 : op);
    fv_status st = FV_OK;
    for (int i = 0; i < n->n_attr && st >= 0; i++) st = put_attr(w, &o, n, &n->attr[i]);
    if (n->domain[0]) fvi_wire_put_text(&o, 7, n->domain);
    fvi_wire_put_message(graph, 1, &o);
    return st < 0 ? st : graph->failed ? no_memory(w) : FV_OK;
}

/* ---- the model ---- */

static fv_status put_graph(writer *w)
{
    const fvi_graph *g = w->g;
    fvi_wire_out o = {0};
    fv_status st = FV_OK;
    for (int i = 0; i < g->n_nodes && st >= 0; i++) st = put_node(w, &o, g->nodes[i]);
    fvi_wire_put_text(&o, 2, g->name && g->name[0] ? g->name : "graph");
    for (int i = 0; i < g->n_values && st >= 0; i++)
        if (g->values[i]->constant) st = put_tensor(w, &o, 5, g->values[i], g->values[i]->name, true);
    for (int i = 0; i < g->n_inputs; i++) put_port(&o, 11, g->inputs[i]);
    for (int i = 0; i < g->n_outputs; i++) put_port(&o, 12, g->outputs[i]);
    for (int i = 0; i < g->n_values; i++) {
        const fvi_value *v = g->values[i];
        if (!v->constant && !v->is_input && !v->is_output && v->rank >= 0 && onnx_type(v->dtype)) put_port(&o, 13, v);
    }
    fvi_wire_put_message(&w->model, 7, &o);
    return st;
}

static void put_opset(fvi_wire_out *o, const char *domain, int version)
{
    fvi_wire_out d = {0};
    fvi_wire_put_text(&d, 1, domain);
    fvi_wire_put_int(&d, 2, version);
    fvi_wire_put_message(o, 8, &d);
}

/* Domains other than ONNX's own, each once. */
static void put_domains(writer *w)
{
    const fvi_graph *g = w->g;
    for (int i = 0; i < g->n_nodes; i++) {
        const char *domain = g->nodes[i]->domain;
        bool seen = !domain[0] || !strcmp(domain, "ai.onnx");
        for (int k = 0; k < i && !seen; k++) seen = !strcmp(g->nodes[k]->domain, domain);
        if (!seen) put_opset(&w->model, domain, g->nodes[i]->opset);
    }
}

static fv_status build(writer *w, const fvi_onnx_write_options *opt)
{
    const fvi_graph *g = w->g;
    const char *producer = opt && opt->producer ? opt->producer : g->producer;
    fvi_wire_put_int(&w->model, 1, g->ir_version);
    if (producer && producer[0]) fvi_wire_put_text(&w->model, 2, producer);
    FVI_TRY(put_graph(w));
    put_opset(&w->model, "", g->opset);
    put_domains(w);
    for (int i = 0; i < g->n_meta; i++) put_entry(&w->model, 14, g->meta[i].key, g->meta[i].value);
    if (!fvi_wire_parts(&w->model) || !fvi_wire_parts(&w->data)) return no_memory(w);
    if (w->model.size > MESSAGE_LIMIT) return fvi_error_set(w->err, FV_ERR_LIMIT, "the model is larger than the 2 GB that one ONNX file can hold");
    return FV_OK;
}

static void finish(writer *w)
{
    fvi_wire_out_free(&w->model);
    fvi_wire_out_free(&w->data);
}

fv_status fvi_onnx_write_memory(uint8_t **bytes, size_t *size, const fvi_graph *g, const fvi_onnx_write_options *opt, fv_error *err)
{
    writer w = {.g = g, .err = err};
    *bytes = NULL;
    *size = 0;
    fv_status st = build(&w, opt);
    uint8_t *p = st >= 0 ? fvi_alloc(w.model.size + 1) : NULL;
    if (st >= 0 && !p) st = no_memory(&w);
    size_t at = 0;
    for (size_t i = 0; i < w.model.n && st >= 0; at += w.model.part[i++].size) memcpy(p + at, w.model.part[i].data, w.model.part[i].size);
    if (st >= 0) {
        *bytes = p;
        *size = w.model.size;
    }
    finish(&w);
    return st;
}

static size_t constant_bytes(const fvi_graph *g)
{
    size_t sum = 0;
    for (int i = 0; i < g->n_values; i++)
        if (g->values[i]->constant) sum += (size_t)fvi_value_count(g->values[i]) * fv_dtype_size(g->values[i]->dtype);
    return sum;
}

fv_status fvi_onnx_write_file(const char *path, const fvi_graph *g, const fvi_onnx_write_options *opt, fv_error *err)
{
    writer w = {.g = g, .err = err};
    size_t over = opt && opt->external_over ? opt->external_over : EXTERNAL_OVER;
    fvi_str beside = {0};
    if (constant_bytes(g) > over) {
        fvi_str_printf(&beside, "%s.data", path);
        if (beside.failed) return no_memory(&w);
        const char *slash = strrchr(beside.s, '/');
        w.beside = slash ? slash + 1 : beside.s;
    }
    fv_status st = build(&w, opt);
    if (st >= 0 && w.beside) st = fvi_file_write_parts(beside.s, w.data.part, w.data.n, err);
    if (st >= 0) st = fvi_file_write_parts(path, w.model.part, w.model.n, err);
    finish(&w);
    fvi_str_free(&beside);
    return st;
}
