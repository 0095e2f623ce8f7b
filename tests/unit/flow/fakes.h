/* fakes.h: source, detector and sink that need no files and no model, count what they own, and fail on demand. */
#ifndef TEST_FLOW_FAKES_H
#define TEST_FLOW_FAKES_H
#include "base/alloc.h"
#include "base/error.h"
#include "flow/detector.h"
#include <fovea/pipeline.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static inline void nap_us(long us)
{
    struct timespec t = {us / 1000000, us % 1000000 * 1000};
    if (us > 0) nanosleep(&t, NULL);
}

/* ---- source: gray ramps, read-only by contract, reference counted ---- */
typedef struct fake_source {
    fv_source s;
    int total, fail_at, partial_at; /* -1 = never */
    atomic_int at;                  /* frames given out */
    long us;
    atomic_int alive; /* frames out there */
    int width, height;
    fv_pixel_format format;
} fake_source;

static inline void fake_release(fv_frame *f)
{
    fake_source *src = f->opaque;
    atomic_fetch_sub(&src->alive, 1);
    fvi_free(f->plane[0]);
    memset(f, 0, sizeof *f);
}

static inline fv_status fake_read(fv_source *s, fv_frame *f, fv_error *err)
{
    fake_source *src = s->priv;
    nap_us(src->us);
    if (src->at == src->fail_at) return fvi_error_set(err, FV_ERR_INPUT, "the fake disk is on fire");
    if (src->at == src->partial_at) return fvi_error_set(err, FV_PARTIAL, "the fake file is cut");
    if (src->at >= src->total) return FV_END;
    size_t w = (size_t)src->width, h = (size_t)src->height, cw = (w + 1) / 2, ch = (h + 1) / 2;
    memset(f, 0, sizeof *f);
    uint8_t *mem = fvi_alloc(w * h + 2 * cw * ch);
    if (!mem) return FV_ERR_MEMORY;
    memset(mem, src->at & 255, w * h + 2 * cw * ch);
    *f = (fv_frame){.format = src->format, .width = src->width, .height = src->height, .index = src->at, .pts = src->at * 0.04};
    f->plane[0] = mem;
    f->stride[0] = (ptrdiff_t)w;
    if (src->format == FV_PIXEL_I420) {
        f->plane[1] = mem + w * h;
        f->plane[2] = mem + w * h + cw * ch;
        f->stride[1] = f->stride[2] = (ptrdiff_t)cw;
    }
    f->release = fake_release;
    f->opaque = src;
    atomic_fetch_add(&src->alive, 1);
    src->at++;
    return FV_OK;
}

static inline void fake_source_init(fake_source *src, int total)
{
    memset(src, 0, sizeof *src);
    src->s.info = (fv_source_info){.kind = FV_SOURCE_VIDEO, .width = 64, .height = 48, .fps = 25, .frames = total, .name = "fake"};
    src->s.read = fake_read;
    src->s.priv = src;
    src->total = total;
    src->fail_at = src->partial_at = -1;
    src->width = 64;
    src->height = 48;
    src->format = FV_PIXEL_I420;
}

/* ---- detector: one box whose x is the frame's number ---- */
typedef struct fake_detector {
    fv_detector d;
    long us;
    int fail_at; /* run number, -1 = never */
    int biggest; /* batch seen */
    bool empty;
} fake_detector;

static inline fv_status fake_detect(fv_detector *d, const fv_frame *const *frames, int n, fv_detections *out, fv_error *err)
{
    fake_detector *f = (fake_detector *)d;
    nap_us(f->us);
    if (d->runs == f->fail_at) return fvi_error_set(err, FV_ERR_INTERNAL, "the fake network has no idea");
    if (n > f->biggest) f->biggest = n;
    for (int i = 0; i < n; i++) {
        if (fv_detections_reserve(&out[i], 300) < 0) return FV_ERR_MEMORY;
        float x = 1 + (float)(frames[i]->index % 40);
        out[i].items[0] = (fv_detection){.box = {x, 10, x + 12, 40}, .confidence = 0.9f, .class_id = 0};
        out[i].count = f->empty ? 0 : 1;
    }
    d->times = (fv_detect_times){1000, (int64_t)n * 1000000, 500};
    return FV_OK;
}

static inline const char *fake_class_name(const fv_detector *d, int id)
{
    (void)d;
    return id == 0 ? "person" : "thing";
}

static inline void fake_detector_init(fake_detector *f, int batch)
{
    memset(f, 0, sizeof *f);
    f->d.run = fake_detect;
    f->d.class_name = fake_class_name;
    f->d.n_classes = 1;
    f->d.batch = batch;
    f->d.input_w = f->d.input_h = 64;
    f->fail_at = -1;
}

/* ---- sink ---- */
typedef struct fake_sink {
    fv_sink s;
    long us;
    int fail_at, written;
    int64_t last_index;
    bool disorder;
    long luma_sum;
} fake_sink;

static inline fv_status fake_write(fv_sink *s, const fv_frame *f, fv_error *err)
{
    fake_sink *k = s->priv;
    nap_us(k->us);
    if (k->written == k->fail_at) return fvi_error_set(err, FV_ERR_OUTPUT, "the fake disk is full");
    if (f->index <= k->last_index) k->disorder = true;
    k->last_index = f->index;
    k->luma_sum += f->plane[0][0];
    k->written++;
    return FV_OK;
}

static inline void fake_sink_init(fake_sink *k)
{
    memset(k, 0, sizeof *k);
    k->s.write = fake_write;
    k->s.priv = k;
    k->fail_at = -1;
    k->last_index = -1;
}
#endif
