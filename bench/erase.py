#!/usr/bin/env python3
"""Erasing scored against the truth: known marks are put on clean clips, encoded, taken out by fovea and by others.

    python bench/erase.py --clips a.mp4 b.mp4 [--frames 150 --size 960x540 --crf 18 23 --opacity 0.3 0.5 1.0 --kind still fade]
                          [--fovea build/release/fovea] [--sheet FOLDER] [--json F]

Needs numpy, opencv-python and the ffmpeg program. Prints one row a case and method: PSNR and SSIM of luma inside the mark and in the ring of
8 pixels around it, temporal error (mean difference of frame-to-frame changes from the true ones, inside), flash frames, frames
per second of the whole way from file to file, peak memory. The others get the true mask; fovea gets the box around it and finds the
mark itself. All decode and encode alike (libx264 veryfast, crf 14).
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import cv2
import numpy as np


def read(path, n, w, h):
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-vf", f"scale={w}:{h}", "-frames:v", str(n), "-pix_fmt", "yuv420p", "-f", "rawvideo", "-"],
                         stdout=subprocess.PIPE, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, h * 3 // 2, w)


def write(path, frames, w, h, crf, fps=25):
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{w}x{h}", "-r", str(fps), "-i", "-", "-c:v", "libx264",
                    "-preset", "veryfast", "-crf", str(crf), path], input=np.ascontiguousarray(frames).tobytes(), check=True)


def draw_mark(w, h):
    """Coverage 0..1 of a text and a logo in the lower right, and its box."""
    m = np.zeros((h, w), np.uint8)
    s = w / 960
    x, y = int(w - 420 * s), int(h - 70 * s)
    cv2.putText(m, "FOVEA demo", (x, y), cv2.FONT_HERSHEY_DUPLEX, 1.6 * s, 255, max(2, int(4 * s)), cv2.LINE_AA)
    cv2.circle(m, (int(x + 360 * s), int(y - 15 * s)), int(28 * s), 255, -1, cv2.LINE_AA)
    return m.astype(np.float32) / 255


def strengths(kind, n):
    t = np.ones(n, np.float32)
    if kind == "fade":  # comes after a fifth, over 12 frames, goes before the last fifth
        a, b = n // 5, n - n // 5
        t = np.clip(np.minimum((np.arange(n) - a) / 12, (b - np.arange(n)) / 12), 0, 1).astype(np.float32)
    return t


def put_mark(frames, cover, opacity, strength, colour):
    out = frames.astype(np.float32)
    n, hh, w = frames.shape
    h = hh * 2 // 3
    half = cv2.resize(cover, (w // 2, h // 2), interpolation=cv2.INTER_AREA)
    for i in range(n):
        a, c = cover * opacity * strength[i], half * opacity * strength[i]
        out[i, :h] = out[i, :h] * (1 - a) + a * colour[0]
        uv = out[i, h:].reshape(2, h // 2, w // 2)
        for k in range(2):
            uv[k] = uv[k] * (1 - c) + c * colour[1 + k]
    return np.clip(out + 0.5, 0, 255).astype(np.uint8)


def psnr(a, b, m):
    return 10 * np.log10(255**2 / max(1e-6, float(np.mean((a[:, m].astype(np.float32) - b[:, m]) ** 2))))


def ssim(a, b, m):
    total = 0
    for x, y in zip(a[::5].astype(np.float32), b[::5].astype(np.float32)):
        g = lambda v: cv2.GaussianBlur(v, (11, 11), 1.5)
        mx, my = g(x), g(y)
        sx, sy, sxy = g(x * x) - mx * mx, g(y * y) - my * my, g(x * y) - mx * my
        s = ((2 * mx * my + 6.5) * (2 * sxy + 58.5)) / ((mx * mx + my * my + 6.5) * (sx + sy + 58.5))
        total += float(s[m].mean())
    return total / len(a[::5])


def temporal(a, b, m):
    a, b = a[:, m].astype(np.float32), b[:, m].astype(np.float32)
    return float(np.abs(np.diff(a, axis=0) - np.diff(b, axis=0)).mean())


def flashes(out, truth, seen, m):
    """Frames with more than half of the mark left between frames that have less."""
    d = lambda v: np.abs(v[:, m].astype(np.float32) - truth[:, m]).mean(1)
    mark, left = d(seen), d(out)
    bad = (left > 0.5 * mark) & (mark > 3)
    return int(sum(bad[i] and not bad[max(0, i - 6):i].all() and not bad[i + 1:i + 7].all() for i in range(1, len(bad) - 1)))


def timed(command):
    start = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peak = 0
    while child.poll() is None:  # its own high-water mark: what wait4 says includes ours
        try:
            with open(f"/proc/{child.pid}/status", encoding="utf-8") as f:
                peak = max([peak] + [int(line.split()[1]) for line in f if line.startswith("VmHWM")])
        except OSError:
            pass
        time.sleep(0.05)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)}: {child.stderr.read().decode(errors='replace')}")
    return time.monotonic() - start, peak / 1024


def telea(path, out, w, h, mask, n):
    frames = read(path, n, w, h).copy()
    half = (cv2.resize(mask, (w // 2, h // 2), interpolation=cv2.INTER_AREA) > 0).astype(np.uint8)
    for f in frames:
        f[:h] = cv2.inpaint(np.ascontiguousarray(f[:h]), mask, 3, cv2.INPAINT_TELEA)
        uv = f[h:].reshape(2, h // 2, w // 2)
        for k in range(2):
            uv[k] = cv2.inpaint(np.ascontiguousarray(uv[k]), half, 3, cv2.INPAINT_TELEA)
    write(out, frames, w, h, 14)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--clips", nargs="+", required=True)
    p.add_argument("--fovea", default="build/release/fovea")
    p.add_argument("--frames", type=int, default=150)
    p.add_argument("--size", default="960x540")
    p.add_argument("--crf", type=int, nargs="+", default=[18])
    p.add_argument("--opacity", type=float, nargs="+", default=[0.4, 1.0])
    p.add_argument("--kind", nargs="+", default=["still"], choices=["still", "fade"])
    p.add_argument("--only", nargs="+", default=["fovea", "telea", "delogo", "removelogo"])
    p.add_argument("--sheet")
    p.add_argument("--json")
    a = p.parse_args()
    w, h = map(int, a.size.split("x"))
    cover = draw_mark(w, h)
    mask = (cv2.dilate((cover > 0.01).astype(np.uint8), np.ones((5, 5)))).astype(np.uint8)
    ring = (cv2.dilate(mask, np.ones((17, 17))) - mask) > 0
    ys, xs = np.nonzero(mask)
    x, y, bw, bh = xs.min() - 4, ys.min() - 4, np.ptp(xs) + 9, np.ptp(ys) + 9
    rows = []
    print(f"{'clip':26} {'mark':16} {'crf':>3} {'method':10} {'PSNR':>6} {'ring':>6} {'SSIM':>6} {'temporal':>8} {'flash':>5} {'fps':>6} {'MB':>5}")
    with tempfile.TemporaryDirectory() as tmp:
        m, out = f"{tmp}/marked.mp4", f"{tmp}/out.mp4"
        cv2.imwrite(f"{tmp}/mask.png", mask * 255)
        for clip in a.clips:
            truth = read(clip, a.frames, w, h)
            n = len(truth)
            for kind, opacity, crf in ((k, o, c) for k in a.kind for o in a.opacity for c in a.crf):
                write(m, put_mark(truth, cover, opacity, strengths(kind, n), (235, 128, 128)), w, h, crf)
                seen = read(m, n, w, h)[:, :h]
                how = {"fovea": lambda: timed([a.fovea, "erase", m, "-o", out, "--overwrite", "--region", f"{x},{y},{bw},{bh}", "--crf", "14", "--quiet"]),
                       "telea": lambda: telea(m, out, w, h, mask, n),
                       "delogo": lambda: timed(["ffmpeg", "-v", "error", "-y", "-i", m, "-vf", f"delogo={x}:{y}:{bw}:{bh}", "-c:v", "libx264", "-preset", "veryfast", "-crf", "14", out]),
                       "removelogo": lambda: timed(["ffmpeg", "-v", "error", "-y", "-i", m, "-vf", f"removelogo={tmp}/mask.png", "-c:v", "libx264", "-preset", "veryfast", "-crf", "14", out])}
                picture = [seen[n // 2]]
                for name in a.only:
                    start = time.monotonic()
                    cost = how[name]()
                    seconds, mb = cost if cost else (time.monotonic() - start, 0)
                    got = read(out, n, w, h)[:, :h]
                    picture.append(got[n // 2])
                    t = truth[:len(got), :h]
                    row = dict(clip=os.path.basename(clip), mark=f"{kind} {opacity}", crf=crf, method=name, psnr=psnr(got, t, mask > 0), ring=psnr(got, t, ring), ssim=ssim(got, t, mask > 0),
                               temporal=temporal(got, t, mask > 0), flash=flashes(got, t, seen, mask > 0), fps=n / seconds, mb=mb)
                    rows.append(row)
                    print("{clip:26.26} {mark:16} {crf:3} {method:10} {psnr:6.2f} {ring:6.2f} {ssim:6.4f} {temporal:8.3f} {flash:5} {fps:6.1f} {mb:5.0f}".format(**row), flush=True)
                if a.sheet:
                    os.makedirs(a.sheet, exist_ok=True)
                    cut = slice(max(0, y - 30), min(h, y + bh + 30)), slice(max(0, x - 30), w)
                    cv2.imwrite(f"{a.sheet}/{os.path.splitext(os.path.basename(clip))[0]}-{kind}-{opacity}-{crf}.png", np.vstack([v[cut] for v in picture + [truth[n // 2, :h]]]))
    if a.json:
        with open(a.json, "w", encoding="utf-8") as f:
            json.dump(rows, f, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
