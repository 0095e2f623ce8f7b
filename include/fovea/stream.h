/* stream.h: results of a picture, a video, a camera or an address, pulled one after the other: the whole frame road behind
 * open, next and close.
 *
 *     fv_stream *s;
 *     fv_result r;
 *     fv_status st = fv_stream_open(&s, FV_STREAM_OPTIONS(.source = "rtsp://camera/", .model = "yolov8n.onnx"), &err);
 *     while (st >= 0 && (st = fv_stream_next(s, &r, &err)) == FV_OK) use(r.dets);
 *     fv_stream_close(&s);
 *
 * Decoding and inference run on threads of the stream and are a few frames ahead of who pulls. Files wait for the puller (every
 * frame); live sources do not: the puller gets the newest result, older ones are dropped and counted (see `policy`). Who wants to
 * be called instead of calling, or stages of their own, uses pipeline.h; who has the frames already uses detect.h, track.h and
 * count.h (examples/push_frames.c). */
#ifndef FOVEA_STREAM_H
#define FOVEA_STREAM_H
#include <fovea/pipeline.h>
#ifdef __cplusplus
extern "C" {
#endif

/* Needed: one of source and input, one of model and detector. Zero is the default for all others. Parts that are options
 * themselves are made with their macros: `.count = FV_COUNT_OPTIONS(.lines = &door, .n_lines = 1)`. */
typedef struct fv_stream_options {
    uint32_t size;
    const char *source; /* what fv_media_api.source_open takes: a file, "-", an address, a camera */
    const fv_source_options *open; /* of `source`: transport, time-outs, …; null = defaults */
    fv_source *input;   /* your own source instead; borrowed until fv_stream_close, which does not close it */
    const char *model;  /* ONNX file */
    fv_detector *detector; /* one that exists instead, for device, precision, …; borrowed until close, used by this stream only */
    fv_context *ctx;       /* threads and log for `model`, shared with others; null = one for this stream */
    const fv_detect_options *detect; /* of `model`; null = defaults. With tracking, conf 0 = 0.1: trackers use weak boxes too */
    const char *classes; /* "person,car" or "0,2": report only these; null = what `detect` says. FV_ERR_ARGUMENT: unknown class */
    const fv_track_options *track;   /* null = no tracking, unless `count` is given */
    const fv_count_options *count;   /* lines and zones; null = none */
    const fv_paint_options *paint;   /* null = r.frame is as decoded; without a font, labels are written in the built-in one */
    fv_policy policy;
    int vid_stride;      /* 0 = 1: every frame is processed; N: every N-th */
    double wait_s;       /* longest time that fv_stream_next waits before it says FV_AGAIN; 0 = until there is something */
} fv_stream_options;
#define FV_STREAM_OPTIONS(...) (&(fv_stream_options){.size = sizeof(fv_stream_options), __VA_ARGS__})

/* Threads: one at a time, except fv_stream_stop and fv_stream_metrics: any. */
typedef struct fv_stream fv_stream;
/* Opens everything and starts. On failure *out is null; err says which part failed: FV_ERR_MEDIA (no libfovea-media), FV_ERR_INPUT,
 * FV_ERR_MODEL and the others of fv_model_load and fv_detector_create, FV_ERR_ARGUMENT. */
FV_API fv_status fv_stream_open(fv_stream **out, const fv_stream_options *opt, fv_error *err);
/* The next result. FV_OK: *r is filled, borrowed until the next call or close (copy a frame that you keep: fv_frame_copy).
 * FV_AGAIN: nothing within wait_s. The end: FV_END; FV_PARTIAL (the source is cut short, err says where); FV_ERR_CANCELLED (after
 * fv_stream_stop); another failure (err says what). At the end r->frame is null, and r->events are those of everything that was
 * still inside a zone; the totals are final. Calls after the end say the same again. Does not allocate once sizes have settled. */
FV_API fv_status fv_stream_next(fv_stream *s, fv_result *r, fv_error *err);
/* Stops and frees; waits for the frame that is being computed. *s becomes null. */
FV_API void fv_stream_close(fv_stream **s);
/* No more frames are read; fv_stream_next gives what is in flight, then FV_ERR_CANCELLED. Async-signal-safe. */
FV_API void fv_stream_stop(fv_stream *s);
/* Figures so far: processed are the results that were pulled, dropped those that were not. */
FV_API void fv_stream_metrics(fv_stream *s, fv_metrics *m);
/* For class names, task and the rule that recognised the model. Borrowed until close. */
FV_API const fv_detector *fv_stream_detector(const fv_stream *s);
/* As it was when the stream was opened; live sources do not know their picture size then. Borrowed until close. */
FV_API const fv_source_info *fv_stream_info(const fv_stream *s);

#ifdef __cplusplus
}
#endif
#endif
