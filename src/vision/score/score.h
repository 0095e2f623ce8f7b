/* score.h: the inside of an fv_score: what matching a picture leaves behind, from which the curves are drawn. */
#ifndef FVI_VISION_SCORE_H
#define FVI_VISION_SCORE_H
#include <fovea/score.h>
#include <stdbool.h>

#define FVI_SCORE_OVERLAPS 10 /* 0.50, 0.55, … 0.95 */
#define FVI_SCORE_MAX_FOUND 100
#define FVI_SCORE_MAX_TRUTHS 20000

typedef enum fvi_score_area { FVI_SCORE_ALL, FVI_SCORE_SMALL, FVI_SCORE_MEDIUM, FVI_SCORE_LARGE, FVI_SCORE_AREAS } fvi_score_area;

/* One found thing. Bit t of a set: at overlap t. Neither right nor wrong: it does not count. */
typedef struct fvi_score_record {
    double confidence;
    uint16_t right[FVI_SCORE_AREAS], wrong[FVI_SCORE_AREAS];
    uint32_t picture;
    uint8_t rank; /* among its class in its picture, 0 = surest */
} fvi_score_record;

typedef struct fvi_score_class {
    fvi_score_record *records; /* in the order of the pictures, the surest of a picture first */
    size_t n_records, cap_records;
    int64_t truths[FVI_SCORE_AREAS]; /* that count */
    int64_t crowds, pictures;
    struct fvi_score_shown {
        uint32_t picture, truths;
    } *shown; /* [n_shown] pictures with truths that count */
    size_t n_shown, cap_shown;
} fvi_score_class;

/* What one picture's matching of one class needs; grown, never shrunk. */
typedef struct fvi_score_scratch {
    double *overlap;     /* [n_found][n_truths] */
    uint8_t *ignored;    /* [n_truths] of the area at hand */
    int *order;          /* [n_truths] those that count first */
    uint16_t *taken;     /* [n_truths] bit t: matched at overlap t */
    size_t cap_overlap, cap_truths;
    int *truths, *found; /* indices of the picture's items, by class, the surest first */
    size_t cap_truth_index, cap_found_index;
} fvi_score_scratch;

struct fv_score {
    fv_score_kind kind;
    int n_classes, n_keypoints, max_found;
    double *variance; /* [n_keypoints] (2 sigma)^2 */
    fvi_score_class *classes;
    fv_score_class *numbers; /* [n_classes] of the last total */
    bool totalled;
    int64_t pictures;
    fvi_score_scratch scratch;
};

double fvi_score_overlap_limit(int t); /* 0.5 for t = 0 */
/* overlap.c: overlap [n_found][n_truths] of one class. */
void fvi_score_overlaps(const fv_score *s, const fv_score_item *truths, const int *t, int n_truths, const fv_score_item *found, const int *f, int n_found,
                        double *overlap);
double fvi_score_truth_area(const fv_score *s, const fv_score_item *truth);
double fvi_score_found_area(const fv_score *s, const fv_score_item *found);
/* match.c: one class of one picture into room for n_found records of its class, which is there. */
void fvi_score_match(fv_score *s, fvi_score_class *c, const fv_score_item *truths, const int *t, int n_truths, const fv_score_item *found, const int *f,
                     int n_found);
/* curve.c: records, which it sorts copies of -> figures. */
fv_status fvi_score_curve(const fv_score *s, int class_id, fv_score_class *out);
#endif
