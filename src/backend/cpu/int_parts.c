/* int_parts.c: see int_parts.h. Used by op_conv_int.c and op_matmul_int.c. */
#include "backend/cpu/int_parts.h"
#include "kern/elementwise.h"
#include <math.h>
#include <string.h>

static double column_sum(const fvi_int_weights *w, int64_t o, int64_t k)
{
    double sum = 0;
    const float *p = w->w + o * w->output_stride + k * w->summed_stride;
    for (int64_t i = 0; i < w->inner; i++) sum += fabs((double)p[i * w->inner_stride]);
    return sum * FVI_INT_BYTE;
}

int64_t fvi_int_part_end(const fvi_int_weights *w, int64_t from, double *sums)
{
    if (!w->w) {
        int64_t most = FVI_INT_MOST / ((int64_t)FVI_INT_BYTE * FVI_INT_BYTE * w->inner);
        return most < 1 ? 0 : from + most < w->summed ? from + most : w->summed;
    }
    memset(sums, 0, (size_t)w->outputs * sizeof *sums);
    for (int64_t k = from; k < w->summed; k++)
        for (int64_t o = 0; o < w->outputs; o++)
            if ((sums[o] += column_sum(w, o, k)) > FVI_INT_MOST) return k > from ? k : 0;
    return w->summed;
}

#define LOAD(T)                                                                                                        \
    {                                                                                                                  \
        const T *p = (const T *)(const void *)x;                                                                       \
        if (stride == 1)                                                                                               \
            for (int64_t i = 0; i < n; i++) y[i] = (float)p[i] - zero;                                                 \
        else                                                                                                           \
            for (int64_t i = 0; i < n; i++) y[i] = (float)p[i * stride] - zero;                                        \
    }
void fvi_int_load(float *y, const char *x, bool is_signed, int64_t stride, float zero, int64_t n)
{
    if (is_signed)
        LOAD(int8_t)
    else
        LOAD(uint8_t)
}

float fvi_int_at(const fvi_tensor *t, int64_t i)
{
    float f;
    if (t->dtype == FV_NONE) return 0;
    int64_t stride = t->rank > 0 && fvi_tensor_count(t) > 1 ? t->stride[0] : 0;
    fvi_convert(FV_F32, t->dtype)(&f, t->data + i * stride * (int64_t)fv_dtype_size(t->dtype), 1);
    return f;
}
