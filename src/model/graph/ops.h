/* ops.h: the table of operators the importer knows: one line an operator. docs/ONNX.md is generated from it.
 * Recipe: docs/ADDING-AN-OP.md. */
#ifndef FVI_MODEL_OPS_H
#define FVI_MODEL_OPS_H
#include <fovea/status.h>
struct fvi_node;
struct fvi_graph;
/* enumerator, ONNX name (domain "" unless it has a dot), fewest inputs, most inputs, fewest outputs, most outputs, first opset, shape rule
 * (fvi_shape_<rule>, shape.c) */
#define FVI_OP_LIST(X)                                                                                                 \
    X(ABS, "Abs", 1, 1, 1, 1, 6, same)                                                                                 \
    X(ACOS, "Acos", 1, 1, 1, 1, 7, same)                                                                               \
    X(ACOSH, "Acosh", 1, 1, 1, 1, 9, same)                                                                             \
    X(ADD, "Add", 2, 2, 1, 1, 7, broadcast)                                                                            \
    X(AFFINE_GRID, "AffineGrid", 2, 2, 1, 1, 20, affine_grid)                                                          \
    X(AND, "And", 2, 2, 1, 1, 7, compare)                                                                              \
    X(ARGMAX, "ArgMax", 1, 1, 1, 1, 1, argreduce)                                                                      \
    X(ARGMIN, "ArgMin", 1, 1, 1, 1, 1, argreduce)                                                                      \
    X(ASIN, "Asin", 1, 1, 1, 1, 7, same)                                                                               \
    X(ASINH, "Asinh", 1, 1, 1, 1, 9, same)                                                                             \
    X(ATAN, "Atan", 1, 1, 1, 1, 7, same)                                                                               \
    X(ATANH, "Atanh", 1, 1, 1, 1, 9, same)                                                                             \
    X(ATTENTION, "Attention", 3, 7, 1, 4, 23, attention)                                                               \
    X(AVERAGE_POOL, "AveragePool", 1, 1, 1, 1, 7, pool)                                                                \
    X(BATCH_NORM, "BatchNormalization", 5, 5, 1, 3, 7, batch_norm)                                                     \
    X(BIT_CAST, "BitCast", 1, 1, 1, 1, 26, bit_cast)                                                                   \
    X(BIT_SHIFT, "BitShift", 2, 2, 1, 1, 11, broadcast)                                                                \
    X(BITWISE_AND, "BitwiseAnd", 2, 2, 1, 1, 18, broadcast)                                                            \
    X(BITWISE_NOT, "BitwiseNot", 1, 1, 1, 1, 18, same)                                                                 \
    X(BITWISE_OR, "BitwiseOr", 2, 2, 1, 1, 18, broadcast)                                                              \
    X(BITWISE_XOR, "BitwiseXor", 2, 2, 1, 1, 18, broadcast)                                                            \
    X(BLACKMAN_WINDOW, "BlackmanWindow", 1, 1, 1, 1, 17, window)                                                       \
    X(CAST, "Cast", 1, 1, 1, 1, 6, cast)                                                                               \
    X(CAST_LIKE, "CastLike", 2, 2, 1, 1, 15, cast_like)                                                                \
    X(CAUSAL_CONV, "CausalConvWithState", 2, 4, 1, 2, 27, causal_conv)                                                 \
    X(CEIL, "Ceil", 1, 1, 1, 1, 6, same)                                                                               \
    X(CELU, "Celu", 1, 1, 1, 1, 12, same)                                                                              \
    X(CENTER_CROP_PAD, "CenterCropPad", 2, 2, 1, 1, 18, center_crop_pad)                                               \
    X(CLIP, "Clip", 1, 3, 1, 1, 6, same)                                                                               \
    X(COL2IM, "Col2Im", 3, 3, 1, 1, 18, col2im)                                                                        \
    X(COMPRESS, "Compress", 2, 2, 1, 1, 9, compress)                                                                   \
    X(CONCAT, "Concat", 1, 65535, 1, 1, 4, concat)                                                                     \
    X(CONSTANT, "Constant", 0, 0, 1, 1, 1, constant)                                                                   \
    X(CONSTANT_OF_SHAPE, "ConstantOfShape", 1, 1, 1, 1, 9, constant_of_shape)                                          \
    X(CONV, "Conv", 2, 3, 1, 1, 1, conv)                                                                               \
    X(CONV_INTEGER, "ConvInteger", 2, 4, 1, 1, 10, conv_integer)                                                       \
    X(CONV_TRANSPOSE, "ConvTranspose", 2, 3, 1, 1, 1, conv_transpose)                                                  \
    X(COS, "Cos", 1, 1, 1, 1, 7, same)                                                                                 \
    X(COSH, "Cosh", 1, 1, 1, 1, 9, same)                                                                               \
    X(CUM_PROD, "CumProd", 2, 2, 1, 1, 26, cum_sum)                                                                    \
    X(CUM_SUM, "CumSum", 2, 2, 1, 1, 11, cum_sum)                                                                      \
    X(DFT, "DFT", 1, 3, 1, 1, 17, dft)                                                                                 \
    X(DEFORM_CONV, "DeformConv", 3, 5, 1, 1, 19, deform_conv)                                                          \
    X(DEPTH_TO_SPACE, "DepthToSpace", 1, 1, 1, 1, 1, depth_to_space)                                                   \
    X(DEQUANTIZE_LINEAR, "DequantizeLinear", 2, 3, 1, 1, 10, dequantize)                                               \
    X(DET, "Det", 1, 1, 1, 1, 11, det)                                                                                 \
    X(DIV, "Div", 2, 2, 1, 1, 7, broadcast)                                                                            \
    X(DYNAMIC_QUANTIZE_LINEAR, "DynamicQuantizeLinear", 1, 1, 3, 3, 11, dynamic_quantize)                              \
    X(EINSUM, "Einsum", 1, 65535, 1, 1, 12, einsum)                                                                    \
    X(ELU, "Elu", 1, 1, 1, 1, 6, same)                                                                                 \
    X(EQUAL, "Equal", 2, 2, 1, 1, 7, compare)                                                                          \
    X(ERF, "Erf", 1, 1, 1, 1, 9, same)                                                                                 \
    X(EXP, "Exp", 1, 1, 1, 1, 6, same)                                                                                 \
    X(EXPAND, "Expand", 2, 2, 1, 1, 8, expand)                                                                         \
    X(EYE_LIKE, "EyeLike", 1, 1, 1, 1, 9, eye_like)                                                                    \
    X(FLATTEN, "Flatten", 1, 1, 1, 1, 1, flatten)                                                                      \
    X(FLOOR, "Floor", 1, 1, 1, 1, 6, same)                                                                             \
    X(GRU, "GRU", 3, 6, 1, 2, 7, recurrent)                                                                            \
    X(GATHER, "Gather", 2, 2, 1, 1, 1, gather)                                                                         \
    X(GATHER_ELEMENTS, "GatherElements", 2, 2, 1, 1, 11, gather_elements)                                              \
    X(GATHER_ND, "GatherND", 2, 2, 1, 1, 11, gather_nd)                                                                \
    X(GEMM, "Gemm", 2, 3, 1, 1, 7, gemm)                                                                               \
    X(GLOBAL_AVERAGE_POOL, "GlobalAveragePool", 1, 1, 1, 1, 1, global_pool)                                            \
    X(GLOBAL_MAX_POOL, "GlobalMaxPool", 1, 1, 1, 1, 1, global_pool)                                                    \
    X(GREATER, "Greater", 2, 2, 1, 1, 7, compare)                                                                      \
    X(GREATER_OR_EQUAL, "GreaterOrEqual", 2, 2, 1, 1, 12, compare)                                                     \
    X(GRID_SAMPLE, "GridSample", 2, 2, 1, 1, 16, grid_sample)                                                          \
    X(GROUP_NORM, "GroupNormalization", 3, 3, 1, 1, 18, group_norm)                                                    \
    X(HAMMING_WINDOW, "HammingWindow", 1, 1, 1, 1, 17, window)                                                         \
    X(HANN_WINDOW, "HannWindow", 1, 1, 1, 1, 17, window)                                                               \
    X(HARDMAX, "Hardmax", 1, 1, 1, 1, 1, same)                                                                         \
    X(HARD_SIGMOID, "HardSigmoid", 1, 1, 1, 1, 6, same)                                                                \
    X(HARD_SWISH, "HardSwish", 1, 1, 1, 1, 14, same)                                                                   \
    X(IDENTITY, "Identity", 1, 1, 1, 1, 1, same)                                                                       \
    X(INSTANCE_NORM, "InstanceNormalization", 3, 3, 1, 1, 6, group_norm)                                               \
    X(IS_INF, "IsInf", 1, 1, 1, 1, 10, test)                                                                           \
    X(IS_NAN, "IsNaN", 1, 1, 1, 1, 9, test)                                                                            \
    X(LRN, "LRN", 1, 1, 1, 1, 1, same)                                                                                 \
    X(LSTM, "LSTM", 3, 8, 1, 3, 7, recurrent)                                                                          \
    X(LAYER_NORM, "LayerNormalization", 2, 3, 1, 3, 17, layer_norm)                                                    \
    X(LEAKY_RELU, "LeakyRelu", 1, 1, 1, 1, 6, same)                                                                    \
    X(LESS, "Less", 2, 2, 1, 1, 7, compare)                                                                            \
    X(LESS_OR_EQUAL, "LessOrEqual", 2, 2, 1, 1, 12, compare)                                                           \
    X(LINEAR_ATTENTION, "LinearAttention", 3, 6, 2, 2, 27, linear_attention)                                           \
    X(LOG, "Log", 1, 1, 1, 1, 6, same)                                                                                 \
    X(LOG_SOFTMAX, "LogSoftmax", 1, 1, 1, 1, 1, same)                                                                  \
    X(LP_NORM, "LpNormalization", 1, 1, 1, 1, 1, same)                                                                 \
    X(LP_POOL, "LpPool", 1, 1, 1, 1, 2, pool)                                                                          \
    X(MATMUL, "MatMul", 2, 2, 1, 1, 1, matmul)                                                                         \
    X(MATMUL_INTEGER, "MatMulInteger", 2, 4, 1, 1, 10, matmul_integer)                                                 \
    X(MAX, "Max", 1, 65535, 1, 1, 8, broadcast)                                                                        \
    X(MAX_POOL, "MaxPool", 1, 1, 1, 2, 1, pool)                                                                        \
    X(MAX_UNPOOL, "MaxUnpool", 2, 3, 1, 1, 9, max_unpool)                                                              \
    X(MEAN, "Mean", 1, 65535, 1, 1, 8, broadcast)                                                                      \
    X(MEAN_VARIANCE_NORM, "MeanVarianceNormalization", 1, 1, 1, 1, 9, same)                                            \
    X(MEL_WEIGHT_MATRIX, "MelWeightMatrix", 5, 5, 1, 1, 17, mel)                                                       \
    X(MIN, "Min", 1, 65535, 1, 1, 8, broadcast)                                                                        \
    X(MISH, "Mish", 1, 1, 1, 1, 18, same)                                                                              \
    X(MOD, "Mod", 2, 2, 1, 1, 10, broadcast)                                                                           \
    X(MUL, "Mul", 2, 2, 1, 1, 7, broadcast)                                                                            \
    X(NEG, "Neg", 1, 1, 1, 1, 6, same)                                                                                 \
    X(NEGATIVE_LOG_LIKELIHOOD, "NegativeLogLikelihoodLoss", 2, 3, 1, 1, 12, loss)                                      \
    X(NON_MAX_SUPPRESSION, "NonMaxSuppression", 2, 5, 1, 1, 10, nms)                                                   \
    X(NON_ZERO, "NonZero", 1, 1, 1, 1, 9, nonzero)                                                                     \
    X(NOT, "Not", 1, 1, 1, 1, 1, same)                                                                                 \
    X(ONE_HOT, "OneHot", 3, 3, 1, 1, 9, one_hot)                                                                       \
    X(OR, "Or", 2, 2, 1, 1, 7, compare)                                                                                \
    X(PAD, "Pad", 1, 4, 1, 1, 2, pad)                                                                                  \
    X(POW, "Pow", 2, 2, 1, 1, 7, broadcast)                                                                            \
    X(PRELU, "PRelu", 2, 2, 1, 1, 7, same)                                                                             \
    X(QLINEAR_CONV, "QLinearConv", 8, 9, 1, 1, 10, conv_integer)                                                       \
    X(QLINEAR_MATMUL, "QLinearMatMul", 8, 8, 1, 1, 10, matmul_integer)                                                 \
    X(QUANTIZE_LINEAR, "QuantizeLinear", 2, 3, 1, 1, 10, quantize)                                                     \
    X(RNN, "RNN", 3, 6, 1, 2, 7, recurrent)                                                                            \
    X(RANGE, "Range", 3, 3, 1, 1, 11, range)                                                                           \
    X(RECIPROCAL, "Reciprocal", 1, 1, 1, 1, 6, same)                                                                   \
    X(REDUCE_L1, "ReduceL1", 1, 2, 1, 1, 1, reduce)                                                                    \
    X(REDUCE_L2, "ReduceL2", 1, 2, 1, 1, 1, reduce)                                                                    \
    X(REDUCE_LOG_SUM, "ReduceLogSum", 1, 2, 1, 1, 1, reduce)                                                           \
    X(REDUCE_LOG_SUM_EXP, "ReduceLogSumExp", 1, 2, 1, 1, 1, reduce)                                                    \
    X(REDUCE_MAX, "ReduceMax", 1, 2, 1, 1, 1, reduce)                                                                  \
    X(REDUCE_MEAN, "ReduceMean", 1, 2, 1, 1, 1, reduce)                                                                \
    X(REDUCE_MIN, "ReduceMin", 1, 2, 1, 1, 1, reduce)                                                                  \
    X(REDUCE_PROD, "ReduceProd", 1, 2, 1, 1, 1, reduce)                                                                \
    X(REDUCE_SUM, "ReduceSum", 1, 2, 1, 1, 1, reduce)                                                                  \
    X(REDUCE_SUM_SQUARE, "ReduceSumSquare", 1, 2, 1, 1, 1, reduce)                                                     \
    X(RELU, "Relu", 1, 1, 1, 1, 6, same)                                                                               \
    X(RESHAPE, "Reshape", 2, 2, 1, 1, 5, reshape)                                                                      \
    X(RESIZE, "Resize", 1, 4, 1, 1, 10, resize)                                                                        \
    X(RMS_NORM, "RMSNormalization", 2, 2, 1, 1, 23, layer_norm)                                                        \
    X(REVERSE_SEQUENCE, "ReverseSequence", 2, 2, 1, 1, 10, same)                                                       \
    X(ROI_ALIGN, "RoiAlign", 3, 3, 1, 1, 10, roi_align)                                                                \
    X(ROTARY_EMBEDDING, "RotaryEmbedding", 3, 4, 1, 1, 23, same)                                                       \
    X(ROUND, "Round", 1, 1, 1, 1, 11, same)                                                                            \
    X(STFT, "STFT", 2, 4, 1, 1, 17, stft)                                                                              \
    X(SCATTER, "Scatter", 3, 3, 1, 1, 9, scatter)                                                                      \
    X(SCATTER_ELEMENTS, "ScatterElements", 3, 3, 1, 1, 11, scatter)                                                    \
    X(SCATTER_ND, "ScatterND", 3, 3, 1, 1, 11, scatter)                                                                \
    X(SELU, "Selu", 1, 1, 1, 1, 6, same)                                                                               \
    X(SHAPE, "Shape", 1, 1, 1, 1, 1, shape)                                                                            \
    X(SHRINK, "Shrink", 1, 1, 1, 1, 9, same)                                                                           \
    X(SIGMOID, "Sigmoid", 1, 1, 1, 1, 6, same)                                                                         \
    X(SIGN, "Sign", 1, 1, 1, 1, 9, same)                                                                               \
    X(SIN, "Sin", 1, 1, 1, 1, 7, same)                                                                                 \
    X(SINH, "Sinh", 1, 1, 1, 1, 9, same)                                                                               \
    X(SIZE, "Size", 1, 1, 1, 1, 1, size)                                                                               \
    X(SLICE, "Slice", 1, 5, 1, 1, 1, slice)                                                                            \
    X(SOFTMAX, "Softmax", 1, 1, 1, 1, 1, same)                                                                         \
    X(SOFTMAX_CROSS_ENTROPY, "SoftmaxCrossEntropyLoss", 2, 3, 1, 2, 12, loss)                                          \
    X(SOFTPLUS, "Softplus", 1, 1, 1, 1, 1, same)                                                                       \
    X(SOFTSIGN, "Softsign", 1, 1, 1, 1, 1, same)                                                                       \
    X(SPACE_TO_DEPTH, "SpaceToDepth", 1, 1, 1, 1, 1, space_to_depth)                                                   \
    X(SPLIT, "Split", 1, 2, 1, 65535, 2, split)                                                                        \
    X(SQRT, "Sqrt", 1, 1, 1, 1, 6, same)                                                                               \
    X(SQUEEZE, "Squeeze", 1, 2, 1, 1, 1, squeeze)                                                                      \
    X(SUB, "Sub", 2, 2, 1, 1, 7, broadcast)                                                                            \
    X(SUM, "Sum", 1, 65535, 1, 1, 8, broadcast)                                                                        \
    X(SWIGLU, "SwiGLU", 2, 2, 1, 1, 28, same)                                                                          \
    X(SWISH, "Swish", 1, 1, 1, 1, 24, same)                                                                            \
    X(TAN, "Tan", 1, 1, 1, 1, 7, same)                                                                                 \
    X(TANH, "Tanh", 1, 1, 1, 1, 6, same)                                                                               \
    X(TENSOR_SCATTER, "TensorScatter", 2, 3, 1, 1, 24, same)                                                           \
    X(TFIDF, "TfIdfVectorizer", 1, 1, 1, 1, 9, tfidf)                                                                  \
    X(THRESHOLDED_RELU, "ThresholdedRelu", 1, 1, 1, 1, 10, same)                                                       \
    X(TILE, "Tile", 2, 2, 1, 1, 6, tile)                                                                               \
    X(TOPK, "TopK", 1, 2, 2, 2, 1, topk)                                                                               \
    X(TRANSPOSE, "Transpose", 1, 1, 1, 1, 1, transpose)                                                                \
    X(TRILU, "Trilu", 1, 2, 1, 1, 14, trilu)                                                                           \
    X(UNIQUE, "Unique", 1, 1, 1, 4, 11, unique)                                                                        \
    X(UNSQUEEZE, "Unsqueeze", 1, 2, 1, 1, 1, unsqueeze)                                                                \
    X(UPSAMPLE, "Upsample", 1, 2, 1, 1, 7, resize)                                                                     \
    X(WHERE, "Where", 3, 3, 1, 1, 9, where)                                                                            \
    X(XOR, "Xor", 2, 2, 1, 1, 7, compare)                                                                              \
    X(SILU, "fovea.Silu", 1, 1, 1, 1, 1, same)                                                                         \
    X(CONV_ADD, "fovea.ConvAdd", 4, 4, 1, 1, 1, conv_add)                                                              \
    X(SOFTMAX_MEAN, "fovea.SoftmaxMean", 2, 2, 1, 1, 1, softmax_mean)                                                  \
    X(FAKE_QUANT, "fovea.FakeQuant", 3, 3, 1, 1, 1, same)                                                              \
    X(QUANT_TABLE, "fovea.QuantTable", 4, 6, 1, 1, 1, quant_table)                                                     \
    X(QUANT_CONV, "fovea.QuantConv", 3, 7, 1, 1, 1, quant_conv)                                                        \
    X(CONV_INTEGER_FLOAT, "fovea.ConvIntegerFloat", 2, 4, 1, 1, 1, conv_integer)                                       \
    X(MATMUL_INTEGER_FLOAT, "fovea.MatMulIntegerFloat", 2, 4, 1, 1, 1, matmul_integer)                                 \
    X(GELU, "Gelu", 1, 1, 1, 1, 20, same)

typedef enum fvi_op {
    FVI_OP_NONE,
#define FVI_OP_ENUM(id, name, i0, i1, o0, o1, opset, rule) FVI_OP_##id,
    FVI_OP_LIST(FVI_OP_ENUM)
#undef FVI_OP_ENUM
        FVI_OP_COUNT
} fvi_op;

/* Sets dtype and shape of every output from the inputs. */
typedef fv_status (*fvi_shape_fn)(struct fvi_graph *g, struct fvi_node *n, fv_error *err);
typedef struct fvi_op_info {
    const char *name;
    int min_in, max_in, min_out, max_out, since;
    fvi_shape_fn shape;
} fvi_op_info;
const fvi_op_info *fvi_op_get(fvi_op op); /* never null for a valid op */
fvi_op fvi_op_find(const char *domain, const char *name); /* FVI_OP_NONE = unknown */
#endif
