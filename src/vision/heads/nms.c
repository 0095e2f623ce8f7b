/* nms.c: candidate boxes -> the boxes that are reported: greedy non-maximum suppression, bit-equal to
 * torchvision.ops.nms on boxes moved apart by class * 7680. Called by every head that needs NMS.
 *
 * A heap instead of a sort: nothing after the max_det-th kept box is ever ordered, and no memory is needed. The heap
 * shrinks from the right; the kept boxes fill the freed places from the right end. */
#include "vision/heads/heads.h"

#define CLASS_OFFSET 7680.0f

/* Strict total order: higher score first, then lower index, then lower class. */
static bool before(const fvi_candidate *a, const fvi_candidate *b)
{
    if (a->score != b->score) return a->score > b->score;
    return a->index != b->index ? a->index < b->index : a->class_id < b->class_id;
}

static void sift(fvi_candidate *heap, int n, int at)
{
    fvi_candidate moved = heap[at];
    for (;;) {
        int child = 2 * at + 1;
        if (child >= n) break;
        if (child + 1 < n && before(&heap[child + 1], &heap[child])) child++;
        if (!before(&heap[child], &moved)) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

/* The offset is added in float, as the reference does: for high classes it rounds the box to 1/16 pixel. */
typedef struct box {
    float x1, y1, x2, y2, area;
} box;

static box offset_box(const fvi_candidate *c, float step)
{
    float o = (float)c->class_id * step;
    box b = {c->box[0] + o, c->box[1] + o, c->box[2] + o, c->box[3] + o, 0};
    b.area = (b.x2 - b.x1) * (b.y2 - b.y1);
    return b;
}

static bool overlaps(const box *a, const box *b, float iou)
{
    float x1 = a->x1 > b->x1 ? a->x1 : b->x1, y1 = a->y1 > b->y1 ? a->y1 : b->y1;
    float x2 = a->x2 < b->x2 ? a->x2 : b->x2, y2 = a->y2 < b->y2 ? a->y2 : b->y2;
    float w = x2 - x1, h = y2 - y1;
    if (!(w > 0) || !(h > 0)) return 0 > iou;
    float inter = w * h;
    return inter / (a->area + b->area - inter) > iou;
}

int fvi_nms(fvi_candidate *c, int n, float iou, bool agnostic, int max_det)
{
    float step = agnostic ? 0.0f : CLASS_OFFSET;
    for (int i = n / 2 - 1; i >= 0; i--) sift(c, n, i);
    int kept = 0;
    for (int heap = n, popped = 0; heap > 0 && kept < max_det && popped < FVI_NMS_MAX; popped++) {
        fvi_candidate top = c[0];
        c[0] = c[--heap];
        if (heap > 1) sift(c, heap, 0);
        box b = offset_box(&top, step);
        bool suppressed = false;
        for (int k = 0; k < kept && !suppressed; k++) {
            const fvi_candidate *other = &c[n - 1 - k];
            if (!agnostic && other->class_id != top.class_id) continue;
            box o = offset_box(other, step);
            suppressed = overlaps(&o, &b, iou);
        }
        if (!suppressed) c[n - 1 - kept++] = top;
    }
    /* kept boxes lie best-last at the right end: bring them to the front, best first */
    for (int i = 0, j = n - 1; i < j; i++, j--) {
        fvi_candidate swap = c[i];
        c[i] = c[j];
        c[j] = swap;
    }
    return kept;
}

/* Quickselect: halves are narrowed around the last place that stays. */
float fvi_nms_best(fvi_candidate *c, int n)
{
    for (int lo = 0, hi = n - 1, want = FVI_NMS_MAX - 1; lo < hi;) {
        fvi_candidate pivot = c[lo + (hi - lo) / 2];
        int i = lo, j = hi;
        while (i <= j) {
            while (before(&c[i], &pivot)) i++;
            while (before(&pivot, &c[j])) j--;
            if (i > j) break;
            fvi_candidate swap = c[i];
            c[i++] = c[j];
            c[j--] = swap;
        }
        if (want <= j)
            hi = j;
        else if (want >= i)
            lo = i;
        else
            break;
    }
    float worst = c[0].score;
    for (int i = 1; i < FVI_NMS_MAX; i++) worst = c[i].score < worst ? c[i].score : worst;
    return worst;
}
