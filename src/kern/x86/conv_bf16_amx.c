/* conv_bf16_amx.c: strips of a convolution on AMX tiles (../conv_tiles.h). Two by two tiles of sums; what was summed before is finished (bias,
 * activation, residual, rounding) row by row between the products of the next block, because the core does not overlap them by itself. */
#include "kern/x86/tile_amx.h"
#include "kern/x86/vec_avx512.h"
#include "kern/x86/vact.h"
#include "kern/conv_tiles.h"

/* A block of sums that waits to be finished: 2 x 16 positions x 32 channels. */
typedef struct pending {
    const float *sums;    /* [32][32] */
    int first[2];         /* position of a tile's row 0 */
    int rows[2];          /* rows of a tile that are positions */
    int tiles, channel;   /* tiles of channels, first channel */
    int next, total;      /* rows of sums */
    int y, x;             /* of the next row: its position's row and column */
} pending;

/* 1 / (1 + e^-x): 2^-14 from the reciprocal and 4e-7 from the exponential, relative; NaN stays NaN */
static inline vf quick_sigmoid(vf x) { return _mm512_rcp14_ps(one_plus_exp_neg(x)); }

static inline vf activate(vf x, const fvi_conv_params *p)
{
    const ab k = {vf_set(p->alpha), vf_set(p->beta)};
    const bool exact = p->out_type != FV_BF16;
    switch (p->act) {
    case FVI_KACT_NONE: return x;
    case FVI_KACT_RELU: return act_relu(x, k);
    case FVI_KACT_LEAKY: return act_leaky(x, k);
    case FVI_KACT_CLIP: return act_clip(x, k);
    case FVI_KACT_SIGMOID: return exact ? act_sigmoid(x, k) : vf_select(vf_nan(x, x), x, quick_sigmoid(x));
    case FVI_KACT_SILU: return exact ? act_silu(x, k) : vf_mul(x, quick_sigmoid(x));
    case FVI_KACT_HARDSIGMOID: return act_hardsigmoid(x, k);
    case FVI_KACT_HARDSWISH: return act_hardswish(x, k);
    case FVI_KACT_TANH: return act_tanh(x, k);
    default: return act_gelu(x, k);
    }
}

/* 16 channels of a map from element i on, those of m */
static inline vf load(const char *map, fv_dtype t, ptrdiff_t i, __mmask16 m)
{
    if (t != FV_BF16) return _mm512_maskz_loadu_ps(m, (const float *)(const void *)map + i);
    const __m256i h = _mm256_maskz_loadu_epi16(m, (const uint16_t *)(const void *)map + i);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16));
}

static inline void store(char *map, fv_dtype t, ptrdiff_t i, __mmask16 m, vf x)
{
    if (t != FV_BF16)
        _mm512_mask_storeu_ps((float *)(void *)map + i, m, x);
    else
        _mm256_mask_storeu_epi16((uint16_t *)(void *)map + i, m, (__m256i)_mm512_cvtneps_pbh(x));
}

static inline void place(pending *b, const fvi_conv_tiles *j, int tile)
{
    b->y = b->first[tile] / j->pitch, b->x = b->first[tile] % j->pitch;
}

/* The next row of sums into the output. */
static inline void finish_row(pending *b, const fvi_conv_tiles *j)
{
    const fvi_conv_params *p = j->p;
    const int row = b->next++, tile = row / FVI_TILES_M, y = b->y, x = b->x;
    if (row % FVI_TILES_M == 0) place(b, j, tile);
    const int to_y = row % FVI_TILES_M ? y : b->y, to_x = row % FVI_TILES_M ? x : b->x;
    if (++b->x == j->pitch) b->x = 0, b->y++;
    if (to_x >= p->wo || row % FVI_TILES_M >= b->rows[tile]) return;
    const ptrdiff_t out = to_y * p->out_h + to_x * p->out_w + b->channel, res = to_y * p->res_h + to_x * p->res_w + b->channel;
    const ptrdiff_t pre = (((j->y + to_y) >> p->pre_shift) - (j->y >> p->pre_shift)) * p->pre_h + (to_x >> p->pre_shift) * p->pre_w + b->channel;
    for (int t = 0; t < b->tiles; t++) {
        const int left = p->cout - b->channel - t * FVI_TILES_N;
        const __mmask16 m = left >= FVI_TILES_N ? 0xffff : (__mmask16)((1u << left) - 1);
        vf v = vf_add(vf_load(b->sums + row * 2 * FVI_TILES_N + t * FVI_TILES_N), vf_load(j->bias + b->channel + t * FVI_TILES_N));
        if (j->pre) v = vf_add(v, load(j->pre, p->pre_type, pre + t * FVI_TILES_N, m));
        v = activate(v, p);
        if (j->res) v = vf_add(v, load(j->res, p->res_type, res + t * FVI_TILES_N, m));
        store(j->out, p->out_type, out + t * FVI_TILES_N, m, v);
    }
}

static inline void finish(pending *b, const fvi_conv_tiles *j, int rows)
{
    while (rows-- > 0 && b->next < b->total) finish_row(b, j);
}

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
