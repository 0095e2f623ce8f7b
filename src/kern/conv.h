/* conv.h: 2-D convolution in FP32 and BF16 with fused bias, activation and residual: parameters, tactics, and their table.
 *
 * A tactic is one way to do a convolution at one CPU level. All tactics of all levels stand in one constant array, which
 * op_conv.c chooses from and checkkern walks: a listed tactic is tested, an unlisted one cannot ship.
 * Recipe for a new one: docs/ADDING-A-KERNEL.md. */
#ifndef FVI_KERN_CONV_H
#define FVI_KERN_CONV_H
#include "kern/act.h"
#include <fovea/tensor.h>

/* Everything but the pointers. Strides in elements. Output pixel (y,x) reads input rows y*sh - pt + ky*dh and columns
 * x*sw - pl + kx*dw; `halo` pixels of zeros are stored around the input on all four sides. */
typedef struct fvi_conv_params {
    int n, cin, h, w;
    int cout, ho, wo;
    int groups, kh, kw, sh, sw, dh, dw, pt, pl;
    int halo;
    int pre_shift; /* 0 or 1 */
    ptrdiff_t in_n, in_c, in_h, in_w;
    ptrdiff_t out_n, out_c, out_h, out_w;
    ptrdiff_t res_n, res_c, res_h, res_w; /* used when `residual` */
    ptrdiff_t pre_n, pre_h, pre_w; /* used when `pre`; channel stride 1 */
    bool residual;
    bool pre; /* an addend before the activation: pixel (y >> pre_shift, x >> pre_shift) of it for output pixel (y,x) */
    bool exact; /* whole numbers: only tactics that add plain products (no Winograd), exact while sums stay below 2^24 */
    bool bf16; /* pixels and weights are rounded to BF16 before they are multiplied, sums are FP32; else everything is FP32 inside */
    fv_dtype in_type, out_type, res_type, pre_type; /* of the maps: FV_F32 (or 0) or FV_BF16; weights and bias come in FP32 */
    fvi_kact act; /* out = act(conv + bias + pre) + residual */
    float alpha, beta;
    size_t l1, l2; /* cache bytes to block for; never change a result */
} fvi_conv_params;

/* Pointers to floats, or to whatever the parameters' types say. */
typedef struct fvi_conv_io {
    const float *in; /* pixel (0,0) of image 0; the halo lies before and around it */
    const float *res; /* null = none */
    const float *pre; /* null = none */
    float *out;       /* overlaps none of in, res, pre */
} fvi_conv_io;

struct fvi_conv_isa;
typedef struct fvi_conv_tactic fvi_conv_tactic;

/* How: in plain C over the kernels of t->isa. */
typedef struct fvi_conv_algorithm {
    bool by_definition; /* slow, and asks where the map ends: cannot do a part of it */
    bool low; /* takes parameters with BF16 in them, and only those */
    bool (*supports)(const fvi_conv_params *p);
    /* Estimated cycles of one thread, to choose between tactics that support p; smaller is better. */
    double (*cost)(const fvi_conv_tactic *t, const fvi_conv_params *p);
    /* Weights [cout][cin/groups][kh][kw] (with p->bf16 rounded already) and bias [cout] (null = 0) -> packed form, 64-byte aligned.
     * 0 bytes: more than memory can hold. */
    size_t (*packed_bytes)(const fvi_conv_tactic *t, const fvi_conv_params *p);
    void (*pack)(const fvi_conv_tactic *t, const fvi_conv_params *p, const float *w, const float *bias, void *packed);
    /* May `packed`, of the right size but from a file, be run? null = whatever it holds, it is only numbers. */
    bool (*valid)(const fvi_conv_tactic *t, const fvi_conv_params *p, const void *packed);
    size_t (*workspace_bytes)(const fvi_conv_tactic *t, const fvi_conv_params *p); /* per thread, 64-byte aligned */
    /* In how many chunks the work splits well for so many threads; >= 1. */
    int (*chunks)(const fvi_conv_tactic *t, const fvi_conv_params *p, int threads);
    /* Does chunk of chunks. Any order, any thread; the values written never depend on `chunks`. */
    void (*run)(const fvi_conv_tactic *t, const fvi_conv_params *p, const fvi_conv_io *io, const void *packed,
                void *workspace, int chunk, int chunks);
    /* Multiplies of its products times 2, as it does them, transforms not counted; null = those of fvi_conv_flops. For profiles. */
    double (*executed_flops)(const fvi_conv_tactic *t, const fvi_conv_params *p);
} fvi_conv_algorithm;

struct fvi_conv_tactic {
    const char *name;               /* "conv direct avx2" */
    fvi_cpu_flags level;            /* one bit */
    const struct fvi_conv_isa *isa; /* kernels of the level, conv_isa.h */
    const fvi_conv_algorithm *algorithm;
};

/* All tactics, terminated by a null name, lowest level first. The first is the last resort: any strides, any parameters. */
extern const fvi_conv_tactic fvi_conv_tactics[];
/* The cheapest supported one of all levels in flags, and of level c; never null for valid params. */
const fvi_conv_tactic *fvi_conv_choose(const fvi_conv_params *p, fvi_cpu_flags flags);
/* Those whose estimate is at most `factor` times the cheapest's, cheapest first: what is worth timing. Returns how many, <= max. */
int fvi_conv_rank(const fvi_conv_params *p, fvi_cpu_flags flags, double factor, const fvi_conv_tactic **out, int max);
/* By name; null: there is none, it does not support p, or its level is not in flags. */
const fvi_conv_tactic *fvi_conv_named(const fvi_conv_params *p, fvi_cpu_flags flags, const char *name);
/* p in words, all fields but l1 and l2: what a stored timing is found by. False: more than n bytes. */
bool fvi_conv_describe(const fvi_conv_params *p, char *text, size_t n);

/* Is any BF16 in p? */
bool fvi_conv_is_low(const fvi_conv_params *p);
/* Does the last window end inside the stored zeros, and the first begin there? */
bool fvi_conv_halo_suffices(const fvi_conv_params *p);
static inline bool fvi_conv_takes(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    return t->algorithm->low == fvi_conv_is_low(p) && t->algorithm->supports(p);
}
static inline double fvi_conv_flops(const fvi_conv_params *p)
{
    return 2.0 * p->n * p->ho * p->wo * p->cout * (p->cin / p->groups) * p->kh * p->kw;
}
static inline double fvi_conv_executed_flops(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    return t->algorithm->executed_flops ? t->algorithm->executed_flops(t, p) : fvi_conv_flops(p);
}
#endif
