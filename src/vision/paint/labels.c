/* labels.c: text runs -> a plate of fitting size, moved or shortened so that it stays inside the frame.
 * Called by painter.c for boxes, lines, zones and figures. */
#include "vision/paint/labels.h"
#include "base/checked.h"

static const fvi_rgb WHITE = {255, 255, 255}, INK = {18, 20, 24};

static int pad_x(const fv_font *f) { return f->line_height / 4 + 2; }
static int pad_y(const fv_font *f) { return f->line_height / 10 + 1; }
int fvi_label_height(const fv_font *font) { return font->line_height + 2 * pad_y(font); }

int fvi_label_width(const fv_font *font, const fvi_run *runs, int n)
{
    int64_t w = 2 * (int64_t)pad_x(font);
    for (int i = 0; i < n; i++) w += fvi_text_width(font, runs[i].text);
    return (int)fvi_min_i64(w, 1 << 20);
}

fvi_rgb fvi_label_contrast(fvi_rgb c)
{
    int luma = (299 * c.r + 587 * c.g + 114 * c.b) / 1000;
    return luma > 125 ? INK : WHITE;
}

/* Text that ends at `right` at the latest, with an ellipsis when it was too long. */
static int draw_run(fvi_surface *s, const fv_font *font, int x, int baseline, int right, const char *text, fvi_ink ink)
{
    int room = right - x;
    if (room <= 0) return x;
    if (fvi_text_width(font, text) <= room) return fvi_text_draw(s, font, x, baseline, text, -1, ink);
    int dots = fvi_text_width(font, "\xE2\x80\xA6");
    if (dots > room) return right;
    x = fvi_text_draw(s, font, x, baseline, text, fvi_text_fit(font, text, room - dots), ink);
    fvi_text_draw(s, font, x, baseline, "\xE2\x80\xA6", -1, ink);
    return right; /* nothing may follow */
}

/* The baseline that centres a line of text in a plate starting at y. */
static int baseline_in(const fv_font *f, int y)
{
    return y + pad_y(f) + (f->line_height - f->ascent - f->descent) / 2 + f->ascent;
}

void fvi_label_draw(fvi_surface *s, const fv_font *font, int x, int y, const fvi_run *runs, int n, fvi_plate plate)
{
    int fw = s->frame.width, fh = s->frame.height, w = fvi_label_width(font, runs, n), h = fvi_label_height(font);
    if (h > fh || font->line_height < 1) return;
    if (w > fw) w = fw;
    x = fvi_clamp_int(x, 0, fw - w);
    y = fvi_clamp_int(y, 0, fh - h);
    fvi_surface_plate(s, x, y, x + w, y + h, plate.radius, fvi_surface_ink(s, plate.color, plate.alpha));
    int pen = x + pad_x(font), right = x + w - pad_x(font);
    for (int i = 0; i < n; i++)
        pen = draw_run(s, font, pen, baseline_in(font, y), right, runs[i].text, fvi_surface_ink(s, runs[i].color, 255));
}

void fvi_label_hud(fvi_surface *s, const fv_font *font, const char *const *lines, int n)
{
    static const fvi_rgb soft = {205, 210, 218};
    int lh = font->line_height, margin = lh / 2, pad = lh / 2, w = 0;
    if (lh < 1) return;
    int most = (s->frame.height - 2 * margin - 2 * pad) / lh;
    if (n > most) n = most;
    if (n < 1) return;
    for (int i = 0; i < n; i++) {
        int t = lines[i] ? fvi_text_width(font, lines[i]) : 0;
        if (t > w) w = t;
    }
    int x1 = margin + 2 * pad + w;
    if (x1 > s->frame.width - margin) x1 = s->frame.width - margin;
    if (x1 <= margin + 2 * pad) return;
    fvi_surface_plate(s, margin, margin, x1, margin + 2 * pad + n * lh, lh / 3, fvi_surface_ink(s, INK, 190));
    for (int i = 0; i < n; i++) {
        int base = margin + pad + i * lh + (lh - font->ascent - font->descent) / 2 + font->ascent;
        if (lines[i]) draw_run(s, font, margin + pad, base, x1 - pad, lines[i], fvi_surface_ink(s, i ? soft : WHITE, 255));
    }
}
