/* media.h: sources and sinks of pictures. The interfaces are here; libfovea-media (FFmpeg, libjpeg-turbo, FreeType)
 * implements them and is loaded at run time (fv_media_load), so that programs which only need the engine link nothing.
 *
 *     const fv_media_api *media;
 *     if (fv_media_load(&media, NULL, &err) < 0) …               // once; then open what you need through the table
 *
 * Your own camera or encoder is an fv_source or fv_sink as well: fill in the struct (examples/own_source.c, examples/own_sink.c). */
#ifndef FOVEA_MEDIA_H
#define FOVEA_MEDIA_H
#include <fovea/frame.h>
#include <fovea/paint.h>
#include <fovea/status.h>
#ifdef __cplusplus
extern "C" {
#endif

/* An address (or text that holds some) without what must not be seen: user name and password, and secret values of a query, become
 * "***". Always ends with 0; returns the length it would have had. In libfovea. */
FV_API size_t fv_address_redact(char *out, size_t size, const char *text);

typedef enum fv_source_kind { FV_SOURCE_PICTURE, FV_SOURCE_VIDEO, FV_SOURCE_LIVE } fv_source_kind;
typedef struct fv_source_info {
    fv_source_kind kind;
    int width, height;    /* after rotation; 0 = not known before the first frame (live sources, some pictures) */
    double fps;           /* nominal; 0 = unknown */
    double duration_s;    /* 0 = unknown */
    int64_t frames;       /* estimate; 0 = unknown */
    char name[256];       /* what is shown: passwords redacted */
    char decoder[64];     /* "h264", "mjpeg (turbojpeg)" */
} fv_source_info;

typedef struct fv_source fv_source;

/* What a live source goes through. Told on the thread that reads; `text` is one line for people, valid during the call. */
typedef enum fv_source_state {
    FV_SOURCE_CONNECTING, /* about to try */
    FV_SOURCE_CONNECTED,  /* text: what was negotiated */
    FV_SOURCE_CHANGED,    /* still running, but not as before: another picture size */
    FV_SOURCE_STALLED,    /* connected, but no new picture for timeout_s: the connection is given up */
    FV_SOURCE_LOST,       /* the connection broke or could not be made: text says why */
    FV_SOURCE_WAITING,    /* next try in wait_s */
    FV_SOURCE_GIVEN_UP    /* no more tries: the source ends */
} fv_source_state;
typedef struct fv_source_event {
    fv_source_state state;
    const char *text; /* passwords redacted */
    double wait_s;    /* WAITING: seconds until the next try */
    int attempt;      /* tries since the last picture, from 1 */
} fv_source_event;

typedef enum fv_transport { FV_TRANSPORT_TCP, FV_TRANSPORT_UDP } fv_transport; /* of RTSP's pictures */

/* Zero is the default for every field; strings are copied. */
typedef struct fv_source_options {
    uint32_t size;
    int threads;          /* of the decoder; 0 = as many as help */
    fv_transport transport;
    double timeout_s;     /* live: longest wait for a connection, or without a new picture; 0 = 10 */
    double reconnect_s;   /* live: how long to go on trying when there is no picture; 0 = 60, negative = not at all, INFINITY = for ever */
    int width, height;    /* cameras: picture size asked for; 0 = the camera's own */
    double fps;           /* cameras; 0 = the camera's own */
    const char *camera_format; /* cameras: "yuyv422", "mjpeg", "h264", …; null = the camera's own */
    int (*stopped)(void *user); /* asked now and then while opening or reading waits; non-zero ends the wait. Null = never */
    void *stopped_user;
    void (*on_state)(void *user, const fv_source *s, const fv_source_event *e); /* live sources; null = silent */
    void *user;
} fv_source_options;
#define FV_SOURCE_OPTIONS(...) (&(fv_source_options){.size = sizeof(fv_source_options), __VA_ARGS__})

/* A source of frames. Threads: one at a time. */
struct fv_source {
    fv_source_info info;
    /* FV_OK: *f is filled, owned by the caller (fv_frame_release). FV_END: no more. FV_PARTIAL: no more because the rest is broken (err says what).
     * FV_ERR_*: nothing can be read. `f` is always upright I420, NV12, RGB, BGR or GRAY. A live source connects at the first read, and
     * connects again by itself; all its frames have the size of the first. */
    fv_status (*read)(fv_source *s, fv_frame *f, fv_error *err);
    void (*close)(fv_source *s); /* frees s */
    void *priv;
    /* Set by who reads (a pipeline does), or null: asked now and then while a read waits; non-zero ends the wait, and the read is FV_END.
     * A source of your own whose read may wait long should ask as well: fv_stream_close and fv_pipeline_stop wait for the read. */
    int (*stopped)(void *user);
    void *stopped_user;
};

/* Zero is the default for every field; needed for the call only, but for copy_from. */
typedef struct fv_sink_options {
    uint32_t size;
    const char *codec;   /* --c:v, null = libx264 */
    const char *preset;  /* --preset:v, null = veryfast */
    const char *pix_fmt; /* null = yuv420p */
    int crf;             /* 0 = 23 (source-matched settings) */
    int threads;         /* 0 = codec's choice */
    double fps;          /* nominal, from the source; time stamps of frames are kept whatever it is */
    int overwrite;       /* 0: an existing file is FV_ERR_OUTPUT */
    fv_source *copy_from; /* audio, subtitles, metadata are copied from this source's file; null = none; borrowed until close */
} fv_sink_options;
#define FV_SINK_OPTIONS(...) (&(fv_sink_options){.size = sizeof(fv_sink_options), __VA_ARGS__})

/* Where frames go. Threads: one at a time. */
typedef struct fv_sink fv_sink;
struct fv_sink {
    char encoder[64]; /* "libx264", for reports */
    /* Encodes; f is borrowed for the call. pts must rise. */
    fv_status (*write)(fv_sink *s, const fv_frame *f, fv_error *err);
    /* Flushes, finishes and renames the file into place. After a failure of write or finish, call close. */
    fv_status (*finish)(fv_sink *s, fv_error *err);
    void (*close)(fv_sink *s); /* without finish: removes the temporary file; frees s */
    void *priv;
};

/* What the first bytes of a still picture say. */
typedef struct fv_picture_info {
    uint32_t size;
    char format[24];   /* "jpeg", "png", … */
    int width, height; /* upright; 0 = not known before it is decoded */
    int orientation;   /* EXIF's, 1..8; 1 = as stored */
    int eighths;       /* non-zero: it can be decoded at 1/8, 2/8, 4/8 of its size, and as planes */
    int profile;       /* non-zero: it has a colour profile (ICC), which is not applied */
    int64_t bytes;     /* memory that decoding takes at most, beside its file; 0 = not known */
} fv_picture_info;

/* Zero is the default for every field. */
typedef struct fv_picture_options {
    uint32_t size;
    int eighths;        /* decode at this many eighths of its size: 1, 2, 4; 0 or 8 = in full. Only where the info says so */
    int planes;         /* non-zero: Y, U, V as they are coded (I420, I422, I444) where it has such a form, else RGB */
    int64_t max_pixels; /* 0 = 512 million; more: FV_ERR_LIMIT before anything of that size is allocated */
} fv_picture_options;
#define FV_PICTURE_OPTIONS(...) (&(fv_picture_options){.size = sizeof(fv_picture_options), __VA_ARGS__})

/* Decodes stills from memory; keeps its memory from picture to picture. Threads: one at a time; frames may outlive it. */
typedef struct fv_picture_reader fv_picture_reader;

/* What libfovea-media offers: one table behind one symbol (fv_media_get). */
typedef struct fv_media_api {
    uint32_t size;
    const char *version; /* of FFmpeg and libjpeg-turbo, for doctor */
    /* path: one picture or video file, "-" (stdin), a network address (rtsp, http, rtmp, tcp, udp, …) or a camera ("0", /dev/video0).
     * opt null = defaults. Live sources do not connect before the first read. */
    fv_status (*source_open)(fv_source **out, const char *path, const fv_source_options *opt, fv_error *err);
    /* Live (a camera or a stream without end) by its name alone: opening it takes no time, and several may run together. */
    int (*source_is_live)(const char *path);
    /* Sources behind one SRC argument: itself, the media files of a directory (sorted), the matches of a glob, or the entries of a
     * list (.txt, .streams). owned: names_free. */
    fv_status (*expand)(const char *src, char ***names, int *count, fv_error *err);
    void (*names_free)(char ***names, int count);
    /* Video file by extension (.mp4 .mkv .mov), "-" = Matroska on stdout. Opens and checks the output before any frame exists. */
    fv_status (*sink_open)(fv_sink **out, const char *path, int width, int height, const fv_sink_options *opt, fv_error *err);
    /* One picture by extension (.jpg .png; GRAY16: .png). */
    fv_status (*picture_write)(const char *path, const fv_frame *f, int overwrite, fv_error *err);
    /* path null = the embedded DejaVu subset. pixels: font height. chars: UTF-8 text whose characters are needed beyond ASCII and Latin-1; may be null. */
    fv_status (*font_open)(fv_font *out, const char *path, int pixels, const char *chars, fv_error *err);
    /* Stills in memory (whole files: JPEG, PNG, WebP, BMP, TIFF, …). `name` is for texts. info->size is set by the caller. FV_ERR_INPUT: no picture,
     * or a broken one; FV_ERR_UNSUPPORTED: a kind that nobody here decodes; FV_ERR_LIMIT. read: *f is upright, owned by the caller. */
    fv_status (*picture_probe)(fv_picture_info *info, const void *data, size_t size, const char *name, fv_error *err);
    fv_status (*picture_reader_open)(fv_picture_reader **out, fv_error *err);
    fv_status (*picture_reader_read)(fv_picture_reader *r, fv_frame *f, const void *data, size_t size, const fv_picture_options *opt,
                                     const char *name, fv_error *err);
    void (*picture_reader_close)(fv_picture_reader **r);
    /* Videos as they are coded, and the same with other pictures (clip.h). */
    const struct fv_clip_api *clip;
} fv_media_api;
/* The table, valid for the life of the process. path null: what the program is linked with (-lfovea-media), else
 * libfovea-media.so.0 beside libfovea or the program, in ../lib, or where the system looks; else this file. Nothing to free.
 * FV_ERR_MEDIA: not there, does not load (the text says what the loader said), or of another version. Threads: any.
 * Licence: with Debian's FFmpeg and x264 a program that loads it is under GPL-2+ as a whole. */
FV_API fv_status fv_media_load(const fv_media_api **out, const char *path, fv_error *err);
/* The one symbol of libfovea-media. */
typedef const fv_media_api *(*fv_media_get_fn)(void);
FV_API const fv_media_api *fv_media_get(void);

#ifdef __cplusplus
}
#endif
#endif
