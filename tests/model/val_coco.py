#!/usr/bin/env python3
"""`fovea val` against pycocotools on the same photographs: OpenCV letterbox, ONNX Runtime, the published decoding in numpy with every class of
an anchor, NMS, COCOeval.

    tests/model/val_coco.py FOVEA [MODEL.onnx...] [--limit N] [--all]

Without models: four of $FOVEA_TEST_DATA/models on the first 36 photographs of its COCO sample; --all: every detector on all of them. mAP50-95, mAP50,
mAP75, AR and the three sizes must agree within 0.002, and so must what COCOeval makes of --save-json. Exit 77 when pycocotools, numpy, cv2, onnxruntime
or the data is missing."""
import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
try:
    import cv2
    import numpy as np
    import compare_boxes as boxes_of
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

SOME = ("yolov8n_640_fp32", "yolo26n_640_fp32", "yolox_nano_coco", "nanodet_m")
MORE = ("yolo11n_640_fp32", "yolov5n_640_fp32", "yolov8n-seg_640_fp32")
WITHIN, CONF, IOU, MAX_DET = 0.002, 0.001, 0.7, 300


# The dynamically quantised form is not among them: a difference of 1e-7 moves a value over a rounding edge, from where on all is a little different.
def anchors(out, head, outputs, size):
    """Boxes [A,4] in network pixels and scores [A,C] of every anchor."""
    if head == "NanoDet":
        return nanodet(outputs, size)
    if head == "YOLOv8":
        out = out.T
        return boxes_of.to_xyxy(out[:, :4]), out[:, 4:84]
    if head == "YOLOX":
        grids = [np.stack(np.meshgrid(np.arange(size[1] // s), np.arange(size[0] // s)), -1).reshape(-1, 2) for s in (8, 16, 32)]
        stride = np.concatenate([np.full(len(g), s) for g, s in zip(grids, (8, 16, 32))])[:, None]
        out = out.copy()
        out[:, :2] = (out[:, :2] + np.concatenate(grids)) * stride
        out[:, 2:4] = np.exp(out[:, 2:4]) * stride
    return boxes_of.to_xyxy(out[:, :4]), out[:, 5:] * out[:, 4:5]


def nanodet(outputs, size):
    boxes, scores = [], []
    for i, s in enumerate((8, 16, 32)):
        bins = outputs[3 + i][0].reshape(-1, 4, 8)
        e = np.exp(bins - bins.max(2, keepdims=True))
        reach = (e * np.arange(8)).sum(2) / e.sum(2) * s
        centre = (np.stack(np.meshgrid(np.arange(size[1] // s), np.arange(size[0] // s)), -1).reshape(-1, 2) + 0.5) * s
        boxes.append(np.concatenate([centre - reach[:, :2], centre + reach[:, 2:]], 1))
        scores.append(outputs[i][0])
    return np.concatenate(boxes), np.concatenate(scores)


class Reference(boxes_of.Numpy):
    def find(self, path):
        """[n, 6]: x1 y1 x2 y2 confidence class, every class of an anchor."""
        img = cv2.imread(path)
        canvas, offset, gain = self.letterbox(img)
        x = canvas.astype(np.float32) if self.head == "YOLOX" else canvas[..., ::-1].astype(np.float32) / 255
        if self.head == "NanoDet":
            x = (canvas.astype(np.float32) - np.float32([103.53, 116.28, 123.675])) / np.float32([57.375, 57.12, 58.395])
        outputs = self.session.run(None, {self.input.name: np.ascontiguousarray(x.transpose(2, 0, 1)[None])})
        out = outputs[0][0]
        if self.head == "end to end":
            out = out[out[:, 4] > CONF]
            b, s, c = out[:, :4], out[:, 4], out[:, 5]
        else:
            b, scores = anchors(out, self.head, outputs, self.size)
            at, c = np.nonzero(scores > CONF)
            b, s = b[at], scores[at, c]
            k = boxes_of.nms(b, s, c, IOU, MAX_DET)
            b, s, c = b[k], s[k], c[k]
        b = (b - offset) / gain
        b[:, 0::2] = b[:, 0::2].clip(0, img.shape[1])
        b[:, 1::2] = b[:, 1::2].clip(0, img.shape[0])
        return np.concatenate([b, s[:, None], c[:, None]], 1)


def evaluate(truth, found):
    """The figures of COCOeval under the names of `fovea val --json`."""
    with contextlib.redirect_stdout(io.StringIO()):
        e = COCOeval(truth, truth.loadRes(found), "bbox")
        e.evaluate()
        e.accumulate()
        e.summarize()
    names = ("map50_95", "map50", "map75", "map_small", "map_medium", "map_large", "ar1", "ar10", "ar", "ar_small", "ar_medium", "ar_large")
    return dict(zip(names, e.stats))


def check(fovea, model, data, truth, pictures, images):
    reference = Reference(model)
    names = {c["name"]: c["id"] for c in data["categories"]}
    with tempfile.TemporaryDirectory() as tmp:
        coco, figures, saved = (os.path.join(tmp, n) for n in ("coco.json", "figures.json", "saved.json"))
        json.dump({**data, "images": pictures}, open(coco, "w"))
        run = subprocess.run([fovea, "val", model, "--data", coco, "--images", images, "--json", figures, "--save-json", saved, "--quiet"], capture_output=True, text=True)
        if run.returncode:
            print(f"{model}: exit {run.returncode}: {run.stderr.strip()}")
            return False
        ours, results = json.load(open(figures)), json.load(open(saved))
    order = [c["name"] for c in sorted(data["categories"], key=lambda c: c["id"])]  # the 80 classes in the order of their ids
    found = []
    for p in pictures:
        for x1, y1, x2, y2, s, c in reference.find(os.path.join(images, p["file_name"])).tolist():
            found.append({"image_id": p["id"], "category_id": names[order[int(c)]], "bbox": [x1, y1, x2 - x1, y2 - y1], "score": s})
    theirs, again = evaluate(truth, found), evaluate(truth, results)
    worst = max(abs(theirs[k] - (-1 if ours[k] is None else ours[k])) for k in theirs)
    saved_worst = max(abs(again[k] - (-1 if ours[k] is None else ours[k])) for k in again)
    good = worst <= WITHIN and saved_worst <= WITHIN / 2
    print(f"{os.path.basename(model):28s} mAP50-95 {ours['map50_95']:.4f} (reference {theirs['map50_95']:.4f})  mAP50 {ours['map50']:.4f} ({theirs['map50']:.4f})  "
          f"largest difference {worst:.5f}, of the results file {saved_worst:.5f}  {'ok' if good else 'TOO FAR'}", flush=True)
    return good


def main():
    p = argparse.ArgumentParser()
    p.add_argument("fovea")
    p.add_argument("models", nargs="*")
    p.add_argument("--limit", type=int, default=36)
    p.add_argument("--all", action="store_true")
    a = p.parse_args()
    root = os.environ.get("FOVEA_TEST_DATA", "")
    sample = os.path.join(root, "images", "coco")
    if not root or not os.path.isfile(os.path.join(sample, "instances.json")):
        print("skipped: no COCO sample (FOVEA_TEST_DATA)")
        return 77
    models = a.models or [os.path.join(root, "models", m + ".onnx") for m in (SOME + MORE if a.all else SOME)]
    models = [m for m in models if os.path.isfile(m)]
    if not models:
        print("skipped: no models")
        return 77
    data = json.load(open(os.path.join(sample, "instances.json")))
    pictures = sorted(data["images"], key=lambda i: i["id"])
    if not a.all:
        pictures = pictures[:a.limit]
    ids = {i["id"] for i in pictures}
    data["annotations"] = [t for t in data["annotations"] if t["image_id"] in ids]
    truth = COCO()
    truth.dataset = {**data, "images": pictures}
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
    good = [check(a.fovea, m, data, truth, pictures, os.path.join(sample, "images")) for m in models]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
