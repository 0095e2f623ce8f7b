/* cli_media.c: libfovea-media, loaded when a verb first needs pictures or video. Verbs that only compute never come here, so
 * they start at once and run where no FFmpeg is installed. */
#include "cli.h"

const fv_media_api *cli_media(fv_error *err)
{
    const fv_media_api *api;
    return fv_media_load(&api, NULL, err) < 0 ? NULL : api;
}
