/* gemm.c: blocked float matrix product on the thread pool. B is packed into panels first (once, when it is constant), then
 * blocks of C are computed from panels of A packed by each thread. Called by op_matmul.c. */
#include "backend/cpu/gemm.h"
#include "backend/cpu/loop.h"
#include "base/checked.h"
#include "kern/act.h"
#include "kern/copy.h"
#include "kern/gemm.h"
#include <stdio.h>
#include <string.h>

enum { KC = 384, MC = 192, ROW_BUFFER = 256 }; /* MC x KC floats of A lie in L2, KC x nr of B in L1 */

typedef struct gemm_state {
    fvi_gemm_task t;
    fvi_gemm_kern kern;
    fvi_copy_kern copy;
    fvi_act_fn act;
    int64_t m, n, k, batch;
    int64_t b_count; /* distinct matrices among the batch's B */
    int64_t mc, nc, m_blocks, n_blocks, panels;
    int pack_chunks, chunks;
    bool packed_once, post, scatter; /* scatter: C has no contiguous rows, blocks go through scratch */
    size_t scratch_floats;           /* a thread: A block, then C block when scattered */
    float *packed, *scratch, *own; /* own: null = scratch is the plan's */
    size_t packed_bytes;
    bool borrowed; /* `packed` is somebody else's memory */
} gemm_state;

static int64_t batch_offset(const fvi_tensor *t, int64_t index)
{
    int64_t off = 0;
    for (int i = t->rank - 3; i >= 0; i--) {
        off += index % t->dim[i] * t->stride[i];
        index /= t->dim[i];
    }
    return off;
}

static float *floats(const fvi_tensor *t) { return (float *)(void *)t->data; }

/* ---- packing of B ---- */
static size_t panel_floats(const gemm_state *g) { return (size_t)g->k * (size_t)g->kern.nr; }

static void pack_panels(const gemm_state *g, int64_t lo, int64_t hi)
{
    const fvi_tensor *b = &g->t.b;
    ptrdiff_t vs = b->stride[b->rank - 1], ks = b->stride[b->rank - 2];
    for (int64_t p = lo; p < hi; p++) {
        int64_t matrix = p / g->panels, column = p % g->panels * g->kern.nr;
        int64_t count = g->n - column < g->kern.nr ? g->n - column : g->kern.nr;
        const float *src = floats(b) + (g->b_count == 1 ? 0 : batch_offset(b, matrix)) + column * vs;
        float *panel = g->packed + (size_t)p * panel_floats(g);
        if (ks == 1 && count == g->kern.nr)
            g->copy.transpose4((uint32_t *)(void *)panel, g->kern.nr, (const uint32_t *)(const void *)src, vs, (size_t)g->k, (size_t)count);
        else
            fvi_gemm_pack(panel, src, vs, ks, (size_t)count, (size_t)g->k, (size_t)g->kern.nr);
    }
}

static void pack_chunk(void *arg, int c, int thread)
{
    const gemm_state *g = arg;
    int64_t all = g->b_count * g->panels;
    (void)thread;
    pack_panels(g, all * c / g->pack_chunks, all * (c + 1) / g->pack_chunks);
}

/* ---- what follows the product ---- */
/* n elements of row `i` of a tensor like C, from column j: in place where contiguous, else gathered */
static const float *row_of(const fvi_tensor *t, int64_t base, int64_t i, int64_t j, int64_t n, float *buffer)
{
    const float *p = floats(t) + base + i * t->stride[t->rank - 2] + j * t->stride[t->rank - 1];
    int64_t s = t->stride[t->rank - 1];
    if (s == 1) return p;
    for (int64_t k = 0; k < n; k++) buffer[k] = p[k * s];
    return buffer;
}

static void finish_row(const gemm_state *g, float *c, int64_t bias_base, int64_t res_base, int64_t i, int64_t j, int64_t n)
{
    const fvi_gemm_task *t = &g->t;
    float bias[ROW_BUFFER], res[ROW_BUFFER];
    for (int64_t at = 0; at < n; at += ROW_BUFFER) {
        int64_t w = n - at < ROW_BUFFER ? n - at : ROW_BUFFER;
        float *d = c + at;
        if (t->alpha != 1)
            for (int64_t k = 0; k < w; k++) d[k] *= t->alpha;
        if (t->bias.dtype != FV_NONE) {
            const float *b = row_of(&t->bias, bias_base, i, j + at, w, bias);
            for (int64_t k = 0; k < w; k++) d[k] += t->beta * b[k];
        }
        const float *r = t->residual.dtype != FV_NONE ? row_of(&t->residual, res_base, i, j + at, w, res) : NULL;
        if (t->act != FVI_ACT_NONE || r) g->act(d, 0, d, 0, r, 0, 1, w, t->act_alpha, t->act_beta);
    }
}

/* ---- one block of C ---- */
/* out[rows][cols] = rows of A that are contiguous, by a panel of B: read where they lie. */
static void rows_times_panel(const gemm_state *g, float *out, ptrdiff_t ldc, const float *a, ptrdiff_t lda, const float *b, int rows,
                             int cols)
{
    static const float zeros[FVI_CONV_NV * 16];
    const int nr = g->kern.nr;
    float tile[FVI_CONV_TILE] __attribute__((aligned(64)));
    fvi_conv_walk walk = {.ny = 1, .nx = 1, .k = (int)g->k, .lda = lda, .ldc = cols == nr ? ldc : nr};
    g->kern.direct[rows](&walk, a, b, zeros, cols == nr ? out : tile);
    for (int i = 0; cols < nr && i < rows; i++) memcpy(out + i * ldc, tile + i * nr, (size_t)cols * sizeof *out);
}

/* All of K at once: sums stay in registers, and a row of A with its share of a panel of B in the caches. */
static void block_in_place(const gemm_state *g, float *out, ptrdiff_t ldc, const float *a, ptrdiff_t lda, const float *b, int64_t rows,
                           int64_t cols)
{
    const int64_t tiles = (rows + g->kern.mr - 1) / g->kern.mr, nr = g->kern.nr;
    for (int64_t j = 0; j < cols; j += nr, b += panel_floats(g))
        for (int64_t i = 0; i < tiles; i++) {
            int64_t first = rows * i / tiles, count = rows * (i + 1) / tiles - first;
            for (int64_t r = first + count; r < first + 2 * count && r < rows; r++) __builtin_prefetch(out + r * ldc + j, 1);
            rows_times_panel(g, out + first * ldc + j, ldc, a + first * lda, lda, b, (int)count, (int)(cols - j < nr ? cols - j : nr));
        }
}

static void block(const gemm_state *g, int64_t batch, int64_t i0, int64_t j0, float *scratch)
{
    const fvi_tensor *a = &g->t.a, *c = &g->t.c;
    int r = c->rank;
    int64_t mr = g->kern.mr, nr = g->kern.nr;
    int64_t rows = g->m - i0 < g->mc ? g->m - i0 : g->mc, cols = g->n - j0 < g->nc ? g->n - j0 : g->nc;
    int64_t tiles = (rows + mr - 1) / mr; /* of nearly equal height */
    int64_t a_row = a->stride[r - 2], a_k = a->stride[r - 1];
    const float *a_base = floats(a) + batch_offset(a, batch) + i0 * a_row;
    const float *b_base = g->packed + (size_t)((g->b_count == 1 ? 0 : batch) * g->panels + j0 / nr) * panel_floats(g);
    int64_t c_base = batch_offset(c, batch);
    ptrdiff_t ldc = g->scatter ? (ptrdiff_t)g->nc : c->stride[r - 2];
    float *out = g->scatter ? scratch + fvi_round_up((size_t)(g->mc * KC), 16) : floats(c) + c_base + i0 * ldc + j0;
    const bool in_place = a_k == 1 && g->k <= 2 * KC;
    if (in_place) block_in_place(g, out, ldc, a_base, a_row, b_base, rows, cols);
    for (int64_t k0 = 0; !in_place && (k0 < g->k || k0 == 0); k0 += KC) {
        int64_t kn = g->k - k0 < KC ? g->k - k0 : KC;
        for (int64_t i = 0; i < tiles; i++) {
            int64_t first = rows * i / tiles, count = rows * (i + 1) / tiles - first;
            fvi_gemm_pack(scratch + i * mr * kn, a_base + first * a_row + k0 * a_k, a_row, a_k, (size_t)count, (size_t)kn, (size_t)mr);
        }
        for (int64_t j = 0; j < cols; j += nr) {
            const float *b = b_base + (size_t)(j / nr) * panel_floats(g) + k0 * nr;
            int width = (int)(cols - j < nr ? cols - j : nr);
            for (int64_t i = 0; i < tiles; i++) {
                int64_t first = rows * i / tiles, count = rows * (i + 1) / tiles - first;
                g->kern.tile(out + first * ldc + j, ldc, scratch + i * mr * kn, b, (size_t)kn, (int)count, width, k0 > 0);
            }
        }
    }
    int64_t bias_base = g->t.bias.dtype != FV_NONE ? batch_offset(&g->t.bias, batch) : 0;
    int64_t res_base = g->t.residual.dtype != FV_NONE ? batch_offset(&g->t.residual, batch) : 0;
    for (int64_t i = 0; g->post && i < rows; i++) finish_row(g, out + i * ldc, bias_base, res_base, i0 + i, j0, cols);
    for (int64_t i = 0; g->scatter && i < rows; i++) {
        float *d = floats(c) + c_base + (i0 + i) * c->stride[r - 2] + j0 * c->stride[r - 1];
        for (int64_t j = 0; j < cols; j++) d[j * c->stride[r - 1]] = out[i * ldc + j];
    }
}

static void chunk(void *arg, int i, int thread)
{
    const gemm_state *g = arg;
    int64_t blocks = g->batch * g->m_blocks * g->n_blocks;
    float *scratch = g->scratch + (size_t)thread * g->scratch_floats;
    for (int64_t b = blocks * i / g->chunks; b < blocks * (i + 1) / g->chunks; b++) {
        int64_t nb = b % g->n_blocks, mb = b / g->n_blocks % g->m_blocks;
        block(g, b / g->n_blocks / g->m_blocks, mb * g->mc, nb * g->nc, scratch);
    }
}

static void run(fvi_step *s)
{
    gemm_state *g = s->state;
    g->scratch = g->own ? g->own : (float *)(void *)s->scratch;
    if (!g->packed_once) {
        if (g->pack_chunks == 1)
            pack_chunk(g, 0, 0);
        else
            fvi_pool_run(s->env->pool, pack_chunk, g, g->pack_chunks);
    }
    if (g->chunks == 1)
        chunk(g, 0, 0);
    else
        fvi_pool_run(s->env->pool, chunk, g, g->chunks);
}

static void release(fvi_step *s)
{
    gemm_state *g = s->state;
    if (g) {
        if (!g->borrowed) fvi_free(g->packed);
        fvi_free(g->own);
    }
    fvi_free(g);
}

/* ---- planning ---- */
static void swap_matrix_dims(fvi_tensor *t)
{
    if (t->dtype == FV_NONE) return;
    int perm[FV_MAX_RANK];
    for (int i = 0; i < t->rank; i++) perm[i] = i;
    perm[t->rank - 1] = t->rank - 2;
    perm[t->rank - 2] = t->rank - 1;
    fvi_tensor in = *t;
    fvi_tensor_transpose(t, &in, perm);
}

static bool one_matrix(const fvi_tensor *t)
{
    for (int i = 0; i < t->rank - 2; i++)
        if (t->dim[i] > 1 && t->stride[i] != 0) return false;
    return true;
}

/* No block size changes a sum: all cut K alike. Few wide blocks, because every block packs its part of A anew; enough for the
 * threads, though. */
static void choose_blocks(gemm_state *g, int threads)
{
    int64_t mr = g->kern.mr, nr = g->kern.nr;
    g->panels = (g->n + nr - 1) / nr;
    g->m_blocks = (g->m + MC - 1) / MC;
    g->mc = g->m_blocks ? ((g->m + g->m_blocks - 1) / g->m_blocks + mr - 1) / mr * mr : mr;
    if (g->m_blocks) g->m_blocks = (g->m + g->mc - 1) / g->mc;
    int64_t per_matrix = g->batch * g->m_blocks, blocks = threads > 1 ? 4 * threads : 1;
    int64_t want = per_matrix >= blocks ? 1 : (blocks + per_matrix - 1) / (per_matrix ? per_matrix : 1);
    int64_t panels_each = (g->panels + want - 1) / want;
    panels_each = panels_each < 4 ? 4 : panels_each;
    if (g->scatter && panels_each > 16) panels_each = 16;
    if (panels_each > g->panels) panels_each = g->panels;
    g->nc = panels_each * nr;
    g->n_blocks = g->nc ? (g->n + g->nc - 1) / g->nc : 0;
    double ns = (double)g->batch * (double)g->m * (double)g->n * (double)g->k * 2 / 40;
    g->chunks = fvi_chunks_for(ns, g->batch * g->m_blocks * g->n_blocks);
    g->pack_chunks = fvi_chunks_for((double)g->b_count * (double)g->n * (double)g->k * 0.4, g->b_count * g->panels);
}

/* All that the order of packed bytes depends on. */
static void form_of(const gemm_state *g, char form[FVI_FORM_MAX])
{
    snprintf(form, FVI_FORM_MAX, "matrix %lldx%lld panels %d batch %lld", (long long)g->k, (long long)g->n, g->kern.nr, (long long)g->b_count);
}

static const void *packed(const fvi_step *s, int i, char form[FVI_FORM_MAX], size_t *bytes)
{
    const gemm_state *g = s->state;
    if (i || !g->packed_once || g->t.a_const) return NULL;
    form_of(g, form);
    *bytes = g->packed_bytes;
    return g->packed;
}

/* Finds B packed, packs it, or leaves that to each run. */
static fv_status take_weights(gemm_state *g, const fvi_step *s, fv_error *err)
{
    const fvi_packed *from = g->t.keeps && g->t.b_const && !g->t.a_const ? s->env->packed : NULL;
    char form[FVI_FORM_MAX];
    form_of(g, form);
    g->packed = from ? (float *)(uintptr_t)from->find(from->user, s, form, g->packed_bytes) : NULL;
    g->packed_once = g->t.b_const;
    g->borrowed = g->packed;
    if (g->packed) return FV_OK;
    if ((g->t.a_const && !g->t.a.data) || (g->t.b_const && !g->t.b.data))
        return fvi_error_set(err, FV_ERR_MODEL, "its weights are not in the engine file in a form that this machine can use");
    g->borrowed = s->room && g->t.b_const;
    const size_t bytes = g->packed_bytes ? g->packed_bytes : 1;
    g->packed = g->borrowed ? fvi_room_take(s->room, bytes) : fvi_alloc(bytes);
    if (!g->packed) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for a matrix product");
    if (g->t.b_const) pack_panels(g, 0, g->b_count * g->panels);
    return FV_OK;
}

static fv_status allocate(gemm_state *g, fvi_step *s, fv_error *err)
{
    size_t packed = (size_t)g->b_count, scratch;
    g->scratch_floats = fvi_round_up((size_t)(g->mc * KC), 16) + (g->scatter ? (size_t)(g->mc * g->nc) : 0);
    if (!fvi_mul_size(packed, (size_t)g->panels, &packed) || !fvi_mul_size(packed, panel_floats(g), &packed) || !fvi_mul_size(packed, sizeof(float), &g->packed_bytes) ||
        !fvi_mul_size((size_t)fvi_pool_threads(s->env->pool), g->scratch_floats * sizeof(float), &scratch))
        return fvi_error_set(err, FV_ERR_LIMIT, "the matrices are too large");
    if (s->room)
        s->scratch_bytes = scratch;
    else
        g->own = fvi_alloc(scratch);
    return s->room || g->own ? take_weights(g, s, err) : fvi_error_set(err, FV_ERR_MEMORY, "out of memory for a matrix product");
}

fv_status fvi_gemm_prepare(fvi_step *s, const fvi_gemm_task *task, fv_error *err)
{
    FVI_TRY(fvi_cpu_new_state(s, sizeof(gemm_state), err));
    gemm_state *g = s->state;
    s->release = release;
    g->t = *task;
    fvi_gemm_task *t = &g->t;
    int r = t->c.rank;
    if (t->c.stride[r - 1] != 1 && t->c.dim[r - 1] != 1 && (t->c.stride[r - 2] == 1 || t->c.dim[r - 2] == 1)) {
        /* columns are contiguous: compute the transposed product */
        fvi_tensor a = t->a;
        t->a = t->b;
        t->b = a;
        t->b_const = task->a_const;
        t->a_const = task->b_const;
        fvi_tensor *all[] = {&t->a, &t->b, &t->c, &t->bias, &t->residual};
        for (int i = 0; i < 5; i++) swap_matrix_dims(all[i]);
    }
    fvi_gemm_kern_init(&g->kern, s->env->cpu);
    fvi_copy_kern_init(&g->copy, s->env->cpu);
    fvi_act_kern act;
    fvi_act_kern_init(&act, s->env->cpu);
    g->act = act.fn[t->act];
    g->m = t->c.dim[r - 2];
    g->n = t->c.dim[r - 1];
    g->k = t->a.dim[r - 1];
    g->batch = 1;
    for (int i = 0; i < r - 2; i++) g->batch *= t->c.dim[i];
    g->b_count = one_matrix(&t->b) ? 1 : g->batch;
    g->scatter = t->c.stride[r - 1] != 1 && t->c.dim[r - 1] != 1;
    g->post = t->alpha != 1 || t->bias.dtype != FV_NONE || t->residual.dtype != FV_NONE || t->act != FVI_ACT_NONE;
    choose_blocks(g, fvi_pool_threads(s->env->pool));
    FVI_TRY(allocate(g, s, err));
    if (t->keeps) s->packed = packed;
    s->run = run;
    s->tactic = g->kern.name;
    s->flops = 2.0 * (double)g->batch * (double)g->m * (double)g->n * (double)g->k;
    return FV_OK;
}
