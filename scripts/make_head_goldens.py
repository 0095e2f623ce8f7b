#!/usr/bin/env python3
"""Random network outputs -> tests/data/heads/*.bin: what the references make of them.

The oracle is numpy for decoding and torchvision.ops.nms for suppression (needs numpy, torch, torchvision). The files hold
random numbers only. Little-endian: int32 d1 d2 input_h input_w src_w src_h n_names max_det agnostic n_keep, float32 conf
iou, int32 keep[n_keep], float32 data[d1*d2], int32 n, float32 [n][6] = x1 y1 x2 y2 score class. NMS cases have d1 = 0:
d2 boxes of [x1 y1 x2 y2 score class], then int32 n and the kept indices. Heads of several outputs are stored as one table:
nanodet and picodet [cells of all strides, classes + 32], detr_pair [queries, 4 + logits]; the test cuts them apart.
"""
import pathlib
import struct
import sys

import numpy as np
import torch
import torchvision

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "heads"
H, W, SRC_W, SRC_H = 96, 64, 333, 517
CELLS = sum((H // s) * (W // s) for s in (8, 16, 32))
f32 = np.float32


def nms(boxes, scores, classes, iou, agnostic, max_det):
    order = np.argsort(-scores, kind="stable")[:30000]
    shift = torch.tensor(classes[order]).float()[:, None] * (0 if agnostic else 7680)
    kept = torchvision.ops.nms(torch.tensor(boxes[order]) + shift, torch.tensor(scores[order]), iou).numpy()
    return order[kept][:max_det]


STRETCHED = ("picodet", "nanodet_plus", "rtdetr", "detr_pair", "detr_coco")
BINS = 8


def cells_of(strides):
    """[cells, 3]: x, y, stride; a part of a cell counts."""
    return np.array([(x, y, s) for s in strides for y in range(-(-H // s)) for x in range(-(-W // s))], f32)


def grid_of(kind):
    return cells_of((8, 16, 32) if kind == "nanodet" else (8, 16, 32, 64))


def sides(data, kind):
    """Distributions -> corners."""
    g = grid_of(kind)
    bins = data[:, -4 * BINS:].reshape(-1, 4, BINS)
    e = np.exp(bins - bins.max(2, keepdims=True))
    reach = (e * np.arange(BINS, dtype=f32)).sum(2) / e.sum(2) * g[:, 2:]
    centre = (g[:, :2] + f32(0 if kind == "nanodet_plus" else 0.5)) * g[:, 2:]
    return np.concatenate([centre - reach[:, :2], centre + reach[:, 2:]], 1).astype(f32)


def coco_ids():
    unused = (0, 12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
    return [i for i in range(91) if i not in unused]


def queries(kind, data, o):
    """RT-DETR has one class a query; the pairs report every class of a query that passes, best first, nothing suppressed."""
    boxes = corners(data[:, :4] * np.array([W, H, W, H], f32))
    if kind == "rtdetr":
        scores, classes, at = data[:, 4:].max(1), data[:, 4:].argmax(1), np.arange(len(data))
    else:
        scores = 1 / (1 + np.exp(-data[:, 4:]))
        if kind == "detr_coco":
            scores = scores[:, coco_ids()]
        at, classes = (a.ravel() for a in np.indices(scores.shape))
        scores = scores.ravel()
    ok = (scores > f32(o["conf"])) & (np.isin(classes, o["keep"]) if o["keep"] else True)
    order = np.flatnonzero(ok)[np.argsort(-scores[ok], kind="stable")][: o["max_det"]]
    return boxes[at[order]], scores[order].astype(f32), classes[order]


def unmap(boxes, kind):
    gain = min(H / SRC_H, W / SRC_W)
    if kind in STRETCHED:
        gx, gy, left, top = W / SRC_W, H / SRC_H, 0, 0
    elif kind == "yolox":
        gx = gy = gain
        left = top = 0
    else:
        new_w, new_h = round(SRC_W * gain), round(SRC_H * gain)
        gx, gy = new_w / SRC_W, new_h / SRC_H
        left, top = round((W - new_w) / 2 - 0.1), round((H - new_h) / 2 - 0.1)
    out = boxes.astype(np.float64)
    out[:, [0, 2]] = ((out[:, [0, 2]] - left) / gx).clip(0, SRC_W)
    out[:, [1, 3]] = ((out[:, [1, 3]] - top) / gy).clip(0, SRC_H)
    return out.astype(f32)


def corners(b):
    half = b[:, 2:4] / f32(2)
    return np.concatenate([b[:, :2] - half, b[:, :2] + half], 1)


def every_class(kind, data, o):
    """Multi-label: every class of an anchor that passes, anchors first."""
    if kind == "yolov5":
        scores = np.where(data[:, 4:5] > f32(o["conf"]), data[:, 5:] * data[:, 4:5], 0).astype(f32)
    else:
        scores = data[:, 4:] if kind == "yolov8" else data[:, :-4 * BINS]
    boxes = sides(data, kind) if kind == "nanodet" else corners(data[:, :4])
    at, classes = np.nonzero(scores > f32(o["conf"]))
    return boxes[at], scores[at, classes], classes.astype(np.int32)


def reference(kind, data, o):
    """data [boxes, channels] -> [n, 6]"""
    if o.get("multi"):
        boxes, scores, classes = every_class(kind, data, o)
        kept = nms(boxes, scores, classes, o["iou"], o["agnostic"], o["max_det"])
        return np.concatenate([unmap(boxes[kept], kind), scores[kept, None], classes[kept, None].astype(f32)], 1)
    if kind == "e2e":
        boxes, scores, classes = data[:, :4], data[:, 4], data[:, 5].astype(np.int32)
    elif kind in ("rtdetr", "detr_pair", "detr_coco"):
        boxes, scores, classes = queries(kind, data, o)
        return np.concatenate([unmap(boxes, kind), scores[:, None], classes[:, None].astype(f32)], 1)
    elif kind in ("nanodet", "picodet", "nanodet_plus"):
        boxes, scores, classes = sides(data, kind), data[:, :-4 * BINS].max(1), data[:, :-4 * BINS].argmax(1)
    elif kind == "yolov8":
        boxes, scores, classes = corners(data[:, :4]), data[:, 4:].max(1), data[:, 4:].argmax(1).astype(np.int32)
    else:
        product = data[:, 5:] * data[:, 4:5]
        scores, classes = product.max(1), product.argmax(1).astype(np.int32)
        b = data[:, :4].copy()
        if kind == "yolov5":
            scores = np.where(data[:, 4] > f32(o["conf"]), scores, 0).astype(f32)
        else:
            at = 0
            for s in (8, 16, 32):
                for y in range(H // s):
                    for x in range(W // s):
                        b[at, :2] = (b[at, :2] + np.array([x, y], f32)) * f32(s)
                        b[at, 2:4] = np.exp(b[at, 2:4]) * f32(s)
                        at += 1
        boxes = corners(b)
    ok = (scores > f32(o["conf"])) & (np.isin(classes, o["keep"]) if o["keep"] else True)
    boxes, scores, classes = boxes[ok], scores[ok], classes[ok]
    if kind == "e2e":
        kept = np.argsort(-scores, kind="stable")[: o["max_det"]]
    else:
        kept = nms(boxes, scores, classes, o["iou"], o["agnostic"], o["max_det"])
    return np.concatenate([unmap(boxes[kept], kind), scores[kept, None], classes[kept, None].astype(f32)], 1)


def make_more(kind, classes, rng):
    if kind in ("nanodet", "picodet", "nanodet_plus"):
        n = len(grid_of(kind))
        rows = [rng.uniform(0, 1, (n, classes)) ** 4, rng.normal(0, 3, (n, 4 * BINS))]
    else:
        n = 300 if kind == "rtdetr" else 30
        scores = rng.uniform(0, 1, (n, classes)) ** 30 if kind == "rtdetr" else rng.normal(-6, 3, (n, classes))
        rows = [rng.uniform(0, 1, (n, 2)), rng.uniform(0.05, 0.5, (n, 2)), scores]
    return np.concatenate(rows, 1).astype(f32)


def make(kind, classes, rng):
    n = {"e2e": 40, "yolov8": CELLS, "yolov5": 3 * CELLS, "yolox": CELLS}[kind]
    centre = rng.uniform(0, 1, (n, 2)) * [W, H]
    size = rng.uniform(8, 40, (n, 2))
    if kind == "e2e":
        rows = np.concatenate([centre - size / 2, centre + size / 2, np.sort(rng.uniform(0, 1, (n, 1)), 0)[::-1],
                               rng.integers(0, classes, (n, 1))], 1)
    elif kind == "yolov8":
        rows = np.concatenate([centre, size, rng.uniform(0, 1, (n, classes)) ** 4], 1)
    elif kind == "yolov5":
        rows = np.concatenate([centre, size, rng.uniform(0, 1, (n, 1)), rng.uniform(0, 1, (n, classes))], 1)
    else:
        rows = np.concatenate([rng.uniform(-1, 2, (n, 2)), rng.uniform(-1, 1.5, (n, 2)), rng.uniform(0, 1, (n, 1)),
                               rng.uniform(0, 1, (n, classes))], 1)
    return rows.astype(f32)


def write(name, shape, o, names, data, result):
    head = struct.pack("<10i2f", *shape, H, W, SRC_W, SRC_H, names, o["max_det"], int(o["agnostic"]), len(o["keep"]), o["conf"], o["iou"])
    with open(OUT / f"{name}.bin", "wb") as f:
        f.write(head + np.array(o["keep"], "<i4").tobytes() + np.ascontiguousarray(data).astype("<f4").tobytes())
        f.write(struct.pack("<i", len(result)) + result.tobytes())
    print(f"{name}: {len(result)} boxes", file=sys.stderr)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(20)
    plain = {"conf": 0.25, "iou": 0.7, "max_det": 300, "agnostic": False, "keep": []}
    variants = {"": plain, "_tight": {**plain, "conf": 0.4, "iou": 0.3, "max_det": 12}, "_agnostic_keep": {**plain, "iou": 0.45, "agnostic": True, "keep": [1, 3]}}
    for kind, classes in (("yolov8", 7), ("yolov5", 4), ("yolox", 5), ("e2e", 9)):
        for suffix, o in variants.items():
            data = make(kind, classes, rng)
            stored = data.T if kind == "yolov8" else data
            write(kind + suffix, stored.shape, o, classes if kind == "e2e" else 0, stored, reference(kind, data, o))
    # nms_small: boxes so small that the class offset, added in single precision, decides who goes
    for name, classes, ties, size, shake, o in (
        ("nms", 80, False, 90, 4, plain),
        ("nms_ties", 3, True, 90, 4, {**plain, "iou": 0.5}),
        ("nms_agnostic", 80, True, 90, 4, {**plain, "iou": 0.3, "agnostic": True, "max_det": 20}),
        ("nms_small", 80, False, 9, 1, plain),
    ):
        n = 500
        xy = rng.uniform(0, 200, (n, 2))
        boxes = np.concatenate([xy, xy + rng.uniform(5, size, (n, 2))], 1).astype(f32)
        boxes[n // 2 :] = boxes[: n - n // 2] + rng.uniform(-shake, shake, (n - n // 2, 4)).astype(f32)
        scores = (rng.integers(0, 20, n) / 20 if ties else rng.uniform(0, 1, n)).astype(f32)
        cls = rng.integers(0, classes, n).astype(np.int32)
        cls[n // 2 :] = cls[: n - n // 2]
        kept = nms(boxes, scores, cls, o["iou"], o["agnostic"], o["max_det"])
        write(name, (0, n), o, 0, np.concatenate([boxes, scores[:, None], cls[:, None].astype(f32)], 1), kept.astype("<i4"))
    rng = np.random.default_rng(21)
    for kind, classes, names in (("nanodet", 6, 0), ("picodet", 32, 0), ("nanodet_plus", 6, 6), ("rtdetr", 12, 12), ("detr_pair", 6, 0), ("detr_coco", 91, 0)):
        for suffix, o in variants.items():
            data = make_more(kind, classes, rng)
            write(kind + suffix, data.shape, o, names, data, reference(kind, data, o))
    rng = np.random.default_rng(22)
    for kind, classes in (("yolov8", 7), ("yolov5", 4), ("nanodet", 6)):
        data = make_more(kind, classes, rng) if kind == "nanodet" else make(kind, classes, rng)
        stored = data.T if kind == "yolov8" else data
        o = {**plain, "conf": 0.1, "multi": True}
        write(kind + "_multi", stored.shape, o, 0, stored, reference(kind, data, o))


if __name__ == "__main__":
    main()
