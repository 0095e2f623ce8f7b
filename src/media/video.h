/* video.h: the state of one open video file, shared by video_open.c (opening), video_read.c (decoding, time) and
 * video_deliver.c (decoded picture -> fv_frame). */
#ifndef FVI_MEDIA_VIDEO_H
#define FVI_MEDIA_VIDEO_H
#include "media/media.h"
#include <stdatomic.h>

/* Stream time -> seconds from the first frame, strictly increasing whatever the file says. */
typedef struct fvi_media_clock {
    AVRational base;
    double step;   /* 1/fps */
    double offset; /* seconds to add to stream time; moves where the stamps jump */
    double last;
    bool started, jumps; /* jumps: a format whose stamps may start anew (MPEG-TS) */
} fvi_media_clock;

/* ---- pipe.c ---- */
typedef struct fvi_media_pipe fvi_media_pipe;
bool fvi_media_is_pipe(const char *path);
/* Close it also when this fails. `source` is asked whether it was stopped. */
fv_status fvi_media_pipe_open(fvi_media_pipe **out, const char *path, const fv_source *source, fv_error *err);
AVIOContext *fvi_media_pipe_io(fvi_media_pipe *p);
void fvi_media_pipe_close(fvi_media_pipe **p);
bool fvi_media_stopped(const fv_source *s);

typedef struct fvi_media_video {
    fv_source base; /* first, so that both pointers are one */
    char *path;
    fvi_media_pipe *pipe; /* null: a file */
    AVFormatContext *ic;
    AVCodecContext *dec;
    AVStream *st;
    AVPacket *pkt;
    AVFrame *av;
    fvi_media_pool *pool;
    fvi_media_scaler scaler;
    fvi_media_orient orient;
    fvi_media_clock clock;
    double start_s;         /* stream time of the first frame */
    int width, height;      /* of every frame before turning, after scaling to square pixels; set by the first */
    fv_pixel_format format; /* I420 or NV12; set by the first */
    bool pending;           /* `first` waits for read */
    fv_frame first;
    int64_t index;
    /* how it ends */
    bool sent_all, cut; /* no more packets; because of an error */
    int cut_code;
    int64_t errors; /* packets and frames that could not be decoded, after the first frame */
    double first_error_s;
    fv_status end; /* FV_OK while frames come */
    char end_text[FV_ERROR_TEXT_MAX];
    atomic_bool ended; /* the sink asks, on another thread */
    enum AVColorPrimaries primaries;
    enum AVColorTransferCharacteristic trc;
    fv_color_matrix matrix;
    fv_color_range range;
} fvi_media_video;

double fvi_media_clock_next(fvi_media_clock *c, int64_t stamp);
/* FV_OK: *f is the next frame; FV_END, FV_PARTIAL: no more; failures. */
fv_status fvi_media_video_next(fvi_media_video *v, fv_frame *f, fv_error *err);
/* Sizes, format and colour of the whole stream from its first picture. */
fv_status fvi_media_video_settle(fvi_media_video *v, const AVFrame *av, fv_error *err);
/* v->av -> *f, upright, at the settled size. Zero-copy where the picture is so already. */
fv_status fvi_media_video_deliver(fvi_media_video *v, fv_frame *f, fv_error *err);
#endif
