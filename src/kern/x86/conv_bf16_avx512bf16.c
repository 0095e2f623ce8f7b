/* conv_bf16_avx512bf16.c: strips of a convolution on pairs of BF16 (VDPBF16PS), in the order of weights of matrix tiles (../conv_tiles.h): 14
 * positions by two vectors of channels in registers over the whole depth, then finished while they are in the first cache. */
#include "kern/x86/vec_avx512.h"
#include "kern/x86/vact.h"
#include "kern/conv_tiles.h"
#include "kern/x86/conv_bf16_finish.h"
#include "kern/tiling.h"
#include <string.h>

enum { ROWS = 14, PAIRS = FVI_TILES_K / 2, PITCH = 2 * FVI_TILES_N };

static inline __m512bh pair_at(const uint16_t *p)
{
    int32_t both;
    memcpy(&both, p, sizeof both);
    return (__m512bh)_mm512_set1_epi32(both);
}

/* sums[m][n] of M positions by N vectors. Addresses of positions as in conv_tile.h. */
#define DOT(M, N)                                                                                                      \
    static void dot_##M##_##N(const fvi_conv_tiles *j, const uint16_t *w, const uint16_t *a, float *sums)              \
    {                                                                                                                  \
        vf acc[M][N];                                                                                                  \
        const ptrdiff_t lda = j->lda;                                                                                  \
        FVI_UNROLL for (int m = 0; m < (M); m++) FVI_UNROLL for (int n = 0; n < (N); n++) acc[m][n] = vf_set(0.0f);     \
        for (int r = 0; r < j->runs; r++) {                                                                            \
            const uint16_t *q[((M) + 2) / 3];                                                                          \
            FVI_UNROLL for (int i = 0; i < ((M) + 2) / 3; i++) q[i] = a + j->run[r] + 3 * i * lda;                     \
            for (int s = 0; s < j->steps; s++, w += ((N) - 1) * PAIRS * FVI_TILES_K)                                   \
                for (int k = 0; k < PAIRS; k++, w += FVI_TILES_K) {                                                    \
                    __m512bh b[N];                                                                                     \
                    FVI_UNROLL for (int n = 0; n < (N); n++) b[n] = (__m512bh)_mm512_loadu_si512(w + n * PAIRS * FVI_TILES_K); \
                    FVI_UNROLL for (int m = 0; m < (M); m++)                                                           \
                    {                                                                                                  \
                        const __m512bh x = pair_at(q[m / 3] + (m % 3) * lda);                                          \
                        FVI_UNROLL for (int n = 0; n < (N); n++) acc[m][n] = _mm512_dpbf16_ps(acc[m][n], x, b[n]);     \
                    }                                                                                                  \
                    FVI_UNROLL for (int i = 0; i < ((M) + 2) / 3; i++) q[i] += 2;                                      \
                    FVI_UNROLL for (int i = 0; i < ((M) + 2) / 3; i++) __asm__("" : "+r"(q[i]));                       \
                }                                                                                                      \
        }                                                                                                              \
        FVI_UNROLL for (int m = 0; m < (M); m++) FVI_UNROLL for (int n = 0; n < (N); n++)                              \
            vf_store(sums + m * PITCH + n * FVI_TILES_N, acc[m][n]);                                                   \
    }
DOT(1, 1)
DOT(1, 2)
DOT(14, 1)
DOT(14, 2)

static void strip(const fvi_conv_tiles *j)
{
    typedef void (*dot_fn)(const fvi_conv_tiles *, const uint16_t *, const uint16_t *, float *);
    static const dot_fn dots[2][2] = {{dot_1_1, dot_1_2}, {dot_14_1, dot_14_2}};
    const int across = (j->p->cout + FVI_TILES_N - 1) / FVI_TILES_N, tall = j->count >= ROWS ? ROWS : 1;
    const int last = j->count - tall; /* the last one ends at the last position: some are computed twice */
    const uint16_t *w = j->w;
    for (int n = 0; n < across; n += 2) {
        const int wide = across - n < 2 ? 1 : 2;
        for (int m = 0; m < j->count; m += tall) {
            const int q = m < last ? m : last;
            dots[tall == ROWS][wide - 1](j, w, j->in + q * j->lda, j->scratch);
            pending done = {.sums = j->scratch, .first = {q}, .rows = {tall}, .tiles = wide, .channel = n * FVI_TILES_N, .total = tall};
            finish(&done, j, tall);
        }
        w += (ptrdiff_t)j->runs * j->steps * wide * FVI_TILES_N * FVI_TILES_K;
    }
}

static void nothing(void) {}

const fvi_conv_tiles_kern fvi_conv_tiles_avx512bf16 = {nothing, strip, nothing};
