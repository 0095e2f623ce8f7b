/* graph.h: the model as values and nodes, in topological order. Knows shapes and types, never layouts or memory.
 *
 * All objects live in the graph's arena until fvi_graph_free. Constants either borrow bytes of the model file (kept
 * mapped by whoever owns the graph) or own arena memory. */
#ifndef FVI_MODEL_GRAPH_H
#define FVI_MODEL_GRAPH_H
#include "base/alloc.h"
#include "base/str.h"
#include "model/graph/ops.h"
#include <fovea/tensor.h>
#include <stdbool.h>

#define FVI_DIM_UNKNOWN (-1) /* symbolic or not inferred yet */

typedef struct fvi_node fvi_node;
typedef struct fvi_value fvi_value;

/* What a byte stands for: (byte - zero) * scale. */
typedef struct fvi_quant {
    float scale; /* finite and > 0; 0 = it is no such byte */
    int zero;    /* 0..255 */
} fvi_quant;

/* The bytes that a constant of floats was computed from: (bytes - zero) * scale, with one scale and zero or one each an index of `axis`. */
typedef struct fvi_dequant {
    const fvi_value *bytes, *scale, *zero; /* constants; zero: null = 0 */
    int axis;
} fvi_dequant;

struct fvi_value {
    char *name;
    fv_dtype dtype; /* FV_NONE = not known */
    fv_dtype declared; /* of a port whose type the importer widened: what the file says; FV_NONE = dtype */
    int rank;       /* -1 = not known */
    int64_t dim[FV_MAX_RANK];
    char *symbol[FV_MAX_RANK]; /* name of a symbolic dimension, or null */
    const void *constant;      /* dense little-endian data when the value is a constant, else null */
    bool absent;               /* a constant whose bytes are not in memory (`constant` is not null and must not be read): an engine file has them packed */
    bool is_input, is_output;  /* of the graph */
    fvi_node *producer;        /* null for inputs and constants */
    int uses;                  /* node inputs and residuals that read it, +1 when is_output; kept by fvi_graph_relink */
    int id;                    /* index in graph->values */
    fvi_value *alias;          /* set by rewrites: uses become the alias at the next relink; null = itself */
    fvi_quant quant;           /* of maps of bytes (rewrite/bytes.c) */
    const fvi_dequant *from;   /* known while a graph is rewritten (rewrite/fold.c); null = nothing of the kind */
};

typedef enum fvi_attr_type { FVI_ATTR_INT, FVI_ATTR_FLOAT, FVI_ATTR_STRING, FVI_ATTR_INTS, FVI_ATTR_FLOATS, FVI_ATTR_TENSOR } fvi_attr_type;
typedef struct fvi_attr {
    char *name;
    fvi_attr_type type;
    int64_t i;
    float f;
    char *s; /* null-terminated copy */
    int count;
    int64_t *ints;
    float *floats;
    fvi_value *tensor; /* constant value, not listed in graph->values */
} fvi_attr;

/* Activations that a producer can apply in its epilogue: y = act(x). */
typedef enum fvi_act {
    FVI_ACT_NONE,
    FVI_ACT_RELU,
    FVI_ACT_LEAKY, /* alpha */
    FVI_ACT_CLIP,  /* alpha = min, beta = max */
    FVI_ACT_SIGMOID,
    FVI_ACT_SILU,
    FVI_ACT_HARDSIGMOID, /* alpha x + beta, clipped to 0..1 */
    FVI_ACT_HARDSWISH,
    FVI_ACT_TANH,
    FVI_ACT_GELU, /* exact, erf */
    FVI_ACT_COUNT
} fvi_act;

struct fvi_node {
    fvi_op op;
    char *name;
    char *domain;
    int opset; /* of its domain */
    int n_in, n_out;
    fvi_value **in; /* null = optional input left out */
    fvi_value **out;
    int n_attr;
    fvi_attr *attr;
    /* set by rewrites; Conv, ConvTranspose, Gemm, MatMul, Add honour them: out = act(op(in)) + residual
     * (residual has the shape of out; null = none) */
    fvi_act act;
    float act_alpha, act_beta;
    fvi_value *residual;
    bool bf16;      /* set by rewrite/precision.c: a Conv that multiplies in BF16 */
    fv_dtype makes; /* likewise: type of the outputs, whatever the operator's rule says; FV_NONE = the rule's */
    int id;
};

typedef struct fvi_meta {
    char *key, *value;
} fvi_meta;

typedef struct fvi_graph {
    fvi_arena *arena;
    char *name;
    char *producer; /* who wrote the file */
    int64_t ir_version;
    int opset; /* of the default domain */
    fvi_value **values;
    int n_values;
    size_t cap_values;
    fvi_node **nodes; /* topological order */
    int n_nodes;
    size_t cap_nodes;
    fvi_value **inputs, **outputs;
    int n_inputs, n_outputs;
    fvi_meta *meta;
    int n_meta;
    char *note;      /* what the importer changed (such as FP16 -> FP32), one sentence, or null */
    int64_t counter; /* for fresh names */
    struct fvi_map *maps; /* [n_maps] external data files, closed with the graph */
    int n_maps;
} fvi_graph;

fv_status fvi_graph_create(fvi_graph **out, fv_error *err);
void fvi_graph_free(fvi_graph **g);
/* Building; all return null when out of memory. Names are copied; a null name gets a fresh one. */
fvi_value *fvi_graph_add_value(fvi_graph *g, const char *name);
fvi_value *fvi_graph_add_constant(fvi_graph *g, const char *name, fv_dtype dtype, int rank, const int64_t *dim, const void *data /* copied; null = zeros */);
fvi_node *fvi_graph_add_node(fvi_graph *g, fvi_op op, const char *name, int n_in, int n_out);
fvi_value *fvi_graph_find(const fvi_graph *g, const char *name);
const char *fvi_graph_meta(const fvi_graph *g, const char *key); /* null = absent */

/* A copy whose nodes, values and attributes are its own; constant data is borrowed from g, which must outlive it. */
fv_status fvi_graph_clone(fvi_graph **out, const fvi_graph *g, fv_error *err);
/* Gives input `input` new dims and forgets every shape that is not a constant's, so that infer runs anew. */
fv_status fvi_graph_set_input_shape(fvi_graph *g, int input, int rank, const int64_t *dim, fv_error *err);

/* Attributes: default when absent. */
const fvi_attr *fvi_node_attr(const fvi_node *n, const char *name);
int64_t fvi_node_int(const fvi_node *n, const char *name, int64_t def);
float fvi_node_float(const fvi_node *n, const char *name, float def);
const char *fvi_node_string(const fvi_node *n, const char *name, const char *def);
/* Copies up to max ints, returns how many there are; 0 when absent. */
int fvi_node_ints(const fvi_node *n, const char *name, int64_t *out, int max);
fv_status fvi_node_set_int(fvi_graph *g, fvi_node *n, const char *name, int64_t v);
fv_status fvi_node_set_ints(fvi_graph *g, fvi_node *n, const char *name, const int64_t *v, int count);

/* Windows of Conv, ConvTranspose and the pools: attributes and auto_pad resolved against the input's (known) dims. */
typedef struct fvi_window {
    int n; /* spatial dims: rank - 2 */
    int64_t kernel[FV_MAX_RANK], stride[FV_MAX_RANK], dilation[FV_MAX_RANK], pad_begin[FV_MAX_RANK], pad_end[FV_MAX_RANK];
    int64_t out[FV_MAX_RANK]; /* resulting spatial dims, FVI_DIM_UNKNOWN where the input's is */
} fvi_window;
fv_status fvi_node_window(const fvi_node *n, fvi_window *w, fv_error *err);
/* Axes of Squeeze, Unsqueeze, Reduce*, from the attribute or the constant input, each made 0 <= a < rank and unique.
 * Returns how many; 0 = none given; -1 = not constant or wrong. */
int fvi_node_axes(const fvi_node *n, int rank, int64_t out[FV_MAX_RANK]);

/* Constant integers (int64 or int32) of a value into out; returns how many, -1 when it is no such constant or > max. */
int fvi_value_ints(const fvi_value *v, int64_t *out, int max);
/* Single float constant (f32), any shape with one element. */
bool fvi_value_scalar(const fvi_value *v, float *out);
int64_t fvi_value_count(const fvi_value *v); /* -1 when not all dims are known */

/* Rewrites change ->in/->out arrays, then call relink: recomputes producer, uses, ids, topological order, drops dead nodes
 * and values. A cycle is an error naming a node. */
fv_status fvi_graph_relink(fvi_graph *g, fv_error *err);
/* Checks the invariants that passes rely on; tests and debug builds call it after every pass. */
fv_status fvi_graph_verify(const fvi_graph *g, fv_error *err);
/* Text form, stable: what tests of rewrites compare and `inspect --graph` prints. */
void fvi_graph_dump(const fvi_graph *g, fvi_str *out);

/* Shape and type inference over the whole graph, through ops.h's table. Values whose inputs are constants are not folded
 * here (rewrite/fold.c does). FV_ERR_SHAPE / FV_ERR_UNSUPPORTED name the node. */
fv_status fvi_graph_infer(fvi_graph *g, fv_error *err);
/* The same for one node whose inputs are inferred. */
fv_status fvi_graph_infer_node(fvi_graph *g, fvi_node *n, fv_error *err);
/* For rewrites: every use of `from` (node inputs, residuals, graph outputs) becomes `to`: of a node at fvi_node_resolve, of
 * all at relink. An output keeps its public name; where `to` already has one (graph input or output), the graph output
 * stays `from`. Constant time. */
void fvi_graph_alias(fvi_value *from, fvi_value *to);
void fvi_node_resolve(fvi_node *n);
/* err's text becomes `node "NAME" (Op): ...`. */
fv_status fvi_node_error(const fvi_node *n, fv_error *err, fv_status status, const char *fmt, ...) FV_PRINTF(4, 5);
#endif
