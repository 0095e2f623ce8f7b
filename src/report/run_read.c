/* run_read.c: text of a run file -> fvi_report_run. Tolerant to what is missing, strict about what the file is.
 * Called by html.c. */
#include "report/run.h"
#include "base/error.h"
#include <string.h>

static const char *join_aliases(fvi_arena *a, const fvi_report_json *list)
{
    const char *text = "";
    if (!list || list->type != FVI_REPORT_JSON_ARRAY) return text;
    int n = 0;
    for (const fvi_report_json *c = list->child; c && n < 8; c = c->next)
        if (c->type == FVI_REPORT_JSON_STRING) {
            const char *joined = fvi_arena_printf(a, "%s%s%s", text, n++ ? ", " : "", c->string);
            if (joined) text = joined;
        }
    return text;
}

static double positive(const fvi_report_json *v, const char *key)
{
    double x = fvi_report_json_num(v, key, 0);
    return x > 0 ? x : 0;
}

static void read_stage(fvi_report_stage *s, fvi_arena *a, const fvi_report_json *v)
{
    s->name = fvi_report_json_str(v, "name", "?");
    s->stage = fvi_report_json_str(v, "stage", s->name);
    s->aliases = join_aliases(a, fvi_report_json_get(v, "aliases"));
    s->budget_ms = positive(v, "budget_ms");
    s->count = positive(v, "count");
    s->mean = positive(v, "mean");
    s->min = positive(v, "min");
    s->max = positive(v, "max");
    s->p50 = positive(v, "p50");
    s->p95 = positive(v, "p95");
    s->p99 = positive(v, "p99");
    s->wait_ms = positive(v, "wait_ms");
}

static void read_head(fvi_report_run *r, const fvi_report_json *root)
{
    r->verb = fvi_report_json_str(root, "verb", "run");
    r->command = fvi_report_json_str(root, "command", "");
    r->started = fvi_report_json_str(root, "started", "");
    r->model = fvi_report_json_str(root, "model", "");
    r->device = fvi_report_json_str(root, "device", "");
    r->precision = fvi_report_json_str(root, "precision", "");
    r->level = fvi_report_json_str(root, "level", "");
    r->machine = fvi_report_json_str(root, "machine", "");
    r->bottleneck = fvi_report_json_str(root, "bottleneck", "");
    double threads = positive(root, "threads");
    r->threads = threads < 1e6 ? (int)threads : 0;
    const fvi_report_json *input = fvi_report_json_get(root, "input");
    if (input && input->type == FVI_REPORT_JSON_ARRAY && input->count == 2) {
        double w = input->child->number, h = input->child->next->number;
        if (w > 0 && w < 1e6 && h > 0 && h < 1e6) {
            r->input_w = (int)w;
            r->input_h = (int)h;
        }
    }
    const fvi_report_json *sources = fvi_report_json_get(root, "sources");
    if (sources && sources->type == FVI_REPORT_JSON_ARRAY) r->sources = sources;
}

static const fvi_report_json *array_member(const fvi_report_json *v, const char *key)
{
    const fvi_report_json *m = fvi_report_json_get(v, key);
    return m && m->type == FVI_REPORT_JSON_ARRAY && m->count ? m : NULL;
}

fv_status fvi_report_run_read(fvi_report_run *r, fvi_arena *a, const char *text, const char *label, fv_error *err)
{
    const fvi_report_json *root;
    memset(r, 0, sizeof *r);
    r->label = label;
    FVI_TRY(fvi_report_json_read(&root, a, text, strlen(text), err));
    if (strcmp(fvi_report_json_str(root, "type", ""), "run"))
        return fvi_error_set(err, FV_ERR_INPUT, "this is JSON, but no run file (made with --run)");
    if (fvi_report_json_num(root, "schema", 0) != FVI_REPORT_SCHEMA)
        return fvi_error_set(err, FV_ERR_INPUT, "schema %g is not known; this version reads %d", fvi_report_json_num(root, "schema", 0),
                             FVI_REPORT_SCHEMA);
    const fvi_report_json *frames = fvi_report_json_get(root, "frames"), *stages = fvi_report_json_get(root, "stages");
    if (!frames || frames->type != FVI_REPORT_JSON_OBJECT || !stages || stages->type != FVI_REPORT_JSON_ARRAY)
        return fvi_error_set(err, FV_ERR_INPUT, "the members \"frames\" and \"stages\" are missing");
    read_head(r, root);
    r->decoded = positive(frames, "decoded");
    r->processed = positive(frames, "processed");
    r->dropped = positive(frames, "dropped");
    r->skipped = positive(frames, "skipped");
    r->wall_s = positive(root, "wall_s");
    r->fps = positive(root, "fps");
    for (const fvi_report_json *c = stages->child; c && r->n_stages < FVI_REPORT_MAX_STAGES; c = c->next) {
        fvi_report_stage *s = &r->stage[r->n_stages];
        if (c->type != FVI_REPORT_JSON_OBJECT) continue;
        read_stage(s, a, c);
        if (!strcmp(s->name, "end_to_end_ms")) r->end_to_end = s;
        r->n_stages++;
    }
    const fvi_report_json *d = fvi_report_json_get(root, "distribution");
    r->distribution = d && d->type == FVI_REPORT_JSON_OBJECT ? d : NULL;
    r->latency = array_member(d, "end_to_end_ms");
    r->infer = array_member(d, "infer_ms");
    r->summary = fvi_report_json_get(root, "summary");
    if (r->summary && r->summary->type != FVI_REPORT_JSON_OBJECT) r->summary = NULL;
    return FV_OK;
}

const fvi_report_stage *fvi_report_run_stage(const fvi_report_run *r, const char *stage)
{
    for (int i = 0; i < r->n_stages; i++)
        if (!strcmp(r->stage[i].stage, stage)) return &r->stage[i];
    return NULL;
}
