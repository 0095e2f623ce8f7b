/* score.c: how good are these boxes? What was found in two pictures against what is truly there.
 *
 *     cc score.c -o score $(pkg-config --cflags --libs libfovea)
 *     ./score
 *
 * The figures are those of pycocotools. Masks (FV_SCORE_MASK, with runs from mask.h) and keypoints go the same way; `fovea val` does it for
 * whole sets of pictures. */
#include <fovea/fovea.h>
#include <stdio.h>

enum { CAT, DOG, CLASSES };

int main(void)
{
    fv_error err = {0};
    fv_score *score = NULL;
    fv_score_numbers all;
    fv_score_class dogs;
    /* first picture: two dogs, one of which is found, and something that is no dog */
    const fv_score_item true1[] = {{.class_id = DOG, .box = {10, 10, 60, 80}}, {.class_id = DOG, .box = {100, 20, 180, 90}}};
    const fv_score_item found1[] = {{.class_id = DOG, .box = {12, 9, 61, 80}, .confidence = 0.9}, {.class_id = DOG, .box = {200, 5, 240, 40}, .confidence = 0.4}};
    /* second picture: a cat, found; and a crowd of dogs, in which whatever is found is neither right nor wrong */
    const fv_score_item true2[] = {{.class_id = CAT, .box = {5, 5, 45, 45}}, {.class_id = DOG, .box = {50, 0, 300, 200}, .crowd = 1}};
    const fv_score_item found2[] = {{.class_id = CAT, .box = {5, 6, 45, 45}, .confidence = 0.8}, {.class_id = DOG, .box = {60, 10, 90, 60}, .confidence = 0.95}};

    fv_status st = fv_score_create(&score, FV_SCORE_OPTIONS(.kind = FV_SCORE_BOX, .n_classes = CLASSES), &err);
    if (st >= 0) st = fv_score_add(score, true1, 2, found1, 2, &err);
    if (st >= 0) st = fv_score_add(score, true2, 2, found2, 2, &err);
    if (st >= 0) st = fv_score_total(score, &all, &err);
    if (st >= 0) st = fv_score_of_class(score, DOG, &dogs);
    if (st >= 0) {
        printf("mAP50 %.3f, mAP50-95 %.3f, recall %.3f\n", all.map50, all.map50_95, all.ar);
        printf("dogs: %lld true, %lld found, AP50 %.3f; best at confidence %.2f: precision %.2f, recall %.2f\n", (long long)dogs.truths, (long long)dogs.found,
               dogs.numbers.map50, dogs.confidence, dogs.precision, dogs.recall);
    } else {
        fprintf(stderr, "score: %s\n", err.text[0] ? err.text : fv_status_text(st));
    }
    fv_score_free(&score);
    return st < 0;
}
