#!/usr/bin/env python3
"""`fovea quantize` on real models: the file is valid ONNX, and ONNX Runtime and OpenVINO find on it what fovea finds.

    tests/model/quantize.py FOVEA [--models NAME...] [--calibrate N] [--pictures N]

Calibrates on photographs of $FOVEA_TEST_DATA/images/coco, then runs the written model on others: fovea (`exec`), ONNX Runtime and, where it is
installed, OpenVINO get the same tensors, their outputs are decoded by the same code. A box (confidence 0.25) is matched when the
other has one of its class with IoU > 0.8 and a confidence over 0.15. Weights have 7 bits: without VNNI both engines add products in 16 bits, which clip. Passes with at least 98 % of all boxes matched, for each of the two. The float16 model that
`--precision fp16` writes has to run in ONNX Runtime and find there what the float one finds. Exit 77 when packages or data are missing."""
import argparse
import glob
import os
import subprocess
import sys
import tempfile

try:
    import cv2
    import numpy as np
    import onnx
    import onnxruntime as ort
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)
import compare_boxes as boxes

MODELS = {"yolov8n_640_fp32": 640}
MATCHED, IOU, CONF, MARGIN = 0.98, 0.8, 0.25, 0.1


def letterbox(path, side):
    picture = cv2.imread(path)
    h, w = picture.shape[:2]
    r = min(side / h, side / w)
    nh, nw = round(h * r), round(w * r)
    out = np.full((side, side, 3), 114, np.uint8)
    top, left = (side - nh) // 2, (side - nw) // 2
    out[top:top + nh, left:left + nw] = cv2.resize(picture, (nw, nh), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(out[..., ::-1].transpose(2, 0, 1)[None], np.float32) / 255


def find(output):
    b, score, cls = boxes.decode_yolov8(output[0], CONF - MARGIN)
    keep = boxes.nms(b, score, cls)
    return b[keep], score[keep], cls[keep]


def matched(ours, theirs):
    """How many boxes there are on both sides, and how many of them have a partner."""
    (b, s, c), (b2, s2, c2) = ours, theirs
    sure, sure2 = s >= CONF, s2 >= CONF
    if not len(b) or not len(b2):
        return sure.sum() + sure2.sum(), 0
    fits = (boxes.iou(b, b2) > IOU) & (c[:, None] == c2[None])
    return sure.sum() + sure2.sum(), int((fits.any(1) & sure).sum() + (fits.any(0) & sure2).sum())


def fovea_outputs(fovea, model, tensors, name):
    with tempfile.TemporaryDirectory() as d:
        outputs = []
        for i, x in enumerate(tensors):
            np.save(f"{d}/x.npy", x)
            subprocess.run([fovea, "exec", model, "--input", f"{d}/x.npy", "-o", f"{d}/{i}", "--quiet"], check=True)
            outputs.append(np.load(f"{d}/{i}/{name}.npy"))
        return outputs


def others(model):
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    yield "ONNX Runtime", lambda x: session.run(None, {session.get_inputs()[0].name: x})[0]
    try:
        import openvino as ov
    except ImportError:
        print("OpenVINO is not installed: not compared")
        return
    compiled = ov.Core().compile_model(model, "CPU")
    yield "OpenVINO", lambda x: compiled(x)[0]


def check(fovea, name, side, data, args, folder):
    pictures = sorted(glob.glob(data + "/images/coco/images/*.jpg"))
    quantised = f"{folder}/{name}.onnx"
    listed = f"{folder}/calibrate.txt"
    with open(listed, "w") as f:
        f.write("\n".join(pictures[:args.calibrate]))
    run = subprocess.run([fovea, "quantize", f"{data}/models/{name}.onnx", "--data", listed, "-o", quantised, "--max-drop", "3", "--compare", "8", "--quiet"] + args.flags, capture_output=True, text=True)
    print(run.stderr.strip())
    if run.returncode:
        print(f"{name}: fovea quantize: exit {run.returncode}")
        return False
    model = onnx.load(quantised)
    onnx.checker.check_model(model, full_check=True)
    fine = any(n.op_type == "QuantizeLinear" for n in model.graph.node)
    tensors = [letterbox(p, side) for p in pictures[-args.pictures:]]
    ours = [find(o) for o in fovea_outputs(fovea, quantised, tensors, model.graph.output[0].name)]
    for who, run_one in others(quantised):
        total, same = np.sum([matched(a, find(run_one(x))) for a, x in zip(ours, tensors)], axis=0)
        share = same / max(total, 1)
        print(f"{name} on {who}: {same} of {total} boxes matched ({100 * share:.2f} %)")
        fine &= total > 20 and share >= MATCHED
    return fine


def check_fp16(fovea, name, side, data, folder):
    """The float16 model runs in ONNX Runtime and is near the float one there."""
    half = f"{folder}/{name}.fp16.onnx"
    run = subprocess.run([fovea, "quantize", f"{data}/models/{name}.onnx", "--precision", "fp16", "-o", half, "--quiet"], capture_output=True, text=True)
    print(run.stderr.strip())
    if run.returncode:
        return False
    model = onnx.load(half)
    onnx.checker.check_model(model, full_check=True)
    x = letterbox(sorted(glob.glob(data + "/images/coco/images/*.jpg"))[-1], side)
    a, b = (ort.InferenceSession(m, providers=["CPUExecutionProvider"]).run(None, {model.graph.input[0].name: x})[0] for m in (half, f"{data}/models/{name}.onnx"))
    total, same = matched(find(a), find(b))
    halves = sum(i.data_type == onnx.TensorProto.FLOAT16 for i in model.graph.initializer)
    print(f"{name} in float16 on ONNX Runtime: {same} of {total} boxes matched with float32's, {halves} weights of float16, largest difference {np.abs(a - b).max():.3g}")
    return halves > 50 and total > 0 and same == total and 0 < np.abs(a - b).max() < 0.02 * np.abs(b).max()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("fovea")
    p.add_argument("--models", nargs="*", default=list(MODELS))
    p.add_argument("--calibrate", type=int, default=12)
    p.add_argument("--pictures", type=int, default=16)
    p.add_argument("--flags", nargs="*", default=["--reduce-range"])
    args = p.parse_args()
    data = os.environ.get("FOVEA_TEST_DATA", "")
    if not os.path.isdir(data + "/images/coco") or not all(os.path.exists(f"{data}/models/{m}.onnx") for m in args.models):
        print("skipped: FOVEA_TEST_DATA does not hold the models and photographs")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        fine = [check(os.path.abspath(args.fovea), m, MODELS.get(m, 640), data, args, folder) for m in args.models]
        fine += [check_fp16(os.path.abspath(args.fovea), m, MODELS.get(m, 640), data, folder) for m in args.models]
    sys.exit(0 if all(fine) else 1)


if __name__ == "__main__":
    main()
