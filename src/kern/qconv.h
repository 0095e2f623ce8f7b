/* qconv.h: 2-D convolution on bytes: u8 activations with one scale and zero point, s8 weights with one scale a channel,
 * sums in 32 bits, and an epilogue in float32 (bias, activation, residual) that ends in bytes or floats.
 *
 *     sum   = the exact whole number  sum over taps of (x - zero) * w
 *     v     = act(sum * scale[o] + bias[o]) + residual        (float32, every operation rounded by itself)
 *     y     = clip(rint(v * y_inv) + y_zero, 0, 255), through `table` where there is one; or v itself
 *
 * The sums are the same whole numbers at every level (Jacob et al., 2018, arXiv:1712.05877 has the scheme); without an activation
 * that calls exp, so are the bytes. Others may differ by one step where v lies within 1e-6 of it of a border between two.
 * Recipe for a new tactic: docs/ADDING-A-KERNEL.md. */
#ifndef FVI_KERN_QCONV_H
#define FVI_KERN_QCONV_H
#include "kern/act.h"

typedef enum fvi_qconv_residual { FVI_QCONV_NONE, FVI_QCONV_BYTES, FVI_QCONV_FLOATS } fvi_qconv_residual;

/* Everything but the pointers; channel stride 1 on all sides, other strides in elements. Geometry as in conv.h; `halo` pixels
 * that hold `zero` are stored around the input on all four sides, and every window lies inside. */
typedef struct fvi_qconv_params {
    int n, cin, h, w;
    int cout, ho, wo;
    int groups; /* divides cin and cout */
    int kh, kw, sh, sw, dh, dw, pt, pl;
    int halo;
    ptrdiff_t in_n, in_h, in_w;
    ptrdiff_t out_n, out_h, out_w;
    ptrdiff_t res_n, res_h, res_w;
    int zero;          /* of the input, 0..255 */
    bool bytes;        /* output: u8; else float32 */
    fvi_qconv_residual residual;
    float res_scale;   /* a residual of bytes is (r - res_zero) * res_scale */
    int res_zero;
    float y_inv;       /* 1 / scale of the output */
    int y_zero;        /* 0..255 */
    fvi_kact act;
    float alpha, beta;
    size_t l2;         /* cache bytes to block for; never changes a result */
} fvi_qconv_params;

typedef struct fvi_qconv_io {
    const uint8_t *in;    /* pixel (0,0) of image 0 */
    const void *res;      /* u8 or float32; null = none */
    const uint8_t *table; /* [256], null = none */
    void *out;            /* u8 or float32; overlaps neither in nor res */
} fvi_qconv_io;

struct fvi_qconv_isa;
struct fvi_conv_isa;
typedef struct fvi_qconv_tactic fvi_qconv_tactic;
typedef struct fvi_qconv_algorithm {
    bool (*supports)(const fvi_qconv_tactic *t, const fvi_qconv_params *p);
    double (*cost)(const fvi_qconv_tactic *t, const fvi_qconv_params *p); /* estimated cycles of one thread */
    /* Weights [cout][cin / groups][kh][kw], scale [cout] (of input times weights), bias [cout] (null = 0) -> packed form, 64-byte aligned.
     * 0 bytes: more than memory can hold. room: as many floats as there are weights, for its use. */
    size_t (*packed_bytes)(const fvi_qconv_tactic *t, const fvi_qconv_params *p);
    void (*pack)(const fvi_qconv_tactic *t, const fvi_qconv_params *p, const int8_t *w, const float *scale, const float *bias, float *room,
                 void *packed);
    /* May `packed`, of the right size but from a file, be run? null = whatever it holds, it is only numbers. */
    bool (*valid)(const fvi_qconv_tactic *t, const fvi_qconv_params *p, const void *packed);
    size_t (*workspace_bytes)(const fvi_qconv_tactic *t, const fvi_qconv_params *p); /* per thread, 64-byte aligned */
    int (*chunks)(const fvi_qconv_tactic *t, const fvi_qconv_params *p, int threads); /* >= 1 */
    /* Does chunk of chunks. Any order, any thread; values never depend on `chunks`. */
    void (*run)(const fvi_qconv_tactic *t, const fvi_qconv_params *p, const fvi_qconv_io *io, const void *packed, void *workspace, int chunk, int chunks);
    bool by_definition; /* slow */
    bool rounds;        /* its sums are floats, so that bytes may differ by one step from those of the others */
    double (*executed_flops)(const fvi_qconv_tactic *t, const fvi_qconv_params *p); /* null = those of fvi_qconv_flops */
} fvi_qconv_algorithm;

struct fvi_qconv_tactic {
    const char *name;               /* "qconv direct avx2" */
    fvi_cpu_flags level;            /* one bit */
    const struct fvi_qconv_isa *isa;   /* kernels of the level, qconv_isa.h; */
    const struct fvi_conv_isa *floats; /* or those of the float convolutions that it is made of, conv_isa.h */
    const fvi_qconv_algorithm *algorithm;
};

/* All tactics, terminated by a null name, lowest level first; the first takes any parameters and its sums are exact. */
extern const fvi_qconv_tactic fvi_qconv_tactics[];
/* Those whose estimate is at most `factor` times the cheapest's, cheapest first; of all levels in flags, and of level c. Returns how many, <= max. */
int fvi_qconv_rank(const fvi_qconv_params *p, fvi_cpu_flags flags, double factor, const fvi_qconv_tactic **out, int max);
/* By name; null: there is none, it does not support p, or its level is not in flags. */
const fvi_qconv_tactic *fvi_qconv_named(const fvi_qconv_params *p, fvi_cpu_flags flags, const char *name);
/* p in words, all fields but l2 and numbers that weights decide (scales, zero points): what a stored timing is found by. False: more than n bytes. */
bool fvi_qconv_describe(const fvi_qconv_params *p, char *text, size_t n);
/* What the order of packed bytes depends on besides the tactic: no strides beyond this, no batch. */
static inline bool fvi_qconv_dense(const fvi_qconv_params *p) { return p->dw == 1 && p->in_w == p->cin; }
static inline size_t fvi_qconv_weights(const fvi_qconv_params *p)
{
    return (size_t)p->cout * (size_t)(p->cin / p->groups) * (size_t)p->kh * (size_t)p->kw;
}
static inline double fvi_qconv_flops(const fvi_qconv_params *p)
{
    return 2.0 * p->n * p->ho * p->wo * p->cout * (p->cin / p->groups) * p->kh * p->kw;
}
/* A sum of so many products of a byte and a weight fits 32 bits. */
enum { FVI_QCONV_MOST_TERMS = 65000 };
#endif
