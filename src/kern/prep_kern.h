/* prep_kern.h: the loops of "prep" on raw pointers: source rows -> float lines at output width -> normalised pixels.
 *
 * Every level gives the same bytes as the C level: integer blends, and float steps in a fixed order without fused
 * multiply-add. No function reads past the bytes that its taps name. */
#ifndef FVI_KERN_PREP_KERN_H
#define FVI_KERN_PREP_KERN_H
#include "kern/cpu.h"

/* Bilinear columns of one plane, one entry an output pixel. */
typedef struct fvi_prep_taps {
    const int32_t *off; /* byte offset of the left tap, not falling */
    const int32_t *w;   /* weight of the left tap | of the right tap << 16; the sum is 2048 (cv) or 16384 (fine) */
    int step;           /* bytes to the right tap; 0 when the plane is one column wide */
    int safe;           /* for outputs [0,safe) a vector may load 4 bytes (8 for rgb) at off */
    /* Where the taps of `group` (4 or 2) neighbouring outputs always lie within 16 bytes of the row; 1 where they do not. */
    int group;
    const int32_t *base; /* first byte of each group's 16 */
    const int32_t *pick; /* byte shuffle of each output: left tap, 0x80, right tap, 0x80, counted from base */
    bool plain;         /* output x is column x: no blend; off and w say the same */
} fvi_prep_taps;

/* Box (or short) filter along one row: 8 * blocks taps an output, zero-padded. */
typedef struct fvi_prep_box {
    const int32_t *start; /* [n] first float of the line */
    const float *w;       /* [n, 8 * blocks] */
    int blocks;
} fvi_prep_box;

/* Lines -> tensor. R = yy*Y + rv*V + kr and so on, clamped to 0..255, then out = x * scale + bias per tensor channel. */
typedef struct fvi_prep_color {
    float yy, rv, gu, gv, bu, kr, kg, kb;
    float scale[3], bias[3];
    int bgr; /* yuv: tensor channel 0 is blue */
} fvi_prep_color;

/* A row of a picture with chroma halved both ways, at its own size. U and V of column k: near[i][k * step], weight 3, and far[i][k * step], weight 1;
 * the row's ends repeat. */
typedef struct fvi_prep_row420 {
    const uint8_t *y, *near[2], *far[2];
    int step;                /* 1: planes; 2: pairs, near[1] = near[0] + 1 and far[1] = far[0] + 1 (or both - 1) */
    int width, chroma_width; /* samples of the row */
    int left;                /* chroma lies on every other sample of luma; else between two */
} fvi_prep_row420;

#define FVI_PREP_FINE 64 /* `plane` and `pairs` lines hold samples times this */

typedef struct fvi_prep_kern {
    /* Blend of rows r0, r1 with weights b0 + b1 = 16384 and of the two taps; output [n]. b1 == 0: r1 is not read. */
    void (*plane)(float *d, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1, int n);
    /* Same for interleaved chroma rows; d [2][n], `ds` floats apart. */
    void (*pairs)(float *d, ptrdiff_t ds, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1,
                  int n);
    /* OpenCV's 8-bit bilinear, bit for bit: weights 2048, b0 + b1 = 2048, whole numbers out. rgb: d [3][n], `ds` floats apart. */
    void (*gray)(float *d, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1, int n);
    void (*rgb)(float *d, ptrdiff_t ds, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1,
                int n);
    /* Column sums over `rows` rows: d[i] = first * wf + last * wl + sum of those between * wm; one row: first * wf. */
    void (*box_rows)(float *d, const uint8_t *src, ptrdiff_t stride, int rows, float wf, float wm, float wl, int n);
    /* Column sums with a weight a row: d[i] = src[i] * w[0], then + src[stride + i] * w[1] and so on. */
    void (*mix_rows)(float *d, const uint8_t *src, ptrdiff_t stride, const float *w, int rows, int n);
    /* Interleaved line [n, comps] -> lines [comps][n], `ds` floats apart. */
    void (*split)(float *d, ptrdiff_t ds, const float *src, int comps, int n);
    void (*box_cols)(float *d, const float *line, const fvi_prep_box *box, int n);
    /* Lines [n], cut to 0..255, -> 3 channels `cs` floats apart, pixels `xs` apart; fast for xs == 1 and for cs == 1 with xs == 3. */
    void (*put_yuv)(float *d, ptrdiff_t cs, ptrdiff_t xs, const float *y, const float *u, const float *v,
                    const fvi_prep_color *c, int n);
    void (*put_rgb)(float *d, ptrdiff_t cs, ptrdiff_t xs, const float *c0, const float *c1, const float *c2,
                    const fvi_prep_color *c, int n);
    /* Columns [x, x + n) of the row -> 3 channels as put_yuv makes them, the same bytes as by way of lines. */
    void (*row420)(float *d, ptrdiff_t cs, ptrdiff_t xs, const fvi_prep_row420 *r, const fvi_prep_color *c, int x, int n);
    /* Words, little endian -> bytes: rounded shift to the right by 1 to 8, 255 at most. */
    void (*narrow)(uint8_t *d, const uint8_t *s, int shift, int n);
    /* Copies n floats to where nobody will read for a while: past the caches where the level can. */
    void (*stream)(float *d, const float *s, size_t n);
    /* Normalised samples -> other types: clamped to 0..255 and rounded half up; to nearest, ties to even. */
    void (*to_u8)(uint8_t *d, const float *s, int n);
    void (*to_half)(uint16_t *d, const float *s, int n);
} fvi_prep_kern;

void fvi_prep_kern_init(fvi_prep_kern *k, fvi_cpu_flags flags);
void fvi_prep_kern_init_avx2(fvi_prep_kern *k);
void fvi_prep_kern_init_avx512(fvi_prep_kern *k);

/* The C level over outputs [x, n), for the ends of vector rows. */
void fvi_prep_plane_c(float *d, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1, int x, int n);
void fvi_prep_pairs_c(float *d, ptrdiff_t ds, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1,
                      int x, int n);
void fvi_prep_gray_c(float *d, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1, int x, int n);
void fvi_prep_rgb_c(float *d, ptrdiff_t ds, const uint8_t *r0, const uint8_t *r1, const fvi_prep_taps *t, int b0, int b1,
                    int x, int n);
void fvi_prep_box_rows_c(float *d, const uint8_t *src, ptrdiff_t stride, int rows, float wf, float wm, float wl, int x, int n);
void fvi_prep_mix_rows_c(float *d, const uint8_t *src, ptrdiff_t stride, const float *w, int rows, int x, int n);
void fvi_prep_split_c(float *d, ptrdiff_t ds, const float *src, int comps, int x, int n);
void fvi_prep_box_cols_c(float *d, const float *line, const fvi_prep_box *box, int x, int n);
void fvi_prep_put_yuv_c(float *d, ptrdiff_t cs, ptrdiff_t xs, const float *y, const float *u, const float *v,
                        const fvi_prep_color *c, int x, int n);
void fvi_prep_put_rgb_c(float *d, ptrdiff_t cs, ptrdiff_t xs, const float *c0, const float *c1, const float *c2,
                        const fvi_prep_color *c, int x, int n);
/* prep420_ref.c; [x, x + n) as above */
void fvi_prep_row420_c(float *d, ptrdiff_t cs, ptrdiff_t xs, const fvi_prep_row420 *r, const fvi_prep_color *c, int x, int n);
void fvi_prep_narrow_c(uint8_t *d, const uint8_t *s, int shift, int x, int n);
void fvi_prep_stream_c(float *d, const float *s, size_t n);
void fvi_prep_to_u8_c(uint8_t *d, const float *s, int x, int n);
#endif
