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
    {"tile-groups", "auto|N", "tiles computed at the same time, each by its share of the threads; auto: the fastest, tried at the start (1)"},
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
    s->tile_model = settings_value(s, "tile-model");
    if (o->tiling != FV_TILES_NONE && !s->batch) s->batch = 1;
    return check_needless(s);
}
