/* conv_inner.c: see conv_inner.h. */
#include "kern/conv_inner.h"

static const fvi_conv_algorithm *const inners[] = {&fvi_conv_direct, &fvi_conv_depthwise, &fvi_conv_wino, &fvi_conv_wino2};
enum { N_INNERS = sizeof inners / sizeof *inners, HEADER = 64 };

typedef struct header {
    int inner, rows;
} header;

static fvi_conv_tactic tactic(const fvi_conv_tactic *outer, int inner) { return (fvi_conv_tactic){outer->name, outer->level, outer->isa, inners[inner]}; }

/* The cheapest, and its tactic; -1: none takes it. */
static int choose(const fvi_conv_tactic *outer, const fvi_conv_params *s, fvi_conv_tactic *out, double *cost)
{
    int best = -1;
    for (int i = 0; i < N_INNERS; i++) {
        if (!inners[i]->supports(s)) continue;
        const fvi_conv_tactic t = tactic(outer, i);
        const double c = inners[i]->cost(&t, s);
        if (best < 0 || c < *cost) best = i, *out = t, *cost = c;
    }
    return best;
}

double fvi_conv_inner_cost(const fvi_conv_tactic *outer, const fvi_conv_params *s)
{
    fvi_conv_tactic t;
    double c;
    return choose(outer, s, &t, &c) < 0 ? 1e300 : c;
}

size_t fvi_conv_inner_packed_bytes(const fvi_conv_tactic *outer, const fvi_conv_params *s)
{
    fvi_conv_tactic t;
    double c;
    const size_t bytes = choose(outer, s, &t, &c) < 0 ? 0 : t.algorithm->packed_bytes(&t, s);
    return bytes ? bytes + HEADER : 0;
}

size_t fvi_conv_inner_workspace(const fvi_conv_tactic *outer, const fvi_conv_params *s)
{
    fvi_conv_tactic t;
    double c;
    return choose(outer, s, &t, &c) < 0 ? 0 : t.algorithm->workspace_bytes(&t, s);
}

double fvi_conv_inner_executed(const fvi_conv_tactic *outer, const fvi_conv_params *s)
{
    fvi_conv_tactic t;
    double c;
    return choose(outer, s, &t, &c) < 0 ? 0 : fvi_conv_executed_flops(&t, s);
}

void fvi_conv_inner_pack(const fvi_conv_tactic *outer, const fvi_conv_params *s, const float *w, const float *bias, void *packed)
{
    fvi_conv_tactic t;
    double c;
    *(header *)packed = (header){choose(outer, s, &t, &c), s->ho};
    t.algorithm->pack(&t, s, w, bias, (char *)packed + HEADER);
}

bool fvi_conv_inner_valid(const fvi_conv_tactic *outer, const fvi_conv_params *s, const void *packed)
{
    const header *h = packed;
    fvi_conv_tactic t;
    double c;
    return h->rows == s->ho && h->inner == choose(outer, s, &t, &c);
}

int fvi_conv_inner_rows(const void *packed) { return ((const header *)packed)->rows; }

void fvi_conv_inner_run(const fvi_conv_tactic *outer, const fvi_conv_params *s, const fvi_conv_io *io, const void *packed, void *workspace)
{
    const fvi_conv_tactic t = tactic(outer, ((const header *)packed)->inner);
    t.algorithm->run(&t, s, io, (const char *)packed + HEADER, workspace, 0, 1);
}
