/* quantize_choose.c: from a calibration to the model that agrees best with the float one: which observer, whether biases are corrected, which
 * layers go back to float. Called by the verb and by --calib of the others. */
#include "quantize.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SENSITIVITY 16 /* pictures on which layers are tried one by one */

int quantize_fill_gate(quantize_job *j)
{
    fv_error err = {0};
    fv_frame f;
    int64_t want = j->compare, n = fv_calibration_inputs(j->c), i = 0; /* 0 without a calibration: the first ones */
    if (!j->r.detector || !want) return EXIT_OK;
    j->gate.r = &j->r;
    j->gate.frames = tool_alloc((size_t)want * sizeof *j->gate.frames);
    j->gate.truth = tool_alloc((size_t)want * sizeof *j->gate.truth);
    quantize_data_rewind(&j->data);
    fv_status st = FV_OK;
    for (; st >= 0 && j->gate.n < want && !cli_stopped() && quantize_data_frame(&j->data, &f) == FV_OK; i++) {
        if (n <= want || i * want / n != (i - 1) * want / n || i == 0) st = quantize_gate_add(&j->gate, &f, &err); /* spread over all */
        fv_frame_release(&f);
        quantize_progress(j, "float results", j->gate.n, want < n ? want : n, false);
    }
    quantize_progress(j, "float results", j->gate.n, want, true);
    if (cli_stopped()) return cli_stop_code();
    return st < 0 ? cli_fail(j->a, st, &err) : EXIT_OK;
}

static fv_status make(quantize_job *j, const char *const *names, int n, fv_quantized **out, fv_error *err)
{
    return fv_quantized_create(out, j->c, FV_QUANTIZE_OPTIONS(.observer = j->observer, .float_layers = names, .n_float_layers = n, .no_bias_correction = j->no_correction), err);
}

static bool stays_float(const quantize_job *j, const char *layer)
{
    for (int i = 0; i < j->n_names; i++)
        if (!strcmp(j->names[i], layer)) return true;
    return false;
}

/* The quantised layer with the least signal to noise that is to stay so; null: none is left. */
static const char *worst_layer(const quantize_job *j)
{
    fv_quantized_layer_info l;
    const char *name = NULL;
    double least = INFINITY;
    for (int i = 0; fv_quantized_layer(j->q, i, &l) == FV_OK; i++) {
        if (!l.quantised || stays_float(j, l.name) || (name && !(l.sqnr_db < least))) continue;
        name = l.name;
        least = isnan(l.sqnr_db) ? INFINITY : l.sqnr_db;
    }
    return name;
}

bool quantize_good_enough(const quantize_job *j) { return 100 * (1 - j->result.score.agreement) <= j->result.max_drop; }

int quantize_refuse(const quantize_job *j)
{
    const quantize_result *r = &j->result;
    return cli_error(j->a, EXIT_GATE, "%.2f points are lost, at most %.2f may be (--max-drop); nothing was written", 100 * (1 - r->score.agreement), r->max_drop);
}

/* Takes the worst `n` layers back to float; how noisy the others are does not depend on them. */
static fv_status take_back(quantize_job *j, int n, fv_error *err)
{
    const char *name;
    for (int i = 0; i < n && (name = worst_layer(j)); i++) j->names[j->n_names++] = name; /* of the model: outlives q */
    fv_quantized_free(&j->q);
    return make(j, j->names, j->n_names, &j->q, err);
}

int quantize_first(quantize_job *j, const char *const *floats, int n)
{
    fv_error err = {0};
    fv_quantized_layer_info l;
    fv_status st = make(j, floats, n, &j->q, &err);
    while (st >= 0 && fv_quantized_layer(j->q, j->n_layers, &l) == FV_OK) j->n_layers++;
    j->names = tool_alloc((size_t)(j->n_layers + n + 1) * sizeof *j->names);
    if (n) memcpy(j->names, floats, (size_t)n * sizeof *floats);
    j->n_names = n;
    if (st == FV_ERR_UNSUPPORTED) return cli_error(j->a, EXIT_MODEL, "%s: %s", j->r.model_path, err.text);
    if (st == FV_ERR_ARGUMENT) return cli_usage(j->a, "%s", err.text);
    return st < 0 ? cli_fail(j->a, st, &err) : EXIT_OK;
}

int quantize_pass_gate(quantize_job *j, double max_drop)
{
    fv_error err = {0};
    quantize_result *r = &j->result;
    const int asked = j->n_names;
    fv_status st = FV_OK;
    r->max_drop = max_drop;
    r->passed = true;
    r->gated = j->gate.n > 0;
    r->gate_pictures = j->gate.n;
    r->float_ms = j->gate.n ? j->gate.float_ms / j->gate.n : 0;
    for (int step = 1; st >= 0 && j->gate.n; step *= 2) {
        st = quantize_gate_score(&j->gate, j->q, 0, &r->score, &err);
        r->passed = quantize_good_enough(j);
        if (st < 0 || r->passed || cli_stopped() || !worst_layer(j)) break;
        cli_note(j->a, "%.2f points are lost, at most %.2f may be: back to float with the worst %d layer%s", 100 * (1 - r->score.agreement), r->max_drop, step, step == 1 ? "" : "s");
        st = take_back(j, step, &err);
        if (st >= 0 && !worst_layer(j)) break; /* all of it is float again: no quantised model */
    }
    r->fallen_back = j->n_names - asked;
    if (st < 0) return cli_fail(j->a, st, &err);
    if (!worst_layer(j)) r->passed = false;
    return cli_stopped() ? cli_stop_code() : EXIT_OK;
}

int quantize_measure_layers(quantize_job *j)
{
    fv_error err = {0};
    fv_quantized_layer_info l;
    if (!j->gate.n) return EXIT_OK;
    const char **others = tool_alloc((size_t)(j->n_layers + 1) * sizeof *others);
    j->result.drops = tool_alloc((size_t)(j->n_layers + 1) * sizeof *j->result.drops);
    fv_status st = FV_OK;
    for (int i = 0; i < j->n_layers && st >= 0 && !cli_stopped(); i++) {
        fv_quantized *alone = NULL;
        quantize_score score;
        int n = 0;
        for (int k = 0; fv_quantized_layer(j->q, k, &l) == FV_OK; k++)
            if (k != i) others[n++] = l.name;
        fv_quantized_layer(j->q, i, &l);
        j->result.drops[i] = NAN;
        quantize_progress(j, "layer by layer", i, j->n_layers, i == j->n_layers - 1);
        if (!l.quantised) continue;
        st = make(j, others, n, &alone, &err);
        if (st >= 0) st = quantize_gate_score(&j->gate, alone, SENSITIVITY, &score, &err);
        if (st >= 0) j->result.drops[i] = 100 * (1 - score.agreement);
        fv_quantized_free(&alone);
    }
    free(others);
    if (cli_stopped()) return cli_stop_code();
    return st < 0 ? cli_fail(j->a, st, &err) : EXIT_OK;
}
