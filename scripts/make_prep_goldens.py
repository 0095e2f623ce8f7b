#!/usr/bin/env python3
"""Writes tests/data/prep: what OpenCV and Pillow make of generated pictures, for tests/unit/image.

Needs numpy, opencv-python and Pillow (smooth: its bilinear, cubic: its bicubic, both widened when they shrink; sharp: bicubic of OpenCV). The pictures are formulas (picture() here, pixel() in the tests), so only results are kept.
  cases.txt     name kind channels src_w src_h dst_w dst_h filter
  NAME.bin      the letterboxed picture, [dst_h, dst_w, channels] bytes, padding 114
  geometry.txt  fit src_w src_h dst_w dst_h new_w new_h left top
"""
import pathlib
import sys

import cv2
import numpy as np
from PIL import Image

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "prep"

# kind, channels, source size, tensor size, filter
CASES = [
    ("noise", 3, 96, 54, 40, 40, "linear"),
    ("noise", 3, 40, 30, 64, 64, "linear"),
    ("gradient", 3, 121, 67, 48, 32, "linear"),
    ("noise", 3, 33, 77, 48, 48, "linear"),
    ("noise", 3, 48, 36, 48, 48, "linear"),
    ("noise", 3, 96, 72, 48, 48, "linear"),
    ("noise", 3, 2, 3, 17, 19, "linear"),
    ("noise", 3, 1, 1, 8, 8, "linear"),
    ("noise", 3, 1, 9, 16, 16, "linear"),
    ("noise", 1, 101, 57, 40, 33, "linear"),
    ("gradient", 1, 7, 5, 32, 32, "linear"),
    ("noise", 3, 640, 12, 32, 16, "linear"),
    ("noise", 3, 96, 54, 40, 40, "area"),
    ("gradient", 3, 121, 67, 48, 32, "area"),
    ("noise", 3, 96, 72, 48, 48, "area"),
    ("noise", 1, 300, 201, 32, 32, "area"),
    ("noise", 3, 96, 54, 40, 40, "smooth"),
    ("noise", 3, 40, 30, 64, 64, "smooth"),
    ("noise", 1, 300, 201, 32, 32, "smooth"),
    ("gradient", 3, 121, 67, 48, 32, "smooth"),
    ("noise", 3, 96, 54, 40, 40, "cubic"),
    ("noise", 3, 300, 201, 32, 32, "cubic"),
    ("noise", 3, 40, 100, 48, 48, "cubic"),
    ("noise", 3, 120, 64, 60, 40, "sharp"),
    ("noise", 3, 30, 40, 48, 64, "sharp"),
]
SIZES = [(1920, 1080), (3840, 2160), (768, 576), (640, 480), (500, 333), (333, 500), (1501, 1001), (810, 1080), (1, 1),
         (1, 32768), (32768, 1), (427, 640), (1283, 721), (427, 321), (5, 7)]
TENSORS = [(640, 640), (640, 384), (416, 416), (320, 640), (33, 31)]


def picture(kind, w, h, channels):
    y, x, c = np.meshgrid(np.arange(h), np.arange(w), np.arange(channels), indexing="ij")
    if kind == "gradient":
        return ((x * 3 + y * 5 + c * 40) & 255).astype(np.uint8)
    v = (x * 374761393 + y * 668265263 + c * 2246822519) & 0xFFFFFFFF
    v = ((v ^ (v >> 13)) * 1274126177) & 0xFFFFFFFF
    return ((v ^ (v >> 16)) & 255).astype(np.uint8)


def letterbox_geometry(w, h, dw, dh):
    r = min(dh / h, dw / w)
    nw, nh = max(1, round(w * r)), max(1, round(h * r))
    return nw, nh, round((dw - nw) / 2 - 0.1), round((dh - nh) / 2 - 0.1)


def topleft_geometry(w, h, dw, dh):
    r = min(dh / h, dw / w)
    return max(1, int(w * r)), max(1, int(h * r)), 0, 0


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    lines = []
    for i, (kind, channels, w, h, dw, dh, filt) in enumerate(CASES):
        img = picture(kind, w, h, channels)
        nw, nh, left, top = letterbox_geometry(w, h, dw, dh)
        if filt in ("smooth", "cubic"):
            resized = Image.fromarray(img.squeeze()).resize((nw, nh), Image.BILINEAR if filt == "smooth" else Image.BICUBIC)
            img = np.asarray(resized).reshape(nh, nw, channels)
        elif (nw, nh) != (w, h):
            img = cv2.resize(img, (nw, nh), interpolation={"area": cv2.INTER_AREA, "sharp": cv2.INTER_CUBIC}.get(filt, cv2.INTER_LINEAR))
        out = np.full((dh, dw, channels), 114, np.uint8)
        out[top:top + nh, left:left + nw] = img.reshape(nh, nw, channels)
        name = f"{i:02d}_{filt}_{w}x{h}"
        (OUT / f"{name}.bin").write_bytes(out.tobytes())
        lines.append(f"{name} {kind} {channels} {w} {h} {dw} {dh} {filt}\n")
    (OUT / "cases.txt").write_text("".join(lines))
    rows = []
    for fit, f in (("center", letterbox_geometry), ("topleft", topleft_geometry)):
        for w, h in SIZES:
            for dw, dh in TENSORS:
                rows.append(" ".join(map(str, (fit, w, h, dw, dh, *f(w, h, dw, dh)))) + "\n")
    (OUT / "geometry.txt").write_text("".join(rows))
    print(f"OpenCV {cv2.__version__}: {len(lines)} pictures, {len(rows)} geometries", file=sys.stderr)


if __name__ == "__main__":
    main()
