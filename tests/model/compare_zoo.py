#!/usr/bin/env python3
"""The zoo (make_zoo.py) against ONNX Runtime: every model on random pictures, at two sizes and batches where it is dynamic.

    tests/model/compare_zoo.py LIB [--dir DIR] [--all] [--only REGEX] [--speed] [--json F]

Default: the fast subset, made anew in a temporary folder. --dir keeps the models. --speed adds the ratio of times to ONNX
Runtime, one thread, interleaved. Every model runs in a process of its own. Exit 77 when torch, onnx or onnxruntime is missing."""
import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "bench")]
LIMIT = 2e-4       # max|a-b| / max|b|
LIMIT_HALF = 2e-2  # ONNX Runtime computes these in FP16
SETTINGS = ((1, 0), (2, 0), (1, 32), (2, 32))  # batch, pixels more


def errors(ours, ref):
    """(relative difference, what)"""
    import numpy as np
    if ours.shape != ref.shape:
        return float("inf"), f"shape {ours.shape}, not {ref.shape}"
    if not ref.size:
        return 0.0, ""
    if ref.dtype.kind in "biu":
        return float(np.mean(ours != ref)), "part of the integers"
    ours, ref = ours.astype(np.float64), ref.astype(np.float64)
    same = (ours == ref) | (np.isnan(ours) & np.isnan(ref))
    with np.errstate(all="ignore"):
        d = np.where(same, 0, np.abs(ours - ref))
    if np.isnan(d).any():
        return float("inf"), "not a number"
    finite = np.abs(ref[np.isfinite(ref)])
    return float(d.max() / max(finite.max() if finite.size else 0, 1e-30)), "max|a-b|/max|b|"


def match_rows(ours, ref):
    """Part of the reference's rows that have no equal in ours: selections by score may swap rows that are nearly equal."""
    import numpy as np
    ours, ref = ours.reshape(-1, ours.shape[-1]).astype(np.float64), ref.reshape(-1, ref.shape[-1]).astype(np.float64)
    scale = np.abs(ref).max(0) + 1e-9
    lost = 0
    for r in ref:
        lost += np.abs((ours - r) / scale).max(1).min() > 5e-3
    return lost / len(ref)


def compare(ours, refs, limit, rows, plain=None):
    """Returns (ok, text). plain: the reference's outputs without its optimisations, which say how steady the network is."""
    worst, text, ok = 0.0, "", True
    for k, ref in refs.items():
        err, what = errors(ours[k], ref)
        most = limit
        if plain:
            most = max(limit, 8 * min(errors(plain[k], ref)[0], 0.002))
        good = err <= (0.02 if ref.dtype.kind in "biu" else most)
        if not good and rows and ours[k].shape == ref.shape and ref.ndim >= 2:
            err, what = match_rows(ours[k], ref), "part of the rows lost"
            good = err <= max(0.05, 2 * match_rows(plain[k], ref) if plain else 0)
        if not good or err >= worst:
            worst, text = err, f"{k}: {what} {err:.1e}"
        ok &= bool(good)
        if not good:
            break
    return ok, text or "equal"


def feed_for(session, info, batch, more, rng):
    import numpy as np
    shape = list(info["shape"])
    if "n" in info["dynamic"]:
        shape[0] = batch
    for k, d in (("h", len(shape) - 2), ("w", len(shape) - 1)):
        if k in info["dynamic"]:
            shape[d] += more
    i = session.get_inputs()[0]
    x = rng.random(shape, dtype=np.float32) * info["scale"]
    return {i.name: x.astype(np.float16) if i.type == "tensor(float16)" else x}


def without_optimisations(path, feed, names):
    """Random weights may make a network that magnifies rounding, or scores that are nearly equal: ONNX Runtime against itself."""
    import onnxruntime as ort
    o = ort.SessionOptions()
    o.log_severity_level = 3
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return dict(zip(names, ort.InferenceSession(path, o, providers=["CPUExecutionProvider"]).run(None, feed)))


def speed(fovea, session, feed):
    """Ratio and our milliseconds: the processor's time (both run in this thread), the least of turns taken one after the other."""
    ours, theirs = [], []
    for _ in range(7):
        t = time.process_time()
        fovea.compute()
        ours.append(time.process_time() - t)
        t = time.process_time()
        session.run(None, feed)
        theirs.append(time.process_time() - t)
    return min(ours) / min(theirs), min(ours) * 1e3


def worker(lib, path, with_speed):
    import numpy as np
    import onnxruntime as ort
    import fovea_ffi
    with open(path + ".json") as f:
        info = json.load(f)
    out = {"name": info["name"]}
    o = ort.SessionOptions()
    o.log_severity_level = 3
    o.intra_op_num_threads = 1
    try:
        session = ort.InferenceSession(path, o, providers=["CPUExecutionProvider"])
    except Exception as e:
        return {**out, "status": "skip", "text": "ONNX Runtime: " + str(e)[:160]}
    dynamic = info["dynamic"]
    settings = [s for s in SETTINGS if (s[0] == 1 or "n" in dynamic) and (s[1] == 0 or "h" in dynamic or "w" in dynamic)]
    rng = np.random.default_rng(3)
    names = [x.name for x in session.get_outputs()]
    texts = []
    for batch, more in settings:
        feed = feed_for(session, info, batch, more, rng)
        try:
            refs = dict(zip(names, session.run(None, feed)))
        except Exception as e:
            texts.append(f"[{batch},{more}] left out, ONNX Runtime: {str(e)[-80:]}")
            continue
        shapes = {k: v.shape for k, v in feed.items()} if dynamic else None
        t = time.perf_counter()
        try:
            s = fovea_ffi.Session(lib, path, threads=1, shapes=shapes)
        except RuntimeError as e:
            expected = info.get("refused") and info["refused"] in str(e)
            return {**out, "status": "ok" if expected else "refused", "text": f"[{batch},{more}] {e}"}
        out["load_ms"] = round((time.perf_counter() - t) * 1e3)
        with s:
            try:
                got = s.run(feed)
            except (RuntimeError, KeyError) as e:
                return {**out, "status": "refused", "text": f"[{batch},{more}] at run: {e}"}
            limit = LIMIT_HALF if info["half"] else LIMIT
            ok, text = compare(got, refs, limit, info["rows"])
            if not ok:
                ok, text = compare(got, refs, limit, info["rows"], without_optimisations(path, feed, names))
            if not ok:
                return {**out, "status": "WRONG", "text": f"[{batch},{more}] {text}"}
            texts.append(text)
            if with_speed and (batch, more) == (1, 0):
                out["ratio"], out["ms"] = speed(s, session, feed)
    out["rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {**out, "status": "ok", "text": "; ".join(dict.fromkeys(texts))}


def run_one(args, path):
    argv = [sys.executable, os.path.abspath(__file__), args.lib, "--worker", path] + (["--speed"] if args.speed else [])
    p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=600, check=False)
    if p.returncode != 0:
        return {"name": os.path.basename(path)[:-5], "status": "CRASH", "text": f"exit {p.returncode}: {p.stderr.strip()[-300:]}"}
    return json.loads(p.stdout.splitlines()[-1])


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("lib")
    a.add_argument("--dir")
    a.add_argument("--all", action="store_true")
    a.add_argument("--only")
    a.add_argument("--made", action="store_true", help="take what lies in DIR, export nothing")
    a.add_argument("--speed", action="store_true")
    a.add_argument("--json")
    a.add_argument("--force", action="store_true")
    a.add_argument("--worker", help=argparse.SUPPRESS)
    args = a.parse_args()
    if args.worker:
        print(json.dumps(worker(args.lib, args.worker, args.speed)))
        return
    try:
        import onnxruntime  # noqa: F401
        import make_zoo
        if not args.made:
            import onnx  # noqa: F401
            import torch  # noqa: F401
    except ImportError as e:
        print(f"skipped: {e}")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.dir or temporary
        if args.made:
            paths = sorted(os.path.join(folder, f) for f in os.listdir(folder) if f.endswith(".onnx") and os.path.exists(os.path.join(folder, f) + ".json") and (not args.only or re.search(args.only, f)))
        else:
            paths = [p for p in (make_zoo.make(folder, name, v, args.force) for name, v in make_zoo.chosen(args)) if p]
        rows = []
        for p in paths:
            r = run_one(args, p)
            rows.append(r)
            ratio = f" {r['ratio']:5.2f}x" if "ratio" in r else ""
            print(f"{r['status']:8} {r['name']:38}{ratio} {r['text']}", flush=True)
    bad = [r for r in rows if r["status"] not in ("ok", "skip")]
    print(f"{len(rows) - len(bad)} of {len(rows)} models pass")
    if args.json:
        with open(args.json, "w") as f:
            json.dump(rows, f, indent=1)
    sys.exit(1 if bad or not rows else 0)


if __name__ == "__main__":
    main()
