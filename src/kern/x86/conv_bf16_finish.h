/* conv_bf16_finish.h: sums of a convolution in BF16 into the output: bias, addend, activation, residual, rounding; the end of conv_bf16_amx.c and
 * conv_bf16_avx512bf16.c. Include vec_avx512.h, vact.h and conv_tiles.h first. */
#ifndef FVI_KERN_CONV_BF16_FINISH_H
#define FVI_KERN_CONV_BF16_FINISH_H

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
#endif
