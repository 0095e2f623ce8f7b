/* html_compare.c: two or more runs side by side, each figure with its ratio to the first run. Called by html.c. */
#include "report/run.h"
#include <fovea/pipeline.h>
#include <stdio.h>
#include <string.h>

typedef double (*pick_fn)(const fvi_report_run *r, const char *stage);

static double pick_fps(const fvi_report_run *r, const char *stage) { return (void)stage, r->fps; }
static double pick_dropped(const fvi_report_run *r, const char *stage) { return (void)stage, r->dropped; }
static double pick_processed(const fvi_report_run *r, const char *stage) { return (void)stage, r->processed; }
static double pick_p50(const fvi_report_run *r, const char *stage)
{
    const fvi_report_stage *s = fvi_report_run_stage(r, stage);
    return s ? s->p50 : -1;
}
static double pick_p95(const fvi_report_run *r, const char *stage)
{
    const fvi_report_stage *s = fvi_report_run_stage(r, stage);
    return s ? s->p95 : -1;
}
static double pick_p99(const fvi_report_run *r, const char *stage)
{
    const fvi_report_stage *s = fvi_report_run_stage(r, stage);
    return s ? s->p99 : -1;
}

typedef enum meaning { NEUTRAL, MORE_IS_BETTER, LESS_IS_BETTER } meaning;

static void ratio(fvi_str *out, double v, double first, meaning m)
{
    if (m == NEUTRAL || first <= 0 || v <= 0) return;
    double q = v / first;
    bool better = m == MORE_IS_BETTER ? q > 1 : q < 1, same = fabs(q - 1) < 0.02;
    fvi_str_printf(out, " <span class=\"%s\">%.2f×</span>", same ? "dim" : better ? "good" : "worse", q);
}

static void row(fvi_str *out, const char *name, const fvi_report_run *runs, int n, pick_fn pick, const char *stage, meaning m)
{
    bool any = false;
    for (int i = 0; i < n; i++) any |= pick(&runs[i], stage) >= 0;
    if (!any) return;
    fvi_str_add(out, "<tr><td>");
    fvi_str_add_html(out, name);
    fvi_str_add(out, "</td>");
    for (int i = 0; i < n; i++) {
        double v = pick(&runs[i], stage);
        fvi_str_add(out, "<td>");
        if (v < 0)
            fvi_str_add(out, "–");
        else if (m == LESS_IS_BETTER || pick == pick_fps)
            fvi_report_ms(out, v);
        else
            fvi_report_whole(out, v);
        if (i) ratio(out, v, pick(&runs[0], stage), m);
        fvi_str_add(out, "</td>");
    }
    fvi_str_add(out, "</tr>\n");
}

void fvi_report_compare_section(fvi_str *out, const fvi_report_run *runs, int n)
{
#define NAME(id, name) name,
    static const char *const stages[] = {FV_STAGE_LIST(NAME)};
#undef NAME
    char name[64];
    fvi_str_printf(out, "<header class=\"top\"><span class=\"logo\">fovea report</span><h1>%d runs side by side</h1></header>", n);
    fvi_str_add(out, "<p class=\"facts\">Ratios are to the first run.</p><div class=\"card\"><div class=\"scroll\"><table><tr><th></th>");
    for (int i = 0; i < n; i++) {
        fvi_str_add(out, "<th>");
        fvi_str_add_html(out, runs[i].label);
        fvi_str_add(out, "</th>");
    }
    fvi_str_add(out, "</tr>\n");
    row(out, "frames a second", runs, n, pick_fps, NULL, MORE_IS_BETTER);
    row(out, "latency p50, ms", runs, n, pick_p50, "end_to_end", LESS_IS_BETTER);
    row(out, "latency p95, ms", runs, n, pick_p95, "end_to_end", LESS_IS_BETTER);
    row(out, "latency p99, ms", runs, n, pick_p99, "end_to_end", LESS_IS_BETTER);
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        snprintf(name, sizeof name, "%s p50, ms", stages[i]);
        row(out, name, runs, n, pick_p50, stages[i], LESS_IS_BETTER);
        snprintf(name, sizeof name, "%s p95, ms", stages[i]);
        row(out, name, runs, n, pick_p95, stages[i], LESS_IS_BETTER);
    }
    row(out, "frames processed", runs, n, pick_processed, NULL, NEUTRAL);
    row(out, "frames dropped", runs, n, pick_dropped, NULL, NEUTRAL);
    fvi_str_add(out, "</table></div></div>\n");
}
