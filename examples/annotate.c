/* annotate.c: a video with boxes, names and trails painted in, as H.264 in MP4, sound and subtitles as they were.
 *
 *     cc annotate.c -o annotate $(pkg-config --cflags --libs libfovea)
 *     ./annotate yolov8n.onnx street.mp4 annotated.mp4
 *
 * The pipeline is the whole road: read, detect, track, paint, encode, each on a thread of its own. */
#include <fovea/fovea.h>
#include <stdio.h>

static const char *class_name(void *user, int class_id) { return fv_detector_class_name(user, class_id); }

int main(int argc, char **argv)
{
    fv_error err = {0};
    fv_context *ctx = NULL;
    fv_model *model = NULL;
    fv_detector *detector = NULL;
    fv_tracker *tracker = NULL;
    fv_painter *painter = NULL;
    fv_pipeline *pipeline = NULL;
    fv_font font = {0};
    const fv_media_api *media;
    fv_source *source = NULL;
    fv_sink *sink = NULL;
    if (argc != 4) {
        fprintf(stderr, "usage: annotate MODEL.onnx VIDEO OUT.mp4\n");
        return 2;
    }
    fv_status st = fv_context_create(&ctx, NULL, &err);
    if (st >= 0) st = fv_model_load(&model, ctx, argv[1], NULL, &err);
    if (st >= 0) st = fv_detector_create(&detector, ctx, model, FV_DETECT_OPTIONS(.conf = 0.1f), &err);
    if (st >= 0) st = fv_tracker_create(&tracker, NULL, &err);
    if (st >= 0) st = fv_media_load(&media, NULL, &err);
    if (st >= 0) st = media->source_open(&source, argv[2], NULL, &err);
    if (st >= 0) st = media->font_open(&font, NULL, 16, NULL, &err); /* the built-in font, 16 pixels high */
    if (st >= 0) st = fv_painter_create(&painter, FV_PAINT_OPTIONS(.font = &font), &err);
    if (st >= 0)
        st = media->sink_open(&sink, argv[3], source->info.width, source->info.height,
                              FV_SINK_OPTIONS(.fps = source->info.fps, .crf = 23, .copy_from = source, .overwrite = 1), &err);
    if (st >= 0)
        st = fv_pipeline_create(&pipeline,
                                FV_PIPELINE_OPTIONS(.source = source, .detector = detector, .tracker = tracker, .painter = painter, .sink = sink,
                                                    .scene = {.class_name = class_name, .user = detector, .task = fv_detector_task(detector)}, .ctx = ctx, .device_text = "cpu"),
                                &err);
    if (st >= 0) st = fv_pipeline_run(pipeline, &err);      /* to the end of the video */
    if (st == FV_PARTIAL) fprintf(stderr, "annotate: %s; what came before is kept\n", err.text);
    if (st >= 0) st = sink->finish(sink, &err);             /* only now the file appears under its name */
    if (st >= 0) {
        fv_metrics m;
        fv_pipeline_metrics(pipeline, &m);
        printf("%lld frames at %.1f a second, %d things; the slowest part is %s\n", (long long)m.processed, m.fps, fv_tracker_total(tracker), m.bottleneck);
    } else {
        fprintf(stderr, "annotate: %s\n", err.text);
    }
    fv_pipeline_free(&pipeline);
    if (sink) sink->close(sink);
    fv_painter_free(&painter);
    if (font.release) font.release(&font);
    if (source) source->close(source);
    fv_tracker_free(&tracker);
    fv_detector_free(&detector);
    fv_model_free(&model);
    fv_context_free(&ctx);
    return st < 0;
}
