/* overlap_ref.c: the C version of overlap.h, and its table. Used by vision/tiles. */
#include "kern/overlap.h"

static float least(float a, float b) { return a < b ? a : b; }
static float most(float a, float b) { return a > b ? a : b; }

int fvi_overlap_pair(const fvi_overlap_query *q, const float box[4], const float sees[4])
{
    /* a: the query's box as the other's tile sees it; c: the other as the query's tile sees it */
    float ax1 = most(q->box[0], sees[0]), ay1 = most(q->box[1], sees[1]), ax2 = least(q->box[2], sees[2]), ay2 = least(q->box[3], sees[3]);
    float cx1 = most(box[0], q->sees[0]), cy1 = most(box[1], q->sees[1]), cx2 = least(box[2], q->sees[2]), cy2 = least(box[3], q->sees[3]);
    float w = least(ax2, cx2) - most(ax1, cx1), h = least(ay2, cy2) - most(ay1, cy1);
    if (!(w > 0) || !(h > 0)) return 0;
    float inter = w * h, one = (ax2 - ax1) * (ay2 - ay1), two = (cx2 - cx1) * (cy2 - cy1), whole = q->iou ? one + two - inter : least(one, two);
    return whole > 0 && inter / whole >= q->threshold;
}

static int in_range(int *out, const fvi_overlap_boxes *b, int from, int to, const fvi_overlap_query *q)
{
    int n = 0;
    for (int i = from; i < to; i++) {
        const float box[4] = {b->x1[i], b->y1[i], b->x2[i], b->y2[i]}, sees[4] = {b->left[i], b->top[i], b->right[i], b->bottom[i]};
        if (fvi_overlap_pair(q, box, sees)) out[n++] = i;
    }
    return n;
}

static int find(int *out, const fvi_overlap_boxes *b, const int (*ranges)[2], int n_ranges, const fvi_overlap_query *q)
{
    int n = 0;
    for (int r = 0; r < n_ranges; r++) n += in_range(out + n, b, ranges[r][0], ranges[r][1], q);
    return n;
}

void fvi_overlap_init(fvi_overlap *k, fvi_cpu_flags flags)
{
    k->find = find;
#ifdef FVI_X86
    if (flags & FVI_CPU_AVX2) fvi_overlap_init_avx2(k);
    if (flags & FVI_CPU_AVX512) fvi_overlap_init_avx512(k);
#else
    (void)flags;
#endif
}
