/* loop.c: walks tensors of one shape in blocks and hands contiguous elements to a kernel. Turns strided, broadcast or
 * half precision operands into what kern/ wants; used by all element-wise operators. */
#include "backend/cpu/loop.h"
#include "base/error.h"
#include <string.h>

enum {
    SHORT_ROW = 64, /* shorter rows are gathered several at a time */
    TINY_ROW = 8,   /* shorter rows are turned */
};

static int forced_chunks;
void fvi_chunks_force(int n) { forced_chunks = n; }

int fvi_chunks_for(double ns, int64_t most)
{
    if (forced_chunks) return (int)(forced_chunks < most ? forced_chunks : most < 1 ? 1 : most);
    int64_t chunks = ns < 50e3 ? 1 : (int64_t)(ns / 12.5e3);
    chunks = chunks > 256 ? 256 : chunks;
    return (int)(chunks < most ? chunks : most < 1 ? 1 : most);
}

/* Rows of a few elements cost more to walk than to compute: the longest dim goes inside instead. */
static void lengthen_rows(fvi_loop *l)
{
    int last = l->t[0].rank - 1, best = last;
    for (int i = 0; i < last; i++)
        if (l->t[0].dim[i] > l->t[0].dim[best]) best = i;
    if (l->t[0].dim[last] >= TINY_ROW || l->t[0].dim[best] < 4 * TINY_ROW) return;
    for (int k = 0; k < l->n; k++) {
        fvi_tensor *t = &l->t[k];
        int64_t d = t->dim[best], s = t->stride[best];
        t->dim[best] = t->dim[last];
        t->stride[best] = t->stride[last];
        t->dim[last] = d;
        t->stride[last] = s;
    }
}

fv_status fvi_loop_init(fvi_loop *l, int n, const fvi_tensor *t, const fv_dtype *as, double cost, fv_error *err)
{
    memset(l, 0, sizeof *l);
    l->n = n;
    l->t[0] = t[0];
    for (int k = 0; k < n; k++) {
        fv_dtype want = as ? as[k] : fvi_loop_type(t[k].dtype);
        if (k > 0 && !fvi_tensor_broadcast(&l->t[k], &t[k], t[0].rank, t[0].dim))
            return fvi_error_set(err, FV_ERR_SHAPE, "input %d does not broadcast to the shape of the output", k - 1);
        l->size[k] = fv_dtype_size(want);
        if (want == t[k].dtype) continue;
        if (k == 0)
            l->store = fvi_convert(t[0].dtype, want);
        else
            l->load[k] = fvi_convert(want, t[k].dtype);
    }
    fvi_tensor_coalesce(l->t, n);
    l->count = fvi_tensor_count(&l->t[0]);
    lengthen_rows(l);
    l->inner = l->t[0].dim[l->t[0].rank - 1];
    l->short_rows = l->t[0].rank > 1 && l->inner < SHORT_ROW;
    l->chunks = fvi_chunks_for((double)l->count * cost, (l->count + 63) / 64);
    return FV_OK;
}

#define STRIDED_COPY(T)                                                                                                \
    {                                                                                                                  \
        T *d = (T *)(void *)dst;                                                                                       \
        const T *s = (const T *)(const void *)src;                                                                     \
        if (ss == 0)                                                                                                   \
            for (int64_t i = 0; i < n; i++) d[i * ds] = s[0];                                                          \
        else                                                                                                           \
            for (int64_t i = 0; i < n; i++) d[i * ds] = s[i * ss];                                                     \
        return;                                                                                                        \
    }
static void strided_copy(char *dst, int64_t ds, const char *src, int64_t ss, int64_t n, size_t size)
{
    switch (size) {
    case 1: STRIDED_COPY(uint8_t)
    case 2: STRIDED_COPY(uint16_t)
    case 4: STRIDED_COPY(uint32_t)
    default: STRIDED_COPY(uint64_t)
    }
}

/* Elements [f, f+n) between the tensor and a contiguous buffer. */
static void move_block(const fvi_tensor *t, char *buffer, int64_t f, int64_t n, bool store)
{
    size_t size = fv_dtype_size(t->dtype);
    int64_t es = (int64_t)size, inner = t->dim[t->rank - 1], stride = t->stride[t->rank - 1];
    int64_t pos[FV_MAX_RANK], rest = f / inner, off = 0;
    pos[t->rank - 1] = f % inner;
    for (int i = t->rank - 2; i >= 0; i--) {
        pos[i] = rest % t->dim[i];
        rest /= t->dim[i];
        off += pos[i] * t->stride[i];
    }
    int64_t at = pos[t->rank - 1];
    while (n > 0) {
        int64_t m = inner - at < n ? inner - at : n;
        char *p = t->data + (off + at * stride) * es;
        if (store)
            strided_copy(p, stride, buffer, 1, m, size);
        else
            strided_copy(buffer, 1, p, stride, m, size);
        buffer += m * es;
        n -= m;
        at = 0;
        for (int i = t->rank - 2; i >= 0 && n > 0; i--) {
            off += t->stride[i];
            if (++pos[i] < t->dim[i]) break;
            off -= pos[i] * t->stride[i];
            pos[i] = 0;
        }
    }
}

typedef struct buffers {
    _Alignas(64) char as_stored[FVI_LOOP_MAX][FVI_LOOP_GATHER * 8];
    _Alignas(64) char converted[FVI_LOOP_MAX][FVI_LOOP_GATHER * 8];
} buffers;

/* How block functions get at an operand. */
typedef enum access {
    IN_PLACE_FLAT, /* contiguous over all dims */
    IN_PLACE_ROW,  /* contiguous within a row */
    UNIFORM,       /* one value for all: gathered once */
    PERIODIC,      /* the same row for all: gathered once a range */
    GATHERED
} access;

static bool repeats(const fvi_tensor *t, int dims)
{
    for (int i = 0; i < dims; i++)
        if (t->stride[i] != 0) return false;
    return true;
}

static access access_of(const fvi_loop *l, int k)
{
    const fvi_tensor *t = &l->t[k];
    int last = t->rank - 1;
    bool converts = k == 0 ? l->store != NULL : l->load[k] != NULL, flat = !converts && (t->stride[last] == 1 || l->inner == 1);
    if (k > 0 && repeats(t, t->rank)) return UNIFORM;
    if (flat && last > 0 && k > 0 && l->short_rows && repeats(t, last)) return PERIODIC;
    if (flat && !l->short_rows) return IN_PLACE_ROW;
    for (int i = 0; i < last; i++) flat = flat && t->stride[i] == t->stride[i + 1] * t->dim[i + 1];
    return flat ? IN_PLACE_FLAT : GATHERED;
}

typedef struct walk {
    const fvi_loop *l;
    access how[FVI_LOOP_MAX];
    void *p[FVI_LOOP_MAX];
    int64_t pos[FV_MAX_RANK], row[FVI_LOOP_MAX], col; /* where the range has come to: offsets of row starts, column */
    bool primed; /* periodic rows are gathered */
    buffers b;
} walk;

static void *load(walk *w, int k, int64_t f, int64_t n)
{
    const fvi_loop *l = w->l;
    if (k > 0) move_block(&l->t[k], w->b.as_stored[k], f, n, false);
    if (k > 0 ? !l->load[k] : !l->store) return w->b.as_stored[k];
    if (k > 0) l->load[k](w->b.converted[k], w->b.as_stored[k], (size_t)n);
    return w->b.converted[k];
}

/* Sets up the walk at element f; returns how many elements a block may have. */
static int64_t start(walk *w, const fvi_loop *l, int64_t f)
{
    int last = l->t[0].rank - 1;
    int64_t rest = f / l->inner, most = FVI_LOOP_BLOCK;
    w->l = l;
    w->primed = false;
    w->col = f % l->inner;
    memset(w->row, 0, sizeof w->row);
    for (int i = last - 1; i >= 0; i--) {
        w->pos[i] = rest % l->t[0].dim[i];
        rest /= l->t[0].dim[i];
        for (int k = 0; k < l->n; k++) w->row[k] += w->pos[i] * l->t[k].stride[i];
    }
    for (int k = 0; k < l->n; k++) {
        w->how[k] = access_of(l, k);
        if (w->how[k] >= UNIFORM) most = l->short_rows ? FVI_LOOP_GATHER / l->inner * l->inner : FVI_LOOP_GATHER;
        if (w->how[k] != UNIFORM) continue;
        w->p[k] = load(w, k, 0, 1);
        strided_copy(w->p[k], 1, w->p[k], 0, FVI_LOOP_GATHER, l->size[k]);
    }
    return most;
}

static void next_row(walk *w)
{
    const fvi_loop *l = w->l;
    w->col = 0;
    for (int i = l->t[0].rank - 2; i >= 0; i--) {
        bool carry = ++w->pos[i] == l->t[0].dim[i];
        for (int k = 0; k < l->n; k++) w->row[k] += l->t[k].stride[i] * (carry ? 1 - w->pos[i] : 1);
        if (!carry) return;
        w->pos[i] = 0;
    }
}

static void run_range(const fvi_loop *l, int64_t f, int64_t end)
{
    walk w;
    int64_t most = start(&w, l, f);
    while (f < end) {
        int64_t n = end - f < most ? end - f : most;
        if (!l->short_rows && l->inner - w.col < n) n = l->inner - w.col;
        for (int k = 0; k < l->n; k++) {
            int64_t es = (int64_t)fv_dtype_size(l->t[k].dtype);
            switch (w.how[k]) {
            case IN_PLACE_FLAT: w.p[k] = l->t[k].data + f * es; break;
            case IN_PLACE_ROW: w.p[k] = l->t[k].data + (w.row[k] + w.col) * es; break;
            case PERIODIC: /* blocks are whole periods, but for the last, which is shorter */
                if (!w.primed) w.p[k] = load(&w, k, f, end - f < most ? end - f : most);
                break;
            case GATHERED: w.p[k] = load(&w, k, f, n); break;
            case UNIFORM: break;
            }
        }
        w.primed = true;
        l->block(l->user, w.p, (size_t)n);
        if (l->store) l->store(w.b.as_stored[0], w.b.converted[0], (size_t)n);
        if (w.how[0] == GATHERED) move_block(&l->t[0], w.b.as_stored[0], f, n, true);
        f += n;
        w.col += n;
        if (!l->short_rows && w.col == l->inner) next_row(&w);
    }
}

static void chunk(void *arg, int i, int thread)
{
    const fvi_loop *l = arg;
    (void)thread;
    /* cut at multiples of 64 elements: two threads then share no cache line of a dense output */
    int64_t units = (l->count + 63) / 64;
    int64_t lo = units * i / l->chunks * 64, hi = units * (i + 1) / l->chunks * 64;
    run_range(l, lo, hi < l->count ? hi : l->count);
}

void fvi_loop_run(const fvi_loop *l, fvi_pool *pool)
{
    if (l->count == 0) return;
    if (l->chunks == 1)
        run_range(l, 0, l->count);
    else
        fvi_pool_run(pool, chunk, (void *)(uintptr_t)l, l->chunks);
}
