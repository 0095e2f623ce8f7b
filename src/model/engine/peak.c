/* peak.c: what the context's threads can do at most, measured with kern/peak.h: the yardstick of profiles. */
#include "kern/peak.h"
#include "base/clock.h"
#include "model/engine/internal.h"

#define MAX_LANES 1024
#define CHUNK_ROUNDS 131072 /* a few hundred microseconds: short enough for the threads to share the work evenly */
#define CHUNKS_A_THREAD 8
#define TRIES 8

static void run_chunk(void *arg, int chunk, int thread)
{
    const fvi_peak *k = arg;
    _Alignas(FVI_ALIGN) float state[MAX_LANES];
    (void)chunk, (void)thread;
    for (int i = 0; i < k->lanes; i++) state[i] = 1.0f;
    k->run(state, CHUNK_ROUNDS);
    /* the compiler may not see that nobody wants it */
    __asm__ volatile("" : : "r"(state) : "memory");
}

fv_status fv_context_measure_peak(fv_context *ctx, const char *precision, double *gflops, fv_error *err)
{
    if (!ctx || !gflops) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_context_measure_peak: ctx or gflops is null");
    *gflops = 0;
    const fvi_peak *k = fvi_peak_choose(precision ? precision : "fp32", ctx->cpu);
    if (!k || k->lanes > MAX_LANES)
        return fvi_error_set(err, FV_ERR_DEVICE, "there is no peak loop for precision '%.20s' at level %s", precision, fvi_cpu_level_name(ctx->cpu));
    const int chunks = CHUNKS_A_THREAD * fvi_pool_threads(ctx->pool);
    for (int i = 0; i <= TRIES; i++) {
        int64_t t0 = fvi_now_ns();
        fvi_pool_run(ctx->pool, run_chunk, (void *)k, chunks);
        double rate = 2.0 * k->lanes * k->depth * CHUNK_ROUNDS * chunks / (double)(fvi_now_ns() - t0);
        if (i && rate > *gflops) *gflops = rate; /* the first one wakes threads and raises clocks */
    }
    return FV_OK;
}
