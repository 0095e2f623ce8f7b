/* run_stream.c: one source through the pipeline: its tracker, counter, painter, font and sink; what happens when it ends
 * well, is cut, breaks or is stopped. Called by run.c for each source. */
#include "run.h"
#include <string.h>
#include <time.h>

/* Everything that lives as long as one source. */
typedef struct stream {
    run_state *r;
    fv_source *source;
    fv_source watched; /* what the pipeline reads: the source, with its failures told apart from those of other stages */
    bool source_failed;
    bool pictures;
    int file;
    fv_tracker *tracker;
    fv_counter *counter;
    fv_painter *painter;
    fv_font font;
    fv_sink *sink;
} stream;

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static fv_status read_watched(fv_source *s, fv_frame *f, fv_error *err)
{
    stream *st = s->priv;
    st->source->stopped = s->stopped;
    st->source->stopped_user = s->stopped_user;
    fv_status status = st->source->read(st->source, f, err);
    if (status < 0 || status == FV_PARTIAL) st->source_failed = true;
    return status;
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

static fv_status open_stages(stream *s, fv_error *err)
{
    run_state *r = s->r;
    const settings *o = &r->s;
    fv_status st = outputs_sink(&r->out, s->source, s->pictures, s->file, &s->sink, err);
    if (st >= 0 && s->sink) st = open_painter(s, err);
    if (st >= 0 && o->mode != RUN_PREDICT)
        st = fv_tracker_create(&s->tracker, FV_TRACK_OPTIONS(.tracker = o->tracker, .buffer_s = o->track_buffer, .track_low = (float)o->track_low,
                                                             .track_high = (float)o->track_high, .new_track = (float)o->new_track,
                                                             .match = (float)o->match), err);
    if (st >= 0 && o->mode == RUN_COUNT)
        st = fv_counter_create(&s->counter, FV_COUNT_OPTIONS(.lines = r->lines, .n_lines = o->n_lines, .zones = r->zones, .n_zones = o->n_zones), err);
    return st;
}

static void close_stages(stream *s)
{
    if (s->sink) s->sink->close(s->sink);
    fv_painter_free(&s->painter);
    fv_counter_free(&s->counter);
    fv_tracker_free(&s->tracker);
    if (s->font.release) s->font.release(&s->font);
}

static fv_status set_pipeline(stream *s, fv_error *err)
{
    run_state *r = s->r;
    fv_pipeline_options o = {.size = sizeof o,
                             .source = &s->watched,
                             .detector = r->detector,
                             .tracker = s->tracker,
                             .counter = s->counter,
                             .painter = s->painter,
                             .scene = {.class_name = class_name, .user = r->detector, .lines = r->lines, .n_lines = r->s.n_lines, .zones = r->zones,
                                       .n_zones = r->s.n_zones},
                             .sink = s->sink,
                             .on_result = outputs_result,
                             .user = &r->out,
                             .source_index = s->file,
                             .policy = r->s.policy,
                             .vid_stride = r->s.vid_stride,
                             .device_text = r->device_text,
                             .ctx = r->ctx,
                             .queue_frames = 2, /* deep enough to overlap; more would only make results older */
                             .no_hud = s->pictures};
    if (r->pipeline) return fv_pipeline_set(r->pipeline, &o, err);
    return fv_pipeline_create(&r->pipeline, &o, err);
}

/* Stays that the end of the stream cuts short go into the event log; the summary shows who was still there. */
static int last_events(stream *s, int64_t frames)
{
    const fv_event *events;
    int n;
    if (!s->counter) return 0;
    fv_status st = fv_counter_finish(s->counter, s->r->tally.last, frames > 0 ? frames - 1 : 0, &events, &n);
    return st < 0 ? cli_fail(s->r->a, st, NULL) : outputs_last_events(&s->r->out, events, n);
}

static fv_status finish_sink(stream *s, fv_error *err)
{
    if (!s->sink) return FV_OK;
    double t0 = seconds();
    fv_status st = s->sink->finish(s->sink, err);
    s->r->finish_s += seconds() - t0;
    return st;
}

/* The run of this source is over with `st`. 0: the next one may start. */
static int settle(stream *s, fv_status st, fv_error *err, int64_t frames, int64_t decoded)
{
    run_state *r = s->r;
    fv_error late = {0};
    bool cut = s->source_failed && (st < 0 || st == FV_PARTIAL), stopped = st == FV_ERR_CANCELLED;
    if (st < 0 && !cut && !stopped) {
        bool results = r->out.error.text[0] && st == FV_ERR_OUTPUT; /* the text outputs failed, not the video: it is kept */
        if (results && frames > 0 && finish_sink(s, &late) < 0) cli_fail(r->a, late.status, &late);
        r->n_done += frames > 0;
        return cli_fail(r->a, st, results ? &r->out.error : err);
    }
    if (cut) run_sources_fail(&r->sources, r->sources.files[s->file], err->text[0] ? err->text : fv_status_text(st), frames > 0);
    if (decoded == 0 && st == FV_OK && !s->pictures) run_sources_fail(&r->sources, r->sources.files[s->file], "there is no picture in it", false);
    if (frames > 0) {
        r->n_done++;
        fv_status done = finish_sink(s, &late);
        if (done < 0) return cli_fail(r->a, done, &late);
    }
    if (s->tracker) r->tally.tracks += fv_tracker_total(s->tracker);
    return last_events(s, decoded);
}

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
    if (r->stopping) fv_pipeline_stop(r->pipeline);
    int64_t total = s->source->info.frames;
    progress_start(r->progress, r->pipeline, s->source->info.name, total, before.decoded);
    st = fv_pipeline_run(r->pipeline, err);
    progress_stop(r->progress);
    fv_pipeline_metrics(r->pipeline, &after);
    return settle(s, st, err, after.processed - before.processed, after.decoded - before.decoded);
}

int run_stream(run_state *r, fv_source *source, bool pictures, int file)
{
    fv_error err = {0};
    stream s = {.r = r, .source = source, .pictures = pictures, .file = file};
    s.watched = (fv_source){.info = source->info, .read = read_watched, .priv = &s};
    fv_status st = open_stages(&s, &err);
    int code = st < 0 ? cli_fail(r->a, st, &err) : run_opened(&s, &err);
    close_stages(&s);
    return code;
}
