/* val_coco.c: COCO's instances or person_keypoints file -> pictures and true things; categories are found by name among the model's classes.
 * Called by val_data.c. */
#include "val.h"
#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE ((size_t)1 << 30)
#define MAX_ID 9007199254740992.0 /* 2^53: whole numbers up to here are exact */
#define MAX_CORNERS 100000

typedef struct category {
    int64_t id;
    int class_id; /* of the model; -1 = it has none of this name */
} category;

typedef struct coco {
    val_data *d;
    const val_target *t;
    const char *path;
    category *categories;
    int n_categories;
} coco;

static bool whole(const cJSON *v, int64_t *out)
{
    if (!cJSON_IsNumber(v) || !(fabs(v->valuedouble) <= MAX_ID) || v->valuedouble != floor(v->valuedouble)) return false;
    *out = (int64_t)v->valuedouble;
    return true;
}

static const cJSON *get(const cJSON *object, const char *key) { return cJSON_GetObjectItemCaseSensitive(object, key); }

static int64_t whole_or(const cJSON *object, const char *key, int64_t otherwise)
{
    int64_t v;
    return whole(get(object, key), &v) ? v : otherwise;
}

static int wrong(const coco *c, const char *what, int at, const char *why)
{
    return cli_error(c->t->a, EXIT_INPUT, "%s: %s[%d]: %s", c->path, what, at, why);
}

static int read_categories(coco *c, const cJSON *list)
{
    int n = cJSON_GetArraySize(list), *map = NULL;
    char **names = tool_alloc((size_t)(n + 1) * sizeof *names);
    c->categories = tool_alloc((size_t)(n + 1) * sizeof *c->categories);
    c->n_categories = n;
    int at = 0, code = EXIT_OK;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        const cJSON *name = get(item, "name");
        if (!whole(get(item, "id"), &c->categories[at].id) || !cJSON_IsString(name)) {
            code = wrong(c, "categories", at, "has no id and name");
            break;
        }
        names[at++] = name->valuestring;
    }
    if (!code) code = val_map_classes(c->d, c->t, names, n, &map);
    if (!code) {
        c->d->category_of = tool_alloc((size_t)c->t->n_classes * sizeof *c->d->category_of);
        for (int i = 0; i < c->t->n_classes; i++) c->d->category_of[i] = -1;
        for (int i = 0; i < n; i++) {
            c->categories[i].class_id = map[i];
            if (map[i] >= 0) c->d->category_of[map[i]] = c->categories[i].id;
        }
    }
    free(map);
    free(names);
    return code;
}

/* A picture's file: in --images, or images/ beside the JSON file, or beside it. owned: free(). */
static char *locate(const coco *c, const char *images, const char *name)
{
    const char *slash = strrchr(c->path, '/');
    text t = {0};
    if (images) {
        text_folder(&t, images);
        text_add(&t, name);
        return t.s;
    }
    if (slash) text_addn(&t, c->path, (size_t)(slash - c->path) + 1);
    size_t n = t.len;
    text_add(&t, "images/");
    text_add(&t, name);
    if (!access(t.s, F_OK)) return t.s;
    text beside = {0};
    if (n) text_addn(&beside, c->path, n);
    text_add(&beside, name);
    if (!access(beside.s, F_OK)) {
        text_free(&t);
        return beside.s;
    }
    text_free(&beside);
    return t.s;
}

/* A name that leads out of the folder is refused: the file may come from anywhere. */
static bool leads_out(const char *name)
{
    if (name[0] == '/') return true;
    for (const char *p = name; (p = strstr(p, "..")); p += 2)
        if ((p == name || p[-1] == '/') && (p[2] == '/' || !p[2])) return true;
    return false;
}

static int by_id(const void *pa, const void *pb)
{
    const val_picture *a = pa, *b = pb;
    return (a->id > b->id) - (a->id < b->id);
}

static int read_pictures(coco *c, const cJSON *list, const char *images)
{
    int at = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        const cJSON *name = get(item, "file_name");
        int64_t id;
        if (!whole(get(item, "id"), &id) || id < 0 || !cJSON_IsString(name) || !name->valuestring[0])
            return wrong(c, "images", at, "has no id (from 0 on) and file_name");
        if (leads_out(name->valuestring)) return wrong(c, "images", at, "its file_name leads out of the folder");
        if (c->d->n == VAL_MAX_PICTURES) return wrong(c, "images", at, "too many pictures");
        char *path = locate(c, images, name->valuestring);
        val_picture *p = val_data_add(c->d, path);
        free(path);
        p->id = id;
        p->pixels = true;
        int64_t w = whole_or(item, "width", 0), h = whole_or(item, "height", 0);
        if (w > 0 && h > 0 && w <= FV_RLE_MAX_SIDE && h <= FV_RLE_MAX_SIDE) p->width = (int)w, p->height = (int)h;
        at++;
    }
    if (c->d->n == 0) return cli_error(c->t->a, EXIT_INPUT, "%s: names no pictures", c->path);
    qsort(c->d->pictures, (size_t)c->d->n, sizeof *c->d->pictures, by_id);
    for (int i = 1; i < c->d->n; i++)
        if (c->d->pictures[i].id == c->d->pictures[i - 1].id)
            return cli_error(c->t->a, EXIT_INPUT, "%s: two pictures have the id %lld", c->path, (long long)c->d->pictures[i].id);
    return EXIT_OK;
}

static bool read_numbers(const cJSON *list, double *out, int n)
{
    const cJSON *v = list ? list->child : NULL;
    for (int i = 0; i < n; i++, v = v->next) {
        if (!v || !cJSON_IsNumber(v) || !(fabs(v->valuedouble) < 1e9)) return false;
        out[i] = v->valuedouble;
    }
    return true;
}

/* [[x1, y1, x2, y2, …], …]: outlines that are one thing together. */
static const char *read_outlines(val_truth *truth, const cJSON *list)
{
    int parts = cJSON_GetArraySize(list), corners = 0;
    const cJSON *part;
    cJSON_ArrayForEach(part, list)
    {
        int n = cJSON_GetArraySize(part);
        if (!cJSON_IsArray(part) || n < 6 || n % 2 || corners > MAX_CORNERS - n / 2) return "an outline has pairs of numbers, three or more";
        corners += n / 2;
    }
    truth->parts = tool_alloc((size_t)parts * sizeof *truth->parts);
    truth->corners = tool_alloc((size_t)corners * sizeof *truth->corners);
    int at = 0;
    cJSON_ArrayForEach(part, list)
    {
        int n = cJSON_GetArraySize(part);
        truth->parts[truth->n_parts++] = n / 2;
        if (!read_numbers(part, truth->corners[at], n)) return "an outline has something that is no number";
        at += n / 2;
    }
    return NULL;
}

static const char *read_runs(val_truth *truth, const cJSON *object)
{
    double size[2];
    const cJSON *counts = get(object, "counts");
    if (!read_numbers(get(object, "size"), size, 2) || size[0] < 1 || size[1] < 1 || size[0] > FV_RLE_MAX_SIDE || size[1] > FV_RLE_MAX_SIDE)
        return "its mask has no size";
    int w = (int)size[1], h = (int)size[0], n = cJSON_GetArraySize(counts), at = 0;
    fv_status st = FV_ERR_INPUT;
    if (cJSON_IsString(counts)) {
        st = fv_rle_from_text(&truth->rle, w, h, counts->valuestring);
    } else if (cJSON_IsArray(counts)) {
        uint32_t *list = tool_alloc((size_t)(n + 1) * sizeof *list);
        const cJSON *v;
        cJSON_ArrayForEach(v, counts) list[at++] = cJSON_IsNumber(v) && v->valuedouble >= 0 && v->valuedouble <= UINT32_MAX ? (uint32_t)v->valuedouble : UINT32_MAX;
        st = fv_rle_from_counts(&truth->rle, w, h, list, (size_t)n);
        free(list);
    }
    return st < 0 ? "the run lengths of its mask do not fill the picture" : NULL;
}

static const char *read_keypoints(const coco *c, val_truth *truth, const cJSON *item)
{
    const cJSON *list = get(item, "keypoints");
    int n = c->d->n_keypoints;
    if (!list) return NULL; /* none is marked */
    if (cJSON_GetArraySize(list) != 3 * n) return "has another number of keypoints than the model";
    truth->points = tool_alloc((size_t)n * sizeof *truth->points);
    return read_numbers(list, truth->points[0], 3 * n) ? NULL : "has a keypoint that is no number";
}

static const char *read_truth(const coco *c, val_truth *truth, const cJSON *item)
{
    double box[4];
    const cJSON *segmentation = get(item, "segmentation"), *area = get(item, "area");
    if (!read_numbers(get(item, "bbox"), box, 4)) return "has no bbox of four numbers";
    truth->box[0] = box[0], truth->box[1] = box[1];
    truth->box[2] = box[0] + box[2], truth->box[3] = box[1] + box[3];
    truth->crowd = whole_or(item, "iscrowd", 0) != 0;
    truth->area = cJSON_IsNumber(area) && area->valuedouble > 0 && area->valuedouble < 1e12 ? area->valuedouble : 0;
    if (c->t->task == FV_TASK_POSE) return read_keypoints(c, truth, item);
    if (c->t->task != FV_TASK_SEGMENT || !segmentation) return NULL;
    if (cJSON_IsArray(segmentation)) return segmentation->child ? read_outlines(truth, segmentation) : NULL;
    return cJSON_IsObject(segmentation) ? read_runs(truth, segmentation) : "its segmentation is neither outlines nor run lengths";
}

static int read_annotations(coco *c, const cJSON *list)
{
    int at = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        int64_t image, id;
        int k = 0;
        if (!whole(get(item, "image_id"), &image) || !whole(get(item, "category_id"), &id)) return wrong(c, "annotations", at, "has no image_id and category_id");
        const val_picture wanted = {.id = image};
        val_picture *p = bsearch(&wanted, c->d->pictures, (size_t)c->d->n, sizeof *p, by_id);
        while (k < c->n_categories && c->categories[k].id != id) k++;
        if (!p) return wrong(c, "annotations", at, "its image_id is no picture's");
        if (k == c->n_categories) return wrong(c, "annotations", at, "its category_id is no category's");
        if (c->categories[k].class_id >= 0) {
            val_truth *truth = val_data_truth(p);
            truth->class_id = c->categories[k].class_id;
            const char *why = read_truth(c, truth, item);
            if (why) return wrong(c, "annotations", at, why);
        }
        at++;
    }
    return EXIT_OK;
}

int val_read_coco(val_data *d, const val_target *t, const char *path, const char *images)
{
    char *bytes;
    size_t size;
    fv_error err = {0};
    struct stat st;
    if (images && (stat(images, &st) || !S_ISDIR(st.st_mode))) return cli_error(t->a, EXIT_INPUT, "%s: there is no such folder", images);
    fv_status read = cli_read_file(path, MAX_FILE, &bytes, &size, &err);
    if (read < 0) return cli_fail(t->a, read, &err);
    coco c = {.d = d, .t = t, .path = path};
    const char *stop = NULL;
    cJSON *root = cJSON_ParseWithLengthOpts(bytes, size, &stop, 0);
    int code, line = 1;
    if (!root) {
        for (const char *p = bytes; p < stop && p < bytes + size; p++) line += *p == '\n';
        code = cli_error(t->a, EXIT_INPUT, "%s:%d: is no JSON", path, line);
    }
    free(bytes);
    if (!root) return code;
    const cJSON *pictures = get(root, "images"), *annotations = get(root, "annotations"), *categories = get(root, "categories");
    if (!cJSON_IsArray(pictures) || !cJSON_IsArray(annotations) || !cJSON_IsArray(categories))
        code = cli_error(t->a, EXIT_INPUT, "%s: is no COCO file: it has no lists images, annotations and categories", path);
    else
        code = read_categories(&c, categories);
    if (!code) code = read_pictures(&c, pictures, images);
    if (!code) code = read_annotations(&c, annotations);
    cJSON_Delete(root);
    free(c.categories);
    if (!code && t->limit && t->limit < d->n) { /* the others are not looked at */
        val_data rest = {.pictures = tool_alloc((size_t)(d->n - t->limit) * sizeof(val_picture)), .n = d->n - (int)t->limit};
        memcpy(rest.pictures, d->pictures + t->limit, (size_t)rest.n * sizeof *rest.pictures);
        d->n = (int)t->limit;
        val_data_free(&rest);
    }
    return code;
}
