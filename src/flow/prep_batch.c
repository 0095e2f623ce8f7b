/* prep_batch.c: fv_prep_run: pictures spread over the context's threads, one a thread at a time, in memory that stays below a limit; a bad one fails
 * alone. A single picture has its rows spread instead. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "flow/prep.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define UNKNOWN_BYTES 11 /* a pixel, of kinds whose headers are not read: eight as decoded, three as RGB */
#define AHEAD 2 /* files a thread that are read while others are decoded */

typedef struct batch {
    fv_prep *p;
    const fv_prep_input *in;
    int n;
    fvi_tensor out; /* logical [N,3,H,W]; with fn the type alone */
    fv_prep_result *results; /* null with fn */
    fv_prep_done_fn fn;
    void *user;
    fvi_pool *rows; /* a single picture's; else null */
    atomic_bool stop;
    pthread_mutex_t lock; /* what follows */
    int first_bad;        /* lowest picture that failed, or n */
    fv_error error;       /* its */
} batch;

/* Asks the system for a file that will be wanted soon. */
static void prefetch(const batch *b, int i)
{
    if (i >= b->n || b->in[i].frame || b->in[i].data || !b->in[i].path) return;
    int fd = open(b->in[i].path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return;
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED);
    close(fd);
}

/* Takes `bytes` of the memory that decoding may use, waiting for others to give some back; 0 = not known: all of it. */
static fv_status take_memory(fv_prep *p, int64_t *bytes, const char *name, fv_error *err)
{
    const int64_t most = p->o.max_memory;
    if (!most) return FV_OK;
    if (*bytes > most)
        return fvi_error_set(err, FV_ERR_LIMIT, "%s: decoding it takes %.0f MB, more than the limit of %.0f MB", name, (double)*bytes * 1e-6, (double)most * 1e-6);
    if (*bytes == 0) *bytes = most;
    pthread_mutex_lock(&p->lock);
    while (p->used + *bytes > most) pthread_cond_wait(&p->freed, &p->lock);
    p->used += *bytes;
    pthread_mutex_unlock(&p->lock);
    return FV_OK;
}

static void give_memory(fv_prep *p, fvi_flow_prep_worker *w, int64_t bytes)
{
    const int64_t most = p->o.max_memory;
    if (!most) return;
    if (bytes > most / (2 * p->threads) && w->reader) p->media->picture_reader_close(&w->reader); /* readers keep their largest picture's memory */
    pthread_mutex_lock(&p->lock);
    p->used -= bytes;
    pthread_cond_broadcast(&p->freed);
    pthread_mutex_unlock(&p->lock);
}

static void order_nhwc(fvi_tensor *t)
{
    t->stride[1] = 1;
    t->stride[3] = 3;
    t->stride[2] = 3 * t->dim[3];
}

/* A tensor for one picture in the worker's own memory. */
static fv_status own_output(const fv_prep *p, fvi_flow_prep_worker *w, int width, int height, fvi_tensor *t, fv_error *err)
{
    int ow, oh;
    FVI_TRY(fv_prep_size(p, width, height, &ow, &oh, err));
    const int64_t dim[4] = {1, 3, oh, ow};
    const size_t bytes = 3 * (size_t)oh * (size_t)ow * fv_dtype_size(p->o.dtype);
    if (w->own_bytes < bytes) {
        fvi_free(w->own);
        w->own = fvi_alloc(bytes);
        w->own_bytes = w->own ? bytes : 0;
        if (!w->own) return fvi_error_set(err, FV_ERR_MEMORY, "no memory for a tensor of %dx%d", ow, oh);
    }
    *t = fvi_tensor_over(w->own, p->o.dtype, 4, dim);
    if (p->o.nhwc) order_nhwc(t);
    return FV_OK;
}

/* Where picture i goes, which is width x height large; *at: its place there. */
static fv_status output_of(const batch *b, fvi_flow_prep_worker *w, int i, int width, int height, fvi_tensor *t, int *at, fv_error *err)
{
    *at = b->fn ? 0 : i;
    if (b->fn) return own_output(b->p, w, width, height, t, err);
    *t = b->out;
    return FV_OK;
}

/* A decoded frame, as picture i. */
static fv_status run_frame(batch *b, fvi_flow_prep_worker *w, int i, const fv_frame *f, fvi_tensor *t, fv_prep_result *r)
{
    int at;
    FVI_TRY(output_of(b, w, i, f->width, f->height, t, &at, &r->error));
    return fvi_flow_frame_run(b->p, w, f, t, at, b->rows, r, &r->error);
}

static fv_status decode_still(batch *b, fvi_flow_prep_worker *w, fvi_flow_picture *pic, int i, fvi_tensor *t, fv_prep_result *r)
{
    fv_prep *p = b->p;
    int64_t bytes = pic->info.bytes;
    int at;
    r->width = pic->info.width;
    r->height = pic->info.height;
    if ((int64_t)r->width * r->height > p->o.max_pixels)
        return fvi_error_set(&r->error, FV_ERR_LIMIT, "%s: %dx%d pixels are more than is read (%.6g million)", pic->name, r->width, r->height,
                             (double)p->o.max_pixels * 1e-6);
    FVI_TRY(take_memory(p, &bytes, pic->name, &r->error));
    fv_status st = w->reader ? FV_OK : p->media->picture_reader_open(&w->reader, &r->error);
    fv_frame f = {0};
    if (st >= 0 && !r->width) { /* the size shows when it is decoded */
        int64_t t0 = fvi_now_ns();
        fv_picture_options o = {.size = sizeof o, .max_pixels = p->o.max_pixels};
        if (p->o.max_memory && p->o.max_memory / UNKNOWN_BYTES < o.max_pixels) o.max_pixels = p->o.max_memory / UNKNOWN_BYTES + 1;
        st = p->media->picture_reader_read(w->reader, &f, pic->data, pic->size, &o, pic->name, &r->error);
        r->decode_ns = fvi_now_ns() - t0;
        fvi_flow_prep_reason(p, "cpu: not a JPEG");
        if (st >= 0) st = run_frame(b, w, i, &f, t, r);
        r->profile = pic->info.profile;
        fv_frame_release(&f);
    } else if (st >= 0 && (st = output_of(b, w, i, r->width, r->height, t, &at, &r->error)) >= 0) {
        const fvi_flow_strategy *s = fvi_flow_prep_choose(p, w, pic, t, at);
        st = fvi_flow_picture_run(p, w, pic, s, t, at, b->rows, r, &r->error);
    }
    give_memory(p, w, bytes);
    return st;
}

/* *t: the tensor it was written to. */
static fv_status one_picture(batch *b, fvi_flow_prep_worker *w, int i, fvi_tensor *t, fv_prep_result *r)
{
    const fv_prep_input *in = &b->in[i];
    if (in->frame) {
        fvi_flow_prep_reason(b->p, "cpu: the picture is decoded already");
        return run_frame(b, w, i, in->frame, t, r);
    }
    fvi_flow_picture pic;
    int64_t t0 = fvi_now_ns();
    fv_status st = fvi_flow_picture_open(b->p, &pic, in, &r->error);
    r->read_ns = fvi_now_ns() - t0;
    if (st == FV_ERR_UNSUPPORTED && in->path && !in->data) { /* no still: whatever FFmpeg finds in the file */
        fv_frame f = {0};
        int64_t all = 0;
        st = take_memory(b->p, &all, in->path, &r->error);
        if (st >= 0) {
            t0 = fvi_now_ns();
            st = fvi_flow_first_frame(b->p, in->path, &f, &r->error);
            r->decode_ns = fvi_now_ns() - t0;
            fvi_flow_prep_reason(b->p, "cpu: not a JPEG");
            if (st >= 0) st = run_frame(b, w, i, &f, t, r);
            fv_frame_release(&f);
            give_memory(b->p, w, all);
        }
    } else if (st >= 0) {
        st = decode_still(b, w, &pic, i, t, r);
    }
    fvi_flow_picture_close(&pic);
    return st;
}

static void give_away(batch *b, int i, const fvi_tensor *t, const fv_prep_result *r)
{
    fv_tensor one = {.dtype = t->dtype, .rank = 4, .dim = {1, 3, t->dim[2], t->dim[3]}, .data = t->data};
    if (b->p->o.nhwc) one = (fv_tensor){.dtype = t->dtype, .rank = 4, .dim = {1, t->dim[2], t->dim[3], 3}, .data = t->data};
    if (b->fn(b->user, i, r->status < 0 ? NULL : &one, r)) atomic_store(&b->stop, true);
}

static void note_failure(batch *b, int i, const fv_prep_result *r)
{
    if (r->status == FV_ERR_CANCELLED) return;
    pthread_mutex_lock(&b->lock);
    if (i < b->first_bad) b->first_bad = i, b->error = r->error;
    pthread_mutex_unlock(&b->lock);
    if (b->p->o.stop_at_error) atomic_store(&b->stop, true);
}

static void run_chunk(void *arg, int i, int thread)
{
    batch *b = arg;
    fv_prep_result mine, *r = b->results ? &b->results[i] : &mine;
    fvi_tensor t = b->out;
    *r = (fv_prep_result){0};
    if (atomic_load(&b->stop)) {
        r->status = fvi_error_set(&r->error, FV_ERR_CANCELLED, "%s: not begun, because the work was stopped", b->in[i].path ? b->in[i].path : "picture");
    } else {
        prefetch(b, i + AHEAD * b->p->threads);
        r->status = one_picture(b, &b->p->workers[thread], i, &t, r);
    }
    if (r->status < 0) note_failure(b, i, r);
    if (b->fn) {
        give_away(b, i, &t, r);
    } else if (r->status < 0) {
        size_t bytes = (size_t)(3 * b->out.dim[2] * b->out.dim[3]) * fv_dtype_size(b->out.dtype);
        memset(b->out.data + (size_t)i * bytes, 0, bytes);
    }
}

static fv_status run_all(batch *b, fv_error *err)
{
    bool encoded = false;
    for (int i = 0; i < b->n; i++) encoded = encoded || !b->in[i].frame;
    if (encoded) FVI_TRY(fvi_flow_prep_media(b->p, err));
    if (pthread_mutex_init(&b->lock, NULL) != 0) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for %d pictures", b->n);
    b->first_bad = b->n;
    fvi_pool *pool = fvi_engine_pool(b->p->ctx);
    b->rows = b->n == 1 ? pool : NULL;
    for (int i = 0; i < AHEAD * b->p->threads && i < b->n; i++) prefetch(b, i);
    fvi_pool_run(b->n == 1 ? NULL : pool, run_chunk, b, b->n);
    pthread_mutex_destroy(&b->lock);
    if (b->first_bad == b->n) return FV_OK;
    if (err) *err = b->error;
    return FV_PARTIAL;
}

/* The caller's dense tensor as prep sees it. */
static fv_status view_output(const fv_prep *p, int n, const fv_tensor *out, fvi_tensor *t, fv_error *err)
{
    const bool nhwc = p->o.nhwc != 0;
    const int c = nhwc ? 3 : 1, h = nhwc ? 1 : 2, w = nhwc ? 2 : 3;
    bool fits = out->dtype == p->o.dtype && out->rank == 4 && out->data && out->dim[0] == n && out->dim[c] == 3;
    if (p->o.fit == FV_PREP_MULTIPLE)
        fits = fits && out->dim[h] > 0 && out->dim[w] > 0 && out->dim[h] % p->o.multiple == 0 && out->dim[w] % p->o.multiple == 0;
    else
        fits = fits && out->dim[h] == p->o.height && out->dim[w] == p->o.width;
    if (!fits) return fvi_error_set(err, FV_ERR_SHAPE, "prep: the tensor is not a batch of %d as fv_prep_output describes it", n);
    const int64_t dim[4] = {n, 3, out->dim[h], out->dim[w]};
    *t = fvi_tensor_over(out->data, out->dtype, 4, dim);
    if (nhwc) order_nhwc(t);
    return FV_OK;
}

fv_status fv_prep_run(fv_prep *p, const fv_prep_input *in, int n, const fv_tensor *out, fv_prep_result *results, fv_error *err)
{
    if (!p || !in || !out || n < 1) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_prep_run: an argument is null, or no picture is given");
    batch b = {.p = p, .in = in, .n = n, .results = results};
    FVI_TRY(view_output(p, n, out, &b.out, err));
    return run_all(&b, err);
}

fv_status fv_prep_each(fv_prep *p, const fv_prep_input *in, int n, fv_prep_done_fn fn, void *user, fv_error *err)
{
    if (!p || !in || !fn || n < 1) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_prep_each: an argument is null, or no picture is given");
    batch b = {.p = p, .in = in, .n = n, .fn = fn, .user = user, .out = {.dtype = p->o.dtype}};
    return run_all(&b, err);
}
