/* exif.c: a TIFF block of EXIF data -> the orientation of the picture, nothing else. Hostile input: every offset is
 * checked, one directory is read. Called by the JPEG and picture readers. */
#include "media/media.h"
#include <string.h>

static uint32_t number(const uint8_t *p, int n, bool little)
{
    uint32_t v = 0;
    for (int i = 0; i < n; i++) v = v << 8 | p[little ? n - 1 - i : i];
    return v;
}

int fvi_media_exif_orientation(const uint8_t *t, size_t size)
{
    if (size < 14) return 1;
    bool little = memcmp(t, "II*\0", 4) == 0;
    if (!little && memcmp(t, "MM\0*", 4) != 0) return 1;
    size_t at = number(t + 4, 4, little);
    if (at > size - 2) return 1;
    size_t count = number(t + at, 2, little);
    for (at += 2; count > 0 && at + 12 <= size; count--, at += 12) {
        const uint8_t *e = t + at; /* tag 2, type 2, count 4, value 4 */
        if (number(e, 2, little) != 0x0112) continue;
        uint32_t type = number(e + 2, 2, little);
        uint32_t v = type == 3 ? number(e + 8, 2, little) : type == 4 ? number(e + 8, 4, little) : 1;
        return v >= 1 && v <= 8 ? (int)v : 1;
    }
    return 1;
}
