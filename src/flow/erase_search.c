/* erase_search.c: what a detector finds again and again in one place is a mark: sparse looks at the video, joined over time. A mark that
 * jumps is one mark after the other. Called by erase.c. */
#include "flow/erase.h"
#include "base/alloc.h"
#include "base/error.h"
#include "vision/track/tracker.h"
#include <math.h>
#include <string.h>

#define TRACKS 128
#define SAME 0.3f   /* overlap of two boxes of one mark */
#define BEGIN 3     /* times the least score begin a mark */
#define GROW 6      /* pixels around what was found */

typedef struct track {
    float box[4];      /* around all of its boxes that agree, in pixels */
    int64_t first, last;
    float best;
    int hits;
    uint8_t *seen;     /* [height*width/16] how often the detector's mask had it, in cells of 4x4; null: it has no masks */
} track;
typedef struct search {
    fvi_erase *e;
    track track[TRACKS];
    int n, cw, ch;
    fv_frame picture;  /* 8 bits, as detectors take it */
    fv_detections found;
} search;

static fv_status make_picture(search *s, const fv_clip_frame *f)
{
    const fv_clip_info *i = &s->e->info;
    const fv_pixel_format format = i->planes == 1 ? FV_PIXEL_GRAY : i->sx && i->sy ? FV_PIXEL_I420 : i->sx ? FV_PIXEL_I422 : !i->sy ? FV_PIXEL_I444 : FV_PIXEL_NONE;
    if (format == FV_PIXEL_NONE) return fvi_error_set(s->e->err, FV_ERR_UNSUPPORTED, "%s: a detector cannot look at this chroma format", s->e->in);
    if (!s->picture.plane[0]) {
        const fv_status st = fv_frame_alloc(&s->picture, format, i->width, i->height);
        if (st < 0) return fvi_error_set(s->e->err, st, "out of memory");
        s->picture.matrix = i->height < 720 ? FV_COLOR_BT601 : FV_COLOR_BT709;
    }
    for (int p = 0; p < i->planes; p++) {
        const int w = p ? (i->width + i->sx) >> i->sx : i->width, h = p ? (i->height + i->sy) >> i->sy : i->height;
        for (int y = 0; y < h; y++) {
            const uint8_t *in = f->plane[p] + (ptrdiff_t)y * f->stride[p];
            uint8_t *out = s->picture.plane[p] + (ptrdiff_t)y * s->picture.stride[p];
            for (int x = 0; x < w; x++) out[x] = i->depth == 8 ? in[x] : (uint8_t)((in[2 * x] | in[2 * x + 1] << 8) >> (i->depth - 8));
        }
    }
    return FV_OK;
}

static fv_status add_seen(search *s, track *t, const fv_detection *d)
{
    if (!d->extra || !s->found.masks) return FV_OK;
    const fv_mask *m = &s->found.masks[d->extra - 1];
    if (!t->seen && !(t->seen = fvi_calloc((size_t)s->cw * (size_t)s->ch, 1))) return fvi_error_set(s->e->err, FV_ERR_MEMORY, "out of memory");
    for (int y = 0; y < m->height; y += 2)
        for (int x = 0; x < m->width; x += 2) {
            uint8_t *cell = &t->seen[(size_t)((m->y + y) / 4) * (size_t)s->cw + (size_t)((m->x + x) / 4)];
            if (s->found.mask_bits[m->at + (size_t)y * (size_t)m->width + (size_t)x] && *cell < 255) ++*cell;
        }
    return FV_OK;
}

static fv_status take(search *s, const fv_detection *d, int64_t frame)
{
    const fv_erase_options *o = s->e->opt;
    const double fps = s->e->info.fps > 0 ? s->e->info.fps : 25;
    track *to = NULL;
    for (int i = 0; i < s->n; i++) {
        track *t = &s->track[i];
        if ((double)(frame - t->last) > o->accumulate_s * fps + o->detect_every || fvi_track_iou(t->box, d->box) < SAME) continue;
        if (!to || fvi_track_iou(t->box, d->box) > fvi_track_iou(to->box, d->box)) to = t;
    }
    if (!to) {
        if (s->n == TRACKS) return FV_OK; /* a detector that sees marks everywhere: what lasts is there already */
        to = &s->track[s->n++];
        *to = (track){.first = frame};
        memcpy(to->box, d->box, sizeof to->box);
    }
    for (int k = 0; k < 2; k++) {
        to->box[k] = fminf(to->box[k], d->box[k]);
        to->box[2 + k] = fmaxf(to->box[2 + k], d->box[2 + k]);
    }
    to->last = frame;
    to->hits++;
    to->best = fmaxf(to->best, d->confidence);
    return add_seen(s, to, d);
}

static fv_status look(search *s, const fv_clip_frame *f)
{
    FVI_TRY(make_picture(s, f));
    const fv_frame *p = &s->picture;
    FVI_TRY(fv_detector_run(s->e->opt->detector, &p, 1, &s->found, s->e->err));
    for (int i = 0; i < s->found.count; i++)
        if (s->found.items[i].confidence >= s->e->opt->min_score) FVI_TRY(take(s, &s->found.items[i], f->index));
    return FV_OK;
}

static bool is_mark(const search *s, const track *t)
{
    const fv_erase_options *o = s->e->opt;
    return t->best >= BEGIN * o->min_score && t->hits >= 2 && t->last - t->first + o->detect_every >= o->persist;
}

static fv_status add_track(search *s, const track *t, uint8_t *mask, int64_t frames)
{
    const fvi_erase *e = s->e;
    const int W = e->info.width, H = e->info.height;
    const int64_t reach = (int64_t)(e->opt->accumulate_s * (e->info.fps > 0 ? e->info.fps : 25)) + e->opt->detect_every;
    memset(mask, 0, (size_t)W * (size_t)H);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            bool in = (float)x >= t->box[0] - GROW && (float)x < t->box[2] + GROW && (float)y >= t->box[1] - GROW && (float)y < t->box[3] + GROW;
            if (in && t->seen) {
                in = false;
                for (int v = y - GROW; v <= y + GROW && !in; v += 3)
                    for (int u = x - GROW; u <= x + GROW && !in; u += 3)
                        in = u >= 0 && v >= 0 && u < W && v < H && 4 * t->seen[(size_t)(v / 4) * (size_t)s->cw + (size_t)(u / 4)] >= t->hits;
            }
            mask[(size_t)y * (size_t)W + (size_t)x] = in;
        }
    return fvi_erase_add_mask(s->e, mask, t->first > reach ? t->first - reach : 0, t->last + reach < frames ? t->last + reach : INT64_MAX, false);
}

static fv_status run(search *s, fv_clip *c, int64_t *frames)
{
    fvi_erase *e = s->e;
    for (;;) {
        fv_clip_frame f;
        fv_status st = e->media->read(c, &f, e->err);
        if (st != FV_OK) return st < 0 ? st : FV_OK;
        st = f.index % e->opt->detect_every == 0 ? look(s, &f) : FV_OK;
        *frames = f.index + 1;
        e->media->drop(&f);
        if (st >= 0) st = fvi_erase_progress(e, FV_ERASE_SEARCH, *frames);
        if (st < 0) return st;
    }
}

fv_status fvi_erase_search(fvi_erase *e, fv_clip *c)
{
    search *s = fvi_calloc(1, sizeof *s);
    uint8_t *mask = fvi_alloc((size_t)e->info.width * (size_t)e->info.height);
    int64_t frames = 0;
    fv_status st = s && mask ? FV_OK : fvi_error_set(e->err, FV_ERR_MEMORY, "out of memory");
    if (st == FV_OK) {
        s->e = e;
        s->cw = (e->info.width + 3) / 4 + 1;
        s->ch = (e->info.height + 3) / 4 + 1;
        st = run(s, c, &frames);
    }
    for (int i = 0; st == FV_OK && i < s->n; i++)
        if (is_mark(s, &s->track[i])) st = add_track(s, &s->track[i], mask, frames);
    for (int i = 0; s && i < s->n; i++) fvi_free(s->track[i].seen);
    if (s) {
        fv_frame_release(&s->picture);
        fv_detections_clear(&s->found);
    }
    fvi_free(mask);
    fvi_free(s);
    return st;
}
