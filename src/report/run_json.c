/* run_json.c: what is known about a run -> the run file (JSON, docs/FORMATS.md). Called through report.h by the verbs that
 * have --run or --report; read back by run_read.c. */
#include "base/error.h"
#include "base/json.h"
#include "report/json_read.h"
#include "report/run.h"
#include <fovea/report.h>
#include <fovea/version.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Budgets for 4K at 30 frames a second, and the names that users of TensorRT pipelines know. 0 = no budget. */
static const struct {
    const char *metric;
    double budget_ms;
    const char *alias[2];
} known[FV_STAGES] = {
    [FV_STAGE_DECODE] = {"decode_ms", 42, {"nvdec_ms"}},
    [FV_STAGE_PREP] = {"prep_ms", 16, {"preprocess_nv12_bridge_ms", "inference_prepare_batch_ms"}},
    [FV_STAGE_INFER] = {NULL, 15, {"inference_model_yolo_global_ms"}},
    [FV_STAGE_TILES] = {NULL, 20, {"inference_model_yolo_tiles_ms"}},
    [FV_STAGE_ENQUEUE] = {"enqueue_ms", 0, {"inference_enqueue_ms"}},
    [FV_STAGE_SYNC] = {"sync_ms", 0, {"inference_stream_sync_ms"}},
    [FV_STAGE_HEADS] = {"heads_ms", 0, {"inference_decode_ms"}},
    [FV_STAGE_MERGE] = {"merge_wait_ms", 8, {"fusion_wait_ms"}},
    [FV_STAGE_TRACK] = {"track_ms", 0, {NULL}},
    [FV_STAGE_COUNT] = {"count_ms", 0, {NULL}},
    [FV_STAGE_PAINT] = {"paint_ms", 0, {NULL}},
    [FV_STAGE_SINK] = {"sink_ms", 0, {NULL}},
    [FV_STAGE_WAIT] = {"wait_ms", 0, {NULL}},
};
#define END_TO_END_BUDGET_MS 33

/* "models/yolov8n_640.onnx" -> "infer_yolov8n_640_ms"; of the tiles' network: "infer_yolov8n_640_tiles_ms" */
static void infer_name(char *out, size_t size, const char *model, const char *what)
{
    const char *base = model && model[0] ? model : "model", *slash = strrchr(base, '/');
    char stem[64];
    size_t n = 0;
    if (slash && slash[1]) base = slash + 1;
    const char *dot = strrchr(base, '.');
    for (const char *p = base; *p && p != dot && n + 1 < sizeof stem; p++)
        stem[n++] = isalnum((unsigned char)*p) || *p == '-' || *p == '.' ? *p : '_';
    stem[n] = 0;
    snprintf(out, size, "infer_%s%s_ms", stem, what);
}

static void text(fvi_json *j, const char *key, const char *value)
{
    if (!value) return;
    fvi_json_key(j, key);
    fvi_json_string(j, value);
}

static void number(fvi_json *j, const char *key, double v, int decimals)
{
    fvi_json_key(j, key);
    fvi_json_number(j, v, decimals);
}

static void integer(fvi_json *j, const char *key, int64_t v)
{
    fvi_json_key(j, key);
    fvi_json_int(j, v);
}

int fv_report_has_metric(const char *name)
{
    size_t len = name ? strlen(name) : 0;
    if (len > 9 && !strncmp(name, "infer_", 6) && !strcmp(name + len - 3, "_ms")) return 1;
    if (name && !strcmp(name, "end_to_end_ms")) return 1;
    for (int i = 0; name && i < FV_STAGES; i++) {
        if (known[i].metric && !strcmp(name, known[i].metric)) return 1;
        for (int k = 0; k < 2; k++)
            if (known[i].alias[k] && !strcmp(name, known[i].alias[k])) return 1;
    }
    return 0;
}

static double budget_of(const fv_run_info *info, const char *metric, const char *const *alias, double otherwise)
{
    for (int i = info->n_budgets - 1; i >= 0; i--) {
        const char *name = info->budgets[i].name;
        bool same = !strcmp(name, metric);
        for (int k = 0; alias && k < 2; k++) same = same || (alias[k] && !strcmp(name, alias[k]));
        if (same) return info->budgets[i].ms;
    }
    return otherwise;
}

static void stage(fvi_json *j, const char *metric, const char *const *alias, double budget, const fv_stage_metrics *m)
{
    fvi_json_object(j);
    text(j, "name", metric);
    text(j, "stage", m->name);
    if (alias && alias[0]) {
        fvi_json_key(j, "aliases");
        fvi_json_array(j);
        for (int i = 0; i < 2 && alias[i]; i++) fvi_json_string(j, alias[i]);
        fvi_json_end_array(j);
    }
    if (budget > 0) number(j, "budget_ms", budget, 3);
    integer(j, "count", (int64_t)m->count);
    number(j, "mean", m->mean_ms, 4);
    number(j, "min", m->min_ms, 4);
    number(j, "max", m->max_ms, 4);
    number(j, "p50", m->p50_ms, 4);
    number(j, "p90", m->p90_ms, 4);
    number(j, "p95", m->p95_ms, 4);
    number(j, "p99", m->p99_ms, 4);
    number(j, "wait_ms", m->wait_ms, 3);
    fvi_json_end_object(j);
}

static void distribution(fvi_json *j, const char *key, const uint32_t *buckets)
{
    fvi_json_key(j, key);
    fvi_json_array(j);
    for (int i = 0; i < FV_METRICS_BUCKETS; i++) {
        if (!buckets[i]) continue;
        fvi_json_array(j);
        fvi_json_number(j, FVI_REPORT_BUCKET_MS(i), 4);
        fvi_json_int(j, buckets[i]);
        fvi_json_end_array(j);
    }
    fvi_json_end_array(j);
}

static void who_and_where(fvi_json *j, const fv_run_info *info)
{
    text(j, "fovea", FV_VERSION);
    text(j, "type", "run");
    integer(j, "schema", FVI_REPORT_SCHEMA);
    text(j, "verb", info->verb);
    text(j, "command", info->command);
    text(j, "started", info->started);
    text(j, "model", info->model);
    text(j, "tile_model", info->tile_model);
    text(j, "device", info->device);
    text(j, "precision", info->precision);
    text(j, "level", info->level);
    text(j, "machine", info->machine);
    if (info->threads > 0) integer(j, "threads", info->threads);
    if (info->input_w > 0 && info->input_h > 0) {
        fvi_json_key(j, "input");
        fvi_json_array(j);
        fvi_json_int(j, info->input_w);
        fvi_json_int(j, info->input_h);
        fvi_json_end_array(j);
    }
    fvi_json_key(j, "sources");
    fvi_json_array(j);
    for (int i = 0; i < info->n_sources; i++) fvi_json_string(j, info->sources[i]);
    fvi_json_end_array(j);
}

static void figures(fvi_json *j, const fv_run_info *info, const fv_metrics *m)
{
    char infer[96], tiles[96];
    infer_name(infer, sizeof infer, info->model, "");
    infer_name(tiles, sizeof tiles, info->tile_model ? info->tile_model : info->model, "_tiles");
    fvi_json_key(j, "frames");
    fvi_json_object(j);
    integer(j, "decoded", m->decoded);
    integer(j, "processed", m->processed);
    integer(j, "dropped", m->dropped);
    integer(j, "skipped", m->skipped);
    fvi_json_end_object(j);
    number(j, "wall_s", m->wall_s, 4);
    number(j, "fps", m->fps, 3);
    text(j, "bottleneck", m->bottleneck);
    fvi_json_key(j, "stages");
    fvi_json_array(j);
    for (int i = 0; i < FV_STAGES; i++)
        if (m->stage[i].count) {
            const char *metric = known[i].metric ? known[i].metric : i == FV_STAGE_TILES ? tiles : infer;
            stage(j, metric, known[i].alias, budget_of(info, metric, known[i].alias, known[i].budget_ms), &m->stage[i]);
        }
    stage(j, "end_to_end_ms", NULL, budget_of(info, "end_to_end_ms", NULL, END_TO_END_BUDGET_MS), &m->end_to_end);
    fvi_json_end_array(j);
    fvi_json_key(j, "distribution");
    fvi_json_object(j);
    distribution(j, "end_to_end_ms", m->end_to_end_hist);
    for (int i = 0; i < FV_STAGES; i++)
        if (m->stage[i].count) distribution(j, known[i].metric ? known[i].metric : i == FV_STAGE_TILES ? "infer_tiles_ms" : "infer_ms", m->stage_hist[i]);
    fvi_json_end_object(j);
}

/* The summary goes in as it is, once it is known to be JSON. */
static fv_status embed(fvi_json *j, const char *summary, fv_error *err)
{
    const fvi_report_json *root;
    fvi_arena *a = fvi_arena_create(0);
    if (!a) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    fv_status st = fvi_report_json_read(&root, a, summary, strlen(summary), err);
    fvi_arena_free(&a);
    if (st < 0) return fvi_error_prefix(err, st, "summary");
    fvi_json_key(j, "summary");
    fvi_str_add(j->out, summary);
    j->after_key = false;
    return FV_OK;
}

fv_status fv_report_run_json(char **json, const fv_run_info *info, const fv_metrics *m, fv_error *err)
{
    if (!json || !info || !m) return fvi_error_set(err, FV_ERR_ARGUMENT, "a run file needs information and metrics");
    *json = NULL;
    fvi_str out = {0};
    fvi_json j;
    fvi_json_begin(&j, &out, true);
    fvi_json_object(&j);
    who_and_where(&j, info);
    figures(&j, info, m);
    fv_status st = info->summary_json ? embed(&j, info->summary_json, err) : FV_OK;
    fvi_json_end_object(&j);
    fvi_str_add(&out, "\n");
    if (st >= 0 && out.failed) st = fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    if (st < 0) {
        fvi_str_free(&out);
        return st;
    }
    *json = out.s;
    return FV_OK;
}
