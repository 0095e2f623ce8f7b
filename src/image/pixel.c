/* pixel.c: the table of pixel formats, and the loops that turn a row of an unusual one into plain bytes: 16-bit samples are rounded to
 * 8 bits, packed ones parted. Used by frame.c and prep.c. */
#include "image/pixel.h"

/* Little endian, whatever the machine. */
static inline unsigned word(const uint8_t *p) { return (unsigned)p[0] | (unsigned)p[1] << 8; }
static inline uint8_t rounded(unsigned v, int shift)
{
    unsigned r = (v + (1u << (shift - 1))) >> shift;
    return (uint8_t)(r < 255 ? r : 255);
}

static void high_words(uint8_t *d, const uint8_t *s, int n)
{ /* 16 bits, or fewer at the top: P010, GRAY16 */
    for (int i = 0; i < n; i++) d[i] = rounded(word(s + 2 * i), 8);
}
static void low_words(uint8_t *d, const uint8_t *s, int n)
{ /* 10 bits at the bottom */
    for (int i = 0; i < n; i++) d[i] = rounded(word(s + 2 * i), 2);
}
static void high_pairs(uint8_t *d, const uint8_t *s, int n) { high_words(d, s, 2 * n); }
static void even_bytes(uint8_t *d, const uint8_t *s, int n)
{
    for (int i = 0; i < n; i++) d[i] = s[2 * i];
}
static void odd_bytes(uint8_t *d, const uint8_t *s, int n) { even_bytes(d, s + 1, n); }
static void odd_pairs(uint8_t *d, const uint8_t *s, int n) { even_bytes(d, s + 1, 2 * n); }
static void even_pairs(uint8_t *d, const uint8_t *s, int n) { even_bytes(d, s, 2 * n); }
static void three_of_four(uint8_t *d, const uint8_t *s, int n)
{
    for (int i = 0; i < n; i++)
        for (int c = 0; c < 3; c++) d[3 * i + c] = s[4 * i + c];
}

/* {bytes, sub_x, sub_y} of each plane; chroma_x, chroma_y; unpackers of luma (or all) and chroma */
#define ONE {1, 0, 0}
static const fvi_pixel table[] = {
    [FV_PIXEL_I420] = {"i420", FVI_PIXELS_PLANES, true, false, 3, {ONE, {1, 1, 1}, {1, 1, 1}}, 1, 1},
    [FV_PIXEL_NV12] = {"nv12", FVI_PIXELS_PAIRS, true, false, 2, {ONE, {2, 1, 1}}, 1, 1},
    [FV_PIXEL_RGB] = {"rgb", FVI_PIXELS_RGB, false, false, 1, {{3, 0, 0}}},
    [FV_PIXEL_BGR] = {"bgr", FVI_PIXELS_RGB, false, true, 1, {{3, 0, 0}}},
    [FV_PIXEL_GRAY] = {"gray", FVI_PIXELS_GRAY, false, false, 1, {ONE}},
    [FV_PIXEL_NV21] = {"nv21", FVI_PIXELS_PAIRS, true, true, 2, {ONE, {2, 1, 1}}, 1, 1},
    [FV_PIXEL_I422] = {"i422", FVI_PIXELS_PLANES, true, false, 3, {ONE, {1, 1, 0}, {1, 1, 0}}, 1, 0},
    [FV_PIXEL_I444] = {"i444", FVI_PIXELS_PLANES, true, false, 3, {ONE, ONE, ONE}, 0, 0},
    [FV_PIXEL_YUYV] = {"yuyv", FVI_PIXELS_PAIRS, true, false, 1, {{4, 1, 0}}, 1, 0, even_bytes, odd_pairs, true},
    [FV_PIXEL_UYVY] = {"uyvy", FVI_PIXELS_PAIRS, true, false, 1, {{4, 1, 0}}, 1, 0, odd_bytes, even_pairs, true},
    [FV_PIXEL_P010] = {"p010", FVI_PIXELS_PAIRS, true, false, 2, {{2, 0, 0}, {4, 1, 1}}, 1, 1, high_words, high_pairs, false, 8},
    [FV_PIXEL_I010] = {"i010", FVI_PIXELS_PLANES, true, false, 3, {{2, 0, 0}, {2, 1, 1}, {2, 1, 1}}, 1, 1, low_words, low_words, false, 2},
    [FV_PIXEL_RGBA] = {"rgba", FVI_PIXELS_RGB, false, false, 1, {{4, 0, 0}}, 0, 0, three_of_four},
    [FV_PIXEL_BGRA] = {"bgra", FVI_PIXELS_RGB, false, true, 1, {{4, 0, 0}}, 0, 0, three_of_four},
    [FV_PIXEL_GBRP] = {"gbrp", FVI_PIXELS_PLANES, false, false, 3, {ONE, ONE, ONE}},
    [FV_PIXEL_GRAY16] = {"gray16", FVI_PIXELS_GRAY, false, false, 1, {{2, 0, 0}}, 0, 0, high_words, NULL, false, 8},
};

const fvi_pixel *fvi_pixel_of(fv_pixel_format format)
{
    bool known = format > FV_PIXEL_NONE && (size_t)format < sizeof table / sizeof table[0];
    return known ? &table[format] : NULL;
}

void fvi_pixel_plane(const fvi_pixel *p, int plane, int width, int height, size_t *row_bytes, size_t *rows)
{
    *row_bytes = *rows = 0;
    if (plane >= p->planes) return;
    int sx = p->plane[plane].sub_x, sy = p->plane[plane].sub_y;
    *row_bytes = (size_t)((width + (1 << sx) - 1) >> sx) * (size_t)p->plane[plane].bytes;
    *rows = (size_t)((height + (1 << sy) - 1) >> sy);
}
