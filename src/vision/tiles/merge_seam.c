/* merge_seam.c: the merge that knows where tiles end. A box that ends at a seam of its tile is a piece; the others are whole.
 *
 * Two boxes of different tiles are about one thing when the tiles agree: each box is cut to what the other tile sees, and the two parts overlap
 * enough. Of whole boxes the surer one stays as it is. A piece that agrees with a whole box is dropped; pieces that agree with each other are joined, over any number of
 * tiles. Boxes of one tile are never merged: its head has done that. */
#include "base/checked.h"
#include "vision/tiles/merge_inside.h"
#include <string.h>

#define SEAM_PART 64 /* a box ends at a seam when it ends within 1/64 of the tile's side */
#define SEAM_LEAST 3 /* pixels */

static bool is_piece(const fvi_merge_job *j, int i)
{
    const fvi_tile *t = &j->tiles[j->box[i].tile];
    const float *b = j->box[i].box;
    int mx = fvi_clamp_int(t->width / SEAM_PART, SEAM_LEAST, t->width), my = fvi_clamp_int(t->height / SEAM_PART, SEAM_LEAST, t->height);
    return ((t->seams & FVI_SEAM_LEFT) && b[0] <= (float)(t->x + mx)) || ((t->seams & FVI_SEAM_TOP) && b[1] <= (float)(t->y + my)) ||
           ((t->seams & FVI_SEAM_RIGHT) && b[2] >= (float)(t->x + t->width - mx)) || ((t->seams & FVI_SEAM_BOTTOM) && b[3] >= (float)(t->y + t->height - my));
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

/* Whole boxes [0, wholes) before pieces, each by score. Sorted in place by a stable partition. */
static int wholes_first(fvi_merge_job *j)
{
    int wholes = 0, n = 0;
    fvi_tiles_box *pieces = (fvi_tiles_box *)(void *)j->things; /* no thing is there yet, and a thing is no smaller than a box */
    for (int i = 0; i < j->n; i++) {
        if (is_piece(j, i)) {
            j->order[n] = j->from[i];
            pieces[n++] = j->box[i];
        } else {
            j->from[wholes] = j->from[i];
            j->box[wholes++] = j->box[i];
        }
    }
    memcpy(j->box + wholes, pieces, (size_t)n * sizeof *pieces);
    memcpy(j->from + wholes, j->order, (size_t)n * sizeof *j->from);
    return wholes;
}

/* owner: of a whole box itself, or the surer one; of a piece the whole box that has it, or its fellow pieces. */
static void find_owners(fvi_merge_job *j, int wholes)
{
    for (int i = 0; i < j->n; i++) {
        if (j->owner[i] >= 0 && (i < wholes || j->owner[i] < wholes)) continue; /* it is in a whole box */
        if (j->owner[i] < 0) j->owner[i] = i;
        int hits = fvi_merge_find(j, i);
        for (int h = 0; h < hits; h++) {
            int k = j->hits[h];
            if (k <= i || (j->owner[k] >= 0 && (i < wholes || j->owner[k] < wholes)) ||
                j->box[i].tile == j->box[k].tile || !fvi_merge_same_class(j, i, k))
                continue;
            if (i < wholes) {
                j->owner[k] = i;
            } else {
                if (j->owner[k] < 0) j->owner[k] = k;
                unite(j->owner, i, k);
            }
        }
    }
}

static void begin_thing(fvi_merge_job *j, int i)
{
    const fvi_tiles_box *b = &j->box[i];
    fvi_tiles_thing *t = &j->things[j->n_things];
    *t = (fvi_tiles_thing){.score = b->score, .class_id = b->class_id, .first = j->from[i], .more = -1};
    memcpy(t->box, b->box, sizeof t->box);
    j->tail[j->n_things] = -1;
    j->thing_of[i] = j->n_things++;
}

/* Things of whole boxes and of pieces are two sorted rows: they are merged into one. */
static void sort_things(fvi_merge_job *j, int wholes)
{
    fvi_tiles_thing *row = j->things, *copy = row + j->n_things; /* behind them: there are no more things than boxes, and room for two of each */
    int n = j->n_things, a = 0, b = wholes, at = 0;
    memcpy(copy, row, (size_t)n * sizeof *row);
    while (at < n) row[at++] = b >= n || (a < wholes && copy[a].score >= copy[b].score) ? copy[a++] : copy[b++];
}

fv_status fvi_merge_seams(fvi_merge_job *j)
{
    int wholes = wholes_first(j), whole_things = 0;
    fv_status st = fvi_merge_place(j, true);
    if (st < 0) return st;
    find_owners(j, wholes);
    for (int i = 0; i < j->n; i++) {
        int root = i < wholes ? j->owner[i] : root_of(j->owner, i);
        if (root == i) begin_thing(j, i);
        if (i == wholes - 1) whole_things = j->n_things;
        if (root == i || root < wholes) continue; /* a whole box stays as it is */
        fvi_tiles_thing *t = &j->things[j->thing_of[root]];
        int *tail = &j->tail[j->thing_of[root]], from = j->from[i];
        fvi_merge_grow(t->box, j->box[i].box);
        *(*tail < 0 ? &t->more : &j->next[*tail]) = from;
        j->next[from] = -1;
        *tail = from;
    }
    sort_things(j, whole_things);
    return FV_OK;
}
