/* trackers.c: frames a second of each tracker on a made-up crowd that walks, trembles, hides and flickers.
 *
 *     build/release/bench_trackers [OBJECTS] [FRAMES]        (50, 5000) */
#include "timing.h"
#include <fovea/track.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct walker {
    float x, y, vx, vy;
} walker;

static unsigned seed;
static float uniform(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (float)(seed >> 8) / 16777216.0f;
}

static void draw(walker *w, int n, fv_detections *d)
{
    d->count = 0;
    for (int i = 0; i < n; i++) {
        w[i].x += w[i].vx;
        w[i].y += w[i].vy;
        if (w[i].x < 0 || w[i].x > 1880) w[i].vx = -w[i].vx;
        if (w[i].y < 0 || w[i].y > 990) w[i].vy = -w[i].vy;
        if (uniform() < 0.05f) continue;
        float x = w[i].x + 3 * uniform(), y = w[i].y + 3 * uniform();
        d->items[d->count++] = (fv_detection){.box = {x, y, x + 40, y + 90}, .confidence = 0.15f + 0.8f * uniform()};
    }
}

static int run(const char *name, int objects, int frames)
{
    fv_tracker *t = NULL;
    fv_error err = {0};
    fv_detections d = {0};
    walker *w = calloc((size_t)objects, sizeof *w);
    seed = 7;
    if (!w || fv_detections_reserve(&d, objects) < 0 || fv_tracker_create(&t, FV_TRACK_OPTIONS(.tracker = name), &err) < 0) {
        fprintf(stderr, "%s: %s\n", name, err.text);
        free(w);
        return 1;
    }
    for (int i = 0; i < objects; i++) w[i] = (walker){1880 * uniform(), 990 * uniform(), 8 * uniform() - 4, 8 * uniform() - 4};
    double spent = 0, worst = 0;
    int64_t reported = 0;
    for (int f = 0; f < frames; f++) {
        draw(w, objects, &d);
        double t0 = now_ms();
        fv_tracker_update(t, &d, f / 30.0);
        double took = (now_ms() - t0) * 1e-3;
        spent += took;
        worst = fmax(worst, took);
        reported += d.count;
    }
    printf("%-10s %4d objects  %9.0f frames/s  %7.1f us a frame (worst %.0f)  %.1f tracks a frame, %d identities\n", name, objects, frames / spent,
           1e6 * spent / frames, 1e6 * worst, (double)reported / frames, fv_tracker_total(t));
    fv_tracker_free(&t);
    fv_detections_clear(&d);
    free(w);
    return 0;
}

int main(int argc, char **argv)
{
    int objects = argc > 1 ? atoi(argv[1]) : 50, frames = argc > 2 ? atoi(argv[2]) : 5000;
    if (objects < 1 || objects > 8192 || frames < 1) return 2;
    return run("bytetrack", objects, frames) + run("ocsort", objects, frames);
}
