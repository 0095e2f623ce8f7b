/* html_run.c: one run on the page: where and when, the tiles, the verdict, the table of stages, latency, counts.
 * Called by html.c. */
#include "report/run.h"
#include <string.h>

static void fact(fvi_str *out, const char *value)
{
    if (!value || !value[0]) return;
    fvi_str_add(out, " · <b>");
    fvi_str_add_html(out, value);
    fvi_str_add(out, "</b>");
}

static void sources(fvi_str *out, const fvi_report_run *r)
{
    const int shown = 3;
    int i = 0;
    if (!r->sources || !r->sources->count) {
        fvi_str_add_html(out, r->label);
        return;
    }
    for (const fvi_report_json *c = r->sources->child; c && i < shown; c = c->next, i++) {
        const char *name = c->string ? c->string : "?", *slash = strrchr(name, '/');
        if (i) fvi_str_add(out, ", ");
        fvi_str_add_html(out, slash && slash[1] ? slash + 1 : name);
    }
    if (r->sources->count > shown) fvi_str_printf(out, " and %d more", r->sources->count - shown);
}

static void head(fvi_str *out, const fvi_report_run *r)
{
    fvi_str_add(out, "<header class=\"top\"><span class=\"logo\">fovea ");
    fvi_str_add_html(out, r->verb);
    fvi_str_add(out, "</span><h1>");
    sources(out, r);
    fvi_str_add(out, "</h1></header><p class=\"facts\">");
    const char *slash = strrchr(r->model, '/');
    if (r->model[0]) {
        fvi_str_add(out, "model <b>");
        fvi_str_add_html(out, slash && slash[1] ? slash + 1 : r->model);
        fvi_str_add(out, "</b>");
    } else {
        fvi_str_add(out, "no model");
    }
    if (r->input_w) fvi_str_printf(out, " at <b>%d×%d</b>", r->input_w, r->input_h);
    fact(out, r->device);
    fact(out, r->level);
    fact(out, r->precision);
    if (r->threads) fvi_str_printf(out, " · <b>%d</b> thread%s", r->threads, r->threads == 1 ? "" : "s");
    fact(out, r->machine);
    if (r->started[0]) {
        fvi_str_add(out, " · <b class=\"nw\">");
        fvi_str_add_html(out, r->started);
        fvi_str_add(out, "</b>");
    }
    fvi_str_add(out, "</p>");
}

static void tile_open(fvi_str *out, const char *class)
{
    fvi_str_printf(out, "<div class=\"tile%s\"><div class=\"v\">", class);
}

static void tile_close(fvi_str *out, const char *unit, const char *key)
{
    fvi_str_printf(out, "<span class=\"u\">%s</span></div><div class=\"k\">%s</div></div>", unit, key);
}

static void tiles(fvi_str *out, const fvi_report_run *r)
{
    fvi_str_add(out, "<div class=\"tiles\">");
    tile_open(out, " lead");
    fvi_report_ms(out, r->fps);
    tile_close(out, "fps", "frames a second");
    if (r->end_to_end && r->end_to_end->count > 0) {
        const fvi_report_stage *e = r->end_to_end;
        const double v[3] = {e->p50, e->p95, e->p99};
        static const char *const key[3] = {"latency, median", "latency, p95", "latency, p99"};
        for (int i = 0; i < 3; i++) {
            tile_open(out, "");
            fvi_report_ms(out, v[i]);
            tile_close(out, "ms", key[i]);
        }
    }
    tile_open(out, "");
    fvi_report_whole(out, r->processed);
    tile_close(out, "", "frames processed");
    tile_open(out, r->dropped > 0 ? " bad" : "");
    fvi_report_whole(out, r->dropped);
    fvi_str_add(out, "<span class=\"u\">of ");
    fvi_report_whole(out, r->decoded);
    fvi_str_add(out, "</span></div><div class=\"k\">frames dropped</div></div></div>");
}

static void verdict(fvi_str *out, const fvi_report_run *r)
{
    const fvi_report_stage *s = r->bottleneck[0] ? fvi_report_run_stage(r, r->bottleneck) : NULL;
    if (!s || r->wall_s <= 0) return;
    double busy = 100.0 * s->mean * s->count / (r->wall_s * 1000);
    fvi_str_add(out, "<p class=\"verdict\"><b>");
    fvi_str_add_html(out, r->bottleneck);
    fvi_str_printf(out, "</b> sets the pace: it is at work %.0f %% of the time, ", busy > 100 ? 100 : busy);
    fvi_report_ms(out, s->mean);
    fvi_str_printf(out, " ms a frame. The run took %.1f s.</p>", r->wall_s);
}

static double widest(const fvi_report_run *r)
{
    double w = 0;
    for (int i = 0; i < r->n_stages; i++) {
        const fvi_report_stage *s = &r->stage[i];
        if (s == r->end_to_end) continue;
        if (s->p95 > w) w = s->p95;
        if (s->budget_ms > w) w = s->budget_ms;
    }
    return w > 0 ? w * 1.02 : 1;
}

static void bar(fvi_str *out, const fvi_report_stage *s, double full)
{
    double p50 = 100 * fmin(s->p50 / full, 1), p95 = 100 * fmin(s->p95 / full, 1);
    fvi_str_printf(out, "<div class=\"bar%s\"><b style=\"width:%.1f%%\"></b><i style=\"width:%.1f%%\"></i>",
                   s->budget_ms > 0 && s->p95 > s->budget_ms ? " over" : "", p95, p50);
    if (s->budget_ms > 0 && s->budget_ms <= full) fvi_str_printf(out, "<u style=\"left:%.1f%%\"></u>", 100 * s->budget_ms / full);
    fvi_str_add(out, "</div>");
}

/* "infer_yolov8n_ms", free to break behind each underscore on a narrow screen */
static void stage_name(fvi_str *out, const char *name)
{
    while (*name) {
        char part[64];
        size_t n = 0;
        do
            part[n++] = *name++;
        while (*name && part[n - 1] != '_' && n + 1 < sizeof part);
        /* a character of several bytes is not cut */
        while (n + 1 < sizeof part && ((unsigned char)*name & 0xC0) == 0x80) part[n++] = *name++;
        part[n] = 0;
        fvi_str_add_html(out, part);
        if (*name) fvi_str_add(out, "<wbr>");
    }
}

static void stage_row(fvi_str *out, const fvi_report_run *r, const fvi_report_stage *s, double full)
{
    bool total = s == r->end_to_end, over = s->budget_ms > 0 && s->p95 > s->budget_ms;
    fvi_str_add(out, total ? "<tr class=\"total\"><td>" : "<tr><td>");
    stage_name(out, s->name);
    if (s->aliases[0]) {
        fvi_str_add(out, "<span class=\"alias hide\">");
        fvi_str_add_html(out, s->aliases);
        fvi_str_add(out, "</span>");
    }
    fvi_str_add(out, "</td><td class=\"wide\">");
    fvi_report_spark(out, r, s);
    if (!total) bar(out, s, full);
    const double v[] = {s->mean, s->p50, s->p95, s->p99};
    for (int i = 0; i < 4; i++) {
        fvi_str_printf(out, "</td><td%s>", i == 0 || i == 3 ? " class=\"hide\"" : i == 2 && over ? " class=\"worse\"" : "");
        fvi_report_ms(out, v[i]);
    }
    fvi_str_add(out, "</td><td class=\"dim\">");
    if (s->budget_ms > 0)
        fvi_report_ms(out, s->budget_ms);
    else
        fvi_str_add(out, "–");
    fvi_str_printf(out, "</td><td class=\"%s\">%s", over ? "worse" : "good", s->budget_ms > 0 ? over ? "✗ over" : "✓ within" : "");
    fvi_str_add(out, "</td><td class=\"dim hide\">");
    if (total || !(s->wait_ms > 0) || r->wall_s <= 0)
        fvi_str_add(out, "–");
    else
        fvi_str_printf(out, "%.0f %%", fmin(100, s->wait_ms / (r->wall_s * 10)));
    fvi_str_add(out, "</td></tr>\n");
}

static void stages(fvi_str *out, const fvi_report_run *r)
{
    double full = widest(r);
    fvi_str_add(out, "<div class=\"card\"><h2>Stages</h2><div class=\"scroll\"><table><tr><th>stage</th><th></th><th class=\"hide\">mean</th>"
                     "<th>p50</th><th>p95</th><th class=\"hide\">p99</th><th>budget</th><th>p95</th><th class=\"hide\">waiting</th></tr>\n");
    for (int i = 0; i < r->n_stages; i++) stage_row(out, r, &r->stage[i], full);
    fvi_str_add(out, "</table></div><div class=\"key\"><span>median (p50)</span><span class=\"k2\">p95</span>"
                     "<span class=\"k3\">budget</span><span class=\"k4\">over budget</span><span class=\"k2\">above each bar: its distribution, logarithmic from the least to the longest</span></div></div>\n");
}

void fvi_report_run_section(fvi_str *out, const fvi_report_run *r)
{
    fvi_str_add(out, "<section class=\"run\">");
    head(out, r);
    tiles(out, r);
    verdict(out, r);
    stages(out, r);
    fvi_report_latency_chart(out, r);
    if (r->summary) fvi_report_tiles_section(out, fvi_report_json_get(r->summary, "tiles"), fvi_report_json_str(r->summary, "scene", NULL));
    if (r->summary) fvi_report_counting_section(out, r->summary);
    if (r->command[0]) {
        fvi_str_add(out, "<details><summary>How to run it again</summary><p><code>");
        fvi_str_add_html(out, r->command);
        fvi_str_add(out, "</code></p></details>");
    }
    fvi_str_add(out, "</section>\n");
}
