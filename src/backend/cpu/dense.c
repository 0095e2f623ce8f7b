/* dense.c: see dense.h. */
#include "backend/cpu/dense.h"
#include "kern/elementwise.h"
#include <string.h>

int64_t fvi_dims_product(const fvi_tensor *t, int from, int to)
{
    int64_t n = 1;
    for (int i = from; i < to; i++) n *= t->dim[i];
    return n;
}

double fvi_number_at(const fvi_tensor *t, int64_t i)
{
    double v = 0;
    fvi_convert(FV_F64, t->dtype)(&v, t->data + i * (int64_t)fv_dtype_size(t->dtype), 1);
    return v;
}

int64_t fvi_integer_at(const fvi_tensor *t, int64_t i)
{
    int64_t v = 0;
    fvi_convert(FV_I64, t->dtype)(&v, t->data + i * (int64_t)fv_dtype_size(t->dtype), 1);
    return v;
}

static void run(fvi_step *s)
{
    const fvi_dense *d = s->state;
    for (int i = 0; i < s->n_in; i++)
        if (d->in[i].data != s->in[i].data) fvi_tensor_copy(&d->in[i], &s->in[i]);
    d->fn(d);
    for (int i = 0; i < s->n_out; i++)
        if (d->out[i].data != s->out[i].data) fvi_tensor_copy(&s->out[i], &d->out[i]);
}

static void release(fvi_step *s)
{
    fvi_dense *d = s->state;
    if (d) {
        if (d->free_own && d->own) d->free_own(d->own);
        fvi_free(d->memory);
        fvi_free(d->own);
        fvi_free(d->in);
    }
    fvi_free(d);
}

static bool needs_copy(const fvi_tensor *t) { return t->dtype != FV_NONE && !fvi_tensor_is_dense(t); }
static size_t copy_bytes(const fvi_tensor *t) { return ((size_t)fvi_tensor_count(t) * fv_dtype_size(t->dtype) + FVI_ALIGN - 1) / FVI_ALIGN * FVI_ALIGN; }

fv_status fvi_cpu_prepare_dense(fvi_step *s, fvi_dense_fn fn, const char *tactic, size_t own_bytes, void *own, fv_error *err)
{
    FVI_TRY(fvi_cpu_new_state(s, sizeof(fvi_dense), err));
    fvi_dense *d = s->state;
    size_t bytes = 0;
    s->release = release;
    s->run = run;
    s->tactic = tactic;
    d->s = s;
    d->fn = fn;
    d->in = fvi_calloc((size_t)(s->n_in + s->n_out) + 1, sizeof *d->in);
    d->own = fvi_calloc(1, own_bytes + 1);
    if (!d->in || !d->own) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    d->out = d->in + s->n_in;
    memcpy(d->in, s->in, (size_t)s->n_in * sizeof *d->in);
    memcpy(d->out, s->out, (size_t)s->n_out * sizeof *d->out);
    for (int i = 0; i < s->n_in + s->n_out; i++)
        if (needs_copy(&d->in[i])) bytes += copy_bytes(&d->in[i]);
    if (bytes && !(d->memory = fvi_alloc(bytes + FVI_PAD))) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    char *next = d->memory;
    for (int i = 0; i < s->n_in + s->n_out; i++) {
        fvi_tensor *t = &d->in[i];
        t->halo = 0;
        if (!needs_copy(t)) continue;
        size_t size = copy_bytes(t);
        *t = fvi_tensor_over(next, t->dtype, t->rank, t->dim);
        next += size;
    }
    if (own) memcpy(own, &d->own, sizeof d->own);
    return FV_OK;
}
