/* qconv_wide.c: convolution of bytes on the FP32 algorithms (Winograd, direct, depthwise): strips of rows are widened, an FP32 algorithm does the strip
 * with bias, activation and residual, and its results are narrowed. Where a level has no dot products of bytes, Winograd's fewer products win; and
 * it is the only fast one for groups. Tactics; run by op_qconv.c.
 *
 * Packed: which algorithm and how many rows a strip, then what the algorithm packs of weights times scale. Where strips begin depends on the
 * parameters only, so results do not depend on chunks. conv_bf16.c is its like for BF16. */
#include "base/checked.h"
#include "kern/bytes.h"
#include "kern/conv_inner.h"
#include "kern/qconv_isa.h"

/* Whose kernels do the strips. */
static fvi_conv_tactic floats_of(const fvi_qconv_tactic *t) { return (fvi_conv_tactic){t->name, t->level, t->floats, NULL}; }

/* `rows` output rows of an image as a convolution in FP32: staged input, and whatever else is bytes. */
static fvi_conv_params strip_of(const fvi_qconv_params *p, int rows)
{
    fvi_conv_params s = {.n = 1, .cin = p->cin, .cout = p->cout, .ho = rows, .wo = p->wo, .groups = p->groups, .kh = p->kh, .kw = p->kw, .sh = p->sh, .sw = p->sw,
                         .dh = p->dh, .dw = p->dw, .in_c = 1, .out_c = 1, .res_c = 1, .in_w = p->cin, .out_w = p->cout, .res_w = p->cout,
                         .residual = p->residual != FVI_QCONV_NONE, .act = p->act, .alpha = p->alpha, .beta = p->beta, .l1 = FVI_STRIP_L1, .l2 = FVI_STRIP_L2};
    s.h = (rows - 1) * p->sh + (p->kh - 1) * p->dh + 1, s.w = (p->wo - 1) * p->sw + (p->kw - 1) * p->dw + 1;
    s.in_h = s.w * s.in_w, s.in_n = s.h * s.in_h;
    s.out_h = p->wo * s.out_w, s.out_n = rows * s.out_h;
    s.res_h = p->wo * s.res_w, s.res_n = rows * s.res_h;
    if (!p->bytes) s.out_n = p->out_n, s.out_h = p->out_h, s.out_w = p->out_w;
    if (p->residual == FVI_QCONV_FLOATS) s.res_n = p->res_n, s.res_h = p->res_h, s.res_w = p->res_w;
    return s;
}

/* Floats of the maps of a strip that are staged, each rounded up so that the next is aligned and reading 64 bytes on is allowed. */
typedef struct stage {
    size_t in, out, res;
} stage;

static stage stage_of(const fvi_qconv_params *p, const fvi_conv_params *s)
{
    return (stage){fvi_strip_room(s->in_n), p->bytes ? fvi_strip_room(s->out_n) : 0, p->residual == FVI_QCONV_BYTES ? fvi_strip_room(s->res_n) : 0};
}

static size_t stage_floats(stage g) { return g.in + g.out + g.res; }

/* Rows a strip: what is staged fits half of L2, and there are strips enough for threads; fours, which Winograd's tiles are. */
static int strip_rows(const fvi_qconv_params *p)
{
    int rows = p->ho >= 64 ? 16 : p->ho >= 16 ? 8 : 4;
    for (; rows > 4; rows -= 4) {
        const fvi_conv_params s = strip_of(p, rows);
        if (stage_floats(stage_of(p, &s)) * sizeof(float) <= FVI_STRIP_L2 / 2) break;
    }
    return rows < p->ho ? rows : p->ho;
}

/* The largest staged map must be countable. */
static bool supports(const fvi_qconv_tactic *t, const fvi_qconv_params *p)
{
    const double w = (p->wo - 1.0) * p->sw + (p->kw - 1.0) * p->dw + 1, h = 16.0 * p->sh + (p->kh - 1.0) * p->dh;
    if (w * h * p->cin >= INT32_MAX / 8 || 16.0 * p->wo * p->cout >= INT32_MAX / 8 || p->pt > p->halo || p->pl > p->halo) return false;
    const int64_t right = (int64_t)(p->wo - 1) * p->sw - p->pl + (int64_t)(p->kw - 1) * p->dw, bottom = (int64_t)(p->ho - 1) * p->sh - p->pt + (int64_t)(p->kh - 1) * p->dh;
    if (right >= (int64_t)p->w + p->halo || bottom >= (int64_t)p->h + p->halo) return false;
    const fvi_conv_params s = strip_of(p, strip_rows(p));
    const fvi_conv_tactic f = floats_of(t);
    return fvi_conv_inner_cost(&f, &s) < 1e300;
}

static double cost(const fvi_qconv_tactic *t, const fvi_qconv_params *p)
{
    const int rows = strip_rows(p);
    const fvi_conv_params s = strip_of(p, rows);
    const fvi_conv_tactic f = floats_of(t);
    const double strips = p->n * ((p->ho + rows - 1.0) / rows);
    return fvi_conv_inner_cost(&f, &s) * p->n * p->ho / rows + strips * (double)stage_floats(stage_of(p, &s)) * 6 / t->floats->vec;
}

static size_t packed_bytes(const fvi_qconv_tactic *t, const fvi_qconv_params *p)
{
    const fvi_conv_params s = strip_of(p, strip_rows(p));
    const fvi_conv_tactic f = floats_of(t);
    return fvi_conv_inner_packed_bytes(&f, &s);
}

static void pack(const fvi_qconv_tactic *t, const fvi_qconv_params *p, const int8_t *w, const float *scale, const float *bias, float *room, void *packed)
{
    const fvi_conv_params s = strip_of(p, strip_rows(p));
    const fvi_conv_tactic f = floats_of(t);
    const size_t each = fvi_qconv_weights(p) / (size_t)p->cout;
    for (size_t o = 0; o < (size_t)p->cout; o++)
        for (size_t i = 0; i < each; i++) room[o * each + i] = (float)w[o * each + i] * scale[o];
    fvi_conv_inner_pack(&f, &s, room, bias, packed);
}

static bool valid(const fvi_qconv_tactic *t, const fvi_qconv_params *p, const void *packed)
{
    const fvi_conv_params s = strip_of(p, strip_rows(p));
    const fvi_conv_tactic f = floats_of(t);
    return fvi_conv_inner_valid(&f, &s, packed);
}

static size_t workspace_bytes(const fvi_qconv_tactic *t, const fvi_qconv_params *p)
{
    const fvi_conv_params s = strip_of(p, strip_rows(p));
    const fvi_conv_tactic f = floats_of(t);
    return stage_floats(stage_of(p, &s)) * sizeof(float) + fvi_conv_inner_workspace(&f, &s);
}

static int chunks(const fvi_qconv_tactic *t, const fvi_qconv_params *p, int threads)
{
    const int rows = strip_rows(p);
    const int64_t strips = (int64_t)p->n * ((p->ho + rows - 1) / rows);
    (void)t;
    return (int)fvi_min_i64(strips, 8LL * threads);
}

static double executed(const fvi_qconv_tactic *t, const fvi_qconv_params *p)
{
    const int rows = strip_rows(p);
    const fvi_conv_params s = strip_of(p, rows);
    const fvi_conv_tactic f = floats_of(t);
    return fvi_conv_inner_executed(&f, &s) * p->n * p->ho / rows;
}

/* ---- running ---- */

/* Rows of `pixels` x `channels` bytes, dense as floats. */
static void widen_map(const fvi_bytes_kern *k, float *y, const uint8_t *x, ptrdiff_t ld_row, ptrdiff_t ld, int rows, int pixels, int channels, int zero, float scale)
{
    for (int r = 0; r < rows; r++, x += ld_row, y += (ptrdiff_t)pixels * channels) {
        if (ld == channels) {
            k->widen(y, x, (size_t)pixels * (size_t)channels, zero, scale);
            continue;
        }
        for (int i = 0; i < pixels; i++) k->widen(y + (ptrdiff_t)i * channels, x + i * ld, (size_t)channels, zero, scale);
    }
}

static void narrow_row(const fvi_bytes_kern *k, const fvi_qconv_params *p, const uint8_t *table, uint8_t *y, const float *x, size_t n)
{
    k->narrow(y, x, n, p->y_inv, p->y_zero);
    if (table) fvi_bytes_lookup(y, y, n, table);
}

static void narrow_map(const fvi_bytes_kern *k, const fvi_qconv_params *p, const uint8_t *table, uint8_t *y, const float *x, int rows)
{
    for (int r = 0; r < rows; r++, y += p->out_h, x += (ptrdiff_t)p->wo * p->cout) {
        if (p->out_w == p->cout) {
            narrow_row(k, p, table, y, x, (size_t)p->wo * (size_t)p->cout);
            continue;
        }
        for (int i = 0; i < p->wo; i++) narrow_row(k, p, table, y + i * p->out_w, x + (ptrdiff_t)i * p->cout, (size_t)p->cout);
    }
}

static void do_strip(const fvi_qconv_tactic *t, const fvi_qconv_params *p, const fvi_qconv_io *io, const fvi_bytes_kern *k, const void *packed, float *work, int image, int y0, int rows)
{
    const fvi_conv_tactic f = floats_of(t);
    const fvi_conv_params s = strip_of(p, rows);
    const stage g = stage_of(p, &s);
    float *out = work + g.in, *res = out + g.out;
    const ptrdiff_t out_at = image * p->out_n + (ptrdiff_t)y0 * p->out_h, res_at = image * p->res_n + (ptrdiff_t)y0 * p->res_h;
    fvi_conv_io o = {.in = work, .out = g.out ? out : (float *)io->out + out_at};
    widen_map(k, work, io->in + image * p->in_n + ((ptrdiff_t)y0 * p->sh - p->pt) * p->in_h - (ptrdiff_t)p->pl * p->in_w, p->in_h, p->in_w, s.h, s.w, p->cin, p->zero, 1);
    if (g.res) widen_map(k, res, (const uint8_t *)io->res + res_at, p->res_h, p->res_w, rows, p->wo, p->cout, p->res_zero, p->res_scale);
    if (s.residual) o.res = g.res ? res : (const float *)io->res + res_at;
    fvi_conv_inner_run(&f, &s, &o, packed, work + stage_floats(g));
    if (g.out) narrow_map(k, p, io->table, (uint8_t *)io->out + out_at, out, rows);
}

static void run(const fvi_qconv_tactic *t, const fvi_qconv_params *p, const fvi_qconv_io *io, const void *packed, void *workspace, int chunk, int n_chunks)
{
    const int each = fvi_conv_inner_rows(packed), strips = (p->ho + each - 1) / each;
    const int64_t all = (int64_t)p->n * strips;
    fvi_bytes_kern k;
    fvi_bytes_kern_init(&k, t->level | (t->level - 1));
    for (int64_t i = all * chunk / n_chunks; i < all * (chunk + 1) / n_chunks; i++) {
        const int image = (int)(i / strips), y0 = (int)(i % strips) * each, rows = p->ho - y0 < each ? p->ho - y0 : each;
        do_strip(t, p, io, &k, packed, workspace, image, y0, rows);
    }
}

const fvi_qconv_algorithm fvi_qconv_wide = {.supports = supports, .cost = cost, .packed_bytes = packed_bytes, .pack = pack, .valid = valid, .workspace_bytes = workspace_bytes,
                                            .chunks = chunks, .run = run, .rounds = true, .executed_flops = executed};
