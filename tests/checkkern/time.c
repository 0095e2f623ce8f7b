/* time.c: `checkkern --bench`: medians of repeated calls, as text or JSON rows. */
#include "checkkern.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 15 };

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Time of level c for this shape, which is this call's own when it is the first of level c. */
static double base_time(ck *c, const char *shape, double ns)
{
    for (int i = 0; i < c->n_base; i++)
        if (!strcmp(c->base[i].family, c->family->name) && !strcmp(c->base[i].shape, shape)) return c->base[i].ns;
    if (c->kernel->level != FVI_CPU_C) return 0;
    if (c->n_base == c->cap_base) {
        int cap = c->cap_base ? 2 * c->cap_base : 64;
        ck_result *p = realloc(c->base, (size_t)cap * sizeof *p);
        if (!p) return 0;
        c->base = p, c->cap_base = cap;
    }
    ck_result *r = &c->base[c->n_base++];
    snprintf(r->family, sizeof r->family, "%s", c->family->name);
    snprintf(r->shape, sizeof r->shape, "%s", shape);
    r->ns = ns;
    return ns;
}

void ck_time(ck *c, const char *shape, double work, const char *unit, void (*fn)(void *arg), void *arg)
{
    fn(arg);
    double t = now_ns();
    fn(arg);
    t = now_ns() - t;
    int calls = t < 2e5 ? (int)(2e5 / (t + 20)) + 1 : 1; /* a round takes at least 0.2 ms */
    int rounds = t > 3e7 ? 3 : ROUNDS;
    double ns[ROUNDS];
    for (int r = 0; r < rounds; r++) {
        t = now_ns();
        for (int i = 0; i < calls; i++) fn(arg);
        ns[r] = (now_ns() - t) / calls;
    }
    qsort(ns, (size_t)rounds, sizeof *ns, by_value);
    double median = ns[rounds / 2], spread = (ns[rounds - 1] - ns[0]) / median * 100, base = base_time(c, shape, median);
    if (c->json) {
        printf("%s\n {\"family\":\"%s\",\"kernel\":\"%s\",\"shape\":\"%s\",\"ns\":%.1f,\"min_ns\":%.1f,\"rate\":%.3f,\"unit\":\"G%s/s\"",
               c->json_comma ? "," : "", c->family->name, c->kernel->name, shape, median, ns[0], work / median, unit);
        if (base > 0) printf(",\"speedup\":%.3f", base / median);
        printf("}");
        c->json_comma = true;
        return;
    }
    printf("%-30s %-36s %12.0f ns %8.2f G%s/s  +-%3.0f%%", c->kernel->name, shape, median, work / median, unit, spread / 2);
    if (base > 0) printf("  %6.0f%% of c", base / median * 100);
    printf("\n");
    fflush(stdout);
}
