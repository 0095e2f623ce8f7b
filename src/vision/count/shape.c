/* shape.c: a configured line or zone -> points in pixels of the frames that come. Called when a counter is made, and when
 * the frame size changes. */
#include "base/alloc.h"
#include "base/error.h"
#include "vision/count/counter.h"
#include <math.h>
#include <string.h>

#define MAX_POINTS 1024
#define MAX_CLASSES 65536
#define FARTHEST 1e7

static fv_status check(const char *kind, const char *name, const double *xy, int n, fv_error *err)
{
    double lo[2] = {INFINITY, INFINITY}, hi[2] = {-INFINITY, -INFINITY};
    if (!xy || n > MAX_POINTS || n < 2)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "%s '%s' has %d points; 3 to %d are possible", kind, name, n, MAX_POINTS);
    for (int i = 0; i < 2 * n; i++) {
        if (!(fabs(xy[i]) <= FARTHEST)) return fvi_error_set(err, FV_ERR_ARGUMENT, "%s '%s': %g is no coordinate", kind, name, xy[i]);
        lo[i % 2] = fmin(lo[i % 2], xy[i]);
        hi[i % 2] = fmax(hi[i % 2], xy[i]);
    }
    bool wide = hi[0] > lo[0], high = hi[1] > lo[1];
    if (n == 2 ? !wide && !high : !wide || !high)
        return fvi_error_set(err, FV_ERR_ARGUMENT, "%s '%s' has no %s", kind, name, n == 2 ? "length" : "area");
    return FV_OK;
}

fv_status fvi_shape_make(fvi_shape *s, const char *kind, const char *name, const double *xy, int n, const int *classes,
                         int n_classes, fv_anchor anchor, fv_error *err)
{
    *s = (fvi_shape){.n = n, .anchor = anchor, .fractions = true};
    if (!name) name = "";
    FVI_TRY(check(kind, name, xy, n, err));
    if (n_classes < 0 || n_classes > MAX_CLASSES || (n_classes && !classes))
        return fvi_error_set(err, FV_ERR_ARGUMENT, "%s '%s' has a list of %d classes", kind, name, n_classes);
    if ((unsigned)anchor > FV_ANCHOR_BOTTOM_RIGHT) return fvi_error_set(err, FV_ERR_ARGUMENT, "%s '%s' has an unknown anchor", kind, name);
    s->given = fvi_calloc((size_t)n, sizeof *s->given);
    s->at = fvi_calloc((size_t)n, sizeof *s->at);
    if (classes) s->classes = fvi_calloc((size_t)n_classes + 1, sizeof *s->classes);
    if (!s->given || !s->at || (classes && !s->classes)) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
    for (int i = 0; i < n; i++) {
        s->given[i] = (fvi_point){xy[2 * i], xy[2 * i + 1]};
        if (xy[2 * i] > 1 || xy[2 * i + 1] > 1) s->fractions = false;
    }
    if (classes) memcpy(s->classes, classes, sizeof *classes * (size_t)n_classes);
    s->n_classes = n_classes;
    return FV_OK;
}

void fvi_shape_free(fvi_shape *s)
{
    fvi_free(s->given);
    fvi_free(s->at);
    fvi_free(s->classes);
    *s = (fvi_shape){0};
}

void fvi_shape_layout(fvi_shape *s, int width, int height)
{
    double sx = s->fractions ? width : 1, sy = s->fractions ? height : 1;
    for (int i = 0; i < s->n; i++) s->at[i] = (fvi_point){s->given[i].x * sx, s->given[i].y * sy};
}

bool fvi_shape_wants(const fvi_shape *s, int class_id)
{
    if (!s->classes) return true;
    for (int i = 0; i < s->n_classes; i++)
        if (s->classes[i] == class_id) return true;
    return false;
}
