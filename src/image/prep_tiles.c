/* prep_tiles.c: many parts of one frame -> a batch, in one pass over the frame. Where tiles of the network's size overlap, a row is converted once and
 * copied into each; a smaller look at the whole is made beside them, while its rows are in the cache. Results are those of one part after the other, to
 * the bit. Called by the detector. */
#include "base/checked.h"
#include "base/error.h"
#include "image/prep_inside.h"
#include <string.h>

#define BAND 16 /* rows of the frame */
#define STREAM_BYTES ((size_t)16 << 20) /* a batch from here is not in the cache any more when it is read */

typedef struct tiles_job {
    fvi_prep_set *set;
    const fv_frame *src;
    const fvi_prep_part *parts;
    const int *order; /* [n] shared parts by x */
    int n, first;     /* image of the tensor for part 0 */
    const fvi_tensor *dst;
    const fvi_prep *p; /* of any shared part: colours and kernels */
    int left, right;   /* columns of all shared parts */
    bool stream;
    const prep_job *beside; /* null: none */
    int bands;
} tiles_job;

static bool shared(const fvi_prep_set *s, const fvi_pixel *px, const fvi_prep_part *part, const fvi_tensor *dst)
{
    bool cut = s->spec.fit == FVI_FIT_CROP && s->spec.crop_fraction > 0 && s->spec.crop_fraction != 1;
    bool dense = dst->stride[3] == 1 || (dst->stride[3] == 3 && dst->stride[1] == 1);
    return fvi_prep_420_can(&s->spec, px) && dst->dtype == FV_F32 && !part->full_w && !cut && dense && part->width == dst->dim[3] && part->height == dst->dim[2];
}

/* The part's columns of the line -> row y of its tile. */
static void copy_out(const tiles_job *j, int part, const float *line, ptrdiff_t cs, ptrdiff_t xs, int y)
{
    const fvi_prep_part *t = &j->parts[part];
    float *out = (float *)j->dst->data + (j->first + part) * j->dst->stride[0] + (y - t->y) * j->dst->stride[2];
    const float *from = line + (t->x - j->left) * xs;
    const size_t n = (size_t)t->width * (size_t)xs;
    for (int c = 0; c < (xs == 1 ? 3 : 1); c++) {
        if (j->stream)
            j->p->k.stream(out + c * j->dst->stride[1], from + c * cs, n);
        else
            memcpy(out + c * j->dst->stride[1], from + c * cs, n * sizeof *out);
    }
}

static void band(void *arg, int chunk, int thread)
{
    const tiles_job *j = arg;
    const int y1 = (int)fvi_min_i64(j->src->height, (int64_t)(chunk + 1) * BAND), width = j->right - j->left;
    float *line = j->set->line + (size_t)thread * j->set->line_floats;
    const ptrdiff_t xs = j->dst->stride[3], cs = xs == 1 ? width : 1;
    fvi_prep_420 rows;
    fvi_prep_420_begin(&rows, j->p, j->src, j->set->room ? j->set->room + (size_t)thread * j->set->room_bytes : NULL, j->left, width);
    for (int y = chunk * BAND; y < y1; y++) {
        int done = j->left;
        bool ready = false;
        for (int i = 0; i < j->n; i++) {
            const fvi_prep_part *t = &j->parts[j->order[i]];
            if (y < t->y || y >= t->y + t->height) continue;
            if (!ready) fvi_prep_420_row(&rows, y);
            ready = true;
            int x = t->x > done ? t->x : done, end = t->x + t->width;
            if (end > x) {
                fvi_prep_420_put(&rows, line + (x - j->left) * xs, cs, xs, x, end - x);
                done = end;
            }
            copy_out(j, j->order[i], line, cs, xs, y);
        }
    }
    if (!j->beside) return;
    const int64_t high = j->dst->dim[2];
    fvi_prep_rows(j->beside, thread, (int)(chunk * high / j->bands), (int)((chunk + 1) * high / j->bands));
}

static fv_status reserve(fvi_prep_set *s, const tiles_job *j, int threads, fv_error *err)
{
    const int width = j->right - j->left;
    s->line_floats = fvi_round_up(3 * (size_t)width + 16, 16);
    s->room_bytes = j->p->pixel->luma ? fvi_prep_420_room(width) : 0;
    size_t floats = s->line_floats * (size_t)threads, bytes = s->room_bytes * (size_t)threads;
    if (floats > s->line_capacity) {
        fvi_free(s->line);
        s->line = fvi_calloc(floats, sizeof *s->line);
        s->line_capacity = s->line ? floats : 0;
    }
    if (bytes > s->room_capacity) {
        fvi_free(s->room);
        s->room = fvi_calloc(bytes, 1);
        s->room_capacity = s->room ? bytes : 0;
    }
    return s->line_capacity >= floats && s->room_capacity >= bytes ? FV_OK : fvi_error_set(err, FV_ERR_MEMORY, "out of memory for preparing tiles");
}

/* By x; few, and nearly in order. */
static void insert(int *order, int n, const fvi_prep_part *parts, int part)
{
    int at = n;
    for (; at > 0 && parts[order[at - 1]].x > parts[part].x; at--) order[at] = order[at - 1];
    order[at] = part;
}

fv_status fvi_prep_set_run_parts(fvi_prep_set *s, const fv_frame *src, const fvi_prep_part *parts, int n, const fvi_tensor *dst, int first, fvi_pool *pool,
                                 fvi_prep_map *maps, fv_error *err)
{
    const fvi_pixel *px = fvi_pixel_of(src->format);
    int order[FVI_PREP_PARTS], count = 0, beside = -1;
    if (n < 1 || n > FVI_PREP_PARTS) return fvi_error_set(err, FV_ERR_ARGUMENT, "%d parts at once: 1 to %d", n, FVI_PREP_PARTS);
    tiles_job j = {.set = s, .src = src, .parts = parts, .order = order, .first = first, .dst = dst, .left = src->width};
    prep_job job, other;
    fvi_prep *p = NULL;
    for (int i = 0; i < n; i++) {
        if (!px || dst->rank != 4 || !shared(s, px, &parts[i], dst)) continue;
        FVI_TRY(fvi_prep_set_choose(s, src, &parts[i], &p, err));
        FVI_TRY(fvi_prep_begin(p, src, &parts[i], dst, first + i, pool, &job, err));
        maps[i] = p->map;
        insert(order, count++, parts, i);
        if (parts[i].x < j.left) j.left = parts[i].x;
        if (parts[i].x + parts[i].width > j.right) j.right = parts[i].x + parts[i].width;
    }
    for (int i = 0; i < n; i++) {
        if (px && dst->rank == 4 && shared(s, px, &parts[i], dst)) continue;
        if (count < 2 || beside >= 0) {
            FVI_TRY(fvi_prep_set_run(s, src, &parts[i], dst, first + i, pool, &maps[i], err));
            continue;
        }
        beside = i;
    }
    if (count == 0) return FV_OK;
    j.n = count;
    FVI_TRY(fvi_prep_set_choose(s, src, &parts[order[0]], &p, err));
    FVI_TRY(fvi_prep_begin(p, src, &parts[order[0]], dst, first, pool, &job, err));
    j.p = p;
    if (beside >= 0) {
        FVI_TRY(fvi_prep_set_choose(s, src, &parts[beside], &p, err));
        FVI_TRY(fvi_prep_begin(p, src, &parts[beside], dst, first + beside, pool, &other, err));
        maps[beside] = p->map;
        j.beside = &other;
    }
    FVI_TRY(reserve(s, &j, fvi_pool_threads(pool), err));
    j.bands = (src->height + BAND - 1) / BAND;
    j.stream = (size_t)count * (size_t)(3 * dst->dim[2] * dst->dim[3]) * sizeof(float) >= STREAM_BYTES;
    fvi_pool_run(pool, band, &j, j.bands);
    return FV_OK;
}
