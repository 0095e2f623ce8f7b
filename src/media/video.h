/* video.h: the state of one open video, shared by video_open.c (opening), video_read.c (decoding, the end), clock.c (time),
 * video_deliver.c (decoded picture -> fv_frame) and live.c (videos whose connection comes and goes). */
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

double fvi_media_clock_next(fvi_media_clock *c, int64_t stamp);

/* The same for a live stream, whose connections each have stamps of their own: seconds from the first frame as the wall clock
 * sees them, with the regularity of the stamps where they make sense. */
typedef struct fvi_media_live_clock {
    double step, burst;        /* 1/fps; how far stamps may be from the wall clock */
    double first, last;        /* arrival of the first frame; pts of the latest */
    double stamp0, pts0;       /* this connection's anchor: a stamp and its pts */
    bool started, anchored;
} fvi_media_live_clock;
/* stamp: seconds, NAN = none. arrival: seconds of any steady clock. */
double fvi_media_live_clock_next(fvi_media_live_clock *c, double stamp, double arrival);
void fvi_media_live_clock_connect(fvi_media_live_clock *c, double step); /* the next stamp is of another connection */

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
    char *path;           /* null: not a file of this machine */
    char *label;          /* what messages call it */
    fvi_media_pipe *pipe; /* null: no pipe */
    char *url;            /* of a container that may open more: what it may, and its address */
    fvi_media_demux guard;
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
    int seen_w, seen_h; /* of the latest picture as coded: streams may change */
    bool resized;       /* the latest picture's size is another than that before */
    /* of a network or camera: asked between packets; true = give up waiting for a picture */
    bool (*overdue)(struct fvi_media_video *v);
    int64_t work_ns;    /* spent in the decoder since it was last set to 0 */
} fvi_media_video;

/* The state without a container; false = out of memory. Free with fvi_media_video_clear. */
bool fvi_media_video_init(fvi_media_video *v, const char *label);
void fvi_media_video_clear(fvi_media_video *v);
/* v->ic's best video stream and its decoder. live: no pictures kept back. */
fv_status fvi_media_video_decoder(fvi_media_video *v, int threads, bool live, fv_error *err);
/* Closes container and decoder, keeps what all frames share. */
void fvi_media_video_hang_up(fvi_media_video *v);
double fvi_media_video_fps(const fvi_media_video *v);
void fvi_media_video_turn(fvi_media_video *v); /* as the container says */
void fvi_media_video_name_decoder(fvi_media_video *v);
/* Of a file that is demuxed: decoder, info, clock, orientation. */
fv_status fvi_media_video_start(fvi_media_video *v, int threads, fv_error *err);
/* One picture in v->av. FV_END: no more; FV_AGAIN: overdue. */
fv_status fvi_media_video_decode(fvi_media_video *v);
/* The same until v->end, which it finds the reason of: FV_END, or FV_PARTIAL where the file breaks off. name: for messages. */
fv_status fvi_media_video_picture(fvi_media_video *v, const char *name, fv_error *err);
/* FV_OK: *f is the next frame; FV_END, FV_PARTIAL: no more; failures. */
fv_status fvi_media_video_next(fvi_media_video *v, fv_frame *f, fv_error *err);
/* Sizes, format and colour of the whole stream from its first picture. */
fv_status fvi_media_video_settle(fvi_media_video *v, const AVFrame *av, fv_error *err);
/* v->av -> *f, upright, at the settled size. Zero-copy where the picture is so already. */
fv_status fvi_media_video_deliver(fvi_media_video *v, fv_frame *f, fv_error *err);
#endif
