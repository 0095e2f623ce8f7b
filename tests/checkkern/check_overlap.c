/* check_overlap.c: overlap.h against the same words in C here. No tolerance: which boxes are found is the same at every level. */
#include "checkkern.h"
#include "kern/overlap.h"
#include <math.h>

static int list(ck_kernel *out, int max)
{
    int n = 0;
    for (int l = 0; l < CK_LEVELS; l++) n = ck_add(out, max, n, ck_level(l), NULL, 0, "overlap %s", fvi_cpu_level_name(ck_level(l)));
    return n;
}

static float overlap(const float a[4], const float b[4], int iou)
{
    float w = fminf(a[2], b[2]) - fmaxf(a[0], b[0]), h = fminf(a[3], b[3]) - fmaxf(a[1], b[1]);
    if (w <= 0 || h <= 0) return 0;
    float inter = w * h, one = (a[2] - a[0]) * (a[3] - a[1]), two = (b[2] - b[0]) * (b[3] - b[1]), whole = iou ? one + two - inter : fminf(one, two);
    return whole > 0 ? inter / whole : 0;
}

static void cut(float out[4], const float b[4], const float s[4])
{
    for (int k = 0; k < 4; k++) out[k] = k < 2 ? fmaxf(b[k], s[k]) : fminf(b[k], s[k]);
}

typedef struct scene {
    float *column[8];
    fvi_overlap_boxes b;
    fvi_overlap_query q;
} scene;

/* Boxes of whole pixels, so that overlaps equal to the threshold happen; a third are near the query's. */
static scene make(ck *c, int n, bool tiles)
{
    scene s;
    for (int k = 0; k < 8; k++) s.column[k] = ck_in(c, (size_t)n * sizeof(float));
    for (int i = -1; i < n; i++) {
        float x = (float)ck_range(c, 0, 200), y = (float)ck_range(c, 0, 200), w = (float)ck_range(c, 0, 60), h = (float)ck_range(c, 0, 60);
        float left = tiles ? (float)(ck_range(c, 0, 3) * 50) : -INFINITY, top = tiles ? (float)(ck_range(c, 0, 3) * 50) : -INFINITY;
        float box[4] = {x, y, x + w, y + h}, sees[4] = {left, top, tiles ? left + 80 : INFINITY, tiles ? top + 80 : INFINITY};
        if (i >= 0 && ck_range(c, 0, 2) == 0)
            for (int k = 0; k < 4; k++) box[k] = s.q.box[k] + (float)ck_range(c, -3, 0) + (k > 1 ? 3 : 0);
        for (int k = 0; k < 4; k++) {
            if (i < 0) s.q.box[k] = box[k], s.q.sees[k] = sees[k];
            if (i >= 0) s.column[k][i] = box[k], s.column[4 + k][i] = sees[k];
        }
    }
    s.b = (fvi_overlap_boxes){s.column[0], s.column[1], s.column[2], s.column[3], s.column[4], s.column[5], s.column[6], s.column[7]};
    s.q.threshold = ck_range(c, 0, 1) ? 0.5f : ck_uniform(c, 0.01f, 1);
    s.q.iou = ck_range(c, 0, 1);
    return s;
}

static void check(ck *c, const ck_kernel *k)
{
    fvi_overlap t;
    fvi_overlap_init(&t, 2 * k->level - 1);
    for (int i = 0; i < ck_cases(c, 200); i++) {
        const int n = ck_edge(c, 16, 80), from = ck_range(c, 0, 2) ? 0 : ck_range(c, 0, n - 1), to = ck_range(c, 0, 2) ? n : ck_range(c, from, n);
        const int middle = ck_range(c, from, to), next = ck_range(c, middle, to), ranges[3][2] = {{from, middle}, {next, next}, {next, to}};
        const bool tiles = ck_range(c, 0, 1);
        ck_shape(c, "n=%d from=%d to=%d, %d to %d left out, tiles=%d", n, from, to, middle, next, tiles);
        scene s = make(c, n, tiles);
        int *out = ck_out(c, (size_t)(to - from) * sizeof *out + sizeof *out), want = 0;
        int found = t.find(out, &s.b, ranges, 3, &s.q);
        for (int j = from; j < to; j++) {
            if (j >= middle && j < next) continue;
            float box[4], sees[4], one[4], two[4];
            for (int e = 0; e < 4; e++) box[e] = s.column[e][j], sees[e] = s.column[4 + e][j];
            cut(one, s.q.box, sees);
            cut(two, box, s.q.sees);
            if (!(overlap(one, two, s.q.iou) >= s.q.threshold)) continue;
            if (!ck_true(c, want < found && out[want] == j, "box %d is not found", j)) break;
            want++;
        }
        ck_true(c, want == found, "%d found, not %d", found, want);
        ck_true(c, ck_is_painted(out + (to - from), sizeof *out), "wrote past the end");
        ck_done(c);
    }
}

typedef struct bench_arg {
    fvi_overlap t;
    scene s;
    int *out, n;
} bench_arg;

static void call(void *arg)
{
    bench_arg *b = arg;
    b->t.find(b->out, &b->s.b, (const int[][2]){{0, b->n}}, 1, &b->s.q);
}

static void bench(ck *c, const ck_kernel *k)
{
    bench_arg b = {.n = 64, .s = make(c, 64, true), .out = ck_out(c, 64 * sizeof(int))};
    fvi_overlap_init(&b.t, 2 * k->level - 1);
    ck_time(c, "64 boxes", 64, "boxes", call, &b);
}

const ck_family ck_overlap = {"overlap", list, check, bench};
