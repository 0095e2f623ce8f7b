/* kalman.h: constant-velocity filter of a box: centre x, centre y, aspect (w/h) and height, each with its velocity.
 * The noises are those of DeepSORT and ByteTrack, in parts of the height; time is counted in units (bytetrack.c). */
#ifndef FVI_VISION_TRACK_KALMAN_H
#define FVI_VISION_TRACK_KALMAN_H

/* No noise couples the four axes, so that the 8x8 covariance is four 2x2 ones. */
typedef struct fvi_kalman {
    double x[4], v[4];          /* cx, cy, w/h, h; their change a unit of time */
    double pp[4], pv[4], vv[4]; /* covariance of position-position, position-velocity, velocity-velocity */
} fvi_kalman;
void fvi_kalman_start(fvi_kalman *k, const float box[4]); /* x1 y1 x2 y2, width and height > 0 */
void fvi_kalman_predict(fvi_kalman *k, double dt);
void fvi_kalman_update(fvi_kalman *k, const float box[4]);
void fvi_kalman_box(const fvi_kalman *k, float box[4]);
#endif
