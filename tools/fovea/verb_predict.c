/* verb_predict.c: `fovea predict`: find things in pictures and video. Listed in main.c. */
#include "run.h"
#include "run_tiles.h"

static int predict(const cli_args *a) { return run_vision(a, RUN_PREDICT); }

const cli_verb cli_verb_predict = {
    .name = "predict",
    .job = "find things in pictures and video",
    .usage = "SRC... --model M.onnx [-o PATH] [flags]",
    .details = "SRC: a picture, a video, a directory, a glob in quotes, a list (.txt, .streams), - for standard input, an address\n"
               "(rtsp, http, rtmp, tcp, udp, ...) or a camera (/dev/video0, or 0). Files are done in turn, then live ones together.\n"
               "Without an output flag only what was found is printed.",
    .example = "fovea predict bus.jpg --model yolov8n.onnx -o out/ --json -\n"
               "fovea predict 'photos/*.jpg' --model yolov8n.onnx --classes person,dog --csv boxes.csv\n"
               "fovea predict square-4k.jpg --tiles auto -o out/\n"
               "fovea predict rtsp://admin:secret@cam1/live rtsp://cam2/live --model yolov8n.onnx --duration 60 --json boxes.jsonl",
    .groups = {{"detection", run_flags_detect}, {"tiles", run_flags_tiles}, {"live sources", run_flags_live}, {"outputs", run_flags_files}, {"drawing and encoding", run_flags_video},
               {"computing", cli_flags_compute}, {"figures", cli_flags_output}},
    .positional = "source",
    .min_args = 1,
    .max_args = -1,
    .run = predict,
};
