/* op_recurrent.c: RNN, GRU, LSTM, in plain C: a matrix product a step and gate over dense tensors (text readers behind a
 * detector, audio). One file since they differ in their cell only. */
#include "backend/cpu/dense.h"
#include <math.h>
#include <string.h>

enum { MOST_ACTS = 6 };
typedef float (*act_fn)(float x);
static float act_tanh(float x) { return tanhf(x); }
static float act_sigmoid(float x) { return 1 / (1 + expf(-x)); }

typedef struct rnn_state {
    int64_t steps, batch, input, hidden;
    int directions, gates, n_acts;
    bool batch_first, reverse, linear_before_reset, input_forget;
    float clip; /* 0 = none */
    act_fn act[MOST_ACTS];
    float *h, *c, *gate, *part; /* [batch, hidden], …, [gates, hidden], [hidden] */
} rnn_state;

static float dot(const float *a, const float *b, int64_t n)
{
    float sum[8] = {0};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++) sum[k] += a[i + k] * b[i + k];
    for (; i < n; i++) sum[0] += a[i] * b[i];
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

static float clipped(const rnn_state *t, float x) { return t->clip > 0 ? fmaxf(-t->clip, fminf(t->clip, x)) : x; }

/* Weights of one direction; bias [2, gates * hidden] (input's, then hidden's) or null. */
typedef struct weights {
    const float *w, *r, *b, *p;
} weights;

/* gate g of all hidden units: x W^T + h R^T + both biases; without_h: the input's part only */
static void gate_sums(const rnn_state *t, const weights *w, int g, const float *x, const float *h, float *out, bool without_h)
{
    for (int64_t j = 0; j < t->hidden; j++) {
        int64_t row = g * t->hidden + j;
        float sum = dot(w->w + row * t->input, x, t->input) + (w->b ? w->b[row] : 0);
        if (!without_h) sum += dot(w->r + row * t->hidden, h, t->hidden) + (w->b ? w->b[t->gates * t->hidden + row] : 0);
        out[j] = sum;
    }
}

static void cell_rnn(const rnn_state *t, const weights *w, const act_fn *act, const float *x, float *h, float *c)
{
    (void)c;
    gate_sums(t, w, 0, x, h, t->gate, false);
    for (int64_t j = 0; j < t->hidden; j++) h[j] = act[0](clipped(t, t->gate[j]));
}

/* gates z r h */
static void cell_gru(const rnn_state *t, const weights *w, const act_fn *act, const float *x, float *h, float *c)
{
    int64_t n = t->hidden;
    float *z = t->gate, *r = z + n, *m = r + n, *rh = t->part;
    (void)c;
    gate_sums(t, w, 0, x, h, z, false);
    gate_sums(t, w, 1, x, h, r, false);
    gate_sums(t, w, 2, x, h, m, true);
    for (int64_t j = 0; j < n; j++) {
        z[j] = act[0](clipped(t, z[j]));
        r[j] = act[0](clipped(t, r[j]));
        rh[j] = r[j] * h[j];
    }
    for (int64_t j = 0; j < n; j++) {
        const float *row = w->r + (2 * n + j) * n;
        float bias = w->b ? w->b[t->gates * n + 2 * n + j] : 0;
        m[j] += t->linear_before_reset ? r[j] * (dot(row, h, n) + bias) : dot(row, rh, n) + bias;
        m[j] = act[1](clipped(t, m[j]));
    }
    for (int64_t j = 0; j < n; j++) h[j] = (1 - z[j]) * m[j] + z[j] * h[j];
}

/* gates i o f c; peepholes i o f */
static void cell_lstm(const rnn_state *t, const weights *w, const act_fn *act, const float *x, float *h, float *c)
{
    int64_t n = t->hidden;
    float *i = t->gate, *o = i + n, *f = o + n, *m = f + n;
    for (int g = 0; g < 4; g++) gate_sums(t, w, g, x, h, t->gate + g * n, false);
    for (int64_t j = 0; j < n; j++) {
        float in = act[0](clipped(t, i[j] + (w->p ? w->p[j] * c[j] : 0)));
        float keep = t->input_forget ? 1 - in : act[0](clipped(t, f[j] + (w->p ? w->p[2 * n + j] * c[j] : 0)));
        c[j] = keep * c[j] + in * act[1](clipped(t, m[j]));
        h[j] = act[0](clipped(t, o[j] + (w->p ? w->p[n + j] * c[j] : 0))) * act[2](c[j]);
    }
}

static const float *initial(const fvi_dense *d, const rnn_state *t, int k, int dir, int64_t b)
{
    const float *p = fvi_in_f32(d, k);
    if (!p) return NULL;
    return p + (t->batch_first ? b * t->directions + dir : dir * t->batch + b) * t->hidden;
}

static void start(float *to, const float *from, int64_t n)
{
    if (from)
        memcpy(to, from, (size_t)n * sizeof *to);
    else
        memset(to, 0, (size_t)n * sizeof *to);
}

static void run_direction(const fvi_dense *d, const rnn_state *t, int dir)
{
    fvi_op op = d->s->node->op;
    int64_t all = t->gates * t->hidden;
    weights w = {fvi_in_f32(d, 1) + dir * all * t->input, fvi_in_f32(d, 2) + dir * all * t->hidden, fvi_in_f32(d, 3), op == FVI_OP_LSTM ? fvi_in_f32(d, 7) : NULL};
    if (w.b) w.b += dir * 2 * all;
    if (w.p) w.p += dir * 3 * t->hidden;
    const act_fn *act = t->act + dir * t->n_acts;
    const float *x = fvi_in_f32(d, 0);
    float *y = fvi_out_f32(d, 0), *last = d->s->n_out > 1 ? fvi_out_f32(d, 1) : NULL, *last_c = d->s->n_out > 2 ? fvi_out_f32(d, 2) : NULL;
    bool backwards = t->reverse || dir == 1;
    for (int64_t b = 0; b < t->batch; b++) {
        int64_t length = fvi_in(d, 4) ? fvi_integer_at(&d->in[4], b) : t->steps;
        length = length < 0 ? 0 : length < t->steps ? length : t->steps;
        start(t->h, initial(d, t, 5, dir, b), t->hidden);
        start(t->c, op == FVI_OP_LSTM ? initial(d, t, 6, dir, b) : NULL, t->hidden);
        for (int64_t i = 0; i < t->steps; i++) {
            int64_t at = backwards && i < length ? length - 1 - i : i;
            int64_t yo = t->batch_first ? (b * t->steps + at) * t->directions + dir : (at * t->directions + dir) * t->batch + b;
            if (i >= length) {
                memset(y + yo * t->hidden, 0, (size_t)t->hidden * sizeof *y);
                continue;
            }
            const float *xi = x + (t->batch_first ? b * t->steps + at : at * t->batch + b) * t->input;
            (op == FVI_OP_RNN ? cell_rnn : op == FVI_OP_GRU ? cell_gru : cell_lstm)(t, &w, act, xi, t->h, t->c);
            memcpy(y + yo * t->hidden, t->h, (size_t)t->hidden * sizeof *y);
        }
        int64_t ho = (t->batch_first ? b * t->directions + dir : dir * t->batch + b) * t->hidden;
        if (last) memcpy(last + ho, t->h, (size_t)t->hidden * sizeof *y);
        if (last_c) memcpy(last_c + ho, t->c, (size_t)t->hidden * sizeof *y);
    }
}

static void run(const fvi_dense *d)
{
    const rnn_state *t = d->own;
    for (int dir = 0; dir < t->directions; dir++) run_direction(d, t, dir);
}

static void default_acts(rnn_state *t, fvi_op op)
{
    static const act_fn rnn[] = {act_tanh}, gru[] = {act_sigmoid, act_tanh}, lstm[] = {act_sigmoid, act_tanh, act_tanh};
    const act_fn *a = op == FVI_OP_RNN ? rnn : op == FVI_OP_GRU ? gru : lstm;
    t->n_acts = op == FVI_OP_RNN ? 1 : op == FVI_OP_GRU ? 2 : 3;
    for (int i = 0; i < 2 * t->n_acts; i++) t->act[i] = a[i % t->n_acts];
}

static bool holds(const fvi_step *s, int i, int64_t count) { return !fvi_cpu_has_input(s, i) || (fvi_tensor_count(&s->in[i]) == count && (i == 4 || s->in[i].dtype == FV_F32)); }

static fv_status prepare(fvi_step *s, fv_error *err)
{
    const fvi_node *n = s->node;
    const fvi_tensor *x = &s->in[0], *w = &s->in[1];
    rnn_state shape = {.batch_first = fvi_node_int(n, "layout", 0) != 0, .gates = n->op == FVI_OP_RNN ? 1 : n->op == FVI_OP_GRU ? 3 : 4}, *t;
    FVI_TRY(fvi_cpu_need_type(x->dtype, FVI_TYPE_BIT(FV_F32), err));
    shape.steps = x->dim[shape.batch_first], shape.batch = x->dim[!shape.batch_first], shape.input = x->dim[2];
    shape.directions = (int)w->dim[0], shape.hidden = s->in[2].dim[2];
    int64_t gates = shape.gates, h = shape.hidden, dirs = shape.directions;
    bool fits = dirs >= 1 && dirs <= 2 && h > 0 && holds(s, 1, dirs * gates * h * shape.input) && holds(s, 2, dirs * gates * h * h) && holds(s, 3, dirs * 2 * gates * h) && holds(s, 4, shape.batch) &&
                holds(s, 5, dirs * shape.batch * h) && (n->op != FVI_OP_LSTM || (holds(s, 6, dirs * shape.batch * h) && holds(s, 7, dirs * 3 * h)));
    if (!fits) return fvi_error_set(err, FV_ERR_SHAPE, "its weights or states do not fit its input");
    FVI_TRY(fvi_cpu_prepare_dense(s, run, "recurrent", sizeof *t + (size_t)(h * (3 + gates)) * sizeof(float), &t, err));
    *t = shape;
    t->h = (float *)(void *)(t + 1);
    t->c = t->h + h;
    t->part = t->c + h;
    t->gate = t->part + h;
    t->reverse = strcmp(fvi_node_string(n, "direction", "forward"), "reverse") == 0;
    t->linear_before_reset = fvi_node_int(n, "linear_before_reset", 0) != 0;
    t->input_forget = fvi_node_int(n, "input_forget", 0) != 0;
    t->clip = fvi_node_float(n, "clip", 0);
    default_acts(t, n->op);
    s->flops = 2.0 * (double)(shape.steps * shape.batch * dirs * gates * h * (h + shape.input));
    return FV_OK;
}

static const char *refuse(const fvi_node *n)
{
    const char *direction = fvi_node_string(n, "direction", "forward");
    if (strcmp(direction, "forward") && strcmp(direction, "reverse") && strcmp(direction, "bidirectional")) return "an unknown direction";
    return fvi_cpu_refuse_type(n->in[0]->dtype, FVI_TYPE_BIT(FV_F32));
}

#define OP(id) {FVI_OP_##id, FVI_LAYOUT_ANY, FVI_LAYOUT_DENSE, false, refuse, NULL, prepare}
const fvi_cpu_op fvi_cpu_recurrent_ops[] = {
    OP(RNN),
    OP(GRU),
    OP(LSTM),
    {FVI_OP_NONE},
};
