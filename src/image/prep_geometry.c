/* prep_geometry.c: source size and tensor size -> where the resized picture lies, exactly as the Python references do it.
 * Called by prep.c, and by heads through the map that prep fills in. */
#include "image/prep.h"
#include <math.h>

static double py_round(double v) { return nearbyint(v); } /* half to even, as Python's round() */
static double at_least_1(double v) { return v < 1.0 ? 1.0 : v; }

/* Ultralytics LetterBox(auto=False, scaleup=True, center=True), or YOLOX's top-left padding. */
static void letterbox(fvi_prep_map *m, bool topleft, int w, int h, int dw, int dh)
{
    double rh = (double)dh / h, rw = (double)dw / w, r = rh < rw ? rh : rw;
    if (topleft) {
        m->new_w = (int)at_least_1(w * r);
        m->new_h = (int)at_least_1(h * r);
        m->sx = m->sy = r; /* YOLOX maps boxes back with the one ratio */
    } else {
        m->new_w = (int)at_least_1(py_round(w * r));
        m->new_h = (int)at_least_1(py_round(h * r));
        m->left = (int)py_round((dw - m->new_w) / 2.0 - 0.1);
        m->top = (int)py_round((dh - m->new_h) / 2.0 - 0.1);
        m->sx = (double)m->new_w / w; /* Ultralytics 8.4: each rounded side's own ratio */
        m->sy = (double)m->new_h / h;
    }
}

/* Short side to the tensor (or a little more), centre cut out (torchvision Resize + CenterCrop). */
static void crop(fvi_prep_map *m, double fraction, int w, int h, int dw, int dh)
{
    double rh = (double)dh / h, rw = (double)dw / w;
    int side = (int)((rw >= rh ? dw : dh) / (fraction > 0 ? fraction : 1.0));
    m->new_w = rw >= rh ? side : (int)((double)side * w / h);
    m->new_h = rw >= rh ? (int)((double)side * h / w) : side;
    if (m->new_w < dw) m->new_w = dw;
    if (m->new_h < dh) m->new_h = dh;
    m->left = -(int)py_round((m->new_w - dw) / 2.0);
    m->top = -(int)py_round((m->new_h - dh) / 2.0);
    m->sx = (double)m->new_w / w;
    m->sy = (double)m->new_h / h;
}

void fvi_prep_geometry(fvi_prep_map *m, const fvi_prep_spec *spec, int src_w, int src_h, int dst_w, int dst_h)
{
    *m = (fvi_prep_map){0};
    switch (spec->fit) {
    case FVI_FIT_LETTERBOX: letterbox(m, spec->pad_topleft, src_w, src_h, dst_w, dst_h); break;
    case FVI_FIT_CROP: crop(m, spec->crop_fraction, src_w, src_h, dst_w, dst_h); break;
    case FVI_FIT_STRETCH:
        m->new_w = dst_w;
        m->new_h = dst_h;
        m->sx = (double)dst_w / src_w;
        m->sy = (double)dst_h / src_h;
        break;
    }
    m->dx = m->left;
    m->dy = m->top;
}
