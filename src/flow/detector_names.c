/* detector_names.c: a detector without a network: it knows the names of classes and finds nothing. Results that come from
 * elsewhere (a replayed log) are written and counted through it. Called by detector.c when there is no model. */
#include "base/alloc.h"
#include "base/error.h"
#include "flow/detector.h"
#include "flow/names.h"

typedef struct names_only {
    fv_detector base; /* first */
    fvi_flow_names names;
} names_only;

static const char *class_name(const fv_detector *d, int class_id) { return fvi_flow_names_get(&((const names_only *)d)->names, class_id); }

static fv_status run(fv_detector *d, const fv_frame *const *frames, int n, fv_detections *out, fv_error *err)
{
    (void)frames;
    (void)err;
    for (int i = 0; i < n; i++) out[i].count = out[i].n_extras = 0;
    d->runs++;
    return FV_OK;
}

static fv_status set_classes(fv_detector *d, const int *classes, int n, fv_error *err)
{
    for (int i = 0; i < n; i++)
        if (classes[i] < 0 || classes[i] >= d->n_classes) return fvi_error_set(err, FV_ERR_ARGUMENT, "class %d does not exist", classes[i]);
    return FV_OK;
}

static void destroy(fv_detector *d)
{
    fvi_flow_names_free(&((names_only *)d)->names);
    fvi_free(d);
}

fv_status fvi_flow_detector_names(fv_detector **out, const char *const *names, int n, fv_error *err)
{
    names_only *d = fvi_calloc(1, sizeof *d);
    if (d && fvi_flow_names_load(&d->names, names, n, NULL) && fvi_flow_names_fill(&d->names, n)) {
        d->base = (fv_detector){.run = run, .free = destroy, .set_classes = set_classes, .class_name = class_name, .n_classes = n, .batch = 1,
                                .rule = "no model: names only"};
        *out = &d->base;
        return FV_OK;
    }
    if (d) destroy(&d->base);
    return fvi_error_set(err, FV_ERR_MEMORY, "out of memory");
}
