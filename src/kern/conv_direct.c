/* conv_direct.c: convolution as an implicit matrix product: no im2col, tiles of pixels x channels straight from the NHWC
 * input and panels of packed weights. Takes every stride, dilation and group count. A tactic; run by op_conv.c.
 *
 * Packed: bias, then per group and panel the weights [kh][kw][cin/groups][vectors * vec]. Where pixels are dense
 * (distance = channels, no column dilation) a whole kernel row is one run of kw * cin floats. */
#include "base/checked.h"
#include "kern/conv_tactics.h"
#include <string.h>

bool fvi_conv_halo_suffices(const fvi_conv_params *p)
{
    int64_t right = (int64_t)(p->wo - 1) * p->sw - p->pl + (int64_t)(p->kw - 1) * p->dw;
    int64_t bottom = (int64_t)(p->ho - 1) * p->sh - p->pt + (int64_t)(p->kh - 1) * p->dh;
    return p->pt <= p->halo && p->pl <= p->halo && right < (int64_t)p->w + p->halo && bottom < (int64_t)p->h + p->halo;
}

/* Channels, and weights of one output channel, are counted in ints and rounded up to vectors. */
static bool counts_fit(const fvi_conv_params *p)
{
    const double most = INT32_MAX - 64;
    return p->cin < most && p->cout < most && (double)p->kh * p->kw * (p->cin / p->groups) < most;
}

bool fvi_conv_is_nhwc(const fvi_conv_params *p)
{
    return counts_fit(p) && (p->in_c == 1 || p->cin == 1) && (p->out_c == 1 || p->cout == 1) &&
           (!p->residual || p->res_c == 1 || p->cout == 1) && fvi_conv_halo_suffices(p);
}

void fvi_conv_finish(const fvi_conv_isa *isa, const fvi_conv_params *p, const fvi_conv_io *io, const float *tile,
                     ptrdiff_t lds, int image, int y, int x, int pixels, int o, int channels)
{
    const float *res = NULL;
    float *out = io->out + image * p->out_n + y * p->out_h + x * p->out_w + o;
    if (channels == 1 && pixels > 1 && !p->residual) { /* pixels side by side, so that the activation fills its vectors */
        float row[FVI_CONV_MR + 16] __attribute__((aligned(64))) = {0};
        for (int i = 0; i < pixels; i++) row[i] = tile[i * lds];
        isa->act->fn[p->act](row, 0, row, 0, NULL, 0, 1, pixels, p->alpha, p->beta);
        for (int i = 0; i < pixels; i++) out[i * p->out_w] = row[i];
        return;
    }
    if (p->residual) res = io->res + image * p->res_n + y * p->res_h + x * p->res_w + o;
    isa->act->fn[p->act](out, p->out_w, tile, lds, res, p->res_w, pixels, channels, p->alpha, p->beta);
}

void fvi_conv_add_pre(const fvi_conv_isa *isa, const fvi_conv_params *p, const fvi_conv_io *io, float *tile,
                      ptrdiff_t lds, int image, int y, int x, int pixels, int o, int channels)
{
    /* pixels of one parity are a regular walk through both sides */
    const float *row = io->pre + image * p->pre_n + (y >> p->pre_shift) * p->pre_h + o;
    for (int first = 0, step = 1 << p->pre_shift; first < step; first++) {
        const int count = (pixels - first + step - 1) / step;
        if (count < 1) break;
        isa->act->fn[FVI_KACT_NONE](tile + first * lds, step * lds, tile + first * lds, step * lds,
                                    row + ((x + first) >> p->pre_shift) * p->pre_w, p->pre_w, count, channels, 0, 0);
    }
}

static size_t depth(const fvi_conv_params *p) { return (size_t)p->kh * (size_t)p->kw * (size_t)(p->cin / p->groups); }

static size_t padded(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    return (size_t)fvi_conv_split(t->isa, p->cout / p->groups).vecs * (size_t)t->isa->vec;
}

static size_t direct_packed_bytes(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    size_t channels, weights;
    if (!fvi_mul_size(padded(t, p), (size_t)p->groups, &channels)) return 0;
    if (!fvi_mul_size(channels, depth(p), &weights) || !fvi_mul_size(weights, 2 * sizeof(float), &(size_t){0})) return 0;
    return (fvi_conv_bias_floats(channels) + weights) * sizeof(float);
}

static void direct_pack(const fvi_conv_tactic *t, const fvi_conv_params *p, const float *w, const float *bias,
                        void *packed)
{
    const size_t width = padded(t, p), k = depth(p), taps = (size_t)p->kh * (size_t)p->kw;
    const int cin = p->cin / p->groups, cout = p->cout / p->groups, vec = t->isa->vec;
    fvi_conv_panels split = fvi_conv_split(t->isa, cout);
    float *b = packed, *d = b + fvi_conv_bias_floats(width * (size_t)p->groups);
    memset(b, 0, direct_packed_bytes(t, p));
    for (int g = 0; g < p->groups; g++, d += width * k)
        for (int i = 0; i < split.panels; i++) {
            int v0 = fvi_conv_panel_start(split, i), v1 = fvi_conv_panel_start(split, i + 1);
            int n = (v1 - v0) * vec, first = v0 * vec, last = v1 * vec < cout ? v1 * vec : cout;
            for (int o = first; o < last; o++) {
                const float *src = w + (size_t)(g * cout + o) * k;
                float *dst = d + (size_t)first * k + (o - first);
                b[(size_t)g * width + (size_t)o] = bias ? bias[g * cout + o] : 0;
                for (size_t tap = 0; tap < taps; tap++)
                    for (int c = 0; c < cin; c++) dst[(tap * (size_t)cin + (size_t)c) * (size_t)n] = src[(size_t)c * taps + tap];
            }
        }
}

static size_t direct_workspace(const fvi_conv_tactic *t, const fvi_conv_params *p) { return (void)t, (void)p, 0; }

enum { FLAT_UNIT = 12 /* pixels: what suits the tiles of every level */ };

static bool is_flat(const fvi_conv_params *p)
{
    return (!p->pre || (p->pre_shift == 0 && p->pre_h == p->wo * p->pre_w)) && p->kh == 1 && p->kw == 1 && p->sh == 1 && p->sw == 1 && p->pt == 0 && p->pl == 0 &&
           p->in_h == p->w * p->in_w && p->out_h == p->wo * p->out_w && (!p->residual || p->res_h == p->wo * p->res_w);
}

/* A 1x1 over rows without gaps is one long row, cut where it suits the tiles of every level. The panels of weights pass over
 * one piece after the other: a piece and the next one, which is fetched meanwhile, shall lie in the L2 cache, unless the weights
 * do not, which then are better read for few long pieces. */
static int flat_row(const fvi_conv_params *p)
{
    const size_t pixel = sizeof(float) * (size_t)p->cin;
    const bool deep = (double)pixel * p->cout > (double)p->l2 / 2;
    const size_t pixels = (deep ? p->l2 * 3 / 4 : p->l2 * 3 / 8) / pixel;
    return pixels >= 168 ? 168 : pixels >= 84 ? 84 : 48;
}

typedef struct geometry {
    int rows, row, last; /* output rows an image, pixels a row, pixels of the last row */
    int first;           /* flat: pixel that row 0 begins with */
    bool flat;
} geometry;

static bool goes_flat(const fvi_conv_params *p) { return is_flat(p) && (int64_t)p->ho * p->wo < INT32_MAX - 168; }

/* `pixels` of a flat map from `first` on, in equal rows: a short last one would leave the other threads waiting for a long one. */
static geometry flat_geometry(const fvi_conv_params *p, int first, int pixels)
{
    const int most = flat_row(p), pieces = (pixels + most - 1) / most, row = (pixels + pieces - 1) / pieces;
    geometry g = {.row = (row + FLAT_UNIT - 1) / FLAT_UNIT * FLAT_UNIT, .first = first, .flat = true};
    g.rows = (pixels + g.row - 1) / g.row;
    g.last = pixels - (g.rows - 1) * g.row;
    return g;
}

/* Few, heavy pixels: cut the channels rather than stream all weights for every chunk of rows. */
static bool by_panels(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    double weights = (double)depth(p) * p->cout;
    double input = (double)p->n * p->h * p->w * p->cin;
    return weights > 2 * input && fvi_conv_split(t->isa, p->cout / p->groups).panels * p->groups >= 8;
}

static int flat_units(const fvi_conv_params *p) { return (p->ho * p->wo + FLAT_UNIT - 1) / FLAT_UNIT; } /* an image */

static int direct_chunks(const fvi_conv_tactic *t, const fvi_conv_params *p, int threads)
{
    if (threads <= 1) return 1;
    int64_t units = (int64_t)p->n * p->ho, n = 6LL * threads;
    if (by_panels(t, p)) {
        units = (int64_t)p->groups * fvi_conv_split(t->isa, p->cout / p->groups).panels;
    } else if (goes_flat(p)) { /* not shorter than a row, as each chunk passes over all weights, but one a thread */
        units = (int64_t)p->n * flat_units(p);
        const int64_t rows = units * FLAT_UNIT / flat_row(p);
        n = fvi_min_i64(n, rows > threads ? rows / threads * threads : threads);
    }
    n = fvi_min_i64(n, (int64_t)(fvi_conv_flops(p) / (t->isa->flops_per_cycle * 10000))); /* not below 10 000 cycles */
    return (int)fvi_max_i64(1, fvi_min_i64(n, units));
}

typedef struct job {
    const fvi_conv_tactic *t;
    const fvi_conv_params *p;
    const fvi_conv_io *io;
    geometry g;
    fvi_conv_panels split;
    fvi_conv_walk walk;
    const float *bias, *weights;
    size_t width, k;
    bool far_in, far_out; /* input, output too large to be in L2 */
} job;

/* Input of the next block of rows, fetched into L2 bit by bit while the sums of this one keep the core busy: otherwise the
 * first panel of each block waits for memory and the others do not use it. */
typedef struct ahead {
    const char *at;
    ptrdiff_t pixel;  /* bytes from pixel to pixel */
    int lines, line;  /* lines a pixel, and the next of them */
    int64_t left;     /* lines still to fetch */
    int step;         /* lines a tile */
    ptrdiff_t bytes;  /* the same for two steps of a tile, where all lines are in a row (pixel is 0) */
} ahead;

enum { LINE = 64 };

static inline void fetch_ahead(ahead *f)
{
    for (int i = 0; i < f->step && f->left > 0; i++, f->left--) {
        __builtin_prefetch(f->at + f->line * LINE, 0, 2);
        if (++f->line == f->lines) f->line = 0, f->at += f->pixel;
    }
}

/* The lines of a tile for fvi_conv_walk.ahead; null = no more. */
static inline const char *take_ahead(ahead *f)
{
    const char *p = f->at + f->line * LINE;
    if (f->left <= 0) return NULL;
    f->line += f->step, f->left -= f->step;
    return p;
}

static ptrdiff_t bytes_of(const job *j, int step)
{
    const int pairs = j->walk.ny * j->walk.nx * (j->walk.k / 2);
    return (ptrdiff_t)step * LINE / (pairs ? pairs : 1) + 1;
}

/* What rows [r, r + step) read beyond those before them. tiles: those of the block that is worked on meanwhile. */
static ahead plan_ahead(const job *j, int64_t r, int64_t last, int64_t step, int64_t tiles)
{
    const fvi_conv_params *p = j->p;
    ahead f = {.pixel = p->in_w * (ptrdiff_t)sizeof(float)};
    if (r >= last || p->groups > 1 || tiles < 1 || !j->far_in) return f;
    if (step > last - r) step = last - r;
    const int64_t image = r / j->g.rows, y = r % j->g.rows;
    if (step > j->g.rows - y) step = j->g.rows - y;
    /* two blocks that do not fit beside each other would drive each other out */
    if ((double)step * p->sh * j->g.row * p->sw * p->cin * sizeof(float) > (double)p->l2 / 2) return f;
    const float *from = j->io->in + image * p->in_n;
    int64_t pixels = step * j->g.row;
    if (j->g.flat) {
        from += (j->g.first + y * j->g.row) * p->in_w;
    } else {
        const int64_t span = (int64_t)(p->kh - 1) * p->dh + 1, fresh = span < p->sh ? span : p->sh;
        int64_t y0 = y * p->sh - p->pt + span - fresh, rows = (step - 1) * p->sh + fresh;
        if (rows > p->h + p->halo - y0) rows = p->h + p->halo - y0;
        from += y0 * p->in_h - p->halo * p->in_w;
        pixels = rows * (p->w + 2 * p->halo);
    }
    if (pixels < 1) return f;
    f.at = (const char *)from;
    int64_t bytes = (int64_t)p->cin * (int64_t)sizeof(float);
    if (f.pixel - bytes < LINE) bytes = pixels * f.pixel, f.pixel = 0, pixels = 1;
    if (bytes > INT32_MAX) return f;
    f.lines = (int)((bytes + LINE - 1) / LINE);
    f.left = pixels * f.lines;
    f.step = (int)((f.left + tiles - 1) / tiles);
    f.bytes = bytes_of(j, f.step);
    return f;
}

/* Weights of the panels behind the first, for the block of rows that reads them first: since the last run they have gone to memory, and
 * hardware does not look past a page. */
static ahead plan_weights(const job *j, int64_t u0, int64_t u1, int64_t tiles)
{
    ahead f = {0};
    const size_t n = (size_t)j->t->isa->vec, first = n * (size_t)fvi_conv_panel_start(j->split, 1) * j->k;
    const size_t floats = j->width * j->k * (size_t)(u1 - u0) / (size_t)j->split.panels;
    if (floats <= first || tiles < 1 || floats > INT32_MAX || (floats - first) * sizeof(float) < j->p->l1 / 2) return f;
    f.at = (const char *)(j->weights + j->width * j->k * (size_t)u0 / (size_t)j->split.panels + first);
    f.lines = (int)((floats - first) * sizeof(float) / LINE);
    f.left = f.lines;
    f.step = (int)((f.left + tiles - 1) / tiles);
    f.bytes = bytes_of(j, f.step);
    return f;
}

/* One output row of one panel of one group. */
static void do_row(const job *j, int64_t row, int group, int panel, ahead want[2])
{
    const fvi_conv_params *p = j->p;
    const fvi_conv_isa *isa = j->t->isa;
    const int cin = p->cin / p->groups, cout = p->cout / p->groups;
    const int v0 = fvi_conv_panel_start(j->split, panel), nv = fvi_conv_panel_start(j->split, panel + 1) - v0;
    const int n = nv * isa->vec, o = v0 * isa->vec, channels = cout - o < n ? cout - o : n;
    const int image = (int)(row / j->g.rows), y = (int)(row % j->g.rows);
    const int len = y == j->g.rows - 1 ? j->g.last : j->g.row;
    const float *b = j->weights + ((size_t)group * j->width + (size_t)o) * j->k;
    const float *bias = j->bias + (size_t)group * j->width + o;
    const float *a = j->io->in + image * p->in_n + (ptrdiff_t)group * cin;
    if (j->g.flat)
        a += ((ptrdiff_t)y * j->g.row + j->g.first) * p->in_w;
    else
        a += ((ptrdiff_t)y * p->sh - p->pt) * p->in_h - (ptrdiff_t)p->pl * p->in_w;

    const int out_y = j->g.flat ? 0 : y, out_x = j->g.flat ? j->g.first + y * j->g.row : 0;
    float *out = j->io->out + image * p->out_n + out_y * p->out_h + (ptrdiff_t)out_x * p->out_w + group * cout + o;
    float scratch[FVI_CONV_TILE] __attribute__((aligned(64)));
    fvi_conv_walk walk = j->walk;
    const bool epilogue = p->act != FVI_KACT_NONE || p->residual;
    walk.ldc = channels == n ? p->out_w : n;
    const int tiles = (len + isa->mr[nv] - 1) / isa->mr[nv];
    for (int i = 0, x = 0; i < tiles; i++) {
        int next = (int)((int64_t)len * (i + 1) / tiles), mr = next - x;
        walk.ahead = take_ahead(&want[1]);
        walk.ahead_step = want[1].bytes;
        if (!walk.ahead && !want[0].pixel) {
            walk.ahead = take_ahead(&want[0]);
            walk.ahead_step = want[0].bytes;
        } else {
            fetch_ahead(&want[0]);
        }
        if (j->far_out) /* where the next tile goes: stores that miss would hold up the sums behind them */
            for (int m = 0; m < mr; m++) __builtin_prefetch(out + (ptrdiff_t)(next + m) * p->out_w, 1);
        float *c = channels == n ? out + (ptrdiff_t)x * p->out_w : scratch;
        isa->tile[nv][mr](&walk, a + (ptrdiff_t)x * walk.lda, b, bias, c);
        if (p->pre) fvi_conv_add_pre(isa, p, j->io, c, walk.ldc, image, out_y, out_x + x, mr, group * cout + o, channels);
        if (c == scratch || epilogue)
            fvi_conv_finish(isa, p, j->io, c, walk.ldc, image, out_y, out_x + x, mr, group * cout + o, channels);
        x = next;
    }
}

/* Rows whose input stays in cache while the panels pass over it. */
static int64_t rows_a_block(const job *j)
{
    const fvi_conv_params *p = j->p;
    size_t row = (size_t)p->sh * (size_t)j->g.row * (size_t)p->sw * (size_t)(p->cin / p->groups) * sizeof(float);
    size_t weights = j->width * j->k * sizeof(float);
    size_t room = weights <= p->l1 / 2 ? p->l1 / 2 : p->l2 / 3;
    return (int64_t)(row && room / row > 1 ? room / row : 1);
}

/* Output rows [r0, r1) of all images, panels [u0, u1) of all groups. */
static void run_rows(const job *j, int64_t r0, int64_t r1, int64_t u0, int64_t u1)
{
    const int mr = j->t->isa->mr[j->t->isa->nv];
    const int64_t step = rows_a_block(j), tiles = step * (u1 - u0) * ((j->g.row + mr - 1) / mr);
    for (int64_t r = r0; r < r1; r += step) {
        ahead want[2] = {plan_ahead(j, r + step, r1, step, tiles)};
        if (r == r0) want[1] = plan_weights(j, u0, u1, tiles);
        for (int64_t u = u0; u < u1; u++)
            for (int64_t row = r; row < r + step && row < r1; row++)
                do_row(j, row, (int)(u / j->split.panels), (int)(u % j->split.panels), want);
    }
}

static void direct_run(const fvi_conv_tactic *t, const fvi_conv_params *p, const fvi_conv_io *io, const void *packed,
                       void *workspace, int chunk, int chunks)
{
    (void)workspace;
    job j = {.t = t, .p = p, .io = io, .split = fvi_conv_split(t->isa, p->cout / p->groups)};
    const int cin = p->cin / p->groups;
    const bool dense = p->dw == 1 && p->in_w == cin;
    j.walk = (fvi_conv_walk){.ny = p->kh, .nx = dense ? 1 : p->kw, .k = dense ? p->kw * cin : cin,
                             .dy = p->dh * p->in_h, .dx = p->dw * p->in_w, .lda = p->sw * p->in_w};
    j.width = padded(t, p);
    j.k = depth(p);
    j.bias = packed;
    j.far_in = (double)p->n * p->h * p->w * p->cin * sizeof(float) > (double)p->l2;
    j.far_out = (double)p->n * p->ho * p->wo * p->cout * sizeof(float) > (double)p->l2;
    j.weights = j.bias + fvi_conv_bias_floats(j.width * (size_t)p->groups);

    int64_t u0 = 0, u1 = (int64_t)p->groups * j.split.panels;
    if (by_panels(t, p)) {
        const int64_t n = u1;
        u0 = n * chunk / chunks, u1 = n * (chunk + 1) / chunks;
        chunk = 0, chunks = 1;
    }
    if (!goes_flat(p)) {
        const int64_t rows = (int64_t)p->n * p->ho;
        j.g = (geometry){.rows = p->ho, .row = p->wo, .last = p->wo};
        run_rows(&j, rows * chunk / chunks, rows * (chunk + 1) / chunks, u0, u1);
        return;
    }
    const int64_t units = flat_units(p), all = units * p->n, c0 = all * chunk / chunks, c1 = all * (chunk + 1) / chunks;
    for (int64_t image = c0 / units; image * units < c1; image++) {
        const int64_t from = fvi_max_i64(c0 - image * units, 0) * FLAT_UNIT;
        const int64_t to = fvi_min_i64(fvi_min_i64(c1 - image * units, units) * FLAT_UNIT, (int64_t)p->ho * p->wo);
        j.g = flat_geometry(p, (int)from, (int)(to - from));
        run_rows(&j, image * j.g.rows, (image + 1) * j.g.rows, u0, u1);
    }
}

/* Tiles run near the peak; small depths pay for starting and storing them. */
static double direct_cost(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    double k = (double)depth(p), cout = p->cout / p->groups;
    double waste = (double)padded(t, p) / cout;
    double sums = fvi_conv_flops(p) / t->isa->flops_per_cycle * waste * (1 + 16 / k) / 0.9;
    double fetch = fvi_conv_fetch_cycles(p, (double)padded(t, p) * p->groups * k);
    return sums > fetch ? sums : fetch;
}

const fvi_conv_algorithm fvi_conv_direct = {
    .supports = fvi_conv_is_nhwc,
    .cost = direct_cost,
    .packed_bytes = direct_packed_bytes,
    .pack = direct_pack,
    .workspace_bytes = direct_workspace,
    .chunks = direct_chunks,
    .run = direct_run,
};
