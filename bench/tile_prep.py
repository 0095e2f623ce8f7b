#!/usr/bin/env python3
"""32 tiles of 640 from a 4K NV12 frame, one thread: OpenCV (one conversion to RGB, then each tile as float32 NCHW / 255) against bench_tile_prep, in turn.
usage: bench/tile_prep.py BUILD/bench/bench_tile_prep [rounds]"""
import re, subprocess, sys, time
import cv2, numpy as np

W, H, SIDE = 3840, 2160, 640
xs = [(i * (W - SIDE) + 3) // 7 for i in range(8)]
ys = [(i * (H - SIDE) + 1) // 3 for i in range(4)]


def opencv(frame, batch):
    rgb = cv2.cvtColor(frame, cv2.COLOR_YUV2RGB_NV12)
    i = 0
    for y in ys:
        for x in xs:
            tile = rgb[y:y + SIDE, x:x + SIDE]
            batch[i] = cv2.dnn.blobFromImage(tile, 1 / 255.0)[0]
            i += 1


def main():
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    cv2.setNumThreads(1)
    frame = np.random.default_rng(1).integers(0, 256, (H * 3 // 2, W), dtype=np.uint8)
    batch = np.empty((32, 3, SIDE, SIDE), np.float32)
    opencv(frame, batch)
    ratios, ours, theirs = [], [], []
    for _ in range(rounds):
        out = subprocess.run([sys.argv[1], "3"], capture_output=True, text=True, check=True).stdout
        a = [float(m) for m in re.findall(r"^nv12 .*?32 views  least +([0-9.]+)", out, re.M)]
        t = []
        for _ in range(3):
            t0 = time.perf_counter()
            opencv(frame, batch)
            t.append((time.perf_counter() - t0) * 1e3)
        ours.append(a), theirs.append(min(t)), ratios.append(a[0] / min(t))
        print(f"one pass {a[0]:.1f}, one by one {a[1]:.1f}, OpenCV {min(t):.1f} ms: {ratios[-1]:.3f}", flush=True)
    print(f"least: {min(o[0] for o in ours):.1f}, {min(o[1] for o in ours):.1f}, {min(theirs):.1f} ms; median of ratios {sorted(ratios)[len(ratios) // 2]:.3f}")


main()
