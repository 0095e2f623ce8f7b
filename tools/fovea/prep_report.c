/* prep_report.c: what `fovea prep` says when it is done: a summary, each failure with its reason, and the same as JSON. */
#include "prep.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 20 /* failures on stderr; all are in the JSON */

static const char *const stage_names[PREP_STAGES] = {"read", "decode", "resize"};

static double percentile(const prep_stage *s, double p) { return s->n ? (double)s->ms[(int)(p * (s->n - 1) + 0.5)] : 0; }

static double mean(const prep_stage *s)
{
    double sum = 0;
    for (int i = 0; i < s->n; i++) sum += (double)s->ms[i];
    return s->n ? sum / s->n : 0;
}

/* The strategy that most pictures took. */
static const char *strategy_of(const prep_job *j)
{
    int best = 0;
    for (int i = 1; i < 8; i++)
        if (j->by_strategy[i] > j->by_strategy[best]) best = i;
    return fv_prep_strategy(best, NULL, NULL);
}

static const char *reason_of(const prep_job *j) { return cli_given(j->a, "strategy") && strcmp(cli_text(j->a, "strategy"), "auto") ? "asked for" : fv_prep_reason(j->prep); }

static double rate(const prep_job *j) { return j->seconds > 0 ? j->done / j->seconds : 0; }

void prep_report(const prep_job *j)
{
    for (int i = 0; i < j->n_failures && i < SHOWN; i++) cli_warn(j->a, "%s", j->failures[i].why);
    if (j->n_failures > SHOWN) cli_warn(j->a, "and %d more failed (--json has all)", j->n_failures - SHOWN);
    if (j->profiles) cli_note(j->a, "%d of the pictures have a colour profile; profiles are left alone", j->profiles);
    if (cli_on(j->a, "quiet") || !j->done) return;
    text t = {0};
    text_printf(&t, "%d picture%s -> ", j->done, j->done == 1 ? "" : "s");
    text_terminal(&t, j->path);
    if (j->n_entries == 1) {
        const int64_t *d = j->entries[0].dim;
        const int64_t first = j->on_error == PREP_SKIP ? j->done : j->entries[0].dim[0];
        text_printf(&t, " [%lld,%lld,%lld,%lld]", (long long)first, (long long)d[1], (long long)d[2], (long long)d[3]);
    } else {
        text_printf(&t, " (%d tensors)", j->done);
    }
    text_printf(&t, " %s", fv_dtype_name(j->o.dtype));
    if (j->n_failures) text_printf(&t, ", %d failed", j->n_failures);
    puts(t.s);
    text_clear(&t);
    text_printf(&t, "Speed: %.1f pictures/s; a picture: decode %.2f ms, resize %.2f ms", rate(j), mean(&j->stage[PREP_DECODE]), mean(&j->stage[PREP_RESIZE]));
    text_printf(&t, "\nStrategy: %s", reason_of(j)[0] && strcmp(reason_of(j), "asked for") ? reason_of(j) : strategy_of(j));
    puts(t.s);
    text_free(&t);
}

fv_status prep_json(const prep_job *j, const char *path, fv_error *err)
{
    text t = {0};
    text_printf(&t, "{\"images\":%d,\"failed\":[", j->done);
    for (int i = 0; i < j->n_failures; i++) {
        text_add(&t, i ? ",{\"source\":" : "{\"source\":");
        text_json(&t, j->failures[i].name);
        text_add(&t, ",\"reason\":");
        text_json(&t, j->failures[i].why);
        text_add(&t, "}");
    }
    text_add(&t, "],\"images_per_second\":");
    text_number(&t, rate(j), 2);
    text_add(&t, ",\"strategy\":");
    text_json(&t, strategy_of(j));
    text_add(&t, ",\"reason\":");
    text_json(&t, reason_of(j));
    text_add(&t, ",\"strategies\":{");
    const char *name;
    for (int i = 0, n = 0; i < 8 && (name = fv_prep_strategy(i, NULL, NULL)); i++)
        if (j->by_strategy[i]) text_printf(&t, "%s\"%s\":%d", n++ ? "," : "", name, j->by_strategy[i]);
    text_add(&t, "},\"stages_ms\":{");
    for (int s = 0; s < PREP_STAGES; s++) {
        const prep_stage *g = &j->stage[s];
        qsort(g->ms, (size_t)g->n, sizeof *g->ms, tool_ascending);
        text_printf(&t, "%s\"%s\":{\"mean\":", s ? "," : "", stage_names[s]);
        text_number(&t, mean(g), 4);
        static const struct {
            const char *name;
            double p;
        } points[] = {{"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}};
        for (int k = 0; k < 4; k++) {
            text_printf(&t, ",\"%s\":", points[k].name);
            text_number(&t, percentile(g, points[k].p), 4);
        }
        text_add(&t, "}");
    }
    text_add(&t, "}}\n");
    fv_status st = cli_write_file(path, t.s, t.len, err);
    text_free(&t);
    return st;
}
