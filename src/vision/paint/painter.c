/* painter.c: scene -> overlay in the frame's own planes. The "paint" step; called by the pipeline and by users.
 * Order: maps, masks, zones, trails, boxes with keypoints, lines, then all plates, so that text is never painted over by shapes. */
#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/options.h"
#include "vision/paint/tasks.h"
#include "vision/paint/trails.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const fvi_rgb ACCENT[6] = {{255, 210, 31}, {64, 224, 208}, {255, 138, 76}, {150, 220, 90}, {255, 120, 190}, {130, 170, 255}};
static const fvi_rgb WHITE = {255, 255, 255}, SOFT = {190, 196, 206}, INK = {18, 20, 24};

#define LINE_WIDTH_MAX 256
#define ITEMS_MAX 4096 /* lines or zones of one scene */
#define POINTS_MAX 1024

struct fv_painter {
    fv_paint_options opt;
    fvi_surface surface;
    fvi_trails *trails;
    float *points; /* a zone in pixels, [points_cap][2] */
    int points_cap;
    int width; /* of lines, for the current frame */
};

fv_status fv_painter_create(fv_painter **out, const fv_paint_options *opt, fv_error *err)
{
    if (!out) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_painter_create: out is null");
    *out = NULL;
    fv_paint_options o = {.size = sizeof o};
    FVI_TRY(fvi_options_read(&o, sizeof o, opt, "FV_PAINT_OPTIONS", err));
    if (o.line_width < 0 || o.line_width > LINE_WIDTH_MAX)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "line width must be 0 (automatic) to %d pixels", LINE_WIDTH_MAX);
    if (!isfinite(o.trail_s)) return fvi_error_set(err, FV_ERR_ARGUMENT, "length of trails must be a number of seconds");
    fv_painter *p = fvi_calloc(1, sizeof *p);
    if (!p) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for the painter");
    p->opt = o;
    if (!o.no_tracks && o.trail_s >= 0) {
        p->trails = fvi_trails_create(o.trail_s > 0 ? o.trail_s : 1.5);
        if (!p->trails) {
            fv_painter_free(&p);
            return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for track trails");
        }
    }
    *out = p;
    return FV_OK;
}

void fv_painter_free(fv_painter **pp)
{
    if (!pp || !*pp) return;
    fv_painter *p = *pp;
    fvi_trails_free(&p->trails);
    fvi_surface_free(&p->surface);
    FVI_FREE(p->points);
    FVI_FREE(*pp);
}

/* Box in whole pixels, cut a little outside the frame. False: not a box, or nothing of it is in the frame. */
static bool box_pixels(const fv_painter *p, const float *box, int out[4])
{
    const fv_frame *f = &p->surface.frame;
    float far = 4.0f * (float)p->width + 8.0f;
    for (int i = 0; i < 4; i++) {
        if (isnan(box[i])) return false;
        float size = (float)(i % 2 ? f->height : f->width);
        out[i] = (int)lrintf(fminf(fmaxf(box[i], -far), size + far));
    }
    if (out[2] <= out[0] || out[3] <= out[1]) return false;
    return out[0] < f->width && out[1] < f->height && out[2] > 0 && out[3] > 0;
}

static void draw_box(fv_painter *p, const fv_detection *d)
{
    int b[4], w = p->width;
    if (!box_pixels(p, d->box, b)) return;
    fvi_ink ink = fvi_surface_ink(&p->surface, fvi_paint_color(d->track_id, d->class_id), 255);
    fvi_surface_ring(&p->surface, b[0], b[1], b[2], b[3], 2 * w, w, ink);
}

static void draw_item(fv_painter *p, const fv_detections *all, const fv_detection *d)
{
    if (!fvi_paint_rotated(&p->surface, all, d, (float)p->width)) draw_box(p, d);
    fvi_paint_keypoints(&p->surface, all, d, (float)p->width);
}

static void draw_box_label(fv_painter *p, const fv_scene *sc, const fv_detection *d)
{
    int b[4];
    const fv_font *font = p->opt.font;
    if (!box_pixels(p, d->box, b)) return;
    char id[16] = "", name_buf[24], conf[16] = "";
    const char *name = sc->class_name ? sc->class_name(sc->user, d->class_id) : NULL;
    if (!name) {
        snprintf(name_buf, sizeof name_buf, "class%d", d->class_id);
        name = name_buf;
    }
    if (d->track_id > 0 && !p->opt.no_tracks) snprintf(id, sizeof id, "#%d ", d->track_id);
    if (!p->opt.no_conf && d->confidence >= 0.0f && d->confidence <= 1.0f) {
        int percent = (int)lrintf(d->confidence * 100.0f);
        snprintf(conf, sizeof conf, " %d.%02d", percent / 100, percent % 100);
    }
    fvi_rgb back = fvi_paint_color(d->track_id, d->class_id), front = fvi_label_contrast(back);
    fvi_run runs[] = {{id, front}, {name, front}, {conf, front}};
    int h = fvi_label_height(font), y = b[1] - h + p->width;
    if (y < 0) y = b[1] < 0 ? 0 : b[1]; /* no room above: inside */
    fvi_label_draw(&p->surface, font, b[0], y, runs, 3, (fvi_plate){back, 235, h / 6});
}

static void draw_trail(void *arg, int track_id, int class_id, const fvi_dot *dots, int n)
{
    fv_painter *p = arg;
    float width = fmaxf(2.0f, (float)p->width * 0.9f);
    fvi_surface_path(&p->surface, dots, n, width, fvi_surface_ink(&p->surface, fvi_paint_color(track_id, class_id), 220));
}

/* Fractions of the frame when no value is above 1 (see count.h). */
static void to_pixels(const fv_painter *p, const double *xy, int n, float *out)
{
    bool fractions = true;
    for (int i = 0; i < 2 * n; i++)
        if (!(xy[i] <= 1.0)) fractions = false;
    double w = fractions ? p->surface.frame.width : 1.0, h = fractions ? p->surface.frame.height : 1.0;
    for (int i = 0; i < n; i++) {
        out[2 * i] = (float)(xy[2 * i] * w);
        out[2 * i + 1] = (float)(xy[2 * i + 1] * h);
    }
}

static bool all_sane(const float *xy, int n)
{
    for (int i = 0; i < 2 * n; i++)
        if (!(fabsf(xy[i]) < 1e6f)) return false;
    return true;
}

static fv_status zone_pixels(fv_painter *p, const fv_zone *z)
{
    if (z->n_points < 3 || z->n_points > POINTS_MAX || !z->xy) return FV_ERR_ARGUMENT;
    if (z->n_points > p->points_cap) {
        float *points = fvi_calloc(2 * (size_t)z->n_points, sizeof *points);
        if (!points) return FV_ERR_MEMORY;
        fvi_free(p->points);
        p->points = points;
        p->points_cap = z->n_points;
    }
    to_pixels(p, z->xy, z->n_points, p->points);
    return fvi_surface_reserve_points(&p->surface, z->n_points);
}

static fv_status draw_zone(fv_painter *p, const fv_scene *sc, int i)
{
    const fv_zone *z = &sc->zones[i];
    FVI_TRY(zone_pixels(p, z));
    if (!all_sane(p->points, z->n_points)) return FV_OK;
    fv_zone_totals t = {0};
    if (sc->counter) fv_counter_zone(sc->counter, i, &t);
    fvi_rgb color = fvi_paint_color(0, 2 + 5 * i);
    fvi_surface_polygon(&p->surface, p->points, z->n_points, fvi_surface_ink(&p->surface, color, t.occupancy > 0 ? 58 : 38));
    float width = fmaxf(1.5f, 0.75f * (float)p->width);
    fvi_ink edge = fvi_surface_ink(&p->surface, color, 230);
    for (int k = 0; k < z->n_points; k++) {
        const float *a = p->points + 2 * k, *b = p->points + 2 * ((k + 1) % z->n_points);
        fvi_dot dots[2] = {{a[0], a[1], 1.0f}, {b[0], b[1], 1.0f}};
        fvi_surface_path(&p->surface, dots, 2, width, edge);
    }
    return FV_OK;
}

/* Name and occupancy, centred on the highest edge. */
static void draw_zone_label(fv_painter *p, const fv_scene *sc, int i)
{
    const fv_zone *z = &sc->zones[i];
    if (zone_pixels(p, z) < 0 || !all_sane(p->points, z->n_points)) return;
    float x = 0.0f, y = 1e7f;
    for (int k = 0; k < z->n_points; k++) {
        const float *a = p->points + 2 * k, *b = p->points + 2 * ((k + 1) % z->n_points);
        float mid = 0.5f * (a[1] + b[1]);
        if (mid < y) {
            y = mid;
            x = 0.5f * (a[0] + b[0]);
        }
    }
    char count[24] = "";
    if (sc->counter) {
        fv_zone_totals t = {0};
        fv_counter_zone(sc->counter, i, &t);
        snprintf(count, sizeof count, "  %d", t.occupancy);
    }
    fvi_rgb color = fvi_paint_color(0, 2 + 5 * i);
    fvi_run runs[] = {{z->name ? z->name : "zone", color}, {count, WHITE}};
    int h = fvi_label_height(p->opt.font), w = fvi_label_width(p->opt.font, runs, 2);
    fvi_label_draw(&p->surface, p->opt.font, (int)x - w / 2, (int)y - h / 2, runs, 2, (fvi_plate){INK, 200, h / 4});
}

typedef struct line_view { float x1, y1, x2, y2, mx, my, nx, ny; } line_view; /* n: unit vector towards "in" */

static bool view_line(const fv_painter *p, const fv_line *l, line_view *v)
{
    double xy[4] = {l->x1, l->y1, l->x2, l->y2};
    float o[4];
    to_pixels(p, xy, 2, o);
    float dx = o[2] - o[0], dy = o[3] - o[1], len = sqrtf(dx * dx + dy * dy);
    if (!all_sane(o, 2) || !(len > 0.0f)) return false;
    *v = (line_view){o[0], o[1], o[2], o[3], 0.5f * (o[0] + o[2]), 0.5f * (o[1] + o[3]), -dy / len, dx / len};
    return true;
}

static void draw_arrow(fv_painter *p, const line_view *v, float width, float grow, fvi_ink ink)
{
    float head = 2.2f * width + 3.0f, len = 7.0f * width + 6.0f;
    float bx = v->mx + v->nx * (len - head), by = v->my + v->ny * (len - head); /* middle of the head's base */
    fvi_dot shaft[2] = {{v->mx, v->my, 1.0f}, {bx, by, 1.0f}};
    fvi_surface_path(&p->surface, shaft, 2, width + 2.0f * grow, ink);
    float half = 0.75f * head + 1.6f * grow, back = 0.8f * grow, tip = head + 2.0f * grow;
    float tri[6] = {v->mx + v->nx * (len - head + tip), v->my + v->ny * (len - head + tip),
                    bx - v->nx * back - v->ny * half, by - v->ny * back + v->nx * half,
                    bx - v->nx * back + v->ny * half, by - v->ny * back - v->nx * half};
    fvi_surface_polygon(&p->surface, tri, 3, ink);
}

static void draw_line(fv_painter *p, const fv_scene *sc, int i)
{
    line_view v;
    if (!view_line(p, &sc->lines[i], &v)) return;
    fvi_surface *s = &p->surface;
    float width = (float)p->width;
    fvi_dot dots[2] = {{v.x1, v.y1, 1.0f}, {v.x2, v.y2, 1.0f}};
    for (int pass = 0; pass < 2; pass++) { /* a dark rim under the colour keeps it visible on any ground */
        float grow = pass ? 0.0f : fmaxf(1.0f, 0.4f * width);
        fvi_ink ink = fvi_surface_ink(s, pass ? ACCENT[(unsigned)i % 6] : INK, pass ? 255 : 150);
        fvi_surface_path(s, dots, 2, width + 2.0f * grow, ink);
        draw_arrow(p, &v, width, grow, ink);
        for (int k = 0; k < 2; k++) fvi_surface_path(s, &dots[k], 1, 2.6f * width + 2.0f * grow, ink);
    }
}

/* Name and totals beside the middle of the line, on the side that the arrow leaves free. */
static void draw_line_label(fv_painter *p, const fv_scene *sc, int i)
{
    line_view v;
    const fv_font *font = p->opt.font;
    if (!view_line(p, &sc->lines[i], &v)) return;
    char in[32] = "", out[32] = "";
    bool counts = sc->counter != NULL;
    if (counts) {
        fv_line_totals t = {0};
        fv_counter_line(sc->counter, i, &t);
        snprintf(in, sizeof in, "%lld", (long long)t.in);
        snprintf(out, sizeof out, "%lld", (long long)t.out);
    }
    fvi_run runs[] = {{sc->lines[i].name ? sc->lines[i].name : "line", ACCENT[(unsigned)i % 6]}, {"  in ", SOFT}, {in, WHITE},
                      {"  out ", SOFT}, {out, WHITE}};
    int n = counts ? 5 : 1, h = fvi_label_height(font), w = fvi_label_width(font, runs, n);
    float off = 0.5f * ((float)w * fabsf(v.nx) + (float)h * fabsf(v.ny)) + 2.0f * (float)p->width + 2.0f;
    int x = (int)(v.mx - v.nx * off) - w / 2, y = (int)(v.my - v.ny * off) - h / 2;
    fvi_label_draw(&p->surface, font, x, y, runs, n, (fvi_plate){INK, 200, h / 4});
}

static int auto_width(const fv_frame *f)
{
    int w = (int)lrint((f->width + f->height) / 2.0 * 0.003);
    return w < 2 ? 2 : w;
}

static bool scene_ok(const fv_scene *sc)
{
    if (sc->n_lines < 0 || sc->n_lines > ITEMS_MAX || (sc->n_lines && !sc->lines)) return false;
    if (sc->n_zones < 0 || sc->n_zones > ITEMS_MAX || (sc->n_zones && !sc->zones)) return false;
    if (sc->n_hud < 0 || (sc->n_hud && !sc->hud)) return false;
    return !sc->dets || sc->dets->count <= 0 || sc->dets->items;
}

fv_status fv_painter_draw(fv_painter *p, fv_frame *f, const fv_scene *sc)
{
    if (!p || !f || !sc || !scene_ok(sc)) return FV_ERR_ARGUMENT;
    FVI_TRY(fvi_surface_begin(&p->surface, f));
    FVI_TRY(fvi_surface_reserve_points(&p->surface, 3)); /* arrow heads */
    p->width = p->opt.line_width ? p->opt.line_width : auto_width(f);
    int n_dets = sc->dets ? sc->dets->count : 0;
    bool whole = sc->dets && sc->task >= FV_TASK_CLASSIFY; /* what is said is about the whole picture */
    if (whole) fvi_paint_map(&p->surface, &sc->dets->map, sc->task, sc->n_classes);
    for (int i = n_dets - 1; i >= 0; i--) fvi_paint_mask(&p->surface, sc->dets, &sc->dets->items[i]);
    for (int i = 0; i < sc->n_zones; i++) FVI_TRY(draw_zone(p, sc, i));
    if (p->trails) {
        fvi_trails_update(p->trails, sc->dets, f->pts);
        fvi_trails_each(p->trails, draw_trail, p);
    }
    for (int i = n_dets - 1; i >= 0 && !whole; i--) draw_item(p, sc->dets, &sc->dets->items[i]); /* the surest on top */
    for (int i = 0; i < sc->n_lines; i++) draw_line(p, sc, i);
    if (!p->opt.font) return FV_OK;
    if (sc->dets && sc->task == FV_TASK_CLASSIFY && !p->opt.no_labels) fvi_paint_classes(&p->surface, p->opt.font, sc);
    for (int i = n_dets - 1; i >= 0 && !p->opt.no_labels && !whole; i--) draw_box_label(p, sc, &sc->dets->items[i]);
    for (int i = 0; i < sc->n_zones; i++) draw_zone_label(p, sc, i);
    for (int i = 0; i < sc->n_lines; i++) draw_line_label(p, sc, i);
    fvi_label_hud(&p->surface, p->opt.font, sc->hud, sc->n_hud);
    return FV_OK;
}
