/* kalman.h: constant-velocity filters of a box, one for each tracker's idea of a box. Time is counted in units
 * (FVI_TRACK_UNIT_S); boxes are x1 y1 x2 y2 with width and height > 0. */
#ifndef FVI_VISION_TRACK_KALMAN_H
#define FVI_VISION_TRACK_KALMAN_H

/* No noise couples the four axes, so that the 8x8 covariance is four 2x2 ones. */
typedef struct fvi_kalman {
    double x[4], v[4];          /* what is measured; its change a unit of time */
    double pp[4], pv[4], vv[4]; /* covariance of position-position, position-velocity, velocity-velocity */
} fvi_kalman;
/* One axis; noises are variances: qp, qv a unit of time, r of a measurement. */
void fvi_kalman_axis_predict(fvi_kalman *k, int axis, double dt, double qp, double qv);
void fvi_kalman_axis_update(fvi_kalman *k, int axis, double measured, double r);

/* Centre x, centre y, aspect (w/h), height: DeepSORT and ByteTrack, noises in parts of the height. */
void fvi_kalman_start(fvi_kalman *k, const float box[4]);
void fvi_kalman_predict(fvi_kalman *k, double dt);
void fvi_kalman_update(fvi_kalman *k, const float box[4]);
void fvi_kalman_box(const fvi_kalman *k, float box[4]);

/* Centre x, centre y, area, aspect (which has no velocity): SORT and OC-SORT, noises in pixels. */
void fvi_kalman_area_start(fvi_kalman *k, const float box[4]);
void fvi_kalman_area_predict(fvi_kalman *k, double dt);
void fvi_kalman_area_update(fvi_kalman *k, const float box[4]);
void fvi_kalman_area_box(const fvi_kalman *k, float box[4]);
#endif
