/* val_save.c: --save-json: detections as COCO's results file, which pycocotools loads beside the truths. Called by verb_val.c. */
#include "val.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FLUSH_AT ((size_t)1 << 20)

void val_save_open(val_save *s, const char *path)
{
    struct stat st;
    bool special = strcmp(path, "-") == 0 || (stat(path, &st) == 0 && !S_ISREG(st.st_mode));
    text name = {0};
    *s = (val_save){.path = path};
    text_add(&name, path);
    if (!special) text_printf(&name, ".tmp-%ld", (long)getpid());
    s->file = strcmp(path, "-") ? fopen(name.s, "w") : stdout;
    if (!s->file) s->failed = errno;
    if (special || !s->file)
        text_free(&name);
    else
        s->beside = name.s;
}

static void flush(val_save *s)
{
    if (s->file && !s->failed && s->out.len && fwrite(s->out.s, 1, s->out.len, s->file) != s->out.len) s->failed = errno ? errno : EIO;
    text_clear(&s->out);
}

/* COCO's id; else the number that the file is called; else its name. */
static void picture_id(text *t, const val_picture *p)
{
    const char *slash = strrchr(p->path, '/'), *name = slash ? slash + 1 : p->path, *dot = strrchr(name, '.');
    size_t n = dot && dot > name ? (size_t)(dot - name) : strlen(name);
    if (p->id >= 0) {
        text_printf(t, "%lld", (long long)p->id);
    } else if (n > 0 && n <= 15 && strspn(name, "0123456789") == n) {
        text_printf(t, "%lld", strtoll(name, NULL, 10));
    } else {
        text stem = {0};
        text_addn(&stem, name, n);
        text_json(t, stem.s ? stem.s : "");
        text_free(&stem);
    }
}

static void add_mask(text *t, const fv_frame *f, const fv_detections *found, size_t row)
{
    fv_rle r = {0};
    if (fv_rle_from_mask(&r, f->width, f->height, &found->masks[row], found->mask_bits) < 0) return;
    size_t n = fv_rle_text(&r, NULL, 0);
    char *counts = tool_alloc(n + 1);
    fv_rle_text(&r, counts, n + 1);
    text_printf(t, ",\"segmentation\":{\"size\":[%d,%d],\"counts\":", f->height, f->width);
    text_json(t, counts);
    text_add(t, "}");
    free(counts);
    fv_rle_clear(&r);
}

void val_save_add(val_save *s, const val_data *d, const val_picture *p, const fv_frame *f, const fv_detections *found, fv_task task)
{
    text *t = &s->out;
    for (int i = 0; i < found->count; i++) {
        const fv_detection *x = &found->items[i];
        int64_t category = d->category_of ? d->category_of[x->class_id] : x->class_id;
        size_t row = x->extra > 0 ? (size_t)x->extra - 1 : 0;
        if (category < 0) continue;
        text_add(t, s->n++ ? ",\n{\"image_id\":" : "[{\"image_id\":");
        picture_id(t, p);
        text_printf(t, ",\"category_id\":%lld,\"bbox\":[%.3f,%.3f,%.3f,%.3f],\"score\":%.6f", (long long)category, (double)x->box[0], (double)x->box[1],
                    (double)(x->box[2] - x->box[0]), (double)(x->box[3] - x->box[1]), (double)x->confidence);
        if (task == FV_TASK_SEGMENT && x->extra > 0 && found->masks) add_mask(t, f, found, row);
        if (task == FV_TASK_POSE && x->extra > 0 && found->keypoints) {
            text_add(t, ",\"keypoints\":[");
            for (int k = 0; k < found->n_keypoints; k++) {
                const float *q = found->keypoints[row * (size_t)found->n_keypoints + (size_t)k];
                text_printf(t, "%s%.3f,%.3f,%.5f", k ? "," : "", (double)q[0], (double)q[1], (double)q[2]);
            }
            text_add(t, "]");
        }
        text_add(t, "}");
    }
    if (t->len > FLUSH_AT) flush(s);
}

fv_status val_save_finish(val_save *s, fv_error *err)
{
    text_add(&s->out, s->n ? "]\n" : "[]\n");
    flush(s);
    if (s->file == stdout ? fflush(stdout) : s->file ? fclose(s->file) : 0) s->failed = s->failed ? s->failed : errno;
    s->file = NULL;
    if (!s->failed && s->beside && rename(s->beside, s->path) != 0) s->failed = errno;
    if (s->failed) return cli_set_error(err, FV_ERR_OUTPUT, "%s: %s", s->path, strerror(s->failed));
    free(s->beside);
    s->beside = NULL;
    return FV_OK;
}

void val_save_free(val_save *s)
{
    if (s->file && s->file != stdout) fclose(s->file);
    if (s->beside) unlink(s->beside);
    free(s->beside);
    text_free(&s->out);
    *s = (val_save){0};
}
