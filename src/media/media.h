/* media.h: what the files of src/media share. The only folder that includes FFmpeg, libjpeg-turbo and FreeType; written
 * for FFmpeg 5.1, compiles up to 8. */
#ifndef FVI_MEDIA_MEDIA_H
#define FVI_MEDIA_MEDIA_H
#include <fovea/media.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
#include <stdbool.h>
#include <stdio.h>

#define FVI_MEDIA_MAX_SIDE 32768
#define FVI_MEDIA_MAX_PIXELS ((int64_t)512 << 20)

/* ---- log.c: FFmpeg never prints; its first complaint since the last reset, on this thread, goes into our sentences
 * ---- */
void fvi_media_log_capture(void); /* once per process, from fv_media_get */
void fvi_media_log_reset(void);
/* " (moov atom not found)", or "" when FFmpeg said nothing. */
const char *fvi_media_log_detail(void);
/* Text of an AVERROR code; `buf` of AV_ERROR_MAX_STRING_SIZE. */
const char *fvi_media_av_text(int code, char *buf);

/* ---- frame.c: pooled frames. A frame may outlive its source: the pool lives until its last frame is released.
 * Threads: any ---- */
typedef struct fvi_media_pool fvi_media_pool;
fvi_media_pool *fvi_media_pool_create(void);
void fvi_media_pool_close(fvi_media_pool **pool);
/* Planes owned by the frame (64-byte aligned rows, FV_FRAME_PAD behind). Colour fields and stamps are left alone. */
fv_status fvi_media_pool_frame(fvi_media_pool *pool, fv_frame *f, fv_pixel_format format, int width, int height);
/* `av`'s planes by reference; `av` becomes empty. FV_ERR_UNSUPPORTED (av untouched) when its memory does not keep the
 * promises of fv_frame. */
fv_status fvi_media_pool_wrap(fvi_media_pool *pool, fv_frame *f, AVFrame *av, fv_pixel_format format);
/* Releases and clears a frame. */
void fvi_media_drop(fv_frame *f);
/* Plane sizes: rows and bytes a row; 0 when the format has fewer planes. */
void fvi_media_plane_size(fv_pixel_format format, int width, int height, int plane, int *rows, int *bytes);

/* ---- convert.c: any picture -> any other (swscale), colour tags respected ---- */
typedef struct fvi_media_image {
    enum AVPixelFormat format;
    int width, height;
    uint8_t *data[4];
    int linesize[4];
    fv_color_matrix matrix; /* ignored for RGB */
    bool full;              /* full range; ignored for RGB */
    bool left;              /* chroma sited left (MPEG-2, H.264); else centred */
} fvi_media_image;
/* Keeps the swscale state between calls of one kind; all zero at first. */
typedef struct fvi_media_scaler {
    struct SwsContext *sws;
    fvi_media_image in, out; /* what sws was set up for */
} fvi_media_scaler;
fv_status fvi_media_scale(fvi_media_scaler *s, const fvi_media_image *in, const fvi_media_image *out);
void fvi_media_scaler_free(fvi_media_scaler *s);
void fvi_media_image_of_frame(const fv_frame *f, fvi_media_image *im);
/* Tags of a decoded frame; what it does not say is BT.601 below 720 lines, else BT.709, and limited range. */
void fvi_media_image_of_av(const AVFrame *av, fvi_media_image *im);
fv_color_matrix fvi_media_matrix(enum AVColorSpace space, int height);

/* ---- orient.c: upright pictures ---- */
/* dst(x,y) = src(flipped and, last, transposed): first mirror src left-right and/or top-bottom, then swap x and y. */
typedef struct fvi_media_orient {
    bool flip_x, flip_y, transpose;
} fvi_media_orient;
static inline bool fvi_media_upright(fvi_media_orient o) { return !o.flip_x && !o.flip_y && !o.transpose; }
fvi_media_orient fvi_media_orient_exif(int orientation);                   /* 1..8; others: none */
fvi_media_orient fvi_media_orient_matrix(const int32_t display_matrix[9]); /* nearest multiple of 90 degrees */
/* `src` [height,width] of `elem` bytes (1, 2 or 3); `dst` has the sides swapped when transposing. */
void fvi_media_orient_plane(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride, int width,
                            int height, int elem, fvi_media_orient o);
/* All planes; dst is allocated from the pool with src's tags. */
fv_status fvi_media_orient_frame(fvi_media_pool *pool, fv_frame *dst, const fv_frame *src, fvi_media_orient o);

/* ---- sources ---- */
/* Missing, unreadable, a directory, empty: said in words before any decoder sees it. *size: bytes, -1 for a pipe. */
fv_status fvi_media_check_file(const char *path, int64_t *size, fv_error *err);
/* One container to open: whitelisted protocols and demuxers, and nothing that it refers to beyond them. */
typedef struct fvi_media_demux {
    const char *url;       /* for FFmpeg, with its protocol */
    const char *label;     /* for people: no password in it */
    const char *protocols, *formats;
    const char *demuxer;   /* null = found by the first bytes */
    bool nested;           /* may open what it refers to (playlists on the network), by the same protocols */
    const char *device;    /* library that has the demuxer, null = libavformat; devices are not waited for inside FFmpeg */
    AVIOContext *io;       /* where the bytes come from; null = the url */
    AVDictionary *options; /* borrowed: each try gets a copy */
    AVIOInterruptCB interrupt;
} fvi_media_demux;
/* *code: FFmpeg's own, may be null. */
fv_status fvi_media_demux_open(AVFormatContext **out, const fvi_media_demux *d, int *code, fv_error *err);
/* A file on this machine: only itself. pipe: where its bytes come from, null = the file. */
fv_status fvi_media_demux_file(AVFormatContext **out, const char *path, AVIOContext *pipe, fv_error *err);

/* A kind of source; the table is in media.c, each kind in a file of its own. */
typedef struct fvi_media_kind {
    const char *name;
    bool live;                         /* no end: opened at the first read */
    bool (*claims)(const char *path);  /* by the name alone; the first kind of the table that does has it */
    fv_status (*open)(fv_source **out, const char *path, const fv_source_options *opt, fv_error *err);
} fvi_media_kind;
extern const fvi_media_kind fvi_media_kind_pipe, fvi_media_kind_camera, fvi_media_kind_network_file, fvi_media_kind_network,
    fvi_media_kind_file;
/* "rtsp://…" and so on, and no file of this name is here. */
bool fvi_media_is_address(const char *path);
fv_status fvi_media_video_open(fv_source **out, const char *path, const fv_source_options *opt, fv_error *err);
/* The same for a container anywhere; the url is copied, the lists must stay. */
fv_status fvi_media_video_open_at(fv_source **out, const fvi_media_demux *d, const fv_source_options *opt, fv_error *err);
extern const char fvi_media_stream_formats[], fvi_media_web_formats[]; /* demuxers for bytes from the network */
/* A source that connects at its first read and again whenever it must. */
typedef struct fvi_media_live_spec {
    fvi_media_demux demux; /* url, label and options are copied; the other words must stay */
    const char *how;       /* "RTSP over TCP", for what is said after connecting; copied */
    double burst_s;        /* how far stamps may be from the clock on the wall: segments come in bunches */
    double quiet_s;        /* at least this long without a picture is normal */
} fvi_media_live_spec;
fv_status fvi_media_live_open(fv_source **out, const fvi_media_live_spec *spec, const fv_source_options *opt, fv_error *err);
/* AV_CODEC_ID_NONE when the first bytes are not those of a still picture. */
enum AVCodecID fvi_media_picture_sniff(const uint8_t *head, size_t n);
fv_status fvi_media_picture_open(fv_source **out, const char *path, enum AVCodecID id, fv_error *err);
/* Bytes that the container says it has but the file lacks; 0 = complete or unknown. */
int64_t fvi_media_missing_bytes(const char *path);
/* EXIF orientation (1..8) of a TIFF block as in JPEG APP1, PNG eXIf, WebP EXIF; 1 when there is none. */
int fvi_media_exif_orientation(const uint8_t *tiff, size_t size);
/* ---- stills in memory ---- */
typedef struct fvi_media_jpeg_info {
    int width, height, orientation; /* as stored; EXIF's */
    int subsampling, space;         /* TJSAMP_*, TJCS_* */
    bool progressive, profile;
} fvi_media_jpeg_info;
/* JPEG bytes: what their headers say. `name` is for error texts. FV_ERR_UNSUPPORTED: a kind of JPEG that FFmpeg may know. */
fv_status fvi_media_jpeg_probe(fvi_media_jpeg_info *info, const uint8_t *data, size_t size, const char *name, fv_error *err);
/* The picture, not turned, at `eighths` of its size (8: all): RGB, or with `planes` Y, U and V as coded where fv_frame has such a format. */
fv_status fvi_media_jpeg_read(const uint8_t *data, size_t size, const fvi_media_jpeg_info *info, int eighths, bool planes, fvi_media_pool *pool,
                              fv_frame *f, const char *name, fv_error *err);
/* Stills of other kinds, by FFmpeg's decoders, without a demuxer: RGB, not turned. */
fv_status fvi_media_still_read(enum AVCodecID id, const uint8_t *data, size_t size, int64_t max_pixels, fvi_media_pool *pool, fv_frame *f,
                               const char *name, fv_error *err);
/* EXIF orientation of a PNG or WebP file, 1 of others; whether it has a colour profile; its size where the header is simple, else 0. */
void fvi_media_still_probe(fv_picture_info *info, enum AVCodecID id, const uint8_t *data, size_t size);
/* The table's functions (reader.c). */
fv_status fvi_media_picture_probe(fv_picture_info *info, const void *data, size_t size, const char *name, fv_error *err);
fv_status fvi_media_reader_open(fv_picture_reader **out, fv_error *err);
fv_status fvi_media_reader_read(fv_picture_reader *r, fv_frame *f, const void *data, size_t size,
                                const fv_picture_options *opt, const char *name, fv_error *err);
void fvi_media_reader_close(fv_picture_reader **r);

/* What the sink needs to know of a source made by fvi_media_video_open. */
typedef struct fvi_media_origin {
    const char *path;
    int stream;           /* index of the decoded stream */
    AVRational time_base; /* of that stream */
    double start_s;       /* stream time of pts 0 */
    bool ended;           /* read up to its end */
    fv_color_matrix matrix;
    fv_color_range range;
    enum AVColorPrimaries primaries;
    enum AVColorTransferCharacteristic trc;
} fvi_media_origin;
/* False: not one of ours, or a pipe: nothing can be copied from it. */
bool fvi_media_video_origin(const fv_source *s, fvi_media_origin *o);

/* ---- the rest of the table ---- */
fv_status fvi_media_expand(const char *src, char ***names, int *count, fv_error *err);
void fvi_media_names_free(char ***names, int count);
fv_status fvi_media_sink_open(fv_sink **out, const char *path, int width, int height, const fv_sink_options *opt,
                              fv_error *err);
fv_status fvi_media_picture_write(const char *path, const fv_frame *f, int overwrite, fv_error *err);
fv_status fvi_media_font_open(fv_font *out, const char *path, int pixels, const char *chars, fv_error *err);
const uint8_t *fvi_media_font_embedded(size_t *size);
#endif
