#!/usr/bin/env python3
"""Writes tests/data/score: what pycocotools says about seeded random masks and scenes.

    scripts/make_score_goldens.py [OUT_DIR]

masks.txt: one mask a line, its RLE text, area, box; then overlaps of pairs. boxes.txt, segments.txt, points17.txt, points5.txt: scenes with
their true and found things, then the figures of COCOeval. Needs numpy and pycocotools."""
import contextlib
import io
import os
import sys

import numpy as np
from pycocotools import mask as coco
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def masks(out):
    rng = np.random.default_rng(17)
    sizes = [(64, 48), (31, 33), (1, 1), (200, 3), (640, 427)]
    by_size = {}
    lines = []

    def tell(kind, size, rle, more):
        w, h = size
        x, y, bw, bh = coco.toBbox(rle)
        lines.append(f"{kind} {w} {h} {more}")
        lines.append(f"= {rle['counts'].decode()} {int(coco.area(rle))} {int(x)} {int(y)} {int(bw)} {int(bh)}")
        by_size.setdefault(size, []).append((len(lines) // 2 - 1, rle))

    for case in range(60):
        w, h = size = sizes[case % len(sizes)]
        n = int(rng.integers(3, 12))
        reach = [0.0, 0.3, 1.0][case % 3]  # how far corners lie outside
        xy = np.stack([rng.uniform(-reach * w, w + reach * w, n), rng.uniform(-reach * h, h + reach * h, n)], 1)
        if case % 4 == 0:
            xy = np.round(xy)
        if case % 7 == 0:
            xy[1] = xy[0]  # an edge without length
        xy = np.round(np.clip(xy, [-w, -h], [2 * w, 2 * h]), 3)
        rle = coco.merge(coco.frPyObjects([xy.ravel().tolist()], h, w))
        tell("polygon", size, rle, f"{n} " + " ".join(f"{v:.3f}" for v in xy.ravel()))
    for case in range(40):
        w, h = size = sizes[case % len(sizes)]
        rw, rh = (w, h) if case % 3 == 0 else (int(rng.integers(1, w + 1)), int(rng.integers(1, h + 1)))
        rw, rh = min(rw, 40), min(rh, 40)
        x, y = int(rng.integers(0, w - rw + 1)), int(rng.integers(0, h - rh + 1))
        if case % 5 == 1:
            x, y = w - rw, h - rh
        p = [0.0, 0.5, 0.9, 1.0][case % 4]
        bits = (rng.random((rh, rw)) < p).astype(np.uint8)
        full = np.zeros((h, w), np.uint8)
        full[y:y + rh, x:x + rw] = bits
        rle = coco.encode(np.asfortranarray(full))
        tell("region", size, rle, f"{x} {y} {rw} {rh} " + "".join(map(str, bits.ravel())))
    for size, all_of in by_size.items():
        for _ in range(12):
            (i, a), (k, b) = (all_of[int(rng.integers(len(all_of)))] for _ in range(2))
            union = coco.merge([a, b])
            lines.append(f"pair {i} {k} {coco.iou([a], [b], [0])[0, 0]!r} {coco.iou([a], [b], [1])[0, 0]!r} {union['counts'].decode()}".replace("np.float64(", "").replace(")", ""))
    with open(os.path.join(out, "masks.txt"), "w") as f:
        f.write("\n".join(lines) + "\n")


NUMBERS = "map50_95 map50 map75 map_small map_medium map_large ar ar50 ar75 ar_small ar_medium ar_large ar1 ar10".split()


def mean(v):
    v = np.asarray(v)
    v = v[v > -1]
    return float(v.mean()) if v.size else -1.0


def numbers(e, k, points):
    """The figures of class index k (or a slice of all), from COCOeval's arrays precision [T,R,K,A,M] and recall [T,K,A,M]."""
    p, r = e["precision"], e["recall"]
    areas = {"all": 0, "medium": 1, "large": 2} if points else {"all": 0, "small": 1, "medium": 2, "large": 3}
    ap = lambda area, t=slice(None): mean(p[t, :, k, areas[area], -1]) if area in areas else -1.0
    ar = lambda area, t=slice(None), m=-1: mean(r[t, k, areas[area], m]) if area in areas else -1.0
    few = [None, None] if points else [ar("all", m=0), ar("all", m=1)]
    return [ap("all"), ap("all", 0), ap("all", 5), ap("small"), ap("medium"), ap("large"),
            ar("all"), ar("all", 0), ar("all", 5), ar("small"), ar("medium"), ar("large"), *few]


def evaluate(images, truths, found, kind, n_classes, sigmas):
    gt = COCO()
    gt.dataset = {"info": {}, "images": images, "annotations": truths, "categories": [{"id": c + 1, "name": f"c{c}"} for c in range(n_classes)]}
    with contextlib.redirect_stdout(io.StringIO()):
        gt.createIndex()
        e = COCOeval(gt, gt.loadRes(found), kind)
        if kind == "keypoints":
            e.params.kpt_oks_sigmas = sigmas
        e.evaluate()
        e.accumulate()
    return e.eval


def scene(rng, kind, n_images, n_classes, n_points):
    """True things of very different sizes, and found ones: most of them near a true one, some doubled, some of nothing, with confidences that tie."""
    images, truths, found = [], [], []
    for i in range(1, n_images + 1):
        w, h = (int(rng.integers(60, 120)), int(rng.integers(60, 120))) if kind == "segm" else (640, 480)
        images.append({"id": i, "width": w, "height": h})
        for _ in range(int(rng.integers(0, 7))):
            c = int(rng.integers(0, n_classes - 2)) if i % 5 else n_classes - 2  # the last class has no truths
            side = np.exp(rng.uniform(np.log(5), np.log(min(w, h) * 0.8), 2))
            x, y = rng.uniform(0, w - side[0]), rng.uniform(0, h - side[1])
            t = {"id": len(truths) + 1, "image_id": i, "category_id": c + 1, "iscrowd": int(rng.random() < 0.12)}
            t["bbox"] = [round(float(v), 2) for v in (x, y, *side)]
            shape(rng, t, kind, w, h, n_points, side)
            truths.append(t)
            if c == n_classes - 2 and i % 2:
                continue  # truths that nobody finds
            for _ in range(int(rng.integers(0, 4 if not t["iscrowd"] else 8))):
                move = rng.normal(0, 0.12, 4) * np.array([*side, *side])
                x2, y2 = np.clip(x + move[0], 0, w - 2), np.clip(y + move[1], 0, h - 2)
                size = np.clip(side + move[2:], 2, [w - x2, h - y2])
                found.append(make_found(rng, kind, i, c, (x2, y2, *size), w, h, n_points, t))
        for _ in range(int(rng.integers(0, 6)) + (130 if i == 3 else 0)):
            side = rng.uniform(4, 60, 2)
            x, y = rng.uniform(0, w - side[0]), rng.uniform(0, h - side[1])
            c = int(rng.integers(0, n_classes)) if i != 3 else 0  # picture 3: more than are looked at
            found.append(make_found(rng, kind, i, c, (x, y, *side), w, h, n_points, None))
    return images, truths, found


def outline(x, y, w, h):
    a = np.linspace(0, 2 * np.pi, 13)[:-1]
    return np.round(np.stack([x + w / 2 + np.cos(a) * w / 2, y + h / 2 + np.sin(a) * h / 2], 1).ravel(), 2).tolist()


def mask_of(box, w, h):
    rle = coco.merge(coco.frPyObjects([outline(*box)], h, w))
    return {"size": [h, w], "counts": rle["counts"].decode()}


def points_of(rng, box, n):
    return np.round(np.stack([rng.uniform(box[0], box[0] + box[2], n), rng.uniform(box[1], box[1] + box[3], n)], 1), 2)


def shape(rng, t, kind, w, h, n_points, side):
    t["area"] = round(float(side[0] * side[1] * rng.uniform(0.4, 1)), 2)
    if kind == "segm":
        t["segmentation"] = mask_of(t["bbox"], w, h)
        t["area"] = float(coco.area(t["segmentation"]))
    if kind == "keypoints":
        xy = points_of(rng, t["bbox"], n_points)
        v = rng.choice([0, 1, 2], n_points, p=[0.3, 0.3, 0.4]) * int(rng.random() > 0.1)
        t["keypoints"] = np.concatenate([xy, v[:, None]], 1).ravel().tolist()
        t["num_keypoints"] = int((v > 0).sum())


def make_found(rng, kind, image, c, box, w, h, n_points, near):
    f = {"image_id": image, "category_id": c + 1, "score": round(float(rng.beta(2, 2)), 2)}
    if kind == "segm":
        f["segmentation"] = mask_of(box, w, h)
    elif kind == "keypoints":
        xy = points_of(rng, box, n_points)
        if near is not None:
            xy = np.round(np.array(near["keypoints"]).reshape(-1, 3)[:, :2] + rng.normal(0, 0.04, (n_points, 2)) * box[2:], 2)
        f["keypoints"] = np.concatenate([xy, np.ones((n_points, 1))], 1).ravel().tolist()
    else:
        f["bbox"] = [round(float(v), 2) for v in box]
    return f


def scenes(out):
    plans = [("boxes", "bbox", 50, 6, 0), ("segments", "segm", 24, 4, 0), ("points17", "keypoints", 24, 3, 17), ("points5", "keypoints", 16, 3, 5)]
    for seed, (name, kind, n_images, n_classes, n_points) in enumerate(plans):
        rng = np.random.default_rng(100 + seed)
        images, truths, found = scene(rng, kind, n_images, n_classes, n_points)
        sigmas = np.array([.26, .25, .25, .35, .35, .79, .79, .72, .72, .62, .62, 1.07, 1.07, .87, .87, .89, .89]) / 10
        if n_points != 17:
            sigmas = np.full(n_points, 1 / n_points) if n_points else None
        e = evaluate(images, truths, [dict(f) for f in found], kind, n_classes, sigmas)
        numeric = lambda v: " ".join(f"{x:.6g}" if isinstance(x, float) else str(x) for x in v)
        lines = [f"score {n_classes} {n_points}"]
        for image in images:
            lines.append(f"picture {image['width']} {image['height']}")
            for t in (t for t in truths if t["image_id"] == image["id"]):
                more = t["segmentation"]["counts"] if kind == "segm" else numeric(t["keypoints"]) if kind == "keypoints" else ""
                lines.append(f"t {t['category_id'] - 1} {t['iscrowd']} {t['area']:.2f} {numeric(t['bbox'])} {more}".rstrip())
            for f in (f for f in found if f["image_id"] == image["id"]):
                more = f["segmentation"]["counts"] if kind == "segm" else numeric(f["keypoints"]) if kind == "keypoints" else ""
                lines.append(f"f {f['category_id'] - 1} {f['score']:.2f} {numeric(f.get('bbox', [0, 0, 0, 0]))} {more}".rstrip())
        say = lambda v: " ".join("x" if x is None else f"{x:.9f}" for x in v)
        lines.append("total " + say(numbers(e, slice(None), kind == "keypoints")))
        for k in range(n_classes):
            lines.append(f"class {k} " + say(numbers(e, k, kind == "keypoints")))
        with open(os.path.join(out, name + ".txt"), "w") as f:
            f.write("\n".join(lines) + "\n")


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "..", "tests", "data", "score")
    os.makedirs(out, exist_ok=True)
    masks(out)
    scenes(out)


if __name__ == "__main__":
    main()
