/* font.c: font file -> rasterised glyphs (fv_font), once, before the first frame; the painter only blends coverage.
 * Called through fv_media_api.font_open. */
#include "media/media.h"
#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"
#include <stdlib.h>
#include <string.h>
#include <ft2build.h>
#include FT_FREETYPE_H

#define MIN_PIXELS 4
#define MAX_PIXELS 512
#define MAX_CHARS 20000
#define MAX_FONT_BYTES ((size_t)128 << 20)
#define MAX_COVERAGE ((size_t)256 << 20) /* bytes of all glyphs together */

/* Everything an fv_font owns: glyph table, then coverage. */
typedef struct font_block {
    fv_glyph *glyphs;
    uint8_t *coverage;
    size_t used, cap;
} font_block;

static void font_release(fv_font *f)
{
    font_block *b = f->opaque;
    if (b) {
        fvi_free(b->glyphs);
        fvi_free(b->coverage);
        fvi_free(b);
    }
    *f = (fv_font){0};
}

/* Next code point of UTF-8 text; broken bytes give U+FFFD. */
static uint32_t next_char(const char **text)
{
    const uint8_t *s = (const uint8_t *)*text;
    uint32_t c = *s++;
    int more = c < 0x80 ? 0 : c >= 0xC2 && c < 0xE0 ? 1 : c >= 0xE0 && c < 0xF0 ? 2 : c >= 0xF0 && c < 0xF5 ? 3 : -1;
    if (more < 0) {
        *text = (const char *)s;
        return 0xFFFD;
    }
    if (more) c &= 0x3Fu >> more;
    for (; more > 0; more--, s++) {
        if ((*s & 0xC0) != 0x80) {
            *text = (const char *)s;
            return 0xFFFD;
        }
        c = c << 6 | (*s & 0x3F);
    }
    *text = (const char *)s;
    return c;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Sorted list of the characters to rasterise, without repeats. */
static fv_status wanted_chars(const char *chars, uint32_t **out, size_t *count)
{
    size_t n = chars ? strlen(chars) : 0, k = 0;
    if (n > MAX_CHARS) return FV_ERR_LIMIT;
    uint32_t *list = fvi_alloc((n + 512) * sizeof *list);
    if (!list) return FV_ERR_MEMORY;
    for (uint32_t c = 0x20; c < 0x7F; c++) list[k++] = c;
    for (uint32_t c = 0xA0; c < 0x100; c++) list[k++] = c;
    list[k++] = 0x2026; /* ellipsis: shortened labels */
    list[k++] = 0x2192; /* arrow: directions */
    list[k++] = 0xFFFD; /* what the painter draws for a missing character */
    for (const char *p = chars; p && *p;) {
        uint32_t c = next_char(&p);
        if (c >= 0x20) list[k++] = c;
    }
    qsort(list, k, sizeof *list, by_value);
    size_t m = 0;
    for (size_t i = 0; i < k; i++)
        if (m == 0 || list[m - 1] != list[i]) list[m++] = list[i];
    *out = list;
    *count = m;
    return FV_OK;
}

static fv_status reserve(font_block *b, size_t more)
{
    if (more > MAX_COVERAGE - b->used) return FV_ERR_LIMIT;
    if (b->used + more <= b->cap) return FV_OK;
    size_t cap = (size_t)fvi_max_i64((int64_t)(b->used + more), (int64_t)b->cap * 2);
    uint8_t *p = fvi_realloc_array(b->coverage, b->used, cap, 1);
    if (!p) return FV_ERR_MEMORY;
    b->coverage = p;
    b->cap = cap;
    return FV_OK;
}

/* Copies FreeType's bitmap (8-bit or 1-bit coverage) to the end of the block; `g->coverage` holds the offset for now.
 */
static fv_status add_glyph(font_block *b, fv_glyph *g, uint32_t c, FT_GlyphSlot slot)
{
    const FT_Bitmap *bm = &slot->bitmap;
    bool mono = bm->pixel_mode == FT_PIXEL_MODE_MONO;
    bool usable = bm->buffer && (mono || bm->pixel_mode == FT_PIXEL_MODE_GRAY);
    int w = usable ? (int)bm->width : 0, h = usable ? (int)bm->rows : 0;
    size_t bytes;
    if (!fvi_mul_size((size_t)w, (size_t)h, &bytes)) return FV_ERR_LIMIT;
    FVI_TRY(reserve(b, bytes));
    uint8_t *dst = b->coverage + b->used;
    for (int y = 0; y < h; y++) {
        const uint8_t *src = bm->buffer + (ptrdiff_t)y * bm->pitch;
        for (int x = 0; x < w; x++)
            dst[(size_t)y * (size_t)w + (size_t)x] = !mono ? src[x] : (src[x >> 3] >> (7 - (x & 7)) & 1) ? 255 : 0;
    }
    *g = (fv_glyph){.codepoint = c,
                    .width = w,
                    .height = h,
                    .left = slot->bitmap_left,
                    .top = slot->bitmap_top,
                    .advance = (int)((slot->advance.x + 32) >> 6),
                    .coverage = (const uint8_t *)b->used};
    b->used += bytes;
    return FV_OK;
}

static fv_status rasterise(FT_Face face, font_block *b, const uint32_t *list, size_t n, int *made)
{
    size_t k = 0;
    FVI_TRY(reserve(b, 1));
    for (size_t i = 0; i < n; i++) {
        FT_UInt id = FT_Get_Char_Index(face, list[i]);
        if (id == 0 || FT_Load_Glyph(face, id, FT_LOAD_RENDER | FT_LOAD_TARGET_LIGHT) != 0) continue;
        FVI_TRY(add_glyph(b, &b->glyphs[k], list[i], face->glyph));
        k++;
    }
    for (size_t i = 0; i < k; i++) b->glyphs[i].coverage = b->coverage + (size_t)b->glyphs[i].coverage;
    *made = (int)k;
    return FV_OK;
}

static fv_status fill_font(fv_font *out, FT_Face face, int pixels, const char *chars)
{
    uint32_t *list = NULL;
    size_t n = 0;
    FVI_TRY(wanted_chars(chars, &list, &n));
    font_block *b = fvi_calloc(1, sizeof *b);
    fv_status st = FV_ERR_MEMORY;
    if (b) {
        out->opaque = b;
        out->release = font_release;
        b->glyphs = fvi_calloc(n, sizeof *b->glyphs);
        if (b->glyphs) st = rasterise(face, b, list, n, &out->n_glyphs);
    }
    fvi_free(list);
    if (st < 0) {
        font_release(out);
        return st;
    }
    const FT_Size_Metrics *m = &face->size->metrics;
    out->glyphs = b->glyphs;
    out->ascent = (int)((m->ascender + 63) >> 6);
    out->descent = (int)((-m->descender + 63) >> 6);
    out->line_height = (int)((m->height + 63) >> 6);
    if (out->ascent + out->descent <= 0) out->ascent = pixels, out->descent = pixels / 4;
    if (out->line_height <= 0) out->line_height = out->ascent + out->descent;
    return FV_OK;
}

fv_status fvi_media_font_open(fv_font *out, const char *path, int pixels, const char *chars, fv_error *err)
{
    if (!out) return fvi_error_set(err, FV_ERR_ARGUMENT, "no font to fill");
    *out = (fv_font){0};
    const char *name = path ? path : "embedded font";
    if (pixels < MIN_PIXELS || pixels > MAX_PIXELS)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "font height %d is not in %d..%d", pixels, MIN_PIXELS, MAX_PIXELS);
    fvi_map map = {0};
    if (path)
        FVI_TRY(fvi_map_open(&map, path, MAX_FONT_BYTES, err));
    else
        map.data = fvi_media_font_embedded(&map.size);
    FT_Library lib = NULL;
    FT_Face face = NULL;
    fv_status st = FV_OK;
    if (FT_Init_FreeType(&lib) != 0) {
        st = fvi_error_set(err, FV_ERR_MEMORY, "FreeType does not start");
    } else if (FT_New_Memory_Face(lib, map.data, (FT_Long)map.size, 0, &face) != 0) {
        st = fvi_error_set(err, FV_ERR_INPUT, "%s: not a font file FreeType can read", name);
    } else if (FT_Set_Pixel_Sizes(face, 0, (FT_UInt)pixels) != 0) {
        st = fvi_error_set(err, FV_ERR_INPUT, "%s: this font has no glyphs of %d pixels", name, pixels);
    } else {
        st = fill_font(out, face, pixels, chars);
        if (st < 0)
            fvi_error_set(err, st, "%s: %s", name,
                          st == FV_ERR_LIMIT ? "too many characters or too large glyphs" : "out of memory");
        else if (out->n_glyphs == 0) {
            font_release(out);
            st = fvi_error_set(err, FV_ERR_INPUT, "%s: this font has none of the characters needed", name);
        }
    }
    if (face) FT_Done_Face(face);
    if (lib) FT_Done_FreeType(lib);
    if (path) fvi_map_close(&map);
    return st;
}
