/* conv_wino_strip.c: the strips of the Winograd tactics: windows of input into the transformed domain, 36 matrix products,
 * and back through the epilogue. Called through conv_wino.c and conv_wino2.c.
 *
 * A strip of T tiles becomes V[matrix][rows][cin]; matrix by matrix (so that V and the weights of one are in the L1 cache
 * while all output channels pass) it gives M[matrix][rows][cout], which is transformed back straight into the output.
 * Packed: bias, then U[36][panel][cin][vectors * vec]. */
#include "kern/conv_wino_strip.h"
#include "base/checked.h"
#include <string.h>

enum { SKEW = 16 /* floats between matrices, so that 36 of them do not share cache sets */ };

static const fvi_wino_scheme *scheme_of(const fvi_conv_params *p) { return p->sh == 2 ? &fvi_wino_scheme2 : &fvi_wino_scheme1; }

bool fvi_wino_supports(const fvi_conv_params *p)
{
    return !p->exact && p->kh == 3 && p->kw == 3 && p->sh == p->sw && p->dh == 1 && p->dw == 1 && p->groups == 1 &&
           p->wo >= 2 && p->ho >= 2 && !p->pre && fvi_conv_is_nhwc(p);
}

static size_t width_of(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    return (size_t)fvi_conv_split(t->isa, p->cout).vecs * (size_t)t->isa->vec;
}

size_t fvi_wino_packed_bytes(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    size_t weights, width = width_of(t, p);
    if (!fvi_mul_size(width, (size_t)p->cin, &weights)) return 0;
    if (!fvi_mul_size(weights, 2 * FVI_WINO_MATRICES * sizeof(float), &(size_t){0})) return 0;
    return (fvi_conv_bias_floats(width) + FVI_WINO_MATRICES * weights) * sizeof(float);
}

/* Output channels o.. of one input channel: the 36 matrices lie apart by powers of two, so each line is written once and whole. Lanes that
 * there are no channels for are zeros, which the panel has room for when `count` ends it. */
static void pack_some(const fvi_wino_scheme *scheme, const float *w, size_t next, int count, int room, float *dst, size_t matrix)
{
    double in[9][FVI_WINO_LANES];
    float u[FVI_WINO_MATRICES][FVI_WINO_LANES];
    for (int o = 0; o < count; o++, w += next)
        for (int k = 0; k < 9; k++) in[k][o] = (double)w[k];
    for (int o = count; o < FVI_WINO_LANES; o++)
        for (int k = 0; k < 9; k++) in[k][o] = 0;
    scheme->weights(in, u);
    if (room == FVI_WINO_LANES)
        for (size_t g = 0; g < FVI_WINO_MATRICES; g++) memcpy(dst + g * matrix, u[g], sizeof u[g]);
    else
        for (size_t g = 0; g < FVI_WINO_MATRICES; g++) memcpy(dst + g * matrix, u[g], sizeof u[g][0] * (size_t)room);
}

void fvi_wino_pack(const fvi_conv_tactic *t, const fvi_conv_params *p, const float *w, const float *bias, void *packed)
{
    const size_t width = width_of(t, p), cin = (size_t)p->cin;
    const fvi_conv_panels split = fvi_conv_split(t->isa, p->cout);
    const int vec = t->isa->vec;
    float *b = packed, *d = b + fvi_conv_bias_floats(width);
    memset(b, 0, sizeof *b * fvi_conv_bias_floats(width));
    if (bias) memcpy(b, bias, sizeof *b * (size_t)p->cout);
    for (int i = 0; i < split.panels; i++) {
        const int first = fvi_conv_panel_start(split, i) * vec, next = fvi_conv_panel_start(split, i + 1) * vec;
        const size_t n = (size_t)(next - first);
        for (size_t c = 0; c < cin; c++)
            for (int o = first; o < next; o += FVI_WINO_LANES) {
                const int room = next - o < FVI_WINO_LANES ? next - o : FVI_WINO_LANES, left = p->cout - o, count = left < 0 ? 0 : left < room ? left : room;
                pack_some(scheme_of(p), count ? w + ((size_t)o * cin + c) * 9 : w, cin * 9, count, room, d + (size_t)first * cin + c * n + (size_t)(o - first), cin * width);
            }
    }
}

/* ---- blocking ---- */

/* Floats of a row of V or M: rows a multiple of 512 bytes apart would meet in the same banks of the L1 cache. */
static ptrdiff_t row_floats(const fvi_conv_tactic *t, int channels)
{
    const ptrdiff_t n = ((ptrdiff_t)channels + t->isa->vec - 1) / t->isa->vec * t->isa->vec;
    return n % 128 ? n : n + 16;
}

/* Floats of V and M a tile. */
static size_t tile_floats(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    return (size_t)scheme_of(p)->positions * (size_t)(row_floats(t, p->cin) + row_floats(t, p->cout));
}

/* Weights of many times the cache, which come from memory for every strip. */
static bool weights_stream(const fvi_conv_tactic *t, const fvi_conv_params *p) { return fvi_wino_packed_bytes(t, p) / 3 > p->l2; }

/* Most tiles of a strip: V and M of it take up to a third of the L2 cache, which the other hardware thread may share. Not
 * below 25 where weights stream: that costs more than V and M do. */
static int most_tiles(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    const size_t room = p->l2 / 3 / sizeof(float) / tile_floats(t, p), least = weights_stream(t, p) ? 25 : 12;
    return (int)(room < least ? least : room > 40 ? 40 : room);
}

/* A row of tiles or an equal part of one: what comes next then lies in rows as well. The workspace has room for most_tiles, because parts of the
 * map have rows of other lengths. */
static int strip_tiles(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    const int most = most_tiles(t, p), across = (p->wo + 3) / 4, parts = (across + most - 1) / most, part = (across + parts - 1) / parts;
    return part * 3 >= most * 2 ? part : most;
}

size_t fvi_wino_workspace(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    const fvi_wino_scheme *s = scheme_of(p);
    const size_t tiles = (size_t)most_tiles(t, p) * tile_floats(t, p);
    const size_t patch = (size_t)s->window * (size_t)s->window * (size_t)row_floats(t, p->cin);
    return sizeof(float) * (tiles + 2 * FVI_WINO_MATRICES * SKEW + patch);
}

static int64_t tile_count(const fvi_conv_params *p)
{
    return (int64_t)p->n * ((p->ho + 3) / 4) * ((p->wo + 3) / 4);
}

/* Every chunk streams all of U, so chunks hold at least a dozen tiles. */
int fvi_wino_chunks(const fvi_conv_tactic *t, const fvi_conv_params *p, int threads)
{
    (void)t;
    if (threads <= 1) return 1;
    int64_t most = tile_count(p) / 12, n = 4LL * threads;
    if (most < threads) most = threads;
    if (n > most) n = most / threads * threads;
    return (int)fvi_min_i64(n, tile_count(p));
}

/* ---- run ---- */

typedef struct strip {
    const fvi_conv_tactic *t;
    const fvi_conv_params *p;
    const fvi_wino_scheme *scheme;
    const fvi_conv_io *io;
    int64_t first; /* tile */
    int tiles, across, down;
    ptrdiff_t cin, cout; /* floats of a row of V, of M */
    int rows[FVI_WINO_MATRICES]; /* of a tile */
    ptrdiff_t v_at[FVI_WINO_MATRICES], m_at[FVI_WINO_MATRICES], v_off[FVI_WINO_POSITIONS], m_off[FVI_WINO_POSITIONS];
    float *v, *m, *patch;
} strip;

static void count_rows(strip *s)
{
    int g, copy;
    for (int k = 0; k < s->scheme->positions; k++) {
        s->scheme->where(k, &g, &copy);
        if (s->rows[g] <= copy) s->rows[g] = copy + 1;
    }
}

/* Row r of matrix g belongs to tile r % tiles. */
static void lay_out(strip *s, float *workspace)
{
    ptrdiff_t v = 0, m = 0;
    for (int g = 0; g < FVI_WINO_MATRICES; g++) {
        s->v_at[g] = v, s->m_at[g] = m;
        v += s->rows[g] * s->tiles * s->cin + SKEW;
        m += s->rows[g] * s->tiles * s->cout + SKEW;
    }
    for (int k = 0; k < s->scheme->positions; k++) {
        int g, copy;
        s->scheme->where(k, &g, &copy);
        s->v_off[k] = s->v_at[g] + copy * s->tiles * s->cin;
        s->m_off[k] = s->m_at[g] + copy * s->tiles * s->cout;
    }
    s->v = workspace, s->m = s->v + v, s->patch = s->m + m;
}

static void locate(const strip *s, int64_t tile, int *image, int *ty, int *tx)
{
    *tx = (int)(tile % s->across);
    *ty = (int)(tile / s->across % s->down);
    *image = (int)(tile / s->across / s->down);
}

/* Window that reaches past the stored zeros: copied, with zeros for what does not exist. */
static const float *copy_window(const strip *s, const float *in, int y0, int x0)
{
    const fvi_conv_params *p = s->p;
    const int window = s->scheme->window;
    memset(s->patch, 0, sizeof(float) * (size_t)(window * window * s->cin));
    for (int y = 0; y < window; y++)
        for (int x = 0; x < window; x++) {
            if (y0 + y < 0 || y0 + y >= p->h || x0 + x < 0 || x0 + x >= p->w) continue;
            memcpy(s->patch + (window * y + x) * s->cin, in + (y0 + y) * p->in_h + (x0 + x) * p->in_w,
                   sizeof(float) * (size_t)p->cin);
        }
    return s->patch;
}

static void transform_input(const strip *s)
{
    const fvi_conv_params *p = s->p;
    const fvi_conv_isa *isa = s->t->isa;
    const int vecs = (p->cin + isa->vec - 1) / isa->vec, window = s->scheme->window, step = s->scheme->step;
    const fvi_wino_in_fn fn = s->scheme->stride == 2 ? isa->wino2_in : isa->wino_in;
    for (int i = 0; i < s->tiles; i++) {
        int image, ty, tx;
        locate(s, s->first + i, &image, &ty, &tx);
        const int y0 = step * ty - p->pt, x0 = step * tx - p->pl;
        const float *in = s->io->in + image * p->in_n;
        float *v = s->v + i * s->cin;
        if (y0 + window <= p->h + p->halo && x0 + window <= p->w + p->halo)
            fn(in + y0 * p->in_h + x0 * p->in_w, p->in_w, p->in_h, vecs, v, s->v_off);
        else
            fn(copy_window(s, in, y0, x0), s->cin, window * s->cin, vecs, v, s->v_off);
    }
}

/* Rows of bytes that are wanted soon, given out in pieces. */
typedef struct feed {
    const char *at;
    ptrdiff_t pitch, bytes; /* from row to row; of a row */
    ptrdiff_t done;         /* of this row */
    int rows;               /* left */
} feed;

enum { FEEDS = 2 };

/* The next piece of about `bytes`; null = all is given. */
static const char *take(feed *f, ptrdiff_t bytes)
{
    for (int i = 1; i < FEEDS && f->rows <= 0; i++) f++;
    if (f->rows <= 0) return NULL;
    const char *p = f->at + f->done;
    f->done += bytes;
    if (f->done >= f->bytes) f->done = 0, f->at += f->pitch, f->rows--;
    return p;
}

/* What each of the tiles of a strip has to fetch of them. */
static ptrdiff_t share_of(const strip *s, const feed *f)
{
    const fvi_conv_isa *isa = s->t->isa;
    ptrdiff_t tiles = 0, bytes = 0;
    for (int g = 0; g < FVI_WINO_MATRICES; g++) tiles += (s->rows[g] * s->tiles + isa->mr[isa->nv] - 1) / isa->mr[isa->nv];
    for (int i = 0; i < FEEDS; i++) bytes += f[i].rows * f[i].bytes;
    return bytes / (tiles * fvi_conv_split(isa, s->p->cout).panels) + 64;
}

/* cold: nobody has read the weights in this run, so that they lie in memory and are asked for ahead: hardware does not look past a page.
 * soon: fetched where weights are not. */
static void multiply(const strip *s, const float *u, bool cold, feed soon[FEEDS])
{
    static const float zero[FVI_CONV_NV * 16] __attribute__((aligned(64)));
    const fvi_conv_isa *isa = s->t->isa;
    const fvi_conv_panels split = fvi_conv_split(isa, s->p->cout);
    fvi_conv_walk walk = {.ny = 1, .nx = 1, .k = s->p->cin, .lda = s->cin, .ldc = s->cout};
    const bool stream = cold || weights_stream(s->t, s->p);
    const ptrdiff_t share = share_of(s, soon);
    for (int g = 0; g < FVI_WINO_MATRICES; g++)
        for (int panel = 0; panel < split.panels; panel++) {
            const int v0 = fvi_conv_panel_start(split, panel), nv = fvi_conv_panel_start(split, panel + 1) - v0;
            const int rows = s->rows[g] * s->tiles, parts = (rows + isa->mr[nv] - 1) / isa->mr[nv];
            const float *a = s->v + s->v_at[g];
            float *c = s->m + s->m_at[g] + v0 * isa->vec;
            const ptrdiff_t weights = (ptrdiff_t)s->p->cin * nv * isa->vec, part = weights * (ptrdiff_t)sizeof(float) / parts + 1;
            const bool ahead = stream && (g + 1 < FVI_WINO_MATRICES || panel + 1 < split.panels);
            for (int i = 0, m = 0; i < parts; i++) {
                const int next = rows * (i + 1) / parts;
                walk.ahead = ahead ? (const char *)(u + weights) + i * part : take(soon, share);
                walk.ahead_step = 2 * (ahead ? part : share) / walk.k + 1;
                isa->tile[nv][next - m](&walk, a + m * s->cin, u, zero, c + m * s->cout);
                m = next;
            }
            u += weights;
        }
}

/* Activations that the transform does not know pass over the tile once more. */
static void finish(const strip *s, const fvi_wino_place *o)
{
    const fvi_conv_params *p = s->p;
    for (int y = 0; y < o->ny; y++)
        s->t->isa->act->fn[p->act](o->out + y * o->out_h, o->out_w, o->out + y * o->out_h, o->out_w,
                                   o->res ? o->res + y * o->res_h : NULL, o->res_w, o->nx, p->cout, p->alpha, p->beta);
}

static void transform_output(const strip *s, const float *bias)
{
    const fvi_conv_params *p = s->p;
    const fvi_conv_isa *isa = s->t->isa;
    const bool whole = isa->wino_acts >> p->act & 1;
    const fvi_wino_out_fn fn = s->scheme->stride == 2 ? isa->wino2_out : isa->wino_out;
    fvi_wino_place o = {.out_h = p->out_h, .out_w = p->out_w, .res_h = p->res_h, .res_w = p->res_w,
                        .act = whole ? p->act : FVI_KACT_NONE};
    for (int i = 0; i < s->tiles; i++) {
        int image, ty, tx;
        locate(s, s->first + i, &image, &ty, &tx);
        const int y = 4 * ty, x = 4 * tx;
        o.ny = p->ho - y < 4 ? p->ho - y : 4, o.nx = p->wo - x < 4 ? p->wo - x : 4;
        o.out = s->io->out + image * p->out_n + y * p->out_h + x * p->out_w;
        const float *res = p->residual ? s->io->res + image * p->res_n + y * p->res_h + x * p->res_w : NULL;
        o.res = whole ? res : NULL;
        fn(s->m + i * s->cout, s->m_off, bias, p->cout, &o);
        o.res = res;
        if (!whole) finish(s, &o);
    }
}

/* What the strip writes, as far as it is one row of tiles. */
static feed output_of(const strip *s)
{
    const fvi_conv_params *p = s->p;
    int image, ty, tx;
    locate(s, s->first, &image, &ty, &tx);
    const int across = s->tiles < s->across - tx ? s->tiles : s->across - tx, y = 4 * ty;
    return (feed){.at = (const char *)(s->io->out + image * p->out_n + y * p->out_h + 4 * tx * p->out_w), .pitch = p->out_h * (ptrdiff_t)sizeof(float),
                  .bytes = 4 * across * p->out_w * (ptrdiff_t)sizeof(float), .rows = p->ho - y < 4 ? p->ho - y : 4};
}

/* What the tiles [first, end) read, without the rows that they share with those above. */
static feed input_of(const strip *s, int64_t first, int64_t end)
{
    const fvi_conv_params *p = s->p;
    const int step = s->scheme->step, window = s->scheme->window;
    int image, ty, tx;
    locate(s, first, &image, &ty, &tx);
    const int tiles = (int)(end - first), across = tiles < s->across - tx ? tiles : s->across - tx;
    const int y0 = step * ty - p->pt + window - step, last = p->h + p->halo, rows = last - y0 < step ? last - y0 : step;
    return (feed){.at = (const char *)(s->io->in + image * p->in_n + y0 * p->in_h + (step * tx - p->pl) * p->in_w), .pitch = p->in_h * (ptrdiff_t)sizeof(float),
                  .bytes = step * across * p->in_w * (ptrdiff_t)sizeof(float), .rows = rows};
}

void fvi_wino_run(const fvi_conv_tactic *t, const fvi_conv_params *p, const fvi_conv_io *io, const void *packed, void *workspace,
                  int chunk, int chunks)
{
    const float *bias = packed, *u = bias + fvi_conv_bias_floats(width_of(t, p));
    const int64_t all = tile_count(p), t0 = all * chunk / chunks, count = all * (chunk + 1) / chunks - t0;
    const int most = strip_tiles(t, p);
    const int64_t strips = (count + most - 1) / most;
    strip s = {.t = t, .p = p, .io = io, .scheme = scheme_of(p), .across = (p->wo + 3) / 4, .down = (p->ho + 3) / 4,
               .cin = row_floats(t, p->cin), .cout = row_floats(t, p->cout)};
    count_rows(&s);
    for (int64_t i = 0; i < strips; i++) {
        s.first = t0 + count * i / strips;
        s.tiles = (int)(t0 + count * (i + 1) / strips - s.first);
        lay_out(&s, workspace);
        transform_input(&s);
        feed soon[FEEDS] = {output_of(&s)};
        if (i + 1 < strips) soon[1] = input_of(&s, t0 + count * (i + 1) / strips, t0 + count * (i + 2) / strips);
        multiply(&s, u, i == 0, soon);
        transform_output(&s, bias);
    }
}

/* Products at most of the peak, and about seven cycles a position and vector for the transforms there and back. */
double fvi_wino_cost(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    const double positions = scheme_of(p)->positions, tiles = (double)tile_count(p), width = (double)width_of(t, p);
    const double products = 2 * positions * p->cin * width * tiles / t->isa->flops_per_cycle * (1 + 4.0 / p->cin) / 0.85;
    const double fetch = fvi_conv_fetch_cycles(p, FVI_WINO_MATRICES * (double)p->cin * width);
    const double vectors = ((double)row_floats(t, p->cin) + width) / t->isa->vec;
    return (products > fetch ? products : fetch) + 7 * positions * tiles * vectors;
}

double fvi_wino_executed(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    (void)t;
    return 2.0 * scheme_of(p)->positions * (double)tile_count(p) * p->cin * p->cout;
}
