/* run_live.c: cameras and other live sources, all at the same time: a thread and a pipeline for each, one detector for all of them (its
 * batches are made of what several cameras have at the moment). A camera that is dead, slow or late holds up no other. Called by run.c. */
#include "run_stream.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what a source says about itself ---- */

static void on_state(void *user, const fv_source *source, const fv_source_event *e)
{
    run_state *r = user;
    stream *s = NULL;
    for (int i = 0; i < r->n_live && !s; i++)
        if (r->live[i].source == source) s = &r->live[i];
    const char *name = source->info.name;
    char now[sizeof s->state];
    snprintf(now, sizeof now, "%s", e->state == FV_SOURCE_CONNECTED || e->state == FV_SOURCE_CHANGED ? "connected" : e->text);
    if (e->state == FV_SOURCE_CONNECTING) snprintf(now, sizeof now, "connecting");
    if (e->state == FV_SOURCE_WAITING) snprintf(now, sizeof now, "reconnecting in %.1f s", e->wait_s);
    if (e->state == FV_SOURCE_GIVEN_UP) snprintf(now, sizeof now, "given up");
    if (s) {
        pthread_mutex_lock(&r->lock);
        snprintf(s->state, sizeof s->state, "%s", now);
        s->at = e->state;
        s->stalls += e->state == FV_SOURCE_STALLED;
        s->reconnects += e->state == FV_SOURCE_CONNECTED && s->has_been_connected;
        s->has_been_connected |= e->state == FV_SOURCE_CONNECTED;
        pthread_mutex_unlock(&r->lock);
    }
    switch (e->state) {
    case FV_SOURCE_CONNECTING: break;
    case FV_SOURCE_CONNECTED: cli_note(r->a, "%s: connected: %s", name, e->text); break;
    case FV_SOURCE_CHANGED: cli_note(r->a, "%s: %s", name, e->text); break;
    case FV_SOURCE_WAITING: cli_note(r->a, "%s: reconnecting in %.1f s", name, e->wait_s); break;
    case FV_SOURCE_STALLED: cli_warn(r->a, "%s: stalled: %s", name, e->text); break;
    case FV_SOURCE_LOST: cli_warn(r->a, "%s: %s", name, e->text); break;
    case FV_SOURCE_GIVEN_UP: cli_warn(r->a, "%s: given up", name); break;
    }
}

/* ---- one of them, on its thread ---- */

static int run_one(stream *s)
{
    run_state *r = s->r;
    fv_error err = {0};
    fv_pipeline_options o;
    fv_metrics m = {0};
    fv_status st = s->source->read(s->source, &s->first, &err);
    s->has_first = st == FV_OK;
    s->source_failed = !s->has_first && st != FV_END;
    if (!s->has_first) return stream_settle(s, st == FV_END ? FV_OK : st, &err, 0, 0);
    s->watched.info = s->source->info;
    st = stream_open(s, &err);
    if (st < 0) return cli_fail(r->a, st, &err);
    stream_options(s, &o);
    fv_pipeline *p = NULL;
    st = fv_pipeline_create(&p, &o, &err);
    if (st < 0) return cli_fail(r->a, st, &err);
    pthread_mutex_lock(&r->lock);
    s->pipeline = p;
    pthread_mutex_unlock(&r->lock);
    st = fv_pipeline_run(p, &err);
    fv_pipeline_metrics(p, &m);
    return stream_settle(s, st, &err, m.processed, m.decoded);
}

static void *body(void *arg)
{
    stream *s = arg;
    s->code = run_one(s);
    stream_close(s);
    if (s->code) atomic_store(&s->r->stopping, 1); /* an output that cannot be written ends the run */
    return NULL;
}

/* ---- all of them ---- */

static int open_one(run_state *r, stream *s, int file)
{
    fv_error err = {0};
    fv_source *source = NULL;
    fv_source_options opt = r->sources.options;
    opt.on_state = on_state;
    opt.user = r;
    fv_status st = r->sources.media->source_open(&source, r->sources.files[file], &opt, &err);
    if (st < 0) {
        run_sources_fail(&r->sources, r->sources.files[file], err.text[0] ? err.text : fv_status_text(st), false);
        return 0;
    }
    stream_init(s, r, source, file);
    s->tile = r->n_live;
    if (r->s.duration > 0) s->until = tool_seconds() + r->s.duration;
    s->tally = tool_alloc(sizeof *s->tally);
    tally_init(s->tally, &r->s, fv_detector_class_count(r->detector));
    if (r->hub && (st = fv_hub_port(r->hub, &s->detector, &err)) < 0) return cli_fail(r->a, st, &err);
    r->n_live++;
    return 0;
}

void run_metrics(run_state *r, fv_metrics *m)
{
    *m = r->replayed;
    if (r->pipeline) fv_pipeline_metrics(r->pipeline, m);
    double wall = m->wall_s;
    fv_metrics live = {0};
    for (int i = 0; i < r->n_live; i++) {
        fv_metrics one;
        if (!r->live[i].pipeline) continue;
        fv_pipeline_metrics(r->live[i].pipeline, &one);
        fv_metrics_add(&live, &one);
    }
    if (!live.decoded) return;
    fv_metrics_add(m, &live);
    m->wall_s = wall + live.wall_s; /* files first, then the live ones */
    m->fps = m->wall_s > 0 ? (double)m->processed / m->wall_s : 0;
}

static void figures(void *user, fv_metrics *m)
{
    run_state *r = user;
    pthread_mutex_lock(&r->lock);
    run_metrics(r, m);
    pthread_mutex_unlock(&r->lock);
}

/* How many are connected, and what the first of the others is at; or as a member of a JSON object. */
static void states(void *user, text *t, bool json)
{
    run_state *r = user;
    int up = 0;
    pthread_mutex_lock(&r->lock);
    for (int i = 0; i < r->n_live; i++) up += r->live[i].at == FV_SOURCE_CONNECTED || r->live[i].at == FV_SOURCE_CHANGED;
    if (json) {
        text_add(t, ",\"states\":{");
        for (int i = 0; i < r->n_live; i++) {
            if (i) text_add(t, ",");
            text_json(t, r->live[i].source->info.name);
            text_add(t, ":");
            text_json(t, r->live[i].state[0] ? r->live[i].state : "starting");
        }
        text_add(t, "}");
    } else {
        if (r->n_live > 1) text_printf(t, "  %d of %d connected", up, r->n_live);
        for (int i = 0; i < r->n_live; i++) {
            const stream *s = &r->live[i];
            if (s->at == FV_SOURCE_CONNECTED || s->at == FV_SOURCE_CHANGED || !s->state[0]) continue;
            text_add(t, "  ");
            text_terminal(t, s->source->info.name);
            text_add(t, ": ");
            text_terminal(t, s->state);
            break; /* the line has room for one */
        }
    }
    pthread_mutex_unlock(&r->lock);
}

static int start_all(run_state *r)
{
    fv_error err = {0};
    const run_sources *in = &r->sources;
    if (r->detector && in->n_live > 1) {
        fv_status st = fv_hub_create(&r->hub, r->detector, &err);
        if (st < 0) return cli_fail(r->a, st, &err);
    }
    r->live = tool_alloc((size_t)in->n_live * sizeof *r->live);
    for (int i = 0; i < in->n_files; i++) {
        int code = in->live[i] ? open_one(r, &r->live[r->n_live], i) : 0;
        if (code) return code;
    }
    return 0;
}

int run_live(run_state *r)
{
    if (!r->sources.n_live || atomic_load(&r->stopping)) return 0;
    int code = start_all(r), started = 0;
    if (code) return code;
    r->out.pictures = false;
    fv_metrics before;
    run_metrics(r, &before);
    if (r->pipeline) tally_end_source(&r->tally);
    progress_start(r->progress, &(progress_view){.figures = figures, .states = states, .user = r, .before = before.decoded,
                                                 .source = r->n_live == 1 ? r->live[0].source->info.name : "live sources"});
    for (; started < r->n_live && !code; started++)
        if (pthread_create(&r->live[started].thread, NULL, body, &r->live[started])) {
            code = cli_error(r->a, EXIT_RUNTIME, "the system gives no more threads");
            atomic_store(&r->stopping, 1);
            break;
        }
    for (int i = 0; i < started; i++) {
        pthread_join(r->live[i].thread, NULL);
        if (!code) code = r->live[i].code;
    }
    progress_stop(r->progress);
    return code;
}

void run_live_free(run_state *r)
{
    for (int i = 0; i < r->n_live; i++) {
        stream *s = &r->live[i];
        stream_close(s);
        s->source->close(s->source);
        fv_pipeline_free(&s->pipeline);
        if (r->hub) fv_detector_free(&s->detector);
        tally_free(s->tally);
        free(s->tally);
    }
    fv_hub_free(&r->hub);
    free(r->live);
    r->live = NULL;
    r->n_live = 0;
}
