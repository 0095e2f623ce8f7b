/* conv_bf16_amx.c: strips of a convolution on AMX tiles (../conv_tiles.h). Two by two tiles of sums; what was summed before is finished (bias,
 * activation, residual, rounding) row by row between the products of the next block, because the core does not overlap them by itself. */
#include "kern/x86/tile_amx.h"
#include "kern/x86/vec_avx512.h"
#include "kern/x86/vact.h"
#include "kern/conv_tiles.h"
#include "kern/x86/conv_bf16_finish.h"

/* Sums of m x n tiles into `sums`, finishing `rows` rows of what waits after each product. */
#define PRODUCT(c, a, b)                                                                                               \
    do {                                                                                                               \
        _tile_dpbf16ps(c, a, b);                                                                                       \
        finish(before, j, rows);                                                                                       \
    } while (0)
#define BLOCK(name, M2, N2)                                                                                            \
    static void name(const fvi_conv_tiles *j, const uint16_t *w, const uint16_t *a0, const uint16_t *a1, float *sums, pending *before) \
    {                                                                                                                  \
        const long lda = (long)(j->lda * (ptrdiff_t)sizeof *a0);                                                       \
        const int products = j->runs * j->steps * (1 + (M2)) * (1 + (N2));                                             \
        const int rows = (before->total - before->next + products - 1) / products;                                     \
        (void)a1;                                                                                                      \
        _tile_zero(0);                                                                                                 \
        if (N2) _tile_zero(1);                                                                                         \
        if (M2) _tile_zero(2);                                                                                         \
        if ((M2) && (N2)) _tile_zero(3);                                                                               \
        for (int r = 0; r < j->runs; r++) {                                                                            \
            const ptrdiff_t at = j->run[r];                                                                            \
            for (int s = 0; s < j->steps; s++, w += (1 + (N2)) * FVI_TILES_N * FVI_TILES_K) {                          \
                _tile_loadd(6, w, 64);                                                                                 \
                _tile_loadd(4, a0 + at + s * FVI_TILES_K, lda);                                                        \
                PRODUCT(0, 4, 6);                                                                                      \
                if (N2) {                                                                                              \
                    _tile_loadd(7, w + FVI_TILES_N * FVI_TILES_K, 64);                                                 \
                    PRODUCT(1, 4, 7);                                                                                  \
                }                                                                                                      \
                if (M2) {                                                                                              \
                    _tile_loadd(5, a1 + at + s * FVI_TILES_K, lda);                                                    \
                    PRODUCT(2, 5, 6);                                                                                  \
                    if (N2) PRODUCT(3, 5, 7);                                                                          \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        finish(before, j, 2 * FVI_TILES_M);                                                                            \
        _tile_stored(0, sums, 128);                                                                                    \
        if (N2) _tile_stored(1, sums + FVI_TILES_N, 128);                                                              \
        if (M2) _tile_stored(2, sums + 512, 128);                                                                      \
        if ((M2) && (N2)) _tile_stored(3, sums + 512 + FVI_TILES_N, 128);                                              \
    }
BLOCK(block_22, 1, 1)
BLOCK(block_21, 1, 0)
BLOCK(block_12, 0, 1)
BLOCK(block_11, 0, 0)

static void strip(const fvi_conv_tiles *j)
{
    typedef void (*block_fn)(const fvi_conv_tiles *, const uint16_t *, const uint16_t *, const uint16_t *, float *, pending *);
    static const block_fn blocks[2][2] = {{block_11, block_12}, {block_21, block_22}};
    const int across = (j->p->cout + FVI_TILES_N - 1) / FVI_TILES_N, down = (j->count + FVI_TILES_M - 1) / FVI_TILES_M;
    /* the last tile ends at the last position: some are computed twice */
    const int last = j->count > FVI_TILES_M ? j->count - FVI_TILES_M : 0, rows = j->count < FVI_TILES_M ? j->count : FVI_TILES_M;
    const uint16_t *w = j->w;
    pending wait[2] = {{0}, {0}};
    int turn = 0;
    for (int n = 0; n < across; n += 2) {
        const int wide = across - n < 2 ? 1 : 2;
        for (int m = 0; m < down; m += 2) {
            const int high = down - m < 2 ? 1 : 2, q0 = m * FVI_TILES_M < last ? m * FVI_TILES_M : last, q1 = (m + 1) * FVI_TILES_M < last ? (m + 1) * FVI_TILES_M : last;
            float *sums = j->scratch + turn * 1024;
            blocks[high - 1][wide - 1](j, w, j->in + q0 * j->lda, j->in + q1 * j->lda, sums, &wait[1 - turn]);
            wait[turn] = (pending){.sums = sums, .first = {q0, q1}, .rows = {rows, rows}, .tiles = wide, .channel = n * FVI_TILES_N, .total = high * FVI_TILES_M};
            turn = 1 - turn;
        }
        w += (ptrdiff_t)j->runs * j->steps * wide * FVI_TILES_N * FVI_TILES_K;
    }
    finish(&wait[1 - turn], j, 2 * FVI_TILES_M);
}

static void end(void) { _tile_release(); }

const fvi_conv_tiles_kern fvi_conv_tiles_amx = {tile_configure, strip, end};
