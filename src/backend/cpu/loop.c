/* loop.c: walks tensors of one shape in blocks and hands contiguous elements to a kernel. Turns strided, broadcast or
 * half precision operands into what kern/ wants; used by all element-wise operators. */
#include "backend/cpu/loop.h"
#include "base/error.h"
#include <string.h>

enum { SHORT_ROW = 64 }; /* shorter rows are gathered several at a time */

static int forced_chunks;
void fvi_chunks_force(int n) { forced_chunks = n; }

int fvi_chunks_for(double ns, int64_t most)
{
    if (forced_chunks) return (int)(forced_chunks < most ? forced_chunks : most < 1 ? 1 : most);
    int64_t chunks = ns < 50e3 ? 1 : (int64_t)(ns / 12.5e3);
    chunks = chunks > 256 ? 256 : chunks;
    return (int)(chunks < most ? chunks : most < 1 ? 1 : most);
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
    l->inner = l->t[0].dim[l->t[0].rank - 1];
    l->chunks = fvi_chunks_for((double)l->count * cost, (l->count + 63) / 64);
    return FV_OK;
}

/* Element offset of flat element f. */
static int64_t offset_of(const fvi_tensor *t, int64_t f)
{
    int64_t off = 0;
    for (int i = t->rank - 1; i >= 0; i--) {
        off += f % t->dim[i] * t->stride[i];
        f /= t->dim[i];
    }
    return off;
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

static bool uniform(const fvi_tensor *t)
{
    for (int i = 0; i < t->rank; i++)
        if (t->stride[i] != 0) return false;
    return true;
}

static void run_range(const fvi_loop *l, int64_t f, int64_t end)
{
    buffers b;
    void *p[FVI_LOOP_MAX];
    bool direct[FVI_LOOP_MAX], fixed[FVI_LOOP_MAX], all_direct = true;
    bool short_rows = l->t[0].rank > 1 && l->inner < SHORT_ROW;
    int last = l->t[0].rank - 1;
    for (int k = 0; k < l->n; k++) {
        bool converts = k == 0 ? l->store != NULL : l->load[k] != NULL;
        direct[k] = !short_rows && !converts && (l->t[k].stride[last] == 1 || l->inner == 1);
        fixed[k] = k > 0 && uniform(&l->t[k]);
        if (fixed[k]) direct[k] = false;
        all_direct = all_direct && direct[k];
        if (!fixed[k]) continue;
        move_block(&l->t[k], b.as_stored[k], 0, 1, false);
        if (converts) l->load[k](b.converted[k], b.as_stored[k], 1);
        p[k] = converts ? b.converted[k] : b.as_stored[k];
        strided_copy(p[k], 1, p[k], 0, FVI_LOOP_GATHER, l->size[k]);
    }
    int64_t most = all_direct ? FVI_LOOP_BLOCK : FVI_LOOP_GATHER;
    while (f < end) {
        int64_t n = end - f < most ? end - f : most;
        if (!short_rows && l->inner - f % l->inner < n) n = l->inner - f % l->inner;
        for (int k = 0; k < l->n; k++) {
            if (fixed[k]) continue;
            if (direct[k]) {
                p[k] = l->t[k].data + offset_of(&l->t[k], f) * (int64_t)fv_dtype_size(l->t[k].dtype);
                continue;
            }
            p[k] = b.as_stored[k];
            if (k > 0) move_block(&l->t[k], b.as_stored[k], f, n, false);
            if (l->load[k] || (k == 0 && l->store)) p[k] = b.converted[k];
            if (l->load[k]) l->load[k](b.converted[k], b.as_stored[k], (size_t)n);
        }
        l->block(l->user, p, (size_t)n);
        if (l->store) l->store(b.as_stored[0], b.converted[0], (size_t)n);
        if (!direct[0]) move_block(&l->t[0], b.as_stored[0], f, n, true);
        f += n;
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
