/* out_crops.c: boxes of a frame -> pictures DIR/LABEL/STEM_FRAME_K.jpg. The crop is a window into the frame's planes: nothing
 * is copied before it is encoded. Called by out.c on the sink thread. */
#include "out.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_FOLDER 100 /* bytes */

/* A label as a folder name: nothing that a path could mean, and not longer than a name may be. */
static void folder_name(text *t, const char *label)
{
    text valid = {0};
    text_add(&valid, "");
    text_utf8(&valid, label);
    size_t start = t->len;
    for (const char *c = valid.s; *c; c++) {
        bool first = ((unsigned char)*c & 0xC0) != 0x80; /* of a character */
        if (first && t->len - start >= MAX_FOLDER) break;
        text_addn(t, isalnum((unsigned char)*c) || *c == '-' || *c == '_' || (unsigned char)*c >= 0x80 ? c : "_", 1);
    }
    if (t->len == start) text_add(t, "_");
    text_free(&valid);
}

static bool window(fv_frame *out, const fv_frame *f, const float *b)
{
    bool yuv = f->format == FV_PIXEL_I420 || f->format == FV_PIXEL_NV12;
    int x1 = (int)floorf(fmaxf(b[0], 0)), y1 = (int)floorf(fmaxf(b[1], 0));
    int x2 = (int)ceilf(fminf(b[2], (float)f->width)), y2 = (int)ceilf(fminf(b[3], (float)f->height));
    if (yuv) { /* chroma is shared by two by two pixels */
        x1 &= ~1;
        y1 &= ~1;
    }
    if (x2 - x1 < 2 || y2 - y1 < 2) return false;
    *out = *f;
    out->release = NULL;
    out->width = x2 - x1;
    out->height = y2 - y1;
    int bytes = f->format == FV_PIXEL_RGB || f->format == FV_PIXEL_BGR ? 3 : 1;
    out->plane[0] = f->plane[0] + y1 * f->stride[0] + (ptrdiff_t)x1 * bytes;
    if (f->format == FV_PIXEL_NV12) out->plane[1] = f->plane[1] + y1 / 2 * f->stride[1] + x1;
    for (int i = 1; i < 3 && f->format == FV_PIXEL_I420; i++) out->plane[i] = f->plane[i] + y1 / 2 * f->stride[i] + x1 / 2;
    return true;
}

fv_status out_crops(outputs *o, const out_frame *f, const char *stem, fv_error *err)
{
    fv_status st = FV_OK;
    for (int i = 0; i < f->r->dets->count && st >= 0; i++) {
        const fv_detection *d = &f->r->dets->items[i];
        text path = {0};
        fv_frame part;
        if (!window(&part, f->r->original, d->box)) continue;
        text_folder(&path, o->crop_dir);
        folder_name(&path, fv_detector_class_name(f->names, d->class_id));
        if (mkdir(path.s, 0777) && errno != EEXIST) {
            st = cli_set_error(err, FV_ERR_OUTPUT, "%s: %s", path.s, strerror(errno));
        } else {
            text_printf(&path, "/%s", stem);
            if (!o->pictures) text_printf(&path, "_%lld", (long long)f->frame + 1);
            text_printf(&path, "_%d.jpg", i + 1);
            st = o->sources->media->picture_write(path.s, &part, cli_on(o->a, "overwrite"), err);
        }
        text_free(&path);
    }
    return st;
}
