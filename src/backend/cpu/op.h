/* op.h: how an operator joins the CPU backend: one fvi_cpu_op, listed in cpu.c. Recipe: docs/ADDING-AN-OP.md. */
#ifndef FVI_BACKEND_CPU_OP_H
#define FVI_BACKEND_CPU_OP_H
#include "backend/backend.h"

typedef struct fvi_cpu_op {
    fvi_op op;
    fvi_layout in_layout, out_layout; /* of feature-map inputs (index 0, and residual) and outputs */
    bool in_place;                    /* element by element on input 0 */
    const char *(*unsupported)(const fvi_node *n); /* null = always fine */
    int (*halo)(const fvi_node *n);                /* null = 0 */
    fv_status (*prepare)(fvi_step *s, fv_error *err);
    unsigned packs; /* bit i: constant input i is only read to be packed (fvi_backend.packs) */
} fvi_cpu_op;

/* Each op file defines a null-op terminated array of these. */
extern const fvi_cpu_op fvi_cpu_conv_ops[];        /* op_conv.c: Conv (incl. depthwise, grouped), ConvTranspose */
extern const fvi_cpu_op fvi_cpu_elementwise_ops[]; /* op_elementwise.c: unary, binary, compare, Where, Cast, Clip, PRelu */
extern const fvi_cpu_op fvi_cpu_shape_ops[];       /* op_shape.c: copies left of Reshape, Slice, Concat, Split, Tile, Expand, Pad, Shape, Range, … */
extern const fvi_cpu_op fvi_cpu_pool_ops[];        /* op_pool.c */
extern const fvi_cpu_op fvi_cpu_resize_ops[];      /* op_resize.c */
extern const fvi_cpu_op fvi_cpu_matmul_ops[];      /* op_matmul.c: MatMul, Gemm */
extern const fvi_cpu_op fvi_cpu_reduce_ops[];      /* op_reduce.c: Reduce*, ArgMax, Softmax, TopK */
extern const fvi_cpu_op fvi_cpu_gather_ops[];      /* op_gather.c: Gather, GatherElements */
extern const fvi_cpu_op fvi_cpu_math_ops[];        /* op_math.c: the rarer functions of one element */
extern const fvi_cpu_op fvi_cpu_logic_ops[];       /* op_logic.c: Or, Xor, comparisons with equality, Bitwise*, BitShift */
extern const fvi_cpu_op fvi_cpu_reduce_sums_ops[]; /* op_reduce_sums.c: ReduceProd, ReduceL1, ReduceLogSumExp, … */
extern const fvi_cpu_op fvi_cpu_norm_ops[];        /* op_norm.c: LayerNormalization and its kin, LogSoftmax, Hardmax */
extern const fvi_cpu_op fvi_cpu_blocks_ops[];      /* op_blocks.c: DepthToSpace, Trilu, EyeLike, CumSum, Size, … */
extern const fvi_cpu_op fvi_cpu_scatter_ops[];     /* op_scatter.c: ScatterElements, ScatterND, GatherND */
extern const fvi_cpu_op fvi_cpu_sample_ops[];      /* op_sample.c: GridSample, RoiAlign, OneHot */
extern const fvi_cpu_op fvi_cpu_quant_ops[];         /* op_quant.c: QuantizeLinear, DequantizeLinear */
extern const fvi_cpu_op fvi_cpu_quant_dynamic_ops[]; /* op_quant_dynamic.c */
extern const fvi_cpu_op fvi_cpu_conv_int_ops[];      /* op_conv_int.c: ConvInteger, QLinearConv */
extern const fvi_cpu_op fvi_cpu_matmul_int_ops[];    /* op_matmul_int.c: MatMulInteger, QLinearMatMul */
extern const fvi_cpu_op fvi_cpu_attention_ops[];     /* op_attention.c: Attention */
extern const fvi_cpu_op fvi_cpu_sequence_ops[];      /* op_sequence.c: LinearAttention, RotaryEmbedding, SwiGLU, … */
extern const fvi_cpu_op fvi_cpu_loss_ops[];          /* op_loss.c: losses of training */
extern const fvi_cpu_op fvi_cpu_signal_ops[];        /* op_signal.c: windows, DFT, STFT, MelWeightMatrix */
extern const fvi_cpu_op fvi_cpu_select_ops[];        /* op_select.c: NonZero, Compress, Unique, NonMaxSuppression */
extern const fvi_cpu_op fvi_cpu_recurrent_ops[];     /* op_recurrent.c: RNN, GRU, LSTM */
extern const fvi_cpu_op fvi_cpu_special_ops[];       /* op_special.c: Det, LRN, Col2Im, MaxUnpool, AffineGrid, … */
extern const fvi_cpu_op fvi_cpu_deform_ops[];        /* op_deform.c: DeformConv */
extern const fvi_cpu_op fvi_cpu_einsum_ops[];        /* op_einsum.c: Einsum */
extern const fvi_cpu_op fvi_cpu_qconv_ops[];         /* op_qconv.c: fovea.QuantConv */
#endif
