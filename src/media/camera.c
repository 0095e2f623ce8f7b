/* camera.c: cameras of this machine (Video4Linux2: /dev/video0, or just 0) through libavdevice, which is loaded when the first one is
 * opened. Called through the kinds of media.c. Tested against a stand-in for the kernel's side, not yet on hardware. */
#include "base/error.h"
#include "media/media.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STRING_OF(x) #x
#define STRING(x) STRING_OF(x)
/* the three libraries of one FFmpeg share their numbers this way: libavformat 59 comes with libavdevice 59 */
#define DEVICE_LIBRARY "libavdevice.so." STRING(LIBAVFORMAT_VERSION_MAJOR)

/* "0" .. "63", unless a file is called so, and /dev/video*. */
static bool camera_claims(const char *path)
{
    size_t n = strspn(path, "0123456789");
    if (n > 0 && n <= 2 && !path[n]) return access(path, F_OK) != 0;
    return strncmp(path, "/dev/video", 10) == 0 && isdigit((unsigned char)path[10]);
}

static fv_status camera_open(fv_source **out, const char *path, const fv_source_options *opt, fv_error *err)
{
    char device[64];
    struct stat st;
    snprintf(device, sizeof device, isdigit((unsigned char)path[0]) ? "/dev/video%.8s" : "%.63s", path);
    if (stat(device, &st) != 0) return fvi_error_set(err, FV_ERR_INPUT, "%s: %s (no such camera)", device, strerror(errno));
    AVDictionary *d = NULL;
    if (opt->width > 0 && opt->height > 0) {
        char size[32];
        snprintf(size, sizeof size, "%dx%d", opt->width, opt->height);
        av_dict_set(&d, "video_size", size, 0);
    }
    if (opt->fps > 0) {
        char fps[32];
        snprintf(fps, sizeof fps, "%.6g", opt->fps);
        av_dict_set(&d, "framerate", fps, 0);
    }
    if (opt->camera_format) av_dict_set(&d, "input_format", opt->camera_format, 0);
    fvi_media_live_spec spec = {
        .demux = {.url = device, .label = device, .demuxer = "v4l2", .device = DEVICE_LIBRARY, .options = d}, .how = "V4L2", .burst_s = 5};
    fv_status status = fvi_media_live_open(out, &spec, opt, err);
    av_dict_free(&d);
    return status;
}

const fvi_media_kind fvi_media_kind_camera = {"camera", true, camera_claims, camera_open};
