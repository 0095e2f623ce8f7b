/* live.c: a source whose connection comes and goes -> frames of one size with one time line. It connects at the first read, notices
 * when no new picture comes any more, and tries again with growing, jittered pauses until there is one, the time for trying is over, or
 * it is stopped. Used by network.c and camera.c.
 *
 * Everything that can wait looks up ten times a second at least: FFmpeg through its interrupt callback, the pauses by themselves. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "media/video.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TIMEOUT_S 10.0
#define RECONNECT_S 60.0
#define FIRST_PAUSE_S 0.5
#define LONGEST_PAUSE_S 30.0
#define STEADY_S 10.0 /* a connection that held so long was a good one: pauses start small again */
#define LOOK_UP_S 0.05

typedef struct live {
    fvi_media_video v; /* first; its connection is open when v.ic is set */
    fvi_media_demux demux;
    char *url, how[64];
    double burst_s, timeout_s, patience_s, reconnect_s;
    int threads;
    fvi_media_live_clock clock;
    int64_t began_ns;     /* when trying began: the last good picture, or the first read */
    int64_t connected_ns; /* of this connection */
    int64_t good_ns;      /* latest picture with a new time, or the beginning of a wait */
    int64_t last_stamp;
    bool late, ever;      /* the wait was too long; there was a picture */
    int attempt;
    uint32_t dice;
    void (*on_state)(void *user, const fv_source *s, const fv_source_event *e);
    void *user;
    fv_status end; /* FV_OK while it goes on */
    fv_error end_error;
} live;

static double since(int64_t ns) { return (double)(fvi_now_ns() - ns) * 1e-9; }

static void tell(live *l, fv_source_state state, double wait_s, const char *text)
{
    fv_source_event e = {state, text, wait_s, l->attempt};
    if (l->on_state) l->on_state(l->user, &l->v.base, &e);
}

/* ---- waiting ---- */

static bool overdue(fvi_media_video *v)
{
    live *l = (live *)v;
    if (since(l->good_ns) > l->patience_s) l->late = true;
    return l->late || fvi_media_stopped(&v->base);
}

static int interrupt(void *arg) { return overdue(arg); }

/* 0.5 to 1 of the pause, so that a hundred cameras behind one switch do not come back at the same moment. */
static double jittered(live *l, double pause)
{
    l->dice ^= l->dice << 13;
    l->dice ^= l->dice >> 17;
    l->dice ^= l->dice << 5;
    return pause * (0.5 + 0.5 * (double)l->dice / 4294967296.0);
}

static void rest(const live *l, double seconds)
{
    for (int64_t t0 = fvi_now_ns(); since(t0) < seconds && !fvi_media_stopped(&l->v.base);) {
        double left = seconds - since(t0), nap = left < LOOK_UP_S ? left : LOOK_UP_S;
        if (nap > 0) nanosleep(&(struct timespec){0, (long)(nap * 1e9)}, NULL);
    }
}

/* ---- connecting ---- */

/* What will be the same in a minute: wrong address, wrong password, not a video. */
static bool is_hopeless(int code)
{
    return code == AVERROR_HTTP_BAD_REQUEST || code == AVERROR_HTTP_UNAUTHORIZED || code == AVERROR_HTTP_FORBIDDEN ||
           code == AVERROR_HTTP_NOT_FOUND || code == AVERROR_PROTOCOL_NOT_FOUND || code == AVERROR_DEMUXER_NOT_FOUND ||
           code == AVERROR_DECODER_NOT_FOUND || code == AVERROR_STREAM_NOT_FOUND || code == AVERROR_INVALIDDATA ||
           code == AVERROR(EINVAL) || code == AVERROR(EPERM) || code == AVERROR(ENOENT) || code == AVERROR(EACCES);
}

static void describe(const live *l, char *text, size_t size)
{
    const fvi_media_video *v = &l->v;
    double fps = fvi_media_video_fps(v);
    int n = snprintf(text, size, "%s", v->base.info.decoder);
    if (v->dec->width > 0) n += snprintf(text + n, size - (size_t)n, ", %dx%d", v->dec->width, v->dec->height);
    if (fps > 0) n += snprintf(text + n, size - (size_t)n, ", %.4g fps", fps);
    snprintf(text + n, size - (size_t)n, ", %s", l->how);
}

static void hang_up(live *l)
{
    fvi_media_video_hang_up(&l->v);
    l->late = false;
}

/* FV_OK: connected. FV_AGAIN: later perhaps, *err says why. Else over. */
static fv_status try_to_connect(live *l, fv_error *err)
{
    char text[256];
    int code = 0;
    fvi_media_video *v = &l->v;
    l->attempt++;
    l->good_ns = fvi_now_ns();
    l->late = false;
    tell(l, FV_SOURCE_CONNECTING, 0, l->how);
    fv_status st = fvi_media_demux_open(&v->ic, &l->demux, &code, err);
    if (st == FV_OK) {
        st = fvi_media_video_decoder(v, l->threads, true, err);
        code = st == FV_OK ? 0 : AVERROR_DECODER_NOT_FOUND;
    }
    if (st == FV_OK) {
        double fps = fvi_media_video_fps(v);
        fvi_media_video_name_decoder(v);
        fvi_media_live_clock_connect(&l->clock, fps > 0 ? 1 / fps : 0.04);
        l->connected_ns = l->good_ns = fvi_now_ns();
        l->late = false; /* looking ahead may have been cut off: what was read is still there */
        l->last_stamp = AV_NOPTS_VALUE;
        describe(l, text, sizeof text);
        tell(l, FV_SOURCE_CONNECTED, 0, text);
        return FV_OK;
    }
    bool silent = l->late;
    if (silent) fvi_error_set(err, FV_ERR_INPUT, "%s: no answer for %.3g s", v->label, l->patience_s);
    hang_up(l);
    if (st == FV_ERR_MEMORY || fvi_media_stopped(&v->base)) return st;
    return !l->ever && !silent && is_hopeless(code) ? st : FV_AGAIN;
}

/* ---- losing the connection ---- */

static fv_status finish(live *l, fv_status st, const fv_error *why)
{
    l->end = st;
    if (why) l->end_error = *why;
    l->end_error.status = st;
    return st;
}

/* The connection is gone for the reason in `why`: pause before the next try, or the end. FV_OK: try again. */
static fv_status after_loss(live *l, fv_source_state state, const fv_error *why)
{
    char text[FV_ERROR_TEXT_MAX];
    size_t n = strlen(l->v.label);
    bool named = strncmp(why->text, l->v.label, n) == 0 && why->text[n] == ':' && why->text[n + 1] == ' ';
    snprintf(text, sizeof text, "%s", why->text + (named ? n + 2 : 0));
    tell(l, state, 0, text);
    double left = l->reconnect_s - since(l->began_ns);
    if (l->reconnect_s < 0 || left <= 0) {
        fv_error e = {0};
        if (l->reconnect_s >= 0) tell(l, FV_SOURCE_GIVEN_UP, 0, text);
        const char *tried = l->reconnect_s >= 0 ? "; given up" : "";
        fv_status st = l->ever ? FV_PARTIAL : FV_ERR_INPUT;
        fvi_error_set(&e, st, "%s: %s%s", l->v.label, text, tried);
        if (l->reconnect_s >= 0) fvi_error_set(&e, st, "%s: %s; given up after %.3g s", l->v.label, text, since(l->began_ns));
        return finish(l, st, &e);
    }
    int doublings = l->attempt < 7 ? l->attempt : 7;
    double pause = jittered(l, fmin(FIRST_PAUSE_S * (double)(1 << doublings), LONGEST_PAUSE_S));
    if (pause > left) pause = left; /* one last try when the time is up */
    tell(l, FV_SOURCE_WAITING, pause, text);
    rest(l, pause);
    return FV_OK;
}

/* No more pictures from an open connection. */
static fv_status lose(live *l, fv_status st, fv_error *err)
{
    char text[AV_ERROR_MAX_STRING_SIZE];
    fv_error why = {0};
    bool stalled = l->late, clean = !l->late && !l->v.cut && st == FV_END;
    if (stalled)
        fvi_error_set(&why, FV_ERR_INPUT, "no new picture for %.3g s", l->patience_s);
    else if (clean)
        fvi_error_set(&why, FV_ERR_INPUT, "the other side ended the stream");
    else if (l->v.cut && l->v.cut_code == AVERROR(EIO))
        fvi_error_set(&why, FV_ERR_INPUT, "the connection broke off");
    else if (l->v.cut)
        fvi_error_set(&why, FV_ERR_INPUT, "%s", fvi_media_av_text(l->v.cut_code, text));
    else
        fvi_error_set(&why, FV_ERR_INPUT, "%s", err->text[0] ? err->text : "it sends nothing that can be decoded");
    bool finite = l->v.ic->duration > 0;
    if (since(l->connected_ns) > STEADY_S) l->attempt = 0;
    hang_up(l);
    if (clean && l->ever && (finite || l->reconnect_s < 0)) return finish(l, FV_END, NULL);
    return after_loss(l, stalled ? FV_SOURCE_STALLED : FV_SOURCE_LOST, &why);
}

/* ---- pictures ---- */

static void note_size(live *l)
{
    char text[128];
    fvi_media_video *v = &l->v;
    bool changed = v->seen_w && (v->seen_w != v->av->width || v->seen_h != v->av->height);
    v->seen_w = v->av->width;
    v->seen_h = v->av->height;
    if (!changed) return;
    snprintf(text, sizeof text, "pictures are %dx%d now; they are scaled to %dx%d as before", v->seen_w, v->seen_h, v->width, v->height);
    tell(l, FV_SOURCE_CHANGED, 0, text);
}

static double wall_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* v.av -> *f. */
static fv_status hand_out(live *l, fv_frame *f, fv_error *err)
{
    fvi_media_video *v = &l->v;
    int64_t now = fvi_now_ns(), stamp = v->av->best_effort_timestamp;
    if (v->index == 0) {
        fvi_media_video_turn(v);
        FVI_TRY(fvi_media_video_settle(v, v->av, err));
    }
    note_size(l);
    double t = stamp == AV_NOPTS_VALUE ? NAN : (double)stamp * av_q2d(v->st->time_base);
    double pts = fvi_media_live_clock_next(&l->clock, t, (double)now * 1e-9);
    fv_status st = fvi_media_video_deliver(v, f, err);
    av_frame_unref(v->av);
    FVI_TRY(st);
    if (stamp == AV_NOPTS_VALUE || stamp != l->last_stamp) {
        l->good_ns = l->began_ns = now;
        l->ever = true;
    }
    l->last_stamp = stamp;
    if (v->index == 0) {
        v->base.info.width = f->width;
        v->base.info.height = f->height;
        v->base.info.fps = fvi_media_video_fps(v);
    }
    f->index = v->index++;
    f->pts = pts;
    f->wall = wall_clock();
    f->born_ns = fvi_now_ns();
    f->decode_ns = v->work_ns + f->born_ns - now;
    v->work_ns = 0;
    return FV_OK;
}

static fv_status live_read(fv_source *s, fv_frame *f, fv_error *err)
{
    live *l = (live *)s;
    *f = (fv_frame){0};
    if (!l->began_ns) l->began_ns = fvi_now_ns();
    while (l->end == FV_OK && !fvi_media_stopped(s)) {
        fv_error why = {0};
        fv_status st = FV_OK;
        if (!l->v.ic) {
            st = try_to_connect(l, &why);
            if (st == FV_AGAIN) st = after_loss(l, FV_SOURCE_LOST, &why);
            else if (st < 0 && !fvi_media_stopped(s)) finish(l, st, &why);
            continue;
        }
        st = fvi_media_video_decode(&l->v);
        if (st == FV_OK && (st = hand_out(l, f, &why)) == FV_OK) return FV_OK;
        if (fvi_media_stopped(s)) break;
        if (st == FV_ERR_MEMORY || st == FV_ERR_LIMIT)
            finish(l, st, why.text[0] ? &why : &(fv_error){st, "out of memory"});
        else
            lose(l, st, &why);
    }
    if (l->end == FV_OK || l->end == FV_END) return FV_END;
    fv_status st = l->end;
    if (err) *err = l->end_error;
    if (st < 0) l->end = FV_END; /* said once */
    return st;
}

static void live_close(fv_source *s)
{
    live *l = (live *)s;
    fvi_media_video_clear(&l->v);
    av_dict_free(&l->demux.options);
    fvi_free(l->url);
    fvi_free(l);
}

fv_status fvi_media_live_open(fv_source **out, const fvi_media_live_spec *spec, const fv_source_options *opt, fv_error *err)
{
    live *l = fvi_calloc(1, sizeof *l);
    if (!l) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    l->demux = spec->demux;
    l->demux.options = NULL;
    bool ok = fvi_media_video_init(&l->v, spec->demux.label) && (l->url = fvi_strdup(spec->demux.url)) &&
              av_dict_copy(&l->demux.options, spec->demux.options, 0) >= 0;
    l->v.base.info.kind = FV_SOURCE_LIVE;
    l->v.base.read = live_read;
    l->v.base.close = live_close;
    l->v.base.priv = l;
    l->v.base.stopped = opt->stopped;
    l->v.base.stopped_user = opt->stopped_user;
    l->v.overdue = overdue;
    l->demux.url = l->url;
    l->demux.label = l->v.label;
    l->demux.interrupt = (AVIOInterruptCB){interrupt, l};
    snprintf(l->how, sizeof l->how, "%s", spec->how);
    l->timeout_s = opt->timeout_s > 0 ? opt->timeout_s : TIMEOUT_S;
    l->patience_s = fmax(l->timeout_s, spec->quiet_s);
    l->reconnect_s = opt->reconnect_s != 0 ? opt->reconnect_s : RECONNECT_S;
    l->clock.burst = spec->burst_s;
    l->threads = opt->threads;
    l->on_state = opt->on_state;
    l->user = opt->user;
    l->dice = ((uint32_t)fvi_now_ns() ^ (uint32_t)(uintptr_t)l) | 1;
    if (!ok) {
        live_close(&l->v.base);
        return fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory", spec->demux.label);
    }
    *out = &l->v.base;
    return FV_OK;
}
