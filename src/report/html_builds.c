/* html_builds.c: builds of one model in several precisions side by side: size, build time, load time, latency, accuracy, as bars and a table.
 * Read from what `bench`, `build`, `val` and `quantize` write with --json. Called by `fovea report --builds`. */
#include "base/error.h"
#include "report/run.h"
#include <fovea/report.h>
#include <fovea/version.h>
#include <math.h>
#include <string.h>

/* One line a figure: id, name, unit, what is better (-1 less, 1 more, 0 neither), whether it has bars. */
#define FIGURES(X)                                        \
    X(SIZE, "size", "MB", -1, true)                       \
    X(BUILD_COLD, "build, nothing remembered", "ms", -1, true) \
    X(BUILD_WARM, "build, with the timing cache", "ms", -1, false) \
    X(LOAD, "load, ready to run", "ms", -1, true)         \
    X(P50, "latency p50", "ms", -1, true)                 \
    X(P90, "latency p90", "ms", -1, false)                \
    X(P95, "latency p95", "ms", -1, false)                \
    X(P99, "latency p99", "ms", -1, false)                \
    X(RATE, "throughput", "pictures/s", 1, false)         \
    X(MAP, "mAP50-95", "points", 1, true)                 \
    X(MAP50, "mAP50", "points", 1, false)                 \
    X(AGREEMENT, "detections that agree with fp32", "%", 1, false)
typedef enum figure {
#define ID(id, name, unit, better, bars) id,
    FIGURES(ID)
#undef ID
    FIGURE_COUNT
} figure;
static const struct {
    const char *name, *unit;
    int better;
    bool bars;
} figures[FIGURE_COUNT] = {
#define ROW(id, name, unit, better, bars) {name, unit, better, bars},
    FIGURES(ROW)
#undef ROW
};

static const char *const precisions[] = {"fp32", "bf16", "fp16", "int8", "fp8"};
enum { PRECISIONS = (int)(sizeof precisions / sizeof *precisions) };

typedef struct builds {
    double v[PRECISIONS][FIGURE_COUNT]; /* NaN: not known */
    const char *from[PRECISIONS][FIGURE_COUNT];
    bool there[PRECISIONS];
    const char *model, *level;
    int threads;
} builds;

static int precision_of(const char *name)
{
    for (int i = 0; i < PRECISIONS; i++)
        if (!strcmp(precisions[i], name)) return i;
    return -1;
}

static fv_status put(builds *b, int p, figure f, double v, const char *file, fv_error *err)
{
    if (!isfinite(v)) return FV_OK;
    if (b->from[p][f] && (fabs(b->v[p][f] - v) > 1e-9 * fabs(v))) /* two files may tell the same size */
        return fvi_error_set(err, FV_ERR_INPUT, "%s: %s of %s stands in %s already; give one file of each kind and precision", file, figures[f].name, precisions[p], b->from[p][f]);
    b->v[p][f] = v;
    b->from[p][f] = file;
    b->there[p] = true;
    return FV_OK;
}

static double times(const fvi_report_json *v, const char *key, double by) { return by * fvi_report_json_num(v, key, NAN); }

static fv_status read_bench(builds *b, int p, const fvi_report_json *root, const char *file, fv_error *err)
{
    const fvi_report_json *l = fvi_report_json_get(root, "latency_ms");
    b->level = fvi_report_json_str(root, "level", b->level);
    b->threads = (int)fvi_report_json_num(root, "threads", b->threads);
    FVI_TRY(put(b, p, SIZE, times(root, "bytes", 1e-6), file, err));
    FVI_TRY(put(b, p, LOAD, times(root, "load_ms", 1) + times(root, "session_ms", 1), file, err));
    FVI_TRY(put(b, p, P50, times(l, "median", 1), file, err));
    FVI_TRY(put(b, p, P90, times(l, "p90", 1), file, err));
    FVI_TRY(put(b, p, P95, times(l, "p95", 1), file, err));
    FVI_TRY(put(b, p, P99, times(l, "p99", 1), file, err));
    return put(b, p, RATE, times(root, "throughput_ips", 1), file, err);
}

static fv_status read_quantize(builds *b, const fvi_report_json *root, const char *file, fv_error *err)
{
    const char *made = fvi_report_json_str(root, "precision", "");
    for (const fvi_report_json *r = fvi_report_json_get(root, "results")->child; r; r = r->next) {
        const char *name = fvi_report_json_str(r, "precision", "");
        const int p = precision_of(name);
        if (p < 0) continue;
        FVI_TRY(put(b, p, SIZE, times(r, "bytes", 1e-6), file, err));
        if (!strcmp(name, made)) FVI_TRY(put(b, p, AGREEMENT, times(root, "agreement", 100), file, err));
    }
    return FV_OK;
}

static fv_status read_one(builds *b, const fvi_report_json *root, const char *file, fv_error *err)
{
    const fvi_report_json *results = fvi_report_json_get(root, "results");
    const char *name = fvi_report_json_str(root, "precision", "");
    const int p = precision_of(name);
    if (!b->model || strstr(b->model, ".fv")) b->model = fvi_report_json_str(root, "model", b->model);
    if (results && results->type == FVI_REPORT_JSON_ARRAY) return read_quantize(b, root, file, err);
    const bool bench = fvi_report_json_get(root, "latency_ms"), build = fvi_report_json_get(root, "build_ms"), val = fvi_report_json_get(root, "map50_95");
    if (!bench && !build && !val) return fvi_error_set(err, FV_ERR_INPUT, "%s: is not what bench, build, val or quantize write with --json", file);
    if (p < 0) return fvi_error_set(err, FV_ERR_INPUT, "%s: its precision is '%.40s'; there are fp32, bf16, fp16, int8 and fp8", file, name);
    if (bench) return read_bench(b, p, root, file, err);
    if (val) {
        FVI_TRY(put(b, p, MAP, times(root, "map50_95", 100), file, err));
        return put(b, p, MAP50, times(root, "map50", 100), file, err);
    }
    FVI_TRY(put(b, p, SIZE, times(root, "bytes", 1e-6), file, err));
    return put(b, p, fvi_report_json_num(root, "timed", 0) > 0 ? BUILD_COLD : BUILD_WARM, times(root, "build_ms", 1), file, err);
}

/* ---- the page ---- */

static void number(fvi_str *out, double v) { fvi_str_printf(out, v >= 99.95 ? "%.0f" : v >= 9.995 ? "%.1f" : "%.2f", v); }

/* Accuracy is compared by difference, all else by ratio. */
static void delta(fvi_str *out, figure f, double v, double first)
{
    if (!isfinite(v) || !isfinite(first)) return;
    if (f == MAP || f == MAP50) {
        const double d = v - first;
        fvi_str_printf(out, " <span class=\"%s\">%+.2f</span>", fabs(d) < 0.005 ? "dim" : d > 0 ? "good" : "worse", d);
    } else if (first > 0 && f != AGREEMENT) {
        const double q = v / first;
        fvi_str_printf(out, " <span class=\"%s\">%.2f×</span>", fabs(q - 1) < 0.02 ? "dim" : (q > 1) == (figures[f].better > 0) ? "good" : "worse", q);
    }
}

static bool known(const builds *b, figure f)
{
    for (int p = 0; p < PRECISIONS; p++)
        if (isfinite(b->v[p][f])) return true;
    return false;
}

static void bars(fvi_str *out, const builds *b, figure f)
{
    double most = 0;
    for (int p = 0; p < PRECISIONS; p++)
        if (isfinite(b->v[p][f])) most = fmax(most, b->v[p][f]);
    if (!(most > 0)) return;
    fvi_str_printf(out, "<div class=\"card\"><h2>%s, %s</h2><table>\n", figures[f].name, figures[f].unit);
    for (int p = 0; p < PRECISIONS; p++) {
        if (!isfinite(b->v[p][f])) continue;
        fvi_str_printf(out, "<tr><td>%s</td><td class=\"wide\"><div class=\"bar\"><i style=\"width:%.1f%%\"></i></div></td><td>", precisions[p], 100 * b->v[p][f] / most);
        number(out, b->v[p][f]);
        if (p) delta(out, f, b->v[p][f], b->v[0][f]);
        fvi_str_add(out, "</td></tr>\n");
    }
    fvi_str_add(out, "</table></div>\n");
}

static void table(fvi_str *out, const builds *b)
{
    fvi_str_add(out, "<div class=\"card\"><h2>All figures</h2><div class=\"scroll\"><table><tr><th></th>");
    for (int p = 0; p < PRECISIONS; p++)
        if (b->there[p]) fvi_str_printf(out, "<th>%s</th>", precisions[p]);
    fvi_str_add(out, "</tr>\n");
    for (figure f = 0; f < FIGURE_COUNT; f++) {
        if (!known(b, f)) continue;
        fvi_str_printf(out, "<tr><td>%s, %s</td>", figures[f].name, figures[f].unit);
        for (int p = 0; p < PRECISIONS; p++) {
            if (!b->there[p]) continue;
            fvi_str_add(out, "<td>");
            if (isfinite(b->v[p][f]))
                number(out, b->v[p][f]);
            else
                fvi_str_add(out, "–");
            if (p) delta(out, f, b->v[p][f], b->v[0][f]);
            fvi_str_add(out, "</td>");
        }
        fvi_str_add(out, "</tr>\n");
    }
    fvi_str_add(out, "</table></div><p class=\"facts\">Ratios and differences are to fp32. A size is that of the file that was loaded; load is opened, checked, planned and packed.</p></div>\n");
}

static void page(fvi_str *out, const builds *b)
{
    int n = 0;
    const char *model = b->model ? b->model : "", *slash = strrchr(model, '/');
    if (slash) model = slash + 1;
    for (int p = 0; p < PRECISIONS; p++) n += b->there[p];
    fvi_report_page_head(out, "fovea builds");
    fvi_str_add(out, "<header class=\"top\"><span class=\"logo\">fovea builds</span><h1>");
    fvi_str_add_html(out, model);
    fvi_str_printf(out, " in %d precision%s</h1></header>", n, n == 1 ? "" : "s");
    if (b->level) {
        fvi_str_add(out, "<p class=\"facts\">Timed at level <b>");
        fvi_str_add_html(out, b->level);
        fvi_str_printf(out, "</b>, <b>%d thread%s</b>.</p>\n", b->threads, b->threads == 1 ? "" : "s");
    }
    fvi_str_add(out, "<div class=\"two\">\n");
    for (figure f = 0; f < FIGURE_COUNT; f++)
        if (figures[f].bars && known(b, f)) bars(out, b, f);
    fvi_str_add(out, "</div>\n");
    table(out, b);
    fvi_report_page_foot(out, FV_VERSION);
}

fv_status fv_report_builds_html(char **html, const char *const *files, const char *const *names, int n, fv_error *err)
{
    if (!html) return fvi_error_set(err, FV_ERR_ARGUMENT, "fv_report_builds_html: html is null");
    *html = NULL;
    if (!files || !names || n < 1) return fvi_error_set(err, FV_ERR_ARGUMENT, "a report of builds needs at least one file");
    fvi_arena *a = fvi_arena_create(0);
    builds b = {0};
    fvi_str out = {0};
    fv_status st = a ? FV_OK : fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    for (int p = 0; p < PRECISIONS; p++)
        for (int f = 0; f < FIGURE_COUNT; f++) b.v[p][f] = NAN;
    for (int i = 0; i < n && st >= 0; i++) {
        const fvi_report_json *root;
        st = fvi_report_json_read(&root, a, files[i], strlen(files[i]), err);
        if (st < 0) {
            if (st == FV_ERR_INPUT) st = fvi_error_prefix(err, st, "%s", names[i]);
        } else {
            st = read_one(&b, root, names[i], err);
        }
    }
    if (st >= 0) page(&out, &b);
    if (st >= 0 && out.failed) st = fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    if (st >= 0)
        *html = out.s;
    else
        fvi_str_free(&out);
    fvi_arena_free(&a);
    return st;
}
