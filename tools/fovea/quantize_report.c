/* quantize_report.c: what `fovea quantize` says at its end: the float model and the quantised one side by side, layers that are worst or
 * stay in float, and all of it as JSON. */
#include "quantize.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORST 8

typedef struct row {
    int index;
    fv_quantized_layer_info l;
} row;

static int worst_first(const void *a, const void *b)
{
    const row *x = a, *y = b;
    bool nx = isnan(x->l.sqnr_db), ny = isnan(y->l.sqnr_db);
    if (nx != ny) return nx - ny;
    if (!nx && x->l.sqnr_db != y->l.sqnr_db) return x->l.sqnr_db < y->l.sqnr_db ? -1 : 1;
    return x->index - y->index;
}

static void add_json_layer(text *t, const quantize_result *r, int i, const fv_quantized_layer_info *l)
{
    text_add(t, i ? ",\n{\"name\":" : "\n{\"name\":");
    text_json(t, l->name);
    text_printf(t, ",\"op\":\"%s\",\"precision\":\"%s\",\"weights\":%lld,\"sqnr_db\":", l->op, l->quantised ? "int8" : "fp32", (long long)l->weights);
    text_number(t, l->sqnr_db, 2);
    if (l->quantised) {
        text_printf(t, ",\"observer\":\"%s\",\"min\":", l->observer);
        text_number(t, (double)l->min, 6);
        text_add(t, ",\"max\":");
        text_number(t, (double)l->max, 6);
    } else {
        text_add(t, ",\"why\":");
        text_json(t, l->why);
    }
    if (r->drops) {
        text_add(t, ",\"drop_alone\":");
        text_number(t, r->drops[i], 3);
    }
    text_add(t, "}");
}

static int write_json(const quantize_result *r)
{
    const char *path = cli_text(r->a, "json");
    fv_error err = {0};
    fv_quantized_layer_info l;
    const void *bytes;
    size_t size;
    text t = {0};
    if (!path) return EXIT_OK;
    fv_quantized_bytes(r->q, &bytes, &size);
    text_add(&t, "{\"model\":");
    text_json(&t, r->model);
    text_printf(&t, ",\"precision\":\"int8\",\"inputs\":%lld,\"cached\":%s,\"max_drop\":", (long long)r->inputs, r->cached ? "true" : "false");
    text_number(&t, r->max_drop, 3);
    text_add(&t, ",\"agreement\":");
    text_number(&t, r->gated ? r->score.agreement : NAN, 5);
    text_printf(&t, ",\"passed\":%s,\"pictures_compared\":%d,\"layers_fallen_back\":%d,\"results\":[{\"precision\":\"fp32\",\"latency_ms\":", r->passed ? "true" : "false",
                r->gate_pictures, r->fallen_back);
    text_number(&t, r->gated ? r->float_ms : NAN, 3);
    text_printf(&t, ",\"bytes\":%lld},{\"precision\":\"int8\",\"latency_ms\":", (long long)r->float_bytes);
    text_number(&t, r->gated ? r->score.ms : NAN, 3);
    text_printf(&t, ",\"bytes\":%zu}],\"layers\":[", size);
    for (int i = 0; fv_quantized_layer(r->q, i, &l) == FV_OK; i++) add_json_layer(&t, r, i, &l);
    text_add(&t, "]}\n");
    fv_status st = cli_write_file(path, t.s, t.len, &err);
    text_free(&t);
    return st < 0 ? cli_fail(r->a, st, &err) : EXIT_OK;
}

static void print_table(const quantize_result *r, size_t size)
{
    printf("precision  agreement  latency ms     size MB\n");
    if (r->gated)
        printf("fp32          100.00  %10.2f  %10.2f\nint8          %6.2f  %10.2f  %10.2f\n", r->float_ms, (double)r->float_bytes * 1e-6, 100 * r->score.agreement, r->score.ms,
               (double)size * 1e-6);
    else
        printf("fp32               -           -  %10.2f\nint8               -           -  %10.2f\n", (double)r->float_bytes * 1e-6, (double)size * 1e-6);
}

static void print_layer(const quantize_result *r, const row *x)
{
    text name = {0};
    text_terminal(&name, x->l.name);
    printf("  %7.1f dB  ", x->l.sqnr_db);
    if (r->drops) printf("%7.2f  ", r->drops[x->index]);
    printf("%-10s %s\n", x->l.observer, name.s ? name.s : "");
    text_free(&name);
}

static void print_layers(const quantize_result *r)
{
    fv_quantized_layer_info l;
    int n = 0, quantised = 0, shown = 0;
    while (fv_quantized_layer(r->q, n, &l) == FV_OK) n++;
    row *rows = tool_alloc(((size_t)n + 1) * sizeof *rows);
    for (int i = 0; i < n; i++) {
        rows[i].index = i;
        fv_quantized_layer(r->q, i, &rows[i].l);
        quantised += rows[i].l.quantised;
    }
    printf("\n%d of %d layers quantised\n", quantised, n);
    for (int i = 0; i < n; i++) {
        if (rows[i].l.quantised) continue;
        text line = {0};
        text_terminal(&line, rows[i].l.name);
        text_add(&line, ": ");
        text_terminal(&line, rows[i].l.why);
        printf("  float  %s\n", line.s);
        text_free(&line);
    }
    qsort(rows, (size_t)n, sizeof *rows, worst_first);
    printf("\nleast signal to noise at the output%s\n", r->drops ? ", points lost when only it is quantised" : "");
    for (int i = 0; i < n && shown < WORST; i++)
        if (rows[i].l.quantised && ++shown) print_layer(r, &rows[i]);
    free(rows);
}

int quantize_report(const quantize_result *r)
{
    const void *bytes;
    size_t size;
    fv_quantized_bytes(r->q, &bytes, &size);
    if (!cli_on(r->a, "quiet")) {
        print_table(r, size);
        print_layers(r);
    }
    return write_json(r);
}
