/* verb_count.c: `fovea count`: track, and count at lines and in zones. Listed in main.c. */
#include "run.h"
#include "run_tiles.h"

static int count(const cli_args *a) { return run_vision(a, RUN_COUNT); }

const cli_verb cli_verb_count = {
    .name = "count",
    .job = "count things that cross lines and stay in zones",
    .usage = "SRC... --model M.onnx --line NAME=x1,y1,x2,y2 [--zone NAME=...] [flags]",
    .details = "A line counts `in` from its left to its right, seen along x1,y1 -> x2,y2 with y downwards: from s < 0 to s > 0,\n"
               "s = (x2-x1)(py-y1) - (y2-y1)(px-x1). Values of a line or zone that are all <= 1 are fractions of the frame.\n"
               "--replay F counts anew what an earlier run wrote with --json (exactly) or --mot; no model, no source.",
    .example = "fovea count door.mp4 --model yolov8n.onnx --classes person --line door=0.1,0.5,0.9,0.5 -o out.mp4 --events events.jsonl\n"
               "fovea count hall.mp4 --config hall.yaml --summary hall.json --report hall.html\n"
               "fovea count square-4k.mp4 --tiles auto --tile-groups auto --line gate=0.5,0,0.5,1\n"
               "fovea count rtsp://camera/ --model yolov8n.fv --line door=0.1,0.5,0.9,0.5 --watch-weights newest.onnx\n"
               "fovea count --replay tracks.jsonl --line gate=0.5,0,0.5,1 --summary gate.json",
    .groups = {{"detection", run_flags_detect}, {"tiles", run_flags_tiles}, {"tracking and counting", run_flags_count}, {"live sources", run_flags_live}, {"outputs", run_flags_files},
               {"drawing and encoding", run_flags_video}, {"computing", cli_flags_compute}, {"figures", cli_flags_output}},
    .positional = "source",
    .min_args = 0,
    .max_args = -1,
    .run = count,
};
