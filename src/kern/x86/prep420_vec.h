/* prep420_vec.h: rows of 4:2:0 pictures at their own size, 2 VF_W pixels at a time, with the C level's exact results. A level file includes
 * prep_vec.h, defines the words below, and includes this.
 *
 * needs: half: VF_W words of 16 bits; half_bytes (VF_W bytes as words), half_add, half_shl, half_low (the even bytes of 2 VF_W), half_high (the odd ones),
 *        half_pair(even, odd, k): words in turn, of which the k-th VF_W as floats; words_narrow(s, shift, d): 2 VF_W words -> as many bytes;
 *        vf_stream: a store to an aligned address past the caches; stream_end: those stores are seen before later ones. */
#ifndef FVI_KERN_PREP420_VEC_H
#define FVI_KERN_PREP420_VEC_H
#include <stdbool.h>
#include <string.h>

#define PX (2 * VF_W) /* of a block */

/* One of the sums 3 near + far of U and V for VF_W samples from k on. */
static inline half near_far(half near, half far) { return half_add(half_add(near, half_shl(near, 1)), far); }

typedef struct chroma { half u, v; } chroma;

static inline __attribute__((always_inline)) chroma chroma_at(const fvi_prep_row420 *r, int k, bool pairs)
{
    if (!pairs)
        return (chroma){near_far(half_bytes(r->near[0] + k), half_bytes(r->far[0] + k)), near_far(half_bytes(r->near[1] + k), half_bytes(r->far[1] + k))};
    const bool swapped = r->near[1] < r->near[0];
    const uint8_t *near = r->near[swapped] + 2 * (ptrdiff_t)k, *far = r->far[swapped] + 2 * (ptrdiff_t)k;
    half a = near_far(half_low(near), half_low(far)), b = near_far(half_high(near), half_high(far));
    return swapped ? (chroma){b, a} : (chroma){a, b};
}

/* Pixels [x, x + PX) of the row, x even; all that is read is in the row. */
static inline __attribute__((always_inline)) void block(float *d, ptrdiff_t cs, ptrdiff_t xs, const fvi_prep_row420 *r, const matrix *m, int x, bool pairs)
{
    const int k = x >> 1;
    const chroma c = chroma_at(r, k, pairs), next = chroma_at(r, k + 1, pairs);
    half ue, uo, ve, vo; /* of even and odd columns */
    if (r->left) {
        ue = half_shl(c.u, 4);
        ve = half_shl(c.v, 4);
        uo = half_shl(half_add(c.u, next.u), 3);
        vo = half_shl(half_add(c.v, next.v), 3);
    } else {
        const chroma last = chroma_at(r, k - 1, pairs);
        half u3 = half_add(c.u, half_shl(c.u, 1)), v3 = half_add(c.v, half_shl(c.v, 1));
        ue = half_shl(half_add(u3, last.u), 2);
        ve = half_shl(half_add(v3, last.v), 2);
        uo = half_shl(half_add(u3, next.u), 2);
        vo = half_shl(half_add(v3, next.v), 2);
    }
    for (int i = 0; i < 2; i++)
        store_yuv(d + i * VF_W * xs, cs, xs, vi_to_float(vi_from_u8(r->y + x + i * VF_W)), half_pair(ue, uo, i), half_pair(ve, vo, i), m);
}

/* Pixels [from, to) of the block at x, where the row may end: by way of a copy whose ends repeat. */
static void edge(float *d, ptrdiff_t cs, ptrdiff_t xs, const fvi_prep_row420 *r, const matrix *m, int x, int from, int to)
{
    uint8_t room[PX + 4 * (VF_W + 2)];
    float out[3 * PX];
    fvi_prep_row420 own = {.y = room, .step = 1, .left = r->left};
    uint8_t *c[4];
    int luma = r->width - x < PX ? r->width - x : PX;
    memset(room, 0, sizeof room);
    memcpy(room, r->y + x, (size_t)luma);
    for (int i = 0; i < 4; i++) {
        const uint8_t *s = i & 1 ? r->far[i >> 1] : r->near[i >> 1];
        c[i] = room + PX + i * (VF_W + 2);
        for (int j = 0; j < VF_W + 2; j++) {
            int k = (x >> 1) - 1 + j;
            c[i][j] = s[(k < 0 ? 0 : k >= r->chroma_width ? r->chroma_width - 1 : k) * r->step];
        }
    }
    for (int i = 0; i < 2; i++) {
        own.near[i] = c[2 * i] + 1;
        own.far[i] = c[2 * i + 1] + 1;
    }
    const ptrdiff_t ocs = xs == 1 ? PX : 1;
    block(out, ocs, xs, &own, m, 0, false);
    if (xs == 1)
        for (int i = 0; i < 3; i++) memcpy(d + i * cs, out + i * PX + from, (size_t)(to - from) * sizeof *d);
    else
        memcpy(d, out + 3 * from, 3 * (size_t)(to - from) * sizeof *d);
}

static inline __attribute__((always_inline)) void row420_of(float *d, ptrdiff_t cs, ptrdiff_t xs, const fvi_prep_row420 *r, const matrix *m, int x, int n, bool pairs)
{
    const int end = x + n, safe = 2 * (r->chroma_width - VF_W - 1); /* last block whose samples are all there */
    if (x & 1 || (x == 0 && !r->left)) { /* up to the next even column, or past the repeated end */
        int from = x & 1, to = n + from < PX ? n + from : PX;
        edge(d, cs, xs, r, m, x - from, from, to);
        d += (to - from) * xs;
        x += to - from;
    }
    for (; x + PX <= end && x <= safe; x += PX, d += PX * xs) block(d, cs, xs, r, m, x, pairs);
    for (; x < end; x += PX, d += PX * xs) edge(d, cs, xs, r, m, x, 0, end - x < PX ? end - x : PX);
}

static void row420(float *d, ptrdiff_t cs, ptrdiff_t xs, const fvi_prep_row420 *r, const fvi_prep_color *c, int x, int n)
{
    if (xs != 1 && !(xs == 3 && cs == 1)) {
        fvi_prep_row420_c(d, cs, xs, r, c, x, n);
        return;
    }
    const matrix m = matrix_of(c, FVI_PREP_FINE);
    if (xs == 1) {
        if (r->step == 2)
            row420_of(d, cs, 1, r, &m, x, n, true);
        else
            row420_of(d, cs, 1, r, &m, x, n, false);
    } else if (r->step == 2) {
        row420_of(d, 1, 3, r, &m, x, n, true);
    } else {
        row420_of(d, 1, 3, r, &m, x, n, false);
    }
}

static void narrow(uint8_t *d, const uint8_t *s, int shift, int n)
{
    int x = 0;
    for (; x + PX <= n; x += PX) words_narrow(d + x, s + 2 * (ptrdiff_t)x, shift);
    fvi_prep_narrow_c(d, s, shift, x, n);
}

static void stream(float *d, const float *s, size_t n)
{
    size_t i = ((0 - (uintptr_t)d / sizeof *d) & (VF_W - 1));
    if ((uintptr_t)d % sizeof *d || i > n) i = n;
    memcpy(d, s, i * sizeof *d);
    for (; i + VF_W <= n; i += VF_W) vf_stream(d + i, vf_load(s + i));
    stream_end();
    memcpy(d + i, s + i, (n - i) * sizeof *d);
}
#endif
