/* text.h: UTF-8 text in a fv_font: how wide it is, and drawing it. */
#ifndef FVI_VISION_PAINT_TEXT_H
#define FVI_VISION_PAINT_TEXT_H
#include "vision/paint/surface.h"
#include <fovea/paint.h>

/* Next character of a null-terminated string; moves *s on. Broken bytes and control characters give U+FFFD and a space. 0 at the end. */
uint32_t fvi_text_next(const char **s);
int fvi_text_width(const fv_font *font, const char *text);
/* Longest prefix (in bytes) that is at most `width` pixels wide. */
int fvi_text_fit(const fv_font *font, const char *text, int width);
/* Draws `bytes` of text (negative: all) from pen position x on the baseline; returns the pen position after it. */
int fvi_text_draw(fvi_surface *s, const fv_font *font, int x, int baseline, const char *text, int bytes, fvi_ink ink);
#endif
