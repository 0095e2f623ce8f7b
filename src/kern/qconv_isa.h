/* qconv_isa.h: the kernels of one CPU level that byte convolutions are made of; qconv_direct.c is plain C over this table. */
#ifndef FVI_KERN_QCONV_ISA_H
#define FVI_KERN_QCONV_ISA_H
#include "kern/qconv.h"
#include "kern/tiling.h"

enum {
    FVI_QCONV_NV = 2,    /* most vectors across a tile */
    FVI_QCONV_MR = 14,   /* most pixels down a tile */
    FVI_QCONV_TILE = 448 /* most sums of a tile */
};

/* How a tile walks its input: ny x nx taps, k units of 32 bits each. A unit holds four bytes, or two whole numbers of 16 bits. */
typedef struct fvi_qconv_walk {
    int ny, nx, k;
    ptrdiff_t dy, dx, lda; /* bytes from tap to tap, and from output pixel to output pixel */
} fvi_qconv_walk;

/* c[m][n] = start[n] + sum over taps and units of a . b, n < nv vectors; rows of c follow each other. */
typedef void (*fvi_qconv_tile_fn)(const fvi_qconv_walk *w, const char *a, const int32_t *b, const int32_t *start, int32_t *c);

/* Where a tile goes. */
typedef struct fvi_qconv_place {
    void *out;
    const void *res;
    ptrdiff_t out_w, res_w;
    int pixels, channels; /* channels: those that exist */
    int lds;              /* sums from pixel to pixel */
    const float *scale, *bias;
    const fvi_qconv_params *p;
    const uint8_t *table;
} fvi_qconv_place;
typedef void (*fvi_qconv_finish_fn)(const int32_t *sums, const fvi_qconv_place *o);

typedef struct fvi_qconv_isa {
    const char *name;
    int vec, nv;            /* sums a vector; vectors across a full panel */
    bool wide;              /* units of two 16-bit numbers, zero point taken off (widen); else four bytes as they are in memory */
    double macs_per_cycle;  /* of one core, at best */
    int mr[FVI_QCONV_NV + 1];
    fvi_qconv_tile_fn tile[FVI_QCONV_NV + 1][FVI_QCONV_MR + 1]; /* [nv][mr], 1-based */
    fvi_qconv_finish_fn finish[FVI_KACT_COUNT];
    /* `wide` only: to[i][c] = from[i * step + c] - zero for c < cin, 0 up to `room` (cin rounded up to 2). May write 30 bytes more. */
    void (*widen)(int16_t *to, const uint8_t *from, ptrdiff_t step, int pixels, int cin, int room, int zero);
} fvi_qconv_isa;

extern const fvi_qconv_isa fvi_qconv_isa_avx2, fvi_qconv_isa_avxvnni, fvi_qconv_isa_avx512;
extern const fvi_qconv_algorithm fvi_qconv_reference, fvi_qconv_direct, fvi_qconv_wide;

/* The epilogue in plain C, sum for sum as qconv.h defines it. */
void fvi_qconv_finish_c(const int32_t *sums, const fvi_qconv_place *o);
bool fvi_qconv_terms_fit(const fvi_qconv_params *p);
#endif
