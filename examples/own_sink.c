/* own_sink.c: a sink of your own: where finished pictures go, here a checksum and the mean brightness of each.
 *
 *     cc own_sink.c -o own_sink $(pkg-config --cflags --libs libfovea)
 *     ./own_sink yolov8n.onnx street.mp4
 *
 * A sink is called on a thread of the pipeline, one frame after the other. A screen, a network, a file of your own format fit in. */
#include <fovea/fovea.h>
#include <stdio.h>

typedef struct summer {
    fv_sink base; /* first, so that a pointer to it is one to us */
    int frames;
    double brightness;
    unsigned sum;
} summer;

/* f is borrowed: copy what you keep (fv_frame_copy). A failure stops the pipeline with err's sentence. */
static fv_status summer_write(fv_sink *s, const fv_frame *f, fv_error *err)
{
    summer *me = (summer *)s;
    (void)err;
    double mean = 0;
    for (int y = 0; y < f->height; y++) {
        const uint8_t *row = f->plane[0] + y * f->stride[0]; /* brightness, or red, green and blue in turn */
        for (int x = 0; x < f->width; x++) {
            mean += row[x];
            me->sum = me->sum * 31 + row[x];
        }
    }
    me->brightness += mean / ((double)f->width * f->height);
    me->frames++;
    return FV_OK;
}
static fv_status summer_finish(fv_sink *s, fv_error *err)
{
    summer *me = (summer *)s;
    (void)err;
    printf("%d frames, mean %.1f, checksum %08x\n", me->frames, me->frames ? me->brightness / me->frames : 0, me->sum);
    return FV_OK;
}
static void summer_close(fv_sink *s) { (void)s; /* nothing was allocated */ }

int main(int argc, char **argv)
{
    fv_error err = {0};
    fv_context *ctx = NULL;
    fv_model *model = NULL;
    fv_detector *detector = NULL;
    fv_painter *painter = NULL;
    fv_pipeline *pipeline = NULL;
    const fv_media_api *media;
    fv_source *source = NULL;
    summer sink = {.base = {.write = summer_write, .finish = summer_finish, .close = summer_close}};
    if (argc != 3) {
        fprintf(stderr, "usage: own_sink MODEL.onnx VIDEO\n");
        return 2;
    }
    fv_status st = fv_context_create(&ctx, NULL, &err);
    if (st >= 0) st = fv_model_load(&model, ctx, argv[1], NULL, &err);
    if (st >= 0) st = fv_detector_create(&detector, ctx, model, NULL, &err);
    if (st >= 0) st = fv_media_load(&media, NULL, &err);
    if (st >= 0) st = media->source_open(&source, argv[2], NULL, &err);
    if (st >= 0) st = fv_painter_create(&painter, NULL, &err); /* without a font: boxes only */
    if (st >= 0)
        st = fv_pipeline_create(&pipeline, FV_PIPELINE_OPTIONS(.source = source, .detector = detector, .painter = painter, .sink = &sink.base, .ctx = ctx), &err);
    if (st >= 0) st = fv_pipeline_run(pipeline, &err);
    if (st >= 0) st = sink.base.finish(&sink.base, &err);
    if (st < 0) fprintf(stderr, "own_sink: %s\n", err.text);
    fv_pipeline_free(&pipeline);
    fv_painter_free(&painter);
    sink.base.close(&sink.base);
    if (source) source->close(source);
    fv_detector_free(&detector);
    fv_model_free(&model);
    fv_context_free(&ctx);
    return st < 0;
}
