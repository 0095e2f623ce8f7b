#!/usr/bin/env python3
"""Random outputs of networks with masks, keypoints and angles -> tests/data/heads/task_*.bin: what the published methods make of them.

Oracles: numpy for rows, torchvision.ops.nms, torch's bilinear interpolation for masks (up to whole pixels of padding, padding off, to the
picture), the probabilistic IoU of arXiv:2106.06072 with suppression by any surer box for rotated ones. Random numbers only. Little-endian:
the header of make_head_goldens.py without keep, int32 p h w of the prototypes (0 without), float32 data[d1*d2], prototypes[p*h*w], int32 n,
float32 [n][6] = x1 y1 x2 y2 score class, then for each: masks int32 x y w h and packed bits, first bit highest; keypoints [5][3]; obb [5]."""
import math
import pathlib
import struct

import numpy as np
import torch
import torch.nn.functional as F
import torchvision

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "heads"
H, W, SRC_W, SRC_H, CLASSES = 96, 64, 90, 61, 3
CELLS = sum((H // s) * (W // s) for s in (8, 16, 32))
P, PH, PW, POINTS = 4, H // 4, W // 4, 5
f32 = np.float32
RATIO = min(H / SRC_H, W / SRC_W)
NEW_W, NEW_H = round(SRC_W * RATIO), round(SRC_H * RATIO)
LEFT, TOP = round((W - NEW_W) / 2 - 0.1), round((H - NEW_H) / 2 - 0.1)
GAIN = np.array([NEW_W / SRC_W, NEW_H / SRC_H])


def rows(form, extras, rng):
    """Rows that end in `extras`, as boxes (centre form, or corners end to end), scores, classes and the stored table."""
    n = {"v8": CELLS, "v5": 3 * CELLS, "e2e": 24}[form]
    centre, size = rng.uniform(0, 1, (n, 2)) * [W, H], rng.uniform(6, 40, (n, 2))
    more = extras(n, rng).astype(f32)
    scores = rng.uniform(0, 1, (n, CLASSES)).astype(f32) ** 3
    box = np.concatenate([centre, size], 1).astype(f32)
    if form == "v8":
        return box, scores.max(1), scores.argmax(1), more, np.concatenate([box, scores, more], 1).T
    if form == "v5":
        objectness = rng.uniform(0, 1, (n, 1)).astype(f32)
        both = objectness * scores
        return box, both.max(1), both.argmax(1), more, np.concatenate([box, objectness, scores, more], 1)
    best = np.sort(rng.uniform(0, 1, n).astype(f32))[::-1]
    classes = rng.integers(0, CLASSES, n)
    return box, best, classes, more, np.concatenate([box, best[:, None], classes[:, None], more], 1)


def corners(b):
    return np.concatenate([b[:, :2] - b[:, 2:] / 2, b[:, :2] + b[:, 2:] / 2], 1).astype(f32)


def keep(form, boxes, scores, classes, o):
    ok = np.flatnonzero(scores > f32(o["conf"]))
    order = ok[np.argsort(-scores[ok], kind="stable")]
    if form != "e2e":
        shift = torch.tensor(classes[order]).float()[:, None] * 7680
        order = order[torchvision.ops.nms(torch.tensor(boxes[order]) + shift, torch.tensor(scores[order]), o["iou"]).numpy()]
    return order[: o["max_det"]]


def to_source(boxes):
    b = (boxes - [LEFT, TOP, LEFT, TOP]) / np.tile(GAIN, 2)
    return b.clip(0, [SRC_W, SRC_H, SRC_W, SRC_H]).astype(f32)


def masks(coefficients, prototypes, boxes):
    logits = torch.tensor(coefficients @ prototypes.reshape(P, -1)).view(1, -1, PH, PW)
    pad = (H - NEW_H) | (W - NEW_W)
    up = 4 // math.gcd(4, pad | pad // 2)
    if up > 1:
        logits = F.interpolate(logits, scale_factor=up, mode="bilinear")
    part = lambda v: round(v * up / 4)
    logits = logits[..., part(TOP):part(TOP) + part(NEW_H), part(LEFT):part(LEFT) + part(NEW_W)]
    full = F.interpolate(logits, (SRC_H, SRC_W), mode="bilinear")[0].numpy() > 0
    x, y = np.arange(SRC_W), np.arange(SRC_H)[:, None]
    return [m & (x >= b[0]) & (x < b[2]) & (y >= b[1]) & (y < b[3]) for m, b in zip(full, boxes)]


def packed(mask, b):
    x, y = math.ceil(b[0]), math.ceil(b[1])
    w, h = math.ceil(b[2]) - x, math.ceil(b[3]) - y
    return struct.pack("<4i", x, y, w, h) + np.packbits(mask[y:y + h, x:x + w]).tobytes()


def probiou(a, b):
    def parts(r):
        c, s, p, q = math.cos(r[4]), math.sin(r[4]), r[2] ** 2 / 12, r[3] ** 2 / 12
        return p * c * c + q * s * s, p * s * s + q * c * c, (p - q) * c * s
    (a1, b1, c1), (a2, b2, c2) = parts(a), parts(b)
    sa, sb, sc, dx, dy = a1 + a2, b1 + b2, c1 + c2, a[0] - b[0], a[1] - b[1]
    det = sa * sb - sc * sc
    d = (sa * dy * dy + sb * dx * dx) / (det + 1e-7) / 4 + sc * -dx * dy / (det + 1e-7) / 2
    d += 0.5 * math.log(det / (4 * math.sqrt(max(a1 * b1 - c1 * c1, 0) * max(a2 * b2 - c2 * c2, 0)) + 1e-7) + 1e-7)
    return 1 - math.sqrt(1 - math.exp(-min(max(d, 1e-7), 100)) + 1e-7)


def suppress_rotated(r, scores, classes, o):
    ok = np.flatnonzero(scores > f32(o["conf"]))
    order = ok[np.argsort(-scores[ok], kind="stable")]
    good = [i for k, i in enumerate(order) if not any(classes[j] == classes[i] and probiou(r[j].astype(float), r[i].astype(float)) > o["iou"] for j in order[:k])]
    return np.array(good[: o["max_det"]], int)


def write(name, table, o, prototypes, items, extras):
    head = struct.pack("<10i2f", *table.shape, H, W, SRC_W, SRC_H, CLASSES, o["max_det"], 0, 0, o["conf"], o["iou"])
    shape = prototypes.shape if prototypes is not None else (0, 0, 0)
    with open(OUT / f"task_{name}.bin", "wb") as f:
        f.write(head + struct.pack("<3i", *shape) + np.ascontiguousarray(table).astype("<f4").tobytes())
        if prototypes is not None:
            f.write(prototypes.astype("<f4").tobytes())
        f.write(struct.pack("<i", len(items)) + np.array(items, "<f4").tobytes() + b"".join(extras))
    print(f"task_{name}: {len(items)}")


def main():
    rng = np.random.default_rng(31)
    o = {"conf": 0.3, "iou": 0.45, "max_det": 15}
    for form in ("v8", "v5", "e2e"):
        box, score, cls, more, table = rows(form, lambda n, g: g.normal(0, 1, (n, P)), rng)
        prototypes = rng.normal(0, 1, (P, PH, PW)).astype(f32)
        if form == "e2e":
            table[:, :4] = corners(box)
        k = keep(form, corners(box), score, cls, o)
        b = to_source(corners(box)[k])
        m = masks(more[k], prototypes, b)
        some = [i for i in range(len(k)) if m[i].any()]
        write(f"segment_{form}", table, o, prototypes, [[*b[i], score[k[i]], cls[k[i]]] for i in some], [packed(m[i], b[i]) for i in some])

        def points(n, g):
            p = g.uniform(0, 1, (n, POINTS, 3)) * [W, H, 1]
            return p.reshape(n, -1)

        box, score, cls, more, table = rows(form, points, rng)
        if form == "e2e":
            table[:, :4] = corners(box)
        k = keep(form, corners(box), score, cls, o)
        b = to_source(corners(box)[k])
        p = more[k].reshape(-1, POINTS, 3).copy()
        p[..., :2] = ((p[..., :2] - [LEFT, TOP]) / GAIN).clip(0, [SRC_W, SRC_H])
        write(f"pose_{form}", table, o, None, [[*b[i], score[k[i]], cls[k[i]]] for i in range(len(k))], [x.astype("<f4").tobytes() for x in p])
        if form == "v5":
            continue
        box, score, cls, more, table = rows(form, lambda n, g: g.uniform(-math.pi / 4, 3 * math.pi / 4, (n, 1)), rng)
        rotated = np.concatenate([box, more], 1)
        ok = np.flatnonzero(score > f32(o["conf"]))
        k = ok[np.argsort(-score[ok], kind="stable")][: o["max_det"]] if form == "e2e" else suppress_rotated(rotated, score, cls, o)
        r = rotated[k].astype(float)
        r[:, :4] = np.concatenate([(r[:, :2] - [LEFT, TOP]) / GAIN, r[:, 2:4] / GAIN], 1)
        c, s = np.abs(np.cos(r[:, 4])), np.abs(np.sin(r[:, 4]))
        half = np.stack([(r[:, 2] * c + r[:, 3] * s) / 2, (r[:, 2] * s + r[:, 3] * c) / 2], 1)
        b = np.concatenate([r[:, :2] - half, r[:, :2] + half], 1).clip(0, [SRC_W, SRC_H, SRC_W, SRC_H])
        write(f"obb_{form}", table, o, None, [[*b[i], score[k[i]], cls[k[i]]] for i in range(len(k))], [x.astype("<f4").tobytes() for x in r])


if __name__ == "__main__":
    main()
