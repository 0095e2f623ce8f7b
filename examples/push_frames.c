/* push_frames.c: frames of your own, from memory, always the newest: a camera thread overwrites a mailbox, the main thread
 * detects, tracks and counts what lies in it.
 *
 *     cc push_frames.c -o push_frames $(pkg-config --cflags --libs libfovea) -pthread
 *     ./push_frames yolov8n.onnx [FRAMES]
 *
 * The camera here is made up: a bright square that walks to the right. */
#include <fovea/fovea.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WIDTH = 320, HEIGHT = 240 };
static struct {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    uint8_t pixels[HEIGHT * WIDTH * 3]; /* RGB */
    int number, total; /* of the frame in it, from 1; the camera ends after `total` */
} box = {.lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER};

static void *camera(void *arg)
{
    (void)arg;
    for (int n = 1; n <= box.total; n++) {
        pthread_mutex_lock(&box.lock); /* an older picture that nobody took is gone */
        memset(box.pixels, 40, sizeof box.pixels);
        for (int y = 100; y < 160; y++) memset(box.pixels + (y * WIDTH + 4 * n % (WIDTH - 40)) * 3, 220, 40 * 3);
        box.number = n;
        pthread_cond_signal(&box.filled);
        pthread_mutex_unlock(&box.lock);
        usleep(10000);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    fv_error err = {0};
    fv_context *ctx = NULL;
    fv_model *model = NULL;
    fv_detector *detector = NULL;
    fv_tracker *tracker = NULL;
    fv_counter *counter = NULL;
    fv_frame frame = {0};
    fv_detections dets = {0};
    fv_line_totals sums = {0};
    pthread_t thread;
    if (argc < 2) return fprintf(stderr, "usage: push_frames MODEL.onnx [FRAMES]\n"), 2;
    box.total = argc > 2 ? atoi(argv[2]) : 100;
    fv_line middle = {.name = "middle", .x1 = 0.5, .y1 = 1, .x2 = 0.5, .y2 = 0};
    fv_status st = fv_context_create(&ctx, NULL, &err);
    if (st >= 0) st = fv_model_load(&model, ctx, argv[1], NULL, &err);
    if (st >= 0) st = fv_detector_create(&detector, ctx, model, FV_DETECT_OPTIONS(.conf = 0.1f), &err);
    if (st >= 0) st = fv_tracker_create(&tracker, NULL, &err);
    if (st >= 0) st = fv_counter_create(&counter, FV_COUNT_OPTIONS(.lines = &middle, .n_lines = 1), &err);
    if (st >= 0) st = fv_frame_alloc(&frame, FV_PIXEL_RGB, WIDTH, HEIGHT); /* or fill in a fv_frame that points at your memory */
    if (st < 0) return fprintf(stderr, "push_frames: %s\n", err.text[0] ? err.text : fv_status_text(st)), 1;
    pthread_create(&thread, NULL, camera, NULL);
    int last = 0, looked_at = 0;
    while (last < box.total && st >= 0) {
        pthread_mutex_lock(&box.lock);
        while (box.number == last) pthread_cond_wait(&box.filled, &box.lock);
        for (int y = 0; y < HEIGHT; y++) memcpy(frame.plane[0] + y * frame.stride[0], box.pixels + y * WIDTH * 3, WIDTH * 3);
        last = box.number;
        pthread_mutex_unlock(&box.lock);
        double pts = last * 0.01; /* when it was taken, in seconds: trackers go by it */
        const fv_event *events;
        int n_events;
        st = fv_detector_run(detector, (const fv_frame *[]){&frame}, 1, &dets, &err);
        if (st >= 0) st = fv_tracker_update(tracker, &dets, pts);
        if (st >= 0) st = fv_counter_update(counter, &dets, pts, last, WIDTH, HEIGHT, &events, &n_events);
        looked_at++;
    }
    pthread_join(thread, NULL);
    fv_counter_line(counter, 0, &sums);
    printf("%d of %d frames looked at, %d things, %lld in, %lld out\n", looked_at, box.total, fv_tracker_total(tracker), (long long)sums.in, (long long)sums.out);
    fv_detections_clear(&dets);
    fv_frame_release(&frame);
    fv_counter_free(&counter);
    fv_tracker_free(&tracker);
    fv_detector_free(&detector);
    fv_model_free(&model);
    fv_context_free(&ctx);
    return st < 0;
}
