/* embed.c: how much two pictures look alike to a model that turns a picture into a vector (re-identification, search).
 *
 *     cc embed.c -o embed $(pkg-config --cflags --libs libfovea) -lm
 *     ./embed osnet.onnx one.jpg other.jpg
 *
 * Prints the cosine of the two vectors: 1 = the same. */
#include <fovea/fovea.h>
#include <math.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    fv_error err = {0};
    fv_context *ctx = NULL;
    fv_model *model = NULL;
    fv_detector *detector = NULL;
    const fv_media_api *media;
    fv_detections of[2] = {{0}, {0}};
    if (argc != 4) {
        fprintf(stderr, "usage: embed MODEL.onnx PICTURE PICTURE\n");
        return 2;
    }
    fv_status st = fv_context_create(&ctx, NULL, &err);
    if (st >= 0) st = fv_model_load(&model, ctx, argv[1], NULL, &err);
    if (st >= 0) st = fv_detector_create(&detector, ctx, model, NULL, &err);
    if (st >= 0) st = fv_media_load(&media, NULL, &err);
    for (int i = 0; i < 2 && st >= 0; i++) {
        fv_source *source = NULL;
        fv_frame frame = {0};
        st = media->source_open(&source, argv[2 + i], NULL, &err);
        if (st >= 0) st = source->read(source, &frame, &err);
        if (st >= 0) st = fv_detector_run(detector, (const fv_frame *[]){&frame}, 1, &of[i], &err);
        fv_frame_release(&frame);
        if (source) source->close(source);
    }
    int fits = st >= 0 && fv_detector_task(detector) == FV_TASK_EMBED && of[0].map.data && of[1].map.data;
    if (st < 0) fprintf(stderr, "embed: %s\n", err.text);
    if (st >= 0 && !fits) fprintf(stderr, "embed: this model makes no vector of a picture\n");
    if (fits) {
        double ab = 0, aa = 0, bb = 0;
        for (int i = 0; i < of[0].map.channels; i++) {
            double a = of[0].map.data[i], b = of[1].map.data[i];
            ab += a * b;
            aa += a * a;
            bb += b * b;
        }
        printf("%d numbers each, alike %.4f\n", of[0].map.channels, ab / sqrt(aa * bb));
    }
    for (int i = 0; i < 2; i++) fv_detections_clear(&of[i]);
    fv_detector_free(&detector);
    fv_model_free(&model);
    fv_context_free(&ctx);
    return !fits;
}
