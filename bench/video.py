#!/usr/bin/env python3
"""End to end on a video: `fovea count` with annotated H.264 output against Ultralytics tracking (ONNX Runtime) without any
output, same model, same clip, in turn.

    bench/video.py MODEL.onnx CLIP [--fovea build/release/fovea] [--rounds 3] [--threads 2] [--streams 2]

Frames/s after start-up: fovea's own figure (warm-up excluded, encoder flushed), and for Ultralytics the time from the fourth
frame to the last. Makes its own virtual environment (Ultralytics brings torch: some GB)."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def ensure_venv():
    python = subprocess.run([os.path.join(HERE, "venv.sh"), "--video"], stdout=subprocess.PIPE, check=True, text=True).stdout.strip()
    if os.path.abspath(sys.prefix) != os.path.dirname(os.path.dirname(os.path.abspath(python))):
        os.execv(python, [python, os.path.abspath(__file__)] + sys.argv[1:])


def peer(args):
    """In a process of its own: prints frames/s."""
    os.environ["YOLO_AUTOINSTALL"] = "false"
    import torch
    torch.set_num_threads(args.threads)
    from ultralytics import YOLO
    model = YOLO(args.model, task="detect")
    start, n = None, 0
    for _ in model.track(source=args.clip, stream=True, persist=True, verbose=False, save=False, tracker="bytetrack.yaml",
                         imgsz=640, conf=0.1, device="cpu"):
        n += 1
        if n == 3:
            start = time.perf_counter()
    print(json.dumps({"fps": (n - 3) / (time.perf_counter() - start), "frames": n}))


def run_peer(args):
    out = subprocess.run([sys.executable, os.path.abspath(__file__), args.model, args.clip, "--peer", "--threads", str(args.threads)],
                         stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(out.strip().splitlines()[-1])


def run_fovea(args):
    with tempfile.TemporaryDirectory() as d:
        run = os.path.join(d, "run.json")
        t = time.perf_counter()
        subprocess.run([args.fovea, "count", args.clip, "--model", args.model, "--threads", str(args.threads), "--streams", str(args.streams or args.threads), "--line", "middle=0.5,0,0.5,1",
                        "-o", os.path.join(d, "annotated.mp4"), "--run", run, "--quiet"] + args.flags.split(), check=True)
        wall = time.perf_counter() - t
        with open(run) as f:
            r = json.load(f)
    return {"fps": r["fps"], "frames": r["frames"]["processed"], "wall": wall}


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("model")
    a.add_argument("clip")
    a.add_argument("--fovea", default=os.path.join(HERE, "..", "build", "release", "fovea"))
    a.add_argument("--flags", default="", help="more flags for fovea")
    a.add_argument("--rounds", type=int, default=3)
    a.add_argument("--threads", type=int, default=2)
    a.add_argument("--streams", type=int, default=0, help="frames that fovea computes at the same time (as many as threads)")
    a.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    args = a.parse_args()
    args.model, args.clip = os.path.abspath(args.model), os.path.abspath(args.clip)
    if args.peer:
        return peer(args)
    ensure_venv()
    ratios = []
    for r in range(args.rounds):
        ours, theirs = (run_fovea(args), run_peer(args)) if r % 2 == 0 else reversed((run_peer(args), run_fovea(args)))
        ratios.append(ours["fps"] / theirs["fps"])
        print(f"round {r + 1}: fovea {ours['fps']:.2f} fps ({ours['frames']} frames, annotated output, {ours['wall']:.1f} s in all), "
              f"ultralytics {theirs['fps']:.2f} fps ({theirs['frames']} frames, no output): {ratios[-1]:.2f}x", flush=True)
    print(f"median {statistics.median(ratios):.2f}x")


if __name__ == "__main__":
    main()
