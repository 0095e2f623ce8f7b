/* conv_bf16.c: convolution of BF16 maps on the FP32 algorithms: strips of rows are widened, an FP32 algorithm does the
 * strip, and its results are narrowed. Tactics; run by op_conv.c.
 *
 * Packed: which algorithm and how many rows a strip, then what the algorithm packs. A strip is a convolution of its own, in the same packed weights;
 * where strips begin depends on the parameters only, so results do not depend on chunks. */
#include "base/checked.h"
#include "kern/bf16.h"
#include "kern/conv_inner.h"
#include <string.h>

static bool narrow(fv_dtype t) { return t == FV_BF16; }

/* ---- the strip as a convolution in FP32 ---- */

/* `rows` output rows of an image, with staged input and whatever else is not FP32 already. */
static fvi_conv_params strip_of(const fvi_conv_params *p, int rows)
{
    fvi_conv_params s = *p;
    s.bf16 = false;
    s.in_type = s.out_type = s.res_type = s.pre_type = FV_F32;
    s.n = 1, s.ho = rows, s.l1 = FVI_STRIP_L1, s.l2 = FVI_STRIP_L2;
    s.h = (rows - 1) * p->sh + (p->kh - 1) * p->dh + 1, s.w = (p->wo - 1) * p->sw + (p->kw - 1) * p->dw + 1;
    s.pt = s.pl = s.halo = 0;
    s.in_c = 1, s.in_w = s.cin, s.in_h = s.w * s.in_w, s.in_n = s.h * s.in_h;
    if (narrow(p->out_type)) s.out_c = 1, s.out_w = p->cout, s.out_h = p->wo * s.out_w, s.out_n = rows * s.out_h;
    if (narrow(p->res_type)) s.res_c = 1, s.res_w = p->cout, s.res_h = p->wo * s.res_w, s.res_n = rows * s.res_h;
    if (narrow(p->pre_type)) s.pre_w = p->cout, s.pre_h = ((p->wo + p->pre_shift) >> p->pre_shift) * s.pre_w, s.pre_n = ((rows + p->pre_shift) >> p->pre_shift) * s.pre_h;
    return s;
}

/* Floats of the maps of a strip that are staged, each rounded up so that the next is aligned and reading 64 bytes on is allowed. */
typedef struct stage {
    size_t in, out, res, pre;
} stage;

static stage stage_of(const fvi_conv_params *p, const fvi_conv_params *s)
{
    return (stage){fvi_strip_room(s->in_n), narrow(p->out_type) ? fvi_strip_room(s->out_n) : 0, p->residual && narrow(p->res_type) ? fvi_strip_room(s->res_n) : 0,
                   p->pre && narrow(p->pre_type) ? fvi_strip_room(s->pre_n) : 0};
}

static size_t stage_floats(stage g) { return g.in + g.out + g.res + g.pre; }

/* Rows a strip: what is staged fits half of L2, and there are strips enough for threads; fours, which Winograd's tiles are. */
static int strip_rows(const fvi_conv_params *p)
{
    int rows = p->ho >= 64 ? 16 : p->ho >= 16 ? 8 : 4;
    for (; rows > 4; rows -= 4) {
        const fvi_conv_params s = strip_of(p, rows);
        if (stage_floats(stage_of(p, &s)) * sizeof(float) <= FVI_STRIP_L2 / 2) break;
    }
    return rows < p->ho ? rows : p->ho;
}

/* The largest staged map must be countable. */
static bool fits(const fvi_conv_params *p)
{
    const double w = (p->wo - 1.0) * p->sw + (p->kw - 1.0) * p->dw + 1, h = 16.0 * p->sh + (p->kh - 1.0) * p->dh;
    return fvi_conv_is_nhwc(p) && w * h * p->cin < INT32_MAX / 8 && 16.0 * p->wo * p->cout < INT32_MAX / 8;
}

/* ---- wide ---- */

static bool wide_supports(const fvi_conv_params *p)
{
    if (!fits(p)) return false;
    const fvi_conv_params s = strip_of(p, p->ho < 4 ? p->ho : 4);
    return fvi_conv_direct.supports(&s) || fvi_conv_depthwise.supports(&s);
}

/* Cycles of one thread to move and convert what is staged. */
static double stage_cost(const fvi_conv_tactic *t, const fvi_conv_params *p, const fvi_conv_params *s, int rows)
{
    const double strips = p->n * ((p->ho + rows - 1.0) / rows);
    return strips * (double)stage_floats(stage_of(p, s)) * 6 / t->isa->vec;
}

static double wide_cost(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    const int rows = strip_rows(p);
    const fvi_conv_params s = strip_of(p, rows);
    const double c = fvi_conv_inner_cost(t, &s);
    return c >= 1e300 ? c : c * p->n * p->ho / rows + stage_cost(t, p, &s, rows);
}

static size_t wide_packed_bytes(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    const fvi_conv_params s = strip_of(p, strip_rows(p));
    return fvi_conv_inner_packed_bytes(t, &s);
}

static void wide_pack(const fvi_conv_tactic *t, const fvi_conv_params *p, const float *w, const float *bias, void *packed)
{
    const fvi_conv_params s = strip_of(p, strip_rows(p));
    fvi_conv_inner_pack(t, &s, w, bias, packed);
}

static bool wide_valid(const fvi_conv_tactic *t, const fvi_conv_params *p, const void *packed)
{
    const fvi_conv_params s = strip_of(p, strip_rows(p));
    return fvi_conv_inner_valid(t, &s, packed);
}

static size_t wide_workspace(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    const fvi_conv_params s = strip_of(p, strip_rows(p));
    return stage_floats(stage_of(p, &s)) * sizeof(float) + fvi_conv_inner_workspace(t, &s);
}

static int strip_chunks(const fvi_conv_tactic *t, const fvi_conv_params *p, int threads)
{
    (void)t;
    const int rows = strip_rows(p);
    const int64_t strips = (int64_t)p->n * ((p->ho + rows - 1) / rows);
    return (int)(strips < 8LL * threads ? strips : 8LL * threads);
}

static double wide_executed(const fvi_conv_tactic *t, const fvi_conv_params *p)
{
    const int rows = strip_rows(p);
    const fvi_conv_params s = strip_of(p, rows);
    return fvi_conv_inner_executed(t, &s) * p->n * p->ho / rows;
}

/* ---- staging ---- */

/* Rows of `pixels` x `channels` BF16, pixels ld apart, one after the other as floats. */
static void widen_row(const fvi_bf16_kern *k, float *y, const uint16_t *x, ptrdiff_t ld, int pixels, int channels)
{
    if (ld == channels || pixels == 1) {
        k->widen(y, x, (size_t)pixels * (size_t)channels);
        return;
    }
    for (int i = 0; i < pixels; i++) k->widen(y + (ptrdiff_t)i * channels, x + i * ld, (size_t)channels);
}

/* A map's rows [0, rows) from `from` (elements of `type`) as dense floats. */
static void widen_map(const fvi_bf16_kern *k, float *y, const void *from, ptrdiff_t at, ptrdiff_t ld_row, ptrdiff_t ld, int rows, int pixels, int channels)
{
    for (int r = 0; r < rows; r++)
        widen_row(k, y + (ptrdiff_t)r * pixels * channels, (const uint16_t *)from + at + r * ld_row, ld, pixels, channels);
}

static void stage_input(const fvi_bf16_kern *k, const fvi_conv_params *p, const fvi_conv_params *s, const fvi_conv_io *io, ptrdiff_t at, float *y)
{
    if (narrow(p->in_type)) {
        widen_map(k, y, io->in, at, p->in_h, p->in_w, s->h, s->w, p->cin);
        return;
    }
    for (int r = 0; r < s->h; r++)
        for (int x = 0; x < s->w; x++) {
            const float *from = io->in + at + r * p->in_h + x * p->in_w;
            float *to = y + ((ptrdiff_t)r * s->w + x) * p->cin;
            if (p->bf16)
                k->round(to, from, (size_t)p->cin);
            else
                memcpy(to, from, (size_t)p->cin * sizeof *to);
        }
}

static void store_rows(const fvi_bf16_kern *k, const fvi_conv_params *p, uint16_t *out, const float *x, int rows)
{
    for (int r = 0; r < rows; r++, out += p->out_h, x += (ptrdiff_t)p->wo * p->cout) {
        if (p->out_w == p->cout) {
            k->narrow(out, x, (size_t)p->wo * (size_t)p->cout);
            continue;
        }
        for (int i = 0; i < p->wo; i++) k->narrow(out + i * p->out_w, x + (ptrdiff_t)i * p->cout, (size_t)p->cout);
    }
}

/* Pointers of a strip: staged ones into the workspace (after the input, which the caller has staged at `work`), others where they are. */
static fvi_conv_io stage_rest(const fvi_bf16_kern *k, const fvi_conv_params *p, const fvi_conv_params *s, const fvi_conv_io *io, int image, int y0, stage g, float *work)
{
    fvi_conv_io o = {.in = work};
    float *out = work + g.in, *res = out + g.out, *pre = res + g.res;
    o.out = g.out ? out : io->out + image * p->out_n + y0 * p->out_h;
    const ptrdiff_t res_at = image * p->res_n + y0 * p->res_h, pre_at = image * p->pre_n + (y0 >> p->pre_shift) * p->pre_h;
    if (p->residual) {
        o.res = g.res ? res : io->res + res_at;
        if (g.res) widen_map(k, res, io->res, res_at, p->res_h, p->res_w, s->ho, p->wo, p->cout);
    }
    if (p->pre) {
        o.pre = g.pre ? pre : io->pre + pre_at;
        const int shift = p->pre_shift;
        if (g.pre) widen_map(k, pre, io->pre, pre_at, p->pre_h, p->pre_w, (s->ho + shift) >> shift, (p->wo + shift) >> shift, p->cout);
    }
    return o;
}

static void wide_run(const fvi_conv_tactic *t, const fvi_conv_params *p, const fvi_conv_io *io, const void *packed, void *workspace, int chunk, int chunks)
{
    const int each = fvi_conv_inner_rows(packed), strips = (p->ho + each - 1) / each;
    const int64_t all = (int64_t)p->n * strips;
    fvi_bf16_kern k;
    fvi_bf16_kern_init(&k, t->level | (t->level - 1));
    for (int64_t i = all * chunk / chunks; i < all * (chunk + 1) / chunks; i++) {
        const int image = (int)(i / strips), y0 = (int)(i % strips) * each, rows = p->ho - y0 < each ? p->ho - y0 : each;
        const fvi_conv_params s = strip_of(p, rows);
        const stage g = stage_of(p, &s);
        stage_input(&k, p, &s, io, image * p->in_n + ((ptrdiff_t)y0 * p->sh - p->pt) * p->in_h - (ptrdiff_t)p->pl * p->in_w, workspace);
        const fvi_conv_io o = stage_rest(&k, p, &s, io, image, y0, g, workspace);
        fvi_conv_inner_run(t, &s, &o, packed, (float *)workspace + stage_floats(g));
        if (g.out) store_rows(&k, p, (uint16_t *)io->out + image * p->out_n + y0 * p->out_h, o.out, rows);
    }
}

const fvi_conv_algorithm fvi_conv_bf16_wide = {.low = true, .supports = wide_supports, .cost = wide_cost, .packed_bytes = wide_packed_bytes, .pack = wide_pack, .valid = wide_valid,
                                               .workspace_bytes = wide_workspace, .chunks = strip_chunks, .run = wide_run, .executed_flops = wide_executed};
