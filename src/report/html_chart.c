/* html_chart.c: distributions as inline SVG. In: [[milliseconds, count], …] of a run file, logarithmic buckets. Out: a
 * histogram on a linear axis with its percentiles marked. Called by html_run.c. */
#include "report/run.h"
#include <stdio.h>
#include <string.h>

#define BARS 48
#define W 480
#define H 190
#define LEFT 8
#define RIGHT 8
#define TOP 26
#define BOTTOM 26

typedef struct axis {
    double lo, hi;
} axis;

static double x_of(const axis *a, double v) { return LEFT + (W - LEFT - RIGHT) * (v - a->lo) / (a->hi - a->lo); }

static bool pair(const fvi_report_json *c, double *ms, double *count)
{
    if (c->type != FVI_REPORT_JSON_ARRAY || c->count != 2) return false;
    *ms = c->child->number;
    *count = c->child->next->number;
    return *ms > 0 && *ms < 1e9 && *count > 0 && *count < 1e15;
}

/* A bucket's frames are spread evenly over its width. Returns the tallest bar. */
static double rebin(const fvi_report_json *d, const axis *a, double *bars)
{
    double step = (a->hi - a->lo) / BARS, tallest = 0;
    memset(bars, 0, BARS * sizeof *bars);
    for (const fvi_report_json *c = d->child; c; c = c->next) {
        double from, n;
        if (!pair(c, &from, &n)) continue;
        double to = from * exp2(1 / 16.0);
        for (int i = 0; i < BARS; i++) {
            double lo = a->lo + i * step, hi = lo + step, overlap = fmin(hi, to) - fmax(lo, from);
            if (overlap > 0) bars[i] += n * overlap / (to - from);
        }
    }
    for (int i = 0; i < BARS; i++) tallest = fmax(tallest, bars[i]);
    return tallest;
}

/* A round step that gives four to nine ticks. */
static double tick_step(double range)
{
    double step = pow(10, floor(log10(range / 4)));
    if (range / step > 20) return step * 5;
    return range / step > 9 ? step * 2 : step;
}

static void ticks(fvi_str *out, const axis *a)
{
    double step = tick_step(a->hi - a->lo);
    for (double t = ceil(a->lo / step) * step; t <= a->hi; t += step) {
        double x = x_of(a, t);
        fvi_str_printf(out, "<line class=\"g\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>", x, x, TOP, H - BOTTOM);
        if (x > LEFT + 10 && x < W - RIGHT - 30)
            fvi_str_printf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g</text>", x, H - 8, t);
    }
    fvi_str_printf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">ms</text>", W - RIGHT, H - 8);
}

static void percentiles(fvi_str *out, const axis *a, const fvi_report_stage *s)
{
    static const char *const name[3] = {"p50", "p95", "p99"};
    const double v[3] = {s->p50, s->p95, s->p99};
    double last = -1e9;
    for (int i = 0; i < 3; i++) {
        if (v[i] < a->lo || v[i] > a->hi) continue;
        double x = x_of(a, v[i]);
        fvi_str_printf(out, "<line class=\"p\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>", x, x, TOP - 6, H - BOTTOM);
        if (x - last > 30) { /* else the labels would lie on each other */
            fvi_str_printf(out, "<text class=\"s\" x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">%s</text>", x, TOP - 12,
                           x > W - 24 ? "end" : x < 24 ? "start" : "middle", name[i]);
            last = x;
        }
    }
}

static void chart(fvi_str *out, const char *title, const fvi_report_json *d, const fvi_report_stage *s)
{
    double bars[BARS];
    if (!d || !s || !(s->max > 0)) return;
    axis a = {s->min * 0.9, fmax(s->p99 * 1.08, s->p50 * 1.5)};
    if (a.hi > s->max * 1.1) a.hi = s->max * 1.1;
    if (!(a.hi > a.lo * 1.05)) a.hi = a.lo * 1.05 + 0.01;
    double tallest = rebin(d, &a, bars), width = (double)(W - LEFT - RIGHT) / BARS;
    if (tallest <= 0) return;
    fvi_str_printf(out, "<div class=\"card\"><h2>%s</h2><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">", title, W, H, title);
    ticks(out, &a);
    for (int i = 0; i < BARS; i++) {
        double h = (H - TOP - BOTTOM) * bars[i] / tallest, mid = a.lo + (i + 0.5) * (a.hi - a.lo) / BARS;
        if (h <= 0) continue;
        if (h < 1) h = 1;
        fvi_str_printf(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"1\"/>", mid <= s->p95 ? "h" : "h2",
                       LEFT + i * width + 0.5, H - BOTTOM - h, width - 1, h);
    }
    percentiles(out, &a, s);
    fvi_str_add(out, "</svg></div>\n");
}

void fvi_report_spark(fvi_str *out, const fvi_report_run *r, const fvi_report_stage *s)
{
    const double w = 160, h = 18;
    char key[96];
    snprintf(key, sizeof key, "%.80s_ms", s->stage);
    const fvi_report_json *d = fvi_report_json_get(r->distribution, s->name);
    if (!d) d = fvi_report_json_get(r->distribution, key); /* of the networks, whose metrics have the model's name */
    double ms, n, lo = 0, hi = 0, tallest = 0;
    if (!d || d->type != FVI_REPORT_JSON_ARRAY || d->count > 1024) return;
    for (const fvi_report_json *c = d->child; c; c = c->next) {
        if (!pair(c, &ms, &n)) continue;
        lo = lo > 0 ? fmin(lo, ms) : ms;
        hi = fmax(hi, ms);
        tallest = fmax(tallest, n);
    }
    if (!(tallest > 0)) return;
    double from = log2(lo) * 16, buckets = fmax(log2(hi) * 16 - from + 1, 8), step = w / buckets;
    fvi_str_printf(out, "<svg class=\"spark\" viewBox=\"0 0 %.0f %.0f\" preserveAspectRatio=\"none\" role=\"img\"><title>distribution of ", w, h);
    fvi_str_add_html(out, s->name);
    fvi_str_printf(out, ", %.3g to %.3g ms, logarithmic</title>", s->min, s->max);
    for (const fvi_report_json *c = d->child; c; c = c->next) {
        if (!pair(c, &ms, &n)) continue;
        double height = fmax(1, h * n / tallest);
        fvi_str_printf(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\"/>", s->budget_ms > 0 && ms > s->budget_ms ? "h3" : "h2", (log2(ms) * 16 - from) * step,
                       h - height, step, height);
    }
    fvi_str_add(out, "</svg>");
}

void fvi_report_latency_chart(fvi_str *out, const fvi_report_run *r)
{
    fvi_str_add(out, "<div class=\"two\">");
    chart(out, "Latency, frame decoded to result written", r->latency, r->end_to_end);
    chart(out, "Inference", r->infer, fvi_report_run_stage(r, "infer"));
    fvi_str_add(out, "</div>");
}
