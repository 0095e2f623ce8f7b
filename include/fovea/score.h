/* score.h: things found against the true ones, picture by picture: average precision and recall, the numbers that pycocotools
 * gives for boxes, masks and keypoints. */
#ifndef FOVEA_SCORE_H
#define FOVEA_SCORE_H
#include <fovea/mask.h>
#ifdef __cplusplus
extern "C" {
#endif

typedef enum fv_score_kind {
    FV_SCORE_BOX,      /* overlap of boxes */
    FV_SCORE_MASK,     /* overlap of masks */
    FV_SCORE_KEYPOINTS /* object keypoint similarity (OKS) */
} fv_score_kind;

typedef struct fv_score_options {
    uint32_t size;
    fv_score_kind kind;
    int n_classes;
    int n_keypoints;     /* of FV_SCORE_KEYPOINTS */
    const float *sigmas; /* [n_keypoints] how exactly people mark each; null = COCO's for 17, else 1/n_keypoints; copied */
} fv_score_options;
#define FV_SCORE_OPTIONS(...) (&(fv_score_options){.size = sizeof(fv_score_options), __VA_ARGS__})

/* One thing, found or true. What a kind does not need is not looked at. */
typedef struct fv_score_item {
    int class_id;
    double confidence;            /* of a found one */
    double box[4];                /* x1, y1, x2, y2 */
    double area;                  /* of a true one, which small, medium and large go by; 0 = of its mask, else of its box */
    int crowd;                    /* of a true one: many things in one; what is found in it is neither right nor wrong */
    const fv_rle *mask;           /* all of one picture have one size */
    const double (*keypoints)[3]; /* [n_keypoints] x, y, visibility (true ones: 0 = not marked) */
} fv_score_item;

/* Every figure is from 0 to 1, or -1 when there is nothing true that it could be of. Small: area below 32x32; large: above
 * 96x96. ar1, ar10: at most so many found things a picture and class; all others: at most 100 (keypoints: 20). */
typedef struct fv_score_numbers {
    double map50_95, map50, map75, map_small, map_medium, map_large;
    double ar, ar50, ar75, ar_small, ar_medium, ar_large, ar1, ar10;
} fv_score_numbers;
typedef struct fv_score_class {
    fv_score_numbers numbers;
    int64_t truths, crowds, found, pictures; /* pictures: that show one */
    /* where the harmonic mean of precision and recall at an overlap of 0.5 is highest; all -1 without truths, 0 when nothing is right */
    double best_f1, precision, recall, confidence;
} fv_score_class;

/* Memory grows by 32 bytes a found thing (at most 100 a picture and class). Threads: one at a time. */
typedef struct fv_score fv_score;
FV_API fv_status fv_score_create(fv_score **out, const fv_score_options *opt, fv_error *err);
FV_API void fv_score_free(fv_score **s);
/* One picture. Nothing is kept of the items. Pictures with equal confidences count in the order of the calls.
 * FV_ERR_ARGUMENT: a class or a number that cannot be, a mask or keypoints missing; FV_ERR_LIMIT: more than 20000 truths;
 * FV_ERR_MEMORY. After a failure nothing of the picture counts. */
FV_API fv_status fv_score_add(fv_score *s, const fv_score_item *truths, int n_truths, const fv_score_item *found, int n_found, fv_error *err);
/* Of all pictures so far: means over the classes that have truths. More may be added after it. */
FV_API fv_status fv_score_total(fv_score *s, fv_score_numbers *out, fv_error *err);
/* Of one class, after fv_score_total. FV_ERR_STATE: something was added since. */
FV_API fv_status fv_score_of_class(const fv_score *s, int class_id, fv_score_class *out);
FV_API int64_t fv_score_pictures(const fv_score *s);

/* mAP50-95 of b less that of a. */
typedef struct fv_score_difference {
    double mean;      /* of all pictures */
    double low, high; /* 95 % of the draws lie between */
    double below;     /* share of the draws in which b is worse */
    int resamples;
} fv_score_difference;
/* Paired bootstrap: `resamples` times as many pictures as there are are drawn with replacement, the same for both. a and b: the same pictures in
 * the same order, the same classes. The same result every time. FV_ERR_ARGUMENT: they are not, or fewer than 2; FV_ERR_MEMORY. */
FV_API fv_status fv_score_compare(const fv_score *a, const fv_score *b, int resamples, fv_score_difference *out, fv_error *err);
#ifdef __cplusplus
}
#endif
#endif
