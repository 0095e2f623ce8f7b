/* frame.h: what those who fill frames share. Threads: one at a time a frame. */
#ifndef FVI_IMAGE_FRAME_H
#define FVI_IMAGE_FRAME_H
#include <fovea/frame.h>
/* dst gets memory of its own for a picture of that shape; what it has is kept when it fits. FV_ERR_MEMORY, FV_ERR_LIMIT leave it empty. */
fv_status fvi_image_reuse(fv_frame *dst, fv_pixel_format format, int width, int height);
/* Everything said about the picture but its shape and planes. */
void fvi_image_stamps(fv_frame *dst, const fv_frame *src);
#endif
