/* sink.h: the state of one output video, shared by sink.c (open, write, finish), sink_encoder.c (choosing and feeding
 * the encoder) and sink_copy.c (audio, subtitles, chapters of the source). */
#ifndef FVI_MEDIA_SINK_H
#define FVI_MEDIA_SINK_H
#include "media/media.h"

#define FVI_MEDIA_SINK_FRAMES 32

/* Streams of the source file that pass through unchanged. */
typedef struct fvi_media_copy {
    AVFormatContext *ic; /* null: nothing to copy, or all copied */
    int *map;            /* [ic->nb_streams] stream of the output, -1 = left out */
    int64_t *last_dts;   /* [ic->nb_streams] */
    AVPacket *pkt;
    bool held;      /* pkt waits for its time */
    double start_s; /* source time of the first frame */
    int kept;
    char left_out[48]; /* codecs the container cannot hold, and "a second video" */
} fvi_media_copy;

typedef struct fvi_media_sink {
    fv_sink base;      /* first, so that both pointers are one */
    char *path, *part; /* part: null = stdout */
    bool overwrite, made_part, finished;
    int lock; /* on the part, held while it is written; -1 = none */
    int width, height; /* of the frames; the encoder's may be one larger */
    double fps;
    fv_color_matrix matrix;
    fv_color_range range;
    const fv_source *copy_from;
    AVFormatContext *oc;
    AVCodecContext *enc;
    AVStream *st;
    AVPacket *pkt;
    AVFrame *frames[FVI_MEDIA_SINK_FRAMES];
    fvi_media_scaler scaler;
    fvi_media_copy copy;
    int64_t last_pts;
    double last_s;
} fvi_media_sink;

/* ---- sink.c, for clip_join.c, which has packets already: an empty sink, close it by its base; its output checked and its container
 * made; (streams are added;) file and header; packets; the end, renamed into place ---- */
fv_status fvi_media_sink_create(fvi_media_sink **out, const char *path, bool overwrite, fv_error *err);
fv_status fvi_media_sink_begin(fvi_media_sink *s, fv_error *err);
fv_status fvi_media_sink_open_file(fvi_media_sink *s, fv_error *err);
fv_status fvi_media_sink_write_header(fvi_media_sink *s, fv_error *err);
fv_status fvi_media_sink_end(fvi_media_sink *s, fv_error *err);
fv_status fvi_media_sink_write_failed(const fvi_media_sink *s, int code, fv_error *err);
/* asked: null = our own where the encoder is x264 or x265. FV_ERR_CONFIG: it has none of that name. */
fv_status fvi_media_set_preset(AVCodecContext *e, const char *asked, fv_error *err);

/* Chooses, configures and opens the encoder and its stream. */
fv_status fvi_media_encoder_open(fvi_media_sink *s, const fv_sink_options *opt, const fvi_media_origin *from,
                                 fv_error *err);
/* `f` in the encoder's format, size and colour, with its stamp; belongs to the sink. */
fv_status fvi_media_encoder_picture(fvi_media_sink *s, const fv_frame *f, AVFrame **out, fv_error *err);

/* Adds the streams that the output can hold, metadata and chapters. */
fv_status fvi_media_copy_open(fvi_media_copy *c, AVFormatContext *oc, const fvi_media_origin *from, fv_error *err);
/* Writes what lies before `until` seconds of output time. Returns an AVERROR of writing; a source that breaks off ends
 * the copy. */
int fvi_media_copy_until(fvi_media_copy *c, AVFormatContext *oc, double until);
void fvi_media_copy_close(fvi_media_copy *c);
#endif
