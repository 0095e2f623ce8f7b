/* erase.h: a video without its watermark, logo or caption: found or told where, taken out, everything else as it was.
 *
 *     fv_erase_report r = {.size = sizeof r};
 *     fv_erase_region box = {.points = corners, .n = 4};
 *     fv_erase_file("in.mp4", "out.mp4", FV_ERASE_OPTIONS(.regions = &box, .n_regions = 1), &r, &err);
 *
 * The video is read twice (three times when a detector searches), picture by picture; memory does not grow with its length. Encoded in
 * segments in a folder beside the output, which is there until the output is whole, so that a run that was killed can go on.
 * For material of your own, or that you may change; metadata about its origin stays in place. Needs libfovea-media. */
#ifndef FOVEA_ERASE_H
#define FOVEA_ERASE_H
#include <fovea/detect.h>
#ifdef __cplusplus
extern "C" {
#endif

/* Where to look: a polygon in pixels of the picture as shown, or a mask of its size. What is found to be mark inside is taken out. */
typedef struct fv_erase_region {
    const double (*points)[2]; /* [n], n >= 3 */
    int n;
    const uint8_t *mask;       /* [mask_height*mask_width], non-zero = mark; points null */
    int mask_width, mask_height;
    int whole;                 /* non-zero: all of it is mark, do not look what is */
} fv_erase_region;

typedef enum fv_erase_quality { FV_ERASE_BALANCED, FV_ERASE_FAST, FV_ERASE_BEST } fv_erase_quality;
typedef enum fv_erase_stage { FV_ERASE_SEARCH, FV_ERASE_LEARN, FV_ERASE_WRITE, FV_ERASE_JOIN } fv_erase_stage;
/* frames of this stage done, of total (0 = unknown). Non-zero stops: FV_ERR_CANCELLED, and the run can be resumed. */
typedef int (*fv_erase_progress_fn)(void *user, fv_erase_stage stage, int64_t done, int64_t total);

/* Zero is the default for every field. Strings and arrays: needed for the call only. */
typedef struct fv_erase_options {
    uint32_t size;
    const fv_erase_region *regions; /* [n_regions] */
    int n_regions;
    fv_detector *detector; /* searches the whole picture; null = only the regions. One batch of it is a run */
    int detect_every;      /* frames; 0 = two looks a second */
    double accumulate_s;   /* detections this near in time belong together; 0 = 2.0 */
    int persist;           /* frames that something has to stay to be a mark; 0 = 18 */
    float min_score;       /* 0 = 0.10; begun by three times as much */
    fv_erase_quality quality;
    const char *codec, *preset; /* fv_clip_options */
    int crf, threads;
    int segment;           /* frames; 0 = 300 */
    int overwrite, resume;
    int copy;              /* non-zero: where no mark is found the file is copied; else that is FV_END and nothing is written */
    fv_erase_progress_fn progress;
    void *user;
} fv_erase_options;
#define FV_ERASE_OPTIONS(...) (&(fv_erase_options){.size = sizeof(fv_erase_options), __VA_ARGS__})

#define FV_ERASE_MARKS 32 /* at most in one video */
typedef struct fv_erase_mark {
    int x, y, width, height; /* of its pixels, as coded */
    int64_t first, last;     /* frames that were changed; -1: none */
    float opacity;           /* mean of the see-through part */
    float opaque;            /* share that had to be filled in */
    int64_t pixels;
} fv_erase_mark;
typedef struct fv_erase_report {
    uint32_t size;
    int64_t frames, changed, resumed; /* resumed: frames that were there already */
    int marks;
    fv_erase_mark mark[FV_ERASE_MARKS];
    char encoder[160], source[64];
    double search_s, learn_s, write_s, join_s;
    int64_t flash;          /* frames whose mark was left between two that were changed */
} fv_erase_report;

/* FV_OK; FV_PARTIAL: the source is cut or damaged, what can be read was done (err says what); FV_END: no mark was found, nothing was written;
 * FV_ERR_INPUT, FV_ERR_OUTPUT, FV_ERR_CONFIG, FV_ERR_MEMORY, FV_ERR_CANCELLED. report: may be null. Threads: any, one an output. */
FV_API fv_status fv_erase_file(const char *in, const char *out, const fv_erase_options *opt, fv_erase_report *report, fv_error *err);

#ifdef __cplusplus
}
#endif
#endif
