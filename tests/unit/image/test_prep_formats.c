/* test_prep_formats.c: the formats that prep unpacks or reads with another chroma. Those that hold the same samples as a plain format must
 * give the same tensor to the bit; the others stay near the definition in double: 0.2 levels for 8 bits, 2 for 10 (rounded first). */
#include "prep_util.h"
#include "image/pixel.h"

static const int sizes[][4] = {{96, 54, 40, 40}, {40, 30, 64, 64}, {33, 77, 48, 48}, {48, 36, 48, 48}, {1, 1, 8, 8}, {3, 2, 17, 19}, {641, 13, 32, 16}};

static fv_frame blank(fv_pixel_format format, const fv_frame *like)
{
    fv_frame f;
    assert_int_equal(fv_frame_alloc(&f, format, like->width, like->height), FV_OK);
    f.matrix = like->matrix;
    f.range = like->range;
    f.chroma = like->chroma;
    return f;
}

static void same(const fv_frame *a, const fv_frame *b, int dw, int dh, fvi_filter filter, bool bgr, const char *what)
{
    fvi_prep_spec spec = plain_spec();
    spec.filter = filter;
    spec.bgr = bgr;
    float *x = prep_once(&spec, a, dw, dh, 0, fvi_cpu_detect(), 1, NULL), *y = prep_once(&spec, b, dw, dh, 1, fvi_cpu_detect(), 3, NULL);
    for (int i = 0; i < 3 * dw * dh; i++)
        if (x[i] != y[i]) fail_msg("%s %dx%d filter %d: value %d is %g, not %g", what, a->width, a->height, filter, i, (double)y[i], (double)x[i]);
    free(x);
    free(y);
}

static void put16(uint8_t *p, int i, unsigned v) { p[2 * i] = (uint8_t)v, p[2 * i + 1] = (uint8_t)(v >> 8); }

/* NV12 again with V first; with its bytes on top of words. */
static void test_same_as_nv12(const fv_frame *nv12, int dw, int dh, fvi_filter filter)
{
    int w = nv12->width, h = nv12->height, cw = (w + 1) / 2, ch = (h + 1) / 2;
    fv_frame vu = blank(FV_PIXEL_NV21, nv12), high = blank(FV_PIXEL_P010, nv12), low = blank(FV_PIXEL_I010, nv12);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            unsigned v = nv12->plane[0][y * nv12->stride[0] + x];
            vu.plane[0][y * vu.stride[0] + x] = (uint8_t)v;
            put16(high.plane[0] + y * high.stride[0], x, v << 8);
            put16(low.plane[0] + y * low.stride[0], x, v << 2);
        }
    for (int y = 0; y < ch; y++)
        for (int x = 0; x < cw; x++)
            for (int c = 0; c < 2; c++) {
                unsigned v = nv12->plane[1][y * nv12->stride[1] + 2 * x + c];
                vu.plane[1][y * vu.stride[1] + 2 * x + 1 - c] = (uint8_t)v;
                put16(high.plane[1] + y * high.stride[1], 2 * x + c, v << 8);
                put16(low.plane[1 + c] + y * low.stride[1 + c], x, v << 2);
            }
    same(nv12, &vu, dw, dh, filter, false, "nv21");
    same(nv12, &high, dw, dh, filter, false, "p010");
    same(nv12, &low, dw, dh, filter, true, "i010");
    fv_frame_release(&vu);
    fv_frame_release(&high);
    fv_frame_release(&low);
}

static void forms_of_420(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int k = 0; k < 4; k++) {
            fv_frame nv12 = make_frame(FV_PIXEL_NV12, sizes[i][0], sizes[i][1], noise);
            nv12.range = (fv_color_range)(k & 1);
            test_same_as_nv12(&nv12, sizes[i][2], sizes[i][3], (fvi_filter)(k / 2));
            fv_frame_release(&nv12);
        }
}

static void packed_422_is_planar_422(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int k = 0; k < 4; k++) {
            int w = sizes[i][0], h = sizes[i][1], cw = (w + 1) / 2;
            fv_frame like = {.width = w, .height = h, .range = (fv_color_range)(k & 1)}, p = blank(FV_PIXEL_I422, &like);
            fv_frame yuyv = blank(FV_PIXEL_YUYV, &like), uyvy = blank(FV_PIXEL_UYVY, &like);
            for (int y = 0; y < h; y++)
                for (int x = 0; x < 2 * cw; x++) {
                    uint8_t l = noise(x, y, 0), c = noise(x / 2, y, 1 + x % 2);
                    if (x < w) p.plane[0][y * p.stride[0] + x] = l;
                    p.plane[1 + x % 2][y * p.stride[1] + x / 2] = c;
                    yuyv.plane[0][y * yuyv.stride[0] + 2 * x] = uyvy.plane[0][y * uyvy.stride[0] + 2 * x + 1] = l;
                    yuyv.plane[0][y * yuyv.stride[0] + 2 * x + 1] = uyvy.plane[0][y * uyvy.stride[0] + 2 * x] = c;
                }
            same(&p, &yuyv, sizes[i][2], sizes[i][3], (fvi_filter)(k / 2), false, "yuyv");
            same(&p, &uyvy, sizes[i][2], sizes[i][3], (fvi_filter)(k / 2), true, "uyvy");
            fv_frame_release(&p);
            fv_frame_release(&yuyv);
            fv_frame_release(&uyvy);
        }
}

static void forms_of_rgb_and_gray(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int k = 0; k < 4; k++) {
            int w = sizes[i][0], h = sizes[i][1], dw = sizes[i][2], dh = sizes[i][3];
            fv_frame rgb = make_frame(FV_PIXEL_RGB, w, h, noise), gray = make_frame(FV_PIXEL_GRAY, w, h, noise);
            fv_frame rgba = blank(FV_PIXEL_RGBA, &rgb), bgra = blank(FV_PIXEL_BGRA, &rgb), gbrp = blank(FV_PIXEL_GBRP, &rgb), deep = blank(FV_PIXEL_GRAY16, &rgb);
            for (int y = 0; y < h; y++)
                for (int x = 0; x < w; x++) {
                    static const int place[3] = {2, 0, 1}; /* of R, G, B in GBRP */
                    for (int c = 0; c < 3; c++) {
                        uint8_t v = rgb.plane[0][y * rgb.stride[0] + 3 * x + c];
                        rgba.plane[0][y * rgba.stride[0] + 4 * x + c] = bgra.plane[0][y * bgra.stride[0] + 4 * x + 2 - c] = v;
                        gbrp.plane[place[c]][y * gbrp.stride[place[c]] + x] = v;
                    }
                    rgba.plane[0][y * rgba.stride[0] + 4 * x + 3] = bgra.plane[0][y * bgra.stride[0] + 4 * x + 3] = noise(x, y, 3);
                    put16(deep.plane[0] + y * deep.stride[0], x, (unsigned)gray.plane[0][y * gray.stride[0] + x] << 8);
                }
            fvi_filter filter = (fvi_filter)(k / 2);
            same(&rgb, &rgba, dw, dh, filter, k & 1, "rgba");
            same(&rgb, &bgra, dw, dh, filter, k & 1, "bgra");
            same(&rgb, &gbrp, dw, dh, filter, k & 1, "gbrp");
            same(&gray, &deep, dw, dh, filter, k & 1, "gray16");
            fv_frame *all[] = {&rgb, &gray, &rgba, &bgra, &gbrp, &deep};
            for (size_t f = 0; f < sizeof all / sizeof *all; f++) fv_frame_release(all[f]);
        }
}

/* ---- against the definition ---- */

/* Sample of component c (0 Y, 1 U, 2 V) in 8-bit units, clamped to the plane. */
static double sample(const fv_frame *f, const fvi_pixel *p, int c, int x, int y)
{
    int cw = c && p->chroma_x ? (f->width + 1) / 2 : f->width, ch = c && p->chroma_y ? (f->height + 1) / 2 : f->height;
    x = x < 0 ? 0 : x >= cw ? cw - 1 : x;
    y = y < 0 ? 0 : y >= ch ? ch - 1 : y;
    bool pairs = p->kind == FVI_PIXELS_PAIRS && c, wide = f->format == FV_PIXEL_P010 || f->format == FV_PIXEL_I010;
    int plane = pairs ? 1 : c, at = pairs ? 2 * x + c - 1 : x;
    const uint8_t *row = f->plane[plane] + y * f->stride[plane];
    if (!wide) return row[at];
    unsigned v = (unsigned)row[2 * at] | (unsigned)row[2 * at + 1] << 8;
    return v / (f->format == FV_PIXEL_P010 ? 256.0 : 4.0);
}

static double between(const fv_frame *f, const fvi_pixel *p, int c, double x, double y)
{
    int x0 = (int)floor(x), y0 = (int)floor(y);
    double fx = x - x0, fy = y - y0;
    double top = sample(f, p, c, x0, y0) * (1 - fx) + sample(f, p, c, x0 + 1, y0) * fx;
    return top * (1 - fy) + (sample(f, p, c, x0, y0 + 1) * (1 - fx) + sample(f, p, c, x0 + 1, y0 + 1) * fx) * fy;
}

static void want_rgb(const fv_frame *f, const fvi_prep_map *m, int x, int y, double rgb[3])
{
    static const double kr_kb[][2] = {{0.299, 0.114}, {0.2126, 0.0722}, {0.2627, 0.0593}};
    const fvi_pixel *p = fvi_pixel_of(f->format);
    double px = (x - m->left + 0.5) * f->width / m->new_w - 0.5, py = (y - m->top + 0.5) * f->height / m->new_h - 0.5;
    double cx = !p->chroma_x ? px : f->chroma == FV_CHROMA_LEFT ? px / 2 : px / 2 - 0.25, cy = p->chroma_y ? py / 2 - 0.25 : py;
    double l = between(f, p, 0, px, py), u = between(f, p, 1, cx, cy) - 128, v = between(f, p, 2, cx, cy) - 128;
    if (f->range == FV_RANGE_LIMITED) l = (l - 16) * 255 / 219, u *= 255 / 224.0, v *= 255 / 224.0;
    double kr = kr_kb[f->matrix][0], kb = kr_kb[f->matrix][1];
    rgb[0] = l + 2 * (1 - kr) * v;
    rgb[2] = l + 2 * (1 - kb) * u;
    rgb[1] = (l - kr * rgb[0] - kb * rgb[2]) / (1 - kr - kb);
    for (int c = 0; c < 3; c++) rgb[c] = fmin(fmax(rgb[c], 0), 255);
}

static void near_the_definition(void **state)
{
    (void)state;
    static const fv_pixel_format formats[] = {FV_PIXEL_I422, FV_PIXEL_I444, FV_PIXEL_P010, FV_PIXEL_I010};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t n = 0; n < sizeof formats / sizeof *formats; n++)
            for (int k = 0; k < 12; k++) {
                int dw = sizes[i][2], dh = sizes[i][3];
                fv_frame like = {.width = sizes[i][0], .height = sizes[i][1], .matrix = (fv_color_matrix)(k % 3), .range = (fv_color_range)(k / 3 % 2),
                                 .chroma = (fv_chroma_site)(k / 6)};
                fv_frame f = blank(formats[n], &like);
                const fvi_pixel *p = fvi_pixel_of(f.format);
                bool wide = n >= 2;
                for (int c = 0; c < p->planes; c++) {
                    size_t bytes, rows;
                    fvi_pixel_plane(p, c, f.width, f.height, &bytes, &rows);
                    for (size_t y = 0; y < rows; y++)
                        for (size_t x = 0; x < bytes; x++) {
                            uint8_t v = noise((int)x, (int)y, c);
                            if (wide && f.format == FV_PIXEL_I010 && x % 2) v &= 3;  /* ten bits below */
                            if (wide && f.format == FV_PIXEL_P010 && x % 2 == 0) v &= 0xC0; /* and above */
                            f.plane[c][(ptrdiff_t)y * f.stride[c] + (ptrdiff_t)x] = v;
                        }
                }
                fvi_prep_spec spec = plain_spec();
                fvi_prep_map m;
                float *got = prep_once(&spec, &f, dw, dh, k & 1, fvi_cpu_detect(), 1, &m);
                for (int y = m.top; y < m.top + m.new_h; y++)
                    for (int x = m.left; x < m.left + m.new_w; x++) {
                        double want[3];
                        want_rgb(&f, &m, x, y, want);
                        for (int c = 0; c < 3; c++) {
                            double d = fabs((double)got[(c * dh + y) * dw + x] - want[c]);
                            if (!(d < (wide ? 2.0 : 0.2)))
                                fail_msg("%s %dx%d case %d: %d,%d channel %d is off by %g", p->name, f.width, f.height, k, x, y, c, d);
                        }
                    }
                free(got);
                fv_frame_release(&f);
            }
}

static void a_short_stride_is_refused(void **state)
{
    (void)state;
    for (int format = FV_PIXEL_I420; format <= FV_PIXEL_GRAY16; format++) {
        fv_frame f;
        assert_int_equal(fv_frame_alloc(&f, (fv_pixel_format)format, 65, 33), FV_OK);
        assert_string_not_equal(fv_pixel_format_name((fv_pixel_format)format), "none");
        const fvi_pixel *p = fvi_pixel_of((fv_pixel_format)format);
        float out[3 * 8 * 8];
        fvi_tensor t = {.dtype = FV_F32, .rank = 4, .dim = {1, 3, 8, 8}, .stride = {192, 64, 8, 1}, .data = (char *)out};
        fvi_prep_spec spec = plain_spec();
        fvi_prep *prep = NULL;
        fv_error err = {0};
        assert_int_equal(fvi_prep_create(&prep, &spec, FVI_CPU_C, NULL), FV_OK);
        assert_int_equal(fvi_prep_run(prep, &f, &t, 0, NULL, NULL, &err), FV_OK);
        for (int i = 0; i < p->planes; i++) {
            fv_frame bad = f;
            size_t bytes, rows;
            fvi_pixel_plane(p, i, 65, 33, &bytes, &rows);
            bad.stride[i] = (ptrdiff_t)bytes - 1;
            assert_int_equal(fvi_prep_run(prep, &bad, &t, 0, NULL, NULL, &err), FV_ERR_ARGUMENT);
            bad = f;
            bad.plane[i] = NULL;
            assert_int_equal(fvi_prep_run(prep, &bad, &t, 0, NULL, NULL, &err), FV_ERR_ARGUMENT);
        }
        fvi_prep_free(&prep);
        fv_frame_release(&f);
    }
    fv_frame none;
    assert_int_equal(fv_frame_alloc(&none, (fv_pixel_format)(FV_PIXEL_GRAY16 + 1), 4, 4), FV_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(forms_of_420), cmocka_unit_test(packed_422_is_planar_422), cmocka_unit_test(forms_of_rgb_and_gray),
                                       cmocka_unit_test(near_the_definition), cmocka_unit_test(a_short_stride_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
