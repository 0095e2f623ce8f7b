/* tasks.c: masks, keypoints, rotated boxes and classes -> overlay. Called by painter.c. */
#include "vision/paint/tasks.h"
#include <math.h>
#include <stdio.h>

#define LEAST_POINT 0.25f /* confidence of a keypoint that is drawn */
#define MASK_ALPHA 110

/* Neighbours differ in hue by the golden angle, so that ids that follow each other are told apart easily. */
static const fvi_rgb PALETTE[20] = {
    {99, 176, 252},  {240, 87, 77},   {20, 230, 168}, {191, 144, 253}, {189, 135, 8},   {57, 217, 253},  {255, 116, 176},
    {101, 168, 17},  {175, 194, 252}, {254, 132, 62}, {10, 169, 155},  {243, 160, 255}, {193, 172, 21},  {2, 157, 223},
    {254, 169, 175}, {13, 203, 109},  {148, 119, 252}, {254, 178, 92}, {13, 193, 208},  {220, 89, 177},
};
static const fvi_rgb LEFT = {70, 200, 255}, RIGHT = {255, 150, 60}, MIDDLE = {120, 230, 120}, WHITE = {255, 255, 255}, INK = {18, 20, 24};

fvi_rgb fvi_paint_color(int track_id, int class_id)
{
    unsigned i = track_id > 0 ? (unsigned)track_id - 1 : (unsigned)class_id;
    return PALETTE[i % 20];
}

static bool has_row(const fv_detections *all, const fv_detection *d) { return d->extra > 0 && d->extra <= all->n_extras; }

void fvi_paint_mask(fvi_surface *s, const fv_detections *all, const fv_detection *d)
{
    if (!all->masks || !all->mask_bits || !has_row(all, d)) return;
    const fv_mask *m = &all->masks[d->extra - 1];
    size_t bytes = m->width > 0 && m->height > 0 ? (size_t)m->width * (size_t)m->height : 0;
    if (!bytes || m->at > all->mask_bytes || bytes > all->mask_bytes - m->at) return;
    fvi_surface_bits(s, m->x, m->y, all->mask_bits + m->at, m->width, m->height, fvi_surface_ink(s, fvi_paint_color(d->track_id, d->class_id), MASK_ALPHA));
}

bool fvi_paint_rotated(fvi_surface *s, const fv_detections *all, const fv_detection *d, float width)
{
    if (!all->obb || !has_row(all, d)) return false;
    const float *o = all->obb[d->extra - 1];
    float c = cosf(o[4]), si = sinf(o[4]), ax = o[2] / 2 * c, ay = o[2] / 2 * si, bx = -o[3] / 2 * si, by = o[3] / 2 * c;
    fvi_dot dots[5] = {{o[0] + ax + bx, o[1] + ay + by, 1}, {o[0] + ax - bx, o[1] + ay - by, 1}, {o[0] - ax - bx, o[1] - ay - by, 1},
                       {o[0] - ax + bx, o[1] - ay + by, 1}};
    dots[4] = dots[0];
    fvi_surface_path(s, dots, 5, width, fvi_surface_ink(s, fvi_paint_color(d->track_id, d->class_id), 255));
    return true;
}

static bool seen(const float p[3]) { return p[2] >= LEAST_POINT && (p[0] > 0 || p[1] > 0); } /* at 0, 0 it is missing */

/* Limbs of COCO's person: pairs of points, counted from 0; even points are on the person's right. */
static const int LIMBS[][2] = {{15, 13}, {13, 11}, {16, 14}, {14, 12}, {11, 12}, {5, 11}, {6, 12}, {5, 6}, {5, 7}, {6, 8},
                               {7, 9},   {8, 10},  {1, 2},   {0, 1},   {0, 2},   {1, 3},  {2, 4},  {3, 5}, {4, 6}};

static fvi_rgb side_of(int a, int b)
{
    if (a == 0 || b == 0 || a % 2 != b % 2) return MIDDLE;
    return a % 2 ? LEFT : RIGHT;
}

void fvi_paint_keypoints(fvi_surface *s, const fv_detections *all, const fv_detection *d, float width)
{
    if (!all->keypoints || !has_row(all, d)) return;
    const float(*p)[3] = (const float(*)[3])all->keypoints + (size_t)(d->extra - 1) * (size_t)all->n_keypoints;
    bool person = all->n_keypoints == 17;
    for (size_t i = 0; person && i < sizeof LIMBS / sizeof *LIMBS; i++) {
        const float *a = p[LIMBS[i][0]], *b = p[LIMBS[i][1]];
        fvi_dot dots[2] = {{a[0], a[1], 1}, {b[0], b[1], 1}};
        if (seen(a) && seen(b)) fvi_surface_path(s, dots, 2, fmaxf(2, 0.8f * width), fvi_surface_ink(s, side_of(LIMBS[i][0], LIMBS[i][1]), 255));
    }
    for (int k = 0; k < all->n_keypoints; k++) {
        fvi_dot dot = {p[k][0], p[k][1], 1};
        if (!seen(p[k])) continue;
        fvi_surface_path(s, &dot, 1, 2.6f * width, fvi_surface_ink(s, INK, 160));
        fvi_surface_path(s, &dot, 1, 1.9f * width, fvi_surface_ink(s, person ? side_of(k, k) : PALETTE[k % 20], 255));
    }
}

void fvi_paint_classes(fvi_surface *s, const fv_font *font, const fv_scene *sc)
{
    int h = fvi_label_height(font), n = sc->dets->count;
    for (int i = 0; i < n; i++) {
        const fv_detection *d = &sc->dets->items[i];
        const char *name = sc->class_name ? sc->class_name(sc->user, d->class_id) : NULL;
        char text[16], number[24];
        snprintf(text, sizeof text, "%.2f  ", (double)d->confidence);
        snprintf(number, sizeof number, "class%d", d->class_id);
        fvi_run runs[] = {{text, MIDDLE}, {name ? name : number, WHITE}};
        fvi_label_draw(s, font, h / 2, s->frame.height - h / 2 - (n - i) * h, runs, 2, (fvi_plate){INK, 190, h / 6});
    }
}
