/* bytes.c: FakeQuant -> Conv -> FakeQuant becomes fovea.QuantConv, whose maps are bytes with a scale and zero point (fvi_value.quant); what stands
 * between such convolutions and only moves or compares elements moves bytes. Results are those of the floats, up to rounding.
 *
 * The levels of a value are known behind FakeQuant, behind a QuantTable that ends in one, and behind what moves elements with equal levels. A value
 * becomes bytes where its levels are known and a convolution of bytes reads it, directly or through what moves. Wherever else somebody reads it,
 * it is made floats once (DequantizeLinear). int8 with zero point z is uint8 with z + 128. */
#include "base/alloc.h"
#include "model/rewrite/internal.h"
#include <math.h>
#include <string.h>

enum { MOST_TERMS = 65000, MOST_PAD = 64 }; /* of a sum in 32 bits; of zero points stored around a map */

typedef struct state {
    fvi_graph *g;
    fv_error *err;
    int n, n_values;     /* at the start; nodes and values added later have numbers past these */
    fvi_quant *levels;   /* [n_values] scale 0: not known */
    bool *byte;          /* [n_values] becomes, or is, bytes */
    const char **why;    /* [n] of convolutions: why it stays float; null = it does not */
    fvi_value **floats;  /* [n_values] bytes as floats; null = not yet */
} state;

/* ---- levels ---- */

static bool one(const fvi_value *v, fv_dtype t) { return v && v->constant && v->dtype == t && fvi_value_count(v) == 1; }

static fvi_quant quant_of(const fvi_value *scale, const fvi_value *zero)
{
    fvi_quant q = {0};
    if (!one(scale, FV_F32) || (!one(zero, FV_U8) && !one(zero, FV_I8))) return q;
    memcpy(&q.scale, scale->constant, sizeof q.scale);
    if (!(q.scale > 0 && isfinite(q.scale) && isfinite(1 / q.scale))) return (fvi_quant){0};
    q.zero = zero->dtype == FV_U8 ? *(const uint8_t *)zero->constant : *(const int8_t *)zero->constant + 128;
    return q;
}

static bool same(fvi_quant a, fvi_quant b) { return a.scale == b.scale && a.zero == b.zero; }

static bool is_map(const fvi_value *v) { return v && !v->constant && v->dtype == FV_F32; }

/* How many of the first inputs are maps whose elements go through unchanged; 0: it does more than that. */
static int moved_inputs(const fvi_node *n)
{
    if (n->n_in < 1 || !is_map(n->in[0]) || n->act != FVI_ACT_NONE || n->residual || n->makes != FV_NONE) return 0;
    switch (n->op) {
    case FVI_OP_CONCAT: return n->n_in;
    case FVI_OP_SPLIT: case FVI_OP_SLICE: case FVI_OP_RESHAPE: case FVI_OP_TRANSPOSE: case FVI_OP_SQUEEZE: case FVI_OP_UNSQUEEZE: case FVI_OP_FLATTEN: return 1;
    case FVI_OP_RESIZE: case FVI_OP_UPSAMPLE:
        return n->in[0]->rank == 4 && fvi_node_string(n, "mode", "nearest")[0] == 'n' && strcmp(fvi_node_string(n, "coordinate_transformation_mode", ""), "tf_crop_and_resize");
    case FVI_OP_MAX_POOL: return n->in[0]->rank == 4 && n->n_out == 1 && !fvi_node_int(n, "ceil_mode", 0); /* no window of padding only */
    default: return 0;
    }
}

static bool has_output(const fvi_node *n)
{
    for (int k = 0; k < n->n_out; k++)
        if (n->out[k]->is_output) return true;
    return false;
}

static fvi_quant levels_behind(const state *s, const fvi_node *n)
{
    if (has_output(n)) return (fvi_quant){0};
    if (n->op == FVI_OP_FAKE_QUANT) return is_map(n->in[0]) ? quant_of(n->in[1], n->in[2]) : (fvi_quant){0};
    if (n->op == FVI_OP_QUANT_TABLE) return n->n_in == 6 && is_map(n->in[0]) && n->in[3]->constant && n->in[3]->dtype == FV_F32 ? quant_of(n->in[4], n->in[5]) : (fvi_quant){0};
    const int inputs = moved_inputs(n);
    fvi_quant q = inputs ? s->levels[n->in[0]->id] : (fvi_quant){0};
    for (int k = 1; k < inputs; k++)
        if (!is_map(n->in[k]) || !same(q, s->levels[n->in[k]->id])) return (fvi_quant){0};
    return q;
}

static void find_levels(state *s)
{
    for (int i = 0; i < s->n; i++) {
        const fvi_node *n = s->g->nodes[i];
        const fvi_quant q = levels_behind(s, n);
        for (int k = 0; k < n->n_out; k++) s->levels[n->out[k]->id] = q;
    }
}

/* ---- a pair behind a Concat goes to its operands ---- */

static fvi_value *fake_quant(fvi_graph *g, fvi_value *v, const fvi_node *like)
{
    fvi_node *n = fvi_graph_add_node(g, FVI_OP_FAKE_QUANT, NULL, 3, 1);
    fvi_value *y = n ? fvi_graph_add_value(g, NULL) : NULL;
    if (!y || !(n->domain = fvi_arena_strdup(g->arena, "fovea"))) return NULL;
    n->opset = 1;
    n->in[0] = v, n->in[1] = like->in[1], n->in[2] = like->in[2], n->out[0] = y;
    return y;
}

/* Then operands of other levels go from bytes to bytes, and none of them has to be floats. */
static fv_status lift_pairs(state *s)
{
    for (int i = 0; i < s->n; i++) {
        fvi_node *n = s->g->nodes[i];
        fvi_node_resolve(n);
        const fvi_quant q = n->op == FVI_OP_FAKE_QUANT && n->in[0]->id < s->n_values ? s->levels[n->out[0]->id] : (fvi_quant){0};
        fvi_node *c = q.scale > 0 ? fvi_rewrite_sole_producer(n->in[0]) : NULL;
        if (!c || moved_inputs(c) < 2) continue;
        for (int k = 0; k < c->n_in; k++) {
            fvi_value *v = c->in[k];
            if (!is_map(v) || (v->id < s->n_values && same(s->levels[v->id], q))) continue;
            if (!(c->in[k] = fake_quant(s->g, v, n))) return fvi_rewrite_memory(s->err);
        }
        fvi_rewrite_fuse(n->out[0], c->out[0]);
    }
    FVI_TRY(fvi_graph_relink(s->g, s->err));
    return fvi_graph_infer(s->g, s->err);
}

/* ---- which convolutions ---- */

/* One scale for all output channels, or one for each; all zero points alike, and the one that bytes are signed around. */
static bool weights_fit(const fvi_value *w)
{
    const fvi_dequant *d = w->from;
    const fvi_value *b = d->bytes;
    const int64_t count = fvi_value_count(d->scale), zeros = d->zero ? fvi_value_count(d->zero) : 0, want = b->dtype == FV_U8 ? 128 : 0;
    if (b->rank != 4 || !fvi_rewrite_same_shape(w, b) || d->scale->dtype != FV_F32 || (count != 1 && (count != b->dim[0] || d->axis != 0))) return false;
    if (!d->zero) return b->dtype == FV_I8;
    for (int64_t i = 0; i < zeros; i++)
        if ((b->dtype == FV_U8 ? ((const uint8_t *)d->zero->constant)[i] : ((const int8_t *)d->zero->constant)[i]) != want) return false;
    return true;
}

static bool pads_fit(const fvi_node *n)
{
    fvi_window w;
    if (fvi_node_window(n, &w, NULL) < 0 || w.n != 2) return false;
    for (int i = 0; i < 2; i++)
        if (w.pad_begin[i] < 0 || w.pad_end[i] < 0 || w.pad_begin[i] > MOST_PAD || w.pad_end[i] > MOST_PAD || w.out[i] < 1) return false;
    return true;
}

static const char *why_float(const state *s, const fvi_node *n)
{
    const fvi_value *x = n->in[0], *w = n->in[1];
    if (!is_map(x) || x->rank != 4 || w->rank != 4 || n->bf16) return "a convolution that is not over two dimensions of floats";
    if (!s->levels[x->id].scale) return "its input is not quantised to 8 bits";
    if (!w->from || w->from->scale->absent || (n->n_in > 2 && n->in[2] && (!n->in[2]->constant || n->in[2]->dtype != FV_F32))) return "its weights are not quantised";
    if (!weights_fit(w)) return "the scales or zero points of its weights are not one for each output channel and symmetric";
    if (!pads_fit(n)) return "its padding is negative or wider than 64";
    return w->dim[1] * w->dim[2] * w->dim[3] >= MOST_TERMS ? "its sums are deeper than 65000" : NULL;
}

/* Readers come later in the order, and have told. */
static void find_bytes(state *s)
{
    for (int i = s->n - 1; i >= 0; i--) {
        const fvi_node *n = s->g->nodes[i];
        if (n->op == FVI_OP_CONV && !s->why[i]) {
            s->byte[n->in[0]->id] = true;
            if (n->residual && s->levels[n->residual->id].scale > 0) s->byte[n->residual->id] = true;
            continue;
        }
        bool wanted = false;
        for (int k = 0; k < n->n_out; k++) wanted |= s->byte[n->out[k]->id];
        for (int k = 0; wanted && k < moved_inputs(n); k++) s->byte[n->in[k]->id] = true;
        if (wanted && n->op == FVI_OP_FAKE_QUANT && s->levels[n->in[0]->id].scale > 0) s->byte[n->in[0]->id] = true; /* from one scale to another */
    }
}

/* ---- making them ---- */

static bool is_byte(const state *s, const fvi_value *v) { return v && v->id < s->n_values && s->byte[v->id]; }

static void become(state *s, fvi_value *v, fvi_quant q)
{
    v->dtype = FV_U8;
    v->quant = q;
    s->byte[v->id] = true;
    s->levels[v->id] = q;
}

static fvi_value *constant_of(state *s, fv_dtype type, int64_t count, const void *data)
{
    return fvi_graph_add_constant(s->g, NULL, type, 1, &count, data);
}

static fvi_value *number(state *s, float v) { return fvi_graph_add_constant(s->g, NULL, FV_F32, 0, NULL, &v); }
static fvi_value *byte_number(state *s, int v) { return fvi_graph_add_constant(s->g, NULL, FV_U8, 0, NULL, &(uint8_t){(uint8_t)v}); }

/* Null: out of memory. */
static fvi_value *as_floats(state *s, fvi_value *v)
{
    if (s->floats[v->id]) return s->floats[v->id];
    fvi_node *n = fvi_graph_add_node(s->g, FVI_OP_DEQUANTIZE_LINEAR, NULL, 3, 1);
    if (!n) return NULL;
    fvi_value *y = fvi_graph_add_value(s->g, NULL);
    n->opset = 13;
    n->in[0] = v, n->in[1] = number(s, v->quant.scale), n->in[2] = byte_number(s, v->quant.zero), n->out[0] = y;
    if (!y || !n->in[1] || !n->in[2]) return NULL;
    y->dtype = FV_F32;
    y->rank = v->rank;
    memcpy(y->dim, v->dim, sizeof y->dim);
    return s->floats[v->id] = y;
}

static fvi_value *signed_weights(state *s, const fvi_value *b)
{
    fvi_value *w = fvi_graph_add_value(s->g, NULL);
    if (!w) return NULL;
    w->dtype = FV_I8;
    w->rank = b->rank;
    memcpy(w->dim, b->dim, sizeof w->dim);
    w->constant = b->constant;
    if (b->dtype == FV_I8) return w;
    const int64_t count = fvi_value_count(b);
    int8_t *own = fvi_arena_array(s->g->arena, (size_t)count, 1);
    for (int64_t i = 0; own && i < count; i++) own[i] = (int8_t)(((const uint8_t *)b->constant)[i] - 128);
    w->constant = own;
    return own ? w : NULL;
}

/* Of a sum: input times weights. */
static fvi_value *sum_scales(state *s, const fvi_dequant *d, float x_scale)
{
    const int64_t channels = d->bytes->dim[0];
    fvi_value *v = constant_of(s, FV_F32, channels, NULL);
    float *to = v ? (float *)(uintptr_t)v->constant : NULL; /* ours: just made */
    const bool each = fvi_value_count(d->scale) > 1;
    for (int64_t i = 0; v && i < channels; i++) to[i] = x_scale * ((const float *)d->scale->constant)[each ? i : 0];
    return v;
}

static fv_status become_quant_conv(state *s, fvi_node *n)
{
    fvi_value **in = fvi_arena_array(s->g->arena, 7, sizeof *in), *x = n->in[0];
    const fvi_dequant *d = n->in[1]->from;
    n->domain = fvi_arena_strdup(s->g->arena, "fovea");
    if (!in || !n->domain) return fvi_rewrite_memory(s->err);
    in[0] = x;
    in[1] = signed_weights(s, d->bytes);
    in[2] = sum_scales(s, d, x->quant.scale);
    in[3] = n->n_in > 2 ? n->in[2] : NULL;
    if (!in[1] || !in[2]) return fvi_rewrite_memory(s->err);
    if (is_byte(s, n->residual) && n->residual->quant.scale == 0) return fvi_error_set(s->err, FV_ERR_INTERNAL, "a residual of bytes without a scale");
    n->in = in;
    n->n_in = in[3] ? 4 : 3;
    n->op = FVI_OP_QUANT_CONV;
    n->opset = 1;
    n->makes = FV_F32;
    return FV_OK;
}

/* The results of a table as the bytes that they lie on. */
static fvi_value *byte_table(state *s, const fvi_value *floats, fvi_quant q)
{
    uint8_t t[256];
    for (int i = 0; i < 256; i++) {
        float v = rintf(((const float *)floats->constant)[i] / q.scale) + (float)q.zero;
        v = v > 0 ? v : 0; /* NaN too */
        t[i] = (uint8_t)(v < 255 ? v : 255);
    }
    return constant_of(s, FV_U8, 256, t);
}

/* The convolution of bytes whose floats only n reads, if any. */
static fvi_node *conv_before(const fvi_node *n)
{
    fvi_node *p = fvi_rewrite_sole_producer(n->in[0]);
    return p && p->op == FVI_OP_QUANT_CONV && p->makes == FV_F32 ? p : NULL;
}

/* `conv` makes what n would make of it. */
static void take_over(state *s, fvi_node *conv, fvi_node *n, fvi_quant q)
{
    conv->makes = FV_U8;
    become(s, conv->out[0], q);
    fvi_rewrite_fuse(n->out[0], conv->out[0]);
}

static fv_status do_fake_quant(state *s, fvi_node *n)
{
    const fvi_quant q = s->levels[n->out[0]->id];
    fvi_node *conv = conv_before(n);
    if (conv) {
        take_over(s, conv, n, q);
        return FV_OK;
    }
    fvi_value **in = fvi_arena_array(s->g->arena, 4, sizeof *in);
    if (!in) return fvi_rewrite_memory(s->err);
    if (is_byte(s, n->in[0])) { /* from one scale to another */
        const fvi_quant old = n->in[0]->quant;
        float t[256];
        for (int i = 0; i < 256; i++) t[i] = (float)(i - old.zero) * old.scale;
        fvi_value *floats = constant_of(s, FV_F32, 256, t);
        in[0] = n->in[0], in[1] = number(s, old.scale), in[2] = byte_number(s, old.zero), in[3] = floats ? byte_table(s, floats, q) : NULL;
        if (!in[1] || !in[2] || !in[3]) return fvi_rewrite_memory(s->err);
        n->op = FVI_OP_QUANT_TABLE;
        n->n_in = 4;
    } else {
        in[0] = n->in[0], in[1] = n->in[1], in[2] = n->in[2]->dtype == FV_U8 ? n->in[2] : byte_number(s, q.zero);
        n->domain = fvi_arena_strdup(s->g->arena, "");
        if (!in[2] || !n->domain) return fvi_rewrite_memory(s->err);
        n->op = FVI_OP_QUANTIZE_LINEAR;
        n->opset = 13;
    }
    n->in = in;
    become(s, n->out[0], q);
    return FV_OK;
}

static fv_status do_table(state *s, fvi_node *n)
{
    const bool wanted = is_byte(s, n->out[0]);
    const fvi_quant before = quant_of(n->in[1], n->in[2]), behind = s->levels[n->out[0]->id];
    fvi_node *conv = before.scale > 0 ? conv_before(n) : NULL;
    fvi_value *table = wanted ? byte_table(s, n->in[3], behind) : NULL;
    if (wanted && !table) return fvi_rewrite_memory(s->err);
    if (conv && wanted) {
        conv->in[4] = table, conv->in[5] = n->in[1], conv->in[6] = n->in[2];
        conv->n_in = 7;
        take_over(s, conv, n, behind);
        return FV_OK;
    }
    if (conv) {
        conv->makes = FV_U8;
        become(s, conv->out[0], before);
    } else if (is_byte(s, n->in[0]) && !(n->in[0] = as_floats(s, n->in[0]))) {
        return fvi_rewrite_memory(s->err);
    }
    if (!wanted) return FV_OK;
    n->in[3] = table;
    become(s, n->out[0], behind);
    return FV_OK;
}

/* Whoever knows floats only gets floats. */
static fv_status give_floats(state *s, fvi_node *n)
{
    for (int k = 0; k <= n->n_in; k++) {
        fvi_value **v = k < n->n_in ? &n->in[k] : &n->residual;
        if (is_byte(s, *v) && !(*v = as_floats(s, *v))) return fvi_rewrite_memory(s->err);
    }
    return FV_OK;
}

static fv_status do_node(state *s, fvi_node *n)
{
    fvi_node_resolve(n);
    const bool wanted = is_byte(s, n->out[0]);
    if (n->op == FVI_OP_CONV && !s->why[n->id]) return become_quant_conv(s, n);
    if (n->op == FVI_OP_QUANT_TABLE) return do_table(s, n);
    if (n->op == FVI_OP_FAKE_QUANT && wanted) return do_fake_quant(s, n);
    bool moves = false;
    for (int k = 0; k < n->n_out; k++) moves |= is_byte(s, n->out[k]);
    if (!moves) return give_floats(s, n);
    const fvi_quant q = s->levels[n->out[0]->id];
    for (int k = 0; k < n->n_out; k++) become(s, n->out[k], q);
    return FV_OK;
}

static bool list_kept(const state *s, fvi_kept **kept, int *n_kept)
{
    fvi_kept *list = fvi_arena_array(s->g->arena, (size_t)s->n + 1, sizeof *list);
    *n_kept = 0;
    for (int i = 0; list && i < s->n; i++)
        if (s->why[i]) list[(*n_kept)++] = (fvi_kept){s->g->nodes[i]->name, s->why[i]};
    *kept = list;
    return list;
}

static bool begin(state *s)
{
    fvi_arena *a = s->g->arena;
    const size_t nodes = (size_t)s->g->n_nodes + 1, values = (size_t)s->g->n_values + 1;
    s->n = s->g->n_nodes, s->n_values = s->g->n_values;
    s->levels = fvi_arena_array(a, values, sizeof *s->levels);
    s->byte = fvi_arena_array(a, values, sizeof *s->byte);
    s->why = fvi_arena_array(a, nodes, sizeof *s->why);
    s->floats = fvi_arena_array(a, values, sizeof *s->floats);
    if (!s->levels || !s->byte || !s->why || !s->floats) return false;
    find_levels(s);
    return true;
}

fv_status fvi_rewrite_bytes(fvi_graph *g, fvi_kept **kept, int *n_kept, fv_error *err)
{
    state s = {.g = g, .err = err};
    if (!begin(&s)) return fvi_rewrite_memory(err);
    FVI_TRY(lift_pairs(&s));
    if (!begin(&s)) return fvi_rewrite_memory(err);
    for (int i = 0; i < s.n; i++)
        if (g->nodes[i]->op == FVI_OP_CONV) s.why[i] = why_float(&s, g->nodes[i]);
    if (kept && !list_kept(&s, kept, n_kept)) return fvi_rewrite_memory(err);
    find_bytes(&s);
    for (int i = 0; i < s.n; i++) FVI_TRY(do_node(&s, g->nodes[i]));
    FVI_TRY(fvi_graph_relink(g, err));
    FVI_TRY(fvi_graph_infer(g, err));
    return fvi_graph_verify(g, err);
}
