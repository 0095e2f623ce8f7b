/* config_check.c: can something be counted with this line or zone? Called by run_settings.c, before any work. */
#include "config_yaml.h"
#include <math.h>
#include <stddef.h>

static double side(const double *a, const double *b, const double *p) { return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]); }

static bool apart(double a, double b) { return (a < 0 && b > 0) || (a > 0 && b < 0); }

/* Edges that only touch are left alone: a ring may be closed twice, or pinched. */
static bool edges_cross(const config_shape *s)
{
    int n = s->n_points;
    for (int i = 0; i < n; i++)
        for (int k = i + 1; k < n; k++) {
            const double *a = s->xy + 2 * i, *b = s->xy + 2 * ((i + 1) % n), *c = s->xy + 2 * k, *d = s->xy + 2 * ((k + 1) % n);
            if (apart(side(a, b, c), side(a, b, d)) && apart(side(c, d, a), side(c, d, b))) return true;
        }
    return false;
}

static bool no_area(const config_shape *s)
{
    double area = 0, reach = 0;
    for (int i = 0; i < s->n_points; i++) {
        const double *o = s->xy, *a = s->xy + 2 * i, *b = s->xy + 2 * ((i + 1) % s->n_points);
        area += (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]);
        reach = fmax(reach, fmax(fabs(a[0] - o[0]), fabs(a[1] - o[1])));
    }
    return !(fabs(area) > 1e-9 * reach * reach);
}

const char *config_shape_wrong(const config_shape *s)
{
    if (s->n_points == 2) return s->xy[0] == s->xy[2] && s->xy[1] == s->xy[3] ? "has no length" : NULL;
    return edges_cross(s) ? "has edges that cross; give its corners in order, around it" : no_area(s) ? "has no area" : NULL;
}
