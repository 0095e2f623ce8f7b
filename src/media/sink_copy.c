/* sink_copy.c: audio, subtitles, chapters and metadata of the source file -> the output, packet by packet, unchanged. A
 * second demuxer reads the file at the pace of the video. Called by sink.c. */
#include "media/sink.h"
#include "base/alloc.h"
#include "base/error.h"
#include <libavutil/mathematics.h>
#include <string.h>

#define MAX_CHAPTERS 10000
#define MAX_STREAMS 256

static bool wanted(const AVStream *st, const AVFormatContext *oc)
{
    enum AVMediaType t = st->codecpar->codec_type;
    if (t == AVMEDIA_TYPE_ATTACHMENT) return strcmp(oc->oformat->name, "matroska") == 0; /* fonts of subtitles */
    return t == AVMEDIA_TYPE_AUDIO || t == AVMEDIA_TYPE_SUBTITLE;
}

static void note_left_out(fvi_media_copy *c, const char *codec)
{
    size_t n = strlen(c->left_out), k = strlen(codec);
    if (strstr(c->left_out, codec) || n + k + 3 > sizeof c->left_out) return;
    if (n) {
        c->left_out[n++] = ',';
        c->left_out[n++] = ' ';
    }
    memcpy(c->left_out + n, codec, k + 1);
}

static fv_status add_stream(fvi_media_copy *c, AVFormatContext *oc, unsigned i)
{
    const AVStream *in = c->ic->streams[i];
    if (avformat_query_codec(oc->oformat, in->codecpar->codec_id, FF_COMPLIANCE_NORMAL) == 0 ||
        in->codecpar->codec_id == AV_CODEC_ID_NONE) {
        note_left_out(c, avcodec_get_name(in->codecpar->codec_id));
        return FV_OK;
    }
    AVStream *out = avformat_new_stream(oc, NULL);
    if (!out || avcodec_parameters_copy(out->codecpar, in->codecpar) < 0) return FV_ERR_MEMORY;
    out->codecpar->codec_tag = 0; /* the tag of the other container may mean nothing here */
    out->time_base = in->time_base;
    out->disposition = in->disposition;
    out->sample_aspect_ratio = in->sample_aspect_ratio;
    av_dict_copy(&out->metadata, in->metadata, 0);
    c->map[i] = out->index;
    c->ic->streams[i]->discard = AVDISCARD_DEFAULT;
    c->kept++;
    return FV_OK;
}

static fv_status copy_chapters(const fvi_media_copy *c, AVFormatContext *oc)
{
    unsigned n = c->ic->nb_chapters < MAX_CHAPTERS ? c->ic->nb_chapters : MAX_CHAPTERS;
    if (!n) return FV_OK;
    oc->chapters = av_calloc(n, sizeof *oc->chapters);
    if (!oc->chapters) return FV_ERR_MEMORY;
    for (unsigned i = 0; i < n; i++) {
        const AVChapter *in = c->ic->chapters[i];
        AVChapter *ch = av_mallocz(sizeof *ch);
        if (!ch) return FV_ERR_MEMORY;
        oc->chapters[oc->nb_chapters++] = ch;
        int64_t shift = av_rescale_q((int64_t)(c->start_s * AV_TIME_BASE), AV_TIME_BASE_Q, in->time_base);
        ch->id = in->id;
        ch->time_base = in->time_base;
        ch->start = in->start > shift ? in->start - shift : 0;
        ch->end = in->end > shift ? in->end - shift : 0;
        av_dict_copy(&ch->metadata, in->metadata, 0);
    }
    return FV_OK;
}

/* What describes the old container or the old picture is not true of the new one. */
static void copy_metadata(const fvi_media_copy *c, AVFormatContext *oc, int video)
{
    static const char *const old[] = {"major_brand", "minor_version", "compatible_brands", "encoder", "duration"};
    static const char *const old_video[] = {"rotate",           "encoder",         "duration", "BPS",
                                            "NUMBER_OF_FRAMES", "NUMBER_OF_BYTES", "vendor_id"};
    av_dict_copy(&oc->metadata, c->ic->metadata, 0);
    for (size_t i = 0; i < sizeof old / sizeof old[0]; i++) av_dict_set(&oc->metadata, old[i], NULL, 0);
    AVDictionary **v = &oc->streams[0]->metadata;
    av_dict_copy(v, c->ic->streams[video]->metadata, 0);
    for (size_t i = 0; i < sizeof old_video / sizeof old_video[0]; i++) av_dict_set(v, old_video[i], NULL, 0);
}

static fv_status open_streams(fvi_media_copy *c, AVFormatContext *oc, int video)
{
    unsigned n = c->ic->nb_streams;
    c->map = fvi_calloc(n, sizeof *c->map);
    c->last_dts = fvi_calloc(n, sizeof *c->last_dts);
    c->pkt = av_packet_alloc();
    if (!c->map || !c->last_dts || !c->pkt) return FV_ERR_MEMORY;
    for (unsigned i = 0; i < n; i++) {
        c->map[i] = -1;
        c->last_dts[i] = INT64_MIN;
        c->ic->streams[i]->discard = AVDISCARD_ALL;
        const AVStream *st = c->ic->streams[i];
        bool film = st->codecpar->codec_type == AVMEDIA_TYPE_VIDEO && !(st->disposition & AV_DISPOSITION_ATTACHED_PIC);
        if ((int)i != video && film) note_left_out(c, "a second video");
        if ((int)i != video && c->kept < MAX_STREAMS && wanted(c->ic->streams[i], oc)) FVI_TRY(add_stream(c, oc, i));
    }
    copy_metadata(c, oc, video);
    return copy_chapters(c, oc);
}

fv_status fvi_media_copy_open(fvi_media_copy *c, AVFormatContext *oc, const fvi_media_origin *from, fv_error *err)
{
    FVI_TRY(fvi_media_demux_file(&c->ic, from->path, NULL, err));
    if (from->stream >= (int)c->ic->nb_streams)
        return fvi_error_set(err, FV_ERR_INPUT, "%s: the file changed while it was read", from->path);
    c->start_s = from->start_s;
    fv_status st = open_streams(c, oc, from->stream);
    if (st < 0) return fvi_error_set(err, st, "%s: %s", from->path, fv_status_text(st));
    return FV_OK;
}

/* The next packet of a copied stream in c->pkt, in output time. False: no more. */
static bool next_packet(fvi_media_copy *c)
{
    for (;;) {
        int code = av_read_frame(c->ic, c->pkt);
        if (code == AVERROR(EAGAIN)) continue;
        if (code < 0) return false;
        int i = c->pkt->stream_index;
        if (i < (int)c->ic->nb_streams && c->map[i] >= 0) break;
        av_packet_unref(c->pkt);
    }
    AVPacket *p = c->pkt;
    int64_t shift =
        av_rescale_q((int64_t)(c->start_s * AV_TIME_BASE), AV_TIME_BASE_Q, c->ic->streams[p->stream_index]->time_base);
    int64_t *last = &c->last_dts[p->stream_index];
    if (p->pts != AV_NOPTS_VALUE) p->pts -= shift;
    if (p->dts != AV_NOPTS_VALUE) p->dts -= shift;
    if (p->dts == AV_NOPTS_VALUE) p->dts = p->pts != AV_NOPTS_VALUE ? p->pts : *last == INT64_MIN ? 0 : *last + 1;
    if (*last != INT64_MIN && p->dts <= *last) p->dts = *last + 1; /* muxers refuse stamps that stand still */
    if (p->pts == AV_NOPTS_VALUE || p->pts < p->dts) p->pts = p->dts;
    *last = p->dts;
    return true;
}

int fvi_media_copy_until(fvi_media_copy *c, AVFormatContext *oc, double until)
{
    while (c->ic && c->kept) {
        if (!c->held && !next_packet(c)) {
            avformat_close_input(&c->ic);
            return 0;
        }
        c->held = true;
        AVPacket *p = c->pkt;
        AVRational base = c->ic->streams[p->stream_index]->time_base;
        if ((double)p->dts * av_q2d(base) > until) return 0;
        int out = c->map[p->stream_index];
        av_packet_rescale_ts(p, base, oc->streams[out]->time_base);
        p->stream_index = out;
        p->pos = -1;
        c->held = false;
        int code = av_interleaved_write_frame(oc, p);
        if (code < 0) return code;
    }
    return 0;
}

void fvi_media_copy_close(fvi_media_copy *c)
{
    avformat_close_input(&c->ic);
    av_packet_free(&c->pkt);
    fvi_free(c->map);
    fvi_free(c->last_dts);
    *c = (fvi_media_copy){0};
}
