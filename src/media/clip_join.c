/* clip_join.c: segments -> the output: their packets, and everything else that the source had, unchanged. Decoding stamps are made anew
 * over the whole length, since every segment's encoder began at its own. Called through fv_media_api.clip. */
#include "media/clip.h"
#include "base/alloc.h"
#include "base/error.h"
#include <libavutil/display.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct stamps {
    int64_t *pts; /* [n] rising */
    size_t n, cap;
    size_t delay; /* how many pictures decoding has to be ahead of showing: encoders do not all say it */
} stamps;

static int by_stamp(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static fv_status collect(const fv_clip_writer *w, const char *const *paths, int n, stamps *all, fv_error *err)
{
    for (int i = 0; i < n; i++) {
        fvi_media_segment *s;
        FVI_TRY(fvi_media_segment_open(&s, paths[i], err));
        fv_status st;
        while ((st = fvi_media_segment_get(s, w->pkt, false, err)) == FV_OK) {
            if (!fvi_grow((void **)&all->pts, all->n, &all->cap, sizeof *all->pts)) {
                st = fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
                break;
            }
            all->pts[all->n++] = w->pkt->pts;
        }
        fvi_media_segment_close(&s);
        if (st < 0) return st;
    }
    int64_t *order = fvi_alloc((all->n + 1) * sizeof *order);
    if (!order) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < all->n; i++) order[i] = all->pts[i];
    if (all->n) qsort(all->pts, all->n, sizeof *all->pts, by_stamp);
    all->delay = (size_t)w->delay;
    for (size_t i = 0; i < all->n; i++) {
        const int64_t *at = bsearch(&order[i], all->pts, all->n, sizeof *all->pts, by_stamp);
        const size_t rank = at ? (size_t)(at - all->pts) : i;
        if (i > rank && i - rank > all->delay) all->delay = i - rank;
    }
    fvi_free(order);
    return FV_OK;
}

/* What the stream says about its pictures beside the codec: turning, light levels, stereo. */
static fv_status copy_side_data(const AVStream *in, AVStream *out)
{
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
    for (int i = 0; i < in->codecpar->nb_coded_side_data; i++) {
        const AVPacketSideData *sd = &in->codecpar->coded_side_data[i];
        if (sd->type == AV_PKT_DATA_CPB_PROPERTIES || sd->type == AV_PKT_DATA_NEW_EXTRADATA) continue;
        AVPacketSideData *to = av_packet_side_data_new(&out->codecpar->coded_side_data, &out->codecpar->nb_coded_side_data, sd->type, sd->size, 0);
        if (!to) return FV_ERR_MEMORY;
        memcpy(to->data, sd->data, sd->size);
    }
#else
    for (int i = 0; i < in->nb_side_data; i++) {
        const AVPacketSideData *sd = &in->side_data[i];
        if (sd->type == AV_PKT_DATA_CPB_PROPERTIES || sd->type == AV_PKT_DATA_NEW_EXTRADATA) continue;
        uint8_t *to = av_stream_new_side_data(out, sd->type, sd->size);
        if (!to) return FV_ERR_MEMORY;
        memcpy(to, sd->data, sd->size);
    }
#endif
    return FV_OK;
}

static fv_status add_video(fv_clip_writer *w, fvi_media_sink *s, fv_error *err)
{
    const AVStream *in = w->clip->v.st;
    s->st = avformat_new_stream(s->oc, NULL);
    if (!s->st || avcodec_parameters_copy(s->st->codecpar, w->par) < 0) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    s->st->time_base = w->base;
    s->st->avg_frame_rate = in->avg_frame_rate;
    s->st->r_frame_rate = in->r_frame_rate;
    s->st->sample_aspect_ratio = w->par->sample_aspect_ratio;
    s->st->disposition = in->disposition;
    if (w->par->codec_id == AV_CODEC_ID_HEVC && strcmp(s->oc->oformat->name, "matroska") != 0) s->st->codecpar->codec_tag = MKTAG('h', 'v', 'c', '1');
    return copy_side_data(in, s->st) < 0 ? fvi_error_set(err, FV_ERR_MEMORY, "out of memory") : FV_OK;
}

static int64_t decode_stamp(const stamps *all, size_t i)
{
    const size_t d = all->delay;
    if (i >= d) return all->pts[i - d];
    int64_t step = all->n > 1 ? (all->pts[all->n - 1] - all->pts[0]) / (int64_t)(all->n - 1) : 1;
    return all->pts[0] - (int64_t)(d - i) * (step > 0 ? step : 1);
}

static fv_status write_packets(fv_clip_writer *w, fvi_media_sink *s, const char *const *paths, int n, const stamps *all, fv_error *err)
{
    size_t i = 0;
    for (int k = 0; k < n; k++) {
        fvi_media_segment *seg;
        FVI_TRY(fvi_media_segment_open(&seg, paths[k], err));
        fv_status st;
        while ((st = fvi_media_segment_get(seg, w->pkt, true, err)) == FV_OK) {
            w->pkt->dts = i < all->n ? decode_stamp(all, i) : w->pkt->dts;
            i++;
            s->last_s = fmax(s->last_s, (double)w->pkt->pts * av_q2d(w->base));
            int code = fvi_media_copy_until(&s->copy, s->oc, (double)w->pkt->dts * av_q2d(w->base));
            av_packet_rescale_ts(w->pkt, w->base, s->st->time_base);
            w->pkt->stream_index = s->st->index;
            if (code >= 0) code = av_interleaved_write_frame(s->oc, w->pkt);
            if (code < 0 || s->oc->pb->error < 0) {
                st = fvi_media_sink_write_failed(s, code, err);
                break;
            }
        }
        fvi_media_segment_close(&seg);
        if (st < 0) return st;
    }
    return FV_OK;
}

static fvi_media_origin origin_of(const fv_clip *c, bool ended)
{
    const AVRational base = c->v.st->time_base;
    return (fvi_media_origin){.path = c->v.path, .stream = c->v.st->index, .time_base = base, .start_s = (double)c->start * av_q2d(base), .ended = ended};
}

static fv_status join_all(fv_clip_writer *w, fvi_media_sink *s, const char *const *paths, int n, bool all, const stamps *t, fv_error *err)
{
    const fvi_media_origin from = origin_of(w->clip, all);
    FVI_TRY(fvi_media_sink_begin(s, err));
    FVI_TRY(add_video(w, s, err));
    FVI_TRY(fvi_media_copy_open(&s->copy, s->oc, &from, err));
    const AVDictionaryEntry *turned = av_dict_get(w->clip->v.st->metadata, "rotate", NULL, 0);
    if (turned) av_dict_set(&s->st->metadata, "rotate", turned->value, 0);
    FVI_TRY(fvi_media_sink_open_file(s, err));
    FVI_TRY(fvi_media_sink_write_header(s, err));
    FVI_TRY(write_packets(w, s, paths, n, t, err));
    const int code = fvi_media_copy_until(&s->copy, s->oc, all ? INFINITY : s->last_s + 1 / av_q2d(w->rate));
    if (code < 0) return fvi_media_sink_write_failed(s, code, err);
    return fvi_media_sink_end(s, err);
}

fv_status fvi_media_clip_join(fv_clip_writer *w, const char *const *paths, int n, int all, fv_error *err)
{
    stamps t = {0};
    fvi_media_sink *s = NULL;
    fv_status st = collect(w, paths, n, &t, err);
    if (st == FV_OK) st = fvi_media_sink_create(&s, w->path, w->opt.overwrite, err);
    if (st == FV_OK) st = join_all(w, s, paths, n, all, &t, err);
    if (s) s->base.close(&s->base);
    fvi_free(t.pts);
    return st;
}

fv_status fvi_media_clip_check_output(const fv_clip_writer *w, fv_error *err)
{
    fvi_media_sink *s = NULL;
    fv_status st = fvi_media_sink_create(&s, w->path, w->opt.overwrite, err);
    if (st == FV_OK) st = fvi_media_sink_begin(s, err);
    if (s) s->base.close(&s->base);
    return st;
}
