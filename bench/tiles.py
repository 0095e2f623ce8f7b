#!/usr/bin/env python3
"""Tiles: quality against cost, on a large scene whose truth is known.

    bench/tiles.py --background PHOTO --people DIR --cut-model yolov8n-seg.onnx [--model person] [--imgsz 640] [-o out/]

Makes a film: the photograph (still, shaking or slowly panning) with people walking through, 15 to 200 pixels high, cut out of the pictures
in DIR by the segmentation model; noise, changes of light, H.264 or MPEG-4. Then runs `fovea predict` on it: the whole frame only, all tiles (--exact),
what has changed (no limit), and under budgets. Recall and precision are against the truth and against the full run (IoU 0.5), by height. Writes
table.md, figures.json and plot.png. Needs numpy and opencv; the plot matplotlib."""
import argparse
import json
import os
import subprocess
import time

import cv2
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
SIZES = ((15, 30), (30, 60), (60, 120), (120, 201))


def run_fovea(args, words):
    r = subprocess.run([args.fovea, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if r.returncode:
        raise SystemExit(f"fovea {' '.join(words)}\n{r.stderr}")
    return r.stdout


def rle_mask(rle):
    """COCO's compressed run lengths -> [height, width] of 0 and 1."""
    h, w = rle["size"]
    counts, text, i = [], rle["counts"], 0
    while i < len(text):
        value, shift, more = 0, 0, True
        while more:
            c = ord(text[i]) - 48
            i += 1
            value |= (c & 31) << shift
            more = bool(c & 32)
            shift += 5
        if c & 16:
            value |= -1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
    flat = np.concatenate([np.full(n, k % 2, np.uint8) for k, n in enumerate(counts)])
    return flat.reshape(w, h).T


def cut_people(args, out):
    """[(picture, alpha)] of people who are wholly in their picture, upright and large."""
    names = sorted(os.listdir(args.people))[:: max(1, len(os.listdir(args.people)) // args.pictures)][: args.pictures]
    words = ["predict", *[os.path.join(args.people, n) for n in names], "--model", args.cut_model, "--classes", "person", "--conf", "0.6", "--json", "-", "--quiet"]
    people = []
    for line in run_fovea(args, words).splitlines():
        frame = json.loads(line)
        image = cv2.imread(frame["source"])
        for d in frame["detections"]:
            x1, y1, x2, y2 = (int(v) for v in d["box"])
            if "mask" not in d or y2 - y1 < 150 or y2 - y1 < 1.8 * (x2 - x1) or x1 < 3 or y1 < 3 or x2 > frame["width"] - 3 or y2 > frame["height"] - 3:
                continue
            alpha = rle_mask(d["mask"])[y1:y2, x1:x2].astype(np.float32)
            if alpha.mean() < 0.3:
                continue
            people.append((image[y1:y2, x1:x2], cv2.GaussianBlur(alpha, (0, 0), 1.2)))
    if not people:
        raise SystemExit(f"{args.people}: nobody could be cut out")
    print(f"{len(people)} people cut out of {len(names)} pictures")
    return people


def make_scene(args, people, path):
    """The film and its truth: a list of boxes a frame."""
    rng = np.random.default_rng(args.seed)
    w, h = args.size
    big = cv2.imread(args.background)
    room = 1.25 if args.camera == "pan" else 1.02
    k = max(room * w / big.shape[1], room * h / big.shape[0])
    big = cv2.resize(big, None, fx=k, fy=k, interpolation=cv2.INTER_AREA if k < 1 else cv2.INTER_CUBIC)
    walkers = []
    for _ in range(args.walkers):
        image, alpha = people[rng.integers(len(people))]
        height = int(np.exp(rng.uniform(np.log(15), np.log(200))))
        f = height / image.shape[0]
        size = (max(4, round(image.shape[1] * f)), height)
        still = rng.random() < 0.3
        speed = 0 if still else height * rng.uniform(0.4, 0.9) / args.fps * rng.choice((-1, 1))
        walkers.append({"image": cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32), "alpha": cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)[..., None],
                        "x": rng.uniform(0, w - size[0]), "y": rng.uniform(0.1 * h, h - height - 4), "speed": speed, "phase": rng.uniform(0, 6)})
    walkers.sort(key=lambda p: p["y"] + p["image"].shape[0])
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"mp4v"), args.fps, (w, h))
    truth = []
    for n in range(args.frames):
        ox, oy = (0.01 * w, 0.01 * h)
        if args.camera == "shake":
            ox, oy = ox + 2 * np.sin(n * 1.7), oy + 1.5 * np.sin(n * 2.3)
        if args.camera == "pan":
            ox += n * 0.2 * w / max(1, args.frames)
        frame = big[int(oy): int(oy) + h, int(ox): int(ox) + w].astype(np.float32)
        boxes = []
        for p in walkers:
            ph, pw = p["alpha"].shape[:2]
            x = (p["x"] + p["speed"] * n - (ox - 0.01 * w)) % (w + pw) - pw if p["speed"] else p["x"] - (ox - 0.01 * w)
            x, y = int(round(x)), int(round(p["y"] + (0.01 * ph * np.sin(n * 0.6 + p["phase"]) if p["speed"] else 0)))
            x1, x2 = max(0, x), min(w, x + pw)
            if x2 - x1 < 2:
                continue
            a = p["alpha"][:, x1 - x: x2 - x]
            frame[y: y + ph, x1:x2] = frame[y: y + ph, x1:x2] * (1 - a) + p["image"][:, x1 - x: x2 - x] * a
            if x2 - x1 > 0.7 * pw:
                boxes.append([x1, y, x2, y + ph])
        light = 1 + (0.1 * np.sin(n * 0.05) + (0.08 if n > args.frames // 2 else 0)) * args.light
        frame = frame * light + rng.normal(0, args.noise, (h, w, 1)).astype(np.float32)
        writer.write(np.clip(frame, 0, 255).astype(np.uint8))
        truth.append(boxes)
    writer.release()
    return truth


def overlap(a, b):
    iw, ih = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if iw <= 0 or ih <= 0:
        return 0
    inter = iw * ih
    return inter / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter)


def matches(have, want):
    """Which of `want` are found by one of `have` of their own, and how many of `have` were needed."""
    free, found = list(have), [False] * len(want)
    for i, t in enumerate(want):
        best = max(free, key=lambda b: overlap(b, t), default=None)
        if best is not None and overlap(best, t) >= 0.5:
            free.remove(best)
            found[i] = True
    return found, len(have) - len(free)


def score(result, want):
    hits = total = used = have = 0
    by_size = {s: [0, 0] for s in SIZES}
    for boxes, truth in zip(result, want):
        found, n = matches(boxes, truth)
        used, have, hits, total = used + n, have + len(boxes), hits + sum(found), total + len(found)
        for t, f in zip(truth, found):
            for s in SIZES:
                if s[0] <= t[3] - t[1] < s[1]:
                    by_size[s][0] += f
                    by_size[s][1] += 1
    return {"recall": hits / max(1, total), "precision": used / max(1, have),
            "by_height": {f"{a}-{b - (b == 201)}": hit / n if n else None for (a, b), (hit, n) in by_size.items()}}


def run_one(args, film, flags, out, name):
    run = os.path.join(out, name + ".run.json")
    t0 = time.perf_counter()
    text = run_fovea(args, ["predict", film, "--model", args.model, "--classes", "person", "--imgsz", str(args.imgsz), "--conf", str(args.conf), "--threads", str(args.threads),
                            "--json", "-", "--quiet", "--run", run, "--overwrite", *(["--duration", str(args.seconds)] if args.seconds else []), *flags])
    took = time.perf_counter() - t0
    figures = json.load(open(run, encoding="utf-8"))
    frames = max(1, figures["frames"]["processed"])
    ms = {s["name"]: s["mean"] * s["count"] / frames for s in figures["stages"]}  # a network may not run in every frame
    p95 = {s["name"]: s["p95"] for s in figures["stages"]}
    detect = sum(v for k, v in ms.items() if k.startswith(("prep", "infer", "heads", "merge")))
    boxes = [[d["box"] for d in json.loads(line)["detections"]] for line in text.splitlines()]
    return boxes, {"wall_s": took, "detect_ms": detect, "infer_ms": sum(v for k, v in ms.items() if k.startswith("infer")),
                   "prep_ms": ms.get("prep_ms"), "heads_ms": ms.get("heads_ms"), "p95_end_to_end_ms": p95.get("end_to_end_ms"), "tiles": (figures.get("summary") or {}).get("tiles")}


def plot(rows, path):
    try:
        import matplotlib
        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
    except ImportError:
        print("no matplotlib: no plot")
        return
    fig, ax = plt.subplots(figsize=(7, 4.5))
    for r in rows:
        ax.plot(r["detect_ms"], 100 * r["truth"]["recall"], "o")
        ax.annotate(r["name"], (r["detect_ms"], 100 * r["truth"]["recall"]), xytext=(4, 4), textcoords="offset points", fontsize=8)
    ax.set_xscale("log")
    ax.set_xlabel("ms a frame for looking (prep, network, boxes)")
    ax.set_ylabel("recall against the truth, %")
    ax.grid(alpha=0.3)
    fig.tight_layout()
    fig.savefig(path, dpi=110)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--background", required=True)
    p.add_argument("--people", required=True)
    p.add_argument("--cut-model", required=True)
    p.add_argument("--model", default="person")
    p.add_argument("--imgsz", type=int, default=640)
    p.add_argument("--conf", type=float, default=0.25)
    p.add_argument("--fovea", default=os.path.join(HERE, "..", "build", "release", "fovea"))
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--size", type=lambda s: tuple(map(int, s.split("x"))), default=(3840, 2160))
    p.add_argument("--frames", type=int, default=60)
    p.add_argument("--fps", type=int, default=30)
    p.add_argument("--walkers", type=int, default=20)
    p.add_argument("--pictures", type=int, default=40, help="of DIR that people are cut from")
    p.add_argument("--camera", choices=("still", "shake", "pan"), default="still")
    p.add_argument("--noise", type=float, default=2)
    p.add_argument("--light", type=float, default=1)
    p.add_argument("--budgets", type=lambda s: [float(v) for v in s.split(",") if v], default=[300, 100])
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--seconds", type=float, default=0, help="of the film that are looked at; 0: all")
    p.add_argument("--scene-only", action="store_true", help="make the film and its truth, run nothing")
    p.add_argument("--reuse", action="store_true", help="the film that is there")
    p.add_argument("--no-full", action="store_true", help="leave out looking at all tiles, which takes longest")
    p.add_argument("-o", "--out", default="tiles-out")
    args = p.parse_args()
    os.makedirs(args.out, exist_ok=True)
    film = os.path.join(args.out, "scene.mp4")
    known = os.path.join(args.out, "truth.json")
    if not (args.reuse and os.path.exists(known)):
        json.dump(make_scene(args, cut_people(args, args.out), film), open(known, "w", encoding="utf-8"))
    truth = json.load(open(known, encoding="utf-8"))
    if args.scene_only:
        return
    kinds = [("whole frame", []), *([] if args.no_full else [("all tiles", ["--tiles", "auto"])]), ("what changed", ["--tiles", "auto", "--budget", "1000000"])]
    kinds += [(f"budget {b:g} ms", ["--tiles", "auto", "--budget", f"{b:g}"]) for b in args.budgets]
    rows, full = [], None
    for name, flags in kinds:
        boxes, figures = run_one(args, film, flags, args.out, name.replace(" ", "_"))
        full = boxes if name == "all tiles" else full
        rows.append({"name": name, **figures, "truth": score(boxes, truth), "full": score(boxes, full) if full else None})
        print(json.dumps(rows[-1]["truth"]), f"{name}: {figures['detect_ms']:.1f} ms", flush=True)
    json.dump({"scene": {k: v for k, v in vars(args).items() if isinstance(v, (int, float, str, tuple, list))}, "rows": rows},
              open(os.path.join(args.out, "figures.json"), "w", encoding="utf-8"), indent=1)
    lines = ["| | ms a frame | looks a frame | recall | precision | " + " | ".join(f"{a}-{b - (b == 201)} px" for a, b in SIZES) + " | of the full run | no more than it |", "|---" * (7 + len(SIZES)) + "|"]
    for r in rows:
        t, f = r["truth"], r["full"]
        looks = f"{r['tiles']['looks'] / max(1, r['tiles']['frames']):.1f}" if r["tiles"] else "1"
        lines.append(f"| {r['name']} | {r['detect_ms']:.0f} | {looks} | {t['recall']:.3f} | {t['precision']:.3f} | "
                     + " | ".join("-" if v is None else f"{v:.3f}" for v in t["by_height"].values()) + (f" | {f['recall']:.3f} | {f['precision']:.3f} |" if f else " | | |"))
    open(os.path.join(args.out, "table.md"), "w", encoding="utf-8").write("\n".join(lines) + "\n")
    print("\n".join(lines))
    plot(rows, os.path.join(args.out, "plot.png"))


if __name__ == "__main__":
    main()
