/* pipeline.h: the frame road as threads: source -> detect -> track -> count -> paint -> sink, with a bounded queue between
 * stages, so that decoding, inference and encoding overlap. */
#ifndef FOVEA_PIPELINE_H
#define FOVEA_PIPELINE_H
#include <fovea/count.h>
#include <fovea/detect.h>
#include <fovea/media.h>
#include <fovea/paint.h>
#include <fovea/track.h>
#ifdef __cplusplus
extern "C" {
#endif

typedef enum fv_policy { FV_POLICY_AUTO, FV_POLICY_EVERY, FV_POLICY_NEWEST } fv_policy; /* auto: every for files, newest for cameras */

/* Everything known about a processed frame. Borrowed during the callback (fv_stream_next: until the next call). */
typedef struct fv_result {
    const fv_frame *frame; /* as decoded; when painting, with the overlay */
    const fv_frame *original; /* always without the overlay */
    const fv_detections *dets;
    const fv_event *events; /* what was decided in this frame */
    int n_events;
    const fv_line_totals *lines; /* [n_lines] of the counter, after this frame */
    const fv_zone_totals *zones; /* [n_zones] */
    int n_lines, n_zones;
    const char *source;
    int source_index;
} fv_result;

/* Stage names in order, with the metric's name. TILES to SYNC and MERGE: detectors with tiles only; WAIT: of a frame, in queues, the rest of end_to_end. */
#define FV_STAGE_LIST(X) X(DECODE, "decode") X(PREP, "prep") X(INFER, "infer") X(TILES, "infer_tiles") X(ENQUEUE, "enqueue") X(SYNC, "sync") X(HEADS, "heads") X(MERGE, "merge_wait") \
    X(TRACK, "track") X(COUNT, "count") X(PAINT, "paint") X(SINK, "sink") X(WAIT, "wait")
typedef enum fv_stage {
#define FV_STAGE_ENUM(id, name) FV_STAGE_##id,
    FV_STAGE_LIST(FV_STAGE_ENUM)
#undef FV_STAGE_ENUM
        FV_STAGES
} fv_stage;
typedef struct fv_stage_metrics {
    const char *name;
    uint64_t count;
    double mean_ms, min_ms, max_ms, p50_ms, p90_ms, p95_ms, p99_ms;
    double wait_ms; /* total time the stage's thread waited for work */
} fv_stage_metrics;
/* Distributions: bucket i counts durations from 0.1 ms * 2^(i/16) up to the next; the first and last also hold what is outside. */
#define FV_METRICS_BUCKETS 256
typedef struct fv_metrics {
    fv_stage_metrics stage[FV_STAGES];
    fv_stage_metrics end_to_end; /* frame available -> result written */
    int64_t decoded, processed, dropped, skipped; /* skipped: --vid-stride */
    double wall_s, fps;          /* of processed frames, warm-up not counted */
    const char *bottleneck;      /* name of the stage with the least waiting; null before the first frame */
    uint32_t end_to_end_hist[FV_METRICS_BUCKETS], stage_hist[FV_STAGES][FV_METRICS_BUCKETS];
} fv_metrics;

/* Zero is the default for every field but the source. */
typedef struct fv_pipeline_options {
    uint32_t size;
    /* Stages; null = left out. All borrowed until fv_pipeline_free. */
    fv_source *source;
    fv_detector *detector;
    fv_tracker *tracker;
    fv_counter *counter;
    fv_painter *painter;
    fv_scene scene; /* names, lines, zones to paint; dets, counter and hud are filled by the pipeline */
    fv_sink *sink;
    /* Called on the sink's thread for every processed frame, before it is encoded. Non-zero return stops the pipeline with FV_ERR_OUTPUT. */
    int (*on_result)(void *user, const fv_result *r);
    void *user;
    int source_index;
    fv_policy policy;
    int vid_stride;        /* 0 = 1 */
    int queue_frames;      /* frames between two stages; 0 = 4 */
    const char *device_text; /* for the overlay: "cpu avx2 fp32" */
    fv_context *ctx;         /* its threads sleep, not spin, between frames while the pipeline runs; null = not told */
    int no_hud;              /* non-zero: no fps, latency and device in the overlay (pictures) */
} fv_pipeline_options;
#define FV_PIPELINE_OPTIONS(...) (&(fv_pipeline_options){.size = sizeof(fv_pipeline_options), __VA_ARGS__})

/* Threads: creator only, except stop and metrics: any. */
typedef struct fv_pipeline fv_pipeline;
FV_API fv_status fv_pipeline_create(fv_pipeline **out, const fv_pipeline_options *opt, fv_error *err);
/* Runs to the end of the source; blocks. FV_OK; FV_PARTIAL when the source was truncated (err says where); FV_ERR_CANCELLED after stop; other failures.
 * The sink is not finished by it. */
FV_API fv_status fv_pipeline_run(fv_pipeline *p, fv_error *err);
/* Between runs: the stages of the next one (another source, sink, counter, …). The figures go on adding up. The detector must
 * stay the same. */
FV_API fv_status fv_pipeline_set(fv_pipeline *p, const fv_pipeline_options *opt, fv_error *err);
/* Async-signal-safe: no more frames are read, those in flight are finished. It holds for later runs as well. */
FV_API void fv_pipeline_stop(fv_pipeline *p);
/* Figures of all runs so far, also while one is running. */
FV_API void fv_pipeline_metrics(fv_pipeline *p, fv_metrics *m);
FV_API void fv_pipeline_free(fv_pipeline **p);
/* Adds the figures of `b` to those of `a`: counts and distributions add up, means are weighted; percentiles come from the
 * distributions; wall_s is the longer. For several pipelines at once. */
FV_API void fv_metrics_add(fv_metrics *a, const fv_metrics *b);

/* One detector for several pipelines that run at the same time, each in a thread of its own (several cameras): frames that wait at the
 * same time are computed together, up to the detector's batch. Nobody waits for company: a camera that gives nothing holds up no other.
 * Threads: creator only; its ports are used by their pipelines. */
typedef struct fv_hub fv_hub;
/* detector: borrowed until the hub is freed; nobody else may run it meanwhile. It is warmed up here. */
FV_API fv_status fv_hub_create(fv_hub **out, fv_detector *detector, fv_error *err);
/* A detector of the same model for one pipeline. owned: fv_detector_free, before the hub. Its classes are those of the hub's detector. */
FV_API fv_status fv_hub_port(fv_hub *h, fv_detector **port, fv_error *err);
FV_API void fv_hub_free(fv_hub **h);
#ifdef __cplusplus
}
#endif
#endif
