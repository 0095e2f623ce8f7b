#!/usr/bin/env python3
"""Boxes of `fovea predict` on photographs against Python references on the same files.

    tests/model/compare_boxes.py FOVEA [MODEL.onnx...] [--pictures DIR_OR_FILE...] [--conf 0.25]

Without models and pictures: the six of $FOVEA_TEST_DATA/models on its photographs. Reference: Ultralytics where it is installed and the
head is its own (v8, 11, 26), otherwise OpenCV letterbox, ONNX Runtime and the published decoding in numpy. A box is matched when class is equal, IoU > 0.98 and confidence within 0.01. Passes with at
least 99.5 % matched and at most 0.5 % extra for each model. Exit 77 when numpy, cv2, onnxruntime or the data is missing."""
import argparse
import glob
import json
import os
import subprocess
import sys

try:
    import cv2
    import numpy as np
    import onnxruntime as ort
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

MODELS = ("yolov8n_640_fp32", "yolov5n_640_fp32", "yolo11n_640_fp32", "yolo26n_640_fp32", "yolox_nano_coco", "nanodet_m")
IOU, CONF_DIFF, MATCHED, EXTRA = 0.98, 0.01, 0.995, 0.005


def iou(a, b):
    x1, y1 = np.maximum(a[:, None, 0], b[None, :, 0]), np.maximum(a[:, None, 1], b[None, :, 1])
    x2, y2 = np.minimum(a[:, None, 2], b[None, :, 2]), np.minimum(a[:, None, 3], b[None, :, 3])
    inter = np.clip(x2 - x1, 0, None) * np.clip(y2 - y1, 0, None)
    area = lambda t: (t[:, 2] - t[:, 0]) * (t[:, 3] - t[:, 1])
    return inter / np.maximum(area(a)[:, None] + area(b)[None] - inter, 1e-9)


def nms(boxes, scores, classes, limit=0.7, max_det=300):
    order = np.argsort(-scores, kind="stable")[:30000]
    shifted = boxes[order] + classes[order, None] * 7680.0
    keep, alive = [], np.ones(len(order), bool)
    for i in range(len(order)):
        if not alive[i]:
            continue
        keep.append(order[i])
        if len(keep) == max_det:
            break
        alive &= iou(shifted[i:i + 1], shifted)[0] <= limit
    return np.array(keep, int)


def decode_yolov8(out, conf):
    """[4+nc, A]: cx cy w h and class scores -> xyxy, score, class of what passes, before NMS."""
    out = out.T
    classes = out[:, 4:].argmax(1)
    best = out[np.arange(len(out)), 4 + classes]
    keep = best > conf
    return to_xyxy(out[keep, :4]), best[keep], classes[keep]


def decode_yolov5(out, conf):
    """[A, 5+nc]: objectness counts first, then objectness times class."""
    out = out[out[:, 4] > conf]
    return with_objectness(out, conf)


def decode_yolox(out, conf, size):
    """[A, 5+nc] still relative to the cells of strides 8, 16, 32."""
    grids = [np.stack(np.meshgrid(np.arange(size[1] // s), np.arange(size[0] // s)), -1).reshape(-1, 2) for s in (8, 16, 32)]
    stride = np.concatenate([np.full(len(g), s) for g, s in zip(grids, (8, 16, 32))])[:, None]
    out = out.copy()
    out[:, :2] = (out[:, :2] + np.concatenate(grids)) * stride
    out[:, 2:4] = np.exp(out[:, 2:4]) * stride
    return with_objectness(out, conf)


def decode_nanodet(outputs, conf, size):
    """Per stride class scores [cells, nc] and sides [cells, 4 * 8]: each side is the mean of its bins under their softmax, in strides."""
    boxes, scores = [], []
    for i, s in enumerate((8, 16, 32)):
        cls, bins = outputs[i][0], outputs[3 + i][0].reshape(-1, 4, 8)
        e = np.exp(bins - bins.max(2, keepdims=True))
        reach = (e * np.arange(8)).sum(2) / e.sum(2) * s
        centre = (np.stack(np.meshgrid(np.arange(size[1] // s), np.arange(size[0] // s)), -1).reshape(-1, 2) + 0.5) * s
        boxes.append(np.concatenate([centre - reach[:, :2], centre + reach[:, 2:]], 1))
        scores.append(cls)
    boxes, scores = np.concatenate(boxes), np.concatenate(scores)
    classes = scores.argmax(1)
    best = scores[np.arange(len(scores)), classes]
    keep = best > conf
    return boxes[keep], best[keep], classes[keep]


def with_objectness(out, conf):
    scores = out[:, 5:] * out[:, 4:5]
    classes = scores.argmax(1)
    best = scores[np.arange(len(out)), classes]
    keep = best > conf
    return to_xyxy(out[keep, :4]), best[keep], classes[keep]


def to_xyxy(b):
    return np.concatenate([b[:, :2] - b[:, 2:4] / 2, b[:, :2] + b[:, 2:4] / 2], 1)


class Numpy:
    """cv2 letterbox, ONNX Runtime, decoding and NMS in numpy; the head is told from the output's shape."""

    def __init__(self, model):
        o = ort.SessionOptions()
        o.log_severity_level = 3
        self.session = ort.InferenceSession(model, o, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0]
        self.size = self.input.shape[2:]
        if len(self.session.get_outputs()) == 6:
            self.head, self.name = "NanoDet", "NanoDet in numpy"
            return
        _, rows, columns = self.session.get_outputs()[0].shape
        cells = sum((self.size[0] // s) * (self.size[1] // s) for s in (8, 16, 32))
        self.head = "YOLOX" if rows == cells else "end to end" if columns == 6 else "YOLOv8" if columns == cells else "YOLOv5"
        self.name = self.head + " in numpy"

    def letterbox(self, img):
        h, w = img.shape[:2]
        th, tw = self.size
        r = min(th / h, tw / w)
        canvas = np.full((th, tw, 3), 0 if self.head == "NanoDet" else 114, np.uint8)
        if self.head == "YOLOX":
            nw, nh, left, top = int(w * r), int(h * r), 0, 0
        else:
            nw, nh = round(w * r), round(h * r)
            left, top = round((tw - nw) / 2 - 0.1), round((th - nh) / 2 - 0.1)
        canvas[top:top + nh, left:left + nw] = cv2.resize(img, (nw, nh), interpolation=cv2.INTER_LINEAR) if (nw, nh) != (w, h) else img
        gain = (r, r) if self.head == "YOLOX" else (nw / w, nh / h)  # Ultralytics divides by each rounded side's own ratio
        return canvas, np.array([left, top] * 2), np.array(gain * 2)

    def __call__(self, path, conf):
        img = cv2.imread(path)
        canvas, offset, gain = self.letterbox(img)
        x = canvas.astype(np.float32) if self.head == "YOLOX" else canvas[..., ::-1].astype(np.float32) / 255
        if self.head == "NanoDet":  # BGR
            x = (canvas.astype(np.float32) - np.float32([103.53, 116.28, 123.675])) / np.float32([57.375, 57.12, 58.395])
        outputs = self.session.run(None, {self.input.name: np.ascontiguousarray(x.transpose(2, 0, 1)[None])})
        out = outputs[0][0]
        if self.head == "end to end":
            out = out[out[:, 4] > conf]
            boxes, best, classes = out[:, :4], out[:, 4], out[:, 5]
        else:
            boxes, best, classes = (decode_nanodet(outputs, conf, self.size) if self.head == "NanoDet"
                                    else decode_yolox(out, conf, self.size) if self.head == "YOLOX"
                                    else decode_yolov8(out, conf) if self.head == "YOLOv8" else decode_yolov5(out, conf))
            k = nms(boxes, best, classes)
            boxes, best, classes = boxes[k], best[k], classes[k]
        boxes = (boxes - offset) / gain
        boxes[:, 0::2] = boxes[:, 0::2].clip(0, img.shape[1])
        boxes[:, 1::2] = boxes[:, 1::2].clip(0, img.shape[0])
        return np.concatenate([boxes, best[:, None], classes[:, None]], 1)


class Ultralytics:
    def __init__(self, model):
        os.environ["YOLO_AUTOINSTALL"] = "false"
        from ultralytics import YOLO
        self.name = "Ultralytics"
        self.model = YOLO(model, task="detect")

    def __call__(self, path, conf):
        b = self.model.predict(path, conf=conf, iou=0.7, imgsz=640, rect=False, verbose=False, device="cpu", save=False)[0].boxes
        return np.concatenate([b.xyxy.numpy(), b.conf.numpy()[:, None], b.cls.numpy()[:, None]], 1)


def reference(model):
    name = os.path.basename(model)
    if any(word in name for word in ("yolov5", "yolox", "nanodet")):
        return Numpy(model)
    try:
        return Ultralytics(model)
    except ImportError:
        return Numpy(model)


def ours(fovea, model, pictures, conf):
    run = subprocess.run([fovea, "predict", *pictures, "--model", model, "--conf", str(conf), "--json", "-", "--quiet"],
                         stdout=subprocess.PIPE, text=True)
    if run.returncode not in (0, 9):
        raise RuntimeError(f"fovea predict exited with {run.returncode}")
    found = {}
    for line in run.stdout.splitlines():
        o = json.loads(line)
        rows = [d["box"] + [d["confidence"], d["class_id"]] for d in o["detections"]]
        found[o["source"]] = np.array(rows, np.float64).reshape(-1, 6)
    return found


def check(fovea, model, pictures, conf):
    ref = reference(model)
    found = ours(fovea, model, pictures, conf)
    total = matched = extra = 0
    for path in pictures:
        b, a = ref(path, conf), found[path]
        total += len(b)
        used = np.zeros(len(a), bool)
        overlap = iou(a, b) if len(a) and len(b) else np.zeros((len(a), len(b)))
        for j in range(len(b)):
            for i in np.argsort(-overlap[:, j]) if len(a) else []:
                if not used[i] and overlap[i, j] > IOU and a[i, 5] == b[j, 5] and abs(a[i, 4] - b[j, 4]) <= CONF_DIFF:
                    used[i] = True
                    matched += 1
                    break
            else:
                print(f"    missed {os.path.basename(path)} class {b[j, 5]:.0f} conf {b[j, 4]:.3f} best IoU {overlap[:, j].max() if len(a) else 0:.3f}")
        extra += int((~used).sum())
    ok = total > 0 and matched / total >= MATCHED and extra / total <= EXTRA
    print(f"{'ok  ' if ok else 'FAIL'} {os.path.basename(model):28} {matched}/{total} matched ({100 * matched / max(total, 1):.2f} %), "
          f"{extra} extra, {len(pictures)} pictures, against {ref.name}")
    return ok


def main():
    a = argparse.ArgumentParser()
    a.add_argument("fovea")
    a.add_argument("models", nargs="*")
    a.add_argument("--pictures", nargs="+")
    a.add_argument("--conf", type=float, default=0.25)
    args = a.parse_args()
    data = os.environ.get("FOVEA_TEST_DATA")
    if not data and not (args.models and args.pictures):
        print("skipped: FOVEA_TEST_DATA is not set")
        sys.exit(77)
    models = args.models or [os.path.join(data, "models", m + ".onnx") for m in MODELS]
    pictures = []
    for p in args.pictures or [os.path.join(data, "images", "photos")]:
        pictures += sorted(glob.glob(os.path.join(p, "*.jpg"))) if os.path.isdir(p) else [p]
    results = [check(os.path.abspath(args.fovea), m, pictures, args.conf) for m in models]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
