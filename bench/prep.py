#!/usr/bin/env python3
"""JPEG bytes -> normalised [1,3,S,S] float32: fovea (each strategy) against Pillow, Pillow with scaled decode (draft), OpenCV and torchvision, all on one
thread, in turns within one run. A photograph is made into JPEGs of four sizes (quality 90, 4:2:0). Prints the median of each and the median of paired
ratios against Pillow and Pillow's scaled decode (bytes: without NumPy's normalising); --batch N adds N pictures at once on two threads against a pool of as many.

    prep.py LIBFOVEA LIBFOVEA_MEDIA PHOTO.jpg [--size 504] [--rounds 15] [--batch 16]"""
import argparse
import ctypes as C
import io
import os
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import torch
from PIL import Image
from torchvision import io as tvio
from torchvision.transforms import v2

from fovea_ffi import ContextOptions, Error, _tensor

SIZES = {"VGA": (640, 480), "HD": (1280, 720), "FHD": (1920, 1080), "4K": (3840, 2160)}
MEAN, STD = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)


class PrepOptions(C.Structure):
    _fields_ = [("size", C.c_uint32), ("width", C.c_int), ("height", C.c_int), ("fit", C.c_int), ("multiple", C.c_int), ("inside", C.c_int),
                ("filter", C.c_int), ("no_antialias", C.c_int), ("dtype", C.c_int), ("nhwc", C.c_int), ("bgr", C.c_int), ("mean", C.c_void_p), ("std", C.c_void_p),
                ("pad", C.c_float), ("strategy", C.c_char_p), ("max_pixels", C.c_int64), ("max_memory", C.c_int64), ("stop_at_error", C.c_int)]


class PrepInput(C.Structure):
    _fields_ = [("frame", C.c_void_p), ("data", C.c_char_p), ("size", C.c_size_t), ("path", C.c_char_p)]


class Fovea:
    def __init__(self, lib, media, side, strategy, threads):
        self.lib, self.err = C.CDLL(os.path.abspath(lib)), Error()
        self.ctx, self.prep, api = C.c_void_p(), C.c_void_p(), C.c_void_p()
        o = ContextOptions(C.sizeof(ContextOptions), threads)
        self.check(self.lib.fv_context_create(C.byref(self.ctx), C.byref(o), C.byref(self.err)))
        self.check(self.lib.fv_media_load(C.byref(api), os.path.abspath(media).encode(), C.byref(self.err)))
        p = PrepOptions(C.sizeof(PrepOptions), side, side, strategy=strategy.encode())
        self.check(self.lib.fv_prep_create(C.byref(self.prep), self.ctx, api, C.byref(p), C.byref(self.err)))
        self.side, self.out = side, {}

    def check(self, status):
        if status != 0:
            sys.exit(self.err.text.decode())

    def __call__(self, pictures):
        n = len(pictures)
        out = self.out.setdefault(n, np.empty((n, 3, self.side, self.side), np.float32))
        ins = (PrepInput * n)(*[PrepInput(None, b, len(b), None) for b in pictures])
        t = _tensor(out)
        self.check(self.lib.fv_prep_run(self.prep, ins, n, C.byref(t), None, C.byref(self.err)))
        return out


def normalise(rgb):
    return ((rgb.astype(np.float32) / 255 - MEAN) / STD).transpose(2, 0, 1)


def pillow(side, draft, plain=False):
    def one(data):
        im = Image.open(io.BytesIO(data))
        if draft:
            im.draft("RGB", (side, side))
        rgb = np.asarray(im.convert("RGB").resize((side, side), Image.BICUBIC))
        return rgb if plain else np.ascontiguousarray(normalise(rgb))
    return one


def opencv(side):
    def one(data):
        im = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        return np.ascontiguousarray(normalise(cv2.cvtColor(cv2.resize(im, (side, side), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)))
    return one


def torchvision(side):
    t = v2.Compose([v2.Resize((side, side), interpolation=v2.InterpolationMode.BICUBIC, antialias=True), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN.tolist(), STD.tolist())])
    return lambda data: t(tvio.decode_jpeg(torch.frombuffer(bytearray(data), dtype=torch.uint8), mode=tvio.ImageReadMode.RGB)).numpy()


def timed(f, *a):
    t0 = time.perf_counter()
    f(*a)
    return (time.perf_counter() - t0) * 1e3


def run(runners, rounds):
    times = {k: [] for k in runners}
    for k in runners:
        runners[k]()
    for _ in range(rounds):
        for k in runners:
            times[k].append(timed(runners[k]))
    return times


def show(name, times, against):
    for k, v in times.items():
        ratios = "".join(f"   {statistics.median(a / b for a, b in zip(v, times[o])):5.3f} of {o}" for o in against)
        print(f"{name:4} {k:16} {statistics.median(v):8.2f} ms  least {min(v):8.2f}{ratios}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("lib")
    p.add_argument("media")
    p.add_argument("photo")
    p.add_argument("--size", type=int, default=504)
    p.add_argument("--rounds", type=int, default=15)
    p.add_argument("--batch", type=int, default=0)
    p.add_argument("--only", help="VGA,HD,FHD,4K")
    a = p.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    Image.MAX_IMAGE_PIXELS = None
    photo = Image.open(a.photo).convert("RGB")
    cpu, scaled = (Fovea(a.lib, a.media, a.size, s, 1) for s in ("cpu", "scaled"))
    for name, size in SIZES.items():
        if a.only and name not in a.only.split(","):
            continue
        buf = io.BytesIO()
        photo.resize(size, Image.LANCZOS).save(buf, "JPEG", quality=90, subsampling=2)
        data = buf.getvalue()
        ones = {"Pillow": pillow(a.size, False), "Pillow scaled": pillow(a.size, True), "Pillow, bytes": pillow(a.size, False, True),
                "scaled, bytes": pillow(a.size, True, True), "OpenCV": opencv(a.size), "torchvision": torchvision(a.size)}
        runners = {"fovea cpu": lambda: cpu([data]), "fovea scaled": lambda: scaled([data])}
        runners.update({k: (lambda f=f: f(data)) for k, f in ones.items()})
        print(f"{name}: {size[0]}x{size[1]}, {len(data) / 1024:.0f} KiB, on one thread")
        show(name, run(runners, a.rounds), ("Pillow", "Pillow scaled", "Pillow, bytes", "scaled, bytes"))
        if a.batch:
            many, pool = [data] * a.batch, ThreadPoolExecutor(2)
            two = Fovea(a.lib, a.media, a.size, "scaled", 2)
            print(f"{name}: {a.batch} pictures, two threads; fovea on one")
            show(name, run({"fovea, one": lambda: scaled(many), "fovea": lambda: two(many), "Pillow": lambda: list(pool.map(ones["Pillow"], many)),
                            "Pillow scaled": lambda: list(pool.map(ones["Pillow scaled"], many))}, max(3, a.rounds // 5)), ("fovea, one", "Pillow"))


if __name__ == "__main__":
    main()
