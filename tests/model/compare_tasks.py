#!/usr/bin/env python3
"""Masks, keypoints, rotated boxes, classes and maps of `fovea predict` against the Python tools that exported the models.

    tests/model/compare_tasks.py FOVEA [NAME...] [--all] [--models DIR]

The models have random weights (make_random_models.py) and are kept in DIR (default: beside the program); with $FOVEA_TEST_DATA the real
YOLOv8n-seg is compared as well, on its photographs. References: Ultralytics' own prediction from the same ONNX file, masks at full size;
torchvision's and Pillow's preparation and ONNX Runtime for the others. The threshold is put into a gap between two scores of the
reference, so that rounding decides nothing. Passes with at least 99 % of the reference found (same class, box IoU > 0.98, confidence
within 0.01) and 1 % extra, each with mask IoU > 0.98, keypoints within 2 pixels, rotated boxes within 1 pixel and 0.01 rad. Exit 77 when
a package or the pictures are missing."""
import argparse
import glob
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

os.environ["YOLO_AUTOINSTALL"] = "false"
os.environ.setdefault("YOLO_OFFLINE", "true")
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_FP16")
warnings.filterwarnings("ignore")
try:
    import cv2
    import numpy as np
    import onnxruntime as ort
    from PIL import Image
    from pycocotools import mask as coco
    import make_random_models as models
    from compare_ort import iou
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


def fovea(program, model, pictures, conf=0.25, *more):
    run = subprocess.run([program, "predict", *pictures, "--model", str(model), "--conf", f"{conf:.6f}", "--json", "-", "--quiet", *more],
                         stdout=subprocess.PIPE, text=True)
    if run.returncode:
        raise RuntimeError(f"fovea predict exited with {run.returncode}")
    return {o["source"]: o for o in map(json.loads, run.stdout.splitlines())}


def session(model):
    o = ort.SessionOptions()
    o.log_severity_level = 3
    s = ort.InferenceSession(str(model), o, providers=["CPUExecutionProvider"])
    return lambda x: s.run(None, {s.get_inputs()[0].name: np.ascontiguousarray(x, np.float32)})


# ---- Ultralytics ----

def same_mask(ours, theirs):
    a = coco.decode(ours["mask"]).astype(bool) if "mask" in ours else np.zeros_like(theirs, bool)
    union = np.logical_or(a, theirs).sum()
    score = np.logical_and(a, theirs).sum() / max(union, 1)
    return score > 0.98 or (union < 200 and np.logical_xor(a, theirs).sum() <= 6), f"mask IoU {score:.4f}"


def same_points(ours, theirs):
    a = np.array(ours["keypoints"])
    far, conf = np.abs(a[:, :2] - theirs[:, :2]).max(), np.abs(a[:, 2] - theirs[:, 2]).max() if theirs.shape[1] > 2 else 0
    return far < 2 and conf < 0.02, f"keypoints {far:.2f} px, confidence {conf:.3f}"


def same_rotated(ours, theirs):
    d = np.abs(np.array(ours["obb"]) - theirs)
    return d[:4].max() < 1 and d[4] < 0.01, f"rotated box {d[:4].max():.2f} px, {d[4]:.4f} rad"


def gap(scores):
    """A threshold that keeps some sixty, between the two scores that lie furthest apart there."""
    s = np.sort(scores)[::-1]
    s = s[: min(len(s), 120)]
    if len(s) < 4:
        return 0.05
    lo, hi = len(s) // 3, len(s) - 1
    at = lo + int(np.argmax(s[lo:hi] - s[lo + 1:hi + 1]))
    return float((s[at] + s[at + 1]) / 2)


def rows_of(r, task):
    b = r.obb if task == "obb" else r.boxes
    if b is None or not len(b):
        return np.zeros((0, 4)), np.zeros(0), np.zeros(0), []
    extra = r.masks.data.numpy().astype(bool) if task == "segment" else r.keypoints.data.numpy() if task == "pose" else b.xywhr.numpy() if task == "obb" else [None] * len(b)
    return b.xyxy.numpy(), b.conf.numpy(), b.cls.numpy(), extra


def matched(theirs, scores, classes, more, ours, same, task):
    """How many of the reference are found, which of ours are not used, and what is said about the others."""
    a = np.array([d["box"] for d in ours]).reshape(-1, 4)
    used, overlap, found, lost = np.zeros(len(a), bool), iou(a, theirs), 0, []
    for j in range(len(theirs)):
        text = "not found"
        for i in np.argsort(-overlap[:, j]) if len(a) else []:
            near = overlap[i, j] > 0.98 or np.abs(a[i] - theirs[j]).max() < 0.5
            if used[i] or not near or ours[i]["class_id"] != classes[j] or abs(ours[i]["confidence"] - scores[j]) > 0.01:
                continue
            good, text = same(ours[i], more[j]) if same else (True, "")
            if good:
                used[i] = True
                found += 1
                break
        else:
            lost.append(f"class {classes[j]:.0f} conf {scores[j]:.3f} {theirs[j].round(1)}: {text}")
    return found, int((~used).sum()), lost


def boxes_task(program, name, model, task, size, pictures, conf=None):
    """Twice for rotated boxes: with nothing suppressed all must be there; random networks put so many boxes onto each other that rounding
    decides about some when they are suppressed."""
    from ultralytics import RTDETR, YOLO
    ref = RTDETR(model) if name == "rtdetr" else YOLO(model, task=task)
    same = {"segment": same_mask, "pose": same_points, "obb": same_rotated}.get(task)
    ok, said = True, []
    for overlap, least in ((1.0, 0.99), (0.7, 0.9)) if task == "obb" else ((0.7, 0.98 if conf is None else 0.99),):
        total = found = extra = 0
        lost = []
        for path in pictures:
            predict = lambda c: ref.predict(path, conf=c, iou=overlap, imgsz=size, rect=False, verbose=False, device="cpu", save=False, retina_masks=True)[0]
            limit = conf if conf is not None else gap(rows_of(predict(0.05), task)[1])
            theirs, scores, classes, more = rows_of(predict(limit), task)
            if task == "obb":  # upright boxes of the reference reach out of the picture
                h, w = cv2.imread(path).shape[:2]
                theirs = theirs.clip(0, [w, h, w, h])
            f, e, l = matched(theirs, scores, classes, more, fovea(program, model, [path], limit, "--iou", str(overlap))[path]["detections"], same, task)
            total, found, extra, lost = total + len(theirs), found + f, extra + e, lost + [f"{os.path.basename(path)} {x}" for x in l]
        for line in lost[:4]:
            print("    " + line)
        ok &= total > 0 and found >= least * total and extra <= max((1 - least) * total, 1)
        said.append(f"{found}/{total} matched, {extra} extra" + (f" at IoU {overlap}" if task == "obb" else ""))
    return ok, "; ".join(said)


def classify(program, _, model, task, size, pictures):
    from ultralytics import YOLO
    ref = YOLO(model, task="classify")
    return top_five(fovea(program, model, pictures), pictures, lambda p: ref.predict(p, imgsz=size, verbose=False, device="cpu", save=False)[0].probs.data.numpy())


def top_five(ours, pictures, theirs):
    worst = 0.0
    ok = True
    for p in pictures:
        want, got = theirs(p), ours[p]["classes"]
        ok &= len(got) == 5 and got[0]["class_id"] == int(want.argmax())
        worst = max(worst, max(abs(c["confidence"] - want[c["class_id"]]) for c in got))
        ok &= {c["class_id"] for c in got[:3]} <= set(np.argsort(-want)[:6].tolist())
    return ok and worst < 0.02, f"{len(pictures)} pictures, first class the same, probability within {worst:.4f}"


def map_of(program, model, path, *more):
    with tempfile.TemporaryDirectory() as d:
        o = fovea(program, model, [path], 0.25, "--save-map", d, *more)[path]
        return np.load(o["map"]["file"])[0]


def letterbox(img, size):
    h, w = img.shape[:2]
    r = min(size / h, size / w)
    nw, nh = round(w * r), round(h * r)
    left, top = round((size - nw) / 2 - 0.1), round((size - nh) / 2 - 0.1)
    canvas = np.full((size, size, 3), 114, np.uint8)
    canvas[top:top + nh, left:left + nw] = cv2.resize(img, (nw, nh), interpolation=cv2.INTER_LINEAR)
    return canvas, (slice(top, top + nh), slice(left, left + nw))


def tensor(rgb, mean=0.0, std=1.0):
    return ((np.asarray(rgb, np.float32) / 255 - mean) / std).transpose(2, 0, 1)[None]


def depth_map(program, name, model, task, size, pictures):
    run = session(model)
    worst = 0.0
    for p in pictures:
        if name == "depth-anything":
            x = tensor(Image.open(p).convert("RGB").resize((size, size), Image.BICUBIC), MEAN, STD)
        else:
            x = tensor(cv2.resize(cv2.imread(p), (size, size))[..., ::-1])
        want, got = run(x)[0].squeeze(), map_of(program, model, p)
        if want.shape != got.shape:
            return False, f"map is {got.shape}, not {want.shape}"
        worst = max(worst, float(np.abs(want - got).mean() / max(np.abs(want).mean(), 1e-6)))
    return worst < 0.01, f"{len(pictures)} pictures, mean difference {100 * worst:.3f} % of the mean"


def class_map(program, name, model, task, size, pictures):
    run = session(model)
    least = 1.0
    for p in pictures:
        if name == "segformer":
            want = run(tensor(Image.open(p).convert("RGB").resize((size, size), Image.BILINEAR), MEAN, STD))[0][0].argmax(0)
        else:
            canvas, part = letterbox(cv2.imread(p), size)
            want = run(tensor(canvas[..., ::-1]))[0].squeeze()[part]
        got = map_of(program, model, p)
        if want.shape != got.shape:
            return False, f"map is {got.shape}, not {want.shape}"
        least = min(least, float((want == got).mean()))
    return least > 0.985, f"{len(pictures)} pictures, {100 * least:.2f} % of the cells have the same class"


def torchvision_classes(program, _, model, task, size, pictures):
    from torchvision import transforms as T
    prepare = T.Compose([T.Resize(256), T.CenterCrop(224), T.ToTensor(), T.Normalize(MEAN.tolist(), STD.tolist())])
    run = session(model)

    def theirs(p):
        v = run(prepare(Image.open(p).convert("RGB")).numpy()[None])[0][0]
        e = np.exp(v - v.max())
        return e / e.sum()

    return top_five(fovea(program, model, pictures), pictures, theirs)


def queries(program, _, model, task, size, pictures):
    """transformers' post_process_object_detection: best scores over all classes of all queries."""
    run = session(model)
    total = found = extra = 0
    for p in pictures:
        img = cv2.imread(p)
        logits, boxes = run(tensor(cv2.resize(img, (size, size))[..., ::-1]))
        score = 1 / (1 + np.exp(-logits[0].astype(np.float64)))
        order = np.argsort(-score.ravel())[:300]
        limit = gap(score.ravel()[order])
        order = order[score.ravel()[order] > limit]
        cx, cy, w, h = boxes[0][order // score.shape[1]].T
        theirs = (np.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], 1) * ([img.shape[1], img.shape[0]] * 2)).clip(0, [img.shape[1], img.shape[0]] * 2)
        ours = fovea(program, model, [p], limit)[p]["detections"]
        a = np.array([d["box"] for d in ours]).reshape(-1, 4)
        used = np.zeros(len(a), bool)
        for j, k in enumerate(order):
            for i, d in enumerate(ours):
                if not used[i] and d["class_id"] == k % score.shape[1] and abs(d["confidence"] - score.ravel()[k]) < 0.01 and np.abs(a[i] - theirs[j]).max() < 2:
                    used[i] = True
                    found += 1
                    break
        total += len(order)
        extra += int((~used).sum())
    return total > 0 and found >= 0.99 * total and extra <= max(0.01 * total, 1), f"{found}/{total} matched, {extra} extra"


OTHER = {"resnet18": (torchvision_classes, 224), "mobilenet_v3_small": (torchvision_classes, 224), "segformer": (class_map, 256),
         "depth-anything": (depth_map, 224), "rt-detr": (queries, 320), "d-fine": (queries, 320)}
TASKS = {"-seg": "segment", "-pose": "pose", "-obb": "obb", "-cls": "classify", "-depth": "depth", "-sem": "semantic"}


def check(program, name, directory, pictures):
    model = models.make(name, directory)
    if model is None:
        return None
    if name in OTHER:
        compare, size, task = *OTHER[name], ""
    else:
        size, task = models.ULTRALYTICS[name][1], next((t for k, t in TASKS.items() if k in name), "detect")
        compare = {"classify": classify, "depth": depth_map, "semantic": class_map}.get(task, boxes_task)
    ok, text = compare(program, name, str(model), task, size, pictures)
    print(f"{'ok  ' if ok else 'FAIL'} {name:20} {text}", flush=True)
    return ok


def main():
    a = argparse.ArgumentParser()
    a.add_argument("fovea")
    a.add_argument("names", nargs="*")
    a.add_argument("--all", action="store_true")
    a.add_argument("--models")
    args = a.parse_args()
    data = os.environ.get("FOVEA_TEST_DATA")
    if not data:
        print("skipped: FOVEA_TEST_DATA is not set")
        sys.exit(77)
    program = os.path.abspath(args.fovea)
    directory = args.models or os.path.join(os.path.dirname(program), "random_models")
    photos = sorted(glob.glob(os.path.join(data, "images", "photos", "*.jpg")))
    pictures = [p for p in photos if os.path.basename(p) in ("bus.jpg", "zidane.jpg")] or photos[:2]
    names = args.names or ([*models.ULTRALYTICS, *models.OTHERS] if args.all else models.DEFAULT)
    results = [check(program, n, directory, pictures) for n in names]
    real = os.path.join(data, "models", "yolov8n-seg_640_fp32.onnx")
    if not args.names and os.path.exists(real):
        ok, text = boxes_task(program, "yolov8n-seg", real, "segment", 640, photos, 0.25)
        print(f"{'ok  ' if ok else 'FAIL'} yolov8n-seg (real)   {text}")
        results.append(ok)
    done = [r for r in results if r is not None]
    sys.exit(77 if not done else 0 if all(done) else 1)


if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    main()
