/* network.c: addresses: which protocols fovea speaks, what each may lead to, and how its time-outs are set. What ends like a file name
 * (http://host/film.mp4) is a video with an end; everything else is live. Called through the kinds of media.c. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/redact.h"
#include "media/media.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define TIMEOUT_S 10.0
#define WEB "http,https,tls,tcp,crypto,httpproxy"
#define SEGMENTS_S 60.0 /* HLS: segments come in bunches of up to a minute */

/* demuxer null = by the first bytes. The lists are FFmpeg's protocols, the first is the one that is asked for. */
static const struct scheme {
    const char *name, *protocols, *demuxer;
} schemes[] = {{"rtsp", "rtsp,rtp,tcp,udp,srtp", "rtsp"},
               {"rtsps", "rtsps,rtsp,rtp,tls,tcp,udp,srtp", "rtsp"},
               {"http", WEB, NULL},
               {"https", WEB, NULL},
               {"rtmp", "rtmp,tcp", NULL},
               {"rtmps", "rtmps,tls,tcp", NULL},
               {"tcp", "tcp", NULL},
               {"udp", "udp", NULL},
               {"srt", "srt", NULL}};

static size_t scheme_length(const char *path)
{
    const char *colon = strstr(path, "://");
    return colon ? (size_t)(colon - path) : 0;
}

static const struct scheme *scheme_of(const char *path)
{
    size_t n = scheme_length(path);
    for (size_t i = 0; n && i < sizeof schemes / sizeof schemes[0]; i++)
        if (strlen(schemes[i].name) == n && strncasecmp(path, schemes[i].name, n) == 0) return &schemes[i];
    return NULL;
}

bool fvi_media_is_address(const char *path) { return scheme_length(path) > 0 && access(path, F_OK) != 0; }

/* The path of a web address ends in one of the words. */
static bool ends_like(const char *path, const char *const *endings)
{
    const struct scheme *s = scheme_of(path);
    if (!s || strncmp(s->name, "http", 4) != 0) return false;
    const char *p = path + scheme_length(path) + 3;
    size_t n = strcspn(p, "?#");
    for (; *endings; endings++) {
        size_t len = strlen(*endings);
        if (n > len && strncasecmp(p + n - len, *endings, len) == 0 && memchr(p, '/', n - len)) return true;
    }
    return false;
}

static bool has_an_end(const char *path)
{
    static const char *const files[] = {".mp4", ".m4v", ".mkv", ".webm", ".mov", ".avi", ".mpg", ".ogv", ".jpg", ".jpeg", ".png", ".webp", NULL};
    return fvi_media_is_address(path) && ends_like(path, files);
}

static bool is_playlist(const char *path)
{
    static const char *const lists[] = {".m3u8", NULL};
    return ends_like(path, lists);
}

static void set_us(AVDictionary **d, const char *key, double seconds)
{
    av_dict_set_int(d, key, (int64_t)(seconds * 1e6), 0);
}

/* Options of protocol and demuxer; false = out of memory. */
static AVDictionary *options_for(const struct scheme *s, const char *path, const fv_source_options *opt)
{
    AVDictionary *d = NULL;
    double timeout = opt->timeout_s > 0 ? opt->timeout_s : TIMEOUT_S;
    if (s->demuxer) { /* RTSP */
        av_dict_set(&d, "rtsp_transport", opt->transport == FV_TRANSPORT_UDP ? "udp" : "tcp", 0);
        av_dict_set(&d, "allowed_media_types", "video", 0);
        set_us(&d, "timeout", timeout);
    } else if (strcmp(s->name, "tcp") == 0) {
        set_us(&d, "timeout", timeout);
    } else {
        set_us(&d, "rw_timeout", timeout);
    }
    if (strcmp(s->name, "udp") == 0) av_dict_set(&d, "overrun_nonfatal", "1", 0);
    if (!has_an_end(path) && !is_playlist(path)) { /* a live stream starts soon, not when its statistics are known */
        set_us(&d, "analyzeduration", 2);
        av_dict_set(&d, "probesize", "1000000", 0);
        av_dict_set(&d, "fpsprobesize", "0", 0);
    }
    return d;
}

static fv_status refuse(const char *path, const char *label, fv_error *err)
{
    return fvi_error_set(err, FV_ERR_INPUT, "%s: %.*s:// is not spoken here; rtsp, rtsps, http, https, rtmp, tcp, udp and srt are", label,
                         (int)scheme_length(path), path);
}

static fv_status network_open(fv_source **out, const char *path, const fv_source_options *opt, fv_error *err)
{
    char label[256], how[32];
    fvi_redact(label, sizeof label, path);
    const struct scheme *s = scheme_of(path);
    if (!s) return refuse(path, label, err);
    bool rtsp = s->demuxer != NULL, web = strncmp(s->name, "http", 4) == 0, segments = is_playlist(path);
    snprintf(how, sizeof how, "%s", rtsp ? opt->transport == FV_TRANSPORT_UDP ? "RTSP over UDP" : "RTSP over TCP" : segments ? "HLS" : s->name);
    fvi_media_live_spec spec = {.demux = {.url = path,
                                          .label = label,
                                          .protocols = s->protocols,
                                          .formats = rtsp ? NULL : web ? fvi_media_web_formats : fvi_media_stream_formats,
                                          .demuxer = s->demuxer,
                                          .nested = web && !has_an_end(path),
                                          .options = options_for(s, path, opt)},
                                .how = how,
                                .burst_s = segments ? SEGMENTS_S : 5,
                                .quiet_s = segments ? SEGMENTS_S / 2 : 0};
    fv_status st = has_an_end(path) ? fvi_media_video_open_at(out, &spec.demux, opt, err) : FV_END;
    if (segments) { /* a playlist of known length is a film; otherwise, also when nobody answers yet, it is live */
        fv_source *film = NULL;
        bool opened = fvi_media_video_open_at(&film, &spec.demux, opt, NULL) == FV_OK;
        if (opened && film->info.duration_s > 0) {
            *out = film;
            st = FV_OK;
        } else if (opened) {
            film->close(film);
        }
    }
    if (st == FV_END) st = fvi_media_live_open(out, &spec, opt, err);
    av_dict_free(&spec.demux.options);
    return st;
}

const fvi_media_kind fvi_media_kind_network_file = {"file on the network", false, has_an_end, network_open};
const fvi_media_kind fvi_media_kind_network = {"network", true, fvi_media_is_address, network_open};
