/* kalman.c: boxes measured at times -> smoothed boxes and predictions. Called by bytetrack.c for every track. */
#include "vision/track/kalman.h"

enum { CX, CY, ASPECT, HEIGHT };
#define POSITION_STD (1.0 / 20) /* of the height */
#define VELOCITY_STD (1.0 / 160)
#define SMALLEST 1e-3 /* height in pixels, aspect: a prediction must not turn the box inside out */

static double squared(double s) { return s * s; }
static double position_std(int axis, double h) { return axis == ASPECT ? 1e-2 : POSITION_STD * h; }
static double velocity_std(int axis, double h) { return axis == ASPECT ? 1e-5 : VELOCITY_STD * h; }

void fvi_kalman_axis_predict(fvi_kalman *k, int i, double dt, double qp, double qv)
{
    k->x[i] += k->v[i] * dt;
    k->pp[i] += dt * (2 * k->pv[i] + dt * k->vv[i]) + qp * dt;
    k->pv[i] += dt * k->vv[i];
    k->vv[i] += qv * dt;
}

void fvi_kalman_axis_update(fvi_kalman *k, int i, double measured, double r)
{
    double s = k->pp[i] + r, gp = k->pp[i] / s, gv = k->pv[i] / s, off = measured - k->x[i];
    k->x[i] += gp * off;
    k->v[i] += gv * off;
    k->vv[i] -= gv * gv * s;
    k->pv[i] -= gp * gv * s;
    k->pp[i] -= gp * gp * s;
}

static void measure(double z[4], const float box[4])
{
    double w = (double)box[2] - box[0], h = (double)box[3] - box[1];
    z[CX] = box[0] + w / 2;
    z[CY] = box[1] + h / 2;
    z[ASPECT] = w / h;
    z[HEIGHT] = h;
}

void fvi_kalman_start(fvi_kalman *k, const float box[4])
{
    measure(k->x, box);
    for (int i = 0; i < 4; i++) {
        double h = k->x[HEIGHT];
        k->v[i] = 0;
        k->pp[i] = squared(i == ASPECT ? 1e-2 : 2 * position_std(i, h));
        k->vv[i] = squared(i == ASPECT ? 1e-5 : 10 * velocity_std(i, h));
        k->pv[i] = 0;
    }
}

void fvi_kalman_predict(fvi_kalman *k, double dt)
{
    double h = k->x[HEIGHT];
    for (int i = 0; i < 4; i++) fvi_kalman_axis_predict(k, i, dt, squared(position_std(i, h)), squared(velocity_std(i, h)));
    for (int i = ASPECT; i <= HEIGHT; i++) {
        if (k->x[i] >= SMALLEST) continue;
        k->x[i] = SMALLEST;
        k->v[i] = 0;
    }
}

void fvi_kalman_update(fvi_kalman *k, const float box[4])
{
    double z[4], h = k->x[HEIGHT];
    measure(z, box);
    for (int i = 0; i < 4; i++) {
        fvi_kalman_axis_update(k, i, z[i], squared(i == ASPECT ? 1e-1 : position_std(i, h)));
    }
}

void fvi_kalman_box(const fvi_kalman *k, float box[4])
{
    double h = k->x[HEIGHT], w = k->x[ASPECT] * h;
    box[0] = (float)(k->x[CX] - w / 2);
    box[1] = (float)(k->x[CY] - h / 2);
    box[2] = (float)(k->x[CX] + w / 2);
    box[3] = (float)(k->x[CY] + h / 2);
}
