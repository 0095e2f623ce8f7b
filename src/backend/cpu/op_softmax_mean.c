/* op_softmax_mean.c: fovea.SoftmaxMean: the mean of given weights under the softmax over dimension 1. Turns the bins of box sides
 * into distances; rows or columns by kern/softmax, what is left through a gathered row. */
#include "backend/cpu/fold_dims.h"
#include "backend/cpu/loop.h"
#include "kern/softmax.h"

typedef struct mean_state {
    fvi_fold f;
    fvi_softmax kern;
    enum { ROWS, COLUMNS, GATHER } way;
    int chunks;
    float *scratch; /* a row a thread */
} mean_state;

/* Results [lo, lo + n), all in one line of the innermost kept dim. */
static void piece(const fvi_step *s, const mean_state *m, int64_t lo, int64_t n, float *scratch)
{
    const fvi_fold *f = &m->f;
    const fvi_tensor *ky = &f->kept[0], *kx = &f->kept[1], *gx = &f->gone[1];
    const float *w = (const float *)(const void *)s->in[1].data, *x = (const float *)(const void *)kx->data + fvi_flat_offset(kx, lo);
    float *y = (float *)(void *)ky->data + fvi_flat_offset(ky, lo);
    const int last = ky->rank - 1;
    if (m->way == ROWS) {
        m->kern.row_means(y, ky->stride[last], x, kx->stride[last], w, (size_t)n, (size_t)f->size);
        return;
    }
    if (m->way == COLUMNS) {
        m->kern.column_means(y, x, gx->stride[0], w, (size_t)f->size, (size_t)n);
        return;
    }
    for (int64_t i = 0; i < n; i++, y += ky->stride[last], x += kx->stride[last]) {
        for (int64_t k = 0; k < f->size; k++) scratch[k] = x[fvi_flat_offset(gx, k)];
        m->kern.row_means(y, 0, scratch, 0, w, 1, (size_t)f->size);
    }
}

static void chunk(void *arg, int c, int thread)
{
    const fvi_step *s = arg;
    const mean_state *m = s->state;
    const int64_t inner = m->f.kept[0].dim[m->f.kept[0].rank - 1], hi = m->f.count * (c + 1) / m->chunks;
    for (int64_t lo = m->f.count * c / m->chunks; lo < hi;) {
        const int64_t room = inner - lo % inner, n = hi - lo < room ? hi - lo : room;
        piece(s, m, lo, n, m->scratch ? m->scratch + (size_t)thread * (size_t)(m->f.size + 16) : NULL);
        lo += n;
    }
}

static void run(fvi_step *s)
{
    mean_state *m = s->state;
    if (m->f.count == 0 || m->f.size == 0) return;
    if (m->chunks == 1)
        chunk(s, 0, 0);
    else
        fvi_pool_run(s->env->pool, chunk, s, m->chunks);
}

static void release(fvi_step *s)
{
    mean_state *m = s->state;
    if (m) fvi_free(m->scratch);
    fvi_free(m);
}

fv_status fvi_cpu_prepare_softmax_mean(fvi_step *s, fv_error *err)
{
    const fvi_tensor *x = &s->in[0], *w = &s->in[1], *y = &s->out[0];
    FVI_TRY(fvi_cpu_need_type(x->dtype, FVI_TYPE_BIT(FV_F32), err));
    if (w->dtype != FV_F32 || x->rank < 2 || fvi_tensor_count(w) != x->dim[1] || y->rank != x->rank) return fvi_error_set(err, FV_ERR_SHAPE, "the weights do not fit the input");
    if (!fvi_tensor_is_dense(w)) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "weights that are a strided view");
    FVI_TRY(fvi_cpu_new_state(s, sizeof(mean_state), err));
    mean_state *m = s->state;
    s->release = release;
    FVI_TRY(fvi_fold_dims(&m->f, y, x, 1u << 1, true, err));
    fvi_softmax_init(&m->kern, s->env->cpu);
    const fvi_tensor *k = m->f.kept, *g = &m->f.gone[1];
    const int last = k[0].rank - 1;
    if (g->rank == 1 && (g->stride[0] == 1 || g->dim[0] == 1)) {
        m->way = ROWS;
    } else if (g->rank == 1 && k[0].stride[last] == 1 && k[1].stride[last] == 1) {
        m->way = COLUMNS;
    } else {
        m->way = GATHER;
        m->scratch = fvi_calloc((size_t)fvi_pool_threads(s->env->pool), (size_t)(m->f.size + 16) * sizeof(float));
        if (!m->scratch) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    }
    m->chunks = fvi_chunks_for((m->way == GATHER ? 4.0 : 0.8) * (double)m->f.count * (double)m->f.size, m->f.count);
    s->run = run;
    s->tactic = m->way == ROWS ? "softmax mean rows" : m->way == COLUMNS ? "softmax mean columns" : "softmax mean gathered";
    return FV_OK;
}
