/* text.c: UTF-8 text -> glyphs of a fv_font -> coverage blended into the frame.
 * Called by labels.c for class names, counts and figures. */
#include "vision/paint/text.h"
#include <stddef.h>

uint32_t fvi_text_next(const char **s)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    const unsigned char *p = (const unsigned char *)*s;
    uint32_t c = *p;
    if (!c) return 0;
    int more = c < 0x80 ? 0 : c >> 5 == 6 ? 1 : c >> 4 == 14 ? 2 : c >> 3 == 30 ? 3 : -1;
    if (more < 0) {
        *s += 1;
        return 0xFFFD;
    }
    if (more) c &= 0x3Fu >> more;
    for (int i = 1; i <= more; i++) {
        if (p[i] >> 6 != 2) { /* also the end of the string */
            *s += i;
            return 0xFFFD;
        }
        c = c << 6 | (p[i] & 0x3Fu);
    }
    *s += more + 1;
    if (c < least[more] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) return 0xFFFD;
    return c < 0x20 || (c >= 0x7F && c < 0xA0) ? ' ' : c;
}

static const fv_glyph *find(const fv_font *f, uint32_t c)
{
    int lo = 0, hi = f->n_glyphs - 1;
    while (lo <= hi) {
        int mid = lo + (hi - lo) / 2;
        if (f->glyphs[mid].codepoint == c) return &f->glyphs[mid];
        if (f->glyphs[mid].codepoint < c)
            lo = mid + 1;
        else
            hi = mid - 1;
    }
    return NULL;
}

/* The glyph itself, else the replacement sign, else a question mark, else nothing. */
static const fv_glyph *glyph(const fv_font *f, uint32_t c)
{
    const fv_glyph *g = find(f, c);
    if (!g) g = find(f, 0xFFFD);
    return g ? g : find(f, '?');
}

int fvi_text_fit(const fv_font *font, const char *text, int width)
{
    const char *p = text, *end = text;
    int64_t at = 0;
    for (uint32_t c; (c = fvi_text_next(&p)) != 0; end = p) {
        const fv_glyph *g = glyph(font, c);
        if (g) at += g->advance;
        if (at > width) break;
    }
    return (int)(end - text);
}

int fvi_text_width(const fv_font *font, const char *text)
{
    int64_t w = 0;
    for (uint32_t c; (c = fvi_text_next(&text)) != 0;) {
        const fv_glyph *g = glyph(font, c);
        if (g) w += g->advance;
        if (w > 1 << 20) break; /* wider than any frame */
    }
    return (int)w;
}

int fvi_text_draw(fvi_surface *s, const fv_font *font, int x, int baseline, const char *text, int bytes, fvi_ink ink)
{
    const char *p = text;
    for (;;) {
        if (bytes >= 0 && p - text >= bytes) break;
        uint32_t c = fvi_text_next(&p);
        if (!c || x > s->frame.width) break;
        const fv_glyph *g = glyph(font, c);
        if (!g) continue;
        if (g->coverage) fvi_surface_mask(s, x + g->left, baseline - g->top, g->coverage, g->width, g->height, ink);
        x += g->advance;
    }
    return x;
}
