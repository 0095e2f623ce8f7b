/* memory.c: buffers that do not live at the same time share memory: largest first, each at the lowest free place (greedy
 * by size, as Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020). */
#include "base/checked.h"
#include "model/plan/internal.h"
#include <stdlib.h>
#include <string.h>

static void touch(fvi_plan_builder *b, int buffer, int step)
{
    if (buffer < 0) return;
    fvi_plan_buffer *f = &b->buffers[buffer];
    if (step < f->first) f->first = step;
    if (step > f->last) f->last = step;
}

static void lifetimes(fvi_plan_builder *b)
{
    int end = (int)b->n_drafts;
    for (int s = 0; s < end; s++) {
        const fvi_plan_draft *d = &b->drafts[s];
        for (int i = 0; i < d->n_in; i++) touch(b, d->in_buffer[i], s);
        for (int i = 0; i < d->n_out; i++) touch(b, d->out_buffer[i], s);
        touch(b, d->residual_buffer, s);
    }
    for (int i = 0; i < b->g->n_outputs; i++) touch(b, b->value[b->g->outputs[i]->id].buffer, end);
    for (size_t i = 0; i < b->n_buffers; i++) {
        if (b->buffers[i].always) b->buffers[i].first = -1, b->buffers[i].last = end;
        if (b->observe && b->buffers[i].first <= end) b->buffers[i].last = end;
    }
}

typedef struct by_size {
    size_t bytes;
    int index;
} by_size;

static int larger_first(const void *pa, const void *pb)
{
    const by_size *a = pa, *b = pb;
    if (a->bytes != b->bytes) return a->bytes < b->bytes ? 1 : -1;
    return a->index - b->index;
}

/* Lowest offset at which `f` overlaps no placed buffer that lives at the same time. `placed` is sorted by offset. */
static size_t lowest_offset(const fvi_plan_builder *b, const int *placed, int n, const fvi_plan_buffer *f)
{
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        const fvi_plan_buffer *o = &b->buffers[placed[i]];
        if (o->last < f->first || o->first > f->last) continue;
        if (at + f->bytes <= o->offset) break;
        if (o->offset + o->bytes > at) at = o->offset + o->bytes;
    }
    return at;
}

fv_status fvi_plan_place_memory(fvi_plan_builder *b, fv_error *err)
{
    lifetimes(b);
    size_t n = b->n_buffers, total = 0;
    by_size *list = fvi_calloc(n + 1, sizeof *list);
    int *placed = fvi_calloc(n + 1, sizeof *placed);
    if (!list || !placed) {
        fvi_free(list);
        fvi_free(placed);
        return fvi_error_set(err, FV_ERR_MEMORY, "out of memory while planning");
    }
    for (size_t i = 0; i < n; i++) {
        b->buffers[i].bytes = fvi_round_up(b->buffers[i].bytes + FVI_PAD, FVI_ALIGN);
        list[i] = (by_size){b->buffers[i].bytes, (int)i};
    }
    qsort(list, n, sizeof *list, larger_first);
    int count = 0;
    for (size_t i = 0; i < n; i++) {
        fvi_plan_buffer *f = &b->buffers[list[i].index];
        if (f->last < f->first) continue; /* nobody uses it */
        f->offset = lowest_offset(b, placed, count, f);
        if (!fvi_add_size(f->offset, f->bytes, &(size_t){0})) total = SIZE_MAX;
        if (total != SIZE_MAX && f->offset + f->bytes > total) total = f->offset + f->bytes;
        int k = count++;
        for (; k > 0 && b->buffers[placed[k - 1]].offset > f->offset; k--) placed[k] = placed[k - 1];
        placed[k] = list[i].index;
    }
    fvi_free(list);
    fvi_free(placed);
    if (b->plan->memory_lent)
        return total == b->plan->memory_bytes ? FV_OK : fvi_error_set(err, FV_ERR_UNSUPPORTED, "the plan needs %zu bytes, the one whose memory it shall share %zu", total, b->plan->memory_bytes);
    b->plan->memory_bytes = total;
    b->plan->memory = total > (SIZE_MAX >> 1) ? NULL : fvi_pages_alloc(total);
    if (!b->plan->memory)
        return fvi_error_set(err, FV_ERR_MEMORY, "the model needs %zu MB for its activations and they cannot be had", total >> 20);
    return FV_OK;
}
