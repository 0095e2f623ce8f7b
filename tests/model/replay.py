#!/usr/bin/env python3
"""`count --replay` of a run's --json and --mot gives the events and totals of the run itself, to the byte.

    tests/model/replay.py FOVEA

On the pedestrian clip (the demo's cache, $XDG_CACHE_HOME/fovea/vtest.avi) and on the one-by-one clip of $FOVEA_TEST_DATA, whichever is there, with
a small real model, or `person`. Exit 77 without model or clips."""
import json
import os
import subprocess
import sys
import tempfile

data = os.environ.get("FOVEA_TEST_DATA", os.path.join(os.path.dirname(__file__), "../../../shared/data"))
model = os.path.join(data, "models/yolox_nano_coco.onnx")
cache = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
SHAPES = ["--line", "square=0.33,0.31,0.33,0.61", "--line", "middle=0.5,0,0.5,1", "--line", "cut=0,0.7,1,0.55",
          "--zone", "plaza=0.5,0.3,1,0.3,1,0.9,0.5,0.9", "--zone", "left=0,0,0.4,0,0.4,1,0,1", "--interval", "7"]
CLIPS = [(os.path.join(cache, "fovea/vtest.avi"), ["--duration", "30"]),
         (os.path.join(data, "video/people/intel_one-by-one-person-detection.mp4"), ["--vid-stride", "3", "--duration", "30"])]


def main():
    fovea = os.path.abspath(sys.argv[1])
    clips = [c for c in CLIPS if os.path.exists(c[0])]
    global model
    if not os.path.exists(model) and "person " in subprocess.run([fovea, "doctor"], capture_output=True, text=True).stdout:
        model = "person"
    if not (model == "person" or os.path.exists(model)) or not clips:
        print(f"skipped: {model} or the clips are not there")
        return 77
    bad = 0
    for clip, flags in clips:
        with tempfile.TemporaryDirectory() as d:
            def run(name, args):
                subprocess.run([fovea, "count", *args, *SHAPES, "--quiet", "--events", f"{d}/{name}.jsonl", "--summary", f"{d}/{name}.json"], check=True)
                return open(f"{d}/{name}.jsonl").read(), json.load(open(f"{d}/{name}.json"))

            live = run("live", [clip, "--model", model, "--classes", "person", *flags, "--json", f"{d}/frames.jsonl", "--mot", f"{d}/tracks.txt"])
            for name, file in (("json", "frames.jsonl"), ("mot", "tracks.txt")):
                again = run(name, ["--replay", f"{d}/{file}"])
                for s in (live[1], again[1]):
                    s.pop("frames", None)  # a replay does not know what was skipped
                same = again[0] == live[0] and again[1] == live[1]
                print(f"{os.path.basename(clip)} {name}: {len(live[0].splitlines())} events, {'the same' if same else 'DIFFERENT'}")
                bad += not same
                if len(live[0].splitlines()) < 3:
                    print("too few events to prove anything")
                    bad += 1
    return bad > 0


sys.exit(main())
