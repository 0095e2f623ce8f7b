#!/usr/bin/env python3
"""Whole models against ONNX Runtime: every output, every CPU level, and a batch of N against N single runs.

    tests/model/compare_ort.py LIB [MODEL.onnx...] [--levels c avx2] [--batch 3]

Without models: those of $FOVEA_TEST_DATA/models. Without levels: all that this machine has. Exit 77 when onnxruntime or the data is missing. Needs numpy and onnxruntime only."""
import argparse
import os
import sys

try:
    import numpy as np
    import onnxruntime as ort
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
import fovea_ffi  # noqa: E402

MODELS = ("yolov8n_640_fp32", "yolov5n_640_fp32", "yolo11n_640_fp32", "yolo26n_640_fp32", "yolox_nano_coco")
LIMIT = 1e-4  # max|a-b| / max|b|
# In quantised models a sum that differs in its last bit moves a value to the next level, and layers add those up: the mean
# error is compared. ONNX Runtime with and without its own rewrites differs by six times this limit on the second one.
QUANTISED = ("yolov8n_640_int8_dyn", "face_yolo11n_640_int8_qdq")
RMS_LIMIT = 5e-3  # sqrt(mean (a-b)^2) / max|b|


def picture_like(shape, scale, rng):
    """Smooth blobs with noise: activations of the size that photographs give."""
    n, c, h, w = shape
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    out = np.zeros(shape, np.float32)
    for i in range(n):
        for _ in range(24):
            cx, cy, r = rng.uniform(0, w), rng.uniform(0, h), rng.uniform(10, max(h, w) / 3)
            mask = ((np.abs(x - cx) < r * rng.uniform(0.2, 1)) & (np.abs(y - cy) < r)).astype(np.float32)
            out[i] = out[i] * (1 - mask) + mask * rng.uniform(0, 1, (c, 1, 1))
        out[i] += rng.normal(0, 0.03, (c, h, w))
    return (np.clip(out, 0, 1) * scale).astype(np.float32)


def iou(a, b):
    x1, y1 = np.maximum(a[:, None, 0], b[None, :, 0]), np.maximum(a[:, None, 1], b[None, :, 1])
    x2, y2 = np.minimum(a[:, None, 2], b[None, :, 2]), np.minimum(a[:, None, 3], b[None, :, 3])
    inter = np.clip(x2 - x1, 0, None) * np.clip(y2 - y1, 0, None)
    area = lambda t: (t[:, 2] - t[:, 0]) * (t[:, 3] - t[:, 1])
    return inter / np.maximum(area(a)[:, None] + area(b)[None] - inter, 1e-9)


def end_to_end_error(ours, ref):
    """Rows [x1,y1,x2,y2,score,class] matched by class and IoU; returns the largest score difference. Rows whose score is
    within 1e-3 of the last kept one may be missing: which of them is kept is a matter of rounding."""
    worst = 0.0
    for a, b in zip(ours, ref):
        floor = b[-1, 4] + 1e-3
        overlap = iou(a[:, :4], b[:, :4]) * (a[:, None, 5] == b[None, :, 5])
        taken = np.zeros(len(a), bool)
        for j in range(len(b)):
            if b[j, 4] <= floor:
                continue
            candidates = np.where((overlap[:, j] > 0.98) & ~taken)[0]
            if not len(candidates):
                return float("inf")
            i = candidates[np.argmin(np.abs(a[candidates, 4] - b[j, 4]))]
            taken[i] = True
            worst = max(worst, abs(a[i, 4] - b[j, 4]))
    return worst


def compare(name, ours, ref, quantised):
    if quantised:
        err, limit, what = float(np.sqrt(((ours - ref) ** 2).mean()) / max(np.abs(ref).max(), 1e-30)), RMS_LIMIT, "rms(a-b)/max|b|"
    elif ref.ndim == 3 and ref.shape[2] == 6 and ref.shape[1] <= 300:
        err, limit, what = end_to_end_error(ours, ref), 1e-3, "matched rows, score difference"
    else:
        err, limit, what = float(np.abs(ours - ref).max() / max(np.abs(ref).max(), 1e-30)), LIMIT, "max|a-b|/max|b|"
    ok = np.isfinite(err) and err <= limit
    print(f"  {'ok  ' if ok else 'FAIL'} {name:40} {what} {err:.2e}")
    return ok


def check(lib, model, levels, batch):
    rng = np.random.default_rng(7)
    o = ort.SessionOptions()
    o.log_severity_level = 3
    quantised = "int8" in os.path.basename(model)
    if quantised:
        o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model, o, providers=["CPUExecutionProvider"])
    inp = session.get_inputs()[0]
    shape = [1 if not isinstance(d, int) else d for d in inp.shape]
    scale = 255.0 if "yolox" in os.path.basename(model) else 1.0
    pictures = [picture_like(shape, scale, rng) for _ in range(batch)]
    names = [x.name for x in session.get_outputs()]
    refs = [dict(zip(names, session.run(None, {inp.name: p}))) for p in pictures]
    ok = True
    print(os.path.basename(model))
    for level in levels:
        singles = []
        with fovea_ffi.Session(lib, model, levels=level) as s:
            for p in pictures:
                singles.append(s.run({inp.name: p}))
            for k in names:
                ok &= compare(f"{k} {level}", singles[0][k], refs[0][k], quantised)
        if batch > 1 and level == levels[-1] and "_dyn" not in model:  # one range for a whole batch is another result
            with fovea_ffi.Session(lib, model, levels=level, batch=batch) as s:
                got = s.run({inp.name: np.concatenate(pictures)})
            for k in names:
                for i in range(batch):
                    same = np.array_equal(got[k][i], singles[i][k][0])
                    print(f"  {'ok  ' if same else 'FAIL'} {k} picture {i} of a batch of {batch}: {'equal' if same else 'differs by %.2e' % np.abs(got[k][i] - singles[i][k][0]).max()}")
                    ok &= same
    return ok


def main():
    a = argparse.ArgumentParser()
    a.add_argument("lib")
    a.add_argument("models", nargs="*")
    a.add_argument("--levels", nargs="+")
    a.add_argument("--batch", type=int, default=3)
    args = a.parse_args()
    data = os.environ.get("FOVEA_TEST_DATA")
    if not args.models and not data:
        print("skipped: FOVEA_TEST_DATA is not set")
        sys.exit(77)
    models = args.models or [os.path.join(data, "models", m + ".onnx") for m in MODELS + QUANTISED]
    levels = args.levels or [x for x in ("c", "avx2", "avx512") if fovea_ffi.has_level(args.lib, x)]
    results = [check(args.lib, m, levels, args.batch) for m in models]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
