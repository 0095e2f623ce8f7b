/* html_count.c: the counting summary of a run (docs/FORMATS.md, --summary) as tables and a chart over time.
 * Called by html_run.c when a run file has one. */
#include "report/run.h"
#include <string.h>

#define MAX_INTERVALS 400
#define MAX_ZONE_CHARTS 24
#define W 720
#define H 150
#define BASE 122

static bool members(const fvi_report_json *v) { return v && v->type == FVI_REPORT_JSON_OBJECT && v->count; }

static void cell(fvi_str *out, double n)
{
    fvi_str_add(out, "<td>");
    fvi_report_whole(out, n);
    fvi_str_add(out, "</td>");
}

/* Left out on a narrow screen. */
static void extra_cell(fvi_str *out, double n)
{
    fvi_str_add(out, "<td class=\"hide\">");
    fvi_report_whole(out, n);
    fvi_str_add(out, "</td>");
}

static void line_table(fvi_str *out, const fvi_report_json *lines)
{
    fvi_str_add(out, "<div class=\"card\"><h2>Lines</h2><div class=\"scroll\"><table><tr><th>line</th><th>in</th><th>out</th><th>both</th></tr>");
    for (const fvi_report_json *l = lines->child; l; l = l->next) {
        double in = fvi_report_json_num(l, "in", 0), o = fvi_report_json_num(l, "out", 0);
        const fvi_report_json *classes = fvi_report_json_get(l, "by_class");
        fvi_str_add(out, "<tr class=\"total\"><td>");
        fvi_str_add_html(out, l->key);
        fvi_str_add(out, "</td>");
        cell(out, in);
        cell(out, o);
        cell(out, in + o);
        fvi_str_add(out, "</tr>");
        if (!members(classes)) continue;
        for (const fvi_report_json *c = classes->child; c; c = c->next) {
            double ci = fvi_report_json_num(c, "in", 0), co = fvi_report_json_num(c, "out", 0);
            fvi_str_add(out, "<tr><td class=\"dim\">&nbsp;&nbsp;");
            fvi_str_add_html(out, c->key);
            fvi_str_add(out, "</td>");
            cell(out, ci);
            cell(out, co);
            cell(out, ci + co);
            fvi_str_add(out, "</tr>");
        }
    }
    fvi_str_add(out, "</table></div></div>\n");
}

static void seconds(fvi_str *out, const fvi_report_json *dwell, const char *key, const char *class)
{
    double s = fvi_report_json_num(dwell, key, -1);
    if (s < 0)
        fvi_str_printf(out, "<td class=\"dim%s\">–</td>", class);
    else
        fvi_str_printf(out, "<td class=\"%s\">%.1f s</td>", class, s);
}

static void zone_table(fvi_str *out, const fvi_report_json *zones)
{
    fvi_str_add(out, "<div class=\"card\"><h2>Zones</h2><div class=\"scroll\"><table><tr><th>zone</th><th>entered</th><th class=\"hide\">left</th><th>now</th>"
                     "<th>most</th><th>stay, mean</th><th class=\"hide\">stay, p95</th></tr>");
    for (const fvi_report_json *z = zones->child; z; z = z->next) {
        const fvi_report_json *dwell = fvi_report_json_get(z, "dwell_s");
        fvi_str_add(out, "<tr class=\"total\"><td>");
        fvi_str_add_html(out, z->key);
        fvi_str_add(out, "</td>");
        cell(out, fvi_report_json_num(z, "entered", 0));
        extra_cell(out, fvi_report_json_num(z, "left", 0));
        cell(out, fvi_report_json_num(z, "occupancy", 0));
        cell(out, fvi_report_json_num(z, "max", 0));
        seconds(out, dwell, "mean", "");
        seconds(out, dwell, "p95", " hide");
        fvi_str_add(out, "</tr>");
    }
    fvi_str_add(out, "</table></div></div>\n");
}

/* Sum of a member over all lines of one interval. */
static double over_lines(const fvi_report_json *interval, const char *key)
{
    const fvi_report_json *lines = fvi_report_json_get(interval, "lines");
    double sum = 0;
    if (members(lines))
        for (const fvi_report_json *l = lines->child; l; l = l->next) sum += fmax(0, fvi_report_json_num(l, key, 0));
    return sum;
}

static void clock_text(fvi_str *out, double s)
{
    if (!(s >= 0 && s < 1e9)) s = 0;
    long t = (long)(s + 0.5);
    if (t >= 3600)
        fvi_str_printf(out, "%ld:%02ld:%02ld", t / 3600, t / 60 % 60, t % 60);
    else
        fvi_str_printf(out, "%ld:%02ld", t / 60, t % 60);
}

static void interval_chart(fvi_str *out, const fvi_report_json *intervals)
{
    int n = intervals->count < MAX_INTERVALS ? intervals->count : MAX_INTERVALS, i = 0;
    double most = 0, slot = (double)W / n;
    for (const fvi_report_json *c = intervals->child; c; c = c->next) most = fmax(most, over_lines(c, "in") + over_lines(c, "out"));
    if (most <= 0 || n < 2) return;
    fvi_str_add(out, "<div class=\"card\"><h2>Crossings over time</h2>");
    fvi_str_printf(out, "<svg class=\"long\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Crossings over time\">", W, H);
    fvi_str_printf(out, "<line class=\"g\" x1=\"0\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>", W, BASE, BASE);
    for (const fvi_report_json *c = intervals->child; c && i < n; c = c->next, i++) {
        double in = over_lines(c, "in"), o = over_lines(c, "out"), unit = (BASE - 18) / most;
        double x = i * slot + slot * 0.12, w = slot * 0.76;
        if (in > 0)
            fvi_str_printf(out, "<rect class=\"h\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"2\"/>", x, BASE - in * unit, w, in * unit);
        if (o > 0)
            fvi_str_printf(out, "<rect class=\"h2\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"2\"/>", x, BASE - (in + o) * unit, w, o * unit);
        if (in + o > 0 && n <= 40)
            fvi_str_printf(out, "<text class=\"s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%.0f</text>", x + w / 2, BASE - (in + o) * unit - 5, in + o);
        if (i % ((n + 7) / 8) == 0) {
            fvi_str_printf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"start\">", i * slot, BASE + 18);
            clock_text(out, fvi_report_json_num(c, "start", 0));
            fvi_str_add(out, "</text>");
        }
    }
    fvi_str_add(out, "</svg><div class=\"key\"><span>in</span><span class=\"k2\">out</span></div></div>\n");
}

void fvi_report_counting_section(fvi_str *out, const fvi_report_json *summary)
{
    const fvi_report_json *lines = fvi_report_json_get(summary, "lines"), *zones = fvi_report_json_get(summary, "zones");
    const fvi_report_json *intervals = fvi_report_json_get(summary, "intervals");
    fvi_str_add(out, "<div class=\"two\">");
    if (members(lines)) line_table(out, lines);
    if (members(zones)) zone_table(out, zones);
    fvi_str_add(out, "</div>");
    if (members(zones)) {
        fvi_str_add(out, "<div class=\"two\">");
        int n = 0;
        for (const fvi_report_json *z = zones->child; z && n < MAX_ZONE_CHARTS; z = z->next, n++) fvi_report_dwell_chart(out, z);
        fvi_str_add(out, "</div>");
    }
    fvi_report_heat_section(out, fvi_report_json_get(summary, "heat"));
    if (intervals && intervals->type == FVI_REPORT_JSON_ARRAY && intervals->count) interval_chart(out, intervals);
}
