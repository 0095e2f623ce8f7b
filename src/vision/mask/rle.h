/* rle.h: what the files of mask/ share: building a run-length mask. */
#ifndef FVI_VISION_MASK_RLE_H
#define FVI_VISION_MASK_RLE_H
#include <fovea/mask.h>
#include <stdbool.h>

fv_status fvi_mask_start(fv_rle *r, int width, int height); /* empties r and checks the size */
fv_status fvi_mask_fail(fv_rle *r, fv_status st);           /* empties r, returns st */
bool fvi_mask_push(fv_rle *r, uint32_t count);              /* false: out of memory */
#endif
