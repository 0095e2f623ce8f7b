/* val_report.c: scores -> the table that people read and the object that programs read (docs/FORMATS.md). Called by verb_val.c. */
#include "val.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void cell(double v)
{
    if (v < 0)
        printf(" %8s", "-");
    else
        printf(" %8.3f", v);
}

static void row(const char *name, int64_t pictures, int64_t truths, double p, double r, const fv_score_numbers *n)
{
    text shown = {0};
    text_terminal(&shown, name);
    printf("%-20.20s %8lld %8lld", shown.s, (long long)pictures, (long long)truths);
    cell(p);
    cell(r);
    cell(n->map50);
    cell(n->map75);
    cell(n->map50_95);
    cell(n->ar);
    putchar('\n');
    text_free(&shown);
}

/* What precision and recall are for everything: means over the classes, each at its own best confidence. */
static void mean_of_classes(const fv_score *s, int n_classes, double *p, double *r, int64_t *truths, int *shown)
{
    double sum_p = 0, sum_r = 0;
    *truths = 0;
    *shown = 0;
    for (int i = 0; i < n_classes; i++) {
        fv_score_class c;
        if (fv_score_of_class(s, i, &c) < 0 || c.truths == 0) continue;
        sum_p += c.precision;
        sum_r += c.recall;
        *truths += c.truths;
        ++*shown;
    }
    *p = *shown ? sum_p / *shown : -1;
    *r = *shown ? sum_r / *shown : -1;
}

static int table(val_run *r, const char *title, fv_score *s, bool points)
{
    fv_error err = {0};
    fv_score_numbers n;
    double p, rec;
    int64_t truths;
    int shown;
    fv_status st = fv_score_total(s, &n, &err);
    if (st < 0) return cli_fail(r->a, st, &err);
    mean_of_classes(s, r->target->n_classes, &p, &rec, &truths, &shown);
    printf("%-20s %8s %8s %8s %8s %8s %8s %8s %8s\n", title, "pictures", "things", "P", "R", "mAP50", "mAP75", "mAP50-95", "AR");
    row("all", r->pictures, truths, p, rec, &n);
    for (int i = 0; i < r->target->n_classes && shown > 1; i++) {
        fv_score_class c;
        if (fv_score_of_class(s, i, &c) < 0 || c.truths == 0) continue;
        row(fv_detector_class_name(r->target->detector, i), c.pictures, c.truths, c.precision, c.recall, &c.numbers);
    }
    printf("mAP50-95 by size:");
    if (!points) {
        printf("  small");
        cell(n.map_small);
    }
    printf("  medium");
    cell(n.map_medium);
    printf("  large");
    cell(n.map_large);
    printf("\n");
    return EXIT_OK;
}

static void key(text *t, const char *name, double v)
{
    text_printf(t, ",\"%s\":", name);
    if (v < 0)
        text_add(t, "null");
    else
        text_number(t, v, 6);
}

static void numbers(text *t, const fv_score_numbers *n)
{
    static const char *const names[] = {"map50_95", "map50", "map75", "map_small", "map_medium", "map_large", "ar",
                                        "ar50",     "ar75",  "ar_small", "ar_medium", "ar_large",  "ar1", "ar10"};
    const double *v = (const double *)n;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) key(t, names[i], v[i]);
}

/* The figures of one score, as members: totals, then "per_class". */
static void members(text *t, const val_run *r, fv_score *s)
{
    fv_score_numbers n;
    int first = 1;
    if (fv_score_total(s, &n, NULL) < 0) return;
    numbers(t, &n);
    text_add(t, ",\"per_class\":{");
    for (int i = 0; i < r->target->n_classes; i++) {
        fv_score_class c;
        if (fv_score_of_class(s, i, &c) < 0 || (c.truths == 0 && c.crowds == 0)) continue;
        if (!first) text_add(t, ",");
        first = 0;
        text_json(t, fv_detector_class_name(r->target->detector, i));
        text_printf(t, ":{\"class_id\":%d,\"images\":%lld,\"instances\":%lld,\"crowds\":%lld", i, (long long)c.pictures, (long long)c.truths, (long long)c.crowds);
        numbers(t, &c.numbers);
        key(t, "precision", c.precision);
        key(t, "recall", c.recall);
        key(t, "f1", c.best_f1);
        key(t, "confidence", c.confidence);
        text_add(t, "}");
    }
    text_add(t, "}");
}

static void head(text *t, const val_run *r)
{
    int w, h;
    fv_detector_input_size(r->target->detector, &w, &h);
    text_add(t, "{\"model\":");
    text_json(t, r->model);
    text_add(t, ",\"data\":");
    text_json(t, cli_text(r->a, "data"));
    text_printf(t, ",\"task\":\"%s\",\"rule\":", fv_task_name(r->target->task));
    text_json(t, fv_detector_rule(r->target->detector));
    text_add(t, ",\"device\":");
    text_json(t, r->device);
    text_add(t, ",\"precision\":");
    text_json(t, r->precision);
    text_printf(t, ",\"input\":[%d,%d],\"images\":%lld,\"instances\":%lld", w, h, (long long)r->pictures, (long long)r->scores->truths);
}

static void tail(text *t, const val_run *r)
{
    double n = r->pictures ? (double)r->pictures : 1;
    text_add(t, ",\"speed_ms\":{\"prep\":");
    text_number(t, r->prep_ms / n, 4);
    text_add(t, ",\"infer\":");
    text_number(t, r->infer_ms / n, 4);
    text_add(t, ",\"heads\":");
    text_number(t, r->heads_ms / n, 4);
    text_add(t, "},\"wall_s\":");
    text_number(t, r->wall_s, 3);
    text_printf(t, ",\"without_labels\":%d,\"failed\":[", r->data->n_without_labels);
    for (int i = 0; i < r->data->problems.n; i++) {
        if (i) text_add(t, ",");
        text_json(t, r->data->problems.lines[i]);
    }
    text_add(t, "]}\n");
}

static int write_json(val_run *r)
{
    fv_error err = {0};
    text t = {0};
    head(&t, r);
    if (r->target->task == FV_TASK_CLASSIFY) {
        double n = r->scores->classified ? (double)r->scores->classified : 1;
        key(&t, "top1", (double)r->scores->right1 / n);
        key(&t, "top5", (double)r->scores->right5 / n);
    } else {
        members(&t, r, r->scores->box);
    }
    fv_score *more[2] = {r->scores->mask, r->scores->keypoints};
    for (int i = 0; i < 2; i++) {
        if (!more[i]) continue;
        text_add(&t, i ? ",\"keypoints\":{\"kind\":\"keypoints\"" : ",\"mask\":{\"kind\":\"mask\"");
        members(&t, r, more[i]);
        text_add(&t, "}");
    }
    if (r->difference) {
        text_add(&t, ",\"against\":{\"model\":");
        text_json(&t, r->against);
        const double v[4] = {r->difference->mean, r->difference->low, r->difference->high, r->difference->below};
        static const char *const names[4] = {"difference", "low", "high", "below"};
        for (int i = 0; i < 4; i++) {
            text_printf(&t, ",\"%s\":", names[i]);
            text_number(&t, v[i], 6);
        }
        text_printf(&t, ",\"resamples\":%d}", r->difference->resamples);
    }
    tail(&t, r);
    fv_status st = cli_write_file(cli_text(r->a, "json"), t.s, t.len, &err);
    text_free(&t);
    return st < 0 ? cli_fail(r->a, st, &err) : EXIT_OK;
}

static void speed(const val_run *r)
{
    double n = r->pictures ? (double)r->pictures : 1;
    printf("%lld picture%s in %.1f s; ms a picture: prep %.1f, network %.1f, heads %.1f\n", (long long)r->pictures, r->pictures == 1 ? "" : "s", r->wall_s, r->prep_ms / n, r->infer_ms / n,
           r->heads_ms / n);
}

int val_report(val_run *r)
{
    const char *json = cli_text(r->a, "json");
    int code = EXIT_OK;
    const char *save = cli_text(r->a, "save-json");
    bool quiet = cli_on(r->a, "quiet") || (json && !strcmp(json, "-")) || (save && !strcmp(save, "-"));
    if (!quiet && r->target->task == FV_TASK_CLASSIFY) {
        double n = r->scores->classified ? (double)r->scores->classified : 1;
        printf("top-1 %.4f  top-5 %.4f  of %lld pictures\n", (double)r->scores->right1 / n, (double)r->scores->right5 / n, (long long)r->scores->classified);
    } else if (!quiet) {
        code = table(r, r->scores->mask || r->scores->keypoints ? "boxes" : "", r->scores->box, false);
        if (!code && r->scores->mask) code = table(r, "masks", r->scores->mask, false);
        if (!code && r->scores->keypoints) code = table(r, "keypoints", r->scores->keypoints, true);
    }
    if (!quiet && r->difference)
        printf("mAP50-95 %+.2f points against %s, 95 %% of %d draws of the pictures between %+.2f and %+.2f; worse in %.0f %%\n", 100 * r->difference->mean, r->against,
               r->difference->resamples, 100 * r->difference->low, 100 * r->difference->high, 100 * r->difference->below);
    if (!quiet) speed(r);
    return code || !json ? code : write_json(r);
}
