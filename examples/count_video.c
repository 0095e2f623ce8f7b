/* count_video.c: who crosses a line in a video, as it happens, and the sums.
 *
 *     cc count_video.c -o count_video $(pkg-config --cflags --libs libfovea)
 *     ./count_video yolov8n.onnx street.mp4 0.1 0.5 0.9 0.5 person
 *
 * The line goes from its first point to its second; from its left to its right is "in". Values up to 1 are fractions of the
 * frame. Objects are tracked, so each is counted once however long it stands on the line (docs/COUNTING.md). */
#include <fovea/fovea.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    fv_error err = {0};
    fv_stream *stream;
    fv_result r;
    if (argc != 7 && argc != 8) {
        fprintf(stderr, "usage: count_video MODEL.onnx VIDEO X1 Y1 X2 Y2 [CLASSES]\n");
        return 2;
    }
    fv_line line = {.name = "line", .x1 = atof(argv[3]), .y1 = atof(argv[4]), .x2 = atof(argv[5]), .y2 = atof(argv[6])};
    fv_status st = fv_stream_open(&stream,
                                  FV_STREAM_OPTIONS(.model = argv[1], .source = argv[2], .classes = argc > 7 ? argv[7] : NULL,
                                                    .count = FV_COUNT_OPTIONS(.lines = &line, .n_lines = 1)),
                                  &err);
    if (st < 0) {
        fprintf(stderr, "count_video: %s\n", err.text);
        return 1;
    }
    while ((st = fv_stream_next(stream, &r, &err)) == FV_OK) {
        for (int i = 0; i < r.n_events; i++) {
            const fv_event *e = &r.events[i];
            printf("%7.2f s  %s %d goes %s at %.0f,%.0f\n", e->pts, fv_detector_class_name(fv_stream_detector(stream), e->class_id), e->track_id,
                   e->inward ? "in" : "out", e->point[0], e->point[1]);
        }
    }
    /* at the end the totals are final */
    printf("%lld in, %lld out\n", (long long)r.lines[0].in, (long long)r.lines[0].out);
    if (st != FV_END) fprintf(stderr, "count_video: %s\n", err.text); /* FV_PARTIAL: the file is cut short; what was there is counted */
    fv_stream_close(&stream);
    return st != FV_END;
}
