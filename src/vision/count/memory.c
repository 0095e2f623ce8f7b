/* memory.c: what is remembered of every track: found by id, walked in order of id, slots used again. Called by count.c. */
#include "base/alloc.h"
#include "vision/count/counter.h"
#include <string.h>

/* Position in `order` of the first track whose id is not below. */
static size_t position(const fv_counter *c, int id)
{
    size_t lo = 0, hi = c->n_order;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (c->slots[c->order[mid]]->id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

fvi_track_memory *fvi_track_find(const fv_counter *c, int id)
{
    size_t at = position(c, id);
    if (at == c->n_order) return NULL;
    fvi_track_memory *t = c->slots[c->order[at]];
    return t->id == id ? t : NULL;
}

/* One block: the track, then its line states, then its zone states. */
static fvi_track_memory *make_slot(const fv_counter *c)
{
    size_t zones = sizeof(fvi_zone_state) * (size_t)c->n_zones, lines = sizeof(fvi_line_state) * (size_t)c->n_lines;
    fvi_track_memory *t = fvi_calloc(1, sizeof *t + zones + lines);
    if (!t) return NULL;
    t->zones = (fvi_zone_state *)(t + 1);
    t->lines = (fvi_line_state *)(t->zones + c->n_zones);
    return t;
}

/* `order` holds every slot: those in use sorted by id, then the free ones. */
static bool have_free_slot(fv_counter *c)
{
    if (c->n_order < c->n_slots) return true;
    if (!fvi_grow((void **)&c->slots, c->n_slots, &c->cap_slots, sizeof(fvi_track_memory *)) ||
        !fvi_grow((void **)&c->order, c->n_slots, &c->cap_order, sizeof *c->order))
        return false;
    fvi_track_memory *t = make_slot(c);
    if (!t) return false;
    c->slots[c->n_slots] = t;
    c->order[c->n_order] = (int)c->n_slots++;
    return true;
}

static void clear_slot(const fv_counter *c, fvi_track_memory *t)
{
    fvi_line_state *lines = t->lines;
    fvi_zone_state *zones = t->zones;
    memset(lines, 0, sizeof *lines * (size_t)c->n_lines);
    memset(zones, 0, sizeof *zones * (size_t)c->n_zones);
    *t = (fvi_track_memory){.lines = lines, .zones = zones};
}

fvi_track_memory *fvi_track_get(fv_counter *c, int id)
{
    fvi_track_memory *t = fvi_track_find(c, id);
    if (t) return t;
    if (!have_free_slot(c)) return NULL;
    size_t at = position(c, id);
    int slot = c->order[c->n_order];
    memmove(c->order + at + 1, c->order + at, sizeof *c->order * (c->n_order - at));
    c->order[at] = slot;
    c->n_order++;
    t = c->slots[slot];
    clear_slot(c, t);
    t->id = id;
    return t;
}

void fvi_tracks_drop(fv_counter *c, bool (*gone)(const fv_counter *c, const fvi_track_memory *t))
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_order; i++) {
        int slot = c->order[i];
        if (gone(c, c->slots[slot])) continue;
        c->order[i] = c->order[n];
        c->order[n++] = slot;
    }
    c->n_order = n;
}

/* A few classes are enough: when a fifth comes, it takes the place of the rarest and inherits its votes, so that a
 * frequent class cannot be pushed out by a stream of rare ones. */
void fvi_track_vote(fvi_track_memory *t, int class_id)
{
    int rarest = 0;
    for (int i = 0; i < FVI_CLASS_VOTES; i++) {
        if (t->vote[i].votes && t->vote[i].class_id == class_id) {
            t->vote[i].votes++;
            return;
        }
        if (t->vote[i].votes < t->vote[rarest].votes) rarest = i;
    }
    t->vote[rarest].class_id = class_id;
    t->vote[rarest].votes++;
}

int fvi_track_class(const fvi_track_memory *t)
{
    int best = 0;
    for (int i = 1; i < FVI_CLASS_VOTES; i++) {
        bool latest = t->vote[i].votes == t->vote[best].votes && t->vote[i].class_id == t->last.class_id;
        if (t->vote[i].votes > t->vote[best].votes || (latest && t->vote[i].votes)) best = i;
    }
    return t->vote[best].class_id;
}

void fvi_tracks_free(fv_counter *c)
{
    for (size_t i = 0; i < c->n_slots; i++) fvi_free(c->slots[i]);
    fvi_free(c->slots);
    fvi_free(c->order);
}
