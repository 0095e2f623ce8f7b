#!/usr/bin/env python3
"""Writes fuzz/corpus/picture: small pictures of every kind that is read, whole, cut and damaged, made by formula. Needs numpy and Pillow."""
import io
import pathlib

import numpy as np
from PIL import Image

OUT = pathlib.Path(__file__).resolve().parent.parent / "fuzz" / "corpus" / "picture"


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    y, x = np.mgrid[0:45, 0:61]
    rgb = np.stack([x * 4, y * 5, (x * y) % 251], -1).astype(np.uint8)
    im = Image.fromarray(rgb)
    exif = Image.Exif()
    exif[0x0112] = 6
    files = {}

    def save(name, picture, fmt, **how):
        b = io.BytesIO()
        picture.save(b, fmt, **how)
        files[name] = b.getvalue()

    for k, s in (("444", 0), ("422", 1), ("420", 2)):
        save(f"jpeg_{k}", im, "JPEG", quality=60, subsampling=s)
    save("jpeg_progressive", im, "JPEG", quality=50, progressive=True)
    save("jpeg_gray", im.convert("L"), "JPEG", quality=50)
    save("jpeg_cmyk", im.convert("CMYK"), "JPEG", quality=50)
    save("jpeg_turned", im, "JPEG", quality=50, exif=exif)
    save("jpeg_restarts", im, "JPEG", quality=50, restart_marker_blocks=2)
    save("png_rgb", im, "PNG")
    save("png_alpha", im.convert("RGBA"), "PNG")
    save("png_palette", im.quantize(32), "PNG")
    save("png_gray16", Image.fromarray((x * 700).astype(np.uint16)), "PNG")
    save("webp", im, "WEBP", quality=50)
    save("webp_lossless", im.quantize(8).convert("RGB"), "WEBP", lossless=True)
    save("bmp", im.resize((9, 7)), "BMP")
    save("tiff", im.resize((9, 7)), "TIFF")
    files["ppm"] = b"P6 4 3 255\n" + bytes(range(36))
    j, p = files["jpeg_420"], files["png_rgb"]
    files["jpeg_cut"] = j[: len(j) // 2]
    files["jpeg_header"] = j[:200]
    files["jpeg_noise"] = j[:-120] + bytes(255 - b for b in j[-120:-60]) + j[-60:]
    files["png_cut"] = p[: len(p) // 2]
    sof = j.index(b"\xff\xc0")
    for name, size in (("jpeg_huge", b"\xff\xff\xff\xff"), ("jpeg_empty", b"\0\0\0\0")):
        files[name] = j[: sof + 5] + size + j[sof + 9:]
    files["jpeg_12bit"] = j[: sof + 4] + b"\x0c" + j[sof + 5:]
    files["png_huge"] = p[:16] + b"\x7f\xff\xff\xff" * 2 + p[24:]
    for name, data in files.items():
        (OUT / name).write_bytes(data)
    print(len(files), "files,", sum(map(len, files.values())), "bytes")


if __name__ == "__main__":
    main()
