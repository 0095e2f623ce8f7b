/* run_report.c: what is said when all is over: --summary, --run, --report, the lines of speeds and counts, and the list of
 * inputs that failed. Called by run.c. */
#include "run_stream.h"
#include "run_tiles.h"
#include <errno.h>
#include <fovea/report.h>
#include <stdlib.h>
#include <string.h>

/* The name without its folders: what the report calls a run that stands alone. */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static void metrics_of(run_state *r, fv_metrics *m)
{
    run_metrics(r, m);
    m->wall_s += r->finish_s; /* an encoder still works when the last frame is in */
    m->fps = m->wall_s > 0 ? (double)m->processed / m->wall_s : 0;
}

/* Several live sources: the same object for each of them, as "sources" of the whole. */
static void add_live_summaries(const run_state *r, text *t)
{
    if (r->n_live < 2) return;
    t->s[--t->len] = 0; /* the closing brace */
    text_add(t, ",\"sources\":[");
    for (int i = 0; i < r->n_live; i++) {
        const stream *s = &r->live[i];
        fv_metrics m = {0};
        text one = {0};
        if (s->pipeline) fv_pipeline_metrics(s->pipeline, &m);
        tally_json(s->tally, &one, &m, r->detector);
        text_add(t, i ? ",{\"source\":" : "{\"source\":");
        text_json(t, s->source->info.name);
        text_printf(t, ",\"stalls\":%lld,\"reconnects\":%lld,%s", (long long)s->stalls, (long long)s->reconnects, one.s + 1);
        text_free(&one);
    }
    text_add(t, "]}");
}

/* --metric-budget, after those of the file: later ones win. */
static int budgets_of(const run_state *r, fv_metric_budget **out, char **names)
{
    text t = {0};
    int n_flags = cli_count(r->a, "metric-budget"), n = 0, commas = 0;
    const config_entry *e = config_find(&r->s.config, "metric-budget");
    if (e) text_add(&t, e->value);
    for (int i = 0; i < n_flags; i++) {
        if (t.len) text_add(&t, ",");
        text_add(&t, cli_nth(r->a, "metric-budget", i));
    }
    for (size_t i = 0; i < t.len; i++) commas += t.s[i] == ',';
    *out = tool_alloc((size_t)(commas + 1) * sizeof **out);
    for (char *p = t.s; p && *p;) { /* all checked */
        char *next = strchr(p, ','), *eq = strchr(p, '=');
        *eq = 0;
        if (next) *next = 0;
        (*out)[n++] = (fv_metric_budget){p, strtod(eq + 1, NULL)};
        p = next ? next + 1 : NULL;
    }
    *names = t.s;
    return n;
}

static char *make_run(const run_state *r, const fv_metrics *m, const char *summary, fv_error *err)
{
    char *json = NULL;
    int w, h;
    fv_detector_input_size(r->detector, &w, &h);
    fv_run_info info = {.verb = cli_verb_name(r->a),
                        .model = r->model_path,
                        .tile_model = r->tile_path,
                        .device = r->model ? fv_model_device(r->model) : "null",
                        .precision = r->model ? fv_model_precision(r->model) : NULL,
                        .machine = fv_context_cpu_name(r->ctx),
                        .level = fv_context_cpu_level(r->ctx),
                        .command = cli_command(r->a),
                        .started = r->started,
                        .sources = (const char *const *)r->sources.shown,
                        .n_sources = r->sources.n_files,
                        .threads = fv_context_threads(r->ctx),
                        .input_w = w,
                        .input_h = h,
                        .summary_json = summary};
    fv_metric_budget *budgets;
    char *names;
    info.n_budgets = budgets_of(r, &budgets, &names);
    info.budgets = budgets;
    fv_status st = fv_report_run_json(&json, &info, m, err);
    free(budgets);
    free(names);
    return st < 0 ? NULL : json;
}

static int write_files(run_state *r, const fv_metrics *m, const char *summary)
{
    const char *summary_path = cli_text(r->a, "summary"), *run_path = cli_text(r->a, "run"), *report_path = cli_text(r->a, "report");
    fv_error err = {0};
    fv_status st = FV_OK;
    if (summary_path) {
        text t = {0};
        text_add(&t, summary);
        text_add(&t, "\n");
        st = cli_write_file(summary_path, t.s, t.len, &err);
        text_free(&t);
    }
    if (st < 0) return cli_fail(r->a, st, &err);
    const char *heat_path = r->s.mode == RUN_PREDICT ? NULL : cli_text(r->a, "heatmap");
    if (heat_path) st = heat_write(&r->out.heat, heat_path, cli_on(r->a, "overwrite"), &err);
    if (st < 0) return cli_fail(r->a, st, &err);
    if (!run_path && !report_path) return 0;
    text with_heat = {0};
    text_add(&with_heat, summary);
    if (r->out.heat.cell) { /* the page draws it; --summary is for sums */
        with_heat.len--;
        text_add(&with_heat, ",\"heat\":");
        heat_json(&r->out.heat, &with_heat);
        text_add(&with_heat, "}");
    }
    if (r->first.luma && r->s.tiles.tiling != FV_TILES_NONE) {
        with_heat.len--;
        text_add(&with_heat, ",\"scene\":\"");
        scene_png(&r->first, &with_heat);
        text_add(&with_heat, "\"}");
    }
    char *run = make_run(r, m, with_heat.s, &err), *html = NULL;
    text_free(&with_heat);
    if (!run) return cli_fail(r->a, err.status, &err);
    if (run_path) st = cli_write_file(run_path, run, strlen(run), &err);
    if (st >= 0 && report_path) {
        const char *label = base_name(r->sources.shown[0]);
        st = fv_report_html(&html, (const char *const *)&run, &label, 1, &err);
        if (st >= 0) st = cli_write_file(report_path, html, strlen(html), &err);
    }
    fv_string_free(&html);
    fv_string_free(&run);
    return st < 0 ? cli_fail(r->a, st, &err) : 0;
}

static void speed_lines(const run_state *r, text *t, const fv_metrics *m)
{
    if (r->replaying) {
        text_printf(t, "Replay: %lld frames in %.2f s\n", (long long)m->processed, m->wall_s);
        return;
    }
    int w, h;
    const char *comma = "";
    fv_detector_input_size(r->detector, &w, &h);
    text_add(t, "Speed: ");
    for (int i = 0; i < FV_STAGES; i++) {
        if (!m->stage[i].count || i == FV_STAGE_WAIT) continue;
        text_printf(t, "%s%s %.*f ms", comma, m->stage[i].name, m->stage[i].mean_ms < 9.95 ? 2 : 1, m->stage[i].mean_ms);
        comma = ", ";
    }
    text_add(t, " per frame");
    if (r->detector) text_printf(t, " at %dx%d", h, w);
    text_printf(t, "; %lld frames in %.2f s (%.1f fps)\n", (long long)m->processed, m->wall_s, m->fps);
    text_printf(t, "Latency: p50 %.1f ms, p95 %.1f ms, p99 %.1f ms", m->end_to_end.p50_ms, m->end_to_end.p95_ms, m->end_to_end.p99_ms);
    if (m->bottleneck) text_printf(t, "; %s sets the pace", m->bottleneck);
    text_printf(t, ". Frames: %lld decoded, %lld processed, %lld dropped", (long long)m->decoded, (long long)m->processed, (long long)m->dropped);
    if (m->skipped) text_printf(t, ", %lld skipped", (long long)m->skipped);
    text_add(t, "\n");
}

static void list_failures(const run_state *r)
{
    const run_sources *s = &r->sources;
    for (int i = 0; i < s->n_failures; i++) {
        const run_failure *f = &s->failures[i];
        cli_error(r->a, 0, "%s: %s%s", f->name, f->why, f->partial ? " (what came before was processed)" : "");
    }
    if (s->n_failures > 1) cli_error(r->a, 0, "%d inputs failed or were cut short", s->n_failures);
}

int run_report(run_state *r)
{
    fv_metrics m;
    text summary = {0}, t = {0};
    metrics_of(r, &m);
    tally_json(&r->tally, &summary, &m, r->detector);
    add_live_summaries(r, &summary);
    tiles_json(r->detector, &summary);
    int code = write_files(r, &m, summary.s);
    if (!cli_on(r->a, "quiet") && m.processed) {
        speed_lines(r, &t, &m);
        tiles_print(r->detector, &t);
        tally_print(&r->tally, &t, r->detector);
        errno = 0;
        bool bad = fwrite(t.s, 1, t.len, r->out.talk) < t.len || fflush(r->out.talk);
        if (bad && errno != EPIPE && r->out.talk == stdout) code = cli_error(r->a, EXIT_OUTPUT, "stdout: %s", strerror(errno));
    }
    list_failures(r);
    text_free(&summary);
    text_free(&t);
    return code;
}
