/* run_tiles.c: --tiles and SAHI's names for the same -> fv_tile_options. Called by run_settings.c and verb_val.c. */
#include "run_tiles.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_TILES 64 /* along a side in CxR; larger numbers are pixels */

const cli_flag run_flags_tiles[] = {
    {"tiles", "none|auto|CxR|WxH", "look at large frames in pieces too: of the network's size, CxR of them (up to 64x64), or of WxH pixels (none)"},
    {"slice-width", "N", "width of a tile in pixels (the network's)", CLI_INT, 65, 32768},
    {"slice-height", "N", "height of a tile in pixels (the network's)", CLI_INT, 65, 32768},
    {"overlap-width-ratio", "X", "part of a tile's width that its neighbour sees as well (0.2)", CLI_REAL, 0, 0.94},
    {"overlap-height-ratio", "X", "the same of its height (0.2)", CLI_REAL, 0, 0.94},
    {"no-standard-prediction", NULL, "do not look at the frame as a whole", CLI_SWITCH},
    {"postprocess-type", "SEAM|NMS|NMM|GREEDYNMM", "how boxes of tiles become one: joined where they end at a tile's edge, or as SAHI does (SEAM)", CLI_CHOICE},
    {"postprocess-match-metric", "IOS|IOU", "overlap is measured against the smaller box or against both (SEAM: IOU, else IOS)", CLI_CHOICE},
    {"postprocess-match-threshold", "X", "overlap from which boxes of two tiles are one thing (0.5)", CLI_REAL, 0.01, 1},
    {"postprocess-class-agnostic", NULL, "whatever their classes", CLI_SWITCH},
    {"tile-model", "M", "model for the tiles (that of --model, for both)"},
    {"tile-precision", "auto|fp32|fp16|bf16|int8|fp8", "arithmetic of the network for the tiles (that of --precision)", CLI_CHOICE},
    {"tile-groups", "auto|N", "tiles computed at the same time, each by its share of the threads; auto: the fastest, tried at the start (1)"},
    {"budget", "MS", "films: look at what is most urgent first, so that 95 of 100 frames take no longer from decoding to result; the rest waits (none)", CLI_REAL, 1, 1e6},
    {"tile-refresh", "SECONDS", "films: every tile is looked at so often, changed or not (2)", CLI_REAL, 0.01, 3600},
    {"exact", NULL, "films: look at every tile of every frame; else (track, count) at what has changed", CLI_SWITCH},
    {0}};

static int wrong(const settings *s, const char *name, const char *v, const char *why)
{
    text t = {0};
    settings_where(s, name, &t);
    int code = cli_usage(s->args, "%s %s: %s", t.s, v, why);
    text_free(&t);
    return code;
}

/* "auto", "8x4", "640x640" */
static int parse_tiles(settings *s, const char *v)
{
    fv_tile_options *o = &s->tiles;
    char extra;
    int a, b;
    if (!v || !strcmp(v, "none")) return 0;
    if (!strcmp(v, "auto")) {
        o->tiling = FV_TILES_AUTO;
        return 0;
    }
    if (sscanf(v, "%5dx%5d%c", &a, &b, &extra) != 2 || a < 1 || b < 1) return wrong(s, "tiles", v, "it is none, auto, CxR (8x4 tiles) or WxH (640x640 pixels)");
    if (a <= MOST_TILES && b <= MOST_TILES) {
        o->tiling = FV_TILES_GRID;
        o->cols = a;
        o->rows = b;
        return 0;
    }
    if (a <= MOST_TILES || b <= MOST_TILES) return wrong(s, "tiles", v, "tiles of so many pixels, or so many tiles? numbers up to 64 are tiles, larger ones pixels");
    o->tiling = FV_TILES_SIZE;
    o->width = a;
    o->height = b;
    return 0;
}

static int parse_groups(settings *s, const char *v)
{
    char *end;
    long n = v ? strtol(v, &end, 10) : 0;
    if (!v) return 0;
    if (!strcmp(v, "auto")) {
        s->tiles.groups = FV_TILE_GROUPS_AUTO;
        return 0;
    }
    if (end == v || *end || n < 1 || n > 64) return wrong(s, "tile-groups", v, "it is auto or a number from 1 to 64");
    s->tiles.groups = (int)n;
    return 0;
}

static float ratio_of(const settings *s, const char *name)
{
    const char *v = settings_value(s, name);
    float r = v ? strtof(v, NULL) : 0;
    return v && r == 0 ? -1 : r; /* 0 asked for is none, not the default */
}

static bool switched(const settings *s, const char *name)
{
    const char *v = settings_value(s, name);
    return cli_given(s->args, name) ? cli_on(s->args, name) : v && !strcmp(v, "true");
}

/* A flag about tiles without tiles does nothing: say so. */
static int check_needless(const settings *s)
{
    if (s->tiles.tiling != FV_TILES_NONE) return 0;
    for (const cli_flag *f = run_flags_tiles + 1; f->name; f++)
        if (cli_given(s->args, f->name)) return cli_usage(s->args, "--%s is about tiles: give --tiles auto as well", f->name);
    return 0;
}

int settings_tiles(settings *s)
{
    fv_tile_options *o = &s->tiles;
    *o = (fv_tile_options){.size = sizeof *o};
    int code = parse_tiles(s, settings_value(s, "tiles"));
    if (!code) code = parse_groups(s, settings_value(s, "tile-groups"));
    if (code) return code;
    const char *w = settings_value(s, "slice-width"), *h = settings_value(s, "slice-height"), *kind = settings_value(s, "postprocess-type"),
               *metric = settings_value(s, "postprocess-match-metric"), *threshold = settings_value(s, "postprocess-match-threshold");
    if ((w || h) && (o->tiling == FV_TILES_GRID || o->tiling == FV_TILES_SIZE))
        return cli_usage(s->args, "--tiles and --slice-width, --slice-height say the same: give one of them");
    if (w || h) o->tiling = FV_TILES_SIZE;
    if (w) o->width = atoi(w);
    if (h) o->height = atoi(h);
    o->overlap_w = ratio_of(s, "overlap-width-ratio");
    o->overlap_h = ratio_of(s, "overlap-height-ratio");
    o->no_global = switched(s, "no-standard-prediction");
    o->agnostic = switched(s, "postprocess-class-agnostic");
    o->merge = !kind || kind[0] == 'S' ? FV_MERGE_SEAM : kind[0] == 'G' ? FV_MERGE_GREEDYNMM : kind[2] == 'S' ? FV_MERGE_NMS : FV_MERGE_NMM;
    o->metric = !metric ? FV_METRIC_AUTO : metric[2] == 'S' ? FV_METRIC_IOS : FV_METRIC_IOU;
    o->threshold = threshold ? strtof(threshold, NULL) : 0;
    const char *budget = settings_value(s, "budget"), *refresh = settings_value(s, "tile-refresh");
    bool exact = switched(s, "exact");
    if (exact && budget) return cli_usage(s->args, "--exact looks at everything and --budget at what there is time for: give one of them");
    o->budget_ms = budget ? strtof(budget, NULL) : 0;
    o->refresh_s = refresh ? strtof(refresh, NULL) : 0;
    o->watch = s->mode != RUN_PREDICT && !exact;
    s->tile_model = settings_value(s, "tile-model");
    s->tile_precision = settings_value(s, "tile-precision");
    if (o->tiling != FV_TILES_NONE && !s->batch) s->batch = 1;
    return check_needless(s);
}

static void numbers(text *t, const char *key, const uint32_t *v, int n)
{
    text_printf(t, "\"%s\":[", key);
    for (int i = 0; i < n; i++) text_printf(t, i ? ",%u" : "%u", v[i]);
    text_add(t, "]");
}

void tiles_json(const fv_detector *d, text *summary)
{
    fv_tile_figures *f = tool_alloc(sizeof *f);
    if (fv_detector_tile_figures(d, f) >= 0 && summary->len) {
        summary->s[--summary->len] = 0; /* the closing brace */
        text_printf(summary, ",\"tiles\":{\"grid\":[%d,%d],\"size\":[%d,%d],\"frame_size\":[%d,%d],\"frames\":%lld,\"views\":%lld,\"looks\":%lld,\"skipped\":%lld,\"regions\":%lld,\"canvases\":%lld,"
                             "\"late\":%lld,\"over_budget\":%lld,\"budget_ms\":",
                    f->cols, f->rows, f->width, f->height, f->frame_w, f->frame_h, (long long)f->frames, (long long)f->tiles, (long long)f->looks, (long long)f->skipped, (long long)f->regions,
                    (long long)f->canvases, (long long)f->late, (long long)f->over_budget);
        text_number(summary, f->budget_ms, 3);
        text_printf(summary, ",\"visits\":{\"columns\":%d,\"rows\":%d,", FV_TILE_MAP_W, FV_TILE_MAP_H);
        numbers(summary, "looks", &f->visits[0][0], FV_TILE_MAP_W * FV_TILE_MAP_H);
        text_printf(summary, "},\"series\":{\"frames\":%d,", f->series_frames);
        numbers(summary, "looks", f->series_looks, f->n_series);
        text_add(summary, ",");
        numbers(summary, "over_budget", f->series_over, f->n_series);
        text_add(summary, "}");
        text_add(summary, "}}");
    }
    free(f);
}

void tiles_print(const fv_detector *d, text *t)
{
    fv_tile_figures *f = tool_alloc(sizeof *f);
    if (fv_detector_tile_figures(d, f) >= 0 && f->frames) {
        text_printf(t, "Tiles: %dx%d of %dx%d; %.1f looks a frame of %.1f", f->cols, f->rows, f->width, f->height, (double)f->looks / (double)f->frames,
                    (double)f->tiles / (double)f->frames);
        if (f->regions) text_printf(t, ", %.1f changed parts a frame", (double)f->regions / (double)f->frames);
        if (f->late || f->over_budget) text_printf(t, "; %lld looks had to wait, %lld frames over the budget", (long long)f->late, (long long)f->over_budget);
        text_add(t, "\n");
    }
    free(f);
}
