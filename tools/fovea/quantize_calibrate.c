/* quantize_calibrate.c: pictures or tensors through the float model: what is to be calibrated, the cache of what was seen. Called by the verb
 * and by --calib of the others. */
#include "models.h"
#include "quantize.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENOUGH 500 /* pictures; fewer is warned of */

void quantize_progress(quantize_job *j, const char *what, int64_t done, int64_t total, bool last)
{
    if (!progress_due(&j->count, last)) return;
    if (j->count.kind == PROGRESS_JSON)
        fprintf(stderr, "{\"stage\":\"%s\",\"done\":%lld,\"total\":%lld}\n", what, (long long)done, (long long)total);
    else
        progress_show(what, done, total, last);
}

int quantize_shape(const quantize_job *j, fv_port *shape)
{
    const fv_port *in;
    int w, h, other = 0;
    if (!j->r.detector || fv_model_inputs(j->r.model, &in) != 1 || in[0].rank != 4) return 0;
    *shape = in[0];
    if (shape->dim[1] != 3 && shape->dim[1] >= 0) return 0; /* channels come last: as the file says */
    fv_detector_input_size(j->r.detector, &w, &h);
    const int64_t want[4] = {1, 3, h, w};
    for (int d = 0; d < 4; d++) {
        other |= shape->dim[d] != want[d];
        shape->dim[d] = want[d];
    }
    return other;
}

int quantize_calibration(quantize_job *j)
{
    fv_error err = {0};
    fv_port shape;
    const int n = quantize_shape(j, &shape);
    fv_status st = fv_calibration_create(&j->c, j->r.ctx, j->r.model,
                                         FV_CALIBRATION_OPTIONS(.shapes = &shape, .n_shapes = n, .symmetric = j->symmetric, .reduce_range = j->reduce_range), &err);
    if (st == FV_ERR_STATE || st == FV_ERR_UNSUPPORTED) return cli_error(j->a, EXIT_MODEL, "%s: %s", j->r.model_path, err.text);
    return st < 0 ? cli_fail(j->a, st, &err) : EXIT_OK;
}

static fv_status add_frame(quantize_job *j, const fv_frame *f, fv_tensor *t, fv_error *err)
{
    fv_status st = fv_detector_prepare(j->r.detector, f, t, err);
    return st < 0 ? st : fv_calibration_add(j->c, t, 1, err);
}

static int64_t expected(const quantize_job *j) { return j->data.n_files > 1 && j->data.n_files < j->data.limit ? j->data.n_files : j->data.limit; }

static int calibrate_pictures(quantize_job *j)
{
    fv_error err = {0};
    fv_frame f;
    int w, h;
    fv_detector_input_size(j->r.detector, &w, &h);
    fv_tensor t = {.dtype = FV_F32, .rank = 4, .dim = {1, 3, h, w}, .data = tool_alloc((size_t)w * (size_t)h * 12)};
    fv_status st = FV_OK;
    while (st >= 0 && !cli_stopped() && quantize_data_frame(&j->data, &f) == FV_OK) {
        st = add_frame(j, &f, &t, &err);
        fv_frame_release(&f);
        quantize_progress(j, "calibrating", j->data.given, expected(j), false);
    }
    quantize_progress(j, "calibrating", j->data.given, expected(j), true);
    free(t.data);
    return st < 0 ? cli_fail(j->a, st, &err) : EXIT_OK;
}

static int calibrate_tensors(quantize_job *j)
{
    fv_error err = {0};
    fv_tensor t;
    fv_status st = FV_OK;
    while (st >= 0 && !cli_stopped() && quantize_data_tensor(&j->data, &t) == FV_OK) {
        st = fv_calibration_add(j->c, &t, 1, &err);
        free(t.data);
        quantize_progress(j, "calibrating", j->data.given, expected(j), false);
    }
    quantize_progress(j, "calibrating", j->data.given, expected(j), true);
    return st < 0 ? cli_error(j->a, EXIT_INPUT, "%s: %s", j->data.files[j->data.at - 1], err.text) : EXIT_OK;
}

int quantize_calibrate(quantize_job *j)
{
    fv_error err = {0};
    const char *cache = j->cache;
    uint64_t key = 0;
    if (cache) {
        text rule = {0};
        int w = 0, h = 0;
        if (j->r.detector) fv_detector_input_size(j->r.detector, &w, &h);
        text_printf(&rule, "%dx%d %s %s", w, h, j->r.detector ? fv_detector_rule(j->r.detector) : "tensors", j->r.s.preset ? j->r.s.preset : "");
        key = fv_calibration_hash(rule.s, rule.len, quantize_data_hash(&j->data));
        text_free(&rule);
        fv_status st = fv_calibration_load(j->c, cache, key, &err);
        j->result.cached = st >= 0;
        if (st >= 0) cli_note(j->a, "%s: %lld inputs, not run again", cache, (long long)fv_calibration_inputs(j->c));
        if (st >= 0) return EXIT_OK;
        if (st == FV_ERR_MEMORY) return cli_fail(j->a, st, &err);
        if (access(cache, F_OK) == 0) cli_note(j->a, "%s: it is made anew", err.text);
    }
    int code = j->data.tensors ? calibrate_tensors(j) : calibrate_pictures(j);
    if (code) return code;
    if (cli_stopped()) return cli_stop_code();
    int64_t n = fv_calibration_inputs(j->c);
    if (!n) return cli_error(j->a, EXIT_INPUT, "%s: none of its files can be calibrated on%s%s", j->from, j->data.n_failed ? "; the first: " : "", j->data.first_failure);
    if (j->data.n_failed) cli_warn(j->a, "%d file%s could not be read; the first: %s", j->data.n_failed, j->data.n_failed == 1 ? "" : "s", j->data.first_failure);
    if (n < ENOUGH) cli_warn(j->a, "calibrated on %lld pictures only; ranges are surer with %d and more", (long long)n, ENOUGH);
    fv_status st = fv_calibration_finish(j->c, &err);
    if (st >= 0 && cache) st = fv_calibration_save(j->c, cache, key, &err);
    return st < 0 ? cli_fail(j->a, st, &err) : EXIT_OK;
}

void quantize_job_close(quantize_job *j)
{
    fv_quantized_free(&j->q);
    fv_calibration_free(&j->c);
    quantize_gate_free(&j->gate);
    quantize_data_close(&j->data);
    free(j->names);
    free(j->result.drops);
}
