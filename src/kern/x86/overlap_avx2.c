/* overlap_avx2.c: overlap.h at level avx2, eight boxes at a time. Put into the table by ../overlap_ref.c. */
#include "kern/overlap.h"
#include <immintrin.h>

#define MIN _mm256_min_ps
#define MAX _mm256_max_ps
#define SUB _mm256_sub_ps
#define MUL _mm256_mul_ps

static int find(int *out, const fvi_overlap_boxes *b, const int (*ranges)[2], int n_ranges, const fvi_overlap_query *q)
{
    const __m256 qx1 = _mm256_set1_ps(q->box[0]), qy1 = _mm256_set1_ps(q->box[1]), qx2 = _mm256_set1_ps(q->box[2]), qy2 = _mm256_set1_ps(q->box[3]);
    const __m256 sx1 = _mm256_set1_ps(q->sees[0]), sy1 = _mm256_set1_ps(q->sees[1]), sx2 = _mm256_set1_ps(q->sees[2]), sy2 = _mm256_set1_ps(q->sees[3]);
    const __m256 threshold = _mm256_set1_ps(q->threshold), zero = _mm256_setzero_ps();
    int n = 0;
    for (int r = 0, i = n_ranges ? ranges[0][0] : 0, to = n_ranges ? ranges[0][1] : 0; r < n_ranges; i += 8) {
        if (i >= to) {
            if (++r == n_ranges) break;
            i = ranges[r][0] - 8;
            to = ranges[r][1];
            continue;
        }
        __m256 x1 = _mm256_loadu_ps(b->x1 + i), y1 = _mm256_loadu_ps(b->y1 + i), x2 = _mm256_loadu_ps(b->x2 + i), y2 = _mm256_loadu_ps(b->y2 + i);
        unsigned there = to - i >= 8 ? 0xffu : (1u << (to - i)) - 1u;
        __m256 touches = _mm256_and_ps(_mm256_and_ps(_mm256_cmp_ps(x1, qx2, _CMP_LT_OQ), _mm256_cmp_ps(x2, qx1, _CMP_GT_OQ)),
                                       _mm256_and_ps(_mm256_cmp_ps(y1, qy2, _CMP_LT_OQ), _mm256_cmp_ps(y2, qy1, _CMP_GT_OQ)));
        if (!((unsigned)_mm256_movemask_ps(touches) & there)) continue; /* most squares hold nobody near */
        __m256 ax1 = MAX(qx1, _mm256_loadu_ps(b->left + i)), ay1 = MAX(qy1, _mm256_loadu_ps(b->top + i));
        __m256 ax2 = MIN(qx2, _mm256_loadu_ps(b->right + i)), ay2 = MIN(qy2, _mm256_loadu_ps(b->bottom + i));
        __m256 cx1 = MAX(x1, sx1), cy1 = MAX(y1, sy1), cx2 = MIN(x2, sx2), cy2 = MIN(y2, sy2);
        __m256 w = SUB(MIN(ax2, cx2), MAX(ax1, cx1)), h = SUB(MIN(ay2, cy2), MAX(ay1, cy1));
        __m256 inter = MUL(w, h), one = MUL(SUB(ax2, ax1), SUB(ay2, ay1)), two = MUL(SUB(cx2, cx1), SUB(cy2, cy1));
        __m256 whole = q->iou ? SUB(_mm256_add_ps(one, two), inter) : MIN(one, two);
        __m256 hit = _mm256_and_ps(_mm256_cmp_ps(w, zero, _CMP_GT_OQ), _mm256_cmp_ps(h, zero, _CMP_GT_OQ));
        hit = _mm256_and_ps(hit, _mm256_cmp_ps(whole, zero, _CMP_GT_OQ));
        hit = _mm256_and_ps(hit, _mm256_cmp_ps(_mm256_div_ps(inter, whole), threshold, _CMP_GE_OQ));
        for (unsigned bits = (unsigned)_mm256_movemask_ps(hit) & there; bits; bits &= bits - 1) out[n++] = i + __builtin_ctz(bits);
    }
    return n;
}

void fvi_overlap_init_avx2(fvi_overlap *k) { k->find = find; }
