/* pull_stream.c: results of anything that can be watched: a file, a camera (/dev/video0), an address (rtsp://…, http://…), "-".
 *
 *     cc pull_stream.c -o pull_stream $(pkg-config --cflags --libs libfovea)
 *     ./pull_stream yolov8n.onnx rtsp://camera.local/stream
 *
 * Files wait until their results are pulled. Cameras do not: this loop may be as slow as it likes, it always gets the newest
 * picture, and what it missed is counted. Ctrl-C ends it in order. */
#include <fovea/fovea.h>
#include <signal.h>
#include <stdio.h>

static fv_stream *stream;

static void on_signal(int number)
{
    (void)number;
    fv_stream_stop(stream); /* may be called from a signal handler */
}

int main(int argc, char **argv)
{
    fv_error err = {0};
    fv_result r;
    fv_metrics m;
    if (argc != 3) {
        fprintf(stderr, "usage: pull_stream MODEL.onnx SOURCE\n");
        return 2;
    }
    /* wait_s: a source that is silent for a second gives FV_AGAIN, so that the loop can do something else meanwhile */
    fv_status st = fv_stream_open(&stream, FV_STREAM_OPTIONS(.model = argv[1], .source = argv[2], .track = FV_TRACK_OPTIONS(.buffer_s = 2), .wait_s = 1), &err);
    if (st < 0) {
        fprintf(stderr, "pull_stream: %s\n", err.text);
        return 1;
    }
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    const fv_detector *detector = fv_stream_detector(stream);
    fprintf(stderr, "%s: %s\n", fv_stream_info(stream)->name, fv_detector_rule(detector));
    while ((st = fv_stream_next(stream, &r, &err)) == FV_OK || st == FV_AGAIN) {
        if (st == FV_AGAIN) {
            fprintf(stderr, "nothing for a second\n");
            continue;
        }
        printf("frame %lld (%dx%d, %.2f s):", (long long)r.frame->index, r.frame->width, r.frame->height, r.frame->pts);
        for (int i = 0; i < r.dets->count; i++)
            printf(" %s %d", fv_detector_class_name(detector, r.dets->items[i].class_id), r.dets->items[i].track_id);
        puts("");
        fflush(stdout); /* whoever reads it through a pipe should not wait */
    }
    fv_stream_metrics(stream, &m);
    fprintf(stderr, "%lld frames: %lld processed, %lld dropped; %.1f ms from frame to result\n", (long long)m.decoded, (long long)m.processed,
            (long long)m.dropped, m.end_to_end.p50_ms);
    if (st != FV_END && st != FV_ERR_CANCELLED) fprintf(stderr, "pull_stream: %s\n", err.text);
    fv_stream_close(&stream);
    return st != FV_END && st != FV_ERR_CANCELLED;
}
