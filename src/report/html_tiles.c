/* html_tiles.c: a run in tiles: how much was looked at, when, and where in the scene. In: `tiles` of a summary (docs/FORMATS.md). Called by html_run.c. */
#include "report/run.h"
#include <string.h>

#define W 720
#define H 150
#define BASE 122
#define MAX_CELLS 65536
#define MAX_BINS 1024
#define MAX_SCENE ((size_t)4 << 20)

static double most_of(const fvi_report_json *list)
{
    double m = 0;
    for (const fvi_report_json *c = list->child; c; c = c->next)
        if (c->type == FVI_REPORT_JSON_NUMBER && c->number < 1e15) m = fmax(m, c->number);
    return m;
}

static void fact(fvi_str *out, double value, const char *unit, const char *key, bool bad)
{
    fvi_str_printf(out, "<div class=\"tile%s\"><div class=\"v\">", bad ? " bad" : "");
    if (value == floor(value))
        fvi_report_whole(out, value);
    else
        fvi_report_ms(out, value);
    fvi_str_printf(out, "<span class=\"u\">%s</span></div><div class=\"k\">%s</div></div>", unit, key);
}

static void facts(fvi_str *out, const fvi_report_json *t)
{
    double frames = fvi_report_json_num(t, "frames", 0), views = fvi_report_json_num(t, "views", 0), looks = fvi_report_json_num(t, "looks", 0),
           skipped = fvi_report_json_num(t, "skipped", 0), over = fvi_report_json_num(t, "over_budget", 0), budget = fvi_report_json_num(t, "budget_ms", 0);
    fvi_str_add(out, "<div class=\"tiles\">");
    fact(out, looks / frames, "a frame", "looks (networks run)", false);
    fact(out, views / frames, "a frame", "would be all tiles", false);
    fact(out, skipped / frames, "a frame", "skipped", false);
    fact(out, views > 0 ? 100 * looks / views : 0, "%", "of all looks", false);
    fact(out, fvi_report_json_num(t, "late", 0), "", "had to wait for time", false);
    if (budget > 0) fact(out, over, "frames", "missed their budget", over > 0.05 * frames);
    fvi_str_add(out, "</div>");
}

/* Base64 of a PNG and nothing else: it goes into the page as it is. */
static bool is_picture(const char *s)
{
    static const char start[] = "data:image/png;base64,";
    size_t n = sizeof start - 1;
    if (!s || strncmp(s, start, n) != 0 || strlen(s) > MAX_SCENE) return false;
    return s[n + strspn(s + n, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")] == 0;
}

static void map(fvi_str *out, const fvi_report_json *t, const char *scene)
{
    const fvi_report_json *visits = fvi_report_json_get(t, "visits"), *looks = fvi_report_json_get(visits, "looks");
    double columns = fvi_report_json_num(visits, "columns", 0), rows = fvi_report_json_num(visits, "rows", 0);
    if (!looks || looks->type != FVI_REPORT_JSON_ARRAY || !(columns >= 1 && rows >= 1) || columns * rows > MAX_CELLS || looks->count != (int)(columns * rows)) return;
    const fvi_report_json *frame = fvi_report_json_get(t, "frame_size");
    double top = most_of(looks), wide = 16, high = 9;
    if (frame && frame->type == FVI_REPORT_JSON_ARRAY && frame->count == 2 && frame->child->number >= 1 && frame->child->next->number >= 1) {
        wide = frame->child->number;
        high = frame->child->next->number;
    }
    double height = fmin(W * high / wide, 4 * W), cw = W / columns, ch = height / rows;
    if (!(top > 0)) return;
    fvi_str_add(out, "<div class=\"card\"><h2>Where it looked</h2>");
    fvi_str_printf(out, "<svg class=\"long\" viewBox=\"0 0 %d %.1f\" role=\"img\" aria-label=\"Looks at each part of the scene\">", W, height);
    if (is_picture(scene)) {
        fvi_str_printf(out, "<image width=\"%d\" height=\"%.1f\" preserveAspectRatio=\"none\" href=\"", W, height);
        fvi_str_add(out, scene);
        fvi_str_add(out, "\"/>");
    } else {
        fvi_str_printf(out, "<rect class=\"f\" width=\"%d\" height=\"%.1f\"/>", W, height);
    }
    int i = 0, n = (int)columns;
    for (const fvi_report_json *c = looks->child; c; c = c->next, i++) {
        if (c->type != FVI_REPORT_JSON_NUMBER || !(c->number > 0)) continue;
        fvi_str_printf(out, "<rect class=\"h3\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill-opacity=\"%.2f\"><title>%.0f looks</title></rect>", (i % n) * cw, (i / n) * ch, cw, ch,
                       0.72 * c->number / top, c->number);
    }
    fvi_str_printf(out, "</svg><p class=\"dim\">Looks at each part of the scene, the whole not counted; the most: %.0f.</p></div>\n", top);
}

/* Bars of looks a frame; frames over the budget stand above them. */
static void over_time(fvi_str *out, const fvi_report_json *t)
{
    const fvi_report_json *series = fvi_report_json_get(t, "series"), *looks = fvi_report_json_get(series, "looks"), *over = fvi_report_json_get(series, "over_budget");
    double frames = fvi_report_json_num(series, "frames", 0);
    if (!looks || looks->type != FVI_REPORT_JSON_ARRAY || looks->count < 2 || looks->count > MAX_BINS || !(frames >= 1)) return;
    const fvi_report_json *o = over && over->type == FVI_REPORT_JSON_ARRAY ? over->child : NULL;
    double most = most_of(looks) / frames, slot = (double)W / looks->count;
    if (!(most > 0)) return;
    fvi_str_add(out, "<div class=\"card\"><h2>Looks a frame, over time</h2>");
    fvi_str_printf(out, "<svg class=\"long\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Looks a frame over time\">", W, H);
    fvi_str_printf(out, "<line class=\"g\" x1=\"0\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/><text class=\"s\" x=\"0\" y=\"10\">%.1f</text>", W, BASE, BASE, most);
    int i = 0;
    for (const fvi_report_json *c = looks->child; c; c = c->next, i++, o = o ? o->next : NULL) {
        double n = c->type == FVI_REPORT_JSON_NUMBER && c->number > 0 ? fmin(c->number / frames, most) : 0, h = (BASE - 18) * n / most;
        if (h > 0) fvi_str_printf(out, "<rect class=\"h\" x=\"%.1f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\"/>", i * slot, BASE - h, fmax(slot - 0.6, 0.5), h);
        if (o && o->type == FVI_REPORT_JSON_NUMBER && o->number > 0)
            fvi_str_printf(out, "<rect class=\"h3\" x=\"%.1f\" y=\"%d\" width=\"%.2f\" height=\"%.1f\"><title>%.0f frames over the budget</title></rect>", i * slot, BASE + 2, fmax(slot - 0.6, 0.5),
                           fmin(10, 2 + 8 * o->number / frames), o->number);
    }
    fvi_str_printf(out, "<text x=\"0\" y=\"%d\">frame 0</text><text x=\"%d\" y=\"%d\" text-anchor=\"end\">frame %.0f</text>", BASE + 24, W, BASE + 24, frames * looks->count);
    fvi_str_add(out, "</svg><div class=\"key\"><span>looks a frame</span><span class=\"k4\">frames over the budget</span></div></div>\n");
}

void fvi_report_tiles_section(fvi_str *out, const fvi_report_json *t, const char *scene)
{
    if (!t || t->type != FVI_REPORT_JSON_OBJECT || !(fvi_report_json_num(t, "frames", 0) >= 1)) return;
    fvi_str_add(out, "<h2 id=\"tiles\">Tiles</h2>");
    facts(out, t);
    map(out, t, scene);
    over_time(out, t);
}
