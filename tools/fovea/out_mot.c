/* out_mot.c: boxes as MOT challenge text, and the seqinfo.ini beside it that evaluation programs and --replay read. Called by
 * out.c. */
#include "out.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Edges as the text holds them, so that a replay sees what was counted. */
static double hundredths(double v) { return rint(v * 100) / 100; }

void out_mot_frame(text *t, const out_frame *f)
{
    for (int i = 0; i < f->r->dets->count; i++) {
        const fv_detection *d = &f->r->dets->items[i];
        double x1 = hundredths(d->box[0]), y1 = hundredths(d->box[1]), x2 = hundredths(d->box[2]), y2 = hundredths(d->box[3]);
        text_printf(t, "%lld,%d,%.2f,%.2f,%.2f,%.2f,%.4f,-1,-1,-1\n", (long long)f->r->frame->index + 1, d->track_id > 0 ? d->track_id : -1, x1, y1,
                    x2 - x1, y2 - y1, (double)d->confidence);
    }
}

void out_mot_note(out_sequence *q, const fv_result *r)
{
    if (r->frame->index + 1 > q->length) q->length = r->frame->index + 1;
    q->width = r->frame->width;
    q->height = r->frame->height;
    for (int i = 0; i < r->dets->count; i++) {
        int c = r->dets->items[i].class_id + 1;
        q->one_class = !q->one_class || q->one_class == c ? c : -1;
    }
}

static size_t stem_length(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    return dot && dot > (slash ? slash + 1 : path) ? (size_t)(dot - path) : strlen(path);
}

/* Whose seqinfo.ini is there already? */
static bool names_us(const char *ini, const char *name)
{
    char *bytes = NULL;
    size_t size;
    text want = {0};
    fv_error err = {0};
    text_printf(&want, "\nname=%s\n", name);
    bool ours = cli_read_file(ini, 1 << 16, &bytes, &size, &err) >= 0 && strstr(bytes, want.s);
    free(bytes);
    text_free(&want);
    return ours;
}

fv_status out_mot_sequence(const outputs *o, const char *path, fv_error *err)
{
    const out_sequence *q = &o->sequence;
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    size_t stem = stem_length(path), folder = (size_t)(base - path);
    struct stat st;
    text ini = {0}, name = {0}, t = {0};
    text_addn(&name, base, stem - folder);
    text_addn(&ini, path, folder);
    text_add(&ini, "seqinfo.ini");
    if (!stat(ini.s, &st) && !names_us(ini.s, name.s)) { /* another sequence lives in this folder */
        text_clear(&ini);
        text_addn(&ini, path, stem);
        text_add(&ini, ".seqinfo.ini");
    }
    text_printf(&t, "[Sequence]\nname=%s\nimDir=img1\nframeRate=%.12g\nseqLength=%lld\nimWidth=%d\nimHeight=%d\nimExt=.jpg\n", name.s,
                q->fps > 0 ? q->fps : 30, (long long)q->length, q->width, q->height);
    text_printf(&t, "\n[fovea]\nstride=%d\n", q->stride > 1 ? q->stride : 1);
    if (q->one_class > 0) {
        text_add(&t, "label=");
        for (const char *c = fv_detector_class_name(o->detector, q->one_class - 1); *c; c++) text_addn(&t, (unsigned char)*c < ' ' ? " " : c, 1);
        text_add(&t, "\n");
    }
    fv_status status = cli_write_file(ini.s, t.s, t.len, err);
    text_free(&ini);
    text_free(&name);
    text_free(&t);
    return status;
}
