/* qconv_table.c: the table of all byte convolution tactics, and the choice between them by estimate. */
#include "kern/conv_isa.h"
#include "kern/qconv_isa.h"
#include "kern/rank.h"
#include <stdio.h>
#include <string.h>

const fvi_qconv_tactic fvi_qconv_tactics[] = {
    {"qconv reference c", FVI_CPU_C, NULL, NULL, &fvi_qconv_reference},
    {"qconv wide c", FVI_CPU_C, NULL, &fvi_conv_isa_c, &fvi_qconv_wide},
#ifdef FVI_X86
    {"qconv direct avx2", FVI_CPU_AVX2, &fvi_qconv_isa_avx2, NULL, &fvi_qconv_direct},
    {"qconv wide avx2", FVI_CPU_AVX2, NULL, &fvi_conv_isa_avx2, &fvi_qconv_wide},
    {"qconv direct avxvnni", FVI_CPU_AVXVNNI, &fvi_qconv_isa_avxvnni, NULL, &fvi_qconv_direct},
    {"qconv direct avx512", FVI_CPU_AVX512, &fvi_qconv_isa_avx512, NULL, &fvi_qconv_direct},
    {"qconv wide avx512", FVI_CPU_AVX512, NULL, &fvi_conv_isa_avx512, &fvi_qconv_wide},
#endif
    {0},
};

static bool usable(const fvi_qconv_tactic *t, const fvi_qconv_params *p, fvi_cpu_flags flags)
{
    return (t->level & (flags | FVI_CPU_C)) && t->algorithm->supports(t, p);
}

int fvi_qconv_rank(const fvi_qconv_params *p, fvi_cpu_flags flags, double factor, const fvi_qconv_tactic **out, int max)
{
    fvi_rank r = {.max = max < FVI_RANK_MOST ? max : FVI_RANK_MOST};
    for (const fvi_qconv_tactic *t = fvi_qconv_tactics; t->name; t++)
        if (usable(t, p, flags)) fvi_rank_add(&r, t->algorithm->cost(t, p), t);
    const int n = fvi_rank_within(&r, factor);
    for (int i = 0; i < n; i++) out[i] = r.item[i];
    return n;
}

const fvi_qconv_tactic *fvi_qconv_named(const fvi_qconv_params *p, fvi_cpu_flags flags, const char *name)
{
    for (const fvi_qconv_tactic *t = fvi_qconv_tactics; t->name; t++)
        if (!strcmp(t->name, name)) return usable(t, p, flags) ? t : NULL;
    return NULL;
}

bool fvi_qconv_describe(const fvi_qconv_params *p, char *text, size_t n)
{
    const int len = snprintf(text, n,
                             "qconv u8 %dx%dx%dx%d to %dx%dx%d kernel %dx%d stride %dx%d dilation %dx%d pad %d,%d groups %d halo %d in %td,%td,%td out %td,%td,%td%s "
                             "residual %d %td,%td,%td act %d %a %a",
                             p->n, p->cin, p->h, p->w, p->cout, p->ho, p->wo, p->kh, p->kw, p->sh, p->sw, p->dh, p->dw, p->pt, p->pl, p->groups, p->halo, p->in_n, p->in_h, p->in_w,
                             p->out_n, p->out_h, p->out_w, p->bytes ? "" : " f32", (int)p->residual, p->res_n, p->res_h, p->res_w, (int)p->act, (double)p->alpha, (double)p->beta);
    return len >= 0 && (size_t)len < n;
}
