/* merge_seam.c: the merge that knows where tiles end. A box that ends at a seam of its tile is a piece; the others are whole.
 *
 * Two boxes of different tiles are about one thing when the tiles agree: each box is cut to what the other tile sees, and the two parts overlap
 * enough. Of whole boxes the surer one stays as it is. A piece that agrees with a whole box is dropped; pieces that agree with each other are joined, over any number of
 * tiles. Boxes of one tile are never merged: its head has done that.
 *
 * A small box of the look at the whole is guessed from a few pixels. It gives way to any whole box of a tile that is about as large and lies mostly in it or
 * around it; large boxes of the whole are as good as others. */
#include "base/checked.h"
#include "vision/tiles/merge_inside.h"
#include <string.h>

#define SEAM_PART 64 /* a box ends at a seam when it ends within 1/64 of the tile's side */
#define SEAM_LEAST 3 /* pixels */
#define GUESS_PART 12  /* a box of the whole is a guess when its sides are below 1/12 of the frame's longer side */
#define GUESS_SIZE 0.2f /* least ratio of its area and that of the box that it gives way to */

static bool is_piece(const fvi_merge_job *j, int i)
{
    const fvi_tile *t = &j->tiles[j->box[i].tile];
    const float *b = j->box[i].box;
    int mx = fvi_clamp_int(t->width / SEAM_PART, SEAM_LEAST, t->width), my = fvi_clamp_int(t->height / SEAM_PART, SEAM_LEAST, t->height);
    return ((t->seams & FVI_SEAM_LEFT) && b[0] <= (float)(t->x + mx)) || ((t->seams & FVI_SEAM_TOP) && b[1] <= (float)(t->y + my)) ||
           ((t->seams & FVI_SEAM_RIGHT) && b[2] >= (float)(t->x + t->width - mx)) || ((t->seams & FVI_SEAM_BOTTOM) && b[3] >= (float)(t->y + t->height - my));
}

/* A small box of a coarse look. */
static bool is_guess(const fvi_merge_job *j, int i)
{
    const fvi_tile *t = &j->tiles[j->box[i].tile];
    const float *b = j->box[i].box;
    float most = (float)(t->width > t->height ? t->width : t->height) / GUESS_PART;
    return (t->seams & FVI_TILE_COARSE) && b[2] - b[0] < most && b[3] - b[1] < most;
}

static int root_of(int *owner, int i)
{
    while (owner[i] != i) i = owner[i] = owner[owner[i]];
    return i;
}

/* The two become one; the one that is looked at earlier owns it. */
static void unite(int *owner, int a, int b)
{
    a = root_of(owner, a);
    b = root_of(owner, b);
    if (a < b)
        owner[b] = a;
    else
        owner[a] = b;
}

/* Of the first n boxes, those that are `of_kind` go behind the others, both in their order. Returns how many the others are. */
static int to_back(fvi_merge_job *j, int n_boxes, bool (*of_kind)(const fvi_merge_job *j, int i))
{
    int front = 0, n = 0;
    fvi_tiles_box *rest = (fvi_tiles_box *)(void *)j->things; /* no thing is there yet, and a thing is no smaller than a box */
    _Static_assert(sizeof(fvi_tiles_box) <= sizeof(fvi_tiles_thing), "boxes fit where things will be");
    for (int i = 0; i < n_boxes; i++) {
        if (!of_kind(j, i)) {
            j->from[front] = j->from[i];
            j->box[front++] = j->box[i];
        } else {
            j->order[n] = j->from[i];
            rest[n++] = j->box[i];
        }
    }
    memcpy(j->box + front, rest, (size_t)n * sizeof *rest);
    memcpy(j->from + front, j->order, (size_t)n * sizeof *j->from);
    return front;
}

static float area_of(const float b[4]) { return (b[2] - b[0]) * (b[3] - b[1]); }

/* Guess k lies in box i, or around it, and is about as large. */
static bool is_taken(const fvi_merge_job *j, int i, int k)
{
    float a = area_of(j->box[i].box), b = area_of(j->box[k].box);
    return a >= GUESS_SIZE * b && b >= GUESS_SIZE * a;
}

/* Do the two agree as the metric says? */
static bool agree(const fvi_merge_job *j, const fvi_overlap_query *q, int k)
{
    const fvi_tile *t = &j->tiles[j->box[k].tile];
    const float sees[4] = {(float)t->x, (float)t->y, (float)(t->x + t->width), (float)(t->y + t->height)};
    return fvi_overlap_pair(q, j->box[k].box, sees) != 0;
}

/* Whole boxes and pieces that agree with box i. With guesses [sure, wholes) among them one search by IoS serves both: what agrees by IoU does so by IoS. */
static void look_around(fvi_merge_job *j, int i, int sure, int wholes)
{
    const bool guesses = i < sure && sure < wholes && j->p.metric == FV_METRIC_IOU;
    const fvi_overlap_query q = fvi_merge_query(j, i);
    if (guesses) j->p.metric = FV_METRIC_IOS;
    const int hits = fvi_merge_find(j, i);
    if (guesses) j->p.metric = FV_METRIC_IOU;
    for (int h = 0; h < hits; h++) {
        const int k = j->hits[h];
        if (k <= i || (j->owner[k] >= 0 && (i < wholes || j->owner[k] < wholes)) || j->box[i].tile == j->box[k].tile || !fvi_merge_same_class(j, i, k)) continue;
        const bool guess = i < sure && k >= sure && k < wholes;
        if (!(guess && is_taken(j, i, k)) && guesses && !agree(j, &q, k)) continue;
        if (i < wholes) {
            j->owner[k] = i;
            fvi_merge_settled(j, k);
        } else {
            if (j->owner[k] < 0) j->owner[k] = k;
            unite(j->owner, i, k);
        }
    }
}

/* owner: of a whole box itself, or the surer one; of a piece the whole box that has it, or its fellow pieces. */
static void find_owners(fvi_merge_job *j, int sure, int wholes)
{
    for (int i = 0; i < j->n; i++) {
        if (j->owner[i] >= 0 && (i < wholes || j->owner[i] < wholes)) continue; /* it is in a whole box */
        if (j->owner[i] < 0) j->owner[i] = i;
        fvi_merge_settled(j, i); /* it looks at those behind it only */
        look_around(j, i, sure, wholes);
    }
}

/* Things [0, wholes) and the rest are two sorted rows of n: they are merged into one. */
static void sort_things(fvi_merge_job *j, int wholes, int n)
{
    fvi_tiles_thing *row = j->things, *copy = row + j->n_things; /* behind them: there are no more things than boxes, and room for two of each */
    int a = 0, b = wholes, at = 0;
    memcpy(copy, row, (size_t)n * sizeof *row);
    while (at < n) row[at++] = b >= n || (a < wholes && copy[a].score >= copy[b].score) ? copy[a++] : copy[b++];
}

fv_status fvi_merge_seams(fvi_merge_job *j)
{
    const int wholes = to_back(j, j->n, is_piece), sure = to_back(j, wholes, is_guess);
    int sure_things = 0, whole_things = 0;
    fv_status st = fvi_merge_place(j, true);
    if (st < 0) return st;
    find_owners(j, sure, wholes);
    for (int i = 0; i < j->n; i++) {
        int root = i < wholes ? j->owner[i] : root_of(j->owner, i);
        if (root == i) fvi_merge_begin(j, i);
        if (i == sure - 1) sure_things = j->n_things;
        if (i == wholes - 1) whole_things = j->n_things;
        if (root == i || root < wholes) continue; /* a whole box stays as it is */
        fvi_merge_join(j, j->thing_of[root], i);
    }
    sort_things(j, sure_things, whole_things);
    sort_things(j, whole_things, j->n_things);
    return FV_OK;
}
