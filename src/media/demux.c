/* demux.c: opening a container under guard: which protocols may be spoken, which demuxers may run, and that a file opens nothing but
 * itself. Called by the kinds of sources, and by the sink for what it copies. */
#include "media/media.h"
#include "base/error.h"
#include "base/redact.h"
#include "base/str.h"
#include <dlfcn.h>
#include <string.h>

/* Demuxers that may run. Not in it on purpose: playlists and anything that opens other files (hls, dash, concat), and
 * those that take any text for a picture (tty, ansi). */
#define FORMATS                                                                                                        \
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ivf,h264,hevc,obu,av1,m4v,mjpeg,gif,"     \
    "apng,ogg,"                                                                                                        \
    "yuv4mpegpipe,nut,mxf,pmp,dv,rm,wtv,h261,h263,vc1,nsv,nuv,swf,bink,smk,avif,ico,mp3,wav,flac,aac,ac3,eac3,caf"
/* Pictures in files are read by picture.c; from a pipe or the network they come through here. */
#define PICTURES ",jpeg_pipe,png_pipe,bmp_pipe,tiff_pipe,webp_pipe,ppm_pipe,pgm_pipe"

const char fvi_media_stream_formats[] = FORMATS PICTURES ",mpjpeg";
const char fvi_media_web_formats[] = FORMATS PICTURES ",mpjpeg,hls,webvtt";

static bool listed(const char *list, const char *name, size_t n)
{
    for (const char *p = list; *p;) {
        size_t len = strcspn(p, ",");
        if (len == n && memcmp(p, name, n) == 0) return true;
        p += len + (p[len] == ',');
    }
    return false;
}

/* FFmpeg opens everything through this: what was asked for, and for playlists on the network what speaks the same protocols. */
static int open_guarded(AVFormatContext *s, AVIOContext **pb, const char *url, int flags, AVDictionary **options)
{
    const fvi_media_demux *d = s->opaque;
    if (!d || (flags & AVIO_FLAG_WRITE)) return AVERROR(EPERM);
    size_t scheme = strcspn(url, ":+");
    bool itself = strcmp(url, d->url) == 0;
    if (!itself && (!d->nested || !url[scheme] || !listed(d->protocols, url, scheme))) return AVERROR(EPERM);
    AVDictionary *own = NULL, **with = options ? options : &own;
    av_dict_set(with, "protocol_whitelist", d->protocols, 0);
    int code = avio_open2(pb, url, flags, &s->interrupt_callback, with);
    av_dict_free(&own);
    return code;
}

/* libavdevice brings half a desktop with it: only cameras load it. */
static int load_device(const char *library)
{
    union {
        void *object;
        void (*fn)(void);
    } enroll = {NULL};
    void *lib = dlopen(library, RTLD_NOW | RTLD_LOCAL); /* stays until the end */
    if (lib) enroll.object = dlsym(lib, "avdevice_register_all");
    if (!enroll.object) return AVERROR_DEMUXER_NOT_FOUND;
    enroll.fn();
    return 0;
}

static fv_status say_why(const fvi_media_demux *d, int code, fv_error *err)
{
    char text[AV_ERROR_MAX_STRING_SIZE], detail[160];
    fvi_redact(detail, sizeof detail, fvi_media_log_detail());
    if (code == AVERROR_DEMUXER_NOT_FOUND && d->device)
        return fvi_error_set(err, FV_ERR_INPUT, "%s: cameras need %s, which cannot be loaded", d->label, d->device);
    if (code == AVERROR_INVALIDDATA || code == AVERROR(EINVAL) || code == AVERROR_EOF)
        return fvi_error_set(err, FV_ERR_INPUT, "%s: not a video or picture that can be read, or its beginning is damaged%s", d->label, detail);
    if (code == AVERROR_PROTOCOL_NOT_FOUND)
        return fvi_error_set(err, FV_ERR_INPUT, "%s: this FFmpeg does not speak the protocol, or the stream leads to one that is not allowed", d->label);
    if (code == AVERROR(EPERM))
        return fvi_error_set(err, FV_ERR_INPUT, "%s: it leads to something that is not allowed%s", d->label, detail);
    fvi_media_av_text(code, text);
    return fvi_error_set(err, FV_ERR_INPUT, "%s: %s%s", d->label, text, strstr(detail, text) ? "" : detail); /* FFmpeg likes to say it twice */
}

fv_status fvi_media_demux_open(AVFormatContext **out, const fvi_media_demux *d, int *code_out, fv_error *err)
{
    *out = NULL;
    AVFormatContext *ic = avformat_alloc_context();
    AVDictionary *opt = NULL;
    int code = ic ? av_dict_copy(&opt, d->options, 0) : AVERROR(ENOMEM);
    if (code >= 0) code = d->device ? load_device(d->device) : 0;
    if (d->protocols) av_dict_set(&opt, "protocol_whitelist", d->protocols, 0);
    if (d->formats) av_dict_set(&opt, "format_whitelist", d->formats, 0);
    const AVInputFormat *demuxer = d->demuxer ? av_find_input_format(d->demuxer) : NULL;
    if (code >= 0 && d->demuxer && !demuxer) code = AVERROR_DEMUXER_NOT_FOUND;
    fvi_media_log_reset();
    if (code >= 0) {
        ic->opaque = (void *)(uintptr_t)d;
        ic->io_open = open_guarded;
        ic->interrupt_callback = d->interrupt;
        ic->pb = d->io;
        if (d->device) ic->flags |= AVFMT_FLAG_NONBLOCK; /* a dead camera would hold us in the kernel */
#if LIBAVFORMAT_VERSION_MAJOR >= 59
        code = avformat_open_input(&ic, d->url, demuxer, &opt); /* frees ic when it fails */
#else
        code = avformat_open_input(&ic, d->url, (AVInputFormat *)(uintptr_t)demuxer, &opt);
#endif
        if (code >= 0) code = avformat_find_stream_info(ic, NULL);
    }
    av_dict_free(&opt);
    if (code_out) *code_out = code;
    if (code < 0) {
        if (ic) avformat_close_input(&ic);
        return code == AVERROR(ENOMEM) ? fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory", d->label) : say_why(d, code, err);
    }
    if (!d->nested) ic->opaque = NULL; /* nothing is opened from here on */
    *out = ic;
    return FV_OK;
}

/* A list of other files is not opened from a file: it could name anything on this machine. */
static const char *playlist_kind(const char *path)
{
    static const struct {
        const char *begins, *what;
    } known[] = {{"#EXTM3U", "HLS"}, {"ffconcat", "concat"}, {"v=0", "SDP"}, {"<?xml", "XML"}, {"<MPD", "DASH"}};
    char head[16] = "";
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(head, 1, sizeof head - 1, f) : 0;
    if (f) fclose(f);
    head[n] = 0;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strncmp(head, known[i].begins, strlen(known[i].begins)) == 0) return known[i].what;
    return NULL;
}

fv_status fvi_media_demux_file(AVFormatContext **out, const char *path, AVIOContext *pipe, fv_error *err)
{
    fvi_str url = {0};
    fvi_str_add(&url, pipe ? "pipe:" : "file:"); /* the prefix keeps names like "concat:x" from meaning anything */
    fvi_str_add(&url, pipe ? "0" : path);
    if (url.failed) return fvi_error_set(err, FV_ERR_MEMORY, "%s: out of memory", path);
    fvi_media_demux d = {.url = url.s,
                         .label = strcmp(path, "-") == 0 ? "stdin" : path,
                         .protocols = "file,pipe",
                         .formats = pipe ? FORMATS PICTURES : FORMATS,
                         .io = pipe};
    fv_error why = {0};
    int code = 0;
    fv_status st = fvi_media_demux_open(out, &d, &code, &why);
    int64_t missing = st < 0 && !pipe ? fvi_media_missing_bytes(path) : 0;
    const char *list = st < 0 && !pipe ? playlist_kind(path) : NULL;
    if (missing > 0)
        fvi_error_set(&why, st, "%s: the file is cut short and cannot be read: %lld bytes are missing%s", path, (long long)missing,
                      fvi_media_log_detail());
    else if (list)
        fvi_error_set(&why, st, "%s: is a list of other files (%s), which is not followed; give the address of the stream or the files", path, list);
    if (st < 0 && err) *err = why;
    fvi_str_free(&url);
    return st;
}
