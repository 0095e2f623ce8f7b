/* conv_tiles.h: a strip of a convolution on matrix tiles, or on dot products in their order of weights: what conv_bf16_tiles.c prepares and a level's kernel computes. Private to the conv family. */
#ifndef FVI_KERN_CONV_TILES_H
#define FVI_KERN_CONV_TILES_H
#include "kern/conv.h"

enum {
    FVI_TILES_M = 16,   /* positions of a tile */
    FVI_TILES_N = 16,   /* channels of a tile; blocks of two are packed together */
    FVI_TILES_K = 32,   /* products of a step */
    FVI_TILES_RUNS = 64 /* most runs; larger kernels are for other tactics */
};

/* Position q (< count) reads, from in + q * lda, `runs` runs of steps * 32 elements at run[r], and goes to row q / pitch, column q % pitch of the output;
 * columns from wo on are computed and not written. 16 positions may be read where there are fewer. */
typedef struct fvi_conv_tiles {
    const uint16_t *in;
    ptrdiff_t lda;
    int count, pitch;
    const ptrdiff_t *run; /* [runs] elements */
    int runs, steps;
    const uint16_t *w;    /* [blocks of 32 channels][runs * steps][tiles of the block][16 pairs][16 channels][2] */
    const float *bias;    /* [cout rounded up to 32] */
    const fvi_conv_params *p;
    int y;                  /* output row of position 0 */
    char *out;              /* its output pixel */
    const char *res, *pre;  /* likewise, null = none; pre: of row y >> pre_shift */
    float *scratch;         /* [2][1024], 64-byte aligned */
} fvi_conv_tiles;

/* The thread's tiles are configured (begin) before and released (end) after any number of strips. */
typedef struct fvi_conv_tiles_kern {
    void (*begin)(void);
    void (*strip)(const fvi_conv_tiles *j);
    void (*end)(void);
} fvi_conv_tiles_kern;
extern const fvi_conv_tiles_kern fvi_conv_tiles_amx, fvi_conv_tiles_avx512bf16; /* the second has no tiles and nothing to begin or end */
#endif
