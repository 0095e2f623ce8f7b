/* check_prep.c: the loops of picture preparation. The C level against the definition in double; every other level must
 * give the same bytes as the C level.
 *
 * Tolerances of the C level. plane, pairs (units of 1/64): cutting tap sums to 15 bits loses less than 1/2, the two
 * rounded products 1/2 each: 1.5. gray, rgb (OpenCV's way): tap sums lose 1/128, the two products 1/4 each, rounding 1/2:
 * 1.01. Float loops: eps/2 of the magnitudes for each rounding in the chain. row420: chroma is exact,
 * the rest is put_yuv. */
#include "checkkern.h"
#include "image/prep_tables.h"
#include "kern/elementwise.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PLANE, PAIRS, GRAY, RGB, BOX_ROWS, MIX_ROWS, SPLIT, BOX_COLS, PUT_YUV, PUT_RGB, ROW420, NARROW, STREAM, TO_U8, TO_HALF, FUNCTIONS };
static const char *const function_names[FUNCTIONS] = {"plane", "pairs", "gray", "rgb", "box_rows", "mix_rows", "split", "box_cols", "put_yuv", "put_rgb", "row420", "narrow", "stream", "to_u8", "to_half"};

static fvi_prep_kern kern_of(fvi_cpu_flags level)
{
    fvi_prep_kern k;
    fvi_prep_kern_init(&k, level | (level - 1));
    return k;
}

static const void *entry(const fvi_prep_kern *k, int f)
{
    const void *const p[FUNCTIONS] = {(const void *)k->plane, (const void *)k->pairs, (const void *)k->gray,
                                      (const void *)k->rgb, (const void *)k->box_rows, (const void *)k->mix_rows, (const void *)k->split,
                                      (const void *)k->box_cols, (const void *)k->put_yuv, (const void *)k->put_rgb,
                                      (const void *)k->row420, (const void *)k->narrow, (const void *)k->stream,
                                      (const void *)k->to_u8, (const void *)k->to_half};
    return p[f];
}

static int list(ck_kernel *out, int max)
{
    int n = 0;
    for (int l = 0; l < CK_LEVELS; l++)
        for (int f = 0; f < FUNCTIONS; f++) {
            fvi_cpu_flags level = ck_level(l);
            fvi_prep_kern k = kern_of(level), below = kern_of(l ? ck_level(l - 1) : 0);
            if (l && entry(&k, f) == entry(&below, f)) continue; /* this level has none of its own */
            n = ck_add(out, max, n, level, NULL, f, "prep %s %s", function_names[f], fvi_cpu_level_name(level));
        }
    return n;
}

/* Random bytes, with runs of extremes now and then. */
static void fill_pixels(ck *c, uint8_t *p, size_t n)
{
    int kind = ck_range(c, 0, 4);
    for (size_t i = 0; i < n; i++) p[i] = kind == 0 ? 255 : kind == 1 ? (uint8_t)-(int)(i & 1) : (uint8_t)ck_random(c);
}

typedef struct blend_case {
    fvi_prep_taps t;
    const uint8_t *r0, *r1;
    int b0, b1, n, size;
} blend_case;

static blend_case blend_make(ck *c, int comps, int one, bool cv)
{
    static const double scales[] = {1, 0.31, 0.8, 1.2, 2, 3, 4.7, 6, 11.3, 40};
    blend_case b = {.n = ck_edge(c, 16, 150)};
    double scale = scales[ck_range(c, 0, 9)];
    b.size = (int)ceil(b.n * scale);
    if (ck_range(c, 0, 9) == 0) b.size = ck_range(c, 1, 3);
    fvi_axis a = {.size = b.size, .first = ck_range(c, 0, 3) ? 0 : 2, .n = b.n, .scale = (double)b.size / b.n, .sub = 1, .shift = cv ? 0 : 0.25 * ck_range(c, 0, 1)};
    int32_t *mem = ck_in(c, FVI_AXIS_TABLES * (size_t)b.n * sizeof *mem);
    fvi_axis_columns(&a, one, cv, comps, mem, &b.t);
    uint8_t *rows[2];
    for (int i = 0; i < 2; i++) {
        rows[i] = ck_in(c, (size_t)(comps * b.size));
        fill_pixels(c, rows[i], (size_t)(comps * b.size));
    }
    b.r0 = rows[0];
    b.r1 = rows[1];
    b.b1 = ck_range(c, 0, 3) ? ck_range(c, 0, one) : 0;
    b.b0 = one - b.b1;
    ck_shape(c, "n=%d size=%d first=%d comps=%d b1=%d group=%d plain=%d", b.n, b.size, a.first, comps, b.b1, b.t.group, b.t.plain);
    return b;
}

static void blend_run(const fvi_prep_kern *k, int f, float *d, ptrdiff_t ds, const blend_case *b)
{
    if (f == PLANE) k->plane(d, b->r0, b->r1, &b->t, b->b0, b->b1, b->n);
    if (f == PAIRS) k->pairs(d, ds, b->r0, b->r1, &b->t, b->b0, b->b1, b->n);
    if (f == GRAY) k->gray(d, b->r0, b->r1, &b->t, b->b0, b->b1, b->n);
    if (f == RGB) k->rgb(d, ds, b->r0, b->r1, &b->t, b->b0, b->b1, b->n);
}

/* The weighted mean of four samples, in levels. */
static double blend_want(const blend_case *b, int one, int comp, int x)
{
    int32_t o = b->t.off[x] + comp, w0 = b->t.w[x] & 0xffff, w1 = b->t.w[x] >> 16;
    double s0 = b->r0[o] * (double)w0 + b->r0[o + b->t.step] * (double)w1;
    double s1 = b->r1[o] * (double)w0 + b->r1[o + b->t.step] * (double)w1;
    return (s0 * b->b0 + s1 * b->b1) / ((double)one * one);
}

static void check_blend(ck *c, const fvi_prep_kern *k, int f, bool reference)
{
    static const int comps_of[] = {1, 2, 1, 3};
    int comps = comps_of[f], one = f == PLANE || f == PAIRS ? 16384 : 2048;
    blend_case b = blend_make(c, comps, one, one == 2048);
    ptrdiff_t ds = b.n + ck_range(c, 0, 5);
    size_t bytes = (size_t)(ds * (comps - 1) + b.n) * sizeof(float);
    float *got = ck_out(c, bytes), *want = ck_out(c, bytes);
    blend_run(k, f, got, ds, &b);
    if (reference) {
        double unit = one == 16384 ? FVI_PREP_FINE : 1, tol = one == 16384 ? 1.5 : 1.01;
        for (int p = 0; p < comps; p++)
            for (int x = 0; x < b.n; x++)
                if (!ck_near(c, got[p * ds + x], unit * blend_want(&b, one, p, x), tol, "sample %d of output %d", p, x)) return;
        return;
    }
    fvi_prep_kern ref = kern_of(FVI_CPU_C);
    blend_run(&ref, f, want, ds, &b);
    ck_same(c, got, want, bytes, "lines");
}

static void check_box_rows(ck *c, const fvi_prep_kern *k, bool reference)
{
    int n = ck_edge(c, 32, 200), rows = ck_range(c, 0, 9) ? ck_range(c, 1, 12) : ck_range(c, 255, 262);
    int stride = n + ck_range(c, 0, 9);
    float wf = ck_uniform(c, 0, 1), wm = ck_uniform(c, 0, 1), wl = ck_uniform(c, 0, 1);
    ck_shape(c, "n=%d rows=%d stride=%d", n, rows, stride);
    size_t bytes = (size_t)((rows - 1) * stride + n);
    uint8_t *src = ck_in(c, bytes);
    fill_pixels(c, src, bytes);
    float *got = ck_out(c, (size_t)n * sizeof *got), *want = ck_out(c, (size_t)n * sizeof *want);
    k->box_rows(got, src, stride, rows, wf, wm, wl, n);
    if (!reference) {
        fvi_prep_box_rows_c(want, src, stride, rows, wf, wm, wl, 0, n);
        ck_same(c, got, want, (size_t)n * sizeof *got, "sums");
        return;
    }
    for (int x = 0; x < n; x++) {
        double sum = src[x] * (double)wf;
        for (int r = 1; r < rows; r++) sum += src[r * stride + x] * (double)(r == rows - 1 ? wl : wm);
        if (!ck_near(c, got[x], sum, 5 * (FLT_EPSILON / 2) * sum, "column %d", x)) return;
    }
}

static void check_mix_rows(ck *c, const fvi_prep_kern *k, bool reference)
{
    int n = ck_edge(c, 32, 200), rows = ck_range(c, 1, 30), stride = n + ck_range(c, 0, 9);
    float w[30];
    for (int r = 0; r < rows; r++) w[r] = ck_uniform(c, -0.2f, 1);
    ck_shape(c, "n=%d rows=%d stride=%d", n, rows, stride);
    size_t bytes = (size_t)((rows - 1) * stride + n);
    uint8_t *src = ck_in(c, bytes);
    fill_pixels(c, src, bytes);
    float *got = ck_out(c, (size_t)n * sizeof *got), *want = ck_out(c, (size_t)n * sizeof *want);
    k->mix_rows(got, src, stride, w, rows, n);
    if (!reference) {
        fvi_prep_mix_rows_c(want, src, stride, w, rows, 0, n);
        ck_same(c, got, want, (size_t)n * sizeof *got, "sums");
        return;
    }
    for (int x = 0; x < n; x++) {
        double sum = 0, size = 0;
        for (int r = 0; r < rows; r++) {
            sum += src[r * stride + x] * (double)w[r];
            size += src[r * stride + x] * fabs((double)w[r]);
        }
        if (!ck_near(c, got[x], sum, (rows + 1) * (FLT_EPSILON / 2) * size, "column %d", x)) return;
    }
}

static void check_split(ck *c, const fvi_prep_kern *k)
{
    int n = ck_edge(c, 8, 100), comps = ck_range(c, 2, 3);
    ptrdiff_t ds = n + ck_range(c, 0, 5);
    ck_shape(c, "n=%d comps=%d", n, comps);
    float *src = ck_in(c, (size_t)(n * comps) * sizeof *src), *got = ck_out(c, (size_t)(ds * (comps - 1) + n) * sizeof *got);
    for (int i = 0; i < n * comps; i++) src[i] = (float)i;
    k->split(got, ds, src, comps, n);
    for (int p = 0; p < comps; p++)
        for (int x = 0; x < n; x++)
            if (!ck_near(c, got[p * ds + x], x * comps + p, 0, "sample %d of pixel %d", p, x)) return;
}

static void check_box_cols(ck *c, const fvi_prep_kern *k, bool reference)
{
    int n = ck_edge(c, 8, 60), blocks = ck_range(c, 1, 3), taps = 8 * blocks, len = ck_range(c, taps, 300);
    ck_shape(c, "n=%d blocks=%d len=%d", n, blocks, len);
    float *line = ck_in(c, (size_t)len * sizeof *line), *w = ck_in(c, (size_t)(n * taps) * sizeof *w);
    int32_t *start = ck_in(c, (size_t)n * sizeof *start);
    for (int i = 0; i < len; i++) line[i] = ck_uniform(c, 0, 255);
    for (int i = 0; i < n * taps; i++) w[i] = ck_range(c, 0, 3) ? ck_uniform(c, 0, 1) : 0;
    for (int i = 0; i < n; i++) start[i] = ck_range(c, 0, len - taps);
    fvi_prep_box box = {start, w, blocks};
    float *got = ck_out(c, (size_t)n * sizeof *got), *want = ck_out(c, (size_t)n * sizeof *want);
    k->box_cols(got, line, &box, n);
    if (!reference) {
        fvi_prep_box_cols_c(want, line, &box, 0, n);
        ck_same(c, got, want, (size_t)n * sizeof *got, "sums");
        return;
    }
    for (int x = 0; x < n; x++) {
        double sum = 0;
        for (int i = 0; i < taps; i++) sum += (double)line[start[x] + i] * w[x * taps + i];
        if (!ck_near(c, got[x], sum, (blocks + 4) * (FLT_EPSILON / 2) * sum, "output %d", x)) return;
    }
}

static fvi_prep_color random_color(ck *c)
{
    fvi_prep_color k = {.yy = 1.164f / 64, .rv = 1.6f / 64, .gu = -0.39f / 64, .gv = -0.81f / 64, .bu = 2.0f / 64,
                        .kr = -222, .kg = 135, .kb = -277, .bgr = ck_range(c, 0, 1)};
    for (int i = 0; i < 3; i++) {
        k.scale[i] = ck_uniform(c, 0.001f, 1);
        k.bias[i] = ck_uniform(c, -3, 3);
    }
    return k;
}

static double clamp255(double v) { return v < 0 ? 0 : v > 255 ? 255 : v; }

/* Tensor channel `ch` of pixel x, and the size of what was added up. */
static double put_want(const fvi_prep_color *k, bool yuv, float *const *l, int ch, int x, double *size)
{
    double v = l[ch][x], big = 255;
    if (yuv) {
        double y = l[0][x] * (double)k->yy, u = l[1][x], w = l[2][x];
        int color = k->bgr ? 2 - ch : ch;
        v = color == 0 ? y + k->kr + w * k->rv : color == 1 ? y + k->kg + u * k->gu + w * k->gv : y + k->kb + u * k->bu;
        big = 1500; /* |y| + |k| + |u| + |v| terms */
    }
    *size = big * k->scale[ch] + fabs(k->bias[ch]);
    return clamp255(v) * k->scale[ch] + k->bias[ch];
}

static void check_put(ck *c, const fvi_prep_kern *k, bool yuv, bool reference)
{
    int n = ck_edge(c, 16, 100), layout = ck_range(c, 0, 2);
    ptrdiff_t cs = layout == 0 ? n + ck_range(c, 0, 7) : 1, xs = layout == 0 ? 1 : layout == 1 ? 3 : 5;
    ck_shape(c, "n=%d cs=%td xs=%td", n, cs, xs);
    size_t count = (size_t)(2 * cs + (n - 1) * xs + 1);
    float *line[3], *got = ck_out(c, count * sizeof *got), *want = ck_out(c, count * sizeof *want);
    for (int i = 0; i < 3; i++) {
        line[i] = ck_in(c, (size_t)n * sizeof(float));
        for (int x = 0; x < n; x++) line[i][x] = ck_uniform(c, yuv ? 0 : -30, yuv ? 255 * 64 : 290);
    }
    fvi_prep_color color = random_color(c);
    if (yuv)
        k->put_yuv(got, cs, xs, line[0], line[1], line[2], &color, n);
    else
        k->put_rgb(got, cs, xs, line[0], line[1], line[2], &color, n);
    if (!reference) {
        if (yuv)
            fvi_prep_put_yuv_c(want, cs, xs, line[0], line[1], line[2], &color, 0, n);
        else
            fvi_prep_put_rgb_c(want, cs, xs, line[0], line[1], line[2], &color, 0, n);
        ck_same(c, got, want, count * sizeof *got, "pixels"); /* gaps between pixels are still painted in both */
        return;
    }
    for (int ch = 0; ch < 3; ch++)
        for (int x = 0; x < n; x++) {
            double size, v = put_want(&color, yuv, line, ch, x, &size);
            if (!ck_near(c, got[ch * cs + x * xs], v, 6 * (FLT_EPSILON / 2) * size, "channel %d of pixel %d", ch, x)) return;
        }
}

/* A row with its chroma as planes or pairs (of either order), and where its last sample ends. */
static fvi_prep_row420 row420_make(ck *c, int width)
{
    fvi_prep_row420 r = {.step = ck_range(c, 1, 2), .width = width, .chroma_width = (width + 1) / 2, .left = ck_range(c, 0, 1)};
    bool swapped = ck_range(c, 0, 1);
    uint8_t *y = ck_in(c, (size_t)width);
    fill_pixels(c, y, (size_t)width);
    r.y = y;
    for (int far = 0; far < 2; far++) {
        const uint8_t **to = far ? r.far : r.near;
        size_t bytes = (size_t)(r.step * r.chroma_width);
        uint8_t *p[2];
        for (int i = 0; i < 3 - r.step; i++) {
            p[i] = ck_in(c, bytes);
            fill_pixels(c, p[i], bytes);
        }
        to[0] = r.step == 1 ? p[0] : p[0] + swapped;
        to[1] = r.step == 1 ? p[1] : p[0] + !swapped;
    }
    return r;
}

/* Sample of channel u or v at column x, in levels: positions of the samples, weighted by distance. */
static double row420_want(const fvi_prep_row420 *r, int i, int x)
{
    double at = r->left ? x * 0.5 : (x + 0.5) * 0.5 - 0.5, k = floor(at), w = at - k, sum = 0;
    for (int j = 0; j < 2; j++) {
        int s = (int)fmin(fmax(k + j, 0), r->chroma_width - 1) * r->step;
        sum += (j ? w : 1 - w) * (0.75 * r->near[i][s] + 0.25 * r->far[i][s]);
    }
    return sum;
}

static void check_row420(ck *c, const fvi_prep_kern *k, bool reference)
{
    int width = ck_edge(c, 32, 200), x = ck_range(c, 0, 2) ? ck_range(c, 0, width - 1) : 0, n = ck_range(c, 0, 1) ? width - x : ck_range(c, 1, width - x);
    int layout = ck_range(c, 0, 2);
    fvi_prep_row420 r = row420_make(c, width);
    ptrdiff_t cs = layout == 0 ? n + ck_range(c, 0, 7) : 1, xs = layout == 0 ? 1 : layout == 1 ? 3 : 5;
    ck_shape(c, "width=%d x=%d n=%d cs=%td xs=%td step=%d left=%d", width, x, n, cs, xs, r.step, r.left);
    size_t count = (size_t)(2 * cs + (n - 1) * xs + 1);
    float *got = ck_out(c, count * sizeof *got), *want = ck_out(c, count * sizeof *want);
    fvi_prep_color color = random_color(c);
    k->row420(got, cs, xs, &r, &color, x, n);
    if (!reference) {
        fvi_prep_row420_c(want, cs, xs, &r, &color, x, n);
        ck_same(c, got, want, count * sizeof *got, "pixels");
        return;
    }
    for (int p = 0; p < n; p++) {
        float line[3];
        float *l[3] = {&line[0], &line[1], &line[2]};
        line[0] = (float)(FVI_PREP_FINE * r.y[x + p]);
        for (int i = 0; i < 2; i++) line[1 + i] = (float)(FVI_PREP_FINE * row420_want(&r, i, x + p)); /* a whole number */
        for (int ch = 0; ch < 3; ch++) {
            double size, v = put_want(&color, true, l, ch, 0, &size);
            if (!ck_near(c, got[ch * cs + p * xs], v, 6 * (FLT_EPSILON / 2) * size, "channel %d of pixel %d", ch, p)) return;
        }
    }
}

static void check_narrow(ck *c, const fvi_prep_kern *k)
{
    int n = ck_edge(c, 32, 200), shift = ck_range(c, 1, 8);
    ck_shape(c, "n=%d shift=%d", n, shift);
    uint8_t *src = ck_in(c, 2 * (size_t)n), *got = ck_out(c, (size_t)n);
    fill_pixels(c, src, 2 * (size_t)n);
    k->narrow(got, src, shift, n);
    for (int i = 0; i < n; i++) {
        double v = fmin(255, floor((src[2 * i] + 256 * src[2 * i + 1]) / (double)(1 << shift) + 0.5));
        if (!ck_near(c, got[i], v, 0, "byte %d", i)) return;
    }
}

static void check_stream(ck *c, const fvi_prep_kern *k)
{
    int n = ck_edge(c, 16, 300), skip = ck_range(c, 0, 20);
    ck_shape(c, "n=%d from=%d", n, skip);
    float *src = ck_in(c, (size_t)n * sizeof *src), *got = ck_out(c, (size_t)(n + skip) * sizeof *got);
    for (int i = 0; i < n; i++) src[i] = ck_uniform(c, -1, 1);
    for (int i = 0; i < skip; i++) got[i] = 7;
    k->stream(got + skip, src, (size_t)n);
    for (int i = 0; i < n; i++)
        if (!ck_near(c, got[skip + i], (double)src[i], 0, "float %d", i)) return;
    for (int i = 0; i < skip; i++)
        if (!ck_near(c, got[i], 7, 0, "float %d in front", i)) return;
}

/* Rounding to bytes is exact but for the addition of 1/2; a half has 11 bits. */
static void check_to(ck *c, const fvi_prep_kern *k, bool half, bool reference)
{
    int n = ck_edge(c, 32, 150);
    size_t bytes = (size_t)n * (half ? 2 : 1);
    ck_shape(c, "n=%d", n);
    float *src = ck_in(c, (size_t)n * sizeof *src);
    for (int i = 0; i < n; i++) src[i] = half ? ck_uniform(c, -3, 3) : ck_range(c, 0, 3) ? ck_uniform(c, -20, 280) : (float)ck_range(c, -1, 256) + 0.5f;
    uint8_t *got = ck_out(c, bytes), *want = ck_out(c, bytes);
    for (int r = 0; r < 2; r++) {
        fvi_prep_kern of = r ? kern_of(FVI_CPU_C) : *k;
        if (half)
            of.to_half((uint16_t *)(void *)(r ? want : got), src, n);
        else
            of.to_u8(r ? want : got, src, n);
    }
    if (!reference) {
        ck_same(c, got, want, bytes, "row");
        return;
    }
    for (int i = 0; i < n; i++) {
        double v = half ? fvi_half_to_float(((uint16_t *)(void *)got)[i]) : got[i], to = half ? src[i] : clamp255(src[i]);
        if (!ck_near(c, v, to, half ? fabs(to) / 2048 + 0x1p-25 : 0.5 + 1e-4, "element %d", i)) return;
    }
}

static void check(ck *c, const ck_kernel *kernel)
{
    fvi_prep_kern k = kern_of(kernel->level);
    bool reference = kernel->level == FVI_CPU_C;
    for (int i = 0; i < ck_cases(c, 150); i++) {
        switch (kernel->index) {
        case PLANE: case PAIRS: case GRAY: case RGB: check_blend(c, &k, kernel->index, reference); break;
        case BOX_ROWS: check_box_rows(c, &k, reference); break;
        case MIX_ROWS: check_mix_rows(c, &k, reference); break;
        case SPLIT: check_split(c, &k); break;
        case BOX_COLS: check_box_cols(c, &k, reference); break;
        case ROW420: check_row420(c, &k, reference); break;
        case NARROW: check_narrow(c, &k); break;
        case STREAM: check_stream(c, &k); break;
        case TO_U8: case TO_HALF: check_to(c, &k, kernel->index == TO_HALF, reference); break;
        default: check_put(c, &k, kernel->index == PUT_YUV, reference); break;
        }
        ck_done(c);
    }
}

typedef struct bench_arg {
    fvi_prep_kern k;
    int f;
    blend_case b;
    float *out, *line[3];
    fvi_prep_color color;
    ptrdiff_t cs, xs;
    fvi_prep_row420 row;
} bench_arg;

static void bench_call(void *arg)
{
    bench_arg *b = arg;
    if (b->f <= RGB) blend_run(&b->k, b->f, b->out, 640, &b->b);
    if (b->f == BOX_ROWS) b->k.box_rows(b->out, b->b.r0, 0, 6, 0.1f, 0.2f, 0.1f, 640);
    if (b->f == PUT_YUV) b->k.put_yuv(b->out, b->cs, b->xs, b->line[0], b->line[1], b->line[2], &b->color, 640);
    if (b->f == ROW420) b->k.row420(b->out, b->cs, b->xs, &b->row, &b->color, 40, 640);
    if (b->f == PUT_RGB) b->k.put_rgb(b->out, b->cs, b->xs, b->line[0], b->line[1], b->line[2], &b->color, 640);
}

static void bench(ck *c, const ck_kernel *kernel)
{
    static const int comps_of[] = {1, 2, 1, 3};
    bench_arg b = {.k = kern_of(kernel->level), .f = kernel->index, .color = random_color(c), .cs = 1, .xs = 3};
    if (b.f == MIX_ROWS || b.f == SPLIT || b.f == BOX_COLS || b.f == NARROW || b.f >= STREAM) return;
    if (b.f == ROW420) {
        b.row = row420_make(c, 720);
        b.out = ck_out(c, 3 * 640 * sizeof(float));
        ck_time(c, "row420 640 at its own size", 640, "px", bench_call, &b);
        return;
    }
    const int comps = b.f <= RGB ? comps_of[b.f] : 1, one = b.f <= PAIRS ? 16384 : 2048, size = b.f == PAIRS ? 1920 : 3840;
    fvi_axis a = {.size = size, .n = 640, .scale = size / 640.0, .sub = 1};
    int32_t *mem = ck_in(c, FVI_AXIS_TABLES * 640 * sizeof *mem);
    fvi_axis_columns(&a, one, one == 2048, comps, mem, &b.b.t);
    uint8_t *row = ck_in(c, (size_t)(size * comps));
    fill_pixels(c, row, (size_t)(size * comps));
    b.b.r0 = b.b.r1 = row;
    b.b.b0 = b.b.b1 = one / 2;
    b.b.n = 640;
    b.out = ck_out(c, 3 * 640 * sizeof(float));
    for (int i = 0; i < 3; i++) {
        b.line[i] = ck_in(c, 640 * sizeof(float));
        for (int x = 0; x < 640; x++) b.line[i][x] = ck_uniform(c, 0, 255);
    }
    char shape[64];
    snprintf(shape, sizeof shape, "%s 3840 to 640", function_names[b.f]);
    ck_time(c, shape, 640, "px", bench_call, &b);
}

const ck_family ck_prep = {"prep", list, check, bench};
