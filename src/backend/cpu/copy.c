/* copy.c: lists of strided copies, cut into chunks of similar size for the thread pool. Turns every operator that only
 * moves elements (and the copies that the plan adds) into one step; called by op_shape.c and through prepare_copy. */
#include "backend/cpu/loop.h"
#include "backend/cpu/step.h"
#include "kern/copy.h"
#include <string.h>

#define NS_A_BYTE 0.1

typedef struct piece {
    fvi_tensor dst, src; /* coalesced; src runs fastest along the dim that `transposed` says */
    bool transposed;     /* the last two dims: dst contiguous along the last, src along the one before */
} piece;

typedef struct copy_state {
    fvi_copy_kern kern;
    int n, per_chunk, chunks;
    piece pieces[];
} copy_state;

static void run_piece(const copy_state *c, const piece *p)
{
    if (!p->transposed) {
        fvi_tensor_copy(&p->dst, &p->src);
        return;
    }
    int r = p->dst.rank;
    int64_t outer = 1, es = 4;
    for (int i = 0; i < r - 2; i++) outer *= p->dst.dim[i];
    for (int64_t f = 0; f < outer; f++) {
        int64_t rest = f, d = 0, s = 0;
        for (int i = r - 3; i >= 0; i--) {
            d += rest % p->dst.dim[i] * p->dst.stride[i];
            s += rest % p->dst.dim[i] * p->src.stride[i];
            rest /= p->dst.dim[i];
        }
        c->kern.transpose4((uint32_t *)(void *)(p->dst.data + d * es), p->dst.stride[r - 2],
                           (const uint32_t *)(const void *)(p->src.data + s * es), p->src.stride[r - 1],
                           (size_t)p->dst.dim[r - 2], (size_t)p->dst.dim[r - 1]);
    }
}

static void chunk(void *arg, int i, int thread)
{
    const copy_state *c = arg;
    (void)thread;
    for (int k = i * c->per_chunk; k < (i + 1) * c->per_chunk && k < c->n; k++) run_piece(c, &c->pieces[k]);
}

static void run(fvi_step *s)
{
    copy_state *c = s->state;
    if (c->chunks == 1)
        chunk(c, 0, 0);
    else
        fvi_pool_run(s->env->pool, chunk, c, c->chunks);
}

/* Puts the dim along which src is contiguous beside the last one, where dst is. */
static void find_transpose(piece *p)
{
    int r = p->dst.rank, at = -1;
    if (r < 2 || p->dst.stride[r - 1] != 1 || p->src.stride[r - 1] == 1 || fv_dtype_size(p->dst.dtype) != 4) return;
    for (int i = 0; i < r - 1; i++)
        if (p->src.stride[i] == 1) at = i;
    if (at < 0) return;
    for (fvi_tensor *t = &p->dst;; t = &p->src) {
        int64_t d = t->dim[at], s = t->stride[at];
        for (int i = at; i < r - 2; i++) {
            t->dim[i] = t->dim[i + 1];
            t->stride[i] = t->stride[i + 1];
        }
        t->dim[r - 2] = d;
        t->stride[r - 2] = s;
        if (t == &p->src) break;
    }
    p->transposed = true;
}

/* How many parts the largest dim of a copy is cut into. */
static int64_t parts_of(const piece *p, int *axis)
{
    int64_t bytes = fvi_tensor_count(&p->dst) * (int64_t)fv_dtype_size(p->dst.dtype);
    int64_t parts = fvi_chunks_for((double)bytes * NS_A_BYTE, 64);
    *axis = 0;
    for (int i = 0; i < p->dst.rank; i++)
        if (p->dst.dim[i] > p->dst.dim[*axis]) *axis = i;
    if (p->dst.dim[0] >= parts) *axis = 0; /* whole lines where there are enough */
    return parts > p->dst.dim[*axis] ? p->dst.dim[*axis] : parts < 1 ? 1 : parts;
}

fv_status fvi_cpu_prepare_copies(fvi_step *s, int n, const fvi_tensor *dst, const fvi_tensor *src, fv_error *err)
{
    int64_t total = 0, bytes = 0;
    for (int pass = 0; pass < 2; pass++) {
        copy_state *c = s->state;
        for (int k = 0; k < n; k++) {
            fvi_tensor t[2] = {dst[k], src[k]};
            fvi_tensor_coalesce(t, 2);
            piece p = {.dst = t[0], .src = t[1]};
            if (p.dst.dim[0] == 0) continue;
            int axis;
            int64_t parts = parts_of(&p, &axis), dim = p.dst.dim[axis];
            if (pass == 0) {
                total += parts;
                bytes += fvi_tensor_count(&p.dst) * (int64_t)fv_dtype_size(p.dst.dtype);
                continue;
            }
            for (int64_t i = 0; i < parts; i++) {
                int64_t lo = dim * i / parts, hi = dim * (i + 1) / parts;
                piece *q = &c->pieces[c->n++];
                fvi_tensor_slice(&q->dst, &p.dst, axis, lo, hi - lo, 1);
                fvi_tensor_slice(&q->src, &p.src, axis, lo, hi - lo, 1);
                find_transpose(q);
            }
        }
        if (pass == 0) FVI_TRY(fvi_cpu_new_state(s, sizeof(copy_state) + (size_t)total * sizeof(piece), err));
    }
    copy_state *c = s->state;
    fvi_copy_kern_init(&c->kern, s->env->cpu);
    c->chunks = fvi_chunks_for((double)bytes * NS_A_BYTE, total);
    c->per_chunk = (c->n + c->chunks - 1) / c->chunks;
    s->run = run;
    s->tactic = "copy";
    return FV_OK;
}

/* ---- one shape to another, element by element in logical order, where no view helps ---- */
static void run_logical(fvi_step *s)
{
    const fvi_tensor *d = &s->out[0], *x = &s->in[0];
    size_t es = fv_dtype_size(d->dtype);
    int64_t n = fvi_tensor_count(d);
    for (int64_t f = 0; f < n; f++) {
        int64_t a = 0, b = 0, rest = f;
        for (int i = d->rank - 1; i >= 0; i--) {
            a += rest % d->dim[i] * d->stride[i];
            rest /= d->dim[i];
        }
        rest = f;
        for (int i = x->rank - 1; i >= 0; i--) {
            b += rest % x->dim[i] * x->stride[i];
            rest /= x->dim[i];
        }
        memcpy(d->data + a * (int64_t)es, x->data + b * (int64_t)es, es);
    }
}

fv_status fvi_cpu_prepare_copy(fvi_step *s, fv_error *err)
{
    fvi_tensor view;
    const fvi_tensor *d = &s->out[0], *x = &s->in[0];
    if (d->dtype != x->dtype || fvi_tensor_count(d) != fvi_tensor_count(x))
        return fvi_error_set(err, FV_ERR_SHAPE, "a copy between different types or element counts");
    if (fvi_tensor_same_shape(d, x)) return fvi_cpu_prepare_copies(s, 1, d, x, err);
    if (fvi_tensor_reshape(&view, x, d->rank, d->dim)) return fvi_cpu_prepare_copies(s, 1, d, &view, err);
    if (fvi_tensor_reshape(&view, d, x->rank, x->dim)) return fvi_cpu_prepare_copies(s, 1, &view, x, err);
    s->run = run_logical;
    s->tactic = "copy in logical order";
    return FV_OK;
}
