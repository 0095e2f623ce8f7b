/* op_loss.c: NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss, in plain C: models exported with their training loss. */
#include "backend/cpu/dense.h"
#include <math.h>
#include <string.h>

typedef struct loss_state {
    int64_t batch, classes, inner; /* [batch, classes, inner] */
    int64_t ignored;
    bool has_ignored, entropy, mean, none;
} loss_state;

/* log softmax over the classes of one place */
static void log_probabilities(const loss_state *t, const float *x, float *y)
{
    double most = -INFINITY, sum = 0;
    for (int64_t c = 0; c < t->classes; c++) most = x[c * t->inner] > most ? x[c * t->inner] : most;
    for (int64_t c = 0; c < t->classes; c++) sum += exp(x[c * t->inner] - most);
    for (int64_t c = 0; c < t->classes; c++) y[c * t->inner] = (float)(x[c * t->inner] - most - log(sum));
}

static void run(const fvi_dense *d)
{
    loss_state *t = d->own;
    const float *x = fvi_in_f32(d, 0), *weights = fvi_in_f32(d, 2);
    float *y = fvi_out_f32(d, 0), *log_out = t->entropy ? fvi_out_f32(d, 1) : NULL;
    double total = 0, parts = 0;
    for (int64_t i = 0; i < t->batch * t->inner; i++) {
        int64_t base = i / t->inner * t->classes * t->inner + i % t->inner, c = fvi_integer_at(&d->in[1], i);
        bool counts = !(t->has_ignored && c == t->ignored) && c >= 0 && c < t->classes;
        double w = !counts ? 0 : weights ? weights[c] : 1, value = 0;
        if (log_out) log_probabilities(t, x + base, log_out + base);
        if (counts && log_out) value = log_out[base + c * t->inner];
        if (counts && !log_out && t->entropy) {
            double most = -INFINITY, sum = 0;
            for (int64_t k = 0; k < t->classes; k++) most = x[base + k * t->inner] > most ? x[base + k * t->inner] : most;
            for (int64_t k = 0; k < t->classes; k++) sum += exp(x[base + k * t->inner] - most);
            value = x[base + c * t->inner] - most - log(sum);
        }
        if (counts && !t->entropy) value = x[base + c * t->inner];
        if (t->none) y[i] = (float)(counts ? -value * w : 0);
        total -= counts ? value * w : 0;
        parts += w;
    }
    if (!t->none) y[0] = (float)(t->mean ? total / parts : total);
}

static fv_status prepare(fvi_step *s, fv_error *err)
{
    loss_state *t;
    const fvi_tensor *x = &s->in[0];
    FVI_TRY(fvi_cpu_need_type(x->dtype, FVI_TYPE_BIT(FV_F32), err));
    FVI_TRY(fvi_cpu_need_type(s->in[1].dtype, FVI_TYPE_BIT(FV_I64) | FVI_TYPE_BIT(FV_I32), err));
    FVI_TRY(fvi_cpu_prepare_dense(s, run, "loss", sizeof *t, &t, err));
    t->batch = x->dim[0];
    t->classes = x->dim[1];
    t->inner = fvi_dims_product(x, 2, x->rank);
    t->entropy = s->node->op == FVI_OP_SOFTMAX_CROSS_ENTROPY;
    t->has_ignored = fvi_node_attr(s->node, "ignore_index") != NULL;
    t->ignored = fvi_node_int(s->node, "ignore_index", 0);
    const char *how = fvi_node_string(s->node, "reduction", "mean");
    t->mean = strcmp(how, "mean") == 0;
    t->none = strcmp(how, "none") == 0;
    if (fvi_tensor_count(&s->in[1]) != t->batch * t->inner || (fvi_cpu_has_input(s, 2) && (s->in[2].dtype != FV_F32 || fvi_tensor_count(&s->in[2]) != t->classes)))
        return fvi_error_set(err, FV_ERR_SHAPE, "its labels or weights do not fit its scores");
    return FV_OK;
}

static const char *refuse(const fvi_node *n)
{
    const char *how = fvi_node_string(n, "reduction", "mean");
    if (strcmp(how, "mean") && strcmp(how, "sum") && strcmp(how, "none")) return "an unknown reduction";
    return fvi_cpu_refuse_type(n->in[0]->dtype, FVI_TYPE_BIT(FV_F32));
}

#define OP(id) {FVI_OP_##id, FVI_LAYOUT_ANY, FVI_LAYOUT_DENSE, false, refuse, NULL, prepare}
const fvi_cpu_op fvi_cpu_loss_ops[] = {
    OP(NEGATIVE_LOG_LIKELIHOOD),
    OP(SOFTMAX_CROSS_ENTROPY),
    {FVI_OP_NONE},
};
