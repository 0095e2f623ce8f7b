/* lookup.c: tensors made by looking every output index up in a table a dimension: Pad by reflection, nearest resizing in
 * odd layouts. Any type, any strides. */
#include "backend/cpu/loop.h"
#include "backend/cpu/step.h"
#include <string.h>

#define ROW(T)                                                                                                         \
    {                                                                                                                  \
        T *d = (T *)(void *)y;                                                                                         \
        const T *src = (const T *)(const void *)x;                                                                     \
        T other;                                                                                                       \
        memcpy(&other, &l->outside, sizeof other);                                                                     \
        for (int64_t i = 0; i < n; i++) d[i * ys] = outside || index[i] < 0 ? other : src[index[i] * xs];              \
        return;                                                                                                        \
    }
static void row(const fvi_lookup *l, char *y, int64_t ys, const char *x, int64_t xs, const int64_t *index, int64_t n, bool outside, size_t size)
{
    switch (size) {
    case 1: ROW(uint8_t)
    case 2: ROW(uint16_t)
    case 4: ROW(uint32_t)
    default: ROW(uint64_t)
    }
}

static int64_t row_count(const fvi_tensor *y)
{
    int64_t rows = 1;
    for (int i = 0; i < y->rank - 1; i++) rows *= y->dim[i];
    return rows;
}

static void chunk(void *arg, int c, int thread)
{
    fvi_step *s = arg;
    const fvi_lookup *l = s->state;
    const fvi_tensor *y = &s->out[0], *x = &s->in[0];
    size_t size = fv_dtype_size(y->dtype);
    int64_t es = (int64_t)size, rows = row_count(y);
    int last = y->rank - 1;
    (void)thread;
    for (int64_t r = rows * c / l->chunks; r < rows * (c + 1) / l->chunks; r++) {
        int64_t rest = r, to = 0, from = 0;
        bool outside = false;
        for (int i = last - 1; i >= 0; i--) {
            int64_t at = rest % y->dim[i], index = l->index[i][at];
            to += at * y->stride[i];
            outside = outside || index < 0;
            from += index * x->stride[i];
            rest /= y->dim[i];
        }
        row(l, y->data + to * es, y->stride[last], x->data + (outside ? 0 : from) * es, x->stride[last], l->index[last], y->dim[last], outside, size);
    }
}

static void run(fvi_step *s)
{
    fvi_lookup *l = s->state;
    if (l->chunks == 1)
        chunk(s, 0, 0);
    else
        fvi_pool_run(s->env->pool, chunk, s, l->chunks);
}

fv_status fvi_cpu_new_lookup(fvi_step *s, fvi_lookup **out, fv_error *err)
{
    const fvi_tensor *y = &s->out[0];
    int64_t total = 0;
    if (y->rank < 1 || y->rank != s->in[0].rank) return fvi_error_set(err, FV_ERR_SHAPE, "input and output differ in rank");
    for (int i = 0; i < y->rank; i++) total += y->dim[i];
    FVI_TRY(fvi_cpu_new_state(s, sizeof(fvi_lookup) + (size_t)total * sizeof(int64_t), err));
    fvi_lookup *l = s->state;
    int64_t *next = (int64_t *)(void *)(l + 1);
    for (int i = 0; i < y->rank; i++) {
        l->index[i] = next;
        next += y->dim[i];
    }
    l->chunks = fvi_chunks_for((double)fvi_tensor_count(y), row_count(y));
    s->run = run;
    s->tactic = "lookup";
    *out = l;
    return FV_OK;
}
