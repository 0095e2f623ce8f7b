/* kalman_area.c: the filter of SORT (Bewley et al., 2016), which OC-SORT keeps: area and aspect instead of height. Its
 * noises are constants of pixels and frames. Called by ocsort.c. */
#include "vision/track/kalman.h"
#include <math.h>

enum { CX, CY, AREA, ASPECT };
#define SMALLEST 1e-3 /* area, aspect */

static const double position_noise[4] = {1, 1, 1, 1}, velocity_noise[4] = {0.01, 0.01, 0.0001, 0}; /* a unit of time */
static const double measured_noise[4] = {1, 1, 10, 10};

static void measure(double z[4], const float box[4])
{
    double w = (double)box[2] - box[0], h = (double)box[3] - box[1];
    z[CX] = box[0] + w / 2;
    z[CY] = box[1] + h / 2;
    z[AREA] = w * h;
    z[ASPECT] = w / h;
}

void fvi_kalman_area_start(fvi_kalman *k, const float box[4])
{
    measure(k->x, box);
    for (int i = 0; i < 4; i++) {
        k->v[i] = 0;
        k->pp[i] = 10;
        k->pv[i] = 0;
        k->vv[i] = i == ASPECT ? 0 : 1e4; /* nothing is known about how it moves */
    }
}

void fvi_kalman_area_predict(fvi_kalman *k, double dt)
{
    if (k->x[AREA] + k->v[AREA] * dt <= 0) k->v[AREA] = 0; /* a shrinking box does not vanish */
    for (int i = 0; i < 4; i++) fvi_kalman_axis_predict(k, i, dt, position_noise[i], velocity_noise[i]);
    k->x[AREA] = fmax(k->x[AREA], SMALLEST);
    k->x[ASPECT] = fmax(k->x[ASPECT], SMALLEST);
}

void fvi_kalman_area_update(fvi_kalman *k, const float box[4])
{
    double z[4];
    measure(z, box);
    for (int i = 0; i < 4; i++) fvi_kalman_axis_update(k, i, z[i], measured_noise[i]);
}

void fvi_kalman_area_box(const fvi_kalman *k, float box[4])
{
    double area = fmax(k->x[AREA], SMALLEST), aspect = fmax(k->x[ASPECT], SMALLEST), w = sqrt(area * aspect), h = area / w;
    box[0] = (float)(k->x[CX] - w / 2);
    box[1] = (float)(k->x[CY] - h / 2);
    box[2] = (float)(k->x[CX] + w / 2);
    box[3] = (float)(k->x[CY] + h / 2);
}
