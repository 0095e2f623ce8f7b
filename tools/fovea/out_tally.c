/* out_tally.c: frames and events -> totals, intervals, dwell times. Fed on the sink thread through out.c, read by run.c
 * when all is over. */
#include "out_tally.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_INTERVALS 1000000

void tally_init(tally *t, const settings *s, int n_classes)
{
    memset(t, 0, sizeof *t);
    t->s = s;
    t->n_lines = s->n_lines;
    t->n_zones = s->n_zones;
    t->n_classes = n_classes > 0 ? n_classes : 1;
    t->interval = s->interval;
    t->lines = tool_alloc((size_t)(t->n_lines + 1) * sizeof *t->lines);
    t->by_class = tool_alloc(((size_t)t->n_lines * (size_t)t->n_classes + 1) * sizeof *t->by_class);
    t->zones = tool_alloc((size_t)(t->n_zones + 1) * sizeof *t->zones);
    t->stays = tool_alloc((size_t)(t->n_zones + 1) * sizeof *t->stays);
    t->n_stays = tool_alloc((size_t)(t->n_zones + 1) * sizeof *t->n_stays);
    t->cap_stays = tool_alloc((size_t)(t->n_zones + 1) * sizeof *t->cap_stays);
    t->found = tool_alloc((size_t)t->n_classes * sizeof *t->found);
}

static void *bigger(void *old, size_t old_count, size_t new_count, size_t size)
{
    void *p = tool_alloc((new_count ? new_count : 1) * (size ? size : 1));
    if (old_count && size) memcpy(p, old, old_count * size);
    free(old);
    return p;
}

/* Makes intervals up to the one that holds time `at`; a new one starts with who is in the zones. */
static void reach_interval(tally *t, double at)
{
    if (t->interval <= 0 || !(at >= 0) || at / t->interval >= MAX_INTERVALS) return;
    int want = (int)(at / t->interval) + 1;
    if (want > t->cap_intervals) {
        int cap = want * 2 + 16;
        size_t nl = (size_t)t->n_lines, nz = (size_t)t->n_zones;
        t->interval_lines = bigger(t->interval_lines, (size_t)t->n_intervals, (size_t)cap, nl * sizeof *t->interval_lines);
        t->interval_zones = bigger(t->interval_zones, (size_t)t->n_intervals, (size_t)cap, nz * sizeof *t->interval_zones);
        t->cap_intervals = cap;
    }
    for (; t->n_intervals < want; t->n_intervals++)
        for (int z = 0; z < t->n_zones; z++) {
            tally_zone *fresh = &t->interval_zones[(size_t)t->n_intervals * (size_t)t->n_zones + (size_t)z];
            fresh->now = fresh->max = t->zones[z].now;
        }
}

static void zone_change(tally *t, int z, int by)
{
    tally_zone *all[2] = {&t->zones[z], t->n_intervals ? &t->interval_zones[(size_t)(t->n_intervals - 1) * (size_t)t->n_zones + (size_t)z] : NULL};
    for (int i = 0; i < 2 && all[i]; i++) {
        if (by > 0)
            all[i]->entered++;
        else
            all[i]->left++;
        all[i]->now += by;
        if (all[i]->now < 0) all[i]->now = 0;
        if (all[i]->now > all[i]->max) all[i]->max = all[i]->now;
    }
}

static void stay(tally *t, int z, double seconds)
{
    if (t->n_stays[z] == t->cap_stays[z]) {
        int cap = t->cap_stays[z] * 2 + 64;
        t->stays[z] = bigger(t->stays[z], (size_t)t->n_stays[z], (size_t)cap, sizeof(double));
        t->cap_stays[z] = cap;
    }
    t->stays[z][t->n_stays[z]++] = seconds;
}

static tally_line *class_cell(tally *t, int line, int class_id)
{
    int now = t->n_intervals - 1;
    for (int i = t->n_cells - 1; i >= 0 && t->cells[i].interval == now; i--)
        if (t->cells[i].line == line && t->cells[i].class_id == class_id) return &t->cells[i].n;
    if (t->n_cells == t->cap_cells) {
        int cap = t->cap_cells * 2 + 64;
        t->cells = bigger(t->cells, (size_t)t->n_cells, (size_t)cap, sizeof *t->cells);
        t->cap_cells = cap;
    }
    t->cells[t->n_cells] = (tally_cell){.interval = now, .line = line, .class_id = class_id};
    return &t->cells[t->n_cells++].n;
}

static void event(tally *t, const fv_event *e)
{
    if (e->type == FV_EVENT_NOTE) return;
    if (e->type == FV_EVENT_CROSS) {
        if (e->index < 0 || e->index >= t->n_lines) return;
        tally_line *to[4] = {&t->lines[e->index]};
        if (e->class_id >= 0 && e->class_id < t->n_classes) to[1] = &t->by_class[(size_t)e->index * (size_t)t->n_classes + (size_t)e->class_id];
        if (t->n_intervals) to[2] = &t->interval_lines[(size_t)(t->n_intervals - 1) * (size_t)t->n_lines + (size_t)e->index];
        if (t->n_intervals && to[1]) to[3] = class_cell(t, e->index, e->class_id);
        for (int i = 0; i < 4; i++)
            if (to[i]) ++*(e->inward ? &to[i]->in : &to[i]->out);
        return;
    }
    if (e->index < 0 || e->index >= t->n_zones) return;
    if (e->type == FV_EVENT_ENTER) zone_change(t, e->index, 1);
    if (e->type == FV_EVENT_LEAVE) zone_change(t, e->index, -1);
    if (e->type == FV_EVENT_DWELL) stay(t, e->index, e->seconds);
}

void tally_frame(tally *t, const fv_result *r, double pts)
{
    t->last = pts;
    reach_interval(t, t->offset + pts);
    int n = t->top_only && r->dets->count > 1 ? 1 : r->dets->count;
    for (int i = 0; i < n; i++) {
        int c = r->dets->items[i].class_id;
        if (c >= 0 && c < t->n_classes) t->found[c]++;
    }
    for (int i = 0; i < r->n_events; i++) event(t, &r->events[i]);
}

void tally_end_source(tally *t)
{
    t->offset += t->last > 0 ? t->last : 0;
    t->last = 0;
    for (int z = 0; z < t->n_zones; z++) t->zones[z].now = 0;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void dwell(const tally *t, int z, double *mean, double *p95)
{
    int n = t->n_stays[z];
    *mean = *p95 = 0;
    if (!n) return;
    qsort(t->stays[z], (size_t)n, sizeof(double), by_value);
    for (int i = 0; i < n; i++) *mean += t->stays[z][i] / n;
    *p95 = t->stays[z][(int)ceil(0.95 * n) - 1];
}

static void class_json(text *out, bool *first, const char *name, const tally_line *n)
{
    if (!n->in && !n->out) return;
    if (!*first) text_add(out, ",");
    *first = false;
    text_json(out, name);
    text_printf(out, ":{\"in\":%lld,\"out\":%lld}", (long long)n->in, (long long)n->out);
}

static int first_cell(const tally *t, int interval)
{
    int lo = 0, hi = t->n_cells;
    while (lo < hi) {
        int mid = lo + (hi - lo) / 2;
        if (t->cells[mid].interval < interval)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* interval: -1 = the whole run */
static void line_json(const tally *t, text *out, int l, const tally_line *totals, int interval, const fv_detector *names)
{
    bool first = true;
    text_json(out, t->s->lines[l].name);
    text_printf(out, ":{\"in\":%lld,\"out\":%lld,\"by_class\":{", (long long)totals[l].in, (long long)totals[l].out);
    for (int c = 0; c < t->n_classes && interval < 0; c++)
        class_json(out, &first, fv_detector_class_name(names, c), &t->by_class[(size_t)l * (size_t)t->n_classes + (size_t)c]);
    for (int i = interval < 0 ? t->n_cells : first_cell(t, interval); i < t->n_cells && t->cells[i].interval == interval; i++)
        if (t->cells[i].line == l)
            class_json(out, &first, fv_detector_class_name(names, t->cells[i].class_id), &t->cells[i].n);
    text_add(out, "}}");
}

/* How many stays lasted at least so many seconds, and less than the next. */
static void histogram_json(const tally *t, text *out, int z)
{
    static const double from[] = {0, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600};
    enum { N = sizeof from / sizeof *from };
    int64_t n[N] = {0};
    for (int i = 0; i < t->n_stays[z]; i++) {
        int k = N - 1;
        while (k > 0 && t->stays[z][i] < from[k]) k--;
        n[k]++;
    }
    text_add(out, ",\"histogram\":[");
    for (int k = 0, first = 1; k < N; k++) {
        if (!n[k]) continue;
        text_printf(out, "%s[%g,%lld]", first ? "" : ",", from[k], (long long)n[k]);
        first = 0;
    }
    text_add(out, "]");
}

static void zone_json(const tally *t, text *out, int z, const tally_zone *zones, bool stays)
{
    text_json(out, t->s->zones[z].name);
    text_printf(out, ":{\"entered\":%lld,\"left\":%lld,\"occupancy\":%d,\"max\":%d", (long long)zones[z].entered, (long long)zones[z].left,
                zones[z].now, zones[z].max);
    if (stays) {
        double mean, p95;
        dwell(t, z, &mean, &p95);
        text_add(out, ",\"dwell_s\":{\"mean\":");
        text_number(out, mean, 3);
        text_add(out, ",\"p95\":");
        text_number(out, p95, 3);
        histogram_json(t, out, z);
        text_add(out, "}");
    }
    text_add(out, "}");
}

static void shapes_json(const tally *t, text *out, const tally_line *lines, const tally_zone *zones, int interval, const fv_detector *names)
{
    text_add(out, "\"lines\":{");
    for (int l = 0; l < t->n_lines; l++) {
        if (l) text_add(out, ",");
        line_json(t, out, l, lines, interval, names);
    }
    text_add(out, "},\"zones\":{");
    for (int z = 0; z < t->n_zones; z++) {
        if (z) text_add(out, ",");
        zone_json(t, out, z, zones, interval < 0);
    }
    text_add(out, "}");
}

static void intervals_json(const tally *t, text *out, const fv_detector *names)
{
    text_add(out, ",\"intervals\":[");
    for (int i = 0; i < t->n_intervals; i++) {
        if (i) text_add(out, ",");
        text_add(out, "{\"start\":");
        text_number(out, i * t->interval, 3);
        text_add(out, ",\"end\":");
        text_number(out, (i + 1) * t->interval, 3);
        text_add(out, ",");
        shapes_json(t, out, t->interval_lines ? t->interval_lines + (size_t)i * (size_t)t->n_lines : NULL,
                    t->interval_zones ? t->interval_zones + (size_t)i * (size_t)t->n_zones : NULL, i, names);
        text_add(out, "}");
    }
    text_add(out, "]");
}

void tally_json(const tally *t, text *out, const fv_metrics *m, const fv_detector *names)
{
    bool first = true;
    text_printf(out, "{\"frames\":{\"decoded\":%lld,\"processed\":%lld,\"dropped\":%lld,\"skipped\":%lld},", (long long)m->decoded,
                (long long)m->processed, (long long)m->dropped, (long long)m->skipped);
    text_add(out, "\"detections\":{");
    for (int c = 0; c < t->n_classes; c++) {
        if (!t->found[c]) continue;
        if (!first) text_add(out, ",");
        first = false;
        text_json(out, fv_detector_class_name(names, c));
        text_printf(out, ":%lld", (long long)t->found[c]);
    }
    text_add(out, "},");
    if (t->s->mode != RUN_PREDICT) text_printf(out, "\"tracks\":%lld,", (long long)t->tracks);
    shapes_json(t, out, t->lines, t->zones, -1, names);
    if (t->interval > 0) intervals_json(t, out, names);
    text_add(out, "}");
}

static void padded(text *out, const char *name, int width)
{
    text clean = {0};
    int cells = 0;
    text_terminal(&clean, name);
    text_add(out, clean.s ? clean.s : "");
    for (const char *p = clean.s; p && *p; p++) cells += ((unsigned char)*p & 0xC0) != 0x80;
    for (; cells < width; cells++) text_add(out, " ");
    text_free(&clean);
}

static void print_lines(const tally *t, text *out, const fv_detector *names)
{
    if (t->n_lines) text_printf(out, "%-20s %8s %8s\n", "line", "in", "out");
    for (int l = 0; l < t->n_lines; l++) {
        int classes = 0;
        padded(out, t->s->lines[l].name, 20);
        text_printf(out, " %8lld %8lld\n", (long long)t->lines[l].in, (long long)t->lines[l].out);
        const tally_line *b = t->by_class + (size_t)l * (size_t)t->n_classes;
        for (int c = 0; c < t->n_classes; c++) classes += b[c].in || b[c].out;
        for (int c = 0; c < t->n_classes && classes > 1; c++) {
            if (!b[c].in && !b[c].out) continue;
            text_add(out, "  ");
            padded(out, fv_detector_class_name(names, c), 18);
            text_printf(out, " %8lld %8lld\n", (long long)b[c].in, (long long)b[c].out);
        }
    }
}

void tally_print(const tally *t, text *out, const fv_detector *names)
{
    if (t->s->mode != RUN_COUNT && !t->no_boxes) {
        bool first = true;
        text_add(out, t->s->mode == RUN_TRACK ? "Boxes of tracks: " : "Found: ");
        for (int c = 0; c < t->n_classes; c++) {
            if (!t->found[c]) continue;
            text_printf(out, "%s%lld ", first ? "" : ", ", (long long)t->found[c]);
            text_terminal(out, fv_detector_class_name(names, c));
            first = false;
        }
        text_add(out, first ? "nothing\n" : "\n");
    }
    if (t->s->mode != RUN_PREDICT) text_printf(out, "Tracks: %lld\n", (long long)t->tracks);
    print_lines(t, out, names);
    if (t->n_zones) text_printf(out, "%-20s %8s %8s %8s %8s %10s %10s\n", "zone", "entered", "left", "now", "most", "mean stay", "p95 stay");
    for (int z = 0; z < t->n_zones; z++) {
        double mean, p95;
        dwell(t, z, &mean, &p95);
        padded(out, t->s->zones[z].name, 20);
        text_printf(out, " %8lld %8lld %8d %8d %8.1f s %8.1f s\n", (long long)t->zones[z].entered, (long long)t->zones[z].left, t->zones[z].now,
                    t->zones[z].max, mean, p95);
    }
}

void tally_free(tally *t)
{
    for (int z = 0; z < t->n_zones; z++) free(t->stays[z]);
    free(t->lines);
    free(t->by_class);
    free(t->zones);
    free(t->stays);
    free(t->n_stays);
    free(t->cap_stays);
    free(t->found);
    free(t->interval_lines);
    free(t->interval_zones);
    free(t->cells);
    memset(t, 0, sizeof *t);
}
