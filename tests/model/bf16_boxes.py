#!/usr/bin/env python3
"""Boxes of `--precision bf16` are those of fp32 on the same photographs: at least 94 % of the boxes over 0.3 in either have one over 0.2 of the same class in
the other that overlaps by 0.9, with a confidence within 0.05; and results differ at all, so that bf16 was not fp32 in disguise.
Measured: all of YOLOv8n and YOLO11n, 64 of 67 of YOLO26n, which chooses among near twins without NMS.

    bf16_boxes.py FOVEA"""
import json
import os
import subprocess
import sys
import tempfile

DATA = os.environ.get("FOVEA_TEST_DATA") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared", "data")
MODELS = ("yolov8n_640_fp32", "yolo11n_640_fp32", "yolo26n_640_fp32", "yolox_nano_coco")
OVERLAP, CONF_DIFF, LEAST = 0.9, 0.05, 0.94


def boxes(fovea, model, precision):
    with tempfile.TemporaryDirectory() as d:
        out = os.path.join(d, "r.json")
        p = subprocess.run([fovea, "predict", os.path.join(DATA, "images", "photos"), "--model", os.path.join(DATA, "models", model + ".onnx"), "--json", out,
                            "--threads", "2", "--conf", "0.2", "--precision", precision], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if p.returncode:
            sys.exit(f"{model} {precision}: exit {p.returncode}\n{p.stdout}")
        with open(out) as f:
            return [json.loads(line)["detections"] for line in f]


def iou(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    inter = max(w, 0) * max(h, 0)
    return inter / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter + 1e-9)


def found(a, others):
    return any(a["class_id"] == b["class_id"] and iou(a["box"], b["box"]) > OVERLAP and abs(a["confidence"] - b["confidence"]) < CONF_DIFF for b in others)


def main():
    if not os.path.isdir(os.path.join(DATA, "images", "photos")):
        print("the photographs and models are not here")
        return 77
    for model in MODELS:
        fp32, bf16 = boxes(sys.argv[1], model, "fp32"), boxes(sys.argv[1], model, "bf16")
        hits = [found(a, other) for one, two in ((fp32, bf16), (bf16, fp32)) for mine, other in zip(one, two) for a in mine if a["confidence"] > 0.3]
        share = sum(hits) / max(len(hits), 1)
        print(f"{model}: {sum(hits)} of {len(hits)} boxes matched", flush=True)
        if len(hits) < 20 or share < LEAST or fp32 == bf16:
            sys.exit(f"{model}: too few boxes match, there are none, or nothing differs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
