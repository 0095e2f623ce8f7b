/* clip.h: the state of a clip and its writer, shared by clip.c (reading), clip_write.c (encoder and segments), clip_segment.c (segment
 * files) and clip_join.c (the output). */
#ifndef FVI_MEDIA_CLIP_H
#define FVI_MEDIA_CLIP_H
#include "media/sink.h"
#include "media/video.h"
#include <fovea/clip.h>

#define FVI_MEDIA_CLIP_FRAMES 112 /* held by the caller, the encoder's threads and its lookahead */

struct fv_clip {
    fvi_media_video v; /* only its demuxer, decoder and clock */
    fv_clip_info info;
    AVFrame *first;    /* decoded at opening; its tags stay */
    bool pending;
    int64_t start;     /* stamp of the first frame */
    int64_t last;      /* stamp given out last, from start */
    int even_w, even_h; /* of the frames handed out: what encoders take */
    AVFrame *frames[FVI_MEDIA_CLIP_FRAMES];
};
struct fv_clip_writer {
    fv_clip *clip;
    char *path;
    fv_clip_options opt;
    char *codec, *preset;
    char text[160];
    const AVCodec *enc;
    AVCodecContext *ctx; /* of the segment that is written; null between */
    AVCodecParameters *par;
    AVRational base, rate; /* of stamps; frames a second */
    int delay;           /* frames that decoding is ahead of showing, as the encoder says */
    AVPacket *pkt;
    struct fvi_media_segment *seg;
};

/* A segment file: packets with their stamps, a count and a checksum at the end. */
typedef struct fvi_media_segment fvi_media_segment;
fv_status fvi_media_segment_create(fvi_media_segment **out, const char *path, fv_error *err);
fv_status fvi_media_segment_put(fvi_media_segment *s, const AVPacket *p, fv_error *err);
fv_status fvi_media_segment_finish(fvi_media_segment *s, fv_error *err); /* renames into place */
fv_status fvi_media_segment_open(fvi_media_segment **out, const char *path, fv_error *err);
/* FV_END after the last. data false: only stamps and flags. */
fv_status fvi_media_segment_get(fvi_media_segment *s, AVPacket *p, bool data, fv_error *err);
void fvi_media_segment_close(fvi_media_segment **s); /* one that was not finished is removed */
int fvi_media_segment_check(const char *path, int64_t *frames);

fv_status fvi_media_clip_writer_open(fv_clip_writer **out, fv_clip *c, const char *path, const fv_clip_options *opt, fv_error *err);
void fvi_media_clip_writer_close(fv_clip_writer **w);
const char *fvi_media_clip_writer_text(const fv_clip_writer *w);
fv_status fvi_media_clip_begin(fv_clip_writer *w, const char *path, fv_error *err);
fv_status fvi_media_clip_write(fv_clip_writer *w, const fv_clip_frame *f, fv_error *err);
fv_status fvi_media_clip_end(fv_clip_writer *w, fv_error *err);
fv_status fvi_media_clip_join(fv_clip_writer *w, const char *const *paths, int n, int all, fv_error *err);
/* Refuses an output that is in the way. */
fv_status fvi_media_clip_check_output(const fv_clip_writer *w, fv_error *err);
extern const fv_clip_api fvi_media_clip_table;
#endif
