/* softmax_vec.h: softmax written on `vf`; compiled once a level by softmax_avx2.c and softmax_avx512.c. */
#include "kern/softmax.h"
#include "kern/x86/vmath.h"

/* e^(x - max) for x <= max; far below it is 0, NaN stays NaN. */
static inline vf exp_below(vf x, vf max)
{
    vf d = vf_sub(max, x), scale, p = vf_exp_neg(vf_min(vf_set(87.0f), d), &scale);
    return vf_select(vf_gt(d, vf_set(87.0f)), vf_set(0.0f), vf_mul(scale, p));
}

static void row(float *y, const float *x, size_t n)
{
    const vf low = vf_set(-__builtin_inff());
    size_t whole = n / VF_W * VF_W, i;
    vf m = low;
    for (i = 0; i < whole; i += VF_W) m = vf_max(vf_load(x + i), m);
    if (whole < n) m = vf_max(vf_keep_n(vf_load_n(x + whole, n - whole), n - whole, low), m);
    vf max = vf_set(vf_hmax(m)), sum = vf_set(0.0f);
    for (i = 0; i < whole; i += VF_W) {
        vf e = exp_below(vf_load(x + i), max);
        vf_store(y + i, e);
        sum = vf_add(sum, e);
    }
    if (whole < n) {
        vf e = vf_keep_n(exp_below(vf_load_n(x + whole, n - whole), max), n - whole, vf_set(0.0f));
        vf_store_n(y + whole, e, n - whole);
        sum = vf_add(sum, e);
    }
    vf scale = vf_set(1.0f / vf_sum(sum));
    for (i = 0; i < whole; i += VF_W) vf_store(y + i, vf_mul(vf_load(y + i), scale));
    if (whole < n) vf_store_n(y + whole, vf_mul(vf_load_n(y + whole, n - whole), scale), n - whole);
}

static void rows_v(float *y, ptrdiff_t ldy, const float *x, ptrdiff_t ldx, size_t rows, size_t n)
{
    for (size_t r = 0; r < rows; r++) row(y + (ptrdiff_t)r * ldy, x + (ptrdiff_t)r * ldx, n);
}

/* w columns, at most one vector */
static inline void column_block(float *y, ptrdiff_t ldy, const float *x, ptrdiff_t ldx, size_t n, size_t w)
{
    vf max = vf_set(-__builtin_inff()), sum = vf_set(0.0f);
    const float *xp = x;
    float *yp = y;
    for (size_t i = 0; i < n; i++, xp += ldx) max = vf_max(w == VF_W ? vf_load(xp) : vf_load_n(xp, w), max);
    xp = x;
    for (size_t i = 0; i < n; i++, xp += ldx, yp += ldy) {
        vf e = exp_below(w == VF_W ? vf_load(xp) : vf_load_n(xp, w), max);
        sum = vf_add(sum, e);
        if (w == VF_W)
            vf_store(yp, e);
        else
            vf_store_n(yp, e, w);
    }
    vf scale = vf_div(vf_set(1.0f), sum);
    yp = y;
    for (size_t i = 0; i < n; i++, yp += ldy) {
        if (w == VF_W)
            vf_store(yp, vf_mul(vf_load(yp), scale));
        else
            vf_store_n(yp, vf_mul(vf_load_n(yp, w), scale), w);
    }
}

static void columns_v(float *y, ptrdiff_t ldy, const float *x, ptrdiff_t ldx, size_t n, size_t m)
{
    size_t c = 0;
    for (; c + VF_W <= m; c += VF_W) column_block(y + c, ldy, x + c, ldx, n, VF_W);
    if (c < m) column_block(y + c, ldy, x + c, ldx, n, m - c);
}

static inline __attribute__((always_inline)) float mean_of_row(const float *x, const float *w, size_t n)
{
    const vf low = vf_set(-__builtin_inff());
    const size_t whole = n / VF_W * VF_W;
    vf m = low, sum = vf_set(0.0f), all = sum;
    for (size_t i = 0; i < whole; i += VF_W) m = vf_max(vf_load(x + i), m);
    if (whole < n) m = vf_max(vf_keep_n(vf_load_n(x + whole, n - whole), n - whole, low), m);
    const vf max = vf_set(vf_hmax(m));
    for (size_t i = 0; i < whole; i += VF_W) {
        const vf e = exp_below(vf_load(x + i), max);
        sum = vf_add(sum, e);
        all = vf_fma(e, vf_load(w + i), all);
    }
    if (whole < n) {
        const vf e = vf_keep_n(exp_below(vf_load_n(x + whole, n - whole), max), n - whole, vf_set(0.0f));
        sum = vf_add(sum, e);
        all = vf_fma(e, vf_load_n(w + whole, n - whole), all);
    }
    return vf_sum(all) / vf_sum(sum);
}

static void row_means_v(float *y, ptrdiff_t sy, const float *x, ptrdiff_t ldx, const float *w, size_t rows, size_t n)
{
    if (n == 16) /* as many bins as detectors have: no loops inside */
        for (size_t r = 0; r < rows; r++) y[(ptrdiff_t)r * sy] = mean_of_row(x + (ptrdiff_t)r * ldx, w, 16);
    else
        for (size_t r = 0; r < rows; r++) y[(ptrdiff_t)r * sy] = mean_of_row(x + (ptrdiff_t)r * ldx, w, n);
}

static inline vf column_mean(const float *x, ptrdiff_t ldx, const float *w, size_t n, size_t width)
{
    vf max = vf_set(-__builtin_inff()), sum = vf_set(0.0f), all = sum;
    const float *p = x;
    for (size_t i = 0; i < n; i++, p += ldx) max = vf_max(width == VF_W ? vf_load(p) : vf_load_n(p, width), max);
    p = x;
    for (size_t i = 0; i < n; i++, p += ldx) {
        const vf e = exp_below(width == VF_W ? vf_load(p) : vf_load_n(p, width), max);
        sum = vf_add(sum, e);
        all = vf_fma(e, vf_set(w[i]), all);
    }
    return vf_div(all, sum);
}

static void column_means_v(float *y, const float *x, ptrdiff_t ldx, const float *w, size_t n, size_t m)
{
    size_t c = 0;
    for (; c + VF_W <= m; c += VF_W) vf_store(y + c, column_mean(x + c, ldx, w, n, VF_W));
    if (c < m) vf_store_n(y + c, column_mean(x + c, ldx, w, n, m - c), m - c);
}

void VF_NAME(fvi_softmax_init)(fvi_softmax *k)
{
    k->rows = rows_v;
    k->columns = columns_v;
    k->row_means = row_means_v;
    k->column_means = column_means_v;
}
