/* fill.h: holes of one picture from their surroundings: the membrane stretched over each hole (Laplace's equation), solved over a
 * pyramid. Linear in what is around the hole, so it is the predictor of the background that mark.c regresses on as well.
 * Threads: one at a time. */
#ifndef FVI_VISION_CLEAN_FILL_H
#define FVI_VISION_CLEAN_FILL_H
#include <fovea/status.h>
#include <stdint.h>

typedef struct fvi_clean_fill fvi_clean_fill;
/* For holes of one shape. hole [h*w]: non-zero = to be filled; copied. Sides 1..32768. FV_ERR_ARGUMENT: nothing is known, all is hole. */
fv_status fvi_clean_fill_create(fvi_clean_fill **out, int w, int h, const uint8_t *hole);
void fvi_clean_fill_free(fvi_clean_fill **f);
/* img [h*w]: pixels of the hole are overwritten, the others are left alone. Does not allocate. */
void fvi_clean_fill_run(fvi_clean_fill *f, float *img);
/* Pixels of the hole, and where they are in img. [n], borrowed. */
int fvi_clean_fill_list(const fvi_clean_fill *f, const int **at);
#endif
