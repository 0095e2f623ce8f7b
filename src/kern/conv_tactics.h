/* conv_tactics.h: the algorithms behind the tactic table; conv_table.c combines each with every level. Private to the conv family. */
#ifndef FVI_KERN_CONV_TACTICS_H
#define FVI_KERN_CONV_TACTICS_H
#include "kern/conv_isa.h"

extern const fvi_conv_algorithm fvi_conv_reference; /* conv_ref.c */
extern const fvi_conv_algorithm fvi_conv_direct;    /* conv_direct.c */
extern const fvi_conv_algorithm fvi_conv_depthwise; /* conv_depthwise.c */
extern const fvi_conv_algorithm fvi_conv_wino;      /* conv_wino.c */
extern const fvi_conv_algorithm fvi_conv_wino2;     /* conv_wino2.c */

extern const fvi_conv_algorithm fvi_conv_bf16_reference, fvi_conv_bf16_wide; /* conv_bf16_ref.c, conv_bf16.c */
extern const fvi_conv_algorithm fvi_conv_bf16_tiles; /* conv_bf16_tiles.c */

/* Channel stride 1 on all sides, all windows inside the stored zeros, and counts that an int holds. */
bool fvi_conv_is_nhwc(const fvi_conv_params *p);
/* tile[m] += the addend of pixel x + m of output row (image,y), channels o.. (p->pre): before fvi_conv_finish. */
void fvi_conv_add_pre(const fvi_conv_isa *isa, const fvi_conv_params *p, const fvi_conv_io *io, float *tile,
                      ptrdiff_t lds, int image, int y, int x, int pixels, int o, int channels);
/* Applies the epilogue to pixels x.. of output row (image,y), channels o.., from tile[mr][lds], which may lie in the output. */
void fvi_conv_finish(const fvi_conv_isa *isa, const fvi_conv_params *p, const fvi_conv_io *io, const float *tile,
                     ptrdiff_t lds, int image, int y, int x, int pixels, int o, int channels);

/* Cycles to fetch packed weights that no cache keeps from one run to the next: what bounds deep layers with small maps. */
static inline double fvi_conv_fetch_cycles(const fvi_conv_params *p, double weights)
{
    const double bytes = weights * sizeof(float), bytes_per_cycle = 4;
    return bytes > (double)p->l2 / 2 ? bytes / bytes_per_cycle : 0;
}

/* Bias padded with zeros to whole vectors, in front of every packed weight block. */
static inline size_t fvi_conv_bias_floats(size_t padded_channels) { return (padded_channels + 15) / 16 * 16; }
#endif
