/* overlap_avx512.c: overlap.h at level avx512, sixteen boxes at a time. Put into the table by ../overlap_ref.c. */
#include "kern/overlap.h"
#include <immintrin.h>

#define MIN _mm512_min_ps
#define MAX _mm512_max_ps
#define SUB _mm512_sub_ps
#define MUL _mm512_mul_ps

static int find(int *out, const fvi_overlap_boxes *b, const int (*ranges)[2], int n_ranges, const fvi_overlap_query *q)
{
    const __m512 qx1 = _mm512_set1_ps(q->box[0]), qy1 = _mm512_set1_ps(q->box[1]), qx2 = _mm512_set1_ps(q->box[2]), qy2 = _mm512_set1_ps(q->box[3]);
    const __m512 sx1 = _mm512_set1_ps(q->sees[0]), sy1 = _mm512_set1_ps(q->sees[1]), sx2 = _mm512_set1_ps(q->sees[2]), sy2 = _mm512_set1_ps(q->sees[3]);
    const __m512 threshold = _mm512_set1_ps(q->threshold), zero = _mm512_setzero_ps();
    int n = 0;
    for (int r = 0, i = n_ranges ? ranges[0][0] : 0, to = n_ranges ? ranges[0][1] : 0; r < n_ranges; i += 16) {
        if (i >= to) {
            if (++r == n_ranges) break;
            i = ranges[r][0] - 16;
            to = ranges[r][1];
            continue;
        }
        const __mmask16 there = (__mmask16)(to - i >= 16 ? 0xffffu : (1u << (to - i)) - 1u);
        __m512 x1 = _mm512_maskz_loadu_ps(there, b->x1 + i), y1 = _mm512_maskz_loadu_ps(there, b->y1 + i);
        __m512 x2 = _mm512_maskz_loadu_ps(there, b->x2 + i), y2 = _mm512_maskz_loadu_ps(there, b->y2 + i);
        __mmask16 hit = _mm512_cmp_ps_mask(x1, qx2, _CMP_LT_OQ) & _mm512_cmp_ps_mask(x2, qx1, _CMP_GT_OQ) & _mm512_cmp_ps_mask(y1, qy2, _CMP_LT_OQ) &
                        _mm512_cmp_ps_mask(y2, qy1, _CMP_GT_OQ) & there;
        if (!hit) continue; /* most squares hold nobody near */
        __m512 ax1 = MAX(qx1, _mm512_maskz_loadu_ps(there, b->left + i)), ay1 = MAX(qy1, _mm512_maskz_loadu_ps(there, b->top + i));
        __m512 ax2 = MIN(qx2, _mm512_maskz_loadu_ps(there, b->right + i)), ay2 = MIN(qy2, _mm512_maskz_loadu_ps(there, b->bottom + i));
        __m512 cx1 = MAX(x1, sx1), cy1 = MAX(y1, sy1), cx2 = MIN(x2, sx2), cy2 = MIN(y2, sy2);
        __m512 w = SUB(MIN(ax2, cx2), MAX(ax1, cx1)), h = SUB(MIN(ay2, cy2), MAX(ay1, cy1));
        __m512 inter = MUL(w, h), one = MUL(SUB(ax2, ax1), SUB(ay2, ay1)), two = MUL(SUB(cx2, cx1), SUB(cy2, cy1));
        __m512 whole = q->iou ? SUB(_mm512_add_ps(one, two), inter) : MIN(one, two);
        hit &= _mm512_cmp_ps_mask(w, zero, _CMP_GT_OQ) & _mm512_cmp_ps_mask(h, zero, _CMP_GT_OQ) & _mm512_cmp_ps_mask(whole, zero, _CMP_GT_OQ);
        hit &= _mm512_cmp_ps_mask(_mm512_div_ps(inter, whole), threshold, _CMP_GE_OQ);
        for (unsigned bits = hit; bits; bits &= bits - 1) out[n++] = i + __builtin_ctz(bits);
    }
    return n;
}

void fvi_overlap_init_avx512(fvi_overlap *k) { k->find = find; }
