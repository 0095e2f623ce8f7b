/* detector.c: pictures -> detections: prep into the session's input, the network, the head on its outputs.
 * In: a loaded model and options. Out: fv_detector. Called by the pipeline's infer thread and by users of detect.h. */
#include "flow/detector.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/options.h"
#include "flow/names.h"
#include "image/prep.h"
#include "model/engine/engine.h"
#include "vision/heads/heads.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_OUTPUTS 16
#define MAX_SIDE 8192
#define MAX_BATCH 64
#define DEFAULT_SIDE 640

/* A session of one batch size with the addresses that prep and heads use. */
typedef struct net_session {
    fv_session *session;
    fvi_tensor input, outputs[MAX_OUTPUTS]; /* copies: the memory stays when weights are exchanged, the session's own are others then */
    int batch;
} net_session;

typedef struct net {
    fv_detector base; /* first */
    fv_context *ctx;
    fv_context *threads; /* who computes; null = ctx */
    const struct net *like; /* whose weights these are; null = own */
    fv_model *model;
    net_session many, one; /* one: for a lone frame when `many` holds more; else unused */
    int n_outputs;
    fvi_prep_set *prep;
    fvi_head_state head;
    bool head_found;
    bool full_head; /* every box is computed */
    bool lazy;      /* boxes are computed where a class passes */
    fvi_head_params params;
    uint8_t *keep;
    fvi_flow_names names;
    fvi_prep_map *maps; /* [batch] */
} net;

static fvi_pool *pool_of(const net *d)
{
    fv_context *c = d->threads ? d->threads : d->ctx;
    return c ? fvi_engine_pool(c) : NULL;
}

/* Said once for all members of a team. */
static const fvi_log *log_of(const net *d) { return d->ctx && !d->like ? fvi_engine_log(d->ctx) : NULL; }

static const char *model_meta(void *user, const char *key) { return fv_model_meta(user, key); }

static const char *net_class_name(const fv_detector *d, int class_id)
{
    return fvi_flow_names_get(&((const net *)d)->names, class_id);
}

/* "[640, 640]" or "640" -> height, width */
static bool parse_imgsz(const char *text, int *h, int *w)
{
    int a = 0, b = 0;
    if (!text) return false;
    while (*text == '[' || *text == '(' || *text == ' ') text++;
    int got = sscanf(text, "%d , %d", &a, &b);
    if (got < 1 || a <= 0 || a > MAX_SIDE) return false;
    if (got < 2) b = a;
    if (b <= 0 || b > MAX_SIDE) return false;
    *h = a;
    *w = b;
    return true;
}

static fv_status check_input(const fv_port *in, int n_inputs, fv_error *err)
{
    for (int i = 0; i < n_inputs; i++)
        if (in[i].name && (!strcmp(in[i].name, "orig_target_sizes") || !strcmp(in[i].name, "scale_factor")))
            return fvi_error_set(err, FV_ERR_MODEL,
                                 "input '%s' belongs to a postprocessor that scales boxes inside the network; export the model without it, "
                                 "with the picture as its only input (RT-DETR, D-FINE: outputs logits and pred_boxes)",
                                 in[i].name);
    if (n_inputs != 1)
        return fvi_error_set(err, FV_ERR_MODEL, "a vision model has one input, the picture; this one has %d", n_inputs);
    bool computed = in->dtype == FV_F32 || in->dtype == FV_F16 || in->dtype == FV_BF16; /* the last two as float32 */
    if (in->rank != 4 || !computed)
        return fvi_error_set(err, FV_ERR_MODEL, "input '%s' is %s of rank %d; a picture input is float32 [N,3,H,W]", in->name,
                             fv_dtype_name(in->dtype), in->rank);
    if (in->dim[1] != 3 && in->dim[1] != -1)
        return fvi_error_set(err, FV_ERR_MODEL, "input '%s' has %lld channels; a picture input is float32 [N,3,H,W]%s", in->name,
                             (long long)in->dim[1], in->dim[3] == 3 ? " (this model is exported as NHWC)" : "");
    return FV_OK;
}

/* The size to run at: asked for, else declared, else from the metadata, else 640. */
static fv_status choose_size(net *d, const fv_port *in, const fv_detect_options *o, fv_error *err)
{
    int h = 0, w = 0, mh = DEFAULT_SIDE, mw = DEFAULT_SIDE;
    parse_imgsz(fv_model_meta(d->model, "imgsz"), &mh, &mw);
    h = o->imgsz_h ? o->imgsz_h : in->dim[2] > 0 && in->dim[2] <= MAX_SIDE ? (int)in->dim[2] : mh;
    w = o->imgsz_w ? o->imgsz_w : in->dim[3] > 0 && in->dim[3] <= MAX_SIDE ? (int)in->dim[3] : mw;
    if (h < 16 || w < 16 || h > MAX_SIDE || w > MAX_SIDE)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "input size %dx%d is outside 16..%d a side", h, w, MAX_SIDE);
    int stride = 0; /* said by the file: a network would fail somewhere inside */
    const char *said = o->imgsz_h || o->imgsz_w ? fv_model_meta(d->model, "stride") : NULL;
    if (said && sscanf(said, "%d", &stride) == 1 && stride > 1 && (h % stride || w % stride))
        return fvi_error_set(err, FV_ERR_ARGUMENT, "input size %dx%d is not a multiple of the model's stride %d", w, h, stride);
    d->base.input_h = h;
    d->base.input_w = w;
    return FV_OK;
}

static fv_status open_session(net *d, net_session *s, const fv_session *share, const fv_port *in, int batch, fv_error *err)
{
    fv_port shape = *in;
    shape.dim[0] = batch;
    shape.dim[1] = 3;
    shape.dim[2] = d->base.input_h;
    shape.dim[3] = d->base.input_w;
    bool resized = in->dim[2] != shape.dim[2] || in->dim[3] != shape.dim[3] || in->dim[1] != 3;
    fv_status st = (d->full_head ? fv_session_create : fvi_session_create_lazy)(
        &s->session, d->model, FV_SESSION_OPTIONS(.batch = batch, .ctx = d->threads, .share = share, .shapes = resized ? &shape : NULL, .n_shapes = resized), err);
    if (st < 0 && resized && in->dim[2] > 0 && st != FV_ERR_MEMORY)
        return fvi_error_prefix(err, st, "the model was exported for %lldx%lld and cannot run at %dx%d", (long long)in->dim[2],
                                (long long)in->dim[3], d->base.input_h, d->base.input_w);
    if (st < 0) return st;
    const fv_port *outs;
    int n = fv_session_outputs(s->session, &outs);
    if (n < 1 || n > MAX_OUTPUTS)
        return fvi_error_set(err, FV_ERR_MODEL, "the model has %d outputs; heads know models with 1 to %d", n, MAX_OUTPUTS);
    s->batch = batch;
    s->input = *fvi_session_input_tensor(s->session, 0);
    for (int i = 0; i < n; i++) s->outputs[i] = *fvi_session_output_tensor(s->session, i);
    d->n_outputs = n;
    return FV_OK;
}

/* Batches run at once where the model allows it; else frames run one by one, and the log says why. */
static fv_status open_sessions(net *d, const fv_port *in, const fv_detect_options *o, fv_error *err)
{
    int batch = o->batch ? o->batch : 1, at_once = batch;
    if (batch < 1 || batch > MAX_BATCH) return fvi_error_set(err, FV_ERR_ARGUMENT, "batch %d is outside 1..%d", batch, MAX_BATCH);
    const char *obstacle = batch > 1 ? fv_model_batch_obstacle(d->model) : NULL;
    if (obstacle) {
        fvi_log_write(log_of(d), FV_LOG_INFO, "frames run one by one, not %d at once: %s", batch,
                      obstacle);
        at_once = 1;
    }
    d->base.batch = batch;
    FVI_TRY(open_session(d, &d->many, d->like ? d->like->many.session : NULL, in, at_once, err));
    return at_once > 1 ? open_session(d, &d->one, d->like ? d->like->one.session : NULL, in, 1, err) : FV_OK;
}

/* mean and std as the user gives them: of 0..1, or of 0..255 when a value is over 1. */
static fv_status override_norm(fvi_prep_spec *spec, const fv_detect_options *o, fv_error *err)
{
    float unit = 255.0f;
    for (int c = 0; c < 3; c++) {
        float mean = o->mean ? o->mean[c] : 0, std = o->std ? o->std[c] : 1;
        if (!isfinite(mean) || !isfinite(std) || std <= 0)
            return fvi_error_set(err, FV_ERR_ARGUMENT, "mean and std must be finite numbers, std above 0");
        if (mean > 1 || std > 1) unit = 1.0f;
    }
    for (int c = 0; c < 3; c++) {
        spec->mean[c] = (o->mean ? o->mean[c] : 0) * unit;
        spec->scale[c] = 1.0f / ((o->std ? o->std[c] : 1) * unit);
    }
    return FV_OK;
}

static void swap_ends(float v[3])
{
    float red = v[0];
    v[0] = v[2];
    v[2] = red;
}

/* What the user knows better than the rule; the rule's text says so. */
static fv_status override_prep(net *d, const fv_detect_options *o, fv_error *err)
{
    fvi_prep_spec *spec = &d->head.prep;
    bool bgr = o->channels == FV_CHANNELS_AUTO ? spec->bgr : o->channels == FV_CHANNELS_BGR;
    if ((unsigned)o->channels > FV_CHANNELS_BGR || (unsigned)o->pad > FV_PAD_TOPLEFT)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "channels or pad has a value that does not exist");
    if (bgr != spec->bgr) { /* the rule's numbers belong to colours, not to places */
        spec->bgr = bgr;
        swap_ends(spec->mean);
        swap_ends(spec->scale);
    }
    if (o->mean || o->std) FVI_TRY(override_norm(spec, o, err));
    if (o->pad != FV_PAD_AUTO && spec->fit != FVI_FIT_LETTERBOX)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "this model's pictures are not padded (%s)", d->head.rule);
    if (o->pad != FV_PAD_AUTO) spec->pad_topleft = o->pad == FV_PAD_TOPLEFT;
    size_t used = strlen(d->head.rule);
    if (o->mean || o->std || o->channels || o->pad)
        snprintf(d->head.rule + used, sizeof d->head.rule - used, "; as asked:%s%s%s", o->mean || o->std ? " mean/std" : "",
                 o->channels == FV_CHANNELS_BGR ? " BGR" : o->channels ? " RGB" : "", o->pad == FV_PAD_TOPLEFT ? " top-left" : o->pad ? " centred" : "");
    return FV_OK;
}

static fv_status find_head(net *d, const fv_detect_options *o, fv_error *err)
{
    const fv_port *ports;
    const char *names[MAX_OUTPUTS];
    fvi_tensor shapes[MAX_OUTPUTS];
    fv_session_outputs(d->many.session, &ports);
    for (int i = 0; i < d->n_outputs; i++) {
        names[i] = ports[i].name;
        shapes[i] = d->many.outputs[i];
        if (shapes[i].rank > 0 && shapes[i].dim[0] == d->many.batch) shapes[i].dim[0] = 1;
    }
    fvi_head_model hm = {.meta = model_meta,
                         .user = d->model,
                         .n_outputs = d->n_outputs,
                         .outputs = shapes,
                         .output_names = names,
                         .input_h = d->base.input_h,
                         .input_w = d->base.input_w,
                         .n_names = d->names.count,
                         .task = o->task,
                         .preset = o->preset,
                         .multi_label = d->params.multi_label};
    FVI_TRY(fvi_heads_find(&hm, &d->head, err));
    d->head_found = true;
    d->base.rule = d->head.rule;
    d->base.task = d->head.task;
    d->base.n_classes = d->head.n_classes;
    int stride = d->head.stride;
    if (stride > 1 && (d->base.input_h % stride || d->base.input_w % stride))
        return fvi_error_set(err, FV_ERR_ARGUMENT, "input size %dx%d is not a multiple of the model's stride %d", d->base.input_w,
                             d->base.input_h, stride);
    if (!fvi_flow_names_fill(&d->names, d->head.n_classes)) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    size_t used = strlen(d->head.rule);
    if (d->names.assumed) snprintf(d->head.rule + used, sizeof d->head.rule - used, "; no class names in the file: COCO's 80");
    return override_prep(d, o, err);
}

static fv_status net_set_classes(fv_detector *base, const int *classes, int n, fv_error *err)
{
    net *d = (net *)base;
    for (int i = 0; i < n; i++)
        if (classes[i] < 0 || classes[i] >= base->n_classes)
            return fvi_error_set(err, FV_ERR_ARGUMENT, "class %d does not exist; the model has classes 0 to %d", classes[i],
                                 base->n_classes - 1);
    memset(d->keep, 0, (size_t)base->n_classes);
    for (int i = 0; i < n; i++) d->keep[classes[i]] = 1;
    d->params.keep = n > 0 ? d->keep : NULL;
    if (!d->lazy) return FV_OK;
    fvi_session_want(d->many.session, d->params.conf, d->params.keep);
    if (d->one.session) fvi_session_want(d->one.session, d->params.conf, d->params.keep);
    return FV_OK;
}

/* The network's form and the head's must mean the same columns. */
static void choose_lazy(net *d)
{
    int output, first, classes;
    const fv_session *s = d->many.session;
    d->lazy = fvi_session_lazy_form(s, &output, &first, &classes) && output == d->head.scores.output && first == d->head.scores.first &&
              classes == d->head.scores.classes && !d->params.multi_label;
    fvi_log_write(log_of(d), FV_LOG_INFO, "%s",
                  d->lazy ? "boxes are computed where a class passes" : "every box is computed");
}

/* Up to s->batch views in one run. */
static fv_status run_chunk(net *d, net_session *s, const fvi_flow_view *views, int n, fv_detections *out, fv_error *err)
{
    fvi_pool *pool = pool_of(d);
    int64_t t0 = fvi_now_ns();
    for (int i = 0; i < n;) { /* parts of one frame together */
        fvi_prep_part parts[MAX_BATCH];
        int same = 0;
        for (; i + same < n && views[i + same].frame == views[i].frame; same++) parts[same] = views[i + same].part;
        if (same > 1)
            FVI_TRY(fvi_prep_set_run_parts(d->prep, views[i].frame, parts, same, &s->input, i, pool, &d->maps[i], err));
        else
            FVI_TRY(fvi_prep_set_run(d->prep, views[i].frame, parts, &s->input, i, pool, &d->maps[i], err));
        i += same;
    }
    int64_t t1 = fvi_now_ns();
    fv_status st = fv_session_run(s->session);
    if (st < 0) return fvi_error_set(err, st, "the network could not be run: %s", fv_status_text(st));
    int64_t t2 = fvi_now_ns();
    const bool any = fvi_session_found(s->session);
    for (int i = 0; i < n; i++) {
        fvi_detections_begin(&out[i], d->base.task);
        if (!any) continue;
        st = d->head.head->decode(&d->head, s->outputs, i, &d->maps[i], views[i].part.width, views[i].part.height, &d->params, &out[i]);
        if (st < 0) return fvi_error_set(err, st, "the network's outputs could not be decoded: %s", fv_status_text(st));
    }
    d->base.times.prep_ns += t1 - t0;
    d->base.times.infer_ns += t2 - t1;
    d->base.times.heads_ns += fvi_now_ns() - t2;
    return FV_OK;
}

static fv_status net_look(fv_detector *base, const fvi_flow_view *views, int n, fv_detections *out, fv_error *err)
{
    net *d = (net *)base;
    d->base.times = (fv_detect_times){0};
    for (int at = 0; at < n;) {
        /* a batch costs the same when half of it is empty */
        net_session *s = d->one.session && (n - at) * 2 <= d->many.batch ? &d->one : &d->many;
        int count = n - at < s->batch ? n - at : s->batch;
        FVI_TRY(run_chunk(d, s, views + at, count, out + at, err));
        at += count;
    }
    return FV_OK;
}

static fv_status net_run(fv_detector *base, const fv_frame *const *frames, int n, fv_detections *out, fv_error *err)
{
    fvi_flow_view views[MAX_BATCH];
    for (int i = 0; i < n; i++) views[i] = (fvi_flow_view){frames[i], {0, 0, frames[i]->width, frames[i]->height}};
    return net_look(base, views, n, out, err);
}

static fv_status net_prepare(fv_detector *base, const fv_frame *frame, fv_tensor *out, fv_error *err)
{
    net *d = (net *)base;
    const int64_t want[4] = {1, 3, base->input_h, base->input_w};
    if (out->dtype != FV_F32 || out->rank != 4 || memcmp(out->dim, want, sizeof want) != 0 || !out->data)
        return fvi_error_set(err, FV_ERR_SHAPE, "the network's input is float32 [1,3,%d,%d]", base->input_h, base->input_w);
    fvi_tensor t = fvi_tensor_over(out->data, FV_F32, 4, want);
    fvi_prep_map map;
    return fvi_prep_set_run(d->prep, frame, NULL, &t, 0, pool_of(d), &map, err);
}

static void net_drop(fv_detector *base)
{
    net *d = (net *)base;
    fvi_session_drop(d->many.session);
    if (d->one.session) fvi_session_drop(d->one.session);
}

static fv_status net_hold(fv_detector *base, fv_model *m, const fv_detector *like, fv_error *err)
{
    net *d = (net *)base;
    const net *l = (const net *)like;
    FVI_TRY(fvi_session_hold(d->many.session, m, l ? l->many.session : NULL, err));
    if (!d->one.session) return FV_OK;
    const fv_status st = fvi_session_hold(d->one.session, m, l ? l->one.session : NULL, err);
    if (st < 0) net_drop(base);
    return st;
}

/* `many` is the last to be taken. */
static bool net_holds(const fv_detector *base) { return fvi_session_holds(((const net *)base)->many.session); }

static void net_take(fv_detector *base)
{
    net *d = (net *)base;
    if (d->one.session) fvi_session_take(d->one.session);
    fvi_session_take(d->many.session);
}

static void net_free(fv_detector *base)
{
    net *d = (net *)base;
    if (d->head_found) fvi_heads_release(&d->head);
    fvi_prep_set_free(&d->prep);
    fv_session_free(&d->one.session);
    fv_session_free(&d->many.session);
    fvi_flow_names_free(&d->names);
    fvi_free(d->keep);
    fvi_free(d->maps);
    fvi_free(d);
}

static fv_status build(net *d, const fv_detect_options *o, fv_error *err)
{
    const fv_port *in;
    int n_inputs = fv_model_inputs(d->model, &in);
    FVI_TRY(check_input(in, n_inputs, err));
    d->full_head = o->full_head || o->multi_label;
    FVI_TRY(choose_size(d, in, o, err));
    FVI_TRY(open_sessions(d, in, o, err));
    if (!fvi_flow_names_load(&d->names, o->names, o->n_names, fv_model_meta(d->model, "names")))
        return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    d->params.multi_label = o->multi_label != 0;
    FVI_TRY(find_head(d, o, err));
    d->params.conf = o->conf > 0 ? o->conf : 0.25f;
    d->params.iou = o->iou > 0 ? o->iou : 0.7f;
    d->params.max_det = o->max_det > 0 ? o->max_det : 300;
    d->params.agnostic = o->agnostic_nms != 0;
    d->maps = fvi_calloc((size_t)d->many.batch, sizeof *d->maps);
    d->keep = fvi_calloc((size_t)d->base.n_classes + 1, 1);
    if (!d->maps || !d->keep) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    choose_lazy(d);
    FVI_TRY(net_set_classes(&d->base, o->classes, o->classes ? o->n_classes : 0, err));
    fvi_cpu_flags cpu = d->ctx ? fvi_engine_cpu(d->ctx) : fvi_cpu_detect();
    return fvi_prep_set_create(&d->prep, &d->head.prep, cpu, err);
}

fv_status fvi_flow_detector_net(fv_detector **out, fv_context *ctx, fv_context *threads, fv_model *model, const fv_detect_options *o, const fv_detector *like,
                                fv_error *err)
{
    net *d = fvi_calloc(1, sizeof *d);
    if (!d) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    d->base.run = net_run;
    d->base.look = net_look;
    d->base.free = net_free;
    d->base.class_name = net_class_name;
    d->base.prepare = net_prepare;
    d->base.set_classes = net_set_classes;
    d->base.hold = net_hold;
    d->base.holds = net_holds;
    d->base.take = net_take;
    d->base.drop = net_drop;
    d->ctx = ctx;
    d->threads = threads;
    d->like = (const net *)like;
    d->model = model;
    fv_status st = build(d, o, err);
    if (st < 0) {
        net_free(&d->base);
        return st;
    }
    *out = &d->base;
    return FV_OK;
}

fv_status fv_detector_create(fv_detector **out, fv_context *ctx, fv_model *model, const fv_detect_options *opt, fv_error *err)
{
    if (!out) return FV_ERR_ARGUMENT;
    *out = NULL;
    fv_detect_options o = {.size = sizeof o};
    FVI_TRY(fvi_options_read(&o, sizeof o, opt, "FV_DETECT_OPTIONS", err));
    if (!model && o.names && o.n_names > 0) return fvi_flow_detector_names(out, o.names, o.n_names, err);
    if (!model) return fvi_error_set(err, FV_ERR_ARGUMENT, "a detector needs a model, or names of classes");
    if (o.streams < 0) return fvi_error_set(err, FV_ERR_ARGUMENT, "%d streams: there is at least one", o.streams);
    fv_tile_options tiles = {.size = sizeof tiles};
    if (o.tiles) FVI_TRY(fvi_options_read(&tiles, sizeof tiles, o.tiles, "FV_TILE_OPTIONS", err));
    o.tiles = &tiles;
    if (tiles.tiling != FV_TILES_NONE) return fvi_flow_detector_tiled(out, ctx, model, &o, err);
    return o.streams > 1 ? fvi_flow_detector_team(out, ctx, model, &o, err) : fvi_flow_detector_net(out, ctx, NULL, model, &o, NULL, err);
}

void fv_detector_free(fv_detector **d)
{
    if (!d || !*d) return;
    (*d)->free(*d);
    *d = NULL;
}

fv_status fv_detector_run(fv_detector *d, const fv_frame *const *frames, int n, fv_detections *out, fv_error *err)
{
    if (!d || n < 0 || n > d->batch || (n && (!frames || !out)))
        return fvi_error_set(err, FV_ERR_ARGUMENT, "a detector run takes 0 to %d frames", d ? d->batch : 0);
    fvi_flow_detector_follow(d, atomic_load_explicit(&d->offered, memory_order_acquire));
    fv_status st = d->run(d, frames, n, out, err);
    if (st >= 0) d->runs++;
    return st;
}

fv_status fv_detector_prepare(fv_detector *d, const fv_frame *frame, fv_tensor *out, fv_error *err)
{
    if (!d || !frame || !out) return fvi_error_set(err, FV_ERR_ARGUMENT, "a detector, a frame and a tensor are needed");
    if (!d->prepare) return fvi_error_set(err, FV_ERR_STATE, "this detector has no network");
    return d->prepare(d, frame, out, err);
}

fv_status fv_detector_set_classes(fv_detector *d, const int *classes, int n, fv_error *err)
{
    if (!d || n < 0 || (n && !classes)) return fvi_error_set(err, FV_ERR_ARGUMENT, "a list of classes is missing");
    return d->set_classes(d, classes, n, err);
}

fv_status fvi_flow_detector_warm(fv_detector *d, fv_error *err)
{
    for (int i = 0; i < d->n_members; i++) FVI_TRY(fvi_flow_detector_warm(d->members[i], err));
    if (d->runs > 0 || d->n_members) return FV_OK;
    fv_frame blank = {0};
    fv_detections dets = {0};
    const fv_frame *frames[1] = {&blank};
    int w = d->input_w > 0 ? d->input_w : DEFAULT_SIDE, h = d->input_h > 0 ? d->input_h : DEFAULT_SIDE;
    fv_status st = fv_frame_alloc(&blank, FV_PIXEL_I420, w, h);
    if (st < 0) return fvi_error_set(err, st, "no memory for a %dx%d frame", w, h);
    memset(blank.plane[0], 114, (size_t)blank.stride[0] * (size_t)h);
    for (int i = 1; i < 3; i++) memset(blank.plane[i], 128, (size_t)blank.stride[i] * (size_t)((h + 1) / 2));
    for (int i = 0; i < 3 && st >= 0; i++) st = fv_detector_run(d, frames, 1, &dets, err);
    fv_detections_clear(&dets);
    fv_frame_release(&blank);
    return st;
}

const char *fv_detector_class_name(const fv_detector *d, int class_id) { return d ? d->class_name(d, class_id) : "unknown"; }
int fv_detector_class_id(const fv_detector *d, const char *name)
{
    for (int i = 0; d && name && i < d->n_classes; i++)
        if (!strcmp(d->class_name(d, i), name)) return i;
    return -1;
}
int fv_detector_class_count(const fv_detector *d) { return d ? d->n_classes : 0; }
fv_task fv_detector_task(const fv_detector *d) { return d ? d->task : FV_TASK_DETECT; }
const char *fv_detector_rule(const fv_detector *d) { return d && d->rule ? d->rule : ""; }
void fv_detector_times(const fv_detector *d, fv_detect_times *t) { *t = d->times; }
fv_status fv_detector_tile_figures(const fv_detector *d, fv_tile_figures *f)
{
    if (!d || !f || !d->tile_figures) return FV_ERR_STATE;
    d->tile_figures(d, f);
    return FV_OK;
}
void fv_detector_input_size(const fv_detector *d, int *width, int *height)
{
    if (width) *width = d ? d->input_w : 0;
    if (height) *height = d ? d->input_h : 0;
}
