/* conv_depthwise.c: one filter a channel (groups = cin = cout), vectorised over channels of the NHWC input; any kernel
 * size, stride and dilation. A tactic; run by op_conv.c.
 *
 * Packed: bias, then per two full vectors of channels, and for one that is left, the weights [kh][kw][vectors * vec]. */
#include "base/checked.h"
#include "kern/conv_tactics.h"
#include <string.h>

enum { BLOCK = 2 /* vectors */, FAR_CHANNELS = 48 };

static bool dw_supports(const fvi_conv_params *p)
{
    return p->groups == p->cin && p->cout == p->cin && p->groups > 1 && !p->pre && fvi_conv_is_nhwc(p);
}

static int vectors(const fvi_conv_tactic *t, const fvi_conv_params *p) { return (p->cin + t->isa->vec - 1) / t->isa->vec; }

static size_t dw_packed_bytes(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    size_t channels = (size_t)vectors(t, p) * (size_t)t->isa->vec, weights;
    if (!fvi_mul_size(channels, (size_t)p->kh * (size_t)p->kw, &weights)) return 0;
    if (!fvi_mul_size(weights, 2 * sizeof(float), &(size_t){0})) return 0;
    return (fvi_conv_bias_floats(channels) + weights) * sizeof(float);
}

static void dw_pack(const fvi_conv_tactic *t, const fvi_conv_params *p, const float *w, const float *bias, void *packed)
{
    const int vec = t->isa->vec, nv = vectors(t, p), taps = p->kh * p->kw;
    float *b = packed, *d = b + fvi_conv_bias_floats((size_t)nv * (size_t)vec);
    memset(b, 0, dw_packed_bytes(t, p));
    if (bias) memcpy(b, bias, sizeof *b * (size_t)p->cout);
    for (int v = 0, n; v < nv; v += n) {
        n = v + BLOCK <= p->cin / vec ? BLOCK : 1;
        const int width = n * vec;
        for (int c = 0; c < width && v * vec + c < p->cin; c++)
            for (int tap = 0; tap < taps; tap++)
                d[(size_t)v * (size_t)vec * (size_t)taps + (size_t)tap * (size_t)width + (size_t)c] =
                    w[(size_t)(v * vec + c) * (size_t)taps + (size_t)tap];
    }
}

static size_t dw_workspace(const fvi_conv_tactic *t, const fvi_conv_params *p) { return (void)t, (void)p, 0; }

static int dw_chunks(const fvi_conv_tactic *t, const fvi_conv_params *p, int threads)
{
    if (threads <= 1) return 1;
    int64_t rows = (int64_t)p->n * p->ho, n = 6LL * threads;
    int64_t by_work = (int64_t)(t->algorithm->cost(t, p) / 10000);
    if (n > by_work) n = by_work;
    if (n > rows) n = rows;
    return n < 1 ? 1 : (int)n;
}

typedef struct job {
    const fvi_conv_tactic *t;
    const fvi_conv_params *p;
    const fvi_conv_io *io;
    const float *bias, *weights;
    fvi_conv_walk walk;
    const fvi_conv_tile_fn *sliding; /* [pixels], where each pixel is loaded once a row of the kernel; null = does not fit */
} job;

typedef struct tile_at {
    int image, y, x, pixels;
} tile_at;

/* What the next tile reads first, the last row of the kernel, and where its sums go: `channels` from `a` and `out` on. */
static inline void fetch_next(const job *j, const tile_at *at, const float *a, const float *out, int channels)
{
    const float *next = a + (j->p->kh - 1) * j->walk.dy + at->pixels * j->walk.lda + (j->p->kw - 1) * j->walk.dx;
    out += at->pixels * j->p->out_w;
    for (int c = 0; c < channels; c += 16)
        for (int m = 0; m < at->pixels; m++) {
            __builtin_prefetch(next + m * j->walk.lda + c);
            __builtin_prefetch(out + m * j->p->out_w + c, 1);
        }
}

/* Sums of all channels land in the output and are finished there, while they are in the first cache; those of a vector that is
 * not full take the way round a scratch tile. */
static inline __attribute__((always_inline)) void do_tile(const job *j, const tile_at *at, bool ahead)
{
    const fvi_conv_params *p = j->p;
    const fvi_conv_isa *isa = j->t->isa;
    const float *a = j->io->in + at->image * p->in_n + ((ptrdiff_t)at->y * p->sh - p->pt) * p->in_h +
                     ((ptrdiff_t)at->x * p->sw - p->pl) * p->in_w;
    float *out = j->io->out + at->image * p->out_n + at->y * p->out_h + at->x * p->out_w;
    const int whole = p->cout / isa->vec, taps = p->kh * p->kw;
    for (int v = 0; v < whole; v += BLOCK) {
        const int nv = whole - v < BLOCK ? whole - v : BLOCK, o = v * isa->vec;
        const float *b = j->weights + (size_t)o * (size_t)taps;
        if (ahead) fetch_next(j, at, a + o, out + o, nv * isa->vec);
        if (!j->sliding) {
            isa->dw[nv][at->pixels](&j->walk, a + o, b, j->bias + o, out + o);
            continue;
        }
        fvi_conv_walk walk = j->walk;
        walk.k = nv * isa->vec;
        for (int i = 0; i < walk.k; i += isa->vec) j->sliding[at->pixels](&walk, a + o + i, b + i, j->bias + o + i, out + o + i);
    }
    if (whole && (p->act != FVI_KACT_NONE || p->residual))
        fvi_conv_finish(isa, p, j->io, out, p->out_w, at->image, at->y, at->x, at->pixels, 0, whole * isa->vec);
    const int o = whole * isa->vec;
    if (o == p->cout) return;
    float scratch[FVI_CONV_TILE] __attribute__((aligned(64)));
    fvi_conv_walk walk = j->walk;
    walk.ldc = walk.k = isa->vec;
    (j->sliding ? j->sliding : isa->dw[1])[at->pixels](&walk, a + o, j->weights + (size_t)o * (size_t)taps, j->bias + o, scratch);
    fvi_conv_finish(isa, p, j->io, scratch, walk.ldc, at->image, at->y, at->x, at->pixels, o, p->cout - o);
}

/* Tile by tile along the row, all channels of each: the input is read in the order it lies in memory. */
static void dw_run(const fvi_conv_tactic *t, const fvi_conv_params *p, const fvi_conv_io *io, const void *packed,
                   void *workspace, int chunk, int chunks)
{
    (void)workspace;
    job j = {.t = t, .p = p, .io = io, .bias = packed};
    j.weights = j.bias + fvi_conv_bias_floats((size_t)vectors(t, p) * (size_t)t->isa->vec);
    j.walk = (fvi_conv_walk){.ny = p->kh, .nx = p->kw, .dy = p->dh * p->in_h, .dx = p->dw * p->in_w, .lda = p->sw * p->in_w,
                             .ldc = p->out_w};
    int most = t->isa->dw_mr;
    /* the map is not in L2, and its pixels lie too far apart for hardware to see what comes next */
    const bool far = (double)p->h * p->w * p->cin * sizeof(float) > (double)p->l2 && p->cin >= FAR_CHANNELS;
    if (p->sw == 1 && p->dw == 1 && p->kw >= 3 && p->kw <= 7 && p->kw % 2 && t->isa->dwx_mr)
        j.sliding = t->isa->dwx[p->kw / 2], most = t->isa->dwx_mr;
    const int64_t rows = (int64_t)p->n * p->ho;
    const int tiles = (p->wo + most - 1) / most;
    for (int64_t r = rows * chunk / chunks; r < rows * (chunk + 1) / chunks; r++) {
        const int image = (int)(r / p->ho), y = (int)(r % p->ho);
        for (int i = 0, x = 0; i < tiles; i++) {
            const int next = (int)((int64_t)p->wo * (i + 1) / tiles), mr = next - x;
            const tile_at at = {image, y, x, mr};
            if (far)
                do_tile(&j, &at, true);
            else
                do_tile(&j, &at, false);
            x = next;
        }
    }
}

/* Two loads a multiply-add, and the padding of the last vector. */
static double dw_cost(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    double waste = (double)vectors(t, p) * t->isa->vec / p->cin;
    return fvi_conv_flops(p) / t->isa->flops_per_cycle * 2 * waste;
}

const fvi_conv_algorithm fvi_conv_depthwise = {
    .supports = dw_supports,
    .cost = dw_cost,
    .packed_bytes = dw_packed_bytes,
    .pack = dw_pack,
    .workspace_bytes = dw_workspace,
    .chunks = dw_chunks,
    .run = dw_run,
};
