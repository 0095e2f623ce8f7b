/* hub.c: frames of several pipelines -> batches of one detector. Each pipeline has a port, which is a detector to it: a run of the port
 * puts its frames in a row and returns when they are done. Whoever finds the detector idle runs it for everybody in the row (up to a
 * batch, first come, first served), so there is no thread of its own and nobody waits for company. */
#include "base/alloc.h"
#include "base/error.h"
#include "flow/detector.h"
#include <fovea/pipeline.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#define FVI_HUB_PORTS 256

/* Frames of one run of a port; lives on the stack of the thread that waits for it. */
typedef struct request {
    struct request *next;
    const fv_frame *const *frames;
    fv_detections *out;
    int n, taken, done; /* frames in all, in a batch or done, done */
    int source;         /* the port's number */
    fv_status status;   /* first failure */
    fv_error error;
    fv_detect_times times; /* its share of the batches it was in */
} request;

struct fv_hub {
    fv_detector *detector;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    request *first, *last; /* with frames that are not taken yet */
    bool busy;
    int ports;
    /* the batch that runs; belongs to the thread that runs it */
    const fv_frame **frames;
    fv_detections *dets;
    request **whose;
    int *index;  /* [batch] which frame of its request */
    int *source; /* [batch] */
    bool taken[FVI_HUB_PORTS]; /* numbers of ports */
};

typedef struct port {
    fv_detector base; /* first */
    fv_hub *hub;
    int number;
} port;

/* ---- under the lock ---- */

static void queue(fv_hub *h, request *r)
{
    if (h->last)
        h->last->next = r;
    else
        h->first = r;
    h->last = r;
}

static void leave_queue(fv_hub *h)
{
    h->first = h->first->next;
    if (!h->first) h->last = NULL;
}

/* One frame of each request in turn, so that a port with many frames does not push the others back. */
static int gather(fv_hub *h)
{
    int n = 0;
    request *again = NULL; /* has given a frame to this batch already, of a film that the detector follows */
    while (n < h->detector->batch && h->first && h->first != again) {
        request *r = h->first;
        leave_queue(h);
        h->source[n] = r->source;
        h->whose[n] = r;
        h->index[n] = r->taken;
        h->frames[n] = r->frames[r->taken];
        h->dets[n] = r->out[r->taken++];
        n++;
        r->next = NULL;
        if (r->taken < r->n) queue(h, r);
        if (r->taken < r->n && h->detector->sources && !again) again = r;
    }
    return n;
}

static void hand_back(fv_hub *h, int n, fv_status st, const fv_error *err)
{
    const fv_detect_times *t = &h->detector->times;
    for (int i = 0; i < n; i++) {
        request *r = h->whose[i];
        r->out[h->index[i]] = h->dets[i]; /* may have grown, also on failure */
        r->done++;
        r->times.prep_ns += t->prep_ns / n;
        r->times.infer_ns += t->infer_ns / n;
        r->times.heads_ns += t->heads_ns / n;
        r->times.infer_tiles_ns += t->infer_tiles_ns / n;
        r->times.enqueue_ns += t->enqueue_ns / n;
        r->times.sync_ns += t->sync_ns / n;
        r->times.merge_ns += t->merge_ns / n;
        r->times.tiled = t->tiled;
        if (st < 0 && r->status == FV_OK) {
            r->status = st;
            r->error = *err;
        }
    }
}

/* ---- a port ---- */

static fv_status port_run(fv_detector *d, const fv_frame *const *frames, int n, fv_detections *out, fv_error *err)
{
    fv_hub *h = ((port *)d)->hub;
    request mine = {.frames = frames, .out = out, .n = n, .source = ((port *)d)->number};
    if (n == 0) return FV_OK;
    pthread_mutex_lock(&h->lock);
    queue(h, &mine);
    while (mine.done < n) {
        if (h->busy) {
            pthread_cond_wait(&h->changed, &h->lock);
            continue;
        }
        h->busy = true;
        int count = gather(h);
        pthread_mutex_unlock(&h->lock);
        fv_error why = {0};
        if (h->detector->run_of) fvi_flow_detector_follow(h->detector, atomic_load_explicit(&h->detector->offered, memory_order_acquire));
        fv_status st = h->detector->run_of ? h->detector->run_of(h->detector, h->frames, h->source, count, h->dets, &why)
                                           : fv_detector_run(h->detector, h->frames, count, h->dets, &why);
        pthread_mutex_lock(&h->lock);
        hand_back(h, count, st, &why);
        h->busy = false;
        pthread_cond_broadcast(&h->changed);
    }
    pthread_mutex_unlock(&h->lock);
    d->times = mine.times;
    if (mine.status < 0 && err) *err = mine.error;
    return mine.status;
}

static void port_free(fv_detector *d)
{
    fv_hub *h = ((port *)d)->hub;
    pthread_mutex_lock(&h->lock);
    h->ports--;
    h->taken[((port *)d)->number] = false;
    pthread_mutex_unlock(&h->lock);
    fvi_free(d);
}

static fv_status port_set_classes(fv_detector *d, const int *classes, int n, fv_error *err)
{
    (void)d, (void)classes, (void)n;
    return fvi_error_set(err, FV_ERR_STATE, "classes are set at the detector of the hub, before its ports run");
}

static void port_told(fv_detector *d, double end_to_end_ms) { fvi_flow_detector_tell(((port *)d)->hub->detector, end_to_end_ms); }

static void port_lost(fv_detector *d, int source, const fvi_track_place *places, int n)
{
    (void)source;
    fv_detector *of = ((port *)d)->hub->detector;
    if (of->lost) of->lost(of, ((port *)d)->number, places, n);
}

static const char *port_class_name(const fv_detector *d, int class_id) { return fv_detector_class_name(((const port *)d)->hub->detector, class_id); }

fv_status fv_hub_port(fv_hub *h, fv_detector **out, fv_error *err)
{
    if (!h || !out) return fvi_error_set(err, FV_ERR_ARGUMENT, "there is no hub");
    *out = NULL;
    port *p = fvi_calloc(1, sizeof *p);
    if (!p) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    const fv_detector *d = h->detector;
    p->base = (fv_detector){.run = port_run,
                            .free = port_free,
                            .set_classes = port_set_classes,
                            .class_name = port_class_name,
                            .task = d->task,
                            .n_classes = d->n_classes,
                            .batch = 1, /* one frame of a camera at a time: the batch is made of several cameras */
                            .input_w = d->input_w,
                            .input_h = d->input_h,
                            .rule = d->rule,
                            .told = port_told,
                            .lost = port_lost,
                            .runs = 1}; /* the hub's detector is warm */
    p->hub = h;
    const int most = d->sources ? d->sources : FVI_HUB_PORTS;
    pthread_mutex_lock(&h->lock);
    while (p->number < most && h->taken[p->number]) p->number++;
    bool room = p->number < most;
    if (room) h->taken[p->number] = true;
    h->ports += room;
    pthread_mutex_unlock(&h->lock);
    if (!room) {
        fvi_free(p);
        return fvi_error_set(err, FV_ERR_LIMIT, "%d sources at the same time are the most that this detector can tell apart", most);
    }
    *out = &p->base;
    return FV_OK;
}

/* ---- the hub ---- */

static void destroy(fv_hub *h)
{
    fvi_free(h->frames);
    fvi_free(h->dets);
    fvi_free(h->whose);
    fvi_free(h->index);
    fvi_free(h->source);
    fvi_free(h);
}

fv_status fv_hub_create(fv_hub **out, fv_detector *detector, fv_error *err)
{
    if (!out) return FV_ERR_ARGUMENT;
    *out = NULL;
    if (!detector) return fvi_error_set(err, FV_ERR_ARGUMENT, "a hub needs a detector");
    if (detector->n_members) return fvi_error_set(err, FV_ERR_ARGUMENT, "a hub computes frames together: its detector cannot have streams");
    FVI_TRY(fvi_flow_detector_warm(detector, err));
    fv_hub *h = fvi_calloc(1, sizeof *h);
    if (!h) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    size_t n = (size_t)(detector->batch > 1 ? detector->batch : 1);
    h->detector = detector;
    h->frames = fvi_calloc(n, sizeof *h->frames);
    h->dets = fvi_calloc(n, sizeof *h->dets);
    h->whose = fvi_calloc(n, sizeof *h->whose);
    h->index = fvi_calloc(n, sizeof *h->index);
    h->source = fvi_calloc(n, sizeof *h->source);
    detector->listens = true; /* the ports' pipelines tell it */
    bool ok = h->frames && h->dets && h->whose && h->index && h->source && pthread_mutex_init(&h->lock, NULL) == 0;
    if (ok && pthread_cond_init(&h->changed, NULL) != 0) {
        pthread_mutex_destroy(&h->lock);
        ok = false;
    }
    if (!ok) {
        destroy(h);
        return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    }
    *out = h;
    return FV_OK;
}

void fv_hub_free(fv_hub **h)
{
    if (!h || !*h) return;
    pthread_cond_destroy(&(*h)->changed);
    pthread_mutex_destroy(&(*h)->lock);
    destroy(*h);
    *h = NULL;
}
