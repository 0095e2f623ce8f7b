/* qconv_direct.c: byte convolution as an implicit matrix product, on register tiles of pixels x channels. No im2col: tiles read the
 * input where it is (four bytes a unit), or rows of it that were widened to 16 bits once for all output channels.
 *
 * Packed: scale, bias and start sums, padded to whole vectors; then per panel the weights [kh][kw][units][vectors * vec], each
 * unit 4 bytes or 2 whole numbers of 16 bits. Where pixels are dense a whole kernel row is one run of units. */
#include "base/checked.h"
#include "kern/qconv_isa.h"
#include <string.h>

enum { FLAT = 96 /* pixels of a piece of a 1x1 over rows without gaps */ };

/* The problem as tiles see it: pieces of output rows, and runs of units. */
typedef struct shape {
    bool flat;     /* all pixels of an image are one row */
    int w, wo, ho; /* of it */
    int rows;      /* pieces an image */
    bool dense;    /* kernel columns follow each other in memory */
    int room;      /* channels of a pixel as tiles read it: padded when widened */
    int per_unit;
    int run;       /* units of a run; kh runs when dense, else kh * kw */
    int runs;
    fvi_conv_panels split;
    int width; /* padded channels */
} shape;

static bool is_flat(const fvi_qconv_params *p)
{
    return p->kh == 1 && p->kw == 1 && p->sh == 1 && p->sw == 1 && !p->pt && !p->pl && p->in_h == p->w * p->in_w && p->out_h == p->wo * p->out_w &&
           (p->residual == FVI_QCONV_NONE || p->res_h == p->wo * p->res_w);
}

static shape shape_of(const fvi_qconv_isa *isa, const fvi_qconv_params *p)
{
    shape s = {.flat = is_flat(p), .w = p->w, .wo = p->wo, .ho = p->ho, .per_unit = isa->wide ? 2 : 4};
    if (s.flat) s.w = s.wo = p->ho * p->wo, s.ho = 1;
    s.rows = s.flat ? (s.wo + FLAT - 1) / FLAT : s.ho;
    s.room = isa->wide ? (p->cin + 1) / 2 * 2 : p->cin;
    s.dense = isa->wide ? p->dw == 1 : fvi_qconv_dense(p);
    const int count = s.dense ? p->kw * s.room : s.room;
    s.run = (count + s.per_unit - 1) / s.per_unit;
    s.runs = s.dense ? p->kh : p->kh * p->kw;
    s.split = fvi_conv_cut(isa->vec, isa->nv, p->cout);
    s.width = s.split.vecs * isa->vec;
    return s;
}

static bool supports(const fvi_qconv_tactic *t, const fvi_qconv_params *p)
{
    const double most = INT32_MAX / 8.0;
    const int64_t right = (int64_t)(p->wo - 1) * p->sw - p->pl + (int64_t)(p->kw - 1) * p->dw, bottom = (int64_t)(p->ho - 1) * p->sh - p->pt + (int64_t)(p->kh - 1) * p->dh;
    (void)t;
    return p->groups == 1 && fvi_qconv_terms_fit(p) && p->cout < most && (double)p->ho * p->wo < most && (double)(p->w + 2 * p->halo) * p->cin < most && p->pt <= p->halo &&
           p->pl <= p->halo && right < (int64_t)p->w + p->halo && bottom < (int64_t)p->h + p->halo;
}

static double cost(const fvi_qconv_tactic *t, const fvi_qconv_params *p)
{
    const shape s = shape_of(t->isa, p);
    const double units = (double)s.run * s.runs * s.per_unit;
    const bool curved = p->act == FVI_KACT_SILU || p->act == FVI_KACT_SIGMOID || p->act == FVI_KACT_TANH || p->act == FVI_KACT_GELU;
    return (double)p->n * p->ho * p->wo * s.width * (units / t->isa->macs_per_cycle + (curved ? 26.0 : 10.0) / t->isa->vec) / 0.8;
}

static size_t packed_bytes(const fvi_qconv_tactic *t, const fvi_qconv_params *p)
{
    const shape s = shape_of(t->isa, p);
    size_t words;
    if (!fvi_mul_size((size_t)s.width, (size_t)s.run * (size_t)s.runs + 3, &words) || words > SIZE_MAX / 8) return 0;
    return words * sizeof(int32_t);
}

/* Weight number i of run r of output channel o: what its units hold one after the other; 0 = padding. */
static int weight_at(const fvi_qconv_params *p, const shape *s, const int8_t *w, int o, int r, int i)
{
    const int ky = s->dense ? r : r / p->kw, kx = s->dense ? i / s->room : r % p->kw, c = s->dense ? i % s->room : i;
    return kx < p->kw && c < p->cin ? w[(((ptrdiff_t)o * p->cin + c) * p->kh + ky) * p->kw + kx] : 0;
}

static int32_t unit_at(const fvi_qconv_params *p, const shape *s, const int8_t *w, int o, int r, int u, int32_t *sum)
{
    int32_t unit = 0;
    for (int i = 0; i < s->per_unit; i++) {
        const int v = weight_at(p, s, w, o, r, u * s->per_unit + i), bits = 32 / s->per_unit;
        *sum += v;
        unit |= (int32_t)(((uint32_t)v & ((1u << bits) - 1)) << (i * bits));
    }
    return unit;
}

static void pack(const fvi_qconv_tactic *t, const fvi_qconv_params *p, const int8_t *w, const float *scale, const float *bias, float *room, void *packed)
{
    (void)room;
    const shape s = shape_of(t->isa, p);
    float *scales = packed, *biases = scales + s.width;
    int32_t *start = (int32_t *)(biases + s.width), *units = start + s.width;
    memset(packed, 0, packed_bytes(t, p));
    for (int panel = 0; panel < s.split.panels; panel++) {
        const int first = fvi_conv_panel_start(s.split, panel) * t->isa->vec, n = fvi_conv_panel_start(s.split, panel + 1) * t->isa->vec - first;
        for (int o = first; o < first + n && o < p->cout; o++) {
            int32_t sum = 0, *to = units + (size_t)first * (size_t)s.run * (size_t)s.runs + (o - first);
            for (int r = 0; r < s.runs; r++)
                for (int u = 0; u < s.run; u++, to += n) *to = unit_at(p, &s, w, o, r, u, &sum);
            scales[o] = scale[o];
            biases[o] = bias ? bias[o] : 0;
            start[o] = t->isa->wide ? 0 : -p->zero * sum;
        }
    }
}

/* ---- running ---- */

typedef struct job {
    const fvi_qconv_isa *isa;
    const fvi_qconv_params *p;
    const fvi_qconv_io *io;
    shape s;
    const float *scale, *bias;
    const int32_t *start, *units;
    int16_t *wide;      /* rows of the block, widened */
    ptrdiff_t wide_row; /* 16-bit numbers a row */
} job;

/* Input columns that a piece of `pixels` output pixels reads, and rows that `rows` pieces do. */
static int64_t columns(const fvi_qconv_params *p, int pixels) { return (int64_t)(pixels - 1) * p->sw + (int64_t)(p->kw - 1) * p->dw + 1; }
static int64_t lines(const fvi_qconv_params *p, int rows) { return (int64_t)(rows - 1) * p->sh + (int64_t)(p->kh - 1) * p->dh + 1; }
static size_t wide_bytes(const fvi_qconv_params *p, const shape *s, int rows)
{
    return (size_t)(columns(p, s->flat ? FLAT : s->wo) * s->room) * (size_t)(s->flat ? rows : lines(p, rows)) * sizeof(int16_t);
}

/* Pieces that are worked on together: their input should stay in the L2 cache while the panels pass over it. */
static int rows_a_block(const fvi_qconv_isa *isa, const fvi_qconv_params *p, const shape *s)
{
    const size_t room = p->l2 / 4, row = isa->wide ? wide_bytes(p, s, 2) - wide_bytes(p, s, 1) : (size_t)p->sh * (size_t)(s->flat ? FLAT : s->w) * (size_t)p->cin;
    return row && room / row > 1 ? (int)fvi_min_i64((int64_t)(room / row), 64) : 1;
}

static size_t workspace_bytes(const fvi_qconv_tactic *t, const fvi_qconv_params *p)
{
    const shape s = shape_of(t->isa, p);
    /* enough for every part of the map as well, however its rows come together in blocks */
    return t->isa->wide ? p->l2 / 4 + (size_t)(lines(p, 1) * columns(p, p->wo) * s.room) * sizeof(int16_t) + wide_bytes(p, &s, 1) + 64 : 0;
}

static int chunks(const fvi_qconv_tactic *t, const fvi_qconv_params *p, int threads)
{
    if (threads <= 1) return 1;
    const shape s = shape_of(t->isa, p);
    const int64_t by_work = (int64_t)(cost(t, p) / 10000), n = fvi_min_i64(fvi_min_i64((int64_t)p->n * s.rows, 6LL * threads), by_work);
    return (int)fvi_max_i64(1, n);
}

static int pixels_of(const shape *s, int row) { return s->flat ? (row == s->rows - 1 ? s->wo - row * FLAT : FLAT) : s->wo; }

/* Where output piece `row` of an image begins to read. */
static const uint8_t *input_of(const job *j, int64_t image, int row)
{
    const fvi_qconv_params *p = j->p;
    const uint8_t *in = j->io->in + image * p->in_n;
    return j->s.flat ? in + (ptrdiff_t)row * FLAT * p->in_w : in + ((ptrdiff_t)row * p->sh - p->pt) * p->in_h - (ptrdiff_t)p->pl * p->in_w;
}

static void widen_block(const job *j, int64_t image, int row, int rows)
{
    const fvi_qconv_params *p = j->p;
    if (j->s.flat) {
        for (int r = 0; r < rows; r++)
            j->isa->widen(j->wide + r * j->wide_row, input_of(j, image, row + r), p->in_w, pixels_of(&j->s, row + r), p->cin, j->s.room, p->zero);
        return;
    }
    const int64_t n = lines(p, rows);
    const uint8_t *from = input_of(j, image, row);
    for (int64_t r = 0; r < n; r++, from += p->in_h) j->isa->widen(j->wide + r * j->wide_row, from, p->in_w, (int)columns(p, j->s.wo), p->cin, j->s.room, p->zero);
}

static void do_row(const job *j, int64_t image, int row, int in_block, int panel)
{
    const fvi_qconv_params *p = j->p;
    const fvi_qconv_isa *isa = j->isa;
    const shape *s = &j->s;
    const int v0 = fvi_conv_panel_start(s->split, panel), nv = fvi_conv_panel_start(s->split, panel + 1) - v0, o = v0 * isa->vec, pixels = pixels_of(s, row);
    const int32_t *b = j->units + (size_t)o * (size_t)s->run * (size_t)s->runs;
    fvi_qconv_walk w = {.ny = p->kh, .nx = s->dense ? 1 : p->kw, .k = s->run};
    const char *a;
    if (isa->wide) {
        const ptrdiff_t pixel = s->room * (ptrdiff_t)sizeof(int16_t), line = j->wide_row * (ptrdiff_t)sizeof(int16_t);
        w.dy = p->dh * line, w.dx = p->dw * pixel, w.lda = p->sw * pixel;
        a = (const char *)j->wide + (s->flat ? in_block : (ptrdiff_t)in_block * p->sh) * line;
    } else {
        w.dy = p->dh * p->in_h, w.dx = p->dw * p->in_w, w.lda = p->sw * p->in_w;
        a = (const char *)input_of(j, image, row);
    }
    const ptrdiff_t size = p->bytes ? 1 : sizeof(float), res_size = p->residual == FVI_QCONV_BYTES ? 1 : sizeof(float);
    const ptrdiff_t y = s->flat ? 0 : row, x0 = s->flat ? (ptrdiff_t)row * FLAT : 0;
    char *out = (char *)j->io->out + (image * p->out_n + y * p->out_h + x0 * p->out_w + o) * size;
    const char *res = j->io->res ? (const char *)j->io->res + (image * p->res_n + y * p->res_h + x0 * p->res_w + o) * res_size : NULL;
    fvi_qconv_place place = {.out_w = p->out_w, .res_w = p->res_w, .channels = p->cout - o < nv * isa->vec ? p->cout - o : nv * isa->vec,
                             .lds = nv * isa->vec, .scale = j->scale + o, .bias = j->bias + o, .p = p, .table = j->io->table};
    int32_t sums[FVI_QCONV_TILE] __attribute__((aligned(64)));
    const int tiles = (pixels + isa->mr[nv] - 1) / isa->mr[nv];
    for (int i = 0, x = 0; i < tiles; i++) {
        const int next = (int)((int64_t)pixels * (i + 1) / tiles);
        isa->tile[nv][next - x](&w, a + x * w.lda, b, j->start + o, sums);
        place.pixels = next - x;
        place.out = out + x * p->out_w * size;
        place.res = res ? res + x * p->res_w * res_size : NULL;
        isa->finish[p->act](sums, &place);
        x = next;
    }
}

static void run(const fvi_qconv_tactic *t, const fvi_qconv_params *p, const fvi_qconv_io *io, const void *packed, void *workspace, int chunk, int n_chunks)
{
    job j = {.isa = t->isa, .p = p, .io = io, .s = shape_of(t->isa, p), .wide = workspace};
    j.scale = packed, j.bias = j.scale + j.s.width;
    j.start = (const int32_t *)(j.bias + j.s.width), j.units = j.start + j.s.width;
    j.wide_row = (ptrdiff_t)(columns(p, j.s.flat ? FLAT : j.s.wo) * j.s.room);
    const int64_t all = (int64_t)p->n * j.s.rows, end = all * (chunk + 1) / n_chunks;
    const int block = rows_a_block(t->isa, p, &j.s);
    for (int64_t r = all * chunk / n_chunks, rows; r < end; r += rows) {
        const int64_t image = r / j.s.rows;
        const int row = (int)(r % j.s.rows);
        rows = fvi_min_i64(fvi_min_i64(end - r, block), j.s.rows - row);
        if (t->isa->wide) widen_block(&j, image, row, (int)rows);
        for (int panel = 0; panel < j.s.split.panels; panel++)
            for (int i = 0; i < rows; i++) do_row(&j, image, row + i, i, panel);
    }
}

const fvi_qconv_algorithm fvi_qconv_direct = {.supports = supports, .cost = cost, .packed_bytes = packed_bytes, .pack = pack, .workspace_bytes = workspace_bytes,
                                              .chunks = chunks, .run = run};
