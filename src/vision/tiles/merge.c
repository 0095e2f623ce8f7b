/* merge.c: boxes of all tiles -> things, by SAHI's three rules; the rule for seams is in merge_seam.c. The rules are those of the
 * published algorithms, to the last box: order (score, then corners), comparisons in float, joining in double against the box grown so far.
 * Instead of all pairs, only boxes that share a square are compared. Called by flow's tiled detector. */
#include "base/alloc.h"
#include "vision/tiles/merge_inside.h"
#include <math.h>
#include <string.h>

#define MOST_BOXES (1 << 24)
#define DIGIT 11 /* bits of a radix pass; three make 33 */

typedef struct sort_key {
    uint32_t key;
    int index;
} sort_key;

struct fvi_merger {
    fvi_overlap kern;
    fvi_buckets buckets;
    fvi_tiles_box *box;
    int *from, *hits, *owner, *next, *order, *thing_of, *tail;
    sort_key *keys, *other;
    uint8_t *gone;
    fvi_tiles_thing *things;
    int capacity;
};

fv_status fvi_merger_create(fvi_merger **out, fvi_cpu_flags cpu)
{
    *out = fvi_calloc(1, sizeof **out);
    if (!*out) return FV_ERR_MEMORY;
    fvi_overlap_init(&(*out)->kern, cpu);
    return FV_OK;
}

static void drop(fvi_merger *m)
{
    FVI_FREE(m->box);
    FVI_FREE(m->from);
    FVI_FREE(m->hits);
    FVI_FREE(m->owner);
    FVI_FREE(m->next);
    FVI_FREE(m->order);
    FVI_FREE(m->thing_of);
    FVI_FREE(m->tail);
    FVI_FREE(m->keys);
    FVI_FREE(m->gone);
    FVI_FREE(m->other);
    FVI_FREE(m->things);
    m->capacity = 0;
}

void fvi_merger_free(fvi_merger **m)
{
    if (!m || !*m) return;
    drop(*m);
    fvi_buckets_free(&(*m)->buckets);
    FVI_FREE(*m);
}

static bool reserve(fvi_merger *m, int n)
{
    if (n <= m->capacity) return true;
    size_t room = (size_t)n + (size_t)n / 2 + 64;
    drop(m);
    m->box = fvi_calloc(room, sizeof *m->box);
    m->from = fvi_calloc(room, sizeof *m->from);
    m->hits = fvi_calloc(room, sizeof *m->hits);
    m->owner = fvi_calloc(room, sizeof *m->owner);
    m->next = fvi_calloc(room, sizeof *m->next);
    m->order = fvi_calloc(room, sizeof *m->order);
    m->thing_of = fvi_calloc(room, sizeof *m->thing_of);
    m->tail = fvi_calloc(room, sizeof *m->tail);
    m->keys = fvi_calloc(room, sizeof *m->keys);
    m->other = fvi_calloc(room, sizeof *m->other);
    m->gone = fvi_calloc(room, 1);
    m->things = fvi_calloc(room, 2 * sizeof *m->things); /* the second half is merge_seam.c's */
    if (!m->box || !m->from || !m->hits || !m->owner || !m->next || !m->order || !m->thing_of || !m->tail || !m->keys || !m->other ||
        !m->gone || !m->things) {
        drop(m);
        return false;
    }
    m->capacity = (int)room;
    return true;
}

/* ---- order ---- */

/* Larger scores have smaller keys. */
static uint32_t key_of(float score)
{
    uint32_t u;
    score += 0.0f; /* -0 is 0 */
    memcpy(&u, &score, sizeof u);
    return u >> 31 ? u : ~u & 0x7fffffffu;
}

/* Corners decide between equal scores, then the place in the input. */
static bool before(const fvi_tiles_box *a, const fvi_tiles_box *b)
{
    for (int i = 0; i < 4; i++)
        if (a->box[i] != b->box[i]) return a->box[i] < b->box[i];
    return false;
}

static void sort(fvi_merger *m, const fvi_tiles_box *b, int n)
{
    sort_key *from = m->keys, *to = m->other;
    for (int shift = 0; shift < 32; shift += DIGIT) {
        int count[1 << DIGIT] = {0}, at = 0;
        for (int i = 0; i < n; i++) count[from[i].key >> shift & ((1 << DIGIT) - 1)]++;
        for (int d = 0; d < 1 << DIGIT; d++) {
            int here = count[d];
            count[d] = at;
            at += here;
        }
        for (int i = 0; i < n; i++) to[count[from[i].key >> shift & ((1 << DIGIT) - 1)]++] = from[i];
        sort_key *swap = from;
        from = to;
        to = swap;
    }
    m->keys = from;
    m->other = to;
    for (int i = 1; i < n; i++) { /* runs of equal scores are short */
        sort_key k = from[i];
        int j = i;
        for (; j > 0 && from[j - 1].key == k.key && before(&b[k.index], &b[from[j - 1].index]); j--) from[j] = from[j - 1];
        from[j] = k;
    }
}

static bool usable(const fvi_tiles_box *b)
{
    bool finite = isfinite(b->score);
    for (int i = 0; i < 4; i++) finite = finite && isfinite(b->box[i]);
    return finite && b->box[0] <= b->box[2] && b->box[1] <= b->box[3];
}

static int put_in_order(fvi_merger *m, const fvi_tiles_box *b, int n)
{
    int kept = 0;
    for (int i = 0; i < n; i++)
        if (usable(&b[i])) m->keys[kept++] = (sort_key){key_of(b[i].score), i};
    sort(m, b, kept);
    for (int i = 0; i < kept; i++) {
        m->from[i] = m->keys[i].index;
        m->box[i] = b[m->keys[i].index];
    }
    return kept;
}

/* ---- neighbours ---- */

fv_status fvi_merge_place(fvi_merge_job *j, bool tiles)
{
    fvi_buckets *k = j->buckets;
    fv_status st = fvi_buckets_fill(k, j->box->box, sizeof *j->box, j->n);
    for (int at = 0; at < j->n && st >= 0; at++) {
        const fvi_tile *t = &j->tiles[j->box[k->id[at]].tile];
        k->column[4][at] = tiles ? (float)t->x : -INFINITY;
        k->column[5][at] = tiles ? (float)t->y : -INFINITY;
        k->column[6][at] = tiles ? (float)(t->x + t->width) : INFINITY;
        k->column[7][at] = tiles ? (float)(t->y + t->height) : INFINITY;
    }
    return st;
}

fvi_overlap_query fvi_merge_query(const fvi_merge_job *j, int i)
{
    fvi_overlap_query q = {.sees = {-INFINITY, -INFINITY, INFINITY, INFINITY}, .threshold = j->p.threshold, .iou = j->p.metric == FV_METRIC_IOU};
    const fvi_tile *t = &j->tiles[j->box[i].tile];
    memcpy(q.box, j->box[i].box, sizeof q.box);
    if (j->p.merge == FV_MERGE_SEAM) {
        q.sees[0] = (float)t->x;
        q.sees[1] = (float)t->y;
        q.sees[2] = (float)(t->x + t->width);
        q.sees[3] = (float)(t->y + t->height);
    }
    return q;
}

int fvi_merge_find(fvi_merge_job *j, int i)
{
    const fvi_overlap_query q = fvi_merge_query(j, i);
    return fvi_buckets_find(j->buckets, j->kern, &q, j->hits);
}

/* ---- NMS and GREEDYNMM: a box goes to the first thing it matches ---- */

static void greedy(fvi_merge_job *j)
{
    for (int i = 0; i < j->n; i++) {
        if (j->owner[i] >= 0) continue;
        j->owner[i] = i;
        fvi_merge_settled(j, i);
        int hits = fvi_merge_find(j, i);
        for (int h = 0; h < hits; h++) {
            int k = j->hits[h];
            if (j->owner[k] >= 0 || !fvi_merge_same_class(j, i, k)) continue;
            j->owner[k] = i;
            fvi_merge_settled(j, k);
        }
    }
    for (int i = 0; i < j->n; i++)
        if (j->owner[i] != i) j->order[j->n_order++] = i;
}

/* ---- NMM: what a box matches goes to the thing that the box itself is in ---- */

/* May a take b? It is surer, or as sure and not before it by its corners. */
static bool dominates(const fvi_tiles_box *a, const fvi_tiles_box *b) { return a->score != b->score ? a->score > b->score : !before(a, b); }

static void transitive(fvi_merge_job *j)
{
    for (int i = 0; i < j->n; i++) {
        fvi_merge_settled(j, i);
        int hits = fvi_merge_find(j, i), begin = j->n_order;
        if (j->owner[i] < 0) j->owner[i] = i;
        for (int h = 0; h < hits; h++) {
            int k = j->hits[h];
            if (k == i || j->owner[k] >= 0 || !fvi_merge_same_class(j, i, k) || !dominates(&j->box[i], &j->box[k])) continue;
            j->owner[k] = j->owner[i];
            fvi_merge_settled(j, k);
            int at = j->n_order++; /* those of one box by their place in the input */
            for (; at > begin && j->from[k] < j->from[j->order[at - 1]]; at--) j->order[at] = j->order[at - 1];
            j->order[at] = k;
        }
    }
}

/* ---- owners -> things ---- */

static double area_of(const float b[4]) { return ((double)b[2] - (double)b[0]) * ((double)b[3] - (double)b[1]); }

/* Against the box as it has grown, in double, as SAHI's second look does. */
static bool still_matches(const fvi_merge_params *p, const float a[4], const float b[4])
{
    double w = fmin((double)a[2], (double)b[2]) - fmax((double)a[0], (double)b[0]), h = fmin((double)a[3], (double)b[3]) - fmax((double)a[1], (double)b[1]);
    double inter = fmax(w, 0) * fmax(h, 0), one = area_of(a), two = area_of(b);
    return inter / (p->metric == FV_METRIC_IOU ? one + two - inter : fmin(one, two)) >= (double)p->threshold;
}

static void take(fvi_merge_job *j, int thing, int i)
{
    const fvi_tiles_box *b = &j->box[i];
    fvi_tiles_thing *t = &j->things[thing];
    if (j->p.merge == FV_MERGE_NMS || !still_matches(&j->p, t->box, b->box)) return;
    if (!(t->score > b->score)) {
        t->score = b->score;
        t->class_id = b->class_id;
    }
    fvi_merge_join(j, thing, i);
}

static void build_things(fvi_merge_job *j)
{
    for (int i = 0; i < j->n; i++)
        if (j->owner[i] == i) fvi_merge_begin(j, i);
    for (int k = 0; k < j->n_order; k++) take(j, j->thing_of[j->owner[j->order[k]]], j->order[k]);
}

fv_status fvi_tiles_merge(fvi_merger *m, const fvi_merge_params *p, const fvi_tiles_box *b, int n, const fvi_tile *tiles, int n_tiles,
                          const fvi_tiles_thing **things, int *n_things, const int **next)
{
    *n_things = 0;
    if (n < 0 || n > MOST_BOXES) return FV_ERR_LIMIT;
    for (int i = 0; i < n; i++)
        if (b[i].tile < 0 || b[i].tile >= n_tiles) return FV_ERR_ARGUMENT;
    if (!reserve(m, n)) return FV_ERR_MEMORY;
    fvi_merge_job j = {.p = *p, .box = m->box, .from = m->from, .tiles = tiles, .n_tiles = n_tiles, .buckets = &m->buckets, .kern = &m->kern, .hits = m->hits, .owner = m->owner,
                       .next = m->next, .order = m->order, .thing_of = m->thing_of, .tail = m->tail, .things = m->things, .gone = m->gone};
    if (!(j.p.threshold > 0)) j.p.threshold = 0.5f;
    if (j.p.metric == FV_METRIC_AUTO) j.p.metric = j.p.merge == FV_MERGE_SEAM ? FV_METRIC_IOU : FV_METRIC_IOS;
    j.n = put_in_order(m, b, n);
    for (int i = 0; i < j.n; i++) j.owner[i] = -1;
    if (j.n) memset(j.gone, 0, (size_t)j.n);
    j.n_there = j.n;
    fv_status st = FV_OK;
    if (j.n == 0) {
        /* nothing to merge, and no memory for it yet */
    } else if (j.p.merge == FV_MERGE_SEAM) {
        st = fvi_merge_seams(&j);
    } else if ((st = fvi_merge_place(&j, false)) >= 0) {
        if (j.p.merge == FV_MERGE_NMM)
            transitive(&j);
        else
            greedy(&j);
        build_things(&j);
    }
    if (st < 0) return st;
    *things = j.things;
    *n_things = j.n_things;
    *next = j.next;
    return FV_OK;
}
