/* check_peak.c: the peak loops (kern/peak.h) against the same steps one by one: x/2 + 1/4 rounds once, so all bits agree; where
 * products are added to a value they are 1 together, and the values are whole. */
#include "checkkern.h"
#include "kern/peak.h"

static int list(ck_kernel *out, int max)
{
    int n = 0;
    for (int i = 0; fvi_peaks[i]; i++)
        n = ck_add(out, max, n, fvi_peaks[i]->level, fvi_peaks[i], i, "peak %s %s", fvi_peaks[i]->precision, fvi_cpu_level_name(fvi_peaks[i]->level));
    return n;
}

static void check(ck *c, const ck_kernel *k)
{
    const fvi_peak *p = k->impl;
    const size_t bytes = (size_t)p->lanes * sizeof(float);
    for (int i = 0; i < ck_cases(c, 10); i++) {
        const int rounds = ck_range(c, 0, 60);
        ck_shape(c, "rounds=%d", rounds);
        float *state = ck_out(c, bytes), *want = ck_in(c, bytes);
        for (int l = 0; l < p->lanes; l++) state[l] = want[l] = p->depth == 1 ? ck_uniform(c, -1e3f, 1e3f) : (float)ck_range(c, -1000, 1000);
        for (int r = 0; r < rounds; r++)
            for (int l = 0; l < p->lanes; l++) want[l] = p->depth == 1 ? 0.5f * want[l] + 0.25f : want[l] + 1;
        p->run(state, rounds);
        ck_same(c, state, want, bytes, "state");
        ck_done(c);
    }
}

typedef struct call_arg {
    const fvi_peak *p;
    float *state;
} call_arg;

static void call(void *arg)
{
    const call_arg *a = arg;
    a->p->run(a->state, 100000);
}

static void bench(ck *c, const ck_kernel *k)
{
    call_arg a = {.p = k->impl};
    a.state = ck_out(c, (size_t)a.p->lanes * sizeof(float));
    for (int l = 0; l < a.p->lanes; l++) a.state[l] = 1;
    ck_time(c, "100000 rounds", 2e5 * a.p->lanes * a.p->depth, "FLOP", call, &a);
    ck_done(c);
}

const ck_family ck_peak = {"peak", list, check, bench};
