/* cpu.c: the CPU backend: operators' tables looked up by operator. Called by plan/ through fvi_backend, and by eval.c. */
#include "backend/cpu/op_conv.h"
#include "backend/cpu/op_qconv.h"
#include "backend/cpu/step.h"

static const fvi_cpu_op *const tables[] = {
    fvi_cpu_conv_ops,   fvi_cpu_elementwise_ops, fvi_cpu_shape_ops,  fvi_cpu_pool_ops,
    fvi_cpu_resize_ops, fvi_cpu_matmul_ops,      fvi_cpu_reduce_ops, fvi_cpu_gather_ops,
    fvi_cpu_math_ops,   fvi_cpu_logic_ops,       fvi_cpu_reduce_sums_ops, fvi_cpu_norm_ops,
    fvi_cpu_blocks_ops, fvi_cpu_scatter_ops,     fvi_cpu_sample_ops,
    fvi_cpu_quant_ops,  fvi_cpu_quant_dynamic_ops, fvi_cpu_conv_int_ops, fvi_cpu_matmul_int_ops,
    fvi_cpu_attention_ops, fvi_cpu_sequence_ops, fvi_cpu_loss_ops, fvi_cpu_signal_ops, fvi_cpu_select_ops,
    fvi_cpu_recurrent_ops, fvi_cpu_special_ops, fvi_cpu_deform_ops, fvi_cpu_einsum_ops, fvi_cpu_qconv_ops,
};

static const fvi_cpu_op *find(fvi_op op)
{
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const fvi_cpu_op *o = tables[i]; o->op != FVI_OP_NONE; o++)
            if (o->op == op) return o;
    return NULL;
}

/* Only these look at node->act and node->residual. */
static bool fuses(fvi_op op)
{
    return op == FVI_OP_CONV || op == FVI_OP_CONV_ADD || op == FVI_OP_QUANT_CONV || op == FVI_OP_CONV_TRANSPOSE || op == FVI_OP_GEMM || op == FVI_OP_MATMUL || op == FVI_OP_ADD;
}

static const char *unsupported(const fvi_node *n)
{
    const fvi_cpu_op *o = find(n->op);
    if (!o) return "an operator without an implementation here";
    if ((n->act != FVI_ACT_NONE || n->residual) && !fuses(n->op)) return "a fused activation or residual";
    return o->unsupported ? o->unsupported(n) : NULL;
}

static fvi_layout output_layout(const fvi_node *n, int output)
{
    const fvi_cpu_op *o = find(n->op);
    (void)output;
    return o ? o->out_layout : FVI_LAYOUT_ANY;
}

static fvi_layout input_layout(const fvi_node *n, int input)
{
    const fvi_cpu_op *o = find(n->op);
    bool map = input == 0 || (input == 3 && n->op == FVI_OP_CONV_ADD);
    return o && map ? o->in_layout : FVI_LAYOUT_ANY;
}

static int input_halo(const fvi_node *n, int input)
{
    const fvi_cpu_op *o = find(n->op);
    return o && o->halo && input == 0 ? o->halo(n) : 0;
}

static bool in_place(const fvi_node *n, int input)
{
    const fvi_cpu_op *o = find(n->op);
    if (!o || !o->in_place || input != 0 || n->n_out != 1) return false;
    const fvi_value *x = n->in[0], *y = n->out[0];
    if (x->rank != y->rank || fv_dtype_size(x->dtype) != fv_dtype_size(y->dtype)) return false;
    for (int i = 0; i < x->rank; i++)
        if (x->dim[i] != y->dim[i]) return false;
    return true;
}

static bool packs(const fvi_node *n, int input)
{
    const fvi_cpu_op *o = find(n->op);
    return o && input >= 0 && input < 32 && (o->packs >> input & 1);
}

static fv_status prepare(fvi_step *s, fv_error *err)
{
    const char *why = unsupported(s->node);
    if (why) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "the cpu backend cannot run it: %s", why);
    return find(s->node->op)->prepare(s, err);
}

static const char *tactic_at(int i)
{
    int floats = 0;
    while (fvi_cpu_conv_tactic_at(floats)) floats++;
    return i < floats ? fvi_cpu_conv_tactic_at(i) : fvi_cpu_qconv_tactic_at(i - floats);
}

static const fvi_backend cpu = {.name = "cpu",
                                .unsupported = unsupported,
                                .output_layout = output_layout,
                                .input_layout = input_layout,
                                .input_halo = input_halo,
                                .in_place = in_place,
                                .packs = packs,
                                .prepare = prepare,
                                .prepare_copy = fvi_cpu_prepare_copy,
                                .tactic_at = tactic_at};

const fvi_backend *fvi_backend_cpu(void) { return &cpu; }
