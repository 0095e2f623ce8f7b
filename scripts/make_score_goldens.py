#!/usr/bin/env python3
"""Writes tests/data/score: what pycocotools says about seeded random masks and scenes.

    scripts/make_score_goldens.py [OUT_DIR]

masks.txt: one mask a line, its RLE text, area, box; then overlaps of pairs. Needs numpy and pycocotools."""
import os
import sys

import numpy as np
from pycocotools import mask as coco


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


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "..", "tests", "data", "score")
    os.makedirs(out, exist_ok=True)
    masks(out)


if __name__ == "__main__":
    main()
