/* conv_wino_strip.h: what the Winograd tactics share: a convolution as transforms around 36 matrix products, in strips of
 * tiles of 4x4 outputs that stay in cache. conv_wino.c and conv_wino2.c are the two schemes. Private to them. */
#ifndef FVI_KERN_CONV_WINO_STRIP_H
#define FVI_KERN_CONV_WINO_STRIP_H
#include "kern/conv_tactics.h"

enum {
    FVI_WINO_MATRICES = 36,
    FVI_WINO_POSITIONS = 81, /* most */
    FVI_WINO_LANES = 16      /* kernels whose weights are transformed at a time */
};

typedef struct fvi_wino_scheme {
    int stride;         /* of the convolution, both ways */
    int window, step;   /* input pixels that a tile reads, and from tile to tile */
    int positions;      /* products a tile, <= FVI_WINO_POSITIONS */
    /* Position k of a tile is row `copy` of those that the tile gives to `matrix`. */
    void (*where)(int k, int *matrix, int *copy);
    /* u[36] = the weight matrices' elements of as many kernels w[3 * row + column], in double until the end */
    void (*weights)(const double (*w)[FVI_WINO_LANES], float (*u)[FVI_WINO_LANES]);
} fvi_wino_scheme;

extern const fvi_wino_scheme fvi_wino_scheme1, fvi_wino_scheme2; /* conv_wino.c, conv_wino2.c */

/* The functions of fvi_conv_algorithm; the scheme follows from the stride. */
bool fvi_wino_supports(const fvi_conv_params *p);
size_t fvi_wino_packed_bytes(const fvi_conv_tactic *t, const fvi_conv_params *p);
void fvi_wino_pack(const fvi_conv_tactic *t, const fvi_conv_params *p, const float *w, const float *bias, void *packed);
size_t fvi_wino_workspace(const fvi_conv_tactic *t, const fvi_conv_params *p);
int fvi_wino_chunks(const fvi_conv_tactic *t, const fvi_conv_params *p, int threads);
void fvi_wino_run(const fvi_conv_tactic *t, const fvi_conv_params *p, const fvi_conv_io *io, const void *packed, void *workspace,
                  int chunk, int chunks);
double fvi_wino_cost(const fvi_conv_tactic *t, const fvi_conv_params *p);
double fvi_wino_executed(const fvi_conv_tactic *t, const fvi_conv_params *p);
#endif
