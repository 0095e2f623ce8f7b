#!/usr/bin/env python3
"""The built-in models against ONNX Runtime at other sizes and batches than their own, on every CPU level; the same file is in the library.

    tests/model/builtin.py LIB ROOT

Exit 77 when onnxruntime or the models are missing."""
import ctypes
import os
import sys

try:
    import numpy as np
    import onnxruntime as ort
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
import fovea_ffi  # noqa: E402

SHAPES = {"person": [(1, 416, 416), (2, 320, 320), (1, 416, 224), (1, 640, 640)], "mark": [(1, 512, 512), (2, 96, 320)], "fill": [(1, 256, 256), (2, 48, 176)]}
LIMIT = 1e-4  # max|a-b| / max|b|


def embedded(lib, name):
    """The bytes that the library hands out, or None."""
    dll = ctypes.CDLL(os.path.abspath(lib))
    data, size, err = ctypes.c_void_p(), ctypes.c_size_t(), fovea_ffi.Error()
    if dll.fv_builtin_model(name.encode(), ctypes.byref(data), ctypes.byref(size), ctypes.byref(err)) < 0:
        return None
    return ctypes.string_at(data.value, size.value)


def feed_of(session, n, h, w, rng):
    feed = {}
    for i in session.get_inputs():
        x = rng.random((n, i.shape[1], h, w), dtype=np.float32)
        feed[i.name] = (x > 0.8).astype(np.float32) if i.shape[1] == 1 else x
    return feed


def main():
    lib, root = sys.argv[1:3]
    rng, bad, seen = np.random.default_rng(3), 0, 0
    levels = [x for x in ("c", "avx2", "avx512") if fovea_ffi.has_level(lib, x)]
    for name, shapes in SHAPES.items():
        path = os.path.join(root, "models", name + ".onnx")
        data = embedded(lib, name)
        if data is None or not os.path.exists(path):
            continue
        seen += 1
        same = data == open(path, "rb").read()
        print(f"{name}: {len(data)} bytes in the library, {'those of' if same else 'NOT those of'} {os.path.basename(path)}")
        bad += not same
        options = ort.SessionOptions()
        options.log_severity_level = 3
        session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        for n, h, w in shapes:
            feed = feed_of(session, n, h, w, rng)
            want = session.run(None, feed)[0]
            for level in levels:
                with fovea_ffi.Session(lib, path, levels=level, shapes={k: v.shape for k, v in feed.items()}) as s:
                    got = next(iter(s.run(feed).values()))
                error = float(np.abs(got - want).max() / np.abs(want).max()) if got.shape == want.shape else np.inf
                ok = error <= LIMIT
                print(f"  {'ok  ' if ok else 'FAIL'} {n}x{h}x{w} {level}: {error:.1e}")
                bad += not ok
    if not seen:
        print("skipped: no built-in models")
        return 77
    return bad > 0


sys.exit(main())
