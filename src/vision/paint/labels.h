/* labels.h: lines of text on plates that never leave the frame. */
#ifndef FVI_VISION_PAINT_LABELS_H
#define FVI_VISION_PAINT_LABELS_H
#include "vision/paint/text.h"

typedef struct fvi_run { const char *text; fvi_rgb color; } fvi_run;
typedef struct fvi_plate {
    fvi_rgb color;
    int alpha, radius;
} fvi_plate;

int fvi_label_height(const fv_font *font);
int fvi_label_width(const fv_font *font, const fvi_run *runs, int n);
/* One line, runs side by side; (x, y) is the wished top-left corner. Nothing is drawn where a line does not fit in height. */
void fvi_label_draw(fvi_surface *s, const fv_font *font, int x, int y, const fvi_run *runs, int n, fvi_plate plate);
/* Several lines in the top-left corner; the first is stressed. */
void fvi_label_hud(fvi_surface *s, const fv_font *font, const char *const *lines, int n);
/* Near-black or white, whichever is read more easily on `back`. */
fvi_rgb fvi_label_contrast(fvi_rgb back);
#endif
