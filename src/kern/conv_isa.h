/* conv_isa.h: the kernels of one CPU level that all convolution tactics are made of. The tactics (conv_direct.c,
 * conv_depthwise.c, conv_wino*.c) are plain C over this table; a new level fills in one table. */
#ifndef FVI_KERN_CONV_ISA_H
#define FVI_KERN_CONV_ISA_H
#include "kern/conv.h"
#include "kern/tiling.h"

enum {
    FVI_CONV_NV = 3,    /* most vectors across a tile */
    FVI_CONV_MR = 28,   /* most pixels down a tile */
    FVI_CONV_TILE = 512 /* most floats of a tile */
};

/* How a tile walks its input: ny x nx taps, k consecutive floats each. */
typedef struct fvi_conv_walk {
    int ny, nx, k;
    ptrdiff_t dy, dx; /* floats from tap to tap */
    ptrdiff_t lda;    /* floats from output pixel to output pixel, in the input */
    ptrdiff_t ldc;    /* floats from pixel to pixel in c */
    /* What somebody reads or writes soon: fetched on the way, a bit every two steps of k, so that no burst of fetches holds up the loads of the
     * tile. Null = nothing. Never reaches a result. */
    const char *ahead;
    ptrdiff_t ahead_step; /* bytes */
} fvi_conv_walk;

/* c[m][n] = bias[n] + sum over taps and k of a[m][tap][k] * b[tap][k][n], n < NV vectors. */
typedef void (*fvi_conv_tile_fn)(const fvi_conv_walk *w, const float *a, const float *b, const float *bias, float *c);

/* Where a Winograd tile of 4x4 outputs goes: its pixel (0,0) in output and residual (null = none), and how many rows and
 * columns of it exist. act: one of the level's wino_acts. */
typedef struct fvi_wino_place {
    float *out;
    const float *res;
    ptrdiff_t out_h, out_w, res_h, res_w;
    int ny, nx;
    fvi_kact act;
} fvi_wino_place;

/* Winograd transforms of one tile, points {0, +-1/sqrt 2, +-sqrt 2, inf}; position k lies at off[k] of v and m.
 * in:  v[off[k] + c], c < vecs vectors, from p[y * row + x * ld + c], a window of 6x6 (36 positions) or 9x9 (81).
 * out: act(A' m A + bias) + res into the channels c < `channels` of *o. */
typedef void (*fvi_wino_in_fn)(const float *p, ptrdiff_t ld, ptrdiff_t row, int vecs, float *v, const ptrdiff_t *off);
typedef void (*fvi_wino_out_fn)(const float *m, const ptrdiff_t *off, const float *bias, int channels, const fvi_wino_place *o);

typedef struct fvi_conv_isa {
    const char *name;
    int vec; /* floats a vector */
    int nv;  /* vectors across a full panel, <= FVI_CONV_NV */
    double flops_per_cycle; /* of one core, at best: what the cost models divide by */
    const fvi_act_kern *act;
    int mr[FVI_CONV_NV + 1]; /* most pixels of a tile nv vectors wide */
    fvi_conv_tile_fn tile[FVI_CONV_NV + 1][FVI_CONV_MR + 1]; /* [nv][mr], 1-based */
    /* Depthwise: the same with b[tap][n], a[m][tap][n]; k of the walk is not used. */
    int dw_mr;
    fvi_conv_tile_fn dw[3][FVI_CONV_MR + 1]; /* [nv][mr], nv 1..2 */
    /* The same for one vector, stride 1, no dilation and 3, 5 or 7 columns: [columns / 2][mr], k floats from tap to tap in b.
     * dwx_mr 0 = the level has none. Ten pixels of three rows still share the sets of a cache where channels are 1 KB. */
    int dwx_mr;
    fvi_conv_tile_fn dwx[4][FVI_CONV_MR + 1];
    unsigned wino_acts; /* bit a: wino_out does activation a itself */
    fvi_wino_in_fn wino_in, wino2_in;
    fvi_wino_out_fn wino_out, wino2_out;
} fvi_conv_isa;

extern const fvi_conv_isa fvi_conv_isa_c, fvi_conv_isa_avx2, fvi_conv_isa_avx512;

static inline fvi_conv_panels fvi_conv_split(const fvi_conv_isa *isa, int cout) { return fvi_conv_cut(isa->vec, isa->nv, cout); }
#endif
