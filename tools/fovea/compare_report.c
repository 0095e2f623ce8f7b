/* compare_report.c: differences -> a line a step for people, one object for programs (docs/FORMATS.md). Called by verb_compare.c. */
#include "compare.h"
#include "ports.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_sqnr(text *t, double db)
{
    if (isinf(db))
        text_add(t, db > 0 ? "exact" : "-");
    else
        text_printf(t, "%.1f", db);
}

static void print_row(const comparison *c, int i)
{
    const compare_row *r = &c->rows[i];
    text shape = {0}, name = {0}, sqnr = {0};
    port_shape(&shape, &r->port, 'x');
    text_terminal(&name, r->name);
    add_sqnr(&sqnr, r->d.sqnr_db);
    printf("%c %4d %-18.18s %-18s", difference_exceeds(&r->d, c->tolerance) ? '!' : ' ', i, r->op, shape.s);
    if (r->d.shapes_differ)
        printf(" %-40s", "  shapes differ");
    else
        printf(" %9.2e %9.2e %10.7f %7s", r->d.max_abs, r->d.max_rel, r->d.cosine, sqnr.s);
    printf("  %s", name.s);
    if (r->d.nan_a || r->d.nan_b || r->d.inf_a || r->d.inf_b)
        printf("  (NaN %lld and %lld, infinite %lld and %lld)", (long long)r->d.nan_a, (long long)r->d.nan_b, (long long)r->d.inf_a, (long long)r->d.inf_b);
    putchar('\n');
    text_free(&shape);
    text_free(&name);
    text_free(&sqnr);
}

static void print_one(const comparison *c, const char *what, int i)
{
    const compare_row *r = &c->rows[i];
    text t = {0};
    text_terminal(&t, r->name);
    printf("%s: %d %s, value %s", what, i, r->op, t.s);
    text_clear(&t);
    text_terminal(&t, r->node);
    if (t.len) printf(", node %s", t.s);
    if (r->d.shapes_differ)
        printf(": shapes differ\n");
    else if (r->d.odd)
        printf(": %lld of %lld elements are NaN or infinite on one side only\n", (long long)r->d.odd, (long long)r->d.count);
    else
        printf(": %.2e at most, %.2e of the largest value\n", r->d.max_abs, r->d.max_rel);
    text_free(&t);
}

static void print_all(const comparison *c)
{
    printf("  %4s %-18s %-18s %9s %9s %10s %7s  %s\n", "", "operator", "shape", "max abs", "max rel", "cosine", "SQNR dB", "value");
    for (int i = 0; i < c->n_rows; i++) print_row(c, i);
    printf("%d values compared", c->n_rows);
    if (c->only_a || c->only_b) printf("; %d only in A, %d only in B", c->only_a, c->only_b);
    putchar('\n');
    if (c->worst >= 0 && c->rows[c->worst].d.max_rel > 0)
        print_one(c, "worst", c->worst);
    else
        puts("no difference at all");
    if (c->first >= 0) {
        char what[64];
        snprintf(what, sizeof what, "first over the tolerance of %g", c->tolerance);
        print_one(c, what, c->first);
    } else {
        printf("none is over the tolerance of %g\n", c->tolerance);
    }
    if (c->boxes.there)
        printf("detections: %d and %d, %d matched, least overlap %.4f, confidences differ by %.2e at most\n", c->boxes.a, c->boxes.b, c->boxes.matched,
               c->boxes.min_iou, c->boxes.max_conf);
}

/* JSON has no infinity: an infinite difference is null beside what says why. */
static void number(text *t, const char *key, double v)
{
    text_printf(t, ",\"%s\":", key);
    if (isfinite(v))
        text_printf(t, "%.9g", v);
    else
        text_add(t, "null");
}

static void json_row(text *t, const comparison *c, int i)
{
    const compare_row *r = &c->rows[i];
    text_printf(t, "{\"step\":%d,\"name\":", i);
    text_json(t, r->name);
    text_add(t, ",\"node\":");
    text_json(t, r->node);
    text_add(t, ",\"op\":");
    text_json(t, r->op);
    text_add(t, ",\"shape\":[");
    for (int d = 0; d < r->port.rank; d++) text_printf(t, "%s%lld", d ? "," : "", (long long)r->port.dim[d]);
    text_add(t, "]");
    number(t, "max_abs", r->d.max_abs);
    number(t, "max_rel", r->d.max_rel);
    number(t, "cosine", r->d.cosine);
    number(t, "sqnr_db", r->d.sqnr_db);
    text_printf(t, ",\"exact\":%s,\"shapes_differ\":%s,\"nan\":[%lld,%lld],\"infinite\":[%lld,%lld],\"over\":%s}",
                r->d.max_abs == 0 && !r->d.odd && !r->d.shapes_differ ? "true" : "false", r->d.shapes_differ ? "true" : "false", (long long)r->d.nan_a,
                (long long)r->d.nan_b, (long long)r->d.inf_a, (long long)r->d.inf_b, difference_exceeds(&r->d, c->tolerance) ? "true" : "false");
}

static int write_json(const comparison *c, const char *path)
{
    fv_error err = {0};
    text t = {0};
    text_add(&t, "{\"model\":");
    text_json(&t, cli_positional(c->a, 0));
    text_add(&t, ",\"a\":");
    text_json(&t, c->side[0]->spec);
    text_add(&t, ",\"b\":");
    text_json(&t, c->side[1]->spec);
    text_printf(&t, ",\"tolerance\":%g,\"compared\":%d,\"only_a\":%d,\"only_b\":%d,\"first\":", c->tolerance, c->n_rows, c->only_a, c->only_b);
    if (c->first >= 0)
        json_row(&t, c, c->first);
    else
        text_add(&t, "null");
    text_add(&t, ",\"worst\":");
    if (c->worst >= 0)
        json_row(&t, c, c->worst);
    else
        text_add(&t, "null");
    if (c->boxes.there)
        text_printf(&t, ",\"detections\":{\"a\":%d,\"b\":%d,\"matched\":%d,\"min_iou\":%.6f,\"max_confidence_difference\":%.9g}", c->boxes.a, c->boxes.b,
                    c->boxes.matched, c->boxes.min_iou, c->boxes.max_conf);
    text_add(&t, ",\"values\":[");
    for (int i = 0; i < c->n_rows; i++) {
        text_add(&t, i ? ",\n" : "\n");
        json_row(&t, c, i);
    }
    text_add(&t, "]}\n");
    fv_status st = cli_write_file(path, t.s, t.len, &err);
    text_free(&t);
    return st < 0 ? cli_fail(c->a, st, &err) : EXIT_OK;
}

int compare_report(const comparison *c)
{
    const char *json = cli_text(c->a, "json");
    if (!cli_on(c->a, "quiet") && !(json && !strcmp(json, "-"))) print_all(c);
    return json ? write_json(c, json) : EXIT_OK;
}
