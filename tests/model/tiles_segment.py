#!/usr/bin/env python3
"""Masks of a segmentation model in tiles against the same model without tiles (yolov8n-seg on COCO photographs of $FOVEA_TEST_DATA).

    tests/model/tiles_segment.py FOVEA

Two photographs side by side in a picture of 1280x640, two tiles of 640: each tile is one photograph, so boxes and masks must be those of the photographs alone, to the
pixel. Then one photograph in three tiles of 400x640 at the same scale: things that end at a seam are joined; their masks must cover what the untiled masks cover.
Exit 77 without the model, the pictures or a package."""
import glob
import json
import os
import subprocess
import sys
import tempfile

try:
    import cv2
    import numpy as np
    from pycocotools import mask as coco
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

DATA = os.environ.get("FOVEA_TEST_DATA", "")
MODEL = os.path.join(DATA, "models", "yolov8n-seg_640_fp32.onnx")
PICTURES = 6


def found(program, pictures, *more):
    r = subprocess.run([program, "predict", *pictures, "--model", MODEL, "--conf", "0.3", "--json", "-", "--quiet", *more], stdout=subprocess.PIPE, text=True, check=True)
    return [[{**d, "m": coco.decode(d["mask"]).astype(bool)} for d in json.loads(line)["detections"]] for line in r.stdout.splitlines()]


def key(d):
    return (-d["confidence"], d["class_id"], d["box"])


def side_by_side(program, singles, alone, folder):
    bad = total = 0
    for k in range(0, PICTURES, 2):
        both = os.path.join(folder, f"both{k}.png")
        cv2.imwrite(both, np.hstack([cv2.imread(singles[k]), cv2.imread(singles[k + 1])]))
        want = []
        for i in range(2):
            for d in alone[k + i]:
                m = np.zeros((640, 1280), bool)
                m[:, 640 * i: 640 * (i + 1)] = d["m"]
                want.append({**d, "box": [d["box"][0] + 640 * i, d["box"][1], d["box"][2] + 640 * i, d["box"][3]], "m": m})
        have = found(program, [both], "--tiles", "2x1", "--overlap-width-ratio", "0", "--no-standard-prediction")[0]
        if len(have) != len(want):
            print(f"{both}: {len(have)} things, not {len(want)}")
            bad += 1
        for a, b in zip(sorted(have, key=key), sorted(want, key=key)):
            total += 1
            same = a["class_id"] == b["class_id"] and np.allclose(a["box"], b["box"], atol=0.02) and abs(a["confidence"] - b["confidence"]) < 1e-4 and np.array_equal(a["m"], b["m"])
            if not same:
                bad += 1
                print(f"{both}: {a['label']} {a['box']} is not {b['label']} {b['box']}, or its mask is another ({np.logical_xor(a['m'], b['m']).sum()} pixels)")
    return bad, total


def over_seams(program, singles, alone):
    tiled = found(program, singles, "--tiles", "400x640", "--overlap-width-ratio", "0.6", "--no-standard-prediction")
    scores = []
    for whole, parts in zip(alone, tiled):
        for d in whole:
            if d["confidence"] < 0.6:
                continue  # a tile sees less around it and may not be sure
            area = d["m"].sum()
            best = max((np.logical_and(d["m"], p["m"]).sum() / max(1, np.logical_or(d["m"], p["m"]).sum()) for p in parts if p["class_id"] == d["class_id"]), default=0)
            crosses = d["box"][2] - d["box"][0] > 160  # more than the tiles share
            scores.append((best, crosses, area))
    return scores


def main():
    program, names = sys.argv[1], sorted(glob.glob(os.path.join(DATA, "images", "coco", "images", "*.jpg")))
    if not os.path.exists(MODEL) or len(names) < PICTURES:
        print("skipped: no yolov8n-seg or no photographs in $FOVEA_TEST_DATA")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        singles = []
        for i, n in enumerate(names[:: max(1, len(names) // PICTURES)][:PICTURES]):
            singles.append(os.path.join(folder, f"one{i}.png"))
            cv2.imwrite(singles[-1], cv2.resize(cv2.imread(n), (640, 640)))
        alone = found(program, singles)
        bad, total = side_by_side(program, singles, alone, folder)
        print(f"side by side: {total} things, {bad} differ")
        scores = over_seams(program, singles, alone)
        wide = [s for s, crosses, _ in scores if crosses]
        median = float(np.median([s for s, _, _ in scores])) if scores else 0
        print(f"over seams: {len(scores)} things, {len(wide)} wider than what tiles share; mask IoU median {median:.3f}, of the wide ones {float(np.median(wide)) if wide else 0:.3f}")
    return 1 if bad or total < 10 or len(wide) < 3 or median < 0.8 or float(np.median(wide)) < 0.7 else 0


if __name__ == "__main__":
    sys.exit(main())
