/* erase_window.c: the second pass: frames wait until those after them are known, marks are undone as strongly as they are there, segments
 * are written. What becomes of a frame depends on it, on the marks and on the FVI_ERASE_LOOK frames around it, so that going on at
 * any segment gives the same. Called by erase.c. */
#include "flow/erase.h"
#include "base/alloc.h"
#include "base/error.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { AROUND = 2 * FVI_ERASE_LOOK + 1 };

typedef struct window {
    fvi_erase *e;
    fv_clip_writer *w;
    fv_clip_frame frame[FVI_ERASE_LOOK + 1];
    int64_t read, done, from; /* frames read, handed on; the first that is written */
    bool open, ended;
    uint16_t *crop;           /* of the largest place */
} window;

/* Median of the gains within `reach` of frame i. NaN: no frame tells. */
static float median_gain(const window *x, const fvi_erase_place *p, int64_t i, int reach)
{
    float v[AROUND];
    int n = 0;
    for (int64_t k = i - reach; k <= i + reach; k++) {
        if (k < 0 || k >= x->read) continue;
        const float g = p->gain[k % AROUND];
        if (!isnan(g)) v[n++] = g;
    }
    if (!n) return NAN;
    qsort(v, (size_t)n, sizeof *v, fvi_erase_by_value);
    return v[n / 2];
}

/* How much of the mark is in frame i: steady stretches are all or nothing, between them it fades. */
static float decide(const window *x, const fvi_erase_place *p, int64_t i)
{
    if (i < p->from || i > p->to) return 0;
    const float near = median_gain(x, p, i, 2), around = median_gain(x, p, i, FVI_ERASE_LOOK);
    if (p->always || isnan(near)) return 1;
    if ((around > 0.7f && near > 0.7f) || near > 0.85f) return 1;
    if (near < 0.12f || (around < 0.3f && near < 0.25f)) return 0;
    return near;
}

static void fill_ground(fvi_erase_place *p, const uint16_t *crop)
{
    for (int i = 0; i < p->shape.planes; i++) {
        const size_t n = (size_t)p->shape.w[i] * (size_t)p->shape.h[i];
        float *g = p->ground + p->shape.at[i];
        for (size_t k = 0; k < n; k++) g[k] = crop[p->shape.at[i] + k];
        fvi_clean_fill_run(p->fill[i], g);
    }
}

static void account(window *x, fvi_erase_place *p, int64_t i, float gain)
{
    if (gain <= 0) return;
    if (p->report.first < 0) p->report.first = i;
    if (p->report.last >= 0 && i - p->report.last > 1 && i - p->report.last <= 6) x->e->report->flash += i - p->report.last - 1;
    p->report.last = i;
}

static void undo(window *x, fv_clip_frame *f)
{
    fvi_erase *e = x->e;
    bool changed = false;
    for (int i = 0; i < e->places; i++) {
        fvi_erase_place *p = &e->place[i];
        const float gain = p->found ? decide(x, p, f->index) : 0;
        account(x, p, f->index, gain);
        if (gain <= 0) continue;
        changed = true;
        fvi_erase_crop(e, p, f, x->crop);
        if (p->filled) fill_ground(p, x->crop);
        fvi_clean_mark_undo(&p->mark, x->crop, p->filled ? p->ground : NULL, gain);
        fvi_erase_paste(e, p, f, x->crop);
    }
    e->report->changed += changed;
}

static fv_status end_segment(window *x)
{
    if (!x->open) return FV_OK;
    x->open = false;
    return x->e->media->end(x->w, x->e->err);
}

static fv_status hand_on(window *x, fv_clip_frame *f)
{
    fvi_erase *e = x->e;
    const int64_t length = e->opt->segment, i = f->index;
    if (i < x->from) return FV_OK;
    undo(x, f);
    if (i % length == 0) {
        fvi_str name = {0};
        FVI_TRY(end_segment(x));
        if (!fvi_erase_segment_name(e, i / length, &name)) return fvi_error_set(e->err, FV_ERR_MEMORY, "out of memory");
        const fv_status st = e->media->begin(x->w, name.s, e->err);
        fvi_str_free(&name);
        if (st < 0) return st;
        x->open = true;
    }
    FVI_TRY(e->media->write(x->w, f, e->err));
    return fvi_erase_progress(e, FV_ERASE_WRITE, i + 1);
}

static void look(window *x, const fv_clip_frame *f)
{
    fvi_erase *e = x->e;
    for (int i = 0; i < e->places; i++) {
        fvi_erase_place *p = &e->place[i];
        if (!p->found || p->always || f->index + 2 * AROUND < x->from) continue;
        fvi_erase_crop(e, p, f, x->crop);
        p->gain[f->index % AROUND] = fvi_clean_mark_gain(&p->mark, x->crop);
    }
}

static fv_status run(window *x, fv_clip *c)
{
    fvi_erase *e = x->e;
    while (!x->ended || x->done < x->read) {
        fv_clip_frame *slot = &x->frame[x->read % (FVI_ERASE_LOOK + 1)];
        if (!x->ended) {
            const fv_status st = e->media->read(c, slot, e->err);
            if (st < 0) return st;
            x->ended = st != FV_OK;
            e->partial = e->partial || st == FV_PARTIAL;
            if (st == FV_OK) {
                look(x, slot);
                x->read++;
            }
        }
        if (x->done < x->read && (x->ended || x->read - x->done > FVI_ERASE_LOOK)) {
            fv_clip_frame *f = &x->frame[x->done % (FVI_ERASE_LOOK + 1)];
            FVI_TRY(hand_on(x, f));
            e->media->drop(f);
            x->done++;
        }
    }
    e->report->frames = x->done;
    return end_segment(x);
}

fv_status fvi_erase_write(fvi_erase *e, fv_clip *c, fv_clip_writer *w, int64_t from)
{
    size_t most = 1;
    window x = {.e = e, .w = w, .from = from};
    for (int i = 0; i < e->places; i++) most = e->place[i].shape.all > most ? e->place[i].shape.all : most;
    if (!(x.crop = fvi_alloc(most * sizeof *x.crop))) return fvi_error_set(e->err, FV_ERR_MEMORY, "out of memory");
    fv_status st = FV_OK;
    for (int i = 0; i < e->places && st == FV_OK; i++)
        if (e->place[i].found) st = fvi_erase_prepare(&e->place[i]);
    if (st < 0)
        fvi_error_set(e->err, st, "out of memory");
    else
        st = run(&x, c);
    for (int i = 0; i <= FVI_ERASE_LOOK; i++) e->media->drop(&x.frame[i]);
    fvi_free(x.crop);
    return st;
}
