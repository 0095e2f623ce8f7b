#!/usr/bin/env python3
"""Boxes computed where a class passes (the default of predict and track) are those of --full-head to the byte: photographs one by one, in
batches, with --classes, at thresholds at which few and many pass; and a clip, where there is one.

    lazy_head.py FOVEA"""
import os
import subprocess
import sys
import tempfile

DATA = os.environ.get("FOVEA_TEST_DATA") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared", "data")
CLIP = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "fovea", "vtest.avi")
RUNS = [("yolov8n_640_fp32", ["--conf", "0.25"], True), ("yolov8n_640_fp32", ["--conf", "0.1", "--batch", "3"], True),
        ("yolov8n_640_fp32", ["--conf", "0.6", "--classes", "dog,bus"], True), ("yolo11n_640_fp32", ["--conf", "0.25"], True),
        ("yolov8n_640_fp32", ["--conf", "0.25", "--precision", "bf16"], True), ("yolo11n_640_fp32", ["--conf", "0.25", "--precision", "bf16"], True),
        ("yolov8n-seg_640_fp32", ["--conf", "0.5"], True), ("yolo26n_640_fp32", ["--conf", "0.25"], False),
        ("yolov5n_640_fp32", ["--conf", "0.25"], False)]


def results(fovea, verb, source, model, flags):
    with tempfile.TemporaryDirectory() as d:
        out = os.path.join(d, "r.json")
        p = subprocess.run([fovea, verb, source, "--model", model, "--json", out, "--threads", "2", "--log-level", "info"] + flags,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if p.returncode:
            sys.exit(f"{verb} {flags}: exit {p.returncode}\n{p.stdout}")
        with open(out, "rb") as f:
            return f.read(), p.stdout


def check(fovea, verb, source, name, flags, lazy):
    model = os.path.join(DATA, "models", name + ".onnx")
    got, said = results(fovea, verb, source, model, flags)
    full, _ = results(fovea, verb, source, model, flags + ["--full-head"])
    if ("boxes are computed where a class passes" in said) != lazy:
        sys.exit(f"{name}: lazy {not lazy}, expected {lazy}")
    if got != full or got.count(b"class_id") == 0:
        sys.exit(f"{verb} {name} {flags}: results differ from --full-head, or there are none")
    print(f"{verb} {name} {' '.join(flags)}: {got.count(b'class_id')} things, the same", flush=True)


def main():
    fovea, photos = sys.argv[1], os.path.join(DATA, "images", "photos")
    if not os.path.isdir(photos):
        print("the photographs and models are not here")
        return 77
    for name, flags, lazy in RUNS:
        check(fovea, "predict", photos, name, flags, lazy)
    if os.path.exists(CLIP):
        check(fovea, "track", CLIP, "yolov8n_640_fp32", ["--vid-stride", "40"], True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
