/* test_prep.c: prep against OpenCV's results, against its own definition in double for YUV, and its invariants. */
#include "prep_util.h"
#include "kern/elementwise.h"

static double worst(const float *a, const float *b, int n)
{
    double w = 0;
    for (int i = 0; i < n; i++) {
        double d = fabs((double)a[i] - b[i]);
        if (!(d <= w)) w = d; /* NaN counts */
    }
    return w;
}

static FILE *open_data(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/prep/%s", FV_TEST_DATA, name);
    FILE *f = fopen(path, "rb");
    if (!f) print_error("%s is missing; run scripts/make_prep_goldens.py\n", path);
    assert_non_null(f);
    return f;
}

/* Linear is OpenCV's to the bit; area is not rounded to whole levels, so within half a level. */
static void one_golden(const char *name, const char *kind, int channels, int w, int h, int dw, int dh, const char *filter)
{
    bool area = !strcmp(filter, "area"), smooth = !strcmp(filter, "smooth"), cubic = !strcmp(filter, "cubic"), sharp = !strcmp(filter, "sharp");
    char file[128];
    snprintf(file, sizeof file, "%s.bin", name);
    FILE *in = open_data(file);
    int n = dw * dh;
    uint8_t *want = malloc((size_t)(n * channels));
    assert_non_null(want);
    assert_int_equal(fread(want, 1, (size_t)(n * channels), in), n * channels);
    fclose(in);
    fv_frame f = make_frame(channels == 3 ? FV_PIXEL_RGB : FV_PIXEL_GRAY, w, h, kind[0] == 'n' ? noise : gradient);
    fvi_prep_spec spec = plain_spec();
    spec.filter = area ? FVI_FILTER_AREA : smooth ? FVI_FILTER_SMOOTH : cubic ? FVI_FILTER_CUBIC : sharp ? FVI_FILTER_SHARP : FVI_FILTER_BILINEAR;
    double most = sharp || smooth || cubic ? 1.01 : area ? 0.501 : 0.0; /* Pillow rounds in fixed point between its passes, OpenCV in 11 bits */
    for (int layout = 0; layout < 3; layout++) {
        float *got = prep_once(&spec, &f, dw, dh, layout, fvi_cpu_detect(), 1, NULL);
        for (int i = 0; i < n; i++)
            for (int c = 0; c < 3; c++) {
                double d = fabs((double)got[c * n + i] - want[i * channels + (channels == 3 ? c : 0)]);
                if (!(d <= most)) fail_msg("%s layout %d: pixel %d,%d channel %d is off by %g", name, layout, i % dw, i / dw, c, d);
            }
        free(got);
    }
    fv_frame_release(&f);
    free(want);
}

static void test_goldens(void **state)
{
    (void)state;
    FILE *list = open_data("cases.txt");
    char name[64], kind[16], filter[16];
    int channels, w, h, dw, dh, count = 0;
    while (fscanf(list, "%63s %15s %d %d %d %d %d %15s", name, kind, &channels, &w, &h, &dw, &dh, filter) == 8) {
        one_golden(name, kind, channels, w, h, dw, dh, filter);
        count++;
    }
    fclose(list);
    assert_true(count >= 10);
}

static void test_geometry(void **state)
{
    (void)state;
    FILE *list = open_data("geometry.txt");
    char fit[16];
    int w, h, dw, dh, nw, nh, left, top, count = 0;
    while (fscanf(list, "%15s %d %d %d %d %d %d %d %d", fit, &w, &h, &dw, &dh, &nw, &nh, &left, &top) == 9) {
        fvi_prep_spec spec = plain_spec();
        spec.pad_topleft = fit[0] == 't';
        fvi_prep_map m;
        fvi_prep_geometry(&m, &spec, w, h, dw, dh);
        if (m.new_w != nw || m.new_h != nh || m.left != left || m.top != top)
            fail_msg("%s %dx%d in %dx%d: %dx%d at %d,%d, not %dx%d at %d,%d", fit, w, h, dw, dh, m.new_w, m.new_h, m.left, m.top, nw, nh, left, top);
        assert_true(m.dx == left && m.dy == top);
        double one = (double)dh / h < (double)dw / w ? (double)dh / h : (double)dw / w;
        assert_float_equal(m.sx, spec.pad_topleft ? one : (double)nw / w, 1e-12);
        assert_float_equal(m.sy, spec.pad_topleft ? one : (double)nh / h, 1e-12);
        count++;
    }
    fclose(list);
    assert_true(count >= 100);
}

static void test_crop_and_stretch_geometry(void **state)
{
    (void)state;
    fvi_prep_spec spec = plain_spec();
    fvi_prep_map m;
    spec.fit = FVI_FIT_CROP;
    fvi_prep_geometry(&m, &spec, 500, 333, 224, 224); /* torchvision: Resize(224) gives 336x224, CenterCrop takes 56.. */
    assert_int_equal(m.new_w, 336);
    assert_int_equal(m.new_h, 224);
    assert_int_equal(m.left, -56);
    assert_int_equal(m.top, 0);
    spec.crop_fraction = 0.875; /* Resize(256): 384x256 */
    fvi_prep_geometry(&m, &spec, 500, 333, 224, 224);
    assert_int_equal(m.new_w, 384);
    assert_int_equal(m.new_h, 256);
    assert_int_equal(m.left, -80);
    assert_int_equal(m.top, -16);
    spec.fit = FVI_FIT_STRETCH;
    fvi_prep_geometry(&m, &spec, 500, 333, 224, 100);
    assert_int_equal(m.new_w, 224);
    assert_int_equal(m.new_h, 100);
    assert_float_equal(m.sx, 224 / 500.0, 1e-12);
    assert_float_equal(m.sy, 100 / 333.0, 1e-12);
}

/* ---- YUV against the definition: each plane at its own resolution, stated siting, then the matrix, then clamping ---- */

static double tap(const fv_frame *f, int plane, int step, int at, int w, int h, double px, double py)
{
    px = fmin(fmax(px, 0), w - 1);
    py = fmin(fmax(py, 0), h - 1);
    int x = (int)px, y = (int)py, x1 = x + 1 < w ? x + 1 : x, y1 = y + 1 < h ? y + 1 : y;
    const uint8_t *r0 = f->plane[plane] + y * f->stride[plane] + at, *r1 = f->plane[plane] + y1 * f->stride[plane] + at;
    double fx = px - x, fy = py - y;
    return (r0[x * step] * (1 - fx) + r0[x1 * step] * fx) * (1 - fy) + (r1[x * step] * (1 - fx) + r1[x1 * step] * fx) * fy;
}

static void yuv_want(const fv_frame *f, const fvi_prep_map *m, int x, int y, double rgb[3])
{
    static const double kr_kb[][2] = {{0.299, 0.114}, {0.2126, 0.0722}, {0.2627, 0.0593}};
    double px = (x - m->left + 0.5) * f->width / m->new_w - 0.5, py = (y - m->top + 0.5) * f->height / m->new_h - 0.5;
    int cw = (f->width + 1) / 2, ch = (f->height + 1) / 2;
    bool nv12 = f->format == FV_PIXEL_NV12;
    double cx = f->chroma == FV_CHROMA_LEFT ? px / 2 : px / 2 - 0.25, cy = py / 2 - 0.25;
    double l = tap(f, 0, 1, 0, f->width, f->height, px, py);
    double u = tap(f, 1, nv12 ? 2 : 1, 0, cw, ch, cx, cy) - 128;
    double v = tap(f, nv12 ? 1 : 2, nv12 ? 2 : 1, nv12, cw, ch, cx, cy) - 128;
    if (f->range == FV_RANGE_LIMITED) {
        l = (l - 16) * 255 / 219;
        u *= 255 / 224.0;
        v *= 255 / 224.0;
    }
    double kr = kr_kb[f->matrix][0], kb = kr_kb[f->matrix][1];
    rgb[0] = l + 2 * (1 - kr) * v;
    rgb[2] = l + 2 * (1 - kb) * u;
    rgb[1] = (l - kr * rgb[0] - kb * rgb[2]) / (1 - kr - kb); /* from the unclamped ends */
    for (int c = 0; c < 3; c++) rgb[c] = fmin(fmax(rgb[c], 0), 255);
}

static void one_yuv(fv_pixel_format format, int w, int h, int dw, int dh, int matrix, int range, int site)
{
    fv_frame f = make_frame(format, w, h, noise);
    f.matrix = (fv_color_matrix)matrix;
    f.range = (fv_color_range)range;
    f.chroma = (fv_chroma_site)site;
    fvi_prep_spec spec = plain_spec();
    fvi_prep_map m;
    float *got = prep_once(&spec, &f, dw, dh, matrix & 1, fvi_cpu_detect(), 1, &m);
    for (int y = m.top; y < m.top + m.new_h; y++)
        for (int x = m.left; x < m.left + m.new_w; x++) {
            double want[3];
            yuv_want(&f, &m, x, y, want);
            for (int c = 0; c < 3; c++) {
                double d = fabs(got[(c * dh + y) * dw + x] - want[c]);
                if (!(d < 0.2)) fail_msg("%s %dx%d matrix %d range %d site %d: %d,%d channel %d is off by %g", fv_pixel_format_name(format), w, h, matrix, range, site, x, y, c, d);
            }
        }
    free(got);
    fv_frame_release(&f);
}

static void test_yuv(void **state)
{
    (void)state;
    static const int size[][4] = {{96, 54, 40, 40}, {40, 30, 64, 64}, {33, 77, 48, 48}, {48, 36, 48, 48}, {1, 1, 8, 8}, {3, 2, 17, 19}, {2, 9, 16, 16}, {640, 12, 32, 16}};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++)
        for (int k = 0; k < 12; k++)
            for (int nv12 = 0; nv12 < 2; nv12++)
                one_yuv(nv12 ? FV_PIXEL_NV12 : FV_PIXEL_I420, size[i][0], size[i][1], size[i][2], size[i][3], k % 3, k / 3 % 2, k / 6);
}

/* ---- invariants ---- */

static uint8_t constant(int x, int y, int c)
{
    (void)x;
    (void)y;
    return c == 0 ? 93 : c == 1 ? 141 : 77;
}

static void test_constant_and_padding(void **state)
{
    (void)state;
    fvi_prep_spec spec = {.pad_value = 114, .mean = {10, 20, 30}, .scale = {0.5f, 0.25f, 2}};
    for (int format = FV_PIXEL_I420; format <= FV_PIXEL_GRAY; format++)
        for (int k = 0; k < 12; k++) {
            int w = k % 2 ? 77 : 24, h = k % 2 ? 43 : 18, dw = 40, dh = 40;
            spec.fit = (fvi_fit)(k / 2 % 3);
            spec.filter = (fvi_filter)(k / 6);
            spec.bgr = k & 1;
            fv_frame f = make_frame((fv_pixel_format)format, w, h, constant);
            fvi_prep_map m;
            float *got = prep_once(&spec, &f, dw, dh, k % 3, fvi_cpu_detect(), 1, &m);
            for (int c = 0; c < 3; c++) {
                float pad = spec.pad_value * spec.scale[c] + -spec.mean[c] * spec.scale[c];
                float inside = got[(c * dh + dh / 2) * dw + dw / 2];
                for (int y = 0; y < dh; y++)
                    for (int x = 0; x < dw; x++) {
                        bool in = x >= m.left && x < m.left + m.new_w && y >= m.top && y < m.top + m.new_h;
                        float v = got[(c * dh + y) * dw + x];
                        if (!in) assert_true(v == pad); /* to the bit */
                        else if (!(fabsf(v - inside) < 1e-3f)) fail_msg("format %d case %d: %g is not %g", format, k, (double)v, (double)inside);
                    }
                if (format == FV_PIXEL_GRAY) assert_float_equal(inside, (93 - spec.mean[c]) * spec.scale[c], 1e-3);
                if (format == FV_PIXEL_RGB) assert_float_equal(inside, (constant(0, 0, spec.bgr ? 2 - c : c) - spec.mean[c]) * spec.scale[c], 1e-3);
                if (format == FV_PIXEL_BGR) assert_float_equal(inside, (constant(0, 0, spec.bgr ? c : 2 - c) - spec.mean[c]) * spec.scale[c], 1e-3);
            }
            free(got);
            fv_frame_release(&f);
        }
}

/* Every level and number of threads gives the bytes of the C level on one thread. */
static void test_levels_and_threads(void **state)
{
    (void)state;
    static const int size[][4] = {{320, 180, 64, 64}, {101, 57, 33, 70}, {37, 64, 64, 64}, {64, 64, 64, 64}, {1500, 9, 40, 24}, {5, 5, 97, 35}};
    fvi_cpu_flags all = fvi_cpu_detect();
    fvi_prep_spec spec = {.pad_value = 114, .mean = {1, 2, 3}, .scale = {0.3f, 0.2f, 0.1f}};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++)
        for (int format = FV_PIXEL_I420; format <= FV_PIXEL_GRAY; format++)
            for (int k = 0; k < 12; k++) {
                int dw = size[i][2], dh = size[i][3];
                spec.filter = (fvi_filter)(k & 1);
                spec.fit = (fvi_fit)(k / 2 % 3);
                spec.bgr = k / 6;
                fv_frame f = make_frame((fv_pixel_format)format, size[i][0], size[i][1], noise);
                float *want = prep_once(&spec, &f, dw, dh, 0, FVI_CPU_C, 1, NULL);
                for (fvi_cpu_flags top = FVI_CPU_AVX2; top <= FVI_CPU_AVX512; top <<= 1) {
                    if (!(all & top)) continue;
                    float *got = prep_once(&spec, &f, dw, dh, k % 2, top | (top - 1), 1 + k % 3, NULL);
                    if (memcmp(got, want, (size_t)(3 * dw * dh) * sizeof *got))
                        fail_msg("%s %dx%d case %d level %u: off by %g", fv_pixel_format_name(f.format), f.width, f.height, k, top, worst(got, want, 3 * dw * dh));
                    free(got);
                }
                float *got = prep_once(&spec, &f, dw, dh, 2, FVI_CPU_C, 3, NULL);
                assert_memory_equal(got, want, (size_t)(3 * dw * dh) * sizeof *got);
                free(got);
                free(want);
                fv_frame_release(&f);
            }
}

static void test_matches_after_many_sizes(void **state)
{ /* tables are rebuilt when the source changes, and only then is memory asked for */
    (void)state;
    fv_error err = {0};
    fvi_prep *p;
    fvi_prep_spec spec = plain_spec();
    assert_int_equal(fvi_prep_create(&p, &spec, fvi_cpu_detect(), &err), FV_OK);
    static float out[3 * 40 * 40];
    fvi_tensor t = {.dtype = FV_F32, .rank = 4, .dim = {1, 3, 40, 40}, .stride = {4800, 1600, 40, 1}, .data = (char *)out};
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 4; i++) {
            fv_frame f = make_frame(i % 2 ? FV_PIXEL_NV12 : FV_PIXEL_BGR, 50 + 13 * i, 31, noise);
            assert_int_equal(fvi_prep_run(p, &f, &t, 0, NULL, NULL, &err), FV_OK);
            float *want = prep_once(&spec, &f, 40, 40, 0, fvi_cpu_detect(), 1, NULL);
            assert_memory_equal(out, want, sizeof out);
            free(want);
            uint64_t before = fvi_alloc_count();
            for (int k = 0; k < 3; k++) assert_int_equal(fvi_prep_run(p, &f, &t, 0, NULL, NULL, &err), FV_OK);
            assert_true(fvi_alloc_count() == before);
            f.matrix = FV_COLOR_BT2020; /* same size, other colours */
            f.range = FV_RANGE_FULL;
            f.chroma = FV_CHROMA_CENTER;
            assert_int_equal(fvi_prep_run(p, &f, &t, 0, NULL, NULL, &err), FV_OK);
            want = prep_once(&spec, &f, 40, 40, 0, fvi_cpu_detect(), 1, NULL);
            assert_memory_equal(out, want, sizeof out);
            free(want);
            fv_frame_release(&f);
        }
    fvi_prep_free(&p);
    assert_null(p);
    fvi_prep_free(&p);
}

/* Types other than float32 are float32's values rounded; padding too. */
static const char *const fv_dtype_word[] = {"uint8", "float16", "bfloat16"};
static uint8_t ramp(int x, int y, int c) { return (uint8_t)(3 * x + 2 * y + 0 * c); }
static void test_types(void **state)
{
    (void)state;
    static const fv_dtype types[] = {FV_U8, FV_F16, FV_BF16};
    fv_frame f = make_frame(FV_PIXEL_RGB, 61, 37, noise);
    for (int k = 0; k < 6; k++) {
        fvi_prep_spec spec = plain_spec();
        const fv_dtype type = types[k % 3];
        const int w = 45, h = 40, n = 3 * w * h;
        const bool nhwc = k >= 3;
        spec.filter = FVI_FILTER_CUBIC;
        float *want = prep_once(&spec, &f, w, h, nhwc ? 1 : 0, fvi_cpu_detect(), 1, NULL);
        char *got = malloc((size_t)n * 2);
        fvi_tensor t = {.dtype = type, .rank = 4, .dim = {1, 3, h, w}, .data = got, .stride = {n, nhwc ? 1 : w * h, nhwc ? 3 * w : w, nhwc ? 3 : 1}};
        fvi_prep *p;
        assert_int_equal(fvi_prep_create(&p, &spec, fvi_cpu_detect(), NULL), FV_OK);
        assert_int_equal(fvi_prep_run(p, &f, &t, 0, NULL, NULL, NULL), FV_OK);
        for (int i = 0; i < n; i++) {
            int c = i / (w * h), at = i % (w * h), place = nhwc ? 3 * at + c : i;
            double v = type == FV_U8    ? ((uint8_t *)got)[place]
                       : type == FV_F16 ? (double)fvi_half_to_float(((uint16_t *)(void *)got)[place])
                                        : (double)fvi_bfloat_to_float(((uint16_t *)(void *)got)[place]);
            double most = type == FV_U8 ? 0.5001 : (double)want[i] / (type == FV_F16 ? 2048 : 256);
            if (fabs(v - (double)want[i]) > most + 1e-6) fail_msg("%s nhwc %d: element %d is %g, not %g", fv_dtype_word[type == FV_U8 ? 0 : type == FV_F16 ? 1 : 2], nhwc, i, v, (double)want[i]);
        }
        fvi_prep_free(&p);
        free(got);
        free(want);
    }
    fv_frame_release(&f);
}

/* A picture of 61x37 decoded at a quarter lies in 16x10, of which it is 15.25x9.25: the tensor is that of the whole, as far as means of 4x4 tell. */
static void test_smaller_than_it_is(void **state)
{
    (void)state;
    fv_frame whole = make_frame(FV_PIXEL_RGB, 61, 37, ramp), quarter = make_frame(FV_PIXEL_RGB, 16, 10, ramp);
    for (int y = 0; y < 10; y++)
        for (int x = 0; x < 16; x++)
            for (int c = 0; c < 3; c++) quarter.plane[0][y * quarter.stride[0] + 3 * x + c] = (uint8_t)lrint(3 * (4 * x + 1.5) + 2 * (4 * y + 1.5));
    fvi_prep_spec spec = plain_spec();
    spec.filter = FVI_FILTER_SMOOTH;
    spec.fit = FVI_FIT_LETTERBOX;
    static float want[3 * 12 * 12], got[3 * 12 * 12];
    fvi_prep_map a, b;
    fvi_prep *p;
    const fvi_prep_part part = {.width = 16, .height = 10, .full_w = 61, .full_h = 37, .real_w = 15.25, .real_h = 9.25};
    fvi_tensor t = {.dtype = FV_F32, .rank = 4, .dim = {1, 3, 12, 12}, .stride = {432, 144, 12, 1}, .data = (char *)want};
    assert_int_equal(fvi_prep_create(&p, &spec, fvi_cpu_detect(), NULL), FV_OK);
    assert_int_equal(fvi_prep_run(p, &whole, &t, 0, NULL, &a, NULL), FV_OK);
    t.data = (char *)got;
    assert_int_equal(fvi_prep_run_part(p, &quarter, &part, &t, 0, NULL, &b, NULL), FV_OK);
    assert_memory_equal(&a, &b, sizeof a);
    for (int i = 0; i < 432; i++) /* edges differ: there a filter ends earlier */
        if (i % 12 > 1 && i % 12 < 10 && i / 12 % 12 > a.top + 1 && i / 12 % 12 < a.top + a.new_h - 2 && fabsf(got[i] - want[i]) > 2.0f)
            fail_msg("element %d is %g, not %g", i, (double)got[i], (double)want[i]);
    fvi_prep_free(&p);
    fv_frame_release(&whole);
    fv_frame_release(&quarter);
}

static void test_refusals(void **state)
{
    (void)state;
    fv_error err = {0};
    fvi_prep *p;
    fvi_prep_spec spec = plain_spec();
    assert_int_equal(fvi_prep_create(&p, &spec, FVI_CPU_C, &err), FV_OK);
    static float out[2 * 3 * 8 * 8];
    fvi_tensor good = {.dtype = FV_F32, .rank = 4, .dim = {2, 3, 8, 8}, .stride = {192, 64, 8, 1}, .data = (char *)out}, t;
    fv_frame ok = make_frame(FV_PIXEL_I420, 9, 7, noise), f;
    assert_int_equal(fvi_prep_run(p, &ok, &good, 1, NULL, NULL, &err), FV_OK);
#define REFUSED(field, value) (f = ok, f.field = (value), assert_true(fvi_prep_run(p, &f, &good, 0, NULL, NULL, &err) < 0), assert_true(err.text[0]), err.text[0] = 0)
    REFUSED(stride[0], 8);
    REFUSED(stride[0], -64);
    REFUSED(stride[2], 4);
    REFUSED(plane[1], NULL);
    REFUSED(width, 0);
    REFUSED(height, -1);
    REFUSED(width, 32769);
    REFUSED(format, FV_PIXEL_NONE);
    REFUSED(format, (fv_pixel_format)99);
    REFUSED(matrix, (fv_color_matrix)3);
#define REFUSED_TENSOR(field, value) (t = good, t.field = (value), assert_true(fvi_prep_run(p, &ok, &t, 0, NULL, NULL, &err) < 0), assert_true(err.text[0]), err.text[0] = 0)
    REFUSED_TENSOR(dtype, FV_I8);
    REFUSED_TENSOR(rank, 3);
    REFUSED_TENSOR(dim[1], 1);
    REFUSED_TENSOR(dim[2], 0);
    REFUSED_TENSOR(dim[3], 40000);
    REFUSED_TENSOR(data, NULL);
    assert_true(fvi_prep_run(p, &ok, &good, 2, NULL, NULL, &err) < 0);
    assert_true(fvi_prep_run(p, &ok, &good, -1, NULL, NULL, &err) < 0);
    assert_int_equal(fvi_prep_run(p, &ok, &good, 0, NULL, NULL, &err), FV_OK);
    fvi_prep_free(&p);
    spec.scale[1] = NAN;
    assert_true(fvi_prep_create(&p, &spec, FVI_CPU_C, &err) < 0);
    assert_null(p);
    fv_frame_release(&ok);
}

/* The n-th allocation fails: an error, no crash, no leak; afterwards it works. */
static void test_out_of_memory(void **state)
{
    (void)state;
    fv_error err = {0};
    fvi_prep *p;
    fvi_prep_spec spec = plain_spec();
    spec.filter = FVI_FILTER_AREA;
    static float out[3 * 8 * 8];
    fvi_tensor t = {.dtype = FV_F32, .rank = 4, .dim = {1, 3, 8, 8}, .stride = {192, 64, 8, 1}, .data = (char *)out};
    fv_frame f = make_frame(FV_PIXEL_NV12, 31, 17, noise);
    int failures = 0;
    for (long n = 1; n < 50; n++) {
        fvi_alloc_fail_after(n);
        fv_status st = fvi_prep_create(&p, &spec, fvi_cpu_detect(), &err);
        if (st == FV_OK) st = fvi_prep_run(p, &f, &t, 0, NULL, NULL, &err);
        fvi_alloc_fail_after(0);
        if (st != FV_OK) {
            assert_int_equal(st, FV_ERR_MEMORY);
            failures++;
        }
        if (p) assert_int_equal(fvi_prep_run(p, &f, &t, 0, NULL, NULL, &err), FV_OK);
        fvi_prep_free(&p);
        if (st == FV_OK) break;
    }
    assert_true(failures > 2 && failures < 49);
    fv_frame_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goldens),          cmocka_unit_test(test_geometry),
        cmocka_unit_test(test_crop_and_stretch_geometry), cmocka_unit_test(test_yuv),
        cmocka_unit_test(test_constant_and_padding), cmocka_unit_test(test_levels_and_threads),
        cmocka_unit_test(test_matches_after_many_sizes), cmocka_unit_test(test_refusals), cmocka_unit_test(test_types),
        cmocka_unit_test(test_smaller_than_it_is),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
