/* clip.h: a video file picture by picture as it is coded (its own size, bit depth, chroma and stamps; not turned, not scaled), and the same
 * video with other pictures: encoded in segments that are whole files of their own, then joined without encoding again, with all else
 * that the source had. Part of libfovea-media: fv_media_api.clip. Threads: one at a time an object. */
#ifndef FOVEA_CLIP_H
#define FOVEA_CLIP_H
#include <fovea/frame.h>
#include <fovea/status.h>
#ifdef __cplusplus
extern "C" {
#endif

typedef struct fv_clip fv_clip;
typedef struct fv_clip_writer fv_clip_writer;

typedef struct fv_clip_info {
    int width, height;    /* as coded; turned when shown, if the file says so */
    int planes, sx, sy;   /* 1 or 3 planes; log2 of how much smaller the second and third are */
    int depth;            /* bits a sample: 8, or up to 16 in two bytes */
    double fps;           /* nominal; 0 = unknown */
    int64_t frames;       /* estimate; 0 = unknown */
    double duration_s;    /* 0 = unknown */
    int interlaced;
    int flip_x, flip_y, transpose; /* as shown: mirrored first, then x and y swapped */
    char codec[32];
} fv_clip_info;

/* Owned until drop; planes may be written. */
typedef struct fv_clip_frame {
    uint8_t *plane[3];
    ptrdiff_t stride[3];
    int64_t index; /* from 0 */
    double pts;    /* seconds from the first frame */
    void *held;
} fv_clip_frame;

/* Zero is the default for every field; strings are copied. */
typedef struct fv_clip_options {
    uint32_t size;
    const char *codec;  /* encoder; null = that of the source's codec, where this FFmpeg has it, else libx264; "auto": NVENC where it works */
    const char *preset; /* null = veryfast where the encoder has it */
    int crf;            /* constant quality; 0 = 18, or what is about that for other encoders */
    int threads;        /* of the encoder; with software encoders the packets are the same whenever this is; 0 = 2 */
    int overwrite;
} fv_clip_options;

typedef struct fv_clip_api {
    uint32_t size;
    /* FV_ERR_INPUT: no video, or pixels that are not planar YUV or grey. */
    fv_status (*open)(fv_clip **out, const char *path, int threads, fv_error *err);
    void (*close)(fv_clip **c);
    void (*info)(const fv_clip *c, fv_clip_info *info);
    /* FV_OK, FV_END; FV_PARTIAL: the rest is broken (err says what); failures. At most 80 frames may be held. */
    fv_status (*read)(fv_clip *c, fv_clip_frame *f, fv_error *err);
    void (*drop)(fv_clip_frame *f);
    /* Checks the output name and starts the encoder once, to know that it works. c: borrowed until close. */
    fv_status (*writer_open)(fv_clip_writer **out, fv_clip *c, const char *path, const fv_clip_options *opt, fv_error *err);
    void (*writer_close)(fv_clip_writer **w);
    /* "libx264, crf 18"; what was tried before it. */
    const char *(*writer_text)(const fv_clip_writer *w);
    /* A segment: begin, any number of frames, end. Until end there is only path.part. */
    fv_status (*begin)(fv_clip_writer *w, const char *path, fv_error *err);
    fv_status (*write)(fv_clip_writer *w, const fv_clip_frame *f, fv_error *err);
    fv_status (*end)(fv_clip_writer *w, fv_error *err);
    /* Non-zero: a whole segment, and how many frames are in it. */
    int (*check)(const char *path, int64_t *frames);
    /* Segments [n], in order -> the output. all: the source was read to its end, so everything beside the pictures goes in. */
    fv_status (*join)(fv_clip_writer *w, const char *const *paths, int n, int all, fv_error *err);
} fv_clip_api;

#ifdef __cplusplus
}
#endif
#endif
