#!/usr/bin/env python3
"""Every value that `fovea compare` sees against ONNX Runtime's, and a wrong one among them.

    tests/model/compare_values.py FOVEA [MODEL.onnx...] [--tolerance 1e-3]

ONNX Runtime computes all values of the model (its own rewriting switched off) on a random input into a folder; `fovea compare MODEL cpu FOLDER` must
find them all within the tolerance. Then one of them, in the middle, is changed: it must be named as the first and the worst. Without models: two small
ones of $FOVEA_TEST_DATA/models. Exit 77 when numpy, onnx, onnxruntime or the data is missing."""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import onnx
    import onnxruntime as ort
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

SOME = ("nanodet_m", "osnet_x0_25_msmt17_b1")


def store(model_path, folder):
    """All values as NAME.npy; the input beside it. Returns the names and the input's."""
    model = onnx.load(model_path)
    outputs = {o.name for o in model.graph.output}
    for node in model.graph.node:
        for name in node.output:
            if name and name not in outputs:
                model.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    o = ort.SessionOptions()
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    o.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), o, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(3)
    weights = {i.name for i in model.graph.initializer}
    x = next(i for i in session.get_inputs() if i.name not in weights)
    value = rng.random([d if isinstance(d, int) else 1 for d in x.shape]).astype(np.float32)
    np.save(os.path.join(folder, "input.npy"), value)
    names = [v.name for v in session.get_outputs()]
    for name, v in zip(names, session.run(None, {x.name: value})):
        np.save(file_of(folder, name), v)
    return names, x.name


def file_of(folder, name):
    return os.path.join(folder, re.sub(r"[^A-Za-z0-9._-]", "_", name) + ".npy")


def compare(fovea, model, folder, input_name, tolerance):
    out = os.path.join(folder, "diff.json")
    run = subprocess.run([fovea, "compare", model, "cpu", folder, "--input", f"{input_name}={folder}/input.npy", "--tolerance", str(tolerance), "--json", out,
                          "--overwrite", "--quiet"], capture_output=True, text=True)
    if run.returncode not in (0, 8):
        print(run.stderr.strip())
        return run.returncode, None
    return run.returncode, json.load(open(out))


def check(fovea, model, tolerance):
    with tempfile.TemporaryDirectory() as folder:
        names, input_name = store(model, folder)
        code, d = compare(fovea, model, folder, input_name, tolerance)
        if code:
            print(f"{model}: exit {code}, first {d and d['first']}")
            return False
        values = [v for v in d["values"] if len(v["shape"]) == 4 and v["max_abs"] is not None]
        victim = values[len(values) // 2]["name"]
        a = np.load(file_of(folder, victim))
        a.reshape(-1)[a.size // 3] += 10 * float(np.abs(a).max()) + 1
        np.save(file_of(folder, victim), a)
        code, e = compare(fovea, model, folder, input_name, tolerance)
        named = code == 8 and e["first"]["name"] == victim and e["worst"]["name"] == victim
        print(f"{os.path.basename(model):28s} {d['compared']} of {len(names)} values, worst {d['worst']['max_rel']:.2e} at {d['worst']['name']}; "
              f"the wrong one {'is named' if named else 'IS NOT NAMED: ' + str(e and e['first'])}")
        return named and d["compared"] > len(names) // 4


def main():
    p = argparse.ArgumentParser()
    p.add_argument("fovea")
    p.add_argument("models", nargs="*")
    p.add_argument("--tolerance", type=float, default=1e-3)
    a = p.parse_args()
    root = os.environ.get("FOVEA_TEST_DATA", "")
    models = [m for m in a.models or [os.path.join(root, "models", m + ".onnx") for m in SOME] if os.path.isfile(m)]
    if not models:
        print("skipped: no models (FOVEA_TEST_DATA)")
        return 77
    return 0 if all([check(a.fovea, m, a.tolerance) for m in models]) else 1


if __name__ == "__main__":
    sys.exit(main())
