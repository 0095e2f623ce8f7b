/* tiling.h: how the register tiles of convolutions, of floats and of bytes, cut output channels, and how their loops are unrolled. */
#ifndef FVI_KERN_TILING_H
#define FVI_KERN_TILING_H
#include <stdint.h>

#ifdef __clang__
#define FVI_UNROLL _Pragma("unroll")
#else
#define FVI_UNROLL _Pragma("GCC unroll 32")
#endif

/* How `cout` channels are cut into panels: `vecs` vectors in `panels` nearly equal parts. */
typedef struct fvi_conv_panels {
    int vecs, panels;
} fvi_conv_panels;
/* vec: channels of a vector; nv: most vectors across a tile. */
static inline fvi_conv_panels fvi_conv_cut(int vec, int nv, int cout)
{
    int vecs = (cout + vec - 1) / vec;
    return (fvi_conv_panels){vecs, (vecs + nv - 1) / nv};
}
/* first vector of panel i; panel i is [start(i), start(i+1)) */
static inline int fvi_conv_panel_start(fvi_conv_panels s, int i)
{
    return (int)((int64_t)s.vecs * i / s.panels);
}
#endif
