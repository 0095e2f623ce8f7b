/* depth_map.c: how far away each part of a picture is: a depth model's map as a gray picture (PGM), near is bright.
 *
 *     cc depth_map.c -o depth_map $(pkg-config --cflags --libs libfovea)
 *     ./depth_map depth.onnx room.jpg depth.pgm
 *
 * The map is a grid over the whole picture, in the network's resolution; what its numbers mean is the model's business, here
 * that larger is farther. */
#include <fovea/fovea.h>
#include <stdio.h>

static int write_map(const fv_map *map, const char *path)
{
    size_t n = (size_t)map->width * (size_t)map->height;
    float least = map->data[0], most = map->data[0];
    for (size_t i = 1; i < n; i++) {
        if (map->data[i] < least) least = map->data[i];
        if (map->data[i] > most) most = map->data[i];
    }
    float range = most > least ? most - least : 1;
    FILE *f = fopen(path, "wb");
    if (!f) {
        perror(path);
        return 1;
    }
    fprintf(f, "P5\n%d %d\n255\n", map->width, map->height);
    for (size_t i = 0; i < n; i++) fputc((int)(255 * (most - map->data[i]) / range), f);
    printf("%dx%d, %g to %g\n", map->width, map->height, least, most);
    return fclose(f) != 0;
}

int main(int argc, char **argv)
{
    fv_error err = {0};
    fv_stream *stream;
    fv_result r;
    int code = 1;
    if (argc != 4) {
        fprintf(stderr, "usage: depth_map MODEL.onnx PICTURE OUT.pgm\n");
        return 2;
    }
    fv_status st = fv_stream_open(&stream, FV_STREAM_OPTIONS(.model = argv[1], .source = argv[2]), &err);
    if (st >= 0) st = fv_stream_next(stream, &r, &err);
    if (st < 0)
        fprintf(stderr, "depth_map: %s\n", err.text);
    else if (st == FV_OK && fv_detector_task(fv_stream_detector(stream)) == FV_TASK_DEPTH && r.dets->map.data)
        code = write_map(&r.dets->map, argv[3]);
    else
        fprintf(stderr, "depth_map: this is no depth model\n");
    fv_stream_close(&stream);
    return code;
}
