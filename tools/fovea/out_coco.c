/* out_coco.c: detections as COCO results: one JSON list of image_id, category_id, bbox, score, and segmentation or keypoints
 * where the task has them. Numbers of pictures and categories come from a ground-truth file when one is given. Called by out.c. */
#include "out.h"
#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE ((size_t)1 << 30)
#define EXACT 9007199254740992.0 /* whole numbers up to here are exact */

typedef struct picture_id {
    char *name; /* without folders */
    int64_t id;
} picture_id;

struct out_coco {
    picture_id *pictures; /* [n_pictures] of the ground truth, by name */
    int n_pictures;
    int64_t *categories; /* [n_categories] of class ids; -1 = the ground truth has none of this name */
    int n_categories;
    bool truth, any;
    int64_t frames; /* so far: numbers where names give none */
    int64_t unknown; /* pictures that the ground truth does not have */
};

/* COCO left out 11 numbers of its 91. */
static int coco_category(int class_id)
{
    static const unsigned char missing[] = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83};
    int id = class_id + 1;
    for (size_t i = 0; i < sizeof missing && id >= missing[i]; i++) id++;
    return id;
}

static bool is_coco(const fv_detector *d)
{
    return fv_detector_class_count(d) == 80 && !strcmp(fv_detector_class_name(d, 0), "person") && !strcmp(fv_detector_class_name(d, 79), "toothbrush");
}

static int by_name(const void *a, const void *b) { return strcmp(((const picture_id *)a)->name, ((const picture_id *)b)->name); }

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool whole(const cJSON *v) { return cJSON_IsNumber(v) && fabs(v->valuedouble) <= EXACT && v->valuedouble == floor(v->valuedouble); }

static const char *read_truth(out_coco *c, const cJSON *root, const fv_detector *d)
{
    const cJSON *images = cJSON_GetObjectItemCaseSensitive(root, "images"), *categories = cJSON_GetObjectItemCaseSensitive(root, "categories");
    if (!cJSON_IsArray(images) || !cJSON_IsArray(categories)) return "is no COCO ground truth: it needs \"images\" and \"categories\"";
    c->pictures = tool_alloc(((size_t)cJSON_GetArraySize(images) + 1) * sizeof *c->pictures);
    for (const cJSON *i = images->child; i; i = i->next) {
        const cJSON *id = cJSON_GetObjectItemCaseSensitive(i, "id"), *name = cJSON_GetObjectItemCaseSensitive(i, "file_name");
        if (!whole(id) || !cJSON_IsString(name)) return "has an image without id or file_name";
        c->pictures[c->n_pictures++] = (picture_id){tool_strdup(base_name(name->valuestring)), (int64_t)id->valuedouble};
    }
    qsort(c->pictures, (size_t)c->n_pictures, sizeof *c->pictures, by_name);
    for (const cJSON *k = categories->child; k; k = k->next) {
        const cJSON *id = cJSON_GetObjectItemCaseSensitive(k, "id"), *name = cJSON_GetObjectItemCaseSensitive(k, "name");
        if (!whole(id) || !cJSON_IsString(name)) return "has a category without id or name";
        int class_id = fv_detector_class_id(d, name->valuestring);
        if (class_id >= 0) c->categories[class_id] = (int64_t)id->valuedouble;
    }
    return NULL;
}

static fv_status load_truth(out_coco *c, const char *path, const fv_detector *d, fv_error *err)
{
    char *bytes;
    size_t size;
    fv_status st = cli_read_file(path, MAX_FILE, &bytes, &size, err);
    if (st < 0) return st;
    cJSON *root = cJSON_ParseWithLength(bytes, size);
    const char *wrong = root ? read_truth(c, root, d) : "is not JSON";
    cJSON_Delete(root);
    free(bytes);
    c->truth = true;
    return wrong ? cli_set_error(err, FV_ERR_INPUT, "%s: %s", path, wrong) : FV_OK;
}

fv_status out_coco_open(out_coco **out, const char *truth, const fv_detector *d, fv_error *err)
{
    out_coco *c = *out = tool_alloc(sizeof *c);
    c->n_categories = fv_detector_class_count(d);
    c->categories = tool_alloc(((size_t)c->n_categories + 1) * sizeof *c->categories);
    bool coco = is_coco(d);
    for (int i = 0; i < c->n_categories; i++) c->categories[i] = truth ? -1 : coco ? coco_category(i) : i + 1;
    return truth ? load_truth(c, truth, d, err) : FV_OK;
}

/* The number in the name of a picture ("000000000139.jpg"), else how many came before it, from 1. */
static int64_t image_id(out_coco *c, const char *source, bool picture)
{
    const char *name = base_name(source);
    c->frames++;
    if (c->truth) {
        picture_id key = {(char *)(uintptr_t)name, 0};
        const picture_id *found = picture ? bsearch(&key, c->pictures, (size_t)c->n_pictures, sizeof *c->pictures, by_name) : NULL;
        return found ? found->id : -1;
    }
    size_t digits = strspn(name, "0123456789");
    if (picture && digits && digits <= 15 && (name[digits] == '.' || !name[digits])) return strtoll(name, NULL, 10);
    return c->frames;
}

static void numbers(text *t, const double *v, int n)
{
    for (int i = 0; i < n; i++) {
        if (i) text_add(t, ",");
        text_number(t, v[i], 3);
    }
}

static void extras(text *t, const out_frame *f, const fv_detection *d)
{
    const fv_detections *all = f->r->dets;
    int row = d->extra - 1;
    if (row < 0 || row >= all->n_extras) return;
    if (all->masks) out_mask(t, ",\"segmentation\":", f, &all->masks[row]);
    if (!all->keypoints) return;
    text_add(t, ",\"keypoints\":[");
    for (int k = 0; k < all->n_keypoints; k++) {
        const float *p = all->keypoints[(size_t)row * (size_t)all->n_keypoints + (size_t)k];
        if (k) text_add(t, ",");
        numbers(t, (const double[]){(double)p[0], (double)p[1], (double)p[2]}, 3);
    }
    text_add(t, "]");
}

void out_coco_frame(out_coco *c, text *t, const out_frame *f, bool picture)
{
    int64_t id = image_id(c, f->source, picture);
    if (id < 0) c->unknown++;
    for (int i = 0; i < f->r->dets->count && id >= 0; i++) {
        const fv_detection *d = &f->r->dets->items[i];
        int64_t category = d->class_id >= 0 && d->class_id < c->n_categories ? c->categories[d->class_id] : -1;
        if (category < 0) continue;
        text_printf(t, "%s\n{\"image_id\":%lld,\"category_id\":%lld,\"bbox\":[", c->any ? "," : "[", (long long)id, (long long)category);
        numbers(t, (const double[]){d->box[0], d->box[1], (double)d->box[2] - d->box[0], (double)d->box[3] - d->box[1]}, 4);
        text_add(t, "],\"score\":");
        text_number(t, d->confidence, 5);
        extras(t, f, d);
        text_add(t, "}");
        c->any = true;
    }
}

void out_coco_end(const out_coco *c, text *t) { text_add(t, c->any ? "\n]\n" : "[]\n"); }

int64_t out_coco_unknown(const out_coco *c) { return c->unknown; }

void out_coco_free(out_coco **coco)
{
    out_coco *c = *coco;
    if (!c) return;
    for (int i = 0; i < c->n_pictures; i++) free(c->pictures[i].name);
    free(c->pictures);
    free(c->categories);
    free(c);
    *coco = NULL;
}
