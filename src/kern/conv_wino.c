/* conv_wino.c: Winograd F(4x4,3x3) for 3x3 convolutions of stride 1: a quarter of the multiplications. A tactic; run by
 * op_conv.c.
 *
 * Blocked so that nothing leaves the L2 cache: a strip of T tiles of 4x4 outputs is transformed into V[36][T][cin]; then,
 * panel by panel of output channels, 36 small matrix products give M[36][T][panel], which is transformed back in place
 * and goes through the epilogue while it is hot.
 * Packed: bias, then per panel U[36][cin][vectors * vec], transformed in double. */
#include "base/checked.h"
#include "kern/conv_tactics.h"
#include <math.h>
#include <string.h>

enum { POINTS = 36, SKEW = 16 /* floats between planes, so that 36 of them do not share cache sets */ };

static bool wino_supports(const fvi_conv_params *p)
{
    return !p->exact && p->kh == 3 && p->kw == 3 && p->sh == 1 && p->sw == 1 && p->dh == 1 && p->dw == 1 && p->groups == 1 &&
           p->wo >= 2 && p->ho >= 2 && !p->pre && fvi_conv_is_nhwc(p);
}

static size_t wino_width(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    return (size_t)fvi_conv_split(t->isa, p->cout).vecs * (size_t)t->isa->vec;
}

static size_t wino_packed_bytes(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    size_t weights, width = wino_width(t, p);
    if (!fvi_mul_size(width, (size_t)p->cin, &weights)) return 0;
    if (!fvi_mul_size(weights, 2 * POINTS * sizeof(float), &(size_t){0})) return 0;
    return (fvi_conv_bias_floats(width) + POINTS * weights) * sizeof(float);
}

/* G of the points 0, +-sqrt(1/2), +-sqrt 2, infinity */
static void make_g(double g[6][3])
{
    const double point[5] = {0, sqrt(0.5), -sqrt(0.5), sqrt(2), -sqrt(2)}, norm[5] = {1, -1.5, -1.5, 6, 6};
    for (int i = 0; i < 5; i++) {
        g[i][0] = 1 / norm[i];
        g[i][1] = point[i] / norm[i];
        g[i][2] = point[i] * point[i] / norm[i];
    }
    g[5][0] = g[5][1] = 0;
    g[5][2] = 1;
}

/* u = G w G^T */
static void transform_weights(const double g[6][3], const float w[9], float u[POINTS])
{
    double t[6][3];
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 3; j++) t[i][j] = g[i][0] * w[j] + g[i][1] * w[3 + j] + g[i][2] * w[6 + j];
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++)
            u[6 * i + j] = (float)(t[i][0] * g[j][0] + t[i][1] * g[j][1] + t[i][2] * g[j][2]);
}

static void wino_pack(const fvi_conv_tactic *t, const fvi_conv_params *p, const float *w, const float *bias, void *packed)
{
    const size_t width = wino_width(t, p), cin = (size_t)p->cin;
    const fvi_conv_panels split = fvi_conv_split(t->isa, p->cout);
    const int vec = t->isa->vec;
    double g[6][3];
    make_g(g);
    memset(packed, 0, wino_packed_bytes(t, p));
    float *b = packed, *d = b + fvi_conv_bias_floats(width);
    if (bias) memcpy(b, bias, sizeof *b * (size_t)p->cout);
    for (int i = 0; i < split.panels; i++) {
        const int first = fvi_conv_panel_start(split, i) * vec, next = fvi_conv_panel_start(split, i + 1) * vec;
        const size_t n = (size_t)(next - first);
        for (int o = first; o < next && o < p->cout; o++)
            for (size_t c = 0; c < cin; c++) {
                float u[POINTS];
                transform_weights((const double(*)[3])g, w + ((size_t)o * cin + c) * 9, u);
                float *dst = d + (size_t)first * cin * POINTS + c * n + (size_t)(o - first);
                for (size_t xi = 0; xi < POINTS; xi++) dst[xi * cin * n] = u[xi];
            }
    }
}

/* ---- blocking ---- */

/* Floats of a tile in V: rows a multiple of 512 bytes apart would meet in the same banks of the L1 cache. */
static ptrdiff_t padded_cin(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    const ptrdiff_t n = (p->cin + t->isa->vec - 1) / t->isa->vec * t->isa->vec;
    return n % 128 ? n : n + 16;
}

/* Most tiles of a strip: V and M of it take up to two thirds of the L2 cache; whole rows of tiles where they fit, because the
 * epilogue goes by rows. Not below 25: deep layers stream U from memory once a strip, and that costs more than V does. */
static int strip_tiles(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    const size_t tile = POINTS * sizeof(float) * (size_t)(padded_cin(t, p) + t->isa->nv * t->isa->vec);
    const size_t room = p->l2 * 2 / 3 / tile, across = ((size_t)p->wo + 3) / 4;
    const size_t n = room < 25 ? 25 : room > 40 ? 40 : room;
    return (int)(across <= n ? n / across * across : n);
}

static ptrdiff_t plane_v(const fvi_conv_tactic *t, const fvi_conv_params *p, int tiles)
{
    return tiles * padded_cin(t, p) + SKEW;
}

static ptrdiff_t plane_m(const fvi_conv_tactic *t, int tiles) { return (ptrdiff_t)tiles * t->isa->nv * t->isa->vec + SKEW; }

static size_t wino_workspace(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    const int tiles = strip_tiles(t, p);
    return sizeof(float) * POINTS * (size_t)(plane_v(t, p, tiles) + plane_m(t, tiles) + padded_cin(t, p));
}

static int64_t tile_count(const fvi_conv_params *p)
{
    return (int64_t)p->n * ((p->ho + 3) / 4) * ((p->wo + 3) / 4);
}

/* Every chunk streams all of U, so chunks hold at least a dozen tiles. */
static int wino_chunks(const fvi_conv_tactic *t, const fvi_conv_params *p, int threads)
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
    const fvi_conv_io *io;
    int64_t first; /* tile */
    int tiles, across, down;
    ptrdiff_t cin, vs, ms;
    float *v, *m, *patch;
} strip;

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
    memset(s->patch, 0, sizeof(float) * POINTS * (size_t)s->cin);
    for (int y = 0; y < 6; y++)
        for (int x = 0; x < 6; x++) {
            if (y0 + y < 0 || y0 + y >= p->h || x0 + x < 0 || x0 + x >= p->w) continue;
            memcpy(s->patch + (6 * y + x) * s->cin, in + (y0 + y) * p->in_h + (x0 + x) * p->in_w,
                   sizeof(float) * (size_t)p->cin);
        }
    return s->patch;
}

static void transform_input(const strip *s)
{
    const fvi_conv_params *p = s->p;
    const int vecs = (p->cin + s->t->isa->vec - 1) / s->t->isa->vec;
    for (int i = 0; i < s->tiles; i++) {
        int image, ty, tx;
        locate(s, s->first + i, &image, &ty, &tx);
        const int y0 = 4 * ty - p->pt, x0 = 4 * tx - p->pl;
        const float *in = s->io->in + image * p->in_n;
        float *v = s->v + i * s->cin;
        if (y0 + 6 <= p->h + p->halo && x0 + 6 <= p->w + p->halo)
            s->t->isa->wino_in(in + y0 * p->in_h + x0 * p->in_w, p->in_w, p->in_h, vecs, v, s->vs);
        else
            s->t->isa->wino_in(copy_window(s, in, y0, x0), s->cin, 6 * s->cin, vecs, v, s->vs);
    }
}

static void multiply(const strip *s, const float *u, int nv)
{
    static const float zero[FVI_CONV_NV * 16] __attribute__((aligned(64)));
    const fvi_conv_isa *isa = s->t->isa;
    const int n = nv * isa->vec, parts = (s->tiles + isa->mr[nv] - 1) / isa->mr[nv];
    const fvi_conv_walk walk = {.ny = 1, .nx = 1, .k = s->p->cin, .lda = s->cin, .ldc = n};
    for (int xi = 0; xi < POINTS; xi++, u += (size_t)s->p->cin * (size_t)n)
        for (int i = 0, m = 0; i < parts; i++) {
            const int next = s->tiles * (i + 1) / parts;
            isa->tile[nv][next - m](&walk, s->v + xi * s->vs + m * s->cin, u, zero, s->m + xi * s->ms + m * n);
            m = next;
        }
}

/* Pixel (i,j) of the tiles [a,b) of one row of tiles; their results stand in plane 4 i + j of m. */
static void finish_plane(const strip *s, int a, int b, int i, int j, int image, int ty, int tx, int o, int n)
{
    const fvi_conv_params *p = s->p;
    const int y = 4 * ty + i, x = 4 * tx + j;
    int rows = b - a;
    if (y >= p->ho) return;
    while (rows > 0 && x + 4 * (rows - 1) >= p->wo) rows--;
    if (!rows) return;
    const int channels = p->cout - o < n ? p->cout - o : n;
    const float *res = p->residual ? s->io->res + image * p->res_n + y * p->res_h + x * p->res_w + o : NULL;
    s->t->isa->act->fn[p->act](s->io->out + image * p->out_n + y * p->out_h + x * p->out_w + o, 4 * p->out_w,
                               s->m + (4 * i + j) * s->ms + (ptrdiff_t)a * n, n, res, 4 * p->res_w, rows, channels, p->alpha,
                               p->beta);
}

static void transform_output(const strip *s, const float *bias, int nv, int o)
{
    const int n = nv * s->t->isa->vec;
    for (int i = 0; i < s->tiles; i++) {
        float *m = s->m + (ptrdiff_t)i * n;
        s->t->isa->wino_out(m, s->ms, bias, nv, m, s->ms);
    }
    for (int a = 0; a < s->tiles;) {
        int image, ty, tx;
        locate(s, s->first + a, &image, &ty, &tx);
        const int b = a + s->across - tx < s->tiles ? a + s->across - tx : s->tiles;
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++) finish_plane(s, a, b, i, j, image, ty, tx, o, n);
        a = b;
    }
}

static void wino_run(const fvi_conv_tactic *t, const fvi_conv_params *p, const fvi_conv_io *io, const void *packed,
                     void *workspace, int chunk, int chunks)
{
    const size_t width = wino_width(t, p);
    const fvi_conv_panels split = fvi_conv_split(t->isa, p->cout);
    const float *bias = packed, *u = bias + fvi_conv_bias_floats(width);
    const int64_t all = tile_count(p), t0 = all * chunk / chunks, count = all * (chunk + 1) / chunks - t0;
    const int most = strip_tiles(t, p);
    const int64_t strips = (count + most - 1) / most;
    strip s = {.t = t, .p = p, .io = io, .across = (p->wo + 3) / 4, .down = (p->ho + 3) / 4, .cin = padded_cin(t, p)};
    for (int64_t i = 0; i < strips; i++) {
        s.first = t0 + count * i / strips;
        s.tiles = (int)(t0 + count * (i + 1) / strips - s.first);
        s.vs = plane_v(t, p, s.tiles), s.ms = plane_m(t, s.tiles);
        s.v = workspace, s.m = s.v + POINTS * s.vs, s.patch = s.m + POINTS * s.ms;
        transform_input(&s);
        for (int panel = 0; panel < split.panels; panel++) {
            const int v0 = fvi_conv_panel_start(split, panel), nv = fvi_conv_panel_start(split, panel + 1) - v0;
            const int o = v0 * t->isa->vec;
            multiply(&s, u + (size_t)o * (size_t)p->cin * POINTS, nv);
            transform_output(&s, bias + o, nv, o);
        }
    }
}

/* 36 products instead of 144 for 16 outputs, and the transforms in vector operations per tile. */
static double wino_cost(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    const double tiles = (double)tile_count(p), in = (double)padded_cin(t, p) / t->isa->vec, out = (double)wino_width(t, p);
    const double products = 2.0 * POINTS * p->cin * out * tiles / t->isa->flops_per_cycle * (1 + 16.0 / p->cin) / 0.8;
    const double fetch = fvi_conv_fetch_cycles(p, POINTS * (double)p->cin * out);
    return (products > fetch ? products : fetch) + tiles * (120 * in + 120 * out / t->isa->vec);
}

static double wino_executed(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    (void)t;
    return 2.0 * POINTS * (double)tile_count(p) * p->cin * p->cout;
}

const fvi_conv_algorithm fvi_conv_wino = {
    .supports = wino_supports,
    .cost = wino_cost,
    .packed_bytes = wino_packed_bytes,
    .pack = wino_pack,
    .workspace_bytes = wino_workspace,
    .chunks = wino_chunks,
    .run = wino_run,
    .executed_flops = wino_executed,
};
