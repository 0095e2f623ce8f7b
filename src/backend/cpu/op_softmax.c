/* op_softmax.c: Softmax over any axis and strides; up to opset 12 over all dims from `axis` on. Turns scores into
 * probabilities: rows or columns by kern/softmax, what is left through a gathered row. */
#include "backend/cpu/fold_dims.h"
#include "backend/cpu/loop.h"
#include "kern/softmax.h"
#include <math.h>

typedef struct softmax_state {
    fvi_fold f;
    fvi_softmax kern;
    enum { ROWS, COLUMNS, GATHER, DOUBLES } way;
    int chunks;
    int64_t unit;  /* kept elements that a chunk boundary may not split: columns of one block */
    float *scratch; /* a row a thread */
} softmax_state;

/* Kept elements [lo, hi), all in one line of the innermost kept dim. */
static void piece(const softmax_state *m, int64_t lo, int64_t n, float *scratch)
{
    const fvi_fold *f = &m->f;
    const fvi_tensor *ky = &f->kept[0], *kx = &f->kept[1], *gy = &f->gone[0], *gx = &f->gone[1];
    float *y = (float *)(void *)ky->data + fvi_flat_offset(ky, lo);
    const float *x = (const float *)(const void *)kx->data + fvi_flat_offset(kx, lo);
    int last = ky->rank - 1;
    if (m->way == ROWS) {
        m->kern.rows(y, ky->stride[last], x, kx->stride[last], (size_t)n, (size_t)f->size);
        return;
    }
    if (m->way == COLUMNS) {
        m->kern.columns(y, gy->stride[0], x, gx->stride[0], (size_t)f->size, (size_t)n);
        return;
    }
    for (int64_t i = 0; i < n; i++, y += ky->stride[last], x += kx->stride[last]) {
        for (int64_t k = 0; k < f->size; k++) scratch[k] = x[fvi_flat_offset(gx, k)];
        m->kern.rows(scratch, 0, scratch, 0, 1, (size_t)f->size);
        for (int64_t k = 0; k < f->size; k++) y[fvi_flat_offset(gy, k)] = scratch[k];
    }
}

static void double_row(const softmax_state *m, int64_t i)
{
    const fvi_fold *f = &m->f;
    double *y = (double *)(void *)f->kept[0].data + fvi_flat_offset(&f->kept[0], i), max = -(double)INFINITY, sum = 0;
    const double *x = (const double *)(const void *)f->kept[1].data + fvi_flat_offset(&f->kept[1], i);
    for (int64_t k = 0; k < f->size; k++) max = fmax(max, x[fvi_flat_offset(&f->gone[1], k)]);
    for (int64_t k = 0; k < f->size; k++) {
        double e = exp(x[fvi_flat_offset(&f->gone[1], k)] - max);
        y[fvi_flat_offset(&f->gone[0], k)] = e;
        sum += e;
    }
    for (int64_t k = 0; k < f->size; k++) y[fvi_flat_offset(&f->gone[0], k)] /= sum;
}

static void chunk(void *arg, int c, int thread)
{
    const softmax_state *m = arg;
    int64_t units = (m->f.count + m->unit - 1) / m->unit, inner = m->f.kept[0].dim[m->f.kept[0].rank - 1];
    int64_t lo = units * c / m->chunks * m->unit, hi = units * (c + 1) / m->chunks * m->unit;
    hi = hi < m->f.count ? hi : m->f.count;
    while (lo < hi) {
        int64_t room = inner - lo % inner, n = hi - lo;
        n = n < room ? n : room;
        if (m->way == COLUMNS && n > m->unit) n = m->unit;
        if (m->way == DOUBLES)
            for (int64_t i = 0; i < n; i++) double_row(m, lo + i);
        else
            piece(m, lo, n, m->scratch ? m->scratch + (size_t)thread * (size_t)(m->f.size + 16) : NULL);
        lo += n;
    }
}

static void run(fvi_step *s)
{
    softmax_state *m = s->state;
    if (m->f.count == 0 || m->f.size == 0) return;
    if (m->chunks == 1)
        chunk(m, 0, 0);
    else
        fvi_pool_run(s->env->pool, chunk, m, m->chunks);
}

static void release(fvi_step *s)
{
    softmax_state *m = s->state;
    if (m) fvi_free(m->scratch);
    fvi_free(m);
}

fv_status fvi_cpu_prepare_softmax(fvi_step *s, fv_error *err)
{
    bool flat = s->node->opset < 13;
    int rank = s->in[0].rank;
    int64_t axis = fvi_node_int(s->node, "axis", flat ? 1 : -1);
    FVI_TRY(fvi_cpu_need_type(s->in[0].dtype, FVI_TYPES_FLOAT, err));
    if (!(flat && axis == rank) && !fvi_cpu_axis(&axis, rank)) return fvi_error_set(err, FV_ERR_MODEL, "axis is out of range");
    uint32_t axes = flat ? ((1u << rank) - 1) & ~((1u << axis) - 1) : 1u << axis;
    FVI_TRY(fvi_cpu_new_state(s, sizeof(softmax_state), err));
    softmax_state *m = s->state;
    s->release = release;
    FVI_TRY(fvi_fold_dims(&m->f, &s->out[0], &s->in[0], axes, false, err));
    fvi_softmax_init(&m->kern, s->env->cpu);
    const fvi_tensor *k = m->f.kept, *g = m->f.gone;
    int last = k[0].rank - 1;
    bool line = g[0].rank == 1;
    m->unit = 1;
    if (s->in[0].dtype == FV_F64) {
        m->way = DOUBLES;
    } else if (line && g[0].stride[0] == 1 && g[1].stride[0] == 1) {
        m->way = ROWS;
    } else if (line && k[0].stride[last] == 1 && k[1].stride[last] == 1) {
        m->way = COLUMNS;
        int64_t fit = 6144 / (m->f.size > 0 ? m->f.size : 1) / 16 * 16; /* three passes over a block that stays in the first cache */
        m->unit = fit < 16 ? 16 : fit;
    } else {
        m->way = GATHER;
        m->scratch = fvi_calloc((size_t)fvi_pool_threads(s->env->pool), (size_t)(m->f.size + 16) * sizeof(float));
        if (!m->scratch) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    }
    m->chunks = fvi_chunks_for((m->way <= COLUMNS ? 1.0 : 6.0) * (double)m->f.count * (double)m->f.size, (m->f.count + m->unit - 1) / m->unit);
    s->run = run;
    s->tactic = m->way == ROWS ? "softmax rows" : m->way == COLUMNS ? "softmax columns" : "softmax gathered";
    return FV_OK;
}
