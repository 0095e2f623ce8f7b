/* quantize_mixed.c: `fovea quantize --precision fp16|bf16`: nodes to 16 bits by rules, what stays and why, how near the result is to the
 * float model. */
#include "quantize.h"
#include <fovea/mixed.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WATCHED 32  /* pictures whose values are watched */
#define COMPARED 16 /* pictures whose detections are compared: nothing is fused where every rounding has to happen */
#define FAR_DB 30   /* an output that is nearer is fine without pictures */
#define SHOWN 12    /* kept nodes that are named; all are in --json */

static int watch(quantize_job *j, fv_mixed *m)
{
    fv_error err = {0};
    fv_frame f;
    fv_tensor t = {.dtype = FV_F32, .rank = 4, .dim = {1, 3}};
    fv_status st = FV_OK;
    int64_t done = 0;
    if (!j->from) return EXIT_OK;
    if (j->r.detector) {
        int w, h;
        fv_detector_input_size(j->r.detector, &w, &h);
        t.dim[2] = h;
        t.dim[3] = w;
        t.data = tool_alloc((size_t)w * (size_t)h * 12);
    }
    while (st >= 0 && done < WATCHED && !cli_stopped()) {
        if (j->data.tensors) {
            if (quantize_data_tensor(&j->data, &t) != FV_OK) break;
        } else {
            if (quantize_data_frame(&j->data, &f) != FV_OK) break;
            st = fv_detector_prepare(j->r.detector, &f, &t, &err);
            fv_frame_release(&f);
        }
        if (st >= 0) st = fv_mixed_add(m, &t, 1, &err);
        if (j->data.tensors) free(t.data);
        quantize_progress(j, "float values", ++done, WATCHED, false);
    }
    quantize_progress(j, "float values", done, WATCHED, true);
    if (!j->data.tensors) free(t.data);
    if (cli_stopped()) return cli_stop_code();
    if (st < 0) return cli_fail(j->a, st, &err);
    return done ? EXIT_OK : cli_error(j->a, EXIT_INPUT, "%s: nothing in it can be read%s%s", j->from, j->data.n_failed ? "; the first: " : "", j->data.first_failure);
}

static int compare(quantize_job *j, const fv_mixed *m)
{
    fv_error err = {0};
    fv_model *rounding = NULL;
    if (!j->gate.n) return EXIT_OK;
    fv_status st = fv_mixed_model(m, &rounding, &err);
    if (st >= 0) st = quantize_gate_model(&j->gate, rounding, 0, &j->result.score, &err);
    fv_model_free(&rounding);
    if (st < 0) return cli_fail(j->a, st, &err);
    j->result.gated = true;
    j->result.gate_pictures = j->gate.n;
    j->result.passed = quantize_good_enough(j);
    return cli_stopped() ? cli_stop_code() : EXIT_OK;
}

static void print(const quantize_job *j, const fv_mixed *m, const char *precision, size_t size)
{
    const quantize_result *r = &j->result;
    fv_mixed_info info = {.size = sizeof info};
    const char *name, *op, *why;
    int low, shown = 0, kept = 0;
    fv_mixed_get_info(m, &info);
    printf("precision  agreement     size MB\nfp32          100.00  %10.2f\n%-9s  ", (double)r->float_bytes * 1e-6, precision);
    printf(r->gated ? "%9.2f" : "        -", 100 * r->score.agreement);
    printf("  %10.2f\n\n%d of %d nodes in %s, %d Cast nodes; outputs %.1f dB and at most %.2g of the largest from FP32, on %lld input%s\n", (double)size * 1e-6, info.low, info.nodes,
           precision, info.casts, info.sqnr_db, info.max_relative, (long long)info.inputs, info.inputs ? (info.inputs == 1 ? "" : "s") : "s (uniform numbers)");
    for (int i = 0; fv_mixed_node(m, i, &name, &op, &low, &why) == FV_OK; i++) {
        if (low || ++kept > SHOWN) continue;
        text line = {0};
        text_terminal(&line, name);
        text_printf(&line, " (%s): ", op);
        text_terminal(&line, why);
        printf("  fp32  %s\n", line.s);
        text_free(&line);
        shown++;
    }
    if (kept > shown) printf("  fp32  and %d more (--json lists all)\n", kept - shown);
}

static int write_json(const quantize_job *j, const fv_mixed *m, const char *precision, size_t size)
{
    const quantize_result *r = &j->result;
    const char *path = cli_text(j->a, "json"), *name, *op, *why;
    fv_mixed_info info = {.size = sizeof info};
    fv_error err = {0};
    text t = {0};
    int low;
    if (!path) return EXIT_OK;
    fv_mixed_get_info(m, &info);
    text_add(&t, "{\"model\":");
    text_json(&t, r->model);
    text_printf(&t, ",\"precision\":\"%s\",\"inputs\":%lld,\"max_drop\":", precision, (long long)info.inputs);
    text_number(&t, r->max_drop, 3);
    text_add(&t, ",\"agreement\":");
    text_number(&t, r->gated ? r->score.agreement : NAN, 5);
    text_printf(&t, ",\"passed\":%s,\"pictures_compared\":%d,\"sqnr_db\":", r->passed ? "true" : "false", r->gate_pictures);
    text_number(&t, info.sqnr_db, 2);
    text_add(&t, ",\"max_relative\":");
    text_number(&t, info.max_relative, 6);
    text_printf(&t, ",\"nodes\":%d,\"low\":%d,\"casts\":%d,\"results\":[{\"precision\":\"fp32\",\"bytes\":%lld},{\"precision\":\"%s\",\"bytes\":%zu}],\"kept\":[", info.nodes, info.low, info.casts,
                (long long)r->float_bytes, precision, size);
    bool first = true;
    for (int i = 0; fv_mixed_node(m, i, &name, &op, &low, &why) == FV_OK; i++) {
        if (low) continue;
        text_add(&t, first ? "\n{\"name\":" : ",\n{\"name\":");
        text_json(&t, name);
        text_printf(&t, ",\"op\":\"%s\",\"why\":", op);
        text_json(&t, why);
        text_add(&t, "}");
        first = false;
    }
    text_add(&t, "]}\n");
    fv_status st = cli_write_file(path, t.s, t.len, &err);
    text_free(&t);
    return st < 0 ? cli_fail(j->a, st, &err) : EXIT_OK;
}

static int finish(quantize_job *j, const fv_mixed *m, const char *precision)
{
    const quantize_result *r = &j->result;
    fv_error err = {0};
    const void *bytes;
    size_t size;
    fv_mixed_bytes(m, &bytes, &size);
    if (!cli_on(j->a, "quiet")) print(j, m, precision, size);
    fv_mixed_info info = {.size = sizeof info};
    fv_mixed_get_info(m, &info);
    if (info.sqnr_db < FAR_DB && !r->gated) cli_warn(j->a, "outputs are only %.1f dB from FP32: compare detections with --data, or lower --data-max", info.sqnr_db);
    const int code = write_json(j, m, precision, size);
    fflush(stdout);
    if (code) return code;
    if (!r->passed) return quantize_refuse(j);
    fv_status st = fv_mixed_save(m, r->output, &err);
    if (st < 0) return cli_fail(j->a, st, &err);
    cli_note(j->a, "%s", r->output);
    return EXIT_OK;
}

static fv_status create(const quantize_job *j, const char *precision, fv_mixed **m, fv_error *err)
{
    const cli_args *a = j->a;
    const int n_types = cli_count(a, "keep-type"), n_names = cli_count(a, "float");
    const char **types = tool_alloc((size_t)(n_types + 1) * sizeof *types), **names = tool_alloc((size_t)(n_names + 1) * sizeof *names);
    fv_port shape;
    const int n_shapes = quantize_shape(j, &shape);
    for (int i = 0; i < n_types; i++) types[i] = cli_nth(a, "keep-type", i);
    for (int i = 0; i < n_names; i++) names[i] = cli_nth(a, "float", i);
    fv_status st = fv_mixed_create(m, j->r.ctx, j->r.model,
                                   FV_MIXED_OPTIONS(.precision = precision, .data_max = cli_real(a, "data-max", 0), .weight_max = cli_real(a, "weight-max", 0),
                                                    .depth_max = cli_int(a, "depth-max", 0), .keep_types = types, .n_keep_types = n_types, .keep_names = names,
                                                    .n_keep_names = n_names, .shapes = &shape, .n_shapes = n_shapes),
                                   err);
    free(types);
    free(names);
    return st;
}

int quantize_mixed(quantize_job *j, const char *precision)
{
    fv_mixed *m = NULL;
    fv_error err = {0};
    j->result.passed = true;
    if (j->compare > COMPARED && !cli_given(j->a, "compare")) j->compare = COMPARED;
    fv_status st = create(j, precision, &m, &err);
    int code = st >= 0 ? watch(j, m) : st == FV_ERR_STATE || st == FV_ERR_UNSUPPORTED ? cli_error(j->a, EXIT_MODEL, "%s: %s", j->r.model_path, err.text) : cli_fail(j->a, st, &err);
    if (!code) {
        st = fv_mixed_finish(m, &err);
        if (st < 0) code = st == FV_ERR_STATE ? cli_error(j->a, EXIT_GATE, "%s; nothing was written", err.text) : cli_fail(j->a, st, &err);
    }
    if (!code && j->from) code = quantize_fill_gate(j);
    if (!code) code = compare(j, m);
    if (!code) code = finish(j, m, precision);
    fv_mixed_free(&m);
    return code;
}
