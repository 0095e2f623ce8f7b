/* conv_table.c: the table of all convolution tactics, and the analytic choice between them.
 * Called by backend/cpu/op_conv.c at load; walked by checkkern. */
#include "kern/conv_tactics.h"
#include "kern/rank.h"
#include <stdio.h>
#include <string.h>

const fvi_conv_tactic fvi_conv_tactics[] = {
    {"conv reference c", FVI_CPU_C, &fvi_conv_isa_c, &fvi_conv_reference},
    {"conv direct c", FVI_CPU_C, &fvi_conv_isa_c, &fvi_conv_direct},
    {"conv depthwise c", FVI_CPU_C, &fvi_conv_isa_c, &fvi_conv_depthwise},
    {"conv winograd c", FVI_CPU_C, &fvi_conv_isa_c, &fvi_conv_wino},
    {"conv winograd2 c", FVI_CPU_C, &fvi_conv_isa_c, &fvi_conv_wino2},
    {"conv bf16 reference c", FVI_CPU_C, &fvi_conv_isa_c, &fvi_conv_bf16_reference},
    {"conv bf16 wide c", FVI_CPU_C, &fvi_conv_isa_c, &fvi_conv_bf16_wide},
#ifdef FVI_X86
    {"conv direct avx2", FVI_CPU_AVX2, &fvi_conv_isa_avx2, &fvi_conv_direct},
    {"conv depthwise avx2", FVI_CPU_AVX2, &fvi_conv_isa_avx2, &fvi_conv_depthwise},
    {"conv winograd avx2", FVI_CPU_AVX2, &fvi_conv_isa_avx2, &fvi_conv_wino},
    {"conv winograd2 avx2", FVI_CPU_AVX2, &fvi_conv_isa_avx2, &fvi_conv_wino2},
    {"conv bf16 wide avx2", FVI_CPU_AVX2, &fvi_conv_isa_avx2, &fvi_conv_bf16_wide},
    {"conv direct avx512", FVI_CPU_AVX512, &fvi_conv_isa_avx512, &fvi_conv_direct},
    {"conv depthwise avx512", FVI_CPU_AVX512, &fvi_conv_isa_avx512, &fvi_conv_depthwise},
    {"conv winograd avx512", FVI_CPU_AVX512, &fvi_conv_isa_avx512, &fvi_conv_wino},
    {"conv winograd2 avx512", FVI_CPU_AVX512, &fvi_conv_isa_avx512, &fvi_conv_wino2},
    {"conv bf16 wide avx512", FVI_CPU_AVX512, &fvi_conv_isa_avx512, &fvi_conv_bf16_wide},
    {"conv bf16 dot avx512bf16", FVI_CPU_AVX512BF16, &fvi_conv_isa_avx512, &fvi_conv_bf16_tiles},
    {"conv bf16 tiles amx", FVI_CPU_AMX, &fvi_conv_isa_avx512, &fvi_conv_bf16_tiles},
#endif
    {0},
};

static bool usable(const fvi_conv_tactic *t, const fvi_conv_params *p, fvi_cpu_flags flags)
{
    return (t->level & (flags | FVI_CPU_C)) && fvi_conv_takes(t, p);
}

bool fvi_conv_is_low(const fvi_conv_params *p)
{
    return p->bf16 || p->in_type == FV_BF16 || p->out_type == FV_BF16 || (p->residual && p->res_type == FV_BF16) || (p->pre && p->pre_type == FV_BF16);
}

const fvi_conv_tactic *fvi_conv_choose(const fvi_conv_params *p, fvi_cpu_flags flags)
{
    const fvi_conv_tactic *best = NULL;
    return fvi_conv_rank(p, flags, 1, &best, 1) ? best : NULL;
}

int fvi_conv_rank(const fvi_conv_params *p, fvi_cpu_flags flags, double factor, const fvi_conv_tactic **out, int max)
{
    fvi_rank r = {.max = max < FVI_RANK_MOST ? max : FVI_RANK_MOST};
    for (const fvi_conv_tactic *t = fvi_conv_tactics; t->name; t++)
        if (usable(t, p, flags)) fvi_rank_add(&r, t->algorithm->cost(t, p), t);
    const int n = fvi_rank_within(&r, factor);
    for (int i = 0; i < n; i++) out[i] = r.item[i];
    return n;
}

const fvi_conv_tactic *fvi_conv_named(const fvi_conv_params *p, fvi_cpu_flags flags, const char *name)
{
    for (const fvi_conv_tactic *t = fvi_conv_tactics; t->name; t++)
        if (!strcmp(t->name, name)) return usable(t, p, flags) ? t : NULL;
    return NULL;
}

bool fvi_conv_describe(const fvi_conv_params *p, char *text, size_t n)
{
    size_t at = 0;
#define ADD(...)                                                                                                       \
    do {                                                                                                               \
        int len_ = snprintf(text + at, n - at, __VA_ARGS__);                                                           \
        if (len_ < 0 || (size_t)len_ >= n - at) return false;                                                          \
        at += (size_t)len_;                                                                                            \
    } while (0)
    ADD("conv f32 %dx%dx%dx%d to %dx%dx%d kernel %dx%d stride %dx%d dilation %dx%d pad %d,%d groups %d halo %d%s", p->n, p->cin, p->h, p->w,
        p->cout, p->ho, p->wo, p->kh, p->kw, p->sh, p->sw, p->dh, p->dw, p->pt, p->pl, p->groups, p->halo, p->exact ? " exact" : "");
    ADD(" in %td,%td,%td,%td out %td,%td,%td,%td", p->in_n, p->in_c, p->in_h, p->in_w, p->out_n, p->out_c, p->out_h, p->out_w);
    if (p->residual) ADD(" residual %td,%td,%td,%td", p->res_n, p->res_c, p->res_h, p->res_w);
    if (p->pre) ADD(" pre %td,%td,%td >> %d", p->pre_n, p->pre_h, p->pre_w, p->pre_shift);
    if (fvi_conv_is_low(p)) ADD(" types %d,%d,%d,%d%s", (int)p->in_type, (int)p->out_type, (int)p->res_type, (int)p->pre_type, p->bf16 ? " in bf16" : "");
    ADD(" act %d %a %a", (int)p->act, (double)p->alpha, (double)p->beta);
#undef ADD
    return true;
}
