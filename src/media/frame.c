/* frame.c: memory behind frames: pooled buffers, or a decoder's own picture held by reference. Steady state allocates
 * nothing. Used by every source; frames are handed to the pipeline and come back through fv_frame.release. */
#include "media/media.h"
#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include <libavutil/buffer.h>
#include <libavutil/frame.h>
#include <pthread.h>

typedef struct slot {
    fvi_media_pool *pool;
    struct slot *next;
    uint8_t *buf; /* null in slots that hold decoder pictures */
    size_t cap;
    AVFrame *av;
} slot;

struct fvi_media_pool {
    pthread_mutex_t lock;
    int users; /* the owner and every frame in flight */
    slot *free_bufs, *free_refs;
};

static void free_slots(slot *s)
{
    while (s) {
        slot *next = s->next;
        fvi_free(s->buf);
        av_frame_free(&s->av);
        fvi_free(s);
        s = next;
    }
}

fvi_media_pool *fvi_media_pool_create(void)
{
    fvi_media_pool *p = fvi_calloc(1, sizeof *p);
    if (!p) return NULL;
    if (pthread_mutex_init(&p->lock, NULL) != 0) {
        fvi_free(p);
        return NULL;
    }
    p->users = 1;
    return p;
}

static void drop_user(fvi_media_pool *p, slot *back)
{
    pthread_mutex_lock(&p->lock);
    if (back) {
        slot **list = back->av ? &p->free_refs : &p->free_bufs;
        back->next = *list;
        *list = back;
    }
    bool last = --p->users == 0;
    pthread_mutex_unlock(&p->lock);
    if (!last) return;
    free_slots(p->free_bufs);
    free_slots(p->free_refs);
    pthread_mutex_destroy(&p->lock);
    fvi_free(p);
}

void fvi_media_pool_close(fvi_media_pool **pool)
{
    if (*pool) drop_user(*pool, NULL);
    *pool = NULL;
}

static slot *take_slot(fvi_media_pool *p, bool reference)
{
    pthread_mutex_lock(&p->lock);
    slot **list = reference ? &p->free_refs : &p->free_bufs;
    slot *s = *list;
    if (s) *list = s->next;
    p->users++;
    pthread_mutex_unlock(&p->lock);
    if (!s) {
        s = fvi_calloc(1, sizeof *s);
        if (s && reference && !(s->av = av_frame_alloc())) FVI_FREE(s);
        if (s) s->pool = p;
    }
    if (!s) drop_user(p, NULL);
    return s;
}

static void release_frame(fv_frame *f)
{
    slot *s = f->opaque;
    if (s->av) av_frame_unref(s->av);
    drop_user(s->pool, s);
}

void fvi_media_drop(fv_frame *f)
{
    if (f->release) f->release(f);
    *f = (fv_frame){0};
}

void fvi_media_plane_size(fv_pixel_format format, int width, int height, int plane, int *rows, int *bytes)
{
    int cw = (width + 1) / 2, ch = (height + 1) / 2;
    *rows = plane == 0 ? height : 0;
    *bytes = plane == 0 ? width : 0;
    switch (format) {
    case FV_PIXEL_I420:
        if (plane > 0) *rows = ch, *bytes = cw;
        break;
    case FV_PIXEL_I422:
        if (plane > 0) *rows = height, *bytes = cw;
        break;
    case FV_PIXEL_I444: *rows = height, *bytes = width; break;
    case FV_PIXEL_NV12:
        if (plane == 1) *rows = ch, *bytes = 2 * cw;
        break;
    case FV_PIXEL_RGB:
    case FV_PIXEL_BGR:
        if (plane == 0) *bytes = 3 * width;
        break;
    case FV_PIXEL_GRAY:
        break;
    default:
        *rows = *bytes = 0;
        break;
    }
}

fv_status fvi_media_pool_frame(fvi_media_pool *pool, fv_frame *f, fv_pixel_format format, int width, int height)
{
    if (width < 1 || height < 1 || width > FVI_MEDIA_MAX_SIDE || height > FVI_MEDIA_MAX_SIDE ||
        (int64_t)width * height > FVI_MEDIA_MAX_PIXELS)
        return FV_ERR_LIMIT;
    size_t total = FV_FRAME_PAD, offset[3] = {0};
    ptrdiff_t stride[3] = {0};
    for (int i = 0; i < 3; i++) {
        int rows, bytes;
        fvi_media_plane_size(format, width, height, i, &rows, &bytes);
        stride[i] = (ptrdiff_t)fvi_round_up((size_t)bytes, FVI_ALIGN);
        offset[i] = total - FV_FRAME_PAD;
        total += (size_t)stride[i] * (size_t)rows;
    }
    slot *s = take_slot(pool, false);
    if (!s) return FV_ERR_MEMORY;
    if (s->cap < total) {
        fvi_free(s->buf);
        s->cap = 0;
        s->buf = fvi_calloc(1, total);
        if (!s->buf) {
            drop_user(pool, s);
            return FV_ERR_MEMORY;
        }
        s->cap = total;
    }
    f->format = format;
    f->width = width;
    f->height = height;
    for (int i = 0; i < 3; i++) {
        f->plane[i] = stride[i] ? s->buf + offset[i] : NULL;
        f->stride[i] = stride[i];
    }
    f->release = release_frame;
    f->opaque = s;
    return FV_OK;
}

/* Rows run downwards and FV_FRAME_PAD bytes behind the plane belong to its buffer. */
static bool plane_fits(const AVFrame *av, int plane, int rows, int bytes)
{
#if LIBAVUTIL_VERSION_MAJOR >= 58
    const AVBufferRef *b = av_frame_get_plane_buffer(av, plane);
#else
    const AVBufferRef *b = av_frame_get_plane_buffer((AVFrame *)(uintptr_t)av, plane);
#endif
    if (!b || !av->data[plane] || av->linesize[plane] < bytes) return false;
    const uint8_t *end = av->data[plane] + (ptrdiff_t)av->linesize[plane] * (rows - 1) + bytes + FV_FRAME_PAD;
    return av->data[plane] >= b->data && end <= b->data + b->size;
}

fv_status fvi_media_pool_wrap(fvi_media_pool *pool, fv_frame *f, AVFrame *av, fv_pixel_format format)
{
    for (int i = 0; i < 3; i++) {
        int rows, bytes;
        fvi_media_plane_size(format, av->width, av->height, i, &rows, &bytes);
        if (rows && !plane_fits(av, i, rows, bytes)) return FV_ERR_UNSUPPORTED;
    }
    slot *s = take_slot(pool, true);
    if (!s) return FV_ERR_MEMORY;
    f->format = format;
    f->width = av->width;
    f->height = av->height;
    for (int i = 0; i < 3; i++) {
        int rows, bytes;
        fvi_media_plane_size(format, av->width, av->height, i, &rows, &bytes);
        f->plane[i] = rows ? av->data[i] : NULL;
        f->stride[i] = rows ? av->linesize[i] : 0;
    }
    av_frame_move_ref(s->av, av);
    f->release = release_frame;
    f->opaque = s;
    return FV_OK;
}
