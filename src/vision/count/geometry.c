/* geometry.c: points against lines and outlines, and the point that stands for a box. Called by line.c and zone.c. */
#include "vision/count/counter.h"
#include <math.h>
#include <string.h>

double fvi_side(fvi_point a, fvi_point b, fvi_point p) { return (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x); }

double fvi_length(fvi_point a, fvi_point b) { return hypot(b.x - a.x, b.y - a.y); }

double fvi_distance_to_segment(fvi_point a, fvi_point b, fvi_point p)
{
    double dx = b.x - a.x, dy = b.y - a.y, sq = dx * dx + dy * dy;
    double u = sq > 0 ? ((p.x - a.x) * dx + (p.y - a.y) * dy) / sq : 0;
    u = u < 0 ? 0 : u > 1 ? 1 : u;
    return hypot(p.x - (a.x + u * dx), p.y - (a.y + u * dy));
}

bool fvi_inside_polygon(const fvi_point *v, int n, fvi_point p)
{
    bool inside = false;
    for (int i = 0, j = n - 1; i < n; j = i++)
        if ((v[i].y > p.y) != (v[j].y > p.y) && p.x < v[i].x + (p.y - v[i].y) / (v[j].y - v[i].y) * (v[j].x - v[i].x)) inside = !inside;
    return inside;
}

#define BORDER 1.5 /* pixels: a zone drawn to the last pixel of the frame is drawn to its border */

static bool both_beyond(double a, double b, double size)
{
    return (a <= BORDER && b <= BORDER) || (a >= size - BORDER && b >= size - BORDER);
}

double fvi_distance_to_outline(const fvi_point *v, int n, fvi_point p, double width, double height)
{
    double least = INFINITY;
    for (int i = 0, j = n - 1; i < n; j = i++)
        if (!both_beyond(v[i].x, v[j].x, width) && !both_beyond(v[i].y, v[j].y, height))
            least = fmin(least, fvi_distance_to_segment(v[j], v[i], p));
    return least;
}

bool fvi_on_border(fvi_point p, double width, double height)
{
    return p.x <= 0.5 || p.y <= 0.5 || p.x >= width - 0.5 || p.y >= height - 0.5;
}

fvi_point fvi_pull_inside(fvi_point p, double width, double height)
{
    double mx = fmin(BORDER + 0.5, width / 4), my = fmin(BORDER + 0.5, height / 4);
    return (fvi_point){fmin(fmax(p.x, mx), width - mx), fmin(fmax(p.y, my), height - my)};
}

fvi_point fvi_anchor_point(const float box[4], fv_anchor anchor)
{
    double cx = ((double)box[0] + box[2]) / 2, cy = ((double)box[1] + box[3]) / 2;
    switch (anchor) {
    case FV_ANCHOR_BOTTOM: return (fvi_point){cx, box[3]};
    case FV_ANCHOR_CENTER: return (fvi_point){cx, cy};
    case FV_ANCHOR_TOP: return (fvi_point){cx, box[1]};
    case FV_ANCHOR_LEFT: return (fvi_point){box[0], cy};
    case FV_ANCHOR_RIGHT: return (fvi_point){box[2], cy};
    case FV_ANCHOR_TOP_LEFT: return (fvi_point){box[0], box[1]};
    case FV_ANCHOR_TOP_RIGHT: return (fvi_point){box[2], box[1]};
    case FV_ANCHOR_BOTTOM_LEFT: return (fvi_point){box[0], box[3]};
    case FV_ANCHOR_BOTTOM_RIGHT: return (fvi_point){box[2], box[3]};
    }
    return (fvi_point){cx, box[3]};
}

fv_status fv_anchor_parse(const char *name, fv_anchor *out)
{
    static const struct {
        const char *name;
        fv_anchor anchor;
    } known[] = {
        {"bottom", FV_ANCHOR_BOTTOM},           {"center", FV_ANCHOR_CENTER},           {"centre", FV_ANCHOR_CENTER},
        {"top", FV_ANCHOR_TOP},                 {"left", FV_ANCHOR_LEFT},               {"right", FV_ANCHOR_RIGHT},
        {"top-left", FV_ANCHOR_TOP_LEFT},       {"top-right", FV_ANCHOR_TOP_RIGHT},     {"bottom-left", FV_ANCHOR_BOTTOM_LEFT},
        {"bottom-right", FV_ANCHOR_BOTTOM_RIGHT},
    };
    for (size_t i = 0; name && out && i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].name, name) != 0) continue;
        *out = known[i].anchor;
        return FV_OK;
    }
    return FV_ERR_ARGUMENT;
}
