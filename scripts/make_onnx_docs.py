#!/usr/bin/env python3
"""Writes docs/ONNX.md: the operators of src/model/graph/ops.h, and how the ONNX standard's node test cases go.

    tests/model/node_cases.py LIB --figures figures.txt; scripts/make_onnx_docs.py figures.txt
    scripts/make_onnx_docs.py --check      exit 1 when docs/ONNX.md does not list just the operators of ops.h

Needs nothing but Python."""
import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
DOC = os.path.join(ROOT, "docs", "ONNX.md")
LIMITS = {
    "AveragePool": "3-d and more in plain C", "MaxPool": "3-d and more, and Indices, in plain C", "Conv": "3-d and more in plain C",
    "ConvTranspose": "3-d and more in plain C", "LpPool": "plain C", "CumSum": "axis constant", "CumProd": "axis constant",
    "Sum": "float", "Mean": "float", "TopK": "k constant", "Cast": "no strings, no 8-bit or 4-bit floats", "CastLike": "as Cast",
    "RoiAlign": "at most 256 samples a bin and side", "ScatterElements": "reductions of float, int32, int64",
    "ScatterND": "reductions of float, int32, int64", "Reshape": "target shape constant once input shapes are",
    "OneHot": "depth constant", "Slice": "bounds constant", "Pad": "pads constant", "Expand": "target shape constant",
    "Tile": "repeats constant", "Split": "sizes constant", "GatherND": "indices from data are clamped",
    "Gather": "indices from data are clamped", "GatherElements": "indices from data are clamped", "LpNormalization": "p 1 and 2",
    "GlobalMaxPool": "float", "Softmax": "float", "LogSoftmax": "float", "Hardmax": "float",
    "QuantizeLinear": "8 and 16 bit integers", "DequantizeLinear": "8 and 16 bit integers, int32",
    "ConvInteger": "1-d and 2-d", "QLinearConv": "1-d and 2-d", "MatMulInteger": "matrices", "QLinearMatMul": "matrices",
    "NonZero": "constants only", "Unique": "constants only", "Compress": "condition constant",
    "NonMaxSuppression": "constants only: export detectors without it (nms=False)", "DeformConv": "2-d", "Einsum": "float, int32, int64",
    "RNN": "plain C; default activations", "GRU": "plain C; default activations", "LSTM": "plain C; default activations",
    "DFT": "plain C; length constant", "STFT": "plain C; steps and lengths constant", "TfIdfVectorizer": "integers",
    "HannWindow": "size constant", "HammingWindow": "size constant", "BlackmanWindow": "size constant", "MelWeightMatrix": "constants only",
    "AffineGrid": "size constant", "CenterCropPad": "shape constant", "Col2Im": "shapes constant", "LinearAttention": "plain C",
    "BitCast": "integers and float32",
}
HEAD = """# ONNX operators

Written by `scripts/make_onnx_docs.py`; do not edit. Opsets 7 to 28. The second column is the first opset a model may have
that uses the operator. *Passed* and *refused* count the ONNX standard's node test cases ({package}), run by
`tests/model/node_cases.py`; a refused case gets an error that says what is not supported, and none gives a wrong answer.
A case that spells an
operator out as a function counts for that operator.

FP16, BF16 and FP64 values are computed as FP32. Shapes are fixed before the first frame, so inputs that decide about a
shape must be constant or computable from the input's shape; the cases are run with such inputs as constants.

Of {total} cases with plain tensors of float, integer or bool type, {passed} pass ({percent:.1f} %), {refused} are refused.
{other} more are left out: strings, sequences, optional values, 8-bit and 4-bit floats, other domains, random numbers.

| operator | since | passed | refused | limits |
|---|---|---|---|---|
"""


def operators():
    with open(os.path.join(ROOT, "src", "model", "graph", "ops.h"), encoding="utf-8") as f:
        rows = re.findall(r'X\(\w+, "([\w.]+)", \d+, \d+, \d+, \d+, (\d+), \w+\)', f.read())
    return {name: since for name, since in rows if "." not in name}


def check():
    with open(DOC, encoding="utf-8") as f:
        listed = dict(re.findall(r"^\| (\w+) \| (\d+) \|", f.read(), re.M))
    have = operators()
    for name in sorted(set(have) | set(listed)):
        if have.get(name) != listed.get(name):
            print(f"docs/ONNX.md: {name} is {listed.get(name, 'not there')}, ops.h says {have.get(name, 'not there')}")
    return 0 if have == listed else 1


def write(figures):
    with open(figures, encoding="utf-8") as f:
        package, version, other = f.readline().split()
        cases = {op: (int(p), int(u)) for op, p, u in (line.split() for line in f)}
    have = operators()
    passed, refused = (sum(c[i] for c in cases.values()) for i in (0, 1))
    text = HEAD.format(package=f"{package} {version}", total=passed + refused, passed=passed, refused=refused, other=other,
                       percent=100 * passed / max(passed + refused, 1))
    for name in sorted(have):
        p, u = cases.get(name, (0, 0))
        text += f"| {name} | {have[name]} | {p} | {u} | {LIMITS.get(name, '')} |\n"
    missing = sorted(op for op in cases if op not in have)
    text += "\nOperators that have cases and are not there:\n\n"
    text += "\n".join(f"- {op}: {cases[op][1]} refused" + (f", {cases[op][0]} passed as a function" if cases[op][0] else "") for op in missing) + "\n"
    with open(DOC, "w", encoding="utf-8") as f:
        f.write(text)
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(check() if sys.argv[1] == "--check" else write(sys.argv[1]))
