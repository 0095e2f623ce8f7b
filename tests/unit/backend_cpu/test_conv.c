/* Conv and ConvTranspose as steps: attributes, layouts, run-time weights, threads, errors; against the definition. */
#include "backend/cpu/op_conv.h"
#include "kern/cpu.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ATTR = 8 };

/* A step with everything it stands on. */
typedef struct fixture {
    fvi_backend_env env;
    fvi_step step;
    fvi_node node;
    fvi_attr attr[MAX_ATTR];
    fvi_value value[4], *in[3], *out[1];
    fvi_tensor tensor[4];
    bool constant[3];
    void *memory[8];
    int n_memory;
} fixture;

static float next_random(void)
{
    static uint32_t s = 1;
    s = s * 1664525u + 1013904223u;
    return (float)(s >> 8) / 8388608.0f - 1;
}

static float *random_floats(fixture *f, size_t n)
{
    float *p = fvi_alloc(n * sizeof *p);
    for (size_t i = 0; i < n; i++) p[i] = next_random();
    return f->memory[f->n_memory++] = p;
}

static void set_ints(fixture *f, const char *name, int count, const int64_t *v)
{
    f->attr[f->node.n_attr++] = (fvi_attr){.name = (char *)name, .type = FVI_ATTR_INTS, .count = count, .ints = (int64_t *)v};
}
static void set_int(fixture *f, const char *name, int64_t v)
{
    f->attr[f->node.n_attr++] = (fvi_attr){.name = (char *)name, .type = FVI_ATTR_INT, .i = v};
}
static void set_string(fixture *f, const char *name, const char *s)
{
    f->attr[f->node.n_attr++] = (fvi_attr){.name = (char *)name, .type = FVI_ATTR_STRING, .s = (char *)s};
}

static void shape(fixture *f, int i, int rank, const int64_t *dim)
{
    f->value[i] = (fvi_value){.dtype = FV_F32, .rank = rank};
    f->tensor[i] = (fvi_tensor){.dtype = FV_F32, .rank = rank};
    for (int d = 0; d < rank; d++) f->value[i].dim[d] = f->tensor[i].dim[d] = dim[d];
    fvi_tensor_dense(&f->tensor[i]);
}

/* x, w, b, y are values 0, 1, 2, 3; bias_count 0 = none. */
static void begin(fixture *f, fvi_op op, int rank, const int64_t *x, const int64_t *w, int64_t bias_count, const int64_t *y)
{
    f->env.cpu = f->env.cpu ? f->env.cpu : fvi_cpu_detect();
    f->node.op = op, f->node.attr = f->attr, f->node.in = f->in, f->node.out = f->out;
    f->node.n_in = bias_count ? 3 : 2, f->node.n_out = 1;
    shape(f, 0, rank, x), shape(f, 1, rank, w), shape(f, 3, rank, y);
    if (bias_count) shape(f, 2, 1, &bias_count);
    for (int i = 0; i < 3; i++) f->in[i] = &f->value[i];
    f->out[0] = &f->value[3];
    f->step = (fvi_step){.env = &f->env, .node = &f->node, .name = "node", .n_in = f->node.n_in, .n_out = 1, .in = f->tensor,
                         .in_const = f->constant, .out = &f->tensor[3]};
    f->constant[1] = f->constant[2] = true;
    for (int i = 1; i < f->node.n_in; i++)
        f->tensor[i].data = (char *)random_floats(f, (size_t)fvi_tensor_count(&f->tensor[i]));
}

/* Memory of map i as the plan would give it: NHWC with stored zeros and gaps, or dense NCHW. */
static void place(fixture *f, int i, bool nhwc, int halo, int gap)
{
    fvi_tensor *t = &f->tensor[i];
    size_t count = (size_t)fvi_tensor_count(t);
    if (!nhwc) {
        t->data = (char *)random_floats(f, count);
        return;
    }
    const int64_t pixel = t->dim[1] + gap, row = (t->dim[3] + 2 * halo) * pixel, image = (t->dim[2] + 2 * halo) * row;
    count = (size_t)(t->dim[0] * image);
    float *base = fvi_calloc(count, sizeof *base);
    f->memory[f->n_memory++] = base;
    t->stride[0] = image, t->stride[1] = 1, t->stride[2] = row, t->stride[3] = pixel;
    t->halo = halo;
    t->data = (char *)(base + halo * (row + pixel));
    for (int64_t n = 0; n < t->dim[0]; n++)
        for (int64_t c = 0; c < t->dim[1]; c++)
            for (int64_t y = 0; y < t->dim[2]; y++)
                for (int64_t x = 0; x < t->dim[3]; x++)
                    ((float *)t->data)[n * image + c + y * row + x * pixel] = next_random();
}

static void end(fixture *f)
{
    fvi_step_release(&f->step);
    fvi_pool_free(&f->env.pool);
    for (int i = 0; i < f->n_memory; i++) fvi_free(f->memory[i]);
    memset(f, 0, sizeof *f);
}

static double at(const fvi_tensor *t, int64_t n, int64_t c, int64_t y, int64_t x)
{
    const float *p = (const float *)t->data;
    if (t->rank == 3) return p[n * t->stride[0] + c * t->stride[1] + x * t->stride[2]];
    return p[n * t->stride[0] + c * t->stride[1] + y * t->stride[2] + x * t->stride[3]];
}

/* Conv reads input oy * stride + dy; the transposed one reads iy where iy * stride + dy = oy. */
static double expected(const fixture *f, bool transposed, const fvi_conv_geometry *g, int64_t groups, int64_t n, int64_t o,
                       int64_t oy, int64_t ox)
{
    const fvi_tensor *x = &f->tensor[0], *w = &f->tensor[1];
    const int r = x->rank;
    const int64_t cin = x->dim[1] / groups, cout = f->tensor[3].dim[1] / groups, group = o / cout;
    const int64_t h = r == 4 ? x->dim[2] : 1, wd = x->dim[r - 1], kh = r == 4 ? w->dim[2] : 1, kw = w->dim[r - 1];
    double sum = f->node.n_in > 2 ? ((const float *)f->tensor[2].data)[o] : 0;
    for (int64_t ky = 0; ky < kh; ky++)
        for (int64_t kx = 0; kx < kw; kx++) {
            const int64_t dy = ky * g->dilation[0] - g->before[0], dx = kx * g->dilation[1] - g->before[1];
            if (transposed && ((oy - dy) % g->stride[0] || (ox - dx) % g->stride[1])) continue;
            const int64_t iy = transposed ? (oy - dy) / g->stride[0] : oy * g->stride[0] + dy;
            const int64_t ix = transposed ? (ox - dx) / g->stride[1] : ox * g->stride[1] + dx;
            if (iy < 0 || iy >= h || ix < 0 || ix >= wd) continue;
            for (int64_t c = 0; c < cin; c++) {
                const int64_t i = group * cin + c;
                sum += at(x, n, i, iy, ix) * (transposed ? at(w, i, o % cout, ky, kx) : at(w, o, c, ky, kx));
            }
        }
    return sum;
}

static void compare(const fixture *f, bool transposed, const fvi_conv_geometry *g, int64_t groups)
{
    const fvi_tensor *y = &f->tensor[3];
    const int64_t h = y->rank == 4 ? y->dim[2] : 1, w = y->dim[y->rank - 1];
    for (int64_t n = 0; n < y->dim[0]; n++)
        for (int64_t o = 0; o < y->dim[1]; o++)
            for (int64_t oy = 0; oy < h; oy++)
                for (int64_t ox = 0; ox < w; ox++) {
                    double want = expected(f, transposed, g, groups, n, o, oy, ox);
                    if (fabs(at(y, n, o, oy, ox) - want) > 1e-4)
                        fail_msg("[%d %d %d %d] is %g, not %g", (int)n, (int)o, (int)oy, (int)ox, at(y, n, o, oy, ox), want);
                }
}

static const fvi_cpu_op *op_of(fvi_op op)
{
    for (const fvi_cpu_op *o = fvi_cpu_conv_ops; o->op; o++)
        if (o->op == op) return o;
    fail_msg("operator missing in the table");
    return NULL;
}

/* Prepares with the halo that the operator asks for, in the wanted layout, and runs. */
static void run(fixture *f, bool nhwc, int gap)
{
    fv_error err = {0};
    const fvi_cpu_op *op = op_of(f->node.op);
    assert_null(op->unsupported(&f->node));
    for (int i = 1; i < 3; i++) f->value[i].constant = f->constant[i] ? f->tensor[i].data : NULL;
    place(f, 0, nhwc, nhwc ? op->halo(&f->node) : 0, gap);
    place(f, 3, nhwc, 1, gap);
    if (op->prepare(&f->step, &err) != FV_OK) fail_msg("%s", err.text);
    assert_non_null(f->step.tactic);
    f->step.run(&f->step);
}

static void conv_case(int64_t cin, int64_t cout, int64_t groups, int64_t k, int64_t s, int64_t d, int64_t pad, int64_t h,
                      int64_t w, bool nhwc, int threads, const char *tactic)
{
    fixture f = {0};
    const int64_t ho = (h + 2 * pad - (k - 1) * d - 1) / s + 1, wo = (w + 2 * pad - (k - 1) * d - 1) / s + 1;
    const int64_t x[4] = {2, cin, h, w}, wt[4] = {cout, cin / groups, k, k}, y[4] = {2, cout, ho, wo};
    const int64_t ss[2] = {s, s}, dd[2] = {d, d}, pp[4] = {pad, pad, pad, pad};
    fv_error err;
    if (threads > 1) assert_int_equal(fvi_pool_create(&f.env.pool, threads, &err), FV_OK);
    begin(&f, FVI_OP_CONV, 4, x, wt, cout, y);
    set_ints(&f, "strides", 2, ss), set_ints(&f, "dilations", 2, dd), set_ints(&f, "pads", 4, pp), set_int(&f, "group", groups);
    run(&f, nhwc, 3);
    if (tactic && !strstr(f.step.tactic, tactic)) fail_msg("runs as '%s', not as %s", f.step.tactic, tactic);
    fvi_conv_geometry g = {{s, s}, {d, d}, {pad, pad}, {pad, pad}};
    compare(&f, false, &g, groups);
    end(&f);
}

static void conv_takes_the_tactic_meant_for_it(void **state)
{
    (void)state;
    conv_case(32, 32, 1, 3, 1, 1, 1, 16, 20, true, 1, "winograd");
    conv_case(3, 16, 1, 3, 2, 1, 1, 17, 20, true, 1, "direct");
    conv_case(48, 40, 1, 3, 2, 1, 1, 15, 24, true, 1, "winograd2");
    conv_case(20, 24, 1, 1, 1, 1, 0, 9, 7, true, 1, "direct");
    conv_case(24, 24, 24, 3, 1, 1, 1, 9, 7, true, 1, "depthwise");
    conv_case(24, 48, 2, 3, 1, 1, 1, 9, 7, true, 1, "direct");
    conv_case(8, 8, 1, 3, 1, 2, 2, 9, 7, true, 1, "direct");
    conv_case(6, 8, 1, 3, 2, 1, 1, 9, 8, false, 1, "reference");
}

/* Wide dilations on small maps: the taps that stay decide about the halo, the result is that of all. */
static void taps_that_meet_only_padding_are_left_out(void **state)
{
    (void)state;
    const int64_t in[2] = {6, 8}, kernel[2] = {3, 3};
    int64_t first[2], count[2];
    fvi_conv_geometry g = {{1, 1}, {12, 7}, {12, 7}, {12, 7}};
    fvi_cpu_conv_crop(in, kernel, &g, first, count);
    assert_int_equal(first[0], 1);
    assert_int_equal(count[0], 1);
    assert_int_equal(g.before[0], 0);
    assert_int_equal(g.after[0], 0);
    assert_int_equal(first[1], 0); /* a column still sees the one seven to the left */
    assert_int_equal(count[1], 3);
    assert_int_equal(g.before[1], 7);
    conv_case(16, 8, 1, 3, 1, 12, 12, 6, 8, true, 1, "direct");
    conv_case(16, 8, 1, 3, 1, 7, 7, 6, 8, true, 1, "direct");
    conv_case(16, 16, 16, 5, 2, 3, 6, 5, 9, true, 1, "depthwise");
    conv_case(8, 8, 2, 3, 1, 9, 9, 6, 8, true, 3, "direct");
    conv_case(8, 8, 1, 3, 1, 1, 40, 4, 4, true, 1, NULL); /* whole pixels of the output see nothing but padding */
}

static void threads_change_nothing(void **state)
{
    (void)state;
    conv_case(64, 64, 1, 3, 1, 1, 1, 40, 40, true, 3, NULL);
    conv_case(64, 80, 1, 1, 1, 1, 0, 40, 40, true, 3, NULL);
    conv_case(300, 256, 1, 3, 2, 1, 1, 6, 6, true, 3, "direct"); /* split by channels */
    conv_case(64, 64, 64, 5, 1, 1, 2, 40, 40, true, 3, "depthwise");
}

static void conv_1d_is_a_flat_image(void **state)
{
    (void)state;
    fixture f = {0};
    const int64_t x[3] = {1, 5, 11}, w[3] = {4, 5, 3}, y[3] = {1, 4, 6}, s[1] = {2}, p[2] = {1, 1};
    begin(&f, FVI_OP_CONV, 3, x, w, 0, y);
    set_ints(&f, "strides", 1, s), set_ints(&f, "pads", 2, p);
    run(&f, false, 0);
    fvi_conv_geometry g = {{1, 2}, {1, 1}, {0, 1}, {0, 1}};
    compare(&f, false, &g, 1);
    end(&f);
}

static void auto_pad_puts_the_odd_pixel_where_it_says(void **state)
{
    (void)state;
    for (int lower = 0; lower < 2; lower++) {
        fixture f = {0};
        const int64_t x[4] = {1, 4, 8, 6}, w[4] = {8, 4, 3, 3}, y[4] = {1, 8, 4, 3}, s[2] = {2, 2};
        begin(&f, FVI_OP_CONV, 4, x, w, 8, y);
        set_ints(&f, "strides", 2, s), set_string(&f, "auto_pad", lower ? "SAME_LOWER" : "SAME_UPPER");
        run(&f, true, 0);
        fvi_conv_geometry g = {{2, 2}, {1, 1}, {lower, lower}, {!lower, !lower}};
        compare(&f, false, &g, 1);
        end(&f);
    }
}

static void weights_computed_by_the_model_are_packed_every_run(void **state)
{
    (void)state;
    fixture f = {0};
    const int64_t x[4] = {1, 16, 8, 8}, w[4] = {16, 16, 1, 1}, y[4] = {1, 16, 8, 8};
    begin(&f, FVI_OP_CONV, 4, x, w, 16, y);
    f.constant[1] = false;
    run(&f, true, 0);
    float *weights = (float *)f.tensor[1].data;
    for (int i = 0; i < 256; i++) weights[i] = next_random();
    const uint64_t before = fvi_alloc_count();
    f.step.run(&f.step);
    assert_int_equal(fvi_alloc_count(), before);
    fvi_conv_geometry g = {{1, 1}, {1, 1}, {0, 0}, {0, 0}};
    compare(&f, false, &g, 1);
    end(&f);
}

static void activation_and_residual_are_applied_in_this_order(void **state)
{
    (void)state;
    fixture f = {0};
    const int64_t x[4] = {1, 16, 8, 8}, w[4] = {16, 16, 3, 3}, y[4] = {1, 16, 8, 8}, p[4] = {1, 1, 1, 1};
    begin(&f, FVI_OP_CONV, 4, x, w, 16, y);
    set_ints(&f, "pads", 4, p);
    f.node.act = FVI_ACT_RELU;
    fixture r = {0};
    begin(&r, FVI_OP_CONV, 4, y, w, 0, y);
    place(&r, 0, true, 2, 5);
    f.step.residual = r.tensor[0];
    run(&f, true, 0);
    const fvi_conv_geometry g = {{1, 1}, {1, 1}, {1, 1}, {1, 1}};
    for (int64_t o = 0; o < 16; o++)
        for (int64_t yy = 0; yy < 8; yy++)
            for (int64_t xx = 0; xx < 8; xx++) {
                double v = expected(&f, false, &g, 1, 0, o, yy, xx), want = (v > 0 ? v : 0) + at(&f.step.residual, 0, o, yy, xx);
                assert_true(fabs(at(&f.tensor[3], 0, o, yy, xx) - want) < 1e-4);
            }
    end(&f), end(&r);
}

static void transpose_case(int64_t cin, int64_t cout, int64_t groups, const int64_t k[2], const int64_t s[2], const int64_t d[2],
                           const int64_t pad[4], const int64_t extra[2], bool nhwc)
{
    fixture f = {0};
    const int64_t h = 5, w = 6;
    const int64_t ho = s[0] * (h - 1) + extra[0] + (k[0] - 1) * d[0] + 1 - pad[0] - pad[2];
    const int64_t wo = s[1] * (w - 1) + extra[1] + (k[1] - 1) * d[1] + 1 - pad[1] - pad[3];
    const int64_t x[4] = {2, cin, h, w}, wt[4] = {cin, cout / groups, k[0], k[1]}, y[4] = {2, cout, ho, wo};
    begin(&f, FVI_OP_CONV_TRANSPOSE, 4, x, wt, cout, y);
    set_ints(&f, "strides", 2, s), set_ints(&f, "dilations", 2, d), set_ints(&f, "pads", 4, pad);
    set_ints(&f, "output_padding", 2, extra), set_int(&f, "group", groups);
    run(&f, nhwc, 2);
    fvi_conv_geometry g = {{s[0], s[1]}, {d[0], d[1]}, {pad[0], pad[1]}, {pad[2], pad[3]}};
    compare(&f, true, &g, groups);
    end(&f);
}

static void conv_transpose_of_all_kinds(void **state)
{
    (void)state;
    const int64_t two[2] = {2, 2}, one[2] = {1, 1}, none[4] = {0}, pad1[4] = {1, 1, 1, 1}, odd[4] = {1, 0, 0, 2};
    const int64_t k3[2] = {3, 3}, k4[2] = {4, 4}, k21[2] = {2, 1}, s32[2] = {3, 2}, extra[2] = {1, 1};
    for (int nhwc = 0; nhwc < 2; nhwc++) {
        transpose_case(16, 8, 1, two, two, one, none, none, nhwc);
        transpose_case(8, 20, 1, k4, two, one, pad1, none, nhwc);
        transpose_case(4, 4, 1, k3, two, one, pad1, extra, nhwc);
        transpose_case(4, 6, 2, k3, one, one, odd, none, nhwc);
        transpose_case(4, 4, 1, k3, two, two, pad1, none, nhwc);
        transpose_case(4, 4, 1, k3, s32, two, none, none, nhwc);
        transpose_case(3, 5, 1, k21, s32, one, none, none, nhwc); /* kernel smaller than stride: some outputs are the bias */
    }
}

static void impossible_shapes_are_refused_in_words(void **state)
{
    (void)state;
    const int64_t x[4] = {1, 4, 8, 8}, w[4] = {8, 4, 3, 3}, y[4] = {1, 8, 6, 6}, wrong_y[4] = {1, 8, 7, 6}, wrong_w[4] = {8, 3, 3, 3};
    const int64_t huge[2] = {INT64_MAX, 1}, zero[2] = {0, 1};
    for (int i = 0; i < 6; i++) {
        fixture f = {0};
        fv_error err = {0};
        begin(&f, FVI_OP_CONV, 4, x, i == 1 ? wrong_w : w, i == 2 ? 7 : 8, i == 0 ? wrong_y : y);
        if (i == 3) set_int(&f, "group", 3);
        if (i == 4) set_ints(&f, "dilations", 2, huge);
        if (i == 5) set_ints(&f, "strides", 2, zero);
        place(&f, 0, true, 0, 0), place(&f, 3, true, 0, 0);
        assert_int_equal(op_of(FVI_OP_CONV)->prepare(&f.step, &err), FV_ERR_SHAPE);
        assert_non_null(strstr(err.text, "node"));
        end(&f);
    }
}

static void count_warning(void *user, fv_log_level level, const char *text)
{
    assert_int_equal(level, FV_LOG_WARNING);
    assert_non_null(strstr(text, "'node'"));
    assert_non_null(strstr(text, "conv reference c"));
    ++*(int *)user;
}

static int warnings_of(fvi_op op, fvi_cpu_flags cpu, bool nhwc, bool constant)
{
    fixture f = {0};
    fv_error err = {0};
    int warnings = 0;
    const fvi_log log = {count_warning, &warnings, FV_LOG_WARNING};
    const int64_t x[4] = {1, 4, 6, 6}, w[4] = {4, 4, 2, 2}, y[4] = {1, 4, 3, 3}, big[4] = {1, 4, 12, 12}, s[2] = {2, 2};
    f.env.cpu = cpu;
    f.env.log = &log;
    begin(&f, op, 4, x, w, 0, op == FVI_OP_CONV ? y : big);
    set_ints(&f, "strides", 2, s);
    f.constant[0] = constant;
    place(&f, 0, nhwc, 0, 0), place(&f, 3, nhwc, 0, 0);
    assert_int_equal(op_of(op)->prepare(&f.step, &err), FV_OK);
    end(&f);
    return warnings;
}

static void a_slow_tactic_is_told(void **state)
{
    (void)state;
    const fvi_cpu_flags best = fvi_cpu_detect();
    if (best == FVI_CPU_C) skip();
    assert_int_equal(warnings_of(FVI_OP_CONV, best, false, false), 1);
    assert_int_equal(warnings_of(FVI_OP_CONV_TRANSPOSE, best, false, false), 1); /* four phases */
    assert_int_equal(warnings_of(FVI_OP_CONV, best, true, false), 0);
    assert_int_equal(warnings_of(FVI_OP_CONV, best, false, true), 0);      /* constant folding */
    assert_int_equal(warnings_of(FVI_OP_CONV, FVI_CPU_C, false, false), 0); /* slow was asked for */
}

static void running_out_of_memory_is_an_error(void **state)
{
    (void)state;
    for (long n = 1; n <= 6; n++) {
        fixture f = {0};
        fv_error err = {0};
        const int64_t x[4] = {1, 4, 8, 8}, w[4] = {4, 4, 2, 2}, y[4] = {1, 4, 16, 16}, s[2] = {2, 2};
        begin(&f, FVI_OP_CONV_TRANSPOSE, 4, x, w, 4, y);
        set_ints(&f, "strides", 2, s);
        place(&f, 0, true, 0, 0), place(&f, 3, true, 0, 0);
        fvi_alloc_fail_after(n);
        fv_status st = op_of(FVI_OP_CONV_TRANSPOSE)->prepare(&f.step, &err);
        fvi_alloc_fail_after(0);
        assert_int_equal(st, FV_ERR_MEMORY);
        end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conv_takes_the_tactic_meant_for_it),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(conv_1d_is_a_flat_image),
        cmocka_unit_test(auto_pad_puts_the_odd_pixel_where_it_says),
        cmocka_unit_test(weights_computed_by_the_model_are_packed_every_run),
        cmocka_unit_test(activation_and_residual_are_applied_in_this_order),
        cmocka_unit_test(conv_transpose_of_all_kinds),
        cmocka_unit_test(impossible_shapes_are_refused_in_words),
        cmocka_unit_test(a_slow_tactic_is_told),
        cmocka_unit_test(running_out_of_memory_is_an_error),
        cmocka_unit_test(taps_that_meet_only_padding_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
