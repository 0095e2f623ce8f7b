/* html.c: run files -> one HTML page that needs nothing else. Entry of the report; the parts are in html_run.c,
 * html_chart.c, html_count.c and html_compare.c. Called by `fovea report` and by --report. */
#include "base/error.h"
#include "report/run.h"
#include <fovea/report.h>
#include <fovea/version.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char style[] =
    ":root{--bg:#f6f7f5;--card:#fff;--ink:#17201d;--soft:#5d6a65;--line:#dfe4e1;--accent:#0b7a66;--accent2:#7cc4b4;"
    "--warn:#c2410c;--good:#0b7a66;--bar:#e9eeeb;--mark:#17201d;color-scheme:light dark}"
    "@media(prefers-color-scheme:dark){:root{--bg:#0e1311;--card:#161d1a;--ink:#e7eeea;--soft:#93a39c;--line:#26302c;"
    "--accent:#34c3a5;--accent2:#1d6d5d;--warn:#fb923c;--good:#34c3a5;--bar:#212b27;--mark:#e7eeea}}"
    "*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}"
    "body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;"
    "font-variant-numeric:tabular-nums}"
    "main{max-width:1080px;margin:0 auto;padding:28px 20px 40px}"
    "header.top{display:flex;flex-wrap:wrap;gap:4px 14px;align-items:baseline;margin-bottom:6px}"
    ".logo{font-weight:700;letter-spacing:.02em;color:var(--accent)}"
    "h1{font-size:1.6rem;line-height:1.25;margin:0;overflow-wrap:anywhere}"
    "h2{font-size:1.05rem;margin:0 0 14px}h3{font-size:.95rem;margin:18px 0 8px}"
    ".facts{color:var(--soft);font-size:.92rem;margin:6px 0 0;overflow-wrap:anywhere}"
    ".facts b{color:var(--ink);font-weight:600}.facts .nw{white-space:nowrap}"
    "section.run{margin-top:26px}section.run+section.run{border-top:1px solid var(--line);padding-top:26px}"
    ".card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:18px 20px;margin-top:16px}"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:12px;margin-top:18px}"
    ".tile{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:13px 16px}"
    ".tile .v{font-size:1.65rem;font-weight:650;line-height:1.2;letter-spacing:-.01em}.tile .u{font-size:.9rem;color:var(--soft);font-weight:500;margin-left:3px}"
    ".tile .k{font-size:.82rem;color:var(--soft)}.tile.lead .v{color:var(--accent)}.bad{color:var(--warn)!important}"
    ".verdict{border-left:4px solid var(--accent);padding:2px 0 2px 12px;margin:18px 0 0}"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.93rem}"
    "th,td{text-align:right;padding:7px 8px;border-bottom:1px solid var(--line);white-space:nowrap}"
    "th:first-child,td:first-child{text-align:left;padding-left:0}th:last-child,td:last-child{padding-right:0}"
    "tr:last-child td{border-bottom:0}"
    "th{color:var(--soft);font-weight:500;font-size:.82rem}td.wide{width:38%;min-width:150px}"
    "tr.total td{font-weight:600}td .alias{display:block;font-size:.74rem;color:var(--soft);font-weight:400;white-space:normal;overflow-wrap:anywhere}"
    ".bar{position:relative;height:16px;border-radius:4px;background:var(--bar);overflow:hidden}"
    ".bar i,.bar b,.bar u{position:absolute;top:0;bottom:0;left:0;display:block}"
    ".bar b{background:var(--accent2)}.bar i{background:var(--accent)}.bar.over i{background:var(--warn)}.bar.over b{background:var(--warn);opacity:.45}"
    ".bar u{width:2px;background:var(--mark);border-radius:0}"
    ".key{display:flex;flex-wrap:wrap;gap:4px 18px;color:var(--soft);font-size:.82rem;margin-top:10px}"
    ".key span::before{content:'';display:inline-block;width:12px;height:10px;border-radius:2px;margin-right:6px;background:var(--accent)}"
    ".key .k2::before{background:var(--accent2)}.key .k3::before{width:2px;height:12px;vertical-align:-2px;background:var(--mark);border-radius:0}"
    ".key .k4::before{background:var(--warn)}"
    "svg.spark{height:18px;margin-bottom:2px}svg .o{fill:none;stroke:var(--mark);stroke-opacity:.35}"
    "svg{display:block;width:100%;height:auto}svg text{fill:var(--soft);font:11px system-ui,'DejaVu Sans',sans-serif}"
    "svg .h{fill:var(--accent)}svg .h2{fill:var(--accent2)}svg .h3{fill:var(--warn)}svg .f{fill:var(--line);fill-opacity:.35}svg .g{stroke:var(--line)}svg .p{stroke:var(--mark);stroke-dasharray:3 3}svg .s{fill:var(--ink);font-weight:600}"
    ".two{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:0 16px}"
    "code{font:.85rem/1.5 ui-monospace,'DejaVu Sans Mono',Menlo,monospace;overflow-wrap:anywhere}"
    "details{margin-top:12px;color:var(--soft);font-size:.92rem}summary{cursor:pointer}"
    ".good{color:var(--good);font-weight:600}.worse{color:var(--warn);font-weight:600}.dim{color:var(--soft)}"
    "footer{color:var(--soft);font-size:.82rem;margin-top:28px}"
    "@media(max-width:640px){main{padding:18px 14px 28px}.tiles{grid-template-columns:repeat(2,1fr)}h1{font-size:1.3rem}"
    ".card{padding:14px}.hide{display:none!important}td.wide{min-width:90px;width:30%}th,td{padding:6px 5px}"
    "td:first-child{white-space:normal;overflow-wrap:break-word}svg.long text{font-size:20px}}"
    "@media print{body{background:#fff}.card,.tile{break-inside:avoid}}";

void fvi_report_page_head(fvi_str *out, const char *title)
{
    fvi_str_add(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                     "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>");
    fvi_str_add_html(out, title);
    fvi_str_add(out, "</title><style>");
    fvi_str_add(out, style);
    fvi_str_add(out, "</style></head><body><main>\n");
}

void fvi_report_page_foot(fvi_str *out, const char *version)
{
    fvi_str_add(out, "<footer>Made by fovea ");
    fvi_str_add_html(out, version);
    fvi_str_add(out, ". Durations are per frame, in milliseconds; warm-up runs are not in the figures. Budgets that nobody set "
                     "are those of 4K video at 30 frames a second.</footer></main></body></html>\n");
}

void fvi_report_ms(fvi_str *out, double ms)
{
    fvi_str_printf(out, ms >= 99.95 ? "%.0f" : ms >= 9.995 ? "%.1f" : "%.2f", ms);
}

void fvi_report_whole(fvi_str *out, double n)
{
    char digits[40];
    if (!(fabs(n) < 1e15)) n = 0;
    snprintf(digits, sizeof digits, "%.0f", n);
    size_t len = strlen(digits);
    for (size_t i = 0; i < len; i++) {
        fvi_str_addn(out, digits + i, 1);
        if ((len - i) % 3 == 1 && i + 1 < len && digits[i] != '-') fvi_str_add(out, ",");
    }
}

static void page(fvi_str *out, const fvi_report_run *runs, int n)
{
    char title[160];
    if (n == 1)
        snprintf(title, sizeof title, "fovea %s: %s", runs[0].verb, runs[0].label);
    else
        snprintf(title, sizeof title, "fovea: %d runs side by side", n);
    fvi_report_page_head(out, title);
    if (n > 1) fvi_report_compare_section(out, runs, n);
    for (int i = 0; i < n; i++) fvi_report_run_section(out, &runs[i]);
    fvi_report_page_foot(out, FV_VERSION);
}

fv_status fv_report_html(char **html, const char *const *runs, const char *const *names, int n, fv_error *err)
{
    if (!html) return FV_ERR_ARGUMENT;
    *html = NULL;
    if (!runs || n < 1 || n > FVI_REPORT_MAX_RUNS)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "a report is made from 1 to %d runs", FVI_REPORT_MAX_RUNS);
    fvi_str out = {0};
    fv_status st = FV_OK;
    fvi_arena *a = fvi_arena_create(0);
    fvi_report_run *all = a ? fvi_arena_array(a, (size_t)n, sizeof *all) : NULL;
    if (!all) st = fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    for (int i = 0; i < n && st >= 0; i++) {
        const char *label = names && names[i] ? names[i] : "run";
        st = fvi_report_run_read(&all[i], a, runs[i], label, err);
        if (st < 0) fvi_error_prefix(err, st, "%s", label);
    }
    if (st >= 0) page(&out, all, n);
    fvi_arena_free(&a);
    if (st >= 0 && out.failed) st = fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    if (st < 0) {
        fvi_str_free(&out);
        return st;
    }
    *html = out.s;
    return FV_OK;
}
