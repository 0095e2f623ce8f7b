/* conv_bf16_tiles.c: convolution in BF16 on matrix tiles (AMX) or dot products of pairs (AVX512-BF16), without im2col: rows of a tile are pixels
 * where they lie. Where the pixels of a
 * kernel row are neighbours in memory, one run of kw * cin elements is the depth, so that steps of 32 go across taps. A tactic; run by op_conv.c.
 *
 * Maps whose runs are no multiple of 32 elements, or that are FP32, are copied into dense BF16 strips first: steps then end in foreign
 * elements whose weights are zero, and those must be numbers (0 * NaN is NaN). An infinite pixel therefore makes its neighbours NaN.
 * At stride 1 a strip is one long row of positions with the pixels between its rows, which are computed and not written: tiles stay full.
 *
 * Packed: the shape of the runs, bias, weights as conv_tiles.h has them. */
#include "base/checked.h"
#include "kern/bf16.h"
#include "kern/conv_tactics.h"
#include "kern/conv_tiles.h"
#include <string.h>

enum { HEADER = 64, SCRATCH = 2 * 1024, BLOCK = 2 * FVI_TILES_N };

typedef struct header {
    int32_t joined; /* a run is a row of the kernel, else a tap */
    int32_t rows;   /* of a strip */
} header;

static bool neighbours(const fvi_conv_params *p) { return p->dw == 1 && p->in_w == p->cin; }

/* Can tiles be loaded from the map itself? */
static bool in_place(const fvi_conv_params *p)
{
    return p->in_type == FV_BF16 && (neighbours(p) ? p->kw * p->cin : p->cin) % FVI_TILES_K == 0;
}

static bool joins(const fvi_conv_params *p) { return p->dw == 1 && (neighbours(p) || !in_place(p)); }
static int run_length(const fvi_conv_params *p, bool joined) { return joined ? p->kw * p->cin : p->cin; }
static int run_count(const fvi_conv_params *p, bool joined) { return joined ? p->kh : p->kh * p->kw; }
static int steps_of(int length) { return (length + FVI_TILES_K - 1) / FVI_TILES_K; }
static size_t tiles_of(const fvi_conv_params *p) { return ((size_t)p->cout + FVI_TILES_N - 1) / FVI_TILES_N; }

static bool supports(const fvi_conv_params *p)
{
    const double most = 16.0 * p->sh + (p->kh - 1.0) * p->dh, w = (p->wo - 1.0) * p->sw + (p->kw - 1.0) * p->dw + 1;
    return p->bf16 && p->groups == 1 && fvi_conv_is_nhwc(p) && p->kh <= FVI_TILES_RUNS && p->kh * p->kw <= FVI_TILES_RUNS &&
           most * w * p->cin < INT32_MAX / 8 && (double)p->cin * p->kw < INT32_MAX / 8 && 16.0 * p->wo * p->cout < INT32_MAX / 8;
}

/* ---- strips ---- */

typedef struct strip {
    int h, w; /* input rows and columns that it reads */
} strip;

static strip strip_of(const fvi_conv_params *p, int rows)
{
    return (strip){(rows - 1) * p->sh + (p->kh - 1) * p->dh + 1, (p->wo - 1) * p->sw + (p->kw - 1) * p->dw + 1};
}

/* Elements of a staged strip, and of zeros behind it that tiles may read. */
static size_t slack(const fvi_conv_params *p) { return (size_t)FVI_TILES_M * (size_t)p->sw * (size_t)p->cin + 2 * FVI_TILES_K; }
static size_t staged(const fvi_conv_params *p, int rows)
{
    const strip s = strip_of(p, rows);
    return ((size_t)s.h * (size_t)s.w * (size_t)p->cin + slack(p) + 31) / 32 * 32;
}

/* What a strip reads stays in L2 beside the weights, and there are strips enough for threads. */
static int strip_rows(const fvi_conv_params *p)
{
    int rows = p->ho >= 64 ? 16 : p->ho >= 16 ? 8 : 4;
    while (rows > 4 && staged(p, rows) * 2 > p->l2 / 2) rows -= 4;
    return rows < p->ho ? rows : p->ho;
}

/* A product of pairs every other cycle, which is what it is on Sapphire Rapids, and the finish behind it. Zen 4 and 5 have two to four times that: there
 * it may win where tactics are timed, and is not taken by estimate. */
static double dot_cost(const fvi_conv_params *p, double positions, int steps)
{
    return p->n * (positions * (double)tiles_of(p) * steps * (FVI_TILES_K / 2) * 2 + (double)p->ho * p->wo * (double)tiles_of(p) * 8);
}

static double cost(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    const int rows = strip_rows(p), steps = run_count(p, joins(p)) * steps_of(run_length(p, joins(p)));
    const bool flat = p->sh == 1 && p->sw == 1;
    const double strips = (double)p->ho / rows, m = flat ? strips * (((double)rows * (p->wo + p->kw - 1) + 15) / 16) : p->ho * ((p->wo + 15) / 16);
    const double vectors = (double)p->ho * p->wo * (double)tiles_of(p), multiply = m * (double)tiles_of(p) * steps * 17, finish = vectors * 8;
    const double stage = in_place(p) ? 0 : (double)staged(p, rows) * strips / 8;
    if (t->level != FVI_CPU_AMX)
        return dot_cost(p, flat ? (double)p->ho * (p->wo + p->kw - 1) : (double)p->ho * p->wo, steps) + p->n * stage;
    /* multiplying and finishing overlap in part */
    return p->n * ((multiply > finish ? multiply + finish / 3 : finish + multiply / 3) + stage) + fvi_conv_fetch_cycles(p, (double)p->cout * steps * 16);
}

static size_t bias_bytes(const fvi_conv_params *p) { return (tiles_of(p) + 1) / 2 * BLOCK * sizeof(float); }

static size_t packed_bytes(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    size_t weights;
    (void)t;
    const size_t steps = (size_t)run_count(p, joins(p)) * (size_t)steps_of(run_length(p, joins(p)));
    if (!fvi_mul_size(steps * FVI_TILES_K * FVI_TILES_N, tiles_of(p), &weights) || !fvi_mul_size(weights, 4, &(size_t){0})) return 0;
    return HEADER + bias_bytes(p) + weights * sizeof(uint16_t);
}

static void pack(const fvi_conv_tactic *t, const fvi_conv_params *p, const float *w, const float *bias, void *packed)
{
    header *h = packed;
    memset(packed, 0, packed_bytes(t, p));
    *h = (header){joins(p), strip_rows(p)};
    float *b = (float *)((char *)packed + HEADER);
    uint16_t *to = (uint16_t *)((char *)b + bias_bytes(p));
    if (bias) memcpy(b, bias, (size_t)p->cout * sizeof *b);
    const int runs = run_count(p, h->joined), length = run_length(p, h->joined), steps = steps_of(length), taps = p->kh * p->kw;
    const int tiles = (int)tiles_of(p);
    for (int first = 0; first < tiles; first += 2) {
        const int wide = tiles - first < 2 ? 1 : 2;
        for (int r = 0; r < runs; r++)
            for (int k = 0; k < steps * FVI_TILES_K; k++) {
                const int tap = h->joined ? r * p->kw + k / p->cin : r, c = k % p->cin, step = r * steps + k / FVI_TILES_K, pair = k % FVI_TILES_K / 2;
                for (int i = 0; k < length && i < wide * FVI_TILES_N; i++) {
                    const int o = first * FVI_TILES_N + i;
                    if (o >= p->cout) break;
                    to[((step * wide + i / FVI_TILES_N) * FVI_TILES_N + pair) * FVI_TILES_K + i % FVI_TILES_N * 2 + k % 2] =
                        fvi_bf16_narrow1(w[((ptrdiff_t)o * p->cin + c) * taps + tap]);
                }
            }
        to += (ptrdiff_t)runs * steps * wide * FVI_TILES_N * FVI_TILES_K;
    }
}

static size_t workspace_bytes(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    (void)t;
    return SCRATCH * sizeof(float) + staged(p, strip_rows(p)) * sizeof(uint16_t);
}

static int chunks(const fvi_conv_tactic *t, const fvi_conv_params *p, int threads)
{
    (void)t;
    const int rows = strip_rows(p);
    const int64_t strips = (int64_t)p->n * ((p->ho + rows - 1) / rows);
    return (int)(strips < 8LL * threads ? strips : 8LL * threads);
}

/* ---- run ---- */

static void stage(const fvi_bf16_kern *k, const fvi_conv_params *p, const fvi_conv_io *io, ptrdiff_t at, strip s, uint16_t *y)
{
    const size_t pixel = (size_t)p->cin;
    for (int r = 0; r < s.h; r++, at += p->in_h) {
        if (p->in_type == FV_BF16) {
            const uint16_t *x = (const uint16_t *)io->in + at;
            if (p->in_w == p->cin)
                memcpy(y, x, (size_t)s.w * pixel * sizeof *y);
            else
                for (int i = 0; i < s.w; i++) memcpy(y + (size_t)i * pixel, x + i * p->in_w, pixel * sizeof *y);
        } else if (p->in_w == p->cin) {
            k->narrow(y, io->in + at, (size_t)s.w * pixel);
        } else {
            for (int i = 0; i < s.w; i++) k->narrow(y + (size_t)i * pixel, io->in + at + i * p->in_w, pixel);
        }
        y += (size_t)s.w * pixel;
    }
    memset(y, 0, slack(p) * sizeof *y);
}

static size_t size_of(fv_dtype t) { return t == FV_BF16 ? sizeof(uint16_t) : sizeof(float); }

/* Output rows [y0, y0 + rows) of an image. in: what position (0,0) of the strip reads first; pixels ld elements apart, rows `line`. */
static void do_strip(const fvi_conv_tiles_kern *k, fvi_conv_tiles *j, const fvi_conv_io *io, int image, int y0, int rows, const uint16_t *in, ptrdiff_t ld, ptrdiff_t line)
{
    const fvi_conv_params *p = j->p;
    const bool flat = p->sh == 1 && p->sw == 1 && line % ld == 0 && line / ld < INT32_MAX / 64;
    j->lda = p->sw * ld;
    j->pitch = flat ? (int)(line / ld) : p->wo;
    j->count = flat ? (rows - 1) * j->pitch + p->wo : p->wo;
    for (int y = y0; y < y0 + rows; y += flat ? rows : 1) {
        j->y = y;
        j->in = in + (y - y0) * p->sh * line;
        j->out = (char *)io->out + (image * p->out_n + y * p->out_h) * (ptrdiff_t)size_of(p->out_type);
        j->res = p->residual ? (const char *)io->res + (image * p->res_n + y * p->res_h) * (ptrdiff_t)size_of(p->res_type) : NULL;
        j->pre = p->pre ? (const char *)io->pre + (image * p->pre_n + (y >> p->pre_shift) * p->pre_h) * (ptrdiff_t)size_of(p->pre_type) : NULL;
        k->strip(j);
    }
}

static void list_runs(const fvi_conv_params *p, bool joined, ptrdiff_t ld, ptrdiff_t line, ptrdiff_t *run)
{
    for (int ky = 0, r = 0; ky < p->kh; ky++)
        for (int kx = 0; kx < (joined ? 1 : p->kw); kx++) run[r++] = ky * p->dh * line + kx * p->dw * ld;
}

static void run(const fvi_conv_tactic *t, const fvi_conv_params *p, const fvi_conv_io *io, const void *packed, void *workspace, int chunk, int n_chunks)
{
#ifdef FVI_X86
    const fvi_conv_tiles_kern *k = t->level == FVI_CPU_AMX ? &fvi_conv_tiles_amx : &fvi_conv_tiles_avx512bf16;
#else
    const fvi_conv_tiles_kern *k = NULL;
#endif
    const header *h = packed;
    const int strips = (p->ho + h->rows - 1) / h->rows;
    const int64_t all = (int64_t)p->n * strips;
    ptrdiff_t offsets[FVI_TILES_RUNS];
    fvi_bf16_kern rows16;
    fvi_bf16_kern_init(&rows16, t->level | (t->level - 1));
    uint16_t *copy = (uint16_t *)((float *)workspace + SCRATCH);
    fvi_conv_tiles j = {.run = offsets, .runs = run_count(p, h->joined), .steps = steps_of(run_length(p, h->joined)), .bias = (const float *)((const char *)packed + HEADER),
                        .w = (const uint16_t *)((const char *)packed + HEADER + bias_bytes(p)), .p = p, .scratch = workspace};
    /* as packed; a part of a map may be too narrow for a tile */
    const bool there = in_place(p) && joins(p) == h->joined && p->wo >= FVI_TILES_M;
    const ptrdiff_t ld = there ? p->in_w : p->cin;
    k->begin();
    for (int64_t i = all * chunk / n_chunks; i < all * (chunk + 1) / n_chunks; i++) {
        const int image = (int)(i / strips), y0 = (int)(i % strips) * h->rows, n = p->ho - y0 < h->rows ? p->ho - y0 : h->rows;
        const strip s = strip_of(p, n);
        const ptrdiff_t at = image * p->in_n + ((ptrdiff_t)y0 * p->sh - p->pt) * p->in_h - (ptrdiff_t)p->pl * p->in_w, line = there ? p->in_h : s.w * ld;
        if (!there) stage(&rows16, p, io, at, s, copy);
        list_runs(p, h->joined, ld, line, offsets);
        do_strip(k, &j, io, image, y0, n, there ? (const uint16_t *)io->in + at : copy, ld, line);
    }
    k->end();
}

const fvi_conv_algorithm fvi_conv_bf16_tiles = {.low = true, .supports = supports, .cost = cost, .packed_bytes = packed_bytes, .pack = pack,
                                                .workspace_bytes = workspace_bytes, .chunks = chunks, .run = run};
