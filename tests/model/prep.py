#!/usr/bin/env python3
"""`fovea prep` against Pillow (antialiased bicubic and bilinear) and OpenCV (area, and both without antialiasing) on photographs: at most 1/255 in the mean and
3/255 anywhere for full decodes; decoding at a smaller size has an SSIM of at least 0.98 against the full one in the mean of all photographs and 0.97 for each; files are read back by numpy and by the
definition of safetensors; odd and broken JPEGs never crash and are named; EXIF turns pictures as Pillow's exif_transpose does; depth maps are ONNX Runtime's, also as pictures.

    prep.py FOVEA"""
import glob
import json
import os
import subprocess
import sys
import tempfile

DATA = os.environ.get("FOVEA_TEST_DATA") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared", "data")
W, H = 252, 189
PLAIN = ["--mean", "0,0,0", "--std", "1,1,1"]


def prep(fovea, files, out, *flags, codes=(0,)):
    p = subprocess.run([fovea, "prep", *files, "-o", out, "--overwrite", "--quiet", "--threads", "2", "--builderOptimizationLevel", "0", *flags], stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True)
    if p.returncode not in codes:
        sys.exit(f"{' '.join(flags)}: exit {p.returncode}\n{p.stdout[-2000:]}")
    return p.stdout


def ssim(cv2, a, b):
    a, b = a.astype(float), b.astype(float)
    g = lambda x: cv2.GaussianBlur(x, (11, 11), 1.5)
    ma, mb = g(a), g(b)
    va, vb, c = g(a * a) - ma * ma, g(b * b) - mb * mb, g(a * b) - ma * mb
    return (((2 * ma * mb + 6.5025) * (2 * c + 58.5225)) / ((ma * ma + mb * mb + 6.5025) * (va + vb + 58.5225))).mean()


def safetensors(np, path):
    raw = open(path, "rb").read()
    n = int.from_bytes(raw[:8], "little")
    head = json.loads(raw[8:8 + n])
    at, out = 0, {}
    for name, t in sorted(head.items(), key=lambda e: e[1]["data_offsets"]):
        a, b = t["data_offsets"]
        assert a == at, "a hole between tensors"
        at = b
        kind = {"F32": np.float32, "F16": np.float16, "BF16": np.uint16, "U8": np.uint8}[t["dtype"]]
        out[name] = np.frombuffer(raw[8 + n + a:8 + n + b], kind).reshape(t["shape"])
    assert 8 + n + at == len(raw), "bytes behind the tensors"
    return out


def depth(fovea, np, cv2, Image, d):
    """Maps of a depth network: as ONNX Runtime computes them from Pillow's picture; png16 is the same in thousandths at the frame's size; colours span it."""
    import onnxruntime
    model, photo = os.path.join(DATA, "models", "depth_mbv2_pruned_nyu_224.onnx"), os.path.join(DATA, "images", "photos", "zidane.jpg")
    for fmt in ("npy", "png16", "color"):
        subprocess.run([fovea, "predict", photo, "--model", model, "--quiet", "--save-map", os.path.join(d, fmt), "--map-format", fmt], check=True)
    got = np.load(os.path.join(d, "npy", "zidane.npy"))[0]
    s = onnxruntime.InferenceSession(model)
    x = np.asarray(Image.open(photo).convert("RGB").resize((224, 224), Image.BILINEAR)).astype(np.float32) / 255
    want = s.run(None, {s.get_inputs()[0].name: x.transpose(2, 0, 1)[None]})[0].squeeze()
    print(f"depth: {np.abs(got - want).mean():.4f} in the mean of {want.max():.2f}, {np.abs(got - want).max():.4f} at most")
    assert np.abs(got - want).mean() < 0.01 and np.abs(got - want).max() < 0.2
    deep, color = (cv2.imread(os.path.join(d, fmt, "zidane.png"), cv2.IMREAD_UNCHANGED) for fmt in ("png16", "color"))
    assert deep.dtype == np.uint16 and deep.shape == color.shape[:2] == (720, 1280)
    assert np.abs(deep - cv2.resize(got, (1280, 720), interpolation=cv2.INTER_LINEAR) * 1000).max() < 1
    light = color.astype(float).sum(2)
    assert np.corrcoef(light.ravel(), deep.ravel())[0, 1] > 0.95 and light.max() > 600 and light.min() < 60


def main():
    if not os.path.isdir(os.path.join(DATA, "images", "photos")):
        print("no photographs:", DATA)
        return 77
    try:
        import cv2
        import numpy as np
        from PIL import Image, ImageOps
    except ImportError as e:
        print(e)
        return 77
    fovea = sys.argv[1]
    files = sorted(glob.glob(os.path.join(DATA, "images", "photos", "*.jpg"))) + sorted(glob.glob(os.path.join(DATA, "images", "coco", "images", "*.jpg")))[:6]
    pictures = [np.asarray(Image.open(f).convert("RGB")) for f in files]
    size = ["--size", f"{W}x{H}"]
    cases = [([], lambda a: np.asarray(Image.fromarray(a).resize((W, H), Image.BICUBIC))), (["--filter", "bilinear"], lambda a: np.asarray(Image.fromarray(a).resize((W, H), Image.BILINEAR))),
             (["--filter", "area"], lambda a: cv2.resize(a, (W, H), interpolation=cv2.INTER_AREA)),
             (["--no-antialias"], lambda a: cv2.resize(a, (W, H), interpolation=cv2.INTER_CUBIC)),
             (["--filter", "bilinear", "--no-antialias"], lambda a: cv2.resize(a, (W, H), interpolation=cv2.INTER_LINEAR))]
    with tempfile.TemporaryDirectory() as d:
        out = os.path.join(d, "x.npy")
        full = None
        for flags, reference in cases:
            prep(fovea, files, out, *size, *PLAIN, "--strategy", "cpu", *flags)
            got = np.load(out).transpose(0, 2, 3, 1) * 255
            full = got if full is None else full
            diff = [np.abs(g - reference(a)) for g, a in zip(got, pictures)]
            mean, most = max(x.mean() for x in diff), max(x.max() for x in diff)
            print(f"{' '.join(flags) or 'bicubic'}: mean {mean:.3f}, most {most:.2f}")
            assert mean <= 1 and most <= 3
        prep(fovea, files, out, *size, *PLAIN, "--strategy", "scaled")
        alike = [ssim(cv2, a, b) for a, b in zip(np.load(out).transpose(0, 2, 3, 1) * 255, full)]
        print(f"scaled against full: SSIM {min(alike):.4f} at least, {sum(alike) / len(alike):.4f} in the mean")
        assert sum(alike) / len(alike) >= 0.98 and min(alike) >= 0.97
        three = files[:3]
        prep(fovea, three, os.path.join(d, "x.npz"), *size, *PLAIN)
        prep(fovea, three, out, *size, *PLAIN)
        npz = np.load(os.path.join(d, "x.npz"))
        assert (npz["images"] == np.load(out)).all() and npz.zip.testzip() is None
        for dtype, unit in (("fp32", 0), ("fp16", 1 / 2048), ("u8", None)):
            prep(fovea, three, os.path.join(d, "x.safetensors"), *size, *(PLAIN if unit is not None else []), "--dtype", dtype)
            t = safetensors(np, os.path.join(d, "x.safetensors"))["images"].astype(float)
            want = np.load(out)
            assert np.abs(t - want).max() <= (unit or 1e-9) if unit is not None else np.abs(t - want * 255).max() <= 0.5001
        prep(fovea, files, os.path.join(d, "m.npz"), "--size", "140", "--fit", "multiple:14", "--dtype", "u8")
        many = np.load(os.path.join(d, "m.npz"))
        assert len(many.files) == len(files) and all(s % 14 == 0 for k in many.files for s in many[k].shape[2:])
        # EXIF: all eight ways of a photograph, at a size at which it is decoded smaller
        turned = []
        base = Image.open(files[0]).convert("RGB").resize((401, 301))
        for o in range(1, 9):
            exif = Image.Exif()
            exif[0x0112] = o
            turned.append(os.path.join(d, f"{o}.jpg"))
            base.save(turned[-1], quality=95, exif=exif)
        for strategy, limit in (("cpu", 1), ("scaled", 3.5)):
            prep(fovea, turned, out, "--size", "100x75", *PLAIN, "--strategy", strategy, "--fit", "stretch")
            for f, g in zip(turned, np.load(out)):
                want = np.asarray(ImageOps.exif_transpose(Image.open(f)).resize((100, 75), Image.BICUBIC))
                assert np.abs(g.transpose(1, 2, 0) * 255 - want).mean() <= limit, (f, strategy, np.abs(g.transpose(1, 2, 0) * 255 - want).mean())
        depth(fovea, np, cv2, Image, d)
        odd = os.path.join(DATA, "images", "odd")
        for strategy in ("cpu", "scaled"):
            prep(fovea, [odd], out, "--size", "32", "--strategy", strategy, "--max-memory", "300M", "--on-error", "zero", "--json", os.path.join(d, f"{strategy}.json"), codes=(0, 9))
        failed = [{x["source"] for x in json.load(open(os.path.join(d, f"{s}.json")))["failed"]} for s in ("cpu", "scaled")]
        print(f"odd JPEGs: {len(failed[0])} of {len(np.load(out))} cannot be read")
        assert failed[0] == failed[1], failed[0] ^ failed[1]
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
