/* masks.c: what belongs to each thing, pixel by pixel: a segmentation model's masks as a gray picture (PGM).
 *
 *     cc masks.c -o masks $(pkg-config --cflags --libs libfovea)
 *     ./masks yolov8n-seg.onnx bus.jpg masks.pgm
 *
 * The background is black, the surest thing is brightest. */
#include <fovea/fovea.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Masks lie in the frame at x, y; those of surer things are drawn over others. */
static void draw(uint8_t *gray, int width, const fv_detections *d)
{
    for (int i = d->count - 1; i >= 0; i--) {
        if (!d->items[i].extra) continue;
        const fv_mask *m = &d->masks[d->items[i].extra - 1];
        for (int y = 0; y < m->height; y++)
            for (int x = 0; x < m->width; x++)
                if (d->mask_bits[m->at + (size_t)y * (size_t)m->width + (size_t)x]) gray[(size_t)(m->y + y) * (size_t)width + (size_t)(m->x + x)] = (uint8_t)(255 - i % 16 * 12);
    }
}

int main(int argc, char **argv)
{
    fv_error err = {0};
    fv_stream *stream;
    fv_result r;
    if (argc != 4) {
        fprintf(stderr, "usage: masks MODEL.onnx PICTURE OUT.pgm\n");
        return 2;
    }
    fv_status st = fv_stream_open(&stream, FV_STREAM_OPTIONS(.model = argv[1], .source = argv[2]), &err);
    if (st >= 0) st = fv_stream_next(stream, &r, &err);
    if (st != FV_OK) {
        fprintf(stderr, "masks: %s\n", st < 0 ? err.text : "there is no picture in it");
        fv_stream_close(&stream);
        return 1;
    }
    const fv_detector *detector = fv_stream_detector(stream);
    int width = r.frame->width, height = r.frame->height, code = 1;
    uint8_t *gray = calloc((size_t)width, (size_t)height);
    FILE *f = NULL;
    if (fv_detector_task(detector) != FV_TASK_SEGMENT)
        fprintf(stderr, "masks: this is a model for %s, not for masks\n", fv_task_name(fv_detector_task(detector)));
    else if (!gray || !(f = fopen(argv[3], "wb")))
        perror(argv[3]);
    else {
        draw(gray, width, r.dets);
        fprintf(f, "P5\n%d %d\n255\n", width, height);
        code = fwrite(gray, (size_t)width, (size_t)height, f) != (size_t)height;
        for (int i = 0; i < r.dets->count; i++)
            printf("%s %.2f, %s\n", fv_detector_class_name(detector, r.dets->items[i].class_id), r.dets->items[i].confidence,
                   r.dets->items[i].extra ? "with a mask" : "without a mask");
    }
    if (f && fclose(f)) code = 1;
    free(gray);
    fv_stream_close(&stream);
    return code;
}
