/* run_stream.c: one source through the pipeline: its tracker, counter, painter, font and sink; what happens when it ends
 * well, is cut, breaks or is stopped. Called by run.c for each file, and by run_live.c for each live source. */
#include "run_stream.h"
#include <string.h>

int stream_stopped(void *user)
{
    stream *s = user;
    if (atomic_load(&s->r->stopping)) return 1;
    if (s->until > 0 && tool_seconds() >= s->until) return 1;
    return s->watched.stopped && s->watched.stopped(s->watched.stopped_user);
}

static fv_status read_watched(fv_source *w, fv_frame *f, fv_error *err)
{
    stream *s = w->priv;
    double most = s->r->s.duration;
    if (s->has_first) {
        s->has_first = false;
        *f = s->first;
        return FV_OK;
    }
    if (stream_stopped(s)) return FV_END;
    fv_status status = s->source->read(s->source, f, err);
    if (status < 0 || status == FV_PARTIAL) s->source_failed = true;
    if (status != FV_OK || most <= 0 || s->until > 0 || f->pts < most) return status;
    fv_frame_release(f);
    return FV_END;
}

void stream_init(stream *s, run_state *r, fv_source *source, int file)
{
    memset(s, 0, sizeof *s);
    s->r = r;
    s->source = source;
    s->file = file;
    s->detector = r->detector;
    s->watched = (fv_source){.info = source->info, .read = read_watched, .priv = s};
    source->stopped = stream_stopped;
    source->stopped_user = s;
}

/* fv_pipeline's on_result. */
static int take_result(void *user, const fv_result *result)
{
    stream *s = user;
    run_state *r = s->r;
    pthread_mutex_lock(&r->lock);
    int full = outputs_result(&r->out, result);
    if (r->s.tiles.tiling != FV_TILES_NONE && !r->first.luma) scene_keep(&r->first, result->original);
    pthread_mutex_unlock(&r->lock);
    s->last_pts = result->frame->pts;
    s->last_frame = result->frame->index;
    if (!full && r->show) show_frame(r->show, s->tile, s->source->info.name, result->frame, s->pictures && r->s.mode == RUN_PREDICT);
    if (!full && s->tally) tally_frame(s->tally, result, result->frame->pts);
    return full;
}

static const char *class_name(void *user, int class_id) { return fv_detector_class_name(user, class_id); }

static fv_status open_painter(stream *s, fv_error *err)
{
    const run_state *r = s->r;
    text chars = {0};
    int height = s->source->info.height > 0 ? s->source->info.height : 720, pixels = height / 38;
    pixels = pixels < 12 ? 12 : pixels > 48 ? 48 : pixels;
    text_add(&chars, r->device_text);
    for (int i = 0; i < fv_detector_class_count(r->detector); i++) text_add(&chars, fv_detector_class_name(r->detector, i));
    for (int i = 0; i < r->s.n_lines; i++) text_add(&chars, r->s.lines[i].name);
    for (int i = 0; i < r->s.n_zones; i++) text_add(&chars, r->s.zones[i].name);
    fv_status st = r->sources.media->font_open(&s->font, cli_text(r->a, "font"), pixels, chars.s, err);
    text_free(&chars);
    if (st < 0) return st;
    return fv_painter_create(&s->painter, FV_PAINT_OPTIONS(.font = &s->font, .line_width = (int)cli_int(r->a, "line-width", 0),
                                                           .no_tracks = r->s.mode == RUN_PREDICT), err);
}

fv_status run_tracker(run_state *r, fv_tracker **out, fv_error *err)
{
    const settings *o = &r->s;
    if (o->mode == RUN_PREDICT) return FV_OK;
    return fv_tracker_create(out, FV_TRACK_OPTIONS(.tracker = o->tracker, .buffer_s = o->track_buffer, .track_low = (float)o->track_low,
                                                   .track_high = (float)o->track_high, .new_track = (float)o->new_track, .match = (float)o->match), err);
}

fv_status run_counter(run_state *r, fv_counter **out, fv_error *err)
{
    if (r->s.mode != RUN_COUNT) return FV_OK;
    return fv_counter_create(out, FV_COUNT_OPTIONS(.lines = r->lines, .n_lines = r->s.n_lines, .zones = r->zones, .n_zones = r->s.n_zones,
                                                   .trace = cli_on(r->a, "trace")), err);
}

fv_status stream_open(stream *s, fv_error *err)
{
    run_state *r = s->r;
    fv_status st = outputs_sink(&r->out, s->source, s->file, &s->sink, err);
    const char *without = s->sink ? strstr(s->sink->encoder, ", without ") : NULL;
    if (without) cli_warn(r->a, "%s: not in the output: %s", s->source->info.name, without + 10);
    if (st >= 0 && (s->sink || r->show)) st = open_painter(s, err);
    if (st >= 0) st = run_tracker(r, &s->tracker, err);
    if (st >= 0) st = run_counter(r, &s->counter, err);
    return st;
}

void stream_close(stream *s)
{
    if (s->has_first) fv_frame_release(&s->first);
    s->has_first = false;
    if (s->sink) s->sink->close(s->sink);
    s->sink = NULL;
    fv_painter_free(&s->painter);
    fv_counter_free(&s->counter);
    fv_tracker_free(&s->tracker);
    if (s->font.release) s->font.release(&s->font);
    memset(&s->font, 0, sizeof s->font);
}

void stream_options(stream *s, fv_pipeline_options *o)
{
    run_state *r = s->r;
    *o = (fv_pipeline_options){.size = sizeof *o,
                               .source = &s->watched,
                               .detector = s->detector,
                               .tracker = s->tracker,
                               .counter = s->counter,
                               .painter = s->painter,
                               .scene = {.task = fv_detector_task(r->detector), .n_classes = fv_detector_class_count(r->detector), .class_name = class_name, .user = r->detector, .lines = r->lines, .n_lines = r->s.n_lines, .zones = r->zones,
                                         .n_zones = r->s.n_zones},
                               .sink = s->sink,
                               .on_result = take_result,
                               .user = s,
                               .source_index = s->file,
                               .policy = r->s.policy,
                               .vid_stride = r->s.vid_stride,
                               .device_text = r->device_text,
                               .ctx = r->ctx,
                               .queue_frames = r->s.tiles.budget_ms > 0 ? 1 : 2, /* deep enough to overlap; more would only make results older */
                               .no_hud = s->pictures};
}

static fv_status set_pipeline(stream *s, fv_error *err)
{
    fv_pipeline_options o;
    stream_options(s, &o);
    if (s->r->pipeline) return fv_pipeline_set(s->r->pipeline, &o, err);
    return fv_pipeline_create(&s->r->pipeline, &o, err);
}

/* Stays that the end of the stream cuts short go into the event log; the summary shows who was still there. */
static int last_events(stream *s)
{
    const fv_event *events;
    int n;
    if (!s->counter) return 0;
    fv_status st = fv_counter_finish(s->counter, s->last_pts, s->last_frame, &events, &n);
    return st < 0 ? cli_fail(s->r->a, st, NULL) : outputs_last_events(&s->r->out, s->file, events, n);
}

static fv_status finish_sink(stream *s, fv_error *err)
{
    if (!s->sink) return FV_OK;
    double t0 = tool_seconds();
    fv_status st = s->sink->finish(s->sink, err);
    s->finish_s += tool_seconds() - t0;
    return st;
}

/* With the lock held. */
static int note_end(stream *s, fv_status st, const fv_error *err, int64_t frames, int64_t decoded)
{
    run_state *r = s->r;
    bool cut = s->source_failed && (st < 0 || st == FV_PARTIAL);
    r->n_done += frames > 0;
    r->finish_s += s->finish_s;
    if (cut) run_sources_fail(&r->sources, r->sources.files[s->file], err->text[0] ? err->text : fv_status_text(st), frames > 0);
    if (decoded == 0 && st == FV_OK && !s->pictures && !atomic_load(&r->stopping))
        run_sources_fail(&r->sources, r->sources.files[s->file], s->tally ? "no picture came" : "there is no picture in it", false);
    if (s->tracker) r->tally.tracks += fv_tracker_total(s->tracker);
    if (s->tracker && s->tally) s->tally->tracks += fv_tracker_total(s->tracker);
    return last_events(s);
}

int stream_settle(stream *s, fv_status st, fv_error *err, int64_t frames, int64_t decoded)
{
    run_state *r = s->r;
    fv_error late = {0};
    bool cut = s->source_failed && (st < 0 || st == FV_PARTIAL), stopped = st == FV_ERR_CANCELLED;
    bool broken = st < 0 && !cut && !stopped;
    pthread_mutex_lock(&r->lock);
    bool results = broken && r->out.error.text[0] && st == FV_ERR_OUTPUT; /* the text outputs failed, not the video: it is kept */
    pthread_mutex_unlock(&r->lock);
    fv_status done = frames > 0 && (!broken || results) ? finish_sink(s, &late) : FV_OK;
    pthread_mutex_lock(&r->lock);
    int code = 0;
    if (broken) {
        r->n_done += frames > 0;
        if (done < 0) cli_fail(r->a, late.status, &late);
        code = cli_fail(r->a, st, results ? &r->out.error : err);
    } else {
        code = note_end(s, st, err, frames, decoded);
        if (done < 0) code = cli_fail(r->a, done, &late);
    }
    pthread_mutex_unlock(&r->lock);
    return code;
}

static void pipeline_figures(void *user, fv_metrics *m) { fv_pipeline_metrics(((run_state *)user)->pipeline, m); }

static int run_opened(stream *s, fv_error *err)
{
    run_state *r = s->r;
    fv_metrics before = {0}, after = {0};
    bool first = !r->pipeline;
    fv_status st = set_pipeline(s, err);
    if (st < 0) return cli_fail(r->a, st, err);
    if (!first) {
        fv_pipeline_metrics(r->pipeline, &before);
        tally_end_source(&r->tally);
    }
    if (atomic_load(&r->stopping)) fv_pipeline_stop(r->pipeline);
    int64_t total = s->source->info.frames;
    progress_start(r->progress, &(progress_view){.figures = pipeline_figures, .user = r, .source = s->source->info.name, .total = total, .before = before.decoded});
    st = fv_pipeline_run(r->pipeline, err);
    progress_stop(r->progress);
    fv_pipeline_metrics(r->pipeline, &after);
    return stream_settle(s, st, err, after.processed - before.processed, after.decoded - before.decoded);
}

int run_stream(run_state *r, fv_source *source, bool pictures, int file)
{
    fv_error err = {0};
    stream s;
    stream_init(&s, r, source, file);
    s.pictures = r->out.pictures = pictures;
    fv_status st = stream_open(&s, &err);
    int code = st < 0 ? cli_fail(r->a, st, &err) : run_opened(&s, &err);
    stream_close(&s);
    return code;
}
