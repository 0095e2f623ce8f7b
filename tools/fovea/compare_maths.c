/* compare_maths.c: two tensors of one shape -> how much they differ. Called by verb_compare.c. */
#include "compare.h"
#include <math.h>
#include <string.h>

static double half(uint16_t h)
{
    int e = h >> 10 & 31, m = h & 1023;
    double v = e == 0 ? ldexp(m, -24) : e == 31 ? (m ? (double)NAN : (double)INFINITY) : ldexp(m + 1024, e - 25);
    return h & 0x8000 ? -v : v;
}

static double bfloat(uint16_t h)
{
    uint32_t u = (uint32_t)h << 16;
    float f;
    memcpy(&f, &u, 4);
    return (double)f;
}

static double element(const fv_tensor *t, int64_t i)
{
    switch (t->dtype) {
    case FV_F32: return (double)((const float *)t->data)[i];
    case FV_F64: return ((const double *)t->data)[i];
    case FV_F16: return half(((const uint16_t *)t->data)[i]);
    case FV_BF16: return bfloat(((const uint16_t *)t->data)[i]);
    case FV_I8: return ((const int8_t *)t->data)[i];
    case FV_U8:
    case FV_BOOL: return ((const uint8_t *)t->data)[i];
    case FV_I16: return ((const int16_t *)t->data)[i];
    case FV_U16: return ((const uint16_t *)t->data)[i];
    case FV_I32: return ((const int32_t *)t->data)[i];
    case FV_U32: return ((const uint32_t *)t->data)[i];
    case FV_I64: return (double)((const int64_t *)t->data)[i];
    case FV_U64: return (double)((const uint64_t *)t->data)[i];
    default: return 0;
    }
}

static bool same_shape(const fv_tensor *a, const fv_tensor *b)
{
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i]) return false;
    return true;
}

void difference_of(difference *d, const fv_tensor *a, const fv_tensor *b)
{
    double peak = 0, aa = 0, bb = 0, ab = 0, noise = 0;
    *d = (difference){.count = fv_tensor_count(a), .cosine = 1, .sqnr_db = INFINITY};
    if (!same_shape(a, b)) {
        d->shapes_differ = true;
        d->max_abs = d->max_rel = INFINITY;
        d->cosine = 0;
        d->sqnr_db = -INFINITY;
        return;
    }
    for (int64_t i = 0; i < d->count; i++) {
        double x = element(a, i), y = element(b, i);
        d->nan_a += isnan(x);
        d->nan_b += isnan(y);
        d->inf_a += isinf(x) != 0;
        d->inf_b += isinf(y) != 0;
        if (!isfinite(x) || !isfinite(y)) {
            if (!(isnan(x) && isnan(y)) && x != y) d->odd++;
            continue;
        }
        double diff = fabs(x - y);
        if (diff > d->max_abs) d->max_abs = diff;
        if (fabs(x) > peak) peak = fabs(x);
        aa += x * x;
        bb += y * y;
        ab += x * y;
        noise += diff * diff;
    }
    d->max_rel = d->max_abs == 0 ? 0 : peak > 0 ? d->max_abs / peak : INFINITY;
    if (d->odd) {
        d->max_abs = d->max_rel = INFINITY;
        d->cosine = 0;
        d->sqnr_db = -INFINITY;
    } else if (noise > 0) {
        d->cosine = aa > 0 && bb > 0 ? ab / sqrt(aa) / sqrt(bb) : 0;
        d->sqnr_db = aa > 0 ? 10 * log10(aa / noise) : -INFINITY;
    }
}

bool difference_exceeds(const difference *d, double tolerance) { return d->shapes_differ || d->odd || d->max_rel > tolerance; }

bool difference_worse(const difference *x, const difference *y)
{
    if (x->shapes_differ != y->shapes_differ) return x->shapes_differ;
    if ((x->odd > 0) != (y->odd > 0)) return x->odd > 0;
    return x->max_rel > y->max_rel;
}
