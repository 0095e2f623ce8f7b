#!/usr/bin/env python3
"""The ONNX standard's node test cases, as the onnx package makes them, through libfovea.

    tests/model/node_cases.py LIB [--only PART] [--figures FILE] [--cases CACHE] [-v]

Prints, operator by operator, how many cases pass, are refused with a sentence, or give a WRONG answer; exit 1 when one is
wrong or crashes, 77 when onnx or numpy is missing. --figures writes what scripts/make_onnx_docs.py turns into docs/ONNX.md.
Each case runs in a process of its own (a fork), so that a crash costs one case. Shapes are fixed before the first frame
here, so a case that is refused as it stands is tried again with its inputs but the first as constants, then with all."""
import argparse
import os
import pickle
import signal
import sys
import tempfile
import warnings

warnings.filterwarnings("ignore")
try:
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from onnx.backend.test.case.node import collect_testcases
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
import fovea_ffi  # noqa: E402

T = TensorProto
PLAIN = {T.FLOAT, T.DOUBLE, T.FLOAT16, T.BFLOAT16, T.INT8, T.UINT8, T.INT16, T.UINT16, T.INT32, T.UINT32, T.INT64, T.UINT64,
         T.BOOL}
NEWEST = 28  # opset
RANDOM = ("Bernoulli", "RandomNormal", "RandomUniform", "Multinomial", "RandomNormalLike", "RandomUniformLike", "Dropout")


def operator_of(case):
    """The operator a case is about; a case that spells a function out belongs to that function."""
    g = case.model.graph
    if len(g.node) == 1:
        return g.node[0].op_type
    return getattr(case, "about", None) or g.node[-1].op_type


def plain_types(model):
    ports = list(model.graph.input) + list(model.graph.output)
    return all(p.type.HasField("tensor_type") and p.type.tensor_type.elem_type in PLAIN for p in ports)


def as_array(x):
    return numpy_helper.to_array(x) if isinstance(x, TensorProto) else np.asarray(x)


def as_known(model):
    """Opsets past the newest one that is read mostly widen types: where all operators and attributes were there before, the
    model says that it is of that opset."""
    main = next((o for o in model.opset_import if o.domain in ("", "ai.onnx")), None)
    if main is None or main.version <= NEWEST:
        return model
    for n in model.graph.node:
        try:
            schema = onnx.defs.get_schema(n.op_type, NEWEST, n.domain)
        except onnx.defs.SchemaError:
            return model
        if any(a.name not in schema.attributes for a in n.attribute) or len(n.input) > schema.max_input:
            return model
    m = onnx.ModelProto()
    m.CopyFrom(model)
    next(o for o in m.opset_import if o.domain in ("", "ai.onnx")).version = NEWEST
    m.ir_version = min(m.ir_version, 10)
    return m


def freeze(model, inputs, keep):
    """The model with its inputs from number `keep` on as constants, and the inputs that are left."""
    m = onnx.ModelProto()
    m.CopyFrom(model)
    live = list(m.graph.input)
    del m.graph.input[keep:]
    for p, x in zip(live[keep:], inputs[keep:]):
        t = numpy_helper.from_array(x, p.name)
        if p.type.tensor_type.elem_type != t.data_type:
            t = helper.make_tensor(p.name, p.type.tensor_type.elem_type, x.shape, x.astype(np.float32).ravel().tolist())
        m.graph.initializer.append(t)
    return m, inputs[:keep]


def differs(got, want, case):
    if got.shape != want.shape:
        return f"shape {got.shape}, not {want.shape}"
    if want.dtype.kind not in "biu":
        if got.dtype.kind != "f":
            return f"type {got.dtype}, not {want.dtype}"
        half = want.dtype == np.float16 or want.dtype.itemsize == 2
        a, b = got.astype(np.float64), want.astype(np.float64)
        rtol, atol = (max(case.rtol, 4e-3), 2e-3) if half else (case.rtol, max(case.atol, 2e-6))
        if half and want.dtype != np.float16:
            rtol = atol = 2e-2
        ok = np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=True)
        return "" if ok.all() else f"{(~ok).sum()} of {ok.size} elements, first {a[~ok][0]} for {b[~ok][0]}"
    if got.dtype != want.dtype:
        return f"type {got.dtype}, not {want.dtype}"
    ok = got == want
    return "" if ok.all() else f"{(~ok).sum()} of {ok.size} elements, first {got[~ok][0]} for {want[~ok][0]}"


def attempt(lib, model, inputs, wants, case, path):
    with open(path, "wb") as f:
        f.write(model.SerializeToString())
    try:
        s = fovea_ffi.Session(lib, path, threads=1)
        feed = {p.name: x for p, x in zip(model.graph.input, inputs)}
        if [p.name.decode() for p in s.outputs] != [p.name for p in model.graph.output]:
            return "wrong", "other outputs than the model's"
        for i, p in enumerate(s.inputs):
            s.set_input(i, feed[p.name.decode()].astype(fovea_ffi.DTYPES[p.dtype]))
        s.compute()
        got = [s.output(i) for i in range(len(s.outputs))]
    except RuntimeError as e:
        return "unsupported", str(e)
    why = [d for d in (differs(a, b, case) for a, b in zip(got, wants)) if d]
    return ("wrong", why[0]) if why else ("passed", "")


def run_case(lib, case, path):
    first, base = None, as_known(case.model)
    for given, expected in case.data_sets:
        inputs, wants = [as_array(x) for x in given], [as_array(x) for x in expected]
        for keep in dict.fromkeys((len(inputs), 1, 0)):
            if keep > len(inputs):
                continue
            model, live = freeze(base, inputs, keep) if keep < len(inputs) else (base, inputs)
            verdict, text = attempt(lib, model, live, wants, case, path)
            first = first or (verdict, text)
            if verdict != "unsupported":
                break
        if verdict != "passed":
            return (verdict, text) if verdict == "wrong" else first
    return "passed", "" if keep == len(inputs) else f"constants from input {keep}"


def in_child(lib, case, path):
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(r)
        signal.alarm(30)
        try:
            answer = run_case(lib, case, path)
        except Exception as e:  # a mistake of this script, shown as such
            answer = ("wrong", f"{type(e).__name__}: {e}")
        os.write(w, pickle.dumps(answer)[:60000])
        os._exit(0)
    os.close(w)
    with os.fdopen(r, "rb") as f:
        data = f.read()
    status = os.waitpid(pid, 0)[1]
    return pickle.loads(data) if data and status == 0 else ("wrong", f"crashed or hung, wait status {status}")


def collect(cache):
    if cache and os.path.exists(cache):
        with open(cache, "rb") as f:
            return pickle.load(f)
    cases = collect_testcases(None)
    names = {}
    for c in cases:
        names[c.name] = c.model.graph.node[0].op_type if len(c.model.graph.node) == 1 else None
    for c in cases:
        c.about = names.get(c.name.split("_expanded")[0])
    if cache:
        with open(cache, "wb") as f:
            pickle.dump(cases, f)
    return cases


def main():
    p = argparse.ArgumentParser()
    p.add_argument("lib")
    p.add_argument("--only", help="operators with this in their name, or cases")
    p.add_argument("--figures")
    p.add_argument("--cases", help="keeps the generated cases in this file")
    p.add_argument("-v", action="store_true")
    a = p.parse_args()
    table, bad, other = {}, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for case in collect(a.cases):
            op = operator_of(case)
            if a.only and a.only.lower() not in op.lower() and a.only not in case.name:
                continue
            if case.model.graph.node[0].domain not in ("", "ai.onnx") or not plain_types(case.model) or op in RANDOM:
                other += 1
                continue
            verdict, text = in_child(a.lib, case, os.path.join(folder, "case.onnx"))
            row = table.setdefault(op, {"passed": 0, "unsupported": 0, "wrong": 0})
            row[verdict] += 1
            bad += verdict == "wrong"
            if verdict == "wrong" or (a.v and verdict != "passed"):
                print(f"{verdict.upper():11} {case.name}: {text}", flush=True)
    print(f"\n{'operator':28}{'passed':>8}{'unsupported':>13}{'WRONG':>7}")
    for op in sorted(table):
        print(f"{op:28}{table[op]['passed']:8}{table[op]['unsupported']:13}{table[op]['wrong']:7}")
    total = {k: sum(r[k] for r in table.values()) for k in ("passed", "unsupported", "wrong")}
    count = max(sum(total.values()), 1)
    print(f"{'all':28}{total['passed']:8}{total['unsupported']:13}{total['wrong']:7}   passed {100 * total['passed'] / count:.1f} %")
    print(f"left out: {other} cases of other types (strings, sequences, optional, 8-bit and 4-bit floats), other domains, or chance")
    if a.figures:
        with open(a.figures, "w") as f:
            f.write(f"onnx {onnx.__version__} {other}\n")
            for op in sorted(table):
                f.write(f"{op} {table[op]['passed']} {table[op]['unsupported']}\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
