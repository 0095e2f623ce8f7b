/* two_models.c: two models on the same picture at the same time: one context, whose threads both share, one caller thread each.
 *
 *     cc two_models.c -o two_models $(pkg-config --cflags --libs libfovea) -pthread
 *     ./two_models yolov8n.onnx faces.onnx party.jpg
 *
 * A context and a model may be used by any thread, a detector by one at a time: one detector a thread. */
#include <fovea/fovea.h>
#include <pthread.h>
#include <stdio.h>

typedef struct job {
    const char *path;
    const fv_frame *frame; /* both read the same one */
    fv_context *ctx;
    fv_model *model;
    fv_detector *detector;
    fv_detections found;
    fv_error err;
    fv_status st;
} job;

static void *work(void *arg)
{
    job *j = arg;
    j->st = fv_model_load(&j->model, j->ctx, j->path, NULL, &j->err);
    if (j->st >= 0) j->st = fv_detector_create(&j->detector, j->ctx, j->model, NULL, &j->err);
    for (int i = 0; i < 3 && j->st >= 0; i++) j->st = fv_detector_run(j->detector, &j->frame, 1, &j->found, &j->err);
    return NULL;
}

static void report(job *j)
{
    fv_detect_times t;
    if (j->st < 0) {
        fprintf(stderr, "two_models: %s: %s\n", j->path, j->err.text);
        return;
    }
    fv_detector_times(j->detector, &t);
    printf("%s: %d found, %.1f ms", j->path, j->found.count, (double)(t.prep_ns + t.infer_ns + t.heads_ns) * 1e-6);
    for (int i = 0; i < j->found.count && i < 5; i++) printf(", %s", fv_detector_class_name(j->detector, j->found.items[i].class_id));
    puts("");
}

int main(int argc, char **argv)
{
    fv_error err = {0};
    fv_context *ctx = NULL;
    const fv_media_api *media;
    fv_source *source = NULL;
    fv_frame frame = {0};
    pthread_t thread[2];
    if (argc != 4) {
        fprintf(stderr, "usage: two_models A.onnx B.onnx PICTURE\n");
        return 2;
    }
    fv_status st = fv_context_create(&ctx, FV_CONTEXT_OPTIONS(.threads = 2), &err);
    if (st >= 0) st = fv_media_load(&media, NULL, &err);
    if (st >= 0) st = media->source_open(&source, argv[3], NULL, &err);
    if (st >= 0) st = source->read(source, &frame, &err);
    if (st < 0) fprintf(stderr, "two_models: %s\n", err.text);
    job jobs[2] = {{.path = argv[1], .frame = &frame, .ctx = ctx}, {.path = argv[2], .frame = &frame, .ctx = ctx}};
    for (int i = 0; i < 2 && st >= 0; i++) pthread_create(&thread[i], NULL, work, &jobs[i]);
    for (int i = 0; i < 2 && st >= 0; i++) pthread_join(thread[i], NULL);
    for (int i = 0; i < 2; i++) {
        if (st >= 0) report(&jobs[i]);
        fv_detections_clear(&jobs[i].found);
        fv_detector_free(&jobs[i].detector);
        fv_model_free(&jobs[i].model);
    }
    fv_frame_release(&frame);
    if (source) source->close(source);
    fv_context_free(&ctx);
    return st < 0 || jobs[0].st < 0 || jobs[1].st < 0;
}
