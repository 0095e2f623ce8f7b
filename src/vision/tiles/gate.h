/* gate.h: where does a frame differ from what was looked at last? One gate a camera, luma only, in cells of 8 pixels.
 *
 * Each cell remembers how bright it was when it was last looked at, and how much it trembles by itself. Changes of light are taken out (by
 * brightness, so that gain and gamma are too), and small shifts of the whole picture (a shaking camera). A cell is awake from the frame on in which it differs clearly, until it
 * was looked at or hardly differs: what was not looked at for lack of time is not forgotten. Threads: one at a time. */
#ifndef FVI_VISION_TILES_GATE_H
#define FVI_VISION_TILES_GATE_H
#include "kern/cells.h"
#include "vision/tiles/grid.h"
#include <stdbool.h>

typedef struct fvi_gate {
    fvi_cells kern;
    int width, height, cols, rows;
    size_t capacity;
    uint16_t *sums;
    float *now, *seen, *tremble; /* [rows, cols] levels 0..255 */
    float *differs;              /* now - seen, light and shift taken out */
    uint8_t *awake;              /* [rows, cols] */
    uint16_t *waiting;           /* [rows, cols] frames that a cell has been awake */
    int n_awake;
    int64_t frames;              /* since it began anew */
    bool anew;                   /* this frame: everything is new (the first, another size, a cut) */
    float light;                 /* mean change of light of this frame, levels */
    float shift_x, shift_y;      /* of the whole picture, pixels */
} fvi_gate;

void fvi_gate_init(fvi_gate *g, fvi_cpu_flags cpu);
void fvi_gate_free(fvi_gate *g);
void fvi_gate_forget(fvi_gate *g); /* the next frame is the first of another scene */
/* luma: [height] rows of bytes, `stride` apart. FV_ERR_MEMORY. Allocates when the size is another than before. */
fv_status fvi_gate_update(fvi_gate *g, const uint8_t *luma, ptrdiff_t stride, int width, int height);
/* Part of the frame was looked at: its cells are known as they are now, and asleep. */
void fvi_gate_looked(fvi_gate *g, int x, int y, int width, int height);
/* Awake cells in a part of the frame. */
int fvi_gate_awake(const fvi_gate *g, int x, int y, int width, int height);
#endif
