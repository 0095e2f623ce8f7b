/* verb_predict.c: `fovea predict`: find things in pictures and video. Listed in main.c. */
#include "run.h"

static int predict(const cli_args *a) { return run_vision(a, RUN_PREDICT); }

const cli_verb cli_verb_predict = {
    .name = "predict",
    .job = "find things in pictures and video",
    .usage = "SRC... --model M.onnx [-o PATH] [flags]",
    .details = "SRC: a picture, a video, a directory, a glob in quotes, or - for standard input; several are done in turn.\n"
               "Without an output flag only what was found is printed.",
    .example = "fovea predict bus.jpg --model yolov8n.onnx -o out/ --json -\n"
               "fovea predict 'photos/*.jpg' --model yolov8n.onnx --classes person,dog --csv boxes.csv",
    .groups = {{"detection", run_flags_detect}, {"outputs", run_flags_files}, {"drawing and encoding", run_flags_video},
               {"computing", cli_flags_compute}, {"figures", cli_flags_output}},
    .positional = "source",
    .min_args = 1,
    .max_args = -1,
    .run = predict,
};
