/* op_elementwise.c: operators that work element by element, with broadcasting, in every element type ONNX allows them.
 * Turns a node into one loop (or a chain of loops in place over the output) of kern/elementwise and kern/act kernels. */
#include "backend/cpu/loop.h"
#include "backend/cpu/step.h"
#include "kern/act.h"
#include <string.h>

typedef struct stage {
    fvi_loop loop;
    fvi_unary_fn unary;
    fvi_binary_fn binary;
    fvi_act_fn act;
    float alpha, beta;
    bool residual; /* last operand */
    size_t size;   /* Where */
} stage;

typedef struct ew_state {
    int n;
    stage stages[];
} ew_state;

static void run(fvi_step *s)
{
    ew_state *e = s->state;
    for (int i = 0; i < e->n; i++) fvi_loop_run(&e->stages[i].loop, s->env->pool);
}

static fv_status new_stages(fvi_step *s, int n, stage **out, fv_error *err)
{
    FVI_TRY(fvi_cpu_new_state(s, sizeof(ew_state) + (size_t)n * sizeof(stage), err));
    ew_state *e = s->state;
    e->n = n;
    *out = e->stages;
    s->run = run;
    s->tactic = "element-wise";
    return FV_OK;
}

static const char *level_tactic(fvi_cpu_flags cpu, const char *c, const char *avx2, const char *avx512)
{
    return cpu & FVI_CPU_AVX512 ? avx512 : cpu & FVI_CPU_AVX2 ? avx2 : c;
}
static void name_float_tactic(fvi_step *s)
{
    s->tactic = level_tactic(s->env->cpu, "element-wise c", "element-wise avx2", "element-wise avx512");
}

/* ---- blocks ---- */
static void unary_block(const void *user, void *const *p, size_t n) { ((const stage *)user)->unary(p[0], p[1], n); }
static void binary_block(const void *user, void *const *p, size_t n) { ((const stage *)user)->binary(p[0], p[1], p[2], n); }
static void act_block(const void *user, void *const *p, size_t n)
{
    const stage *g = user;
    g->act(p[0], 0, p[1], 0, NULL, 0, 1, (ptrdiff_t)n, g->alpha, g->beta);
}
/* binary, then the fused activation, then the residual */
static void binary_post_block(const void *user, void *const *p, size_t n)
{
    const stage *g = user;
    g->binary(p[0], p[1], p[2], n);
    g->act(p[0], 0, p[0], 0, g->residual ? p[3] : NULL, 0, 1, (ptrdiff_t)n, g->alpha, g->beta);
}
static void where_block(const void *user, void *const *p, size_t n) { fvi_where(p[0], p[1], p[2], p[3], n, ((const stage *)user)->size); }
static void not_block(const void *user, void *const *p, size_t n)
{
    uint8_t *y = p[0];
    const uint8_t *x = p[1];
    (void)user;
    for (size_t i = 0; i < n; i++) y[i] = !x[i];
}

/* ---- unary ---- */
typedef struct unary_row {
    fvi_op op;
    fvi_unary fn;
    unsigned types;
    double cost;
} unary_row;
static const unary_row unary_rows[] = {
    {FVI_OP_ABS, FVI_UNARY_ABS, FVI_TYPES_NUMBER, 0.25},
    {FVI_OP_NEG, FVI_UNARY_NEG, FVI_TYPES_NUMBER, 0.25},
    {FVI_OP_SQRT, FVI_UNARY_SQRT, FVI_TYPES_HALF | FVI_TYPES_FLOAT, 0.5},
    {FVI_OP_EXP, FVI_UNARY_EXP, FVI_TYPES_HALF | FVI_TYPES_FLOAT, 1},
    {FVI_OP_LOG, FVI_UNARY_LOG, FVI_TYPES_HALF | FVI_TYPES_FLOAT, 1},
    {FVI_OP_ERF, FVI_UNARY_ERF, FVI_TYPES_HALF | FVI_TYPES_FLOAT, 1},
    {FVI_OP_CEIL, FVI_UNARY_CEIL, FVI_TYPES_HALF | FVI_TYPES_FLOAT, 0.25},
    {FVI_OP_FLOOR, FVI_UNARY_FLOOR, FVI_TYPES_HALF | FVI_TYPES_FLOAT, 0.25},
    {FVI_OP_RECIPROCAL, FVI_UNARY_RECIPROCAL, FVI_TYPES_HALF | FVI_TYPES_FLOAT, 0.5},
};
static const unary_row *unary_of(fvi_op op)
{
    for (size_t i = 0; i < sizeof unary_rows / sizeof *unary_rows; i++)
        if (unary_rows[i].op == op) return &unary_rows[i];
    return NULL;
}

static fv_status prepare_unary(fvi_step *s, fv_error *err)
{
    const unary_row *row = unary_of(s->node->op);
    FVI_TRY(fvi_cpu_need_type(s->in[0].dtype, row->types, err));
    stage *g;
    FVI_TRY(new_stages(s, 1, &g, err));
    fv_dtype t = fvi_loop_type(s->in[0].dtype);
    fvi_elementwise k;
    fvi_elementwise_init(&k, s->env->cpu);
    g->unary = t == FV_F32 ? k.unary[row->fn] : fvi_unary_of_type(row->fn, t);
    if (t == FV_F32) name_float_tactic(s);
    FVI_TRY(fvi_loop_init(&g->loop, 2, (fvi_tensor[]){s->out[0], s->in[0]}, NULL, row->cost, err));
    g->loop.block = unary_block;
    g->loop.user = g;
    return FV_OK;
}

static fv_status prepare_not(fvi_step *s, fv_error *err)
{
    FVI_TRY(fvi_cpu_need_type(s->in[0].dtype, FVI_TYPE_BIT(FV_BOOL), err));
    stage *g;
    FVI_TRY(new_stages(s, 1, &g, err));
    FVI_TRY(fvi_loop_init(&g->loop, 2, (fvi_tensor[]){s->out[0], s->in[0]}, NULL, 0.25, err));
    g->loop.block = not_block;
    g->loop.user = g;
    return FV_OK;
}

/* ---- activations ---- */
static fvi_kact act_of(const fvi_node *n, float *alpha, float *beta)
{
    switch (n->op) {
    case FVI_OP_RELU: return FVI_KACT_RELU;
    case FVI_OP_LEAKY_RELU: *alpha = fvi_node_float(n, "alpha", 0.01f); return FVI_KACT_LEAKY;
    case FVI_OP_SIGMOID: return FVI_KACT_SIGMOID;
    case FVI_OP_SILU: return FVI_KACT_SILU;
    case FVI_OP_TANH: return FVI_KACT_TANH;
    case FVI_OP_GELU: return FVI_KACT_GELU;
    case FVI_OP_HARD_SWISH: return FVI_KACT_HARDSWISH;
    case FVI_OP_HARD_SIGMOID:
        *alpha = fvi_node_float(n, "alpha", 0.2f);
        *beta = fvi_node_float(n, "beta", 0.5f);
        return FVI_KACT_HARDSIGMOID;
    default: return FVI_KACT_NONE;
    }
}

static fv_status set_act(fvi_step *s, stage *g, fvi_kact act, float alpha, float beta, double cost, fv_error *err)
{
    fvi_act_kern k;
    fvi_act_kern_init(&k, s->env->cpu);
    g->act = k.fn[act];
    g->alpha = alpha;
    g->beta = beta;
    name_float_tactic(s);
    FVI_TRY(fvi_loop_init(&g->loop, 2, (fvi_tensor[]){s->out[0], s->in[0]}, NULL, cost, err));
    g->loop.block = act_block;
    g->loop.user = g;
    return FV_OK;
}

/* x sigmoid(2 sqrt(2/pi) (x + 0.044715 x^3)) = x/2 (1 + tanh(half of that)) */
static void gelu_tanh_block(const void *user, void *const *p, size_t n)
{
    enum { PART = 64 };
    const stage *g = user;
    const float *x = p[1];
    float *y = p[0], z[PART] = {0};
    for (size_t i = 0; i < n; i += PART) {
        size_t m = n - i < PART ? n - i : PART;
        for (size_t k = 0; k < m; k++) z[k] = 1.59576912f * (x[i + k] + 0.044715f * x[i + k] * x[i + k] * x[i + k]);
        g->act(z, 0, z, 0, NULL, 0, 1, (ptrdiff_t)m, 0, 0);
        for (size_t k = 0; k < m; k++) y[i + k] = x[i + k] * z[k];
    }
}

static fv_status binary_stage(const fvi_step *s, stage *g, fvi_binary op, const fvi_tensor *a, const fvi_tensor *b, double cost, fv_error *err)
{
    fv_dtype t = fvi_loop_type(s->out[0].dtype);
    fvi_elementwise k;
    fvi_elementwise_init(&k, s->env->cpu);
    g->binary = t == FV_F32 ? k.binary[op] : fvi_binary_of_type(op, t);
    if (!g->binary) return fvi_cpu_need_type(s->out[0].dtype, 0, err);
    fv_dtype as[4] = {t, t, t, t};
    FVI_TRY(fvi_loop_init(&g->loop, 3, (fvi_tensor[]){s->out[0], *a, *b}, as, cost, err));
    g->loop.block = binary_block;
    g->loop.user = g;
    return FV_OK;
}

static fv_status prepare_act(fvi_step *s, fv_error *err)
{
    static const int64_t zero = 0;
    fv_dtype type = s->in[0].dtype;
    stage *g;
    bool other = type == FV_F64 || (FVI_TYPES_INT & FVI_TYPE_BIT(type));
    if (s->node->op == FVI_OP_RELU && other) {
        fvi_tensor z = {.dtype = type, .data = (char *)(uintptr_t)&zero};
        FVI_TRY(new_stages(s, 1, &g, err));
        return binary_stage(s, g, FVI_BINARY_MAX, &s->in[0], &z, 0.25, err);
    }
    FVI_TRY(fvi_cpu_need_type(type, FVI_TYPES_HALF | FVI_TYPE_BIT(FV_F32), err));
    FVI_TRY(new_stages(s, 1, &g, err));
    float alpha = 0, beta = 0;
    fvi_kact act = act_of(s->node, &alpha, &beta);
    if (act == FVI_KACT_GELU && strcmp(fvi_node_string(s->node, "approximate", "none"), "tanh") == 0) {
        FVI_TRY(set_act(s, g, FVI_KACT_SIGMOID, 0, 0, 1, err));
        g->loop.block = gelu_tanh_block;
        return FV_OK;
    }
    return set_act(s, g, act, alpha, beta, act == FVI_KACT_RELU || act == FVI_KACT_LEAKY ? 0.25 : 1, err);
}

/* Bounds are attributes up to opset 10, inputs from 11. Constant ones of float data become an activation; others are a
 * maximum and a minimum. */
static fv_status prepare_clip(fvi_step *s, fv_error *err)
{
    FVI_TRY(fvi_cpu_need_type(s->in[0].dtype, FVI_TYPES_NUMBER, err));
    bool has_low = fvi_cpu_has_input(s, 1), has_high = fvi_cpu_has_input(s, 2);
    stage *g;
    double low = fvi_node_float(s->node, "min", -__builtin_inff()), high = fvi_node_float(s->node, "max", __builtin_inff());
    bool known = (!has_low || fvi_cpu_input_scalar(s, 1, &low)) && (!has_high || fvi_cpu_input_scalar(s, 2, &high));
    if (known && low <= high && fvi_loop_type(s->in[0].dtype) == FV_F32) {
        FVI_TRY(new_stages(s, 1, &g, err));
        return set_act(s, g, FVI_KACT_CLIP, (float)low, (float)high, 0.25, err);
    }
    if (!has_low && !has_high) return fvi_cpu_prepare_copy(s, err);
    FVI_TRY(new_stages(s, has_low + has_high, &g, err));
    const fvi_tensor *x = &s->in[0];
    if (has_low) {
        FVI_TRY(binary_stage(s, g++, FVI_BINARY_MAX, x, &s->in[1], 0.25, err));
        x = &s->out[0];
    }
    return has_high ? binary_stage(s, g, FVI_BINARY_MIN, x, &s->in[2], 0.25, err) : FV_OK;
}

/* ---- binary ---- */
static int binary_of(const fvi_node *n)
{
    switch (n->op) {
    case FVI_OP_ADD: return FVI_BINARY_ADD;
    case FVI_OP_SUB: return FVI_BINARY_SUB;
    case FVI_OP_MUL: return FVI_BINARY_MUL;
    case FVI_OP_DIV: return FVI_BINARY_DIV;
    case FVI_OP_MAX: return FVI_BINARY_MAX;
    case FVI_OP_MIN: return FVI_BINARY_MIN;
    case FVI_OP_PRELU: return FVI_BINARY_PRELU;
    case FVI_OP_MOD: return fvi_node_int(n, "fmod", 0) ? FVI_BINARY_FMOD : FVI_BINARY_MOD;
    default: return -1;
    }
}

/* Sum and Mean of one input or more: a chain in place over the output; Mean is divided at the end. */
static fv_status prepare_sum(fvi_step *s, fv_error *err)
{
    fv_dtype type = s->out[0].dtype;
    bool mean = s->node->op == FVI_OP_MEAN;
    FVI_TRY(fvi_cpu_need_type(type, FVI_TYPE_BIT(FV_F32), err));
    for (int i = 0; i < s->n_in; i++) FVI_TRY(fvi_cpu_need_type(s->in[i].dtype, FVI_TYPE_BIT(FV_F32), err));
    if (s->n_in == 1) return fvi_cpu_prepare_copy(s, err);
    stage *g;
    FVI_TRY(new_stages(s, s->n_in - 1 + mean, &g, err));
    for (int i = 1; i < s->n_in; i++)
        FVI_TRY(binary_stage(s, &g[i - 1], FVI_BINARY_ADD, i > 1 ? &s->out[0] : &s->in[0], &s->in[i], 0.25, err));
    if (!mean) return FV_OK;
    g[s->n_in - 1].alpha = (float)s->n_in;
    fvi_tensor count = {.dtype = FV_F32, .data = (char *)&g[s->n_in - 1].alpha};
    return binary_stage(s, &g[s->n_in - 1], FVI_BINARY_DIV, &s->out[0], &count, 0.25, err);
}

static fv_status prepare_binary(fvi_step *s, fv_error *err)
{
    int op = binary_of(s->node);
    fv_dtype type = s->out[0].dtype;
    bool post = s->node->act != FVI_ACT_NONE || s->residual.dtype != FV_NONE;
    FVI_TRY(fvi_cpu_need_type(type, FVI_TYPES_NUMBER, err));
    for (int i = 0; i < s->n_in; i++)
        if (s->in[i].dtype != type)
            return fvi_error_set(err, FV_ERR_MODEL, "inputs of different types: %s and %s", fv_dtype_name(s->in[i].dtype), fv_dtype_name(type));
    stage *g;
    /* n-ary Max and Min: a chain in place over the output; one input is paired with itself */
    int stages = s->n_in > 2 ? s->n_in - 1 : 1;
    FVI_TRY(new_stages(s, stages, &g, err));
    if (fvi_loop_type(type) == FV_F32) name_float_tactic(s);
    double cost = op == FVI_BINARY_MOD || op == FVI_BINARY_FMOD ? 5 : 0.25;
    for (int i = 0; i < stages; i++)
        FVI_TRY(binary_stage(s, &g[i], (fvi_binary)op, i ? &s->out[0] : &s->in[0], &s->in[s->n_in > 1 ? i + 1 : 0], cost, err));
    if (!post) return FV_OK;
    FVI_TRY(fvi_cpu_need_type(type, FVI_TYPES_HALF | FVI_TYPE_BIT(FV_F32), err));
    fvi_act_kern k;
    fvi_act_kern_init(&k, s->env->cpu);
    g->act = k.fn[s->node->act];
    g->alpha = s->node->act_alpha;
    g->beta = s->node->act_beta;
    g->residual = s->residual.dtype != FV_NONE;
    FVI_TRY(fvi_loop_init(&g->loop, 3 + g->residual, (fvi_tensor[]){s->out[0], s->in[0], s->in[1], s->residual}, NULL, 1, err));
    g->loop.block = binary_post_block;
    g->loop.user = g;
    return FV_OK;
}

/* The exponent may have a type of its own; then both meet in double. x^2 and x^(1/2) have faster ways. */
static fv_status prepare_pow(fvi_step *s, fv_error *err)
{
    fv_dtype type = s->in[0].dtype;
    FVI_TRY(fvi_cpu_need_type(type, FVI_TYPES_NUMBER, err));
    FVI_TRY(fvi_cpu_need_type(s->in[1].dtype, FVI_TYPES_NUMBER, err));
    stage *g;
    double e;
    FVI_TRY(new_stages(s, 1, &g, err));
    fv_dtype t = fvi_loop_type(type);
    fvi_elementwise k;
    fvi_elementwise_init(&k, s->env->cpu);
    if (fvi_cpu_input_scalar(s, 1, &e) && fvi_tensor_same_shape(&s->out[0], &s->in[0]) && t == FV_F32 && (e == 2 || e == 0.5)) {
        g->unary = k.unary[e == 2 ? FVI_UNARY_SQUARE : FVI_UNARY_SQRT];
        name_float_tactic(s);
        FVI_TRY(fvi_loop_init(&g->loop, 2, (fvi_tensor[]){s->out[0], s->in[0]}, NULL, 0.5, err));
        g->loop.block = unary_block;
        g->loop.user = g;
        return FV_OK;
    }
    fv_dtype te = fvi_loop_type(s->in[1].dtype);
    fv_dtype c = te == t ? t : FV_F64;
    fv_dtype as[3] = {c, c, c};
    g->binary = fvi_binary_of_type(FVI_BINARY_POW, c);
    FVI_TRY(fvi_loop_init(&g->loop, 3, (fvi_tensor[]){s->out[0], s->in[0], s->in[1]}, as, 10, err));
    g->loop.block = binary_block;
    g->loop.user = g;
    return FV_OK;
}

static fv_status prepare_compare(fvi_step *s, fv_error *err)
{
    fvi_op op = s->node->op;
    fvi_compare c = op == FVI_OP_EQUAL ? FVI_COMPARE_EQUAL : op == FVI_OP_GREATER ? FVI_COMPARE_GREATER : op == FVI_OP_LESS ? FVI_COMPARE_LESS : FVI_COMPARE_AND;
    fv_dtype t = fvi_loop_type(s->in[0].dtype);
    fvi_binary_fn fn = fvi_compare_of_type(c, t);
    if (!fn) return fvi_cpu_need_type(s->in[0].dtype, 0, err);
    if (s->in[1].dtype != s->in[0].dtype)
        return fvi_error_set(err, FV_ERR_MODEL, "inputs of different types: %s and %s", fv_dtype_name(s->in[0].dtype), fv_dtype_name(s->in[1].dtype));
    stage *g;
    FVI_TRY(new_stages(s, 1, &g, err));
    g->binary = fn;
    FVI_TRY(fvi_loop_init(&g->loop, 3, (fvi_tensor[]){s->out[0], s->in[0], s->in[1]}, NULL, 0.5, err));
    g->loop.block = binary_block;
    g->loop.user = g;
    return FV_OK;
}

static fv_status prepare_where(fvi_step *s, fv_error *err)
{
    fv_dtype type = s->out[0].dtype;
    FVI_TRY(fvi_cpu_need_type(s->in[0].dtype, FVI_TYPE_BIT(FV_BOOL), err));
    FVI_TRY(fvi_cpu_need_type(type, FVI_TYPES_ANY, err));
    if (s->in[1].dtype != type || s->in[2].dtype != type) return fvi_error_set(err, FV_ERR_MODEL, "both choices must have one type");
    stage *g;
    FVI_TRY(new_stages(s, 1, &g, err));
    g->size = fv_dtype_size(type);
    fv_dtype as[4] = {type, FV_BOOL, type, type};
    FVI_TRY(fvi_loop_init(&g->loop, 4, (fvi_tensor[]){s->out[0], s->in[0], s->in[1], s->in[2]}, as, 0.5, err));
    g->loop.block = where_block;
    g->loop.user = g;
    return FV_OK;
}

/* ---- what a node asks before it has tensors ---- */
static const char *refuse(const fvi_node *n)
{
    fv_dtype t = n->n_in > 0 && n->in[0] ? n->in[0]->dtype : FV_NONE;
    const unary_row *row = unary_of(n->op);
    if (row) return fvi_cpu_refuse_type(t, row->types);
    switch (n->op) {
    case FVI_OP_RELU:
    case FVI_OP_CLIP:
    case FVI_OP_POW: return fvi_cpu_refuse_type(t, FVI_TYPES_NUMBER);
    case FVI_OP_NOT:
    case FVI_OP_AND: return fvi_cpu_refuse_type(t, FVI_TYPE_BIT(FV_BOOL));
    case FVI_OP_GREATER:
    case FVI_OP_LESS: return fvi_cpu_refuse_type(t, FVI_TYPES_NUMBER);
    case FVI_OP_EQUAL:
    case FVI_OP_WHERE: return fvi_cpu_refuse_type(t, FVI_TYPES_ANY);
    default: break;
    }
    if (n->op == FVI_OP_SUM || n->op == FVI_OP_MEAN) return fvi_cpu_refuse_type(t, FVI_TYPE_BIT(FV_F32));
    if (binary_of(n) >= 0) return fvi_cpu_refuse_type(t, FVI_TYPES_NUMBER);
    return fvi_cpu_refuse_type(t, FVI_TYPES_HALF | FVI_TYPE_BIT(FV_F32));
}

#define OP(id, in_place, prepare) {FVI_OP_##id, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, in_place, refuse, NULL, prepare}
const fvi_cpu_op fvi_cpu_elementwise_ops[] = {
    OP(ABS, true, prepare_unary),
    OP(NEG, true, prepare_unary),
    OP(SQRT, true, prepare_unary),
    OP(EXP, true, prepare_unary),
    OP(LOG, true, prepare_unary),
    OP(ERF, true, prepare_unary),
    OP(CEIL, true, prepare_unary),
    OP(FLOOR, true, prepare_unary),
    OP(RECIPROCAL, true, prepare_unary),
    OP(NOT, true, prepare_not),
    OP(RELU, true, prepare_act),
    OP(LEAKY_RELU, true, prepare_act),
    OP(SIGMOID, true, prepare_act),
    OP(SILU, true, prepare_act),
    OP(TANH, true, prepare_act),
    OP(GELU, true, prepare_act),
    OP(HARD_SWISH, true, prepare_act),
    OP(HARD_SIGMOID, true, prepare_act),
    OP(CLIP, true, prepare_clip),
    OP(ADD, true, prepare_binary),
    OP(SUB, true, prepare_binary),
    OP(SUM, false, prepare_sum),
    OP(MEAN, false, prepare_sum),
    OP(MUL, true, prepare_binary),
    OP(DIV, true, prepare_binary),
    OP(MOD, true, prepare_binary),
    OP(PRELU, true, prepare_binary),
    OP(MAX, true, prepare_binary),
    OP(MIN, true, prepare_binary),
    OP(POW, true, prepare_pow),
    OP(AND, false, prepare_compare),
    OP(EQUAL, false, prepare_compare),
    OP(GREATER, false, prepare_compare),
    OP(LESS, false, prepare_compare),
    OP(WHERE, false, prepare_where),
    {FVI_OP_CAST, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, false, NULL, NULL, fvi_cpu_prepare_cast},
    {FVI_OP_CAST_LIKE, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, false, NULL, NULL, fvi_cpu_prepare_cast},
    {FVI_OP_BATCH_NORM, FVI_LAYOUT_ANY, FVI_LAYOUT_ANY, true, fvi_cpu_refuse_batch_norm, NULL, fvi_cpu_prepare_batch_norm},
    {FVI_OP_NONE},
};
