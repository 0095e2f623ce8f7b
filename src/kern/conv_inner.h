/* conv_inner.h: strips of rows of a map as convolutions in FP32, for tactics that widen what they read and narrow what they write (conv_bf16.c,
 * qconv_wide.c): which FP32 algorithm does a strip, and what it packs. Packed: which algorithm and how many rows a strip, then what the algorithm packs. */
#ifndef FVI_KERN_CONV_INNER_H
#define FVI_KERN_CONV_INNER_H
#include "kern/conv_tactics.h"

/* Caches of no machine in particular: what is packed must not depend on where it was packed. */
enum { FVI_STRIP_L1 = 32 << 10, FVI_STRIP_L2 = 512 << 10 };

/* Floats that a map of so many takes: the next one is aligned, and reading 64 bytes on is allowed. */
static inline size_t fvi_strip_room(ptrdiff_t floats) { return ((size_t)floats + 31) / 16 * 16; }

/* outer: whose name, level and kernels. s: a strip, s->ho rows. All: 0 where no algorithm takes it, cost 1e300. */
double fvi_conv_inner_cost(const fvi_conv_tactic *outer, const fvi_conv_params *s);
size_t fvi_conv_inner_packed_bytes(const fvi_conv_tactic *outer, const fvi_conv_params *s);
size_t fvi_conv_inner_workspace(const fvi_conv_tactic *outer, const fvi_conv_params *s);
double fvi_conv_inner_executed(const fvi_conv_tactic *outer, const fvi_conv_params *s); /* of this strip */
/* Only where there is an algorithm. */
void fvi_conv_inner_pack(const fvi_conv_tactic *outer, const fvi_conv_params *s, const float *w, const float *bias, void *packed);
/* Are the packed bytes, from a file, those of this strip? */
bool fvi_conv_inner_valid(const fvi_conv_tactic *outer, const fvi_conv_params *s, const void *packed);
/* Rows a strip of valid packed bytes. */
int fvi_conv_inner_rows(const void *packed);
/* One strip, of at most that many rows. */
void fvi_conv_inner_run(const fvi_conv_tactic *outer, const fvi_conv_params *s, const fvi_conv_io *io, const void *packed, void *workspace);
#endif
