/* import.c: ModelProto bytes -> graph: header, opsets, metadata, initialisers, ports; nodes are node.c's.
 * First step of the model road; called by the engine. */
#include "base/alloc.h"
#include "model/onnx/onnx.h"
#include "model/onnx/internal.h"
#include <string.h>

fv_status fvi_onnx_memory(fvi_onnx *o) { return fvi_error_set(o->err, FV_ERR_MEMORY, "out of memory while reading the model"); }

fv_status fvi_onnx_next(fvi_onnx *o, fvi_span *s, fvi_field *f, const char *what, bool *more)
{
    fvi_wire_state state = fvi_wire_next(s, f);
    *more = state == FVI_WIRE_OK;
    if (state == FVI_WIRE_OK || state == FVI_WIRE_END) return FV_OK;
    return fvi_error_set(o->err, FV_ERR_MODEL_FORMAT, "the ONNX file is damaged inside %s", what);
}

fv_status fvi_onnx_text(fvi_onnx *o, const fvi_field *f, size_t limit, char **out)
{
    if (f->type != FVI_WIRE_BYTES || (f->bytes.n && memchr(f->bytes.p, 0, f->bytes.n)))
        return fvi_error_set(o->err, FV_ERR_MODEL_FORMAT, "the ONNX file has a name with a null byte in it");
    if (f->bytes.n > limit)
        return fvi_error_set(o->err, FV_ERR_LIMIT, "the ONNX file has a text of %zu bytes; the limit is %zu",
                             f->bytes.n, limit);
    *out = fvi_arena_strndup(o->g->arena, f->bytes.n ? (const char *)f->bytes.p : "", f->bytes.n);
    return *out ? FV_OK : fvi_onnx_memory(o);
}

fv_status fvi_onnx_ints(fvi_onnx *o, const fvi_field *f, int64_t *out, int *count, int max, const char *what)
{
    fvi_span s = f->bytes;
    uint64_t v = f->value;
    bool packed = f->type == FVI_WIRE_BYTES;
    if (!packed && f->type != FVI_WIRE_VARINT)
        return fvi_error_set(o->err, FV_ERR_MODEL_FORMAT, "the ONNX file is damaged inside %s", what);
    while (!packed || s.n > 0) {
        if (packed && !fvi_wire_varint(&s, &v))
            return fvi_error_set(o->err, FV_ERR_MODEL_FORMAT, "the ONNX file is damaged inside %s", what);
        if (*count >= max) return fvi_error_set(o->err, FV_ERR_LIMIT, "more than %d values in %s", max, what);
        out[(*count)++] = (int64_t)v;
        if (!packed) break;
    }
    return FV_OK;
}

fv_status fvi_onnx_add_value(fvi_onnx *o, fvi_span name, fvi_value **out)
{
    fvi_field f = {.type = FVI_WIRE_BYTES, .bytes = name};
    char *text;
    if (fvi_names_find(&o->names, name))
        return fvi_error_set(o->err, FV_ERR_MODEL, "the model defines \"%.*s\" twice", name.n > 200 ? 200 : (int)name.n,
                             (const char *)name.p);
    if (o->g->n_values >= FVI_ONNX_MAX_VALUES)
        return fvi_error_set(o->err, FV_ERR_LIMIT, "the model has more than %d values", FVI_ONNX_MAX_VALUES);
    FVI_TRY(fvi_onnx_text(o, &f, FVI_ONNX_MAX_NAME, &text));
    *out = fvi_graph_add_value(o->g, text);
    return *out && fvi_names_add(&o->names, *out) ? FV_OK : fvi_onnx_memory(o);
}

/* ---- the model's header ---- */

static fv_status read_opset(fvi_onnx *o, fvi_span s)
{
    fvi_field f;
    bool more;
    if (o->n_domains == FVI_ONNX_MAX_DOMAINS)
        return fvi_error_set(o->err, FV_ERR_LIMIT, "the model imports more than %d domains", FVI_ONNX_MAX_DOMAINS);
    fvi_onnx_domain *d = &o->domain[o->n_domains++];
    for (;;) {
        FVI_TRY(fvi_onnx_next(o, &s, &f, "an opset import", &more));
        if (!more) break;
        if (f.number == 1) d->name = f.bytes;
        if (f.number == 2) d->version = (int64_t)f.value;
    }
    bool plain = d->name.n == 0 || (d->name.n == 7 && memcmp(d->name.p, "ai.onnx", 7) == 0);
    if (plain) {
        d->name.n = 0;
        if (d->version < FVI_ONNX_OPSET_MIN || d->version > FVI_ONNX_OPSET_MAX)
            return fvi_error_set(
                o->err, FV_ERR_UNSUPPORTED,
                "the model is of ONNX opset %lld; opsets %d to %d are supported: export it again with one of them",
                (long long)d->version, FVI_ONNX_OPSET_MIN, FVI_ONNX_OPSET_MAX);
        o->g->opset = (int)d->version;
    }
    return FV_OK;
}

static fv_status read_meta(fvi_onnx *o, fvi_span s)
{
    fvi_graph *g = o->g;
    fvi_field f;
    bool more;
    if (!g->meta && !(g->meta = fvi_arena_array(g->arena, FVI_ONNX_MAX_META, sizeof *g->meta))) return fvi_onnx_memory(o);
    if (g->n_meta == FVI_ONNX_MAX_META)
        return fvi_error_set(o->err, FV_ERR_LIMIT, "the model has more than %d metadata entries", FVI_ONNX_MAX_META);
    fvi_meta m = {0};
    for (;;) {
        FVI_TRY(fvi_onnx_next(o, &s, &f, "a metadata entry", &more));
        if (!more) break;
        if (f.number == 1 && !m.key) FVI_TRY(fvi_onnx_text(o, &f, FVI_ONNX_MAX_NAME, &m.key));
        if (f.number == 2 && !m.value) FVI_TRY(fvi_onnx_text(o, &f, (size_t)1 << 24, &m.value));
    }
    if (!m.key) return FV_OK;
    if (!m.value && !(m.value = fvi_arena_strdup(g->arena, ""))) return fvi_onnx_memory(o);
    g->meta[g->n_meta++] = m;
    return FV_OK;
}

static fv_status next_top(fvi_onnx *o, fvi_span *s, fvi_field *f, size_t size, bool *more)
{
    fvi_wire_state state = fvi_wire_next(s, f);
    *more = state == FVI_WIRE_OK;
    if (state == FVI_WIRE_CUT && o->g->ir_version > 0)
        return fvi_error_set(o->err, FV_ERR_MODEL_FORMAT,
                             "the ONNX file is cut short: it ends after %zu bytes, in the middle of its data", size);
    if (state == FVI_WIRE_CUT || state == FVI_WIRE_DAMAGED)
        return fvi_error_set(o->err, FV_ERR_MODEL_FORMAT, "this is not an ONNX model, or it is damaged after %zu bytes", size - s->n);
    return FV_OK;
}

static fv_status read_model(fvi_onnx *o, fvi_span s)
{
    size_t size = s.n;
    fvi_graph *g = o->g;
    fvi_field f;
    bool more, bytes;
    for (;;) {
        FVI_TRY(next_top(o, &s, &f, size, &more));
        if (!more) break;
        bytes = f.type == FVI_WIRE_BYTES;
        if (f.number == 1 && f.type == FVI_WIRE_VARINT) g->ir_version = (int64_t)f.value;
        if (f.number == 2 && !g->producer) FVI_TRY(fvi_onnx_text(o, &f, FVI_ONNX_MAX_NAME, &g->producer));
        if (f.number == 7 && bytes) {
            if (o->graph.p) return fvi_error_set(o->err, FV_ERR_MODEL_FORMAT, "the ONNX file holds two graphs");
            o->graph = f.bytes;
        }
        if (f.number == 8 && bytes) FVI_TRY(read_opset(o, f.bytes));
        if (f.number == 14 && bytes) FVI_TRY(read_meta(o, f.bytes));
    }
    if (g->ir_version < 1 || g->ir_version > 1000 || !o->graph.p)
        return fvi_error_set(o->err, FV_ERR_MODEL_FORMAT,
                             "this is not an ONNX model, or it is cut short: it holds no %s",
                             o->graph.p ? "IR version" : "graph");
    if (!g->opset) return fvi_error_set(o->err, FV_ERR_MODEL, "the model does not say which ONNX opset it uses");
    return FV_OK;
}

/* ---- the graph's values ---- */

static fv_status add_initialiser(fvi_onnx *o, fvi_span s)
{
    fvi_value read = {0}, *v;
    fvi_span name;
    FVI_TRY(fvi_onnx_tensor(o, s, &read, &name));
    if (!name.n) return fvi_error_set(o->err, FV_ERR_MODEL_FORMAT, "the model has an initialiser without a name");
    FVI_TRY(fvi_onnx_add_value(o, name, &v));
    v->dtype = read.dtype;
    v->rank = read.rank;
    memcpy(v->dim, read.dim, sizeof v->dim);
    v->constant = read.constant;
    return FV_OK;
}

static fv_status add_input(fvi_onnx *o, fvi_span s)
{
    fvi_span name;
    fvi_value *v;
    FVI_TRY(fvi_onnx_value_info(o, s, NULL, &name));
    if (!name.n) return fvi_error_set(o->err, FV_ERR_MODEL_FORMAT, "the model has an input without a name");
    v = fvi_names_find(&o->names, name);
    if (v && v->constant) return FV_OK; /* an initialiser listed as input, as before IR version 4: a constant to us */
    FVI_TRY(fvi_onnx_add_value(o, name, &v));
    FVI_TRY(fvi_onnx_value_info(o, s, v, &name));
    if (v->dtype == FV_NONE) return fvi_error_set(o->err, FV_ERR_MODEL, "the input \"%.120s\" has no type", v->name);
    v->is_input = true;
    o->g->inputs[o->g->n_inputs++] = v;
    return FV_OK;
}

static fv_status add_output(fvi_onnx *o, fvi_span s)
{
    fvi_span name;
    FVI_TRY(fvi_onnx_value_info(o, s, NULL, &name));
    fvi_value *v = fvi_names_find(&o->names, name);
    if (!v)
        return fvi_error_set(
            o->err, FV_ERR_MODEL,
            "nothing computes the output \"%.*s\", or its operator's output of that kind is not supported",
            name.n > 120 ? 120 : (int)name.n, name.n ? (const char *)name.p : "");
    if (v->is_output) return fvi_error_set(o->err, FV_ERR_MODEL, "the output \"%.120s\" is listed twice", v->name);
    if (!v->constant && !v->is_input) FVI_TRY(fvi_onnx_value_info(o, s, v, &name));
    v->is_output = true;
    o->g->outputs[o->g->n_outputs++] = v;
    return FV_OK;
}

static fv_status add_value_info(fvi_onnx *o, fvi_span s)
{
    fvi_span name;
    FVI_TRY(fvi_onnx_value_info(o, s, NULL, &name));
    fvi_value *v = fvi_names_find(&o->names, name);
    if (!v || v->constant || v->is_input || v->is_output || v->rank >= 0) return FV_OK;
    return fvi_onnx_value_info(o, s, v, &name);
}

/* Calls `fn` for each length-delimited field `number` of the graph. */
static fv_status for_each(fvi_onnx *o, uint32_t number, fv_status (*fn)(fvi_onnx *o, fvi_span s))
{
    fvi_span s = o->graph;
    fvi_field f;
    bool more;
    for (;;) {
        FVI_TRY(fvi_onnx_next(o, &s, &f, "the graph", &more));
        if (!more) return FV_OK;
        if (f.number == number && f.type == FVI_WIRE_BYTES) FVI_TRY(fn(o, f.bytes));
    }
}

static fv_status read_graph_header(fvi_onnx *o)
{
    fvi_span s = o->graph;
    fvi_field f;
    bool more;
    size_t n_in = 0, n_out = 0;
    for (;;) {
        FVI_TRY(fvi_onnx_next(o, &s, &f, "the graph", &more));
        if (!more) break;
        n_in += f.number == 11;
        n_out += f.number == 12;
        if (f.number == 2 && !o->g->name) FVI_TRY(fvi_onnx_text(o, &f, FVI_ONNX_MAX_NAME, &o->g->name));
        if (f.number == 15)
            return fvi_error_set(o->err, FV_ERR_UNSUPPORTED,
                                 "the model has sparse initialisers, which are not supported");
    }
    if (n_in > FVI_ONNX_MAX_VALUES || n_out > FVI_ONNX_MAX_VALUES)
        return fvi_error_set(o->err, FV_ERR_LIMIT, "the model has too many inputs or outputs");
    o->g->inputs = fvi_arena_array(o->g->arena, n_in + 1, sizeof *o->g->inputs);
    o->g->outputs = fvi_arena_array(o->g->arena, n_out + 1, sizeof *o->g->outputs);
    return o->g->inputs && o->g->outputs ? FV_OK : fvi_onnx_memory(o);
}

static fv_status read_graph(fvi_onnx *o)
{
    FVI_TRY(read_graph_header(o));
    FVI_TRY(for_each(o, 5, add_initialiser));
    FVI_TRY(for_each(o, 11, add_input));
    FVI_TRY(fvi_onnx_nodes(o));
    FVI_TRY(for_each(o, 12, add_output));
    FVI_TRY(for_each(o, 13, add_value_info));
    if (o->g->n_outputs == 0) return fvi_error_set(o->err, FV_ERR_MODEL, "the model has no outputs");
    if (o->widened) {
        o->g->note = fvi_arena_printf(o->g->arena, "%d float16, bfloat16 or float64 tensors of the file became float32", o->widened);
        if (!o->g->note) return fvi_onnx_memory(o);
    }
    FVI_TRY(fvi_graph_relink(o->g, o->err));
    return fvi_graph_verify(o->g, o->err);
}

fv_status fvi_onnx_import(fvi_graph **out, const uint8_t *bytes, size_t size, const char *dir, fv_error *err)
{
    *out = NULL;
    FVI_TRY(fvi_onnx_sniff(bytes, size, err));
    fvi_onnx *o = fvi_calloc(1, sizeof *o);
    if (!o) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory while reading the model");
    o->err = err;
    o->dir = dir;
    o->copy_budget = (uint64_t)size * 8 + 4096; /* a varint of one byte can become an int64 */
    fv_status st = fvi_graph_create(&o->g, err);
    if (st >= 0) st = read_model(o, (fvi_span){bytes, size});
    if (st >= 0) st = read_graph(o);
    if (st >= 0) {
        *out = o->g;
        o->g = NULL;
    }
    fvi_graph_free(&o->g);
    fvi_names_free(&o->names);
    fvi_free(o);
    return st;
}
