/* op_sample_3d.c: GridSample of volumes, in plain C. */
#include "backend/cpu/dense.h"
#include "backend/cpu/loop.h"
#include "backend/cpu/sample.h"
#include <string.h>

typedef struct volume_state {
    bool nearest, corners;
    enum { ZEROS, BORDER, REFLECTION } padding;
    int chunks;
} volume_state;

static float place(const volume_state *t, float v, int64_t size)
{
    float n = (float)size;
    v = t->corners ? (v + 1) / 2 * (n - 1) : ((v + 1) * n - 1) / 2;
    if (t->padding == REFLECTION) v = t->corners ? fvi_sample_reflect(v, 0, n - 1) : fvi_sample_reflect(v, -0.5f, n - 0.5f);
    if (t->padding != ZEROS) v = fminf(fmaxf(v, 0), n - 1); /* also makes NaN a place */
    return v;
}

/* Voxel at whole coordinates z y x; zeros outside. */
static float voxel(const float *map, const int64_t *dim, const float *p)
{
    for (int i = 0; i < 3; i++)
        if (!(p[i] >= 0 && p[i] <= (float)(dim[i] - 1))) return 0;
    return map[((int64_t)p[0] * dim[1] + (int64_t)p[1]) * dim[2] + (int64_t)p[2]];
}

static float sample(const volume_state *t, const float *map, const int64_t *dim, const float *at)
{
    float p[3], sum = 0;
    if (t->nearest) {
        for (int i = 0; i < 3; i++) p[i] = rintf(at[i]);
        return voxel(map, dim, p);
    }
    for (int corner = 0; corner < 8; corner++) {
        float w = 1;
        for (int i = 0; i < 3; i++) {
            float low = floorf(at[i]), part = at[i] - low;
            bool high = corner >> i & 1;
            p[i] = low + (high ? 1 : 0);
            w *= high ? part : 1 - part;
        }
        float v = voxel(map, dim, p);
        if (v != 0) sum += w * v; /* a place that is no number reads nothing */
    }
    return sum;
}

static void chunk(void *arg, int c, int thread)
{
    const fvi_dense *d = arg;
    const volume_state *t = d->own;
    const fvi_tensor *x = &d->in[0], *y = &d->out[0];
    int64_t places = fvi_dims_product(y, 2, 5), voxels = fvi_dims_product(x, 2, 5), maps = x->dim[1], all = y->dim[0] * places;
    (void)thread;
    for (int64_t f = all * c / t->chunks; f < all * (c + 1) / t->chunks; f++) {
        const float *g = fvi_in_f32(d, 1) + f * 3;
        float at[3] = {place(t, g[2], x->dim[2]), place(t, g[1], x->dim[3]), place(t, g[0], x->dim[4])};
        for (int64_t m = 0; m < maps; m++) fvi_out_f32(d, 0)[(f / places * maps + m) * places + f % places] = sample(t, fvi_in_f32(d, 0) + (f / places * maps + m) * voxels, x->dim + 2, at);
    }
}

static void run(const fvi_dense *d) { fvi_pool_run(d->s->env->pool, chunk, (void *)(uintptr_t)d, ((const volume_state *)d->own)->chunks); }

fv_status fvi_cpu_prepare_grid_3d(fvi_step *s, fv_error *err)
{
    volume_state *t;
    const char *mode = fvi_node_string(s->node, "mode", "linear"), *padding = fvi_node_string(s->node, "padding_mode", "zeros");
    for (int i = 0; i < 2; i++) FVI_TRY(fvi_cpu_need_type(s->in[i].dtype, FVI_TYPE_BIT(FV_F32), err));
    if (s->out[0].rank != 5 || s->in[1].rank != 5 || fvi_tensor_count(&s->in[0]) == 0) return fvi_error_set(err, FV_ERR_SHAPE, "its input has no voxels");
    if (strstr(mode, "cubic")) return fvi_error_set(err, FV_ERR_UNSUPPORTED, "cubic interpolation of volumes");
    FVI_TRY(fvi_cpu_prepare_dense(s, run, "grid sample 3-d", sizeof *t, &t, err));
    t->nearest = strcmp(mode, "nearest") == 0;
    t->corners = fvi_node_int(s->node, "align_corners", 0) != 0;
    t->padding = strcmp(padding, "border") == 0 ? BORDER : strcmp(padding, "reflection") == 0 ? REFLECTION : ZEROS;
    t->chunks = fvi_chunks_for(40.0 * (double)fvi_tensor_count(&s->out[0]), s->out[0].dim[0] * fvi_dims_product(&s->out[0], 2, 5));
    return FV_OK;
}
