/* video_read.c: packets -> decoded pictures in order, each with a place in time; and the verdict at the end: finished,
 * cut short, or damaged inside. Called by video_open.c for every frame of a file, and by live.c for its pictures. */
#include "media/video.h"
#include "base/clock.h"
#include "base/error.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MAX_FAILURES 10000 /* in a row: a file that gives only errors */

static void count_error(fvi_media_video *v)
{
    if (v->index > 0 && v->errors++ == 0) v->first_error_s = v->clock.last;
}

/* The next packet of our stream into the decoder. FV_END: all were sent. */
static fv_status feed(fvi_media_video *v)
{
    for (;;) {
        int code = av_read_frame(v->ic, v->pkt);
        if (code == AVERROR(EAGAIN) || (code >= 0 && v->pkt->stream_index != v->st->index)) {
            av_packet_unref(v->pkt);
            if (v->overdue && v->overdue(v)) return FV_AGAIN;
            if (code == AVERROR(EAGAIN)) nanosleep(&(struct timespec){0, 1000000}, NULL); /* a camera between two pictures */
            continue;
        }
        if (code < 0) {
            v->sent_all = true;
            v->cut = code != AVERROR_EOF;
            v->cut_code = code;
            avcodec_send_packet(v->dec, NULL);
            return FV_END;
        }
        break;
    }
    int64_t t0 = fvi_now_ns();
    int code = avcodec_send_packet(v->dec, v->pkt); /* never EAGAIN: the decoder was drained before */
    v->work_ns += fvi_now_ns() - t0;
    av_packet_unref(v->pkt);
    if (code == AVERROR(ENOMEM)) return FV_ERR_MEMORY;
    if (code < 0) count_error(v);
    return FV_OK;
}

fv_status fvi_media_video_decode(fvi_media_video *v)
{
    for (int failures = 0; failures < MAX_FAILURES;) {
        int64_t t0 = fvi_now_ns();
        int code = avcodec_receive_frame(v->dec, v->av);
        v->work_ns += fvi_now_ns() - t0;
        if (code >= 0) return FV_OK;
        if (code == AVERROR_EOF) return FV_END;
        if (code == AVERROR(ENOMEM)) return FV_ERR_MEMORY;
        if (code != AVERROR(EAGAIN)) {
            count_error(v);
            failures++;
            if (v->sent_all) continue;
        } else if (v->sent_all) {
            return FV_END; /* a decoder that forgets to say so */
        }
        if (v->overdue && v->overdue(v)) return FV_AGAIN;
        fv_status st = feed(v);
        if (st < 0 || st == FV_AGAIN) return st;
    }
    return FV_END;
}

/* Damage that makes a demuxer lose its way looks like a normal end. The length of other streams or an estimate proves
 * nothing. */
static bool too_short(const fvi_media_video *v, double at)
{
    bool own = v->st->duration > 0 || v->ic->nb_streams == 1;
    if (!own || v->ic->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE) return false;
    return v->base.info.duration_s - at > fmax(1, v->base.info.duration_s * 0.05);
}

/* After the last picture: v->end and why. */
static void say_end(fvi_media_video *v)
{
    char text[AV_ERROR_MAX_STRING_SIZE], total[48] = "";
    const char *name = v->base.info.name;
    if ((v->pipe || !v->path) && fvi_media_stopped(&v->base)) {
        v->end = FV_END; /* whatever the demuxer makes of it */
        return;
    }
    int64_t missing = v->pipe || !v->path ? 0 : fvi_media_missing_bytes(v->path);
    double at = v->clock.started ? v->clock.last + v->clock.step : 0;
    if (v->base.info.duration_s > at + v->clock.step)
        snprintf(total, sizeof total, " of %.1f s", v->base.info.duration_s);
    v->end = FV_PARTIAL;
    if (missing > 0)
        snprintf(v->end_text, sizeof v->end_text,
                 "%s: the file is cut short: it ends after %.1f s%s, %lld frames (%lld bytes are missing)", name, at,
                 total, (long long)v->index, (long long)missing);
    else if (v->cut)
        snprintf(v->end_text, sizeof v->end_text, "%s: reading stopped after %.1f s%s, %lld frames: %s", name, at,
                 total, (long long)v->index, fvi_media_av_text(v->cut_code, text));
    else if (v->errors > 0)
        snprintf(v->end_text, sizeof v->end_text,
                 "%s: damaged: %lld part%s could not be decoded, the first near %.1f s", name, (long long)v->errors,
                 v->errors == 1 ? "" : "s", v->first_error_s);
    else if (too_short(v, at))
        snprintf(v->end_text, sizeof v->end_text,
                 "%s: the file breaks off or is damaged: it ends after %.1f s%s, %lld frames", name, at, total,
                 (long long)v->index);
    else
        v->end = FV_END;
    atomic_store(&v->ended, true);
}

fv_status fvi_media_video_picture(fvi_media_video *v, const char *name, fv_error *err)
{
    fv_status st = v->end;
    if (st == FV_OK) {
        st = fvi_media_video_decode(v);
        if (st == FV_END || st == FV_AGAIN) say_end(v);
    }
    if (v->end == FV_PARTIAL) return fvi_error_set(err, FV_PARTIAL, "%s", v->end_text);
    if (v->end == FV_END) return FV_END;
    return st < 0 ? fvi_error_set(err, st, "%s: %s", name, fv_status_text(st)) : FV_OK;
}

fv_status fvi_media_video_next(fvi_media_video *v, fv_frame *f, fv_error *err)
{
    *f = (fv_frame){0};
    int64_t start = fvi_now_ns();
    fv_status st = fvi_media_video_picture(v, v->base.info.name, err);
    if (st != FV_OK) return st;
    if (v->index == 0) FVI_TRY(fvi_media_video_settle(v, v->av, err));
    double pts = fvi_media_clock_next(&v->clock, v->av->best_effort_timestamp);
    if (v->index == 0) v->start_s = -v->clock.offset;
    if (v->av->decode_error_flags) count_error(v);
    st = fvi_media_video_deliver(v, f, err);
    av_frame_unref(v->av);
    if (st < 0) return st;
    f->index = v->index++;
    f->pts = pts;
    f->born_ns = fvi_now_ns();
    f->decode_ns = f->born_ns - start;
    return FV_OK;
}
