/* detector_refit.c: other weights for a detector that runs. They are prepared for all its sessions first; then one number says that they are ready,
 * and whoever runs a frame takes them for all sessions that the frame needs. Streams of a team look at the number in the order of their frames
 * (pipeline_lanes.c), so that no frame has older weights than the one before it. Called by users, and by the program for --watch-weights. */
#include "base/error.h"
#include "flow/detector.h"

static fv_status offer(fv_detector *d, fv_model *m, fv_error *err)
{
    if (d->holds(d)) return fvi_error_set(err, FV_ERR_STATE, "the weights that were given before are not in use yet: they are taken at the next frame");
    FVI_TRY(d->hold(d, m, NULL, err));
    atomic_fetch_add(&d->offered, 1);
    return FV_OK;
}

fv_status fv_detector_refit(fv_detector *d, fv_model *m, fv_error *err)
{
    if (!d || !m) return fvi_error_set(err, FV_ERR_ARGUMENT, "a detector and a model are needed");
    if (!d->hold) return fvi_error_set(err, FV_ERR_STATE, "this detector has no network");
    if (atomic_flag_test_and_set(&d->refitting)) return fvi_error_set(err, FV_ERR_STATE, "other weights are being prepared at this moment");
    const fv_status st = offer(d, m, err);
    atomic_flag_clear(&d->refitting);
    return st;
}

int fv_detector_refits(const fv_detector *d)
{
    const int offered = d ? atomic_load(&d->offered) : 0;
    return offered > 0 && d->holds(d) ? offered - 1 : offered;
}
