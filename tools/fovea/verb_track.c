/* verb_track.c: `fovea track`: predict, and follow what was found. Listed in main.c. */
#include "run.h"
#include "run_tiles.h"

static int track(const cli_args *a) { return run_vision(a, RUN_TRACK); }

const cli_verb cli_verb_track = {
    .name = "track",
    .job = "follow things through video",
    .usage = "SRC... --model M.onnx [-o PATH] [flags]",
    .details = "SRC: a video, pictures that follow each other (a directory, a glob in quotes: 25 a second), a list (.txt, .streams),\n"
               "an address (rtsp, http, ...) or a camera (/dev/video0, or 0). Files are done in turn, then live ones together.\n"
               "Detections count from --conf 0.1; a new track needs 0.25.",
    .example = "fovea track street.mp4 --model yolov8n.onnx -o tracked.mp4 --mot tracks.txt\n"
               "fovea track --replay det.txt --fps 30 --tracker ocsort --mot tracks.txt",
    .groups = {{"detection", run_flags_detect}, {"tiles", run_flags_tiles}, {"tracking", run_flags_track}, {"live sources", run_flags_live}, {"outputs", run_flags_files},
               {"drawing and encoding", run_flags_video}, {"computing", cli_flags_compute}, {"figures", cli_flags_output}},
    .positional = "source",
    .min_args = 0,
    .max_args = -1,
    .run = track,
};
