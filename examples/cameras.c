/* cameras.c: several cameras, one engine: what waits at the same time is computed together, and a camera that dies holds up no
 * other.
 *
 *     cc cameras.c -o cameras $(pkg-config --cflags --libs libfovea) -pthread
 *     ./cameras yolov8n.onnx rtsp://front/ rtsp://back/ yard.mp4
 *
 * A hub makes one detector serve many streams; each stream has its own thread here, and its own tracker. */
#include <fovea/fovea.h>
#include <pthread.h>
#include <stdio.h>

enum { MOST = 16 };
typedef struct camera {
    const char *name;
    fv_detector *port; /* of the hub */
    pthread_t thread;
    int started, frames, things, failed;
} camera;

static void *watch(void *arg)
{
    camera *c = arg;
    fv_error err = {0};
    fv_stream *stream;
    fv_result r;
    fv_status st = fv_stream_open(&stream,
                                  FV_STREAM_OPTIONS(.source = c->name, .detector = c->port, .track = FV_TRACK_OPTIONS(.buffer_s = 1),
                                                    .open = FV_SOURCE_OPTIONS(.timeout_s = 5, .reconnect_s = 30)),
                                  &err);
    while (st >= 0 && (st = fv_stream_next(stream, &r, &err)) == FV_OK) {
        c->frames++;
        for (int i = 0; i < r.dets->count; i++)
            if (r.dets->items[i].track_id > c->things) c->things = r.dets->items[i].track_id; /* identities count up from 1 */
    }
    if (st != FV_END) fprintf(stderr, "cameras: %s\n", err.text);
    c->failed = st != FV_END;
    fv_stream_close(&stream);
    return NULL;
}

int main(int argc, char **argv)
{
    fv_error err = {0};
    fv_context *ctx = NULL;
    fv_model *model = NULL;
    fv_detector *detector = NULL;
    fv_hub *hub = NULL;
    camera cameras[MOST] = {0};
    int n = argc - 2, failed = 0;
    if (n < 1 || n > MOST) {
        fprintf(stderr, "usage: cameras MODEL.onnx SOURCE... (up to %d)\n", MOST);
        return 2;
    }
    fv_status st = fv_context_create(&ctx, NULL, &err);
    if (st >= 0) st = fv_model_load(&model, ctx, argv[1], NULL, &err);
    /* a batch of more than one where the model can; fv_model_batch_obstacle says why not */
    if (st >= 0) st = fv_detector_create(&detector, ctx, model, FV_DETECT_OPTIONS(.batch = fv_model_batch_obstacle(model) ? 1 : n), &err);
    if (st >= 0) st = fv_hub_create(&hub, detector, &err);
    for (int i = 0; i < n && st >= 0; i++) {
        cameras[i].name = argv[2 + i];
        st = fv_hub_port(hub, &cameras[i].port, &err);
        if (st >= 0) cameras[i].started = pthread_create(&cameras[i].thread, NULL, watch, &cameras[i]) == 0;
    }
    if (st < 0) fprintf(stderr, "cameras: %s\n", err.text);
    for (int i = 0; i < n; i++) {
        if (cameras[i].started) pthread_join(cameras[i].thread, NULL);
        if (cameras[i].started) printf("%s: %d frames, %d things\n", cameras[i].name, cameras[i].frames, cameras[i].things);
        failed |= cameras[i].failed || !cameras[i].started;
        fv_detector_free(&cameras[i].port);
    }
    fv_hub_free(&hub);
    fv_detector_free(&detector);
    fv_model_free(&model);
    fv_context_free(&ctx);
    return failed;
}
