#!/usr/bin/env python3
"""fovea against ONNX Runtime and OpenVINO on one model: interleaved, each engine in a process of its own that sleeps while
the others run.

    bench/engines.py MODEL.onnx [--lib build/libfovea.so] [--threads 1 2] [--rounds 12] [--json F]

Makes its own virtual environment on the first run. Prints milliseconds (minimum and median over all rounds) and the median
of the paired ratios fovea / peer: below 1 fovea is faster."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def ensure_venv():
    python = subprocess.run([os.path.join(HERE, "venv.sh")], stdout=subprocess.PIPE, check=True, text=True).stdout.strip()
    if os.path.abspath(sys.prefix) != os.path.dirname(os.path.dirname(os.path.abspath(python))):
        os.execv(python, [python, os.path.abspath(__file__)] + sys.argv[1:])


def feeds(model, rng):
    import onnx
    import numpy as np
    feed = {}
    graph = onnx.load(model, load_external_data=False).graph
    constants = {t.name for t in graph.initializer}
    for i in graph.input:
        if i.name in constants:
            continue
        shape = [d.dim_value or 1 for d in i.type.tensor_type.shape.dim]
        feed[i.name] = rng.random(shape, dtype=np.float32)
    return feed


def make_engine(name, args, threads):
    """Returns (label, run, outputs): run() computes once on the same input."""
    import numpy as np
    feed = feeds(args.model, np.random.default_rng(1))
    if name in ("fovea", "estimates"):  # the second: fovea with tactics by estimate, to see what timing them gains
        sys.path.insert(0, HERE)
        import fovea_ffi
        s = fovea_ffi.Session(args.lib, args.model, threads=threads, levels=args.cpu, tune=args.tune if name == "fovea" else 0)
        for i, p in enumerate(s.inputs):
            s.set_input(i, feed[p.name.decode()])
        return name, s.compute, lambda: [s.output(i) for i in range(len(s.outputs))]
    if name == "onnxruntime":
        import onnxruntime as ort
        o = ort.SessionOptions()
        o.intra_op_num_threads, o.inter_op_num_threads = threads, 1
        s = ort.InferenceSession(args.model, o, providers=["CPUExecutionProvider"])
        return f"onnxruntime {ort.__version__}", lambda: s.run(None, feed), lambda: s.run(None, feed)
    os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_FP16")  # some virtual machines report AMX that other runtimes cannot use
    import openvino as ov
    core = ov.Core()
    compiled = core.compile_model(args.model, "CPU", {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY",
                                                      "INFERENCE_PRECISION_HINT": "f32"})
    request = compiled.create_infer_request()
    inputs = {k: ov.Tensor(v) for k, v in feed.items()}
    return (f"openvino {ov.__version__.split('-')[0]}", lambda: request.infer(inputs, share_inputs=True),
            lambda: [np.array(request.get_output_tensor(i).data) for i in range(len(compiled.outputs))])


def worker(args):
    label, run, outputs = make_engine(args.worker, args, args.threads[0])
    for _ in range(3):
        run()
    print(json.dumps({"label": label}), flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            t = time.perf_counter()
            run()
            times.append((time.perf_counter() - t) * 1e3)
        print(json.dumps(times), flush=True)


def spawn(name, args, threads):
    argv = [sys.executable, os.path.abspath(__file__), args.model, "--worker", name, "--threads", str(threads), "--lib", args.lib, "--tune", str(args.tune)]
    if args.cpu:
        argv += ["--cpu", args.cpu]
    p = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    line = p.stdout.readline()
    if not line:
        print(f"  {name}: did not start (exit {p.wait()}), left out", file=sys.stderr)
        return None
    return json.loads(line)["label"], p


def measure(args, threads):
    workers = [w for w in (spawn(n, args, threads) for n in args.engines) if w]
    results = {label: [] for label, _ in workers}
    for r in range(args.rounds):
        order = workers if r % 2 == 0 else workers[::-1]
        for label, p in order:
            p.stdin.write(f"{args.calls + 1}\n")
            p.stdin.flush()
            results[label].append(json.loads(p.stdout.readline())[1:])  # the first call of a turn warms up
            time.sleep(0.02)  # let its threads go to sleep
    for _, p in workers:
        p.stdin.close()
        p.wait()
    return results


def report(results, threads):
    ours = next(k for k in results if k == "fovea")
    rows = []
    for label, turns in results.items():
        flat = [t for turn in turns for t in turn]
        ratios = [statistics.median(a) / statistics.median(b) for a, b in zip(results[ours], turns)]
        rows.append({"engine": label, "threads": threads, "min_ms": min(flat), "median_ms": statistics.median(flat),
                     "fovea_ratio": statistics.median(ratios)})
    print(f"\n{threads} thread{'s' if threads > 1 else ''}\n  {'engine':24} {'min ms':>8} {'median ms':>10} {'fovea / it':>11}")
    for r in rows:
        print(f"  {r['engine']:24} {r['min_ms']:8.2f} {r['median_ms']:10.2f} " + (f"{r['fovea_ratio']:10.2f}x" if r["engine"] != ours else ""))
    return rows


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("model")
    a.add_argument("--lib", default=os.path.join(HERE, "..", "build", "release", "libfovea.so"))
    a.add_argument("--cpu", help="CPU levels fovea may use, such as c,avx2")
    a.add_argument("--tune", type=int, default=0, help="how long fovea may time its tactics before, 0 to 5")
    a.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    a.add_argument("--rounds", type=int, default=12)
    a.add_argument("--calls", type=int, default=4, help="timed calls of each engine in a round")
    a.add_argument("--engines", nargs="+", default=["fovea", "onnxruntime", "openvino"])
    a.add_argument("--json")
    a.add_argument("--worker", help=argparse.SUPPRESS)
    args = a.parse_args()
    args.model = os.path.abspath(args.model)
    args.lib = os.path.abspath(args.lib)
    if args.worker:
        return worker(args)
    ensure_venv()
    rows = [row for t in args.threads for row in report(measure(args, t), t)]
    if args.json:
        with open(args.json, "w") as f:
            json.dump(rows, f, indent=2)


if __name__ == "__main__":
    main()
