/* html_heat.c: where things stood, and how long they stayed: a grid over the frame, and bars for each zone. In: `heat` and
 * `zones` of a summary. Called by html_count.c. */
#include "report/run.h"

#define W 720
#define MAX_CELLS 65536
#define BAR_W 480
#define BAR_H 150
#define BASE 118

static double most_of(const fvi_report_json *list)
{
    double m = 0;
    for (const fvi_report_json *c = list->child; c; c = c->next)
        if (c->type == FVI_REPORT_JSON_NUMBER && c->number < 1e12) m = fmax(m, c->number);
    return m;
}

void fvi_report_heat_section(fvi_str *out, const fvi_report_json *heat)
{
    double columns = fvi_report_json_num(heat, "columns", 0), rows = fvi_report_json_num(heat, "rows", 0);
    const fvi_report_json *seconds = fvi_report_json_get(heat, "seconds");
    if (!seconds || seconds->type != FVI_REPORT_JSON_ARRAY || !(columns >= 1 && rows >= 1) || columns * rows > MAX_CELLS) return;
    if (seconds->count != (int)(columns * rows)) return;
    double top = most_of(seconds), side = W / columns, full = fvi_report_json_num(heat, "full", 0);
    if (!(top > 0)) return;
    if (!(full > 0 && full < top)) full = top;
    fvi_str_add(out, "<div class=\"card\"><h2>Where things stood</h2>");
    fvi_str_printf(out, "<svg class=\"long\" viewBox=\"0 0 %d %.1f\" role=\"img\" aria-label=\"Heat map of the frame\">", W, side * rows);
    fvi_str_printf(out, "<rect class=\"f\" width=\"%d\" height=\"%.1f\"/>", W, side * rows);
    int i = 0, n = (int)columns;
    for (const fvi_report_json *c = seconds->child; c; c = c->next, i++) {
        if (c->type != FVI_REPORT_JSON_NUMBER || !(c->number > 0)) continue;
        fvi_str_printf(out, "<rect class=\"h3\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill-opacity=\"%.2f\"><title>%.1f s</title></rect>",
                       (i % n) * side, (i / n) * side, side + 0.2, side + 0.2, fmin(1, 0.08 + 0.92 * sqrt(c->number / full)), c->number);
    }
    fvi_str_printf(out, "</svg><p class=\"dim\">Middle of the lower edge of each box; the busiest cell: %.1f s.</p></div>\n", top);
}

static bool pair(const fvi_report_json *c, double *from, double *n)
{
    if (c->type != FVI_REPORT_JSON_ARRAY || c->count != 2) return false;
    *from = c->child->number;
    *n = c->child->next->number;
    return *from >= 0 && *from < 1e9 && *n > 0 && *n < 1e12;
}

static void span_text(fvi_str *out, double s)
{
    if (s >= 3600)
        fvi_str_printf(out, "%g h", s / 3600);
    else if (s >= 60)
        fvi_str_printf(out, "%g min", s / 60);
    else
        fvi_str_printf(out, "%g s", s);
}

void fvi_report_dwell_chart(fvi_str *out, const fvi_report_json *zone)
{
    const fvi_report_json *list = fvi_report_json_get(fvi_report_json_get(zone, "dwell_s"), "histogram");
    double top = 0, from, n;
    int bars = 0, i = 0;
    if (!list || list->type != FVI_REPORT_JSON_ARRAY || list->count > 64) return;
    for (const fvi_report_json *c = list->child; c; c = c->next)
        if (pair(c, &from, &n)) top = fmax(top, n), bars++;
    if (!bars) return;
    double slot = fmin((double)BAR_W / bars, 72);
    fvi_str_add(out, "<div class=\"card\"><h2>How long they stayed: ");
    fvi_str_add_html(out, zone->key);
    fvi_str_printf(out, "</h2><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Lengths of stays\">", BAR_W, BAR_H);
    fvi_str_printf(out, "<line class=\"g\" x1=\"0\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>", BAR_W, BASE, BASE);
    for (const fvi_report_json *c = list->child; c; c = c->next) {
        if (!pair(c, &from, &n)) continue;
        double h = (BASE - 22) * n / top, x = i++ * slot;
        fvi_str_printf(out, "<rect class=\"h\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"2\"/>", x + slot * 0.1, BASE - h, slot * 0.8, h);
        fvi_str_printf(out, "<text class=\"s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%.0f</text>", x + slot / 2, BASE - h - 5, n);
        fvi_str_printf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">", x + slot / 2, BASE + 18);
        span_text(out, from);
        fvi_str_add(out, "</text>");
    }
    fvi_str_add(out, "</svg><p class=\"dim\">Stays that ended, by the least they lasted.</p></div>\n");
}
