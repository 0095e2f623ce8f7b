/* detect_picture.c: the boxes of a picture.
 *
 *     cc detect_picture.c -o detect_picture $(pkg-config --cflags --libs libfovea)
 *     ./detect_picture yolov8n.onnx bus.jpg
 *
 * A source gives frames, a detector turns frames into boxes. A picture is a source of one frame. */
#include <fovea/fovea.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    fv_error err = {0};
    fv_context *ctx = NULL;       /* threads that all models share */
    fv_model *model = NULL;
    fv_detector *detector = NULL;
    const fv_media_api *media;    /* what reads files */
    fv_source *source = NULL;
    fv_frame frame = {0};
    fv_detections found = {0};    /* ours; the detector fills it, and keeps its memory for the next frame */
    if (argc != 3) {
        fprintf(stderr, "usage: detect_picture MODEL.onnx PICTURE\n");
        return 2;
    }

    /* Each step runs only when those before it went well; err says what did not. */
    fv_status st = fv_context_create(&ctx, NULL, &err);
    if (st >= 0) st = fv_model_load(&model, ctx, argv[1], NULL, &err);
    if (st >= 0) st = fv_detector_create(&detector, ctx, model, FV_DETECT_OPTIONS(.conf = 0.25f), &err);
    if (st >= 0) st = fv_media_load(&media, NULL, &err);
    if (st >= 0) st = media->source_open(&source, argv[2], NULL, &err);
    if (st >= 0) st = source->read(source, &frame, &err);
    if (st >= 0) st = fv_detector_run(detector, (const fv_frame *[]){&frame}, 1, &found, &err);
    if (st < 0) fprintf(stderr, "detect_picture: %s\n", err.text);

    for (int i = 0; i < found.count; i++) {
        const fv_detection *d = &found.items[i];
        printf("%s %.2f at %.0f,%.0f to %.0f,%.0f\n", fv_detector_class_name(detector, d->class_id), d->confidence, d->box[0], d->box[1], d->box[2],
               d->box[3]);
    }

    fv_detections_clear(&found);
    fv_frame_release(&frame);
    if (source) source->close(source);
    fv_detector_free(&detector);
    fv_model_free(&model);
    fv_context_free(&ctx);
    return st < 0;
}
