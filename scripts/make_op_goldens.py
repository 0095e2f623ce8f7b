#!/usr/bin/env python3
"""Writes tests/data/ops/*.ops: single operators, random inputs, and what ONNX Runtime answers.

    python3 scripts/make_op_goldens.py [FAMILY...]     needs numpy, onnx, onnxruntime

Format, read by tests/unit/backend_cpu/op_cases.h: text lines, raw little-endian data after each tensor line.
    case NAME OPERATOR DOMAIN OPSET TOLERANCE ATTRIBUTES INPUTS OUTPUTS
    i NAME V | f NAME V | s NAME V | I NAME COUNT V... | F NAME COUNT V... | t NAME DTYPE RANK DIM...
    DTYPE RANK DIM... const|var          (an input or output; "none" = left out)
Tolerance is relative to the largest magnitude of the output; 0 = exact.
"""
import os
import sys
import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper

rng = np.random.default_rng(7)
HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "..", "tests", "data", "ops")
ORT_OPTIONS = ort.SessionOptions()
ORT_OPTIONS.log_severity_level = 4
ORT_OPTIONS.intra_op_num_threads = 1
f32, f64, f16, i64, i32, u8, i8, b8 = np.float32, np.float64, np.float16, np.int64, np.int32, np.uint8, np.int8, np.bool_


def r(*shape, dtype=f32, lo=-4, hi=4):
    if dtype in (f32, f64, f16):
        return np.asarray(rng.random(shape) * (hi - lo) + lo).astype(dtype).reshape(shape)
    if dtype is b8:
        return rng.random(shape) < 0.5
    return rng.integers(max(lo, np.iinfo(dtype).min), hi, shape, dtype=dtype, endpoint=True)


class C:
    """A constant operand."""
    def __init__(self, a, dtype=None):
        self.a = np.array(a, dtype=dtype)


class Family:
    def __init__(self, name):
        self.name, self.parts, self.names = name, [], set()

    def header(self, a, word):
        return f"{a.dtype.name} {a.ndim} {' '.join(map(str, a.shape))} {word}\n".replace("  ", " ").encode() + np.ascontiguousarray(a).tobytes()

    def add(self, op, inputs, opset=17, outputs=1, tol=0.0, domain="", expect=None, name=None, **attrs):
        name = name or f"{op.lower()}_{len(self.names)}"
        assert name not in self.names
        self.names.add(name)
        arrays = [None if x is None else x.a if isinstance(x, C) else np.asarray(x) for x in inputs]
        if expect is None:
            expect = self.run(op, inputs, arrays, opset, outputs, attrs)
        head = f"case {name} {op} {domain or '-'} {opset} {tol} {len(attrs)} {len(inputs)} {len(expect)}\n".encode()
        body = b""
        for k, v in attrs.items():
            if isinstance(v, np.ndarray):
                body += f"t {k} {v.dtype.name} {v.ndim} {' '.join(map(str, v.shape))}\n".encode() + v.tobytes()
            elif isinstance(v, int):
                body += f"i {k} {v}\n".encode()
            elif isinstance(v, float):
                body += f"f {k} {v!r}\n".encode()
            elif isinstance(v, str):
                body += f"s {k} {v}\n".encode()
            elif all(isinstance(x, int) for x in v):
                body += f"I {k} {len(v)} {' '.join(map(str, v))}\n".encode()
            else:
                body += f"F {k} {len(v)} {' '.join(repr(float(x)) for x in v)}\n".encode()
        for x, a in zip(inputs, arrays):
            body += b"none\n" if x is None else self.header(a, "const" if isinstance(x, C) else "var")
        for y in expect:
            body += self.header(np.asarray(y), "var")
        self.parts.append(head + body)

    def run(self, op, inputs, arrays, opset, outputs, attrs):
        names = ["" if a is None else f"x{k}" for k, a in enumerate(arrays)]
        attrs = {k: numpy_helper.from_array(v) if isinstance(v, np.ndarray) else v for k, v in attrs.items()}
        node = helper.make_node(op, names, [f"y{k}" for k in range(outputs)], **attrs)
        graph = helper.make_graph(
            [node], "g",
            [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape) for n, a, x in zip(names, arrays, inputs) if n and not isinstance(x, C)],
            [helper.make_empty_tensor_value_info(f"y{k}") for k in range(outputs)],
            [numpy_helper.from_array(a, n) for n, a, x in zip(names, arrays, inputs) if n and isinstance(x, C)])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        s = ort.InferenceSession(model.SerializeToString(), ORT_OPTIONS, providers=["CPUExecutionProvider"])
        return s.run(None, {n: np.asarray(a) for n, a, x in zip(names, arrays, inputs) if n and not isinstance(x, C)})

    def write(self):
        os.makedirs(OUT, exist_ok=True)
        path = os.path.join(OUT, self.name + ".ops")
        with open(path, "wb") as f:
            f.write(b"".join(self.parts))
        print(f"{path}: {len(self.parts)} cases, {os.path.getsize(path)} bytes")


def elementwise(f):
    for op in ["Abs", "Neg", "Sqrt", "Exp", "Log", "Erf", "Ceil", "Floor", "Reciprocal", "Sigmoid", "Tanh"]:
        pos = op in ("Sqrt", "Log", "Reciprocal")
        f.add(op, [r(2, 3, 5, 7, lo=0.01 if pos else -6, hi=6)], tol=1e-6)
    f.add("Tanh", [r(200, lo=-0.7, hi=0.7)], tol=1e-6)
    f.add("Erf", [r(200, lo=-1.2, hi=1.2)], tol=1e-6)
    f.add("Exp", [np.array([0, -0.0, 88, 88.7, 89, -87, -104, 1e30, -1e30], f32)], tol=1e-6, name="exp_ends")
    f.add("Sigmoid", [np.array([0, 20, -20, 90, -90, 1e30, -1e30], f32)], tol=1e-6, name="sigmoid_ends")
    for dt in (i32, i64, i8, f64):
        f.add("Abs", [r(4, 5, dtype=dt)])
        f.add("Neg", [r(4, 5, dtype=dt)])
    for op in ["Sqrt", "Exp", "Log"]:
        f.add(op, [r(40, dtype=f64, lo=0.1)], tol=1e-14)
    f.add("Relu", [r(3, 37)])
    f.add("Relu", [r(3, 3, dtype=f64)])
    f.add("LeakyRelu", [r(3, 37)], alpha=0.1)
    f.add("LeakyRelu", [r(5)])
    f.add("HardSigmoid", [r(3, 37)], tol=1e-6)
    f.add("HardSigmoid", [r(3, 37)], alpha=0.16666667163372040, beta=0.5, tol=1e-6)
    f.add("HardSwish", [r(3, 37)], tol=1e-6)
    x = r(3, 37)
    f.add("Silu", [x], domain="fovea", opset=1, tol=1e-6, expect=[(x / (1 + np.exp(-x.astype(f64)))).astype(f32)])
    f.add("Gelu", [r(3, 37)], opset=20, tol=1e-6)
    f.add("Gelu", [r(3, 37)], opset=20, tol=1e-6, approximate="tanh")
    for op in ["Add", "Sub", "Mul", "Div"]:
        for a, b in [((2, 3, 4, 5), (2, 3, 4, 5)), ((2, 3, 4, 5), (1, 3, 1, 1)), ((3, 1, 5), (2, 1, 4, 1)), ((), (3, 2)), ((7, 130), (130,)), ((2, 1), (1, 1))]:
            f.add(op, [r(*a), r(*b, lo=1)], tol=1e-7)
        for dt in (i32, i64, u8, f64):
            f.add(op, [r(3, 4, dtype=dt), r(4, dtype=dt, lo=1, hi=9)])
        f.add(op, [r(3, 70, dtype=f16), r(70, dtype=f16, lo=1)], tol=1e-3)
    f.add("Div", [np.array([-7, 7, -7, 7], i64), np.array([2, -2, -2, 2], i64)], name="div_truncates")
    for dt in (f32, i32, i64, f64):
        f.add("Max", [r(3, 4, dtype=dt), r(4, dtype=dt), r(3, 1, dtype=dt)])
        f.add("Min", [r(3, 4, dtype=dt), r(4, dtype=dt), r(3, 1, dtype=dt)])
    f.add("Max", [r(3, 4)], name="max_one")
    f.add("Max", [np.array([np.nan, 1, 2], f32), np.array([1, np.nan, 3], f32)], name="max_nan")
    f.add("Pow", [r(3, 20, lo=0.1), r(20)], tol=2e-6)
    f.add("Pow", [r(3, 20), C(2.0, f32)])
    f.add("Pow", [r(3, 20, lo=0), C(0.5, f32)], tol=1e-6)
    f.add("Pow", [r(3, 4, dtype=i64), C(3, i64)])
    f.add("Pow", [r(3, 4), C(3, i64)], tol=1e-6)
    f.add("Pow", [r(3, 4, dtype=i32, lo=0), C(2.0, f32)])
    for dt in (i32, i64):
        f.add("Mod", [r(30, dtype=dt, lo=-20, hi=20), r(30, dtype=dt, lo=1, hi=7) * np.array([1, -1] * 15, dt)], opset=13)
        f.add("Mod", [r(30, dtype=dt, lo=-20, hi=20), r(30, dtype=dt, lo=1, hi=7) * np.array([1, -1] * 15, dt)], opset=13, fmod=1)
    f.add("Mod", [r(30), r(30, lo=0.5)], opset=13, fmod=1, tol=1e-6)
    f.add("And", [r(3, 4, dtype=b8), r(4, dtype=b8)])
    f.add("Not", [r(3, 40, dtype=b8)])
    for op in ["Equal", "Greater", "Less"]:
        for dt in (f32, i32, i64, f64):
            f.add(op, [r(5, 8, dtype=dt, lo=-2, hi=2).round().astype(dt), r(8, dtype=dt, lo=-2, hi=2).round().astype(dt)], opset=13)
    f.add("Equal", [r(5, 8, dtype=b8), r(8, dtype=b8)], opset=13)
    for dt in (f32, i64, i32, u8, f64):
        f.add("Where", [r(3, 1, dtype=b8), r(3, 70, dtype=dt), r(1, 70, dtype=dt)], opset=16)
    f.add("Clip", [r(3, 40), C(-1.5, f32), C(2.0, f32)], opset=13)
    f.add("Clip", [r(3, 40), None, C(2.0, f32)], opset=13)
    f.add("Clip", [r(3, 40), C(0.0, f32)], opset=13)
    f.add("Clip", [r(3, 40), np.array(-1.0, f32), np.array(1.0, f32)], opset=13, name="clip_run_time")
    f.add("Clip", [r(3, 40)], opset=13, name="clip_nothing")
    f.add("Clip", [r(3, 40)], opset=10, min=-1.0, max=1.0)
    f.add("Clip", [r(3, 40, dtype=i64, lo=-20, hi=20), C(-3, i64), C(5, i64)], opset=13)
    f.add("Clip", [r(3, 40, dtype=i8, lo=-20, hi=20), None, C(5, i8)], opset=13)
    f.add("PRelu", [r(2, 3, 4, 5), r(3, 1, 1)], opset=16)
    f.add("PRelu", [r(4, 70), r(70)], opset=16)
    f.add("BatchNormalization", [r(2, 5, 3, 4), C(r(5)), C(r(5)), C(r(5)), C(r(5, lo=0.1))], opset=15, tol=1e-6, epsilon=1e-3)
    f.add("BatchNormalization", [r(4, 5), r(5), r(5), r(5), r(5, lo=0.1)], opset=9, tol=1e-6)
    kinds = [f32, f64, f16, i32, i64, u8, i8, b8, np.int16, np.uint16, np.uint32, np.uint64]
    for a in kinds:
        for b in kinds:
            x = r(11, dtype=a, lo=0 if a in (np.uint16, np.uint32, np.uint64, u8) or b in (np.uint16, np.uint32, np.uint64, u8) else -9, hi=9)
            f.add("Cast", [x], opset=13, to=int(helper.np_dtype_to_tensor_dtype(np.dtype(b))), name=f"cast_{np.dtype(a).name}_{np.dtype(b).name}")


def shape(f):
    f.add("Reshape", [r(2, 3, 4), C([4, -1], i64)], opset=14)
    f.add("Reshape", [r(2, 3, 4), C([0, 2, 6], i64)], opset=14)
    f.add("Reshape", [r(2, 3, 4, dtype=i32), C([24], i64)], opset=14)
    f.add("Flatten", [r(2, 3, 4)], axis=2)
    f.add("Squeeze", [r(1, 3, 1, 4), C([0, 2], i64)], opset=13)
    f.add("Squeeze", [r(1, 3, 1, 4)], opset=11, axes=[-2])
    f.add("Unsqueeze", [r(3, 4), C([0, -1], i64)], opset=13)
    f.add("Unsqueeze", [r(3, 4, dtype=i64)], opset=11, axes=[1])
    f.add("Identity", [r(3, 4)])
    f.add("Transpose", [r(2, 3, 4, 5)], perm=[0, 2, 3, 1])
    f.add("Transpose", [r(2, 3, 4, dtype=i64)])
    f.add("Transpose", [r(1, 33, 41)], perm=[0, 2, 1])
    f.add("Transpose", [r(5, 7, dtype=u8)])
    f.add("Slice", [r(5, 6, 7)], opset=9, starts=[1, -3], ends=[4, 100], axes=[0, 2])
    f.add("Slice", [r(5, 6, 7), C([1, 2], i64), C([4, 9999999], i64)], opset=13)
    f.add("Slice", [r(5, 6, 7), C([-1], i64), C([-100], i64), C([1], i64), C([-2], i64)], opset=13)
    f.add("Slice", [r(5, 6, dtype=i64), C([0, 5], i32), C([5, 0], i32), C([0, 1], i32), C([2, -1], i32)], opset=13)
    f.add("Split", [r(2, 7, 3), C([2, 4, 1], i64)], opset=13, outputs=3, axis=1)
    f.add("Split", [r(6, 3)], opset=11, outputs=3)
    f.add("Split", [r(2, 6, dtype=i64)], opset=11, outputs=2, axis=-1, split=[1, 5])
    f.add("Split", [r(7, 3)], opset=18, outputs=3, num_outputs=3)
    f.add("Concat", [r(2, 3, 4), r(2, 1, 4), r(2, 5, 4)], axis=1)
    f.add("Concat", [r(3, dtype=i64), r(2, dtype=i64), r(0, dtype=i64)], axis=0)
    f.add("Concat", [r(2, 3), r(2, 3)], axis=-1)
    f.add("Expand", [r(3, 1), C([2, 1, 6], i64)])
    f.add("Expand", [r(1, dtype=i64), C([2, 3], i64)])
    f.add("Tile", [r(2, 3), C([3, 2], i64)])
    f.add("Tile", [r(1, 3, 2, dtype=i64), C([2, 1, 3], i64)])
    for mode in ("constant", "reflect", "edge"):
        f.add("Pad", [r(1, 2, 5, 6), C([0, 0, 1, 2, 0, 0, 3, 4], i64)], opset=13, mode=mode)
    f.add("Pad", [r(4, 5), C([1, -1, 2, -2], i64), C(1.5, f32)], opset=13)
    f.add("Pad", [r(4, 5, dtype=i64), C([1, 1, 0, 2], i64), C(-7, i64)], opset=13)
    f.add("Pad", [r(4, 5)], opset=10, pads=[1, 0, 0, 2], value=2.5)
    f.add("Pad", [r(4, 5), C([1, 2], i64), None, C([-1], i64)], opset=18)
    f.add("Pad", [r(4, 5), C([1, 2, 6, 3], i64)], opset=19, mode="wrap")
    f.add("Shape", [r(2, 3, 4)], opset=13)
    f.add("Shape", [r(2, 3, 4)], opset=15, start=1, end=-1)
    f.add("ConstantOfShape", [C([2, 3], i64)], value=np.array([7], i64))
    f.add("ConstantOfShape", [C([4], i64)], value=np.array([1.5], f32))
    f.add("ConstantOfShape", [C([4], i64)])
    f.add("Range", [C(2, i64), C(11, i64), C(3, i64)])
    f.add("Range", [C(10, i32), C(0, i32), C(-3, i32)])
    f.add("Range", [C(0.0, f32), C(2.0, f32), C(0.3, f32)], tol=1e-6)


def pool(f):
    x = r(1, 5, 9, 11)
    f.add("MaxPool", [x], opset=12, kernel_shape=[2, 2], strides=[2, 2])
    f.add("MaxPool", [x], opset=12, kernel_shape=[5, 5], pads=[2, 2, 2, 2])
    f.add("MaxPool", [r(2, 40, 6, 7)], opset=12, kernel_shape=[5, 5], pads=[2, 2, 2, 2])
    f.add("MaxPool", [x], opset=12, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1)
    f.add("MaxPool", [x], opset=12, kernel_shape=[3, 2], dilations=[2, 3], strides=[1, 2])
    f.add("MaxPool", [x], opset=12, kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
    f.add("MaxPool", [x], opset=12, kernel_shape=[2, 2], strides=[2, 2], auto_pad="SAME_LOWER")
    f.add("MaxPool", [x], opset=12, kernel_shape=[3, 3], auto_pad="VALID")
    f.add("MaxPool", [r(2, 3, 12)], opset=12, kernel_shape=[3], strides=[2], pads=[1, 1])
    f.add("MaxPool", [-r(1, 17, 4, 4, lo=1)], opset=12, kernel_shape=[3, 3], pads=[1, 1, 1, 1], name="maxpool_negative")
    f.add("MaxPool", [r(1, 3, 6, 6, dtype=u8, lo=0, hi=255)], opset=12, kernel_shape=[3, 3])
    for inc in (0, 1):
        f.add("AveragePool", [x], opset=11, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=inc, tol=1e-6)
        f.add("AveragePool", [x], opset=11, kernel_shape=[3, 2], strides=[2, 3], pads=[1, 0, 1, 1], count_include_pad=inc, ceil_mode=1, tol=1e-6)
    f.add("AveragePool", [x], opset=11, kernel_shape=[2, 2], auto_pad="SAME_UPPER", tol=1e-6)
    f.add("AveragePool", [r(1, 3, 12)], opset=11, kernel_shape=[4], strides=[3], tol=1e-6)
    f.add("AveragePool", [x], opset=19, kernel_shape=[2, 2], dilations=[2, 2], tol=1e-6)
    f.add("GlobalAveragePool", [x], opset=11, tol=1e-6)
    f.add("GlobalAveragePool", [r(2, 20, 7, 3)], opset=11, tol=1e-6)


def resize(f):
    x = r(1, 3, 5, 6)
    f.add("Resize", [x, None, C([1, 1, 2, 2], f32)], opset=13, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    f.add("Resize", [x, C([], f32), C([1, 1, 2, 2], f32)], opset=11, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    f.add("Resize", [x, None, C([1, 1, 3, 2], f32)], opset=13)
    modes = ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"]
    for size in [(7, 9), (3, 4), (10, 12), (1, 1)]:
        for m in modes:
            for near in ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]:
                f.add("Resize", [x, None, None, C([1, 3, *size], i64)], opset=13, mode="nearest", coordinate_transformation_mode=m, nearest_mode=near)
            f.add("Resize", [x, None, None, C([1, 3, *size], i64)], opset=13, mode="linear", coordinate_transformation_mode=m, tol=1e-6)
    f.add("Resize", [x, None, C([1, 1, 0.6, 1.7], f32)], opset=13, mode="linear", tol=1e-6)
    f.add("Resize", [x, None, C([1, 1, 0.6, 1.7], f32)], opset=19, mode="linear", coordinate_transformation_mode="half_pixel_symmetric", tol=1e-6)
    f.add("Resize", [x, C([0, 0, 0.1, 0.2, 1, 1, 0.8, 1.2], f32), None, C([1, 3, 6, 7], i64)], opset=13, mode="linear", coordinate_transformation_mode="tf_crop_and_resize", extrapolation_value=9.0, tol=1e-6)
    f.add("Resize", [x, C([0, 0, 0.1, 0.2, 1, 1, 0.8, 1.2], f32), None, C([1, 3, 6, 7], i64)], opset=13, mode="nearest", coordinate_transformation_mode="tf_crop_and_resize", extrapolation_value=9.0)
    f.add("Resize", [x, C([1, 1, 2, 2], f32)], opset=10, mode="nearest")
    f.add("Resize", [x, C([1, 1, 0.5, 0.5], f32)], opset=10, mode="nearest")
    f.add("Resize", [x, C([1, 1, 2, 2], f32)], opset=10, mode="linear", tol=1e-6)
    f.add("Resize", [x, None, C([2, 3], f32)], opset=18, mode="nearest", axes=[2, 3])
    f.add("Resize", [r(3, 8), None, C([1, 2.5], f32)], opset=13, mode="linear", tol=1e-6)
    f.add("Resize", [r(1, 3, 4, 5, dtype=u8, lo=0, hi=99), None, C([1, 1, 2, 2], f32)], opset=13, mode="nearest")
    f.add("Resize", [r(1, 17, 4, 5), None, C([1, 1, 2, 2], f32)], opset=13, mode="linear", tol=1e-6)
    f.add("Upsample", [x, C([1, 1, 2, 3], f32)], opset=9, mode="nearest")
    f.add("Upsample", [x], opset=7, mode="nearest", scales=[1.0, 1.0, 2.0, 2.0])
    f.add("Upsample", [x, C([1, 1, 2, 2], f32)], opset=9, mode="linear", tol=1e-6)


def matmul(f):
    for a, b in [((3, 4), (4, 5)), ((2, 3, 4), (4, 5)), ((2, 1, 7, 9), (3, 9, 18)), ((9,), (9, 4)), ((4, 9), (9,)), ((9,), (9,)), ((2, 3, 9), (9,)), ((1, 2, 37, 32), (1, 2, 32, 41)), ((5, 400), (400, 3)), ((1, 33), (33, 70))]:
        f.add("MatMul", [r(*a), r(*b)], opset=13, tol=1e-6)
    f.add("MatMul", [r(13, 20), C(r(20, 33))], opset=13, tol=1e-6)
    f.add("MatMul", [C(r(13, 20)), r(20, 33)], opset=13, tol=1e-6)
    f.add("MatMul", [r(2, 3, 0), r(0, 4)], opset=13, name="matmul_empty_k", expect=[np.zeros((2, 3, 4), f32)])
    for dt in (i32, i64, f64):
        f.add("MatMul", [r(2, 3, 4, dtype=dt), r(2, 4, 5, dtype=dt)], opset=13, tol=1e-14)
    for ta in (0, 1):
        for tb in (0, 1):
            f.add("Gemm", [r(*((7, 5) if ta else (5, 7))), r(*((9, 7) if tb else (7, 9))), r(9)], opset=13, transA=ta, transB=tb, tol=1e-6)
    f.add("Gemm", [r(5, 7), C(r(7, 9)), C(r(5, 1))], opset=13, alpha=0.5, beta=2.0, tol=1e-6)
    f.add("Gemm", [r(1, 40), C(r(30, 40)), C(r(30))], opset=13, transB=1, tol=1e-6)
    f.add("Gemm", [r(5, 7), r(7, 9)], opset=13, tol=1e-6)
    f.add("Gemm", [r(5, 7), r(7, 9), r(5, 9)], opset=7, tol=1e-6)


def reduce(f):
    x = r(2, 3, 4, 5, lo=-1)  # no cancellation to nothing
    for op in ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin"]:
        for axes in [[1], [2, 3], [0, -1], [0, 1, 2, 3]]:
            for keep in (0, 1):
                if op == "ReduceSum":
                    f.add(op, [x, C(axes, i64)], opset=13, keepdims=keep, tol=1e-5)
                else:
                    f.add(op, [x], opset=13, axes=axes, keepdims=keep, tol=1e-5)
        f.add(op, [x], opset=13, tol=1e-5)
        for dt in (i32, i64) + ((f64,) if op == "ReduceSum" else ()):
            if op == "ReduceSum":
                f.add(op, [r(3, 5, dtype=dt), C([1], i64)], opset=13, tol=1e-12)
            else:
                f.add(op, [r(3, 5, dtype=dt)], opset=13, axes=[1])
    f.add("ReduceMean", [x, C([1, 2], i64)], opset=18, tol=1e-5)
    f.add("ReduceSum", [x], opset=13, noop_with_empty_axes=1)
    f.add("ReduceMax", [r(3, 70, 9)], opset=13, axes=[1], keepdims=0)
    f.add("ReduceMax", [r(3, 7, 90)], opset=13, axes=[1], keepdims=0)
    for last in (0, 1):
        for dt in (f32, i32, u8):
            f.add("ArgMax", [r(3, 7, 4, dtype=dt, lo=0, hi=3).round().astype(dt)], opset=13, axis=1, select_last_index=last, keepdims=last)
    f.add("ArgMax", [r(3, 7)], opset=13, axis=-1)
    for axis in (1, 2, 3, -1):
        f.add("Softmax", [r(2, 16, 4, 21)], opset=13, axis=axis, tol=1e-6)
    f.add("Softmax", [r(2, 3, 4, 5)], opset=11, axis=2, tol=1e-6)
    f.add("Softmax", [r(2, 3, 4)], opset=11, tol=1e-6)
    f.add("Softmax", [r(3, 9, dtype=f64)], opset=13, tol=1e-14)
    f.add("Softmax", [np.array([[-np.inf, 0, 1], [100, 200, 300], [-1e4, -1e4, -2e4]], f32)], opset=13, tol=1e-6, name="softmax_far")
    for largest in (0, 1):
        f.add("TopK", [r(3, 40), C([5], i64)], opset=11, outputs=2, largest=largest)
        f.add("TopK", [r(3, 40, 2, lo=0, hi=3).round(), C([7], i64)], opset=11, outputs=2, largest=largest, axis=1)
        f.add("TopK", [r(40, dtype=i64), C([6], i64)], opset=11, outputs=2, largest=largest)
        f.add("TopK", [r(40, dtype=i32), C([40], i64)], opset=11, outputs=2, largest=largest)
    f.add("TopK", [np.concatenate([r(1, 2500, lo=0, hi=20).round() / 20, r(1, 500)], axis=1).astype(f32), C([30], i64)], opset=11, outputs=2)


def gather(f):
    x = r(3, 5, 4)
    for axis in (0, 1, 2, -1):
        f.add("Gather", [x, C([[0, 2], [1, -1]], i64)], opset=13, axis=axis)
    f.add("Gather", [x, C(1, i64)], opset=13, axis=1)
    f.add("Gather", [x, np.array([2, 0], i32)], opset=13, name="gather_run_time")
    f.add("Gather", [r(6, dtype=i64), C([3, 3, -6], i64)], opset=13)
    f.add("Gather", [r(6, 2, dtype=u8), C([3, 1], i64)], opset=13)
    for axis in (0, 1, 2):
        d = x.shape[axis]
        f.add("GatherElements", [x, rng.integers(-d, d, (2, 4, 3) if axis != 1 else (2, 9, 3), dtype=i64)], opset=13, axis=axis)
    f.add("GatherElements", [r(1, 300, 4), rng.integers(0, 300, (1, 20, 4), dtype=i64)], opset=13, axis=1)
    f.add("GatherElements", [r(4, 4, dtype=i64), C(rng.integers(0, 4, (4, 4), dtype=i64))], opset=13, axis=1)


def rare(f):
    """Functions, logic, sums and reductions without a fast kernel."""
    for op in ["Elu", "Selu", "Celu", "Softplus", "Softsign", "ThresholdedRelu", "Shrink", "Sin", "Cos", "Tan", "Atan", "Sinh", "Cosh", "Asinh", "Round", "Sign"]:
        f.add(op, [r(2, 3, 23, lo=-1.4 if op == "Tan" else -4, hi=1.4 if op == "Tan" else 4)], tol=2e-6)
    f.add("Softplus", [np.array([-200, -20, 0, 20, 200], f32)], tol=1e-6, name="softplus_ends")
    for op in ["Asin", "Acos", "Atanh"]:
        f.add(op, [r(37, lo=-0.95, hi=0.95)], tol=2e-6)
    f.add("Acosh", [r(37, lo=1, hi=9)], tol=2e-6)
    f.add("Mish", [r(3, 37)], opset=18, tol=2e-6)
    f.add("Elu", [r(3, 37)], alpha=0.3, tol=2e-6)
    f.add("Round", [np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 1e9], f32)], name="round_half")
    f.add("IsNaN", [np.array([1, np.nan, np.inf, -np.inf], f32)], opset=13)
    for neg, pos in ((1, 1), (0, 1), (1, 0)):
        f.add("IsInf", [np.array([1, np.nan, np.inf, -np.inf], f32)], opset=10, detect_negative=neg, detect_positive=pos)
    for op in ["Or", "Xor"]:
        f.add(op, [r(3, 1, 5, dtype=b8), r(4, 5, dtype=b8)])
    for op in ["GreaterOrEqual", "LessOrEqual"]:
        for dt in (f32, i32, i64):
            f.add(op, [r(3, 4, 5, dtype=dt, hi=0).round(), r(5, dtype=dt, hi=0).round()])
    for op in ["BitwiseAnd", "BitwiseOr", "BitwiseXor"]:
        f.add(op, [r(3, 4, dtype=i32, lo=-99, hi=99), r(4, dtype=i32, lo=-99, hi=99)], opset=18)
    f.add("BitwiseNot", [r(9, dtype=u8, lo=0, hi=255)], opset=18)
    for d in ("LEFT", "RIGHT"):
        f.add("BitShift", [r(12, dtype=u8, lo=0, hi=255), r(12, dtype=u8, lo=0, hi=7)], direction=d)
    for op in ["Sum", "Mean"]:
        f.add(op, [r(3, 5)], tol=1e-6)
        f.add(op, [r(3, 5), r(5), r(2, 1, 5)], tol=1e-6)
    for op in ["ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp"]:
        f.add(op, [r(3, 4, 5, lo=0.5, hi=2)], opset=13, axes=[1], tol=2e-6)
        f.add(op, [r(3, 4, 5, lo=0.5, hi=2)], opset=13, axes=[0, -1], keepdims=0, tol=2e-6)
        f.add(op, [r(4, 5, lo=0.5, hi=2)], opset=13, tol=2e-6)
    f.add("ReduceProd", [r(3, 4, dtype=i32)], opset=13, axes=[0])
    for last in (0, 1):
        f.add("ArgMin", [r(3, 9, 2).round()], opset=13, axis=1, select_last_index=last)


def regroup(f):
    """Normalisations, blocks, running sums, scatter, sampling."""
    f.add("LayerNormalization", [r(2, 5, 24), r(24), r(24)], tol=2e-6)
    f.add("LayerNormalization", [r(2, 3, 4, 5), r(4, 5)], axis=2, outputs=3, tol=2e-6)
    f.add("InstanceNormalization", [r(2, 3, 4, 5), r(3), r(3)], tol=4e-6)
    f.add("GroupNormalization", [r(2, 6, 4, 3), r(6), r(6)], opset=21, num_groups=3, tol=4e-6)
    f.add("MeanVarianceNormalization", [r(2, 3, 4, 5)], opset=13, tol=2e-6)
    for p in (1, 2):
        f.add("LpNormalization", [r(3, 4, 5)], axis=1, p=p, tol=2e-6)
    for axis in (0, 1, -1):
        f.add("LogSoftmax", [r(3, 4, 5)], opset=13, axis=axis, tol=2e-6)
        f.add("Hardmax", [r(3, 4, 5).round()], opset=13, axis=axis)
    f.add("LogSoftmax", [r(3, 4, 5)], opset=11, axis=1, tol=2e-6)
    for mode in ("DCR", "CRD"):
        f.add("DepthToSpace", [r(2, 12, 3, 4)], blocksize=2, mode=mode)
    f.add("SpaceToDepth", [r(2, 3, 4, 6)], blocksize=2)
    for upper in (0, 1):
        f.add("Trilu", [r(2, 4, 5)], upper=upper)
        f.add("Trilu", [r(4, 5, dtype=i64), C(-1, i64)], upper=upper)
    f.add("EyeLike", [r(4, 5)], k=1)
    for ex, rev in ((0, 0), (1, 0), (0, 1), (1, 1)):
        f.add("CumSum", [r(3, 4, 5), C(1, i64)], exclusive=ex, reverse=rev, tol=2e-6)
    f.add("CumSum", [r(6, dtype=i32), C(0, i32)])
    f.add("Size", [r(3, 4)])
    f.add("GlobalMaxPool", [r(2, 3, 5, 4)])
    f.add("ScatterElements", [r(3, 4, 5), C(np.array([[[2, 0], [1, -1]]], i64)), r(1, 2, 2)], opset=18, axis=0)
    for how in ("add", "mul", "max", "min"):
        f.add("ScatterElements", [r(5), np.array([1, 3, 1], i64), r(3)], opset=18, reduction=how, tol=1e-6)
        f.add("ScatterND", [r(4, 3), np.array([[1], [3], [1]], i64), r(3, 3)], opset=18, reduction=how, tol=1e-6)
    f.add("ScatterND", [r(4, 3, 2), np.array([[1, 2], [0, -1]], i64), r(2, 2)], opset=18)
    f.add("GatherND", [r(4, 3, 2), np.array([[1, 2], [0, -1]], i64)], opset=13)
    f.add("GatherND", [r(2, 3, 4), np.array([[1], [2]], i64)], opset=13, batch_dims=1)
    f.add("OneHot", [np.array([[1, -1], [5, 0]], i64), C(4, i64), r(2)], axis=1)
    for mode in ("bilinear", "nearest", "bicubic"):
        for pad in ("zeros", "border", "reflection"):
            f.add("GridSample", [r(2, 2, 4, 5), r(2, 3, 4, 2, lo=-1.3, hi=1.3)], opset=16, mode=mode, padding_mode=pad, align_corners=len(pad) % 2, tol=2e-5)
    for mode in ("avg", "max"):
        f.add("RoiAlign", [r(2, 2, 8, 9), np.array([[0, 0, 7, 6], [1, 2, 4, 3.5]], f32), np.array([0, 1], i64)], opset=16, mode=mode, output_height=3, output_width=2, sampling_ratio=2, tol=2e-5)


def quant(f):
    u16, i16 = np.uint16, np.int16
    for t, zero in ((u8, 128), (i8, -3), (u16, 30000), (i16, 5)):
        span = 0.02 if t in (u8, i8) else 1e-4
        f.add("QuantizeLinear", [r(3, 70), C(span, f32), C(zero, t)], opset=21)
        f.add("QuantizeLinear", [r(3, 70), np.array(span, f32), np.array(zero, t)], opset=21)
        q = r(3, 70, dtype=t, lo=-70 if t in (i8, i16) else 0, hi=90)
        f.add("DequantizeLinear", [q, C(span, f32), C(zero, t)], opset=21)
        f.add("DequantizeLinear", [q, np.array(span, f32), np.array(zero, t)], opset=21)
    f.add("QuantizeLinear", [np.array([0.5, 1.5, 2.5, -0.5, -1.5, 1e30, -1e30, 127.5, 300], f32), C(1.0, f32), C(0, i8)], opset=13, name="quant_halves")
    f.add("QuantizeLinear", [r(4, 5), C(0.1, f32)], opset=13)
    for axis in (0, 1, -1):
        x = r(4, 5, 6)
        n = x.shape[axis]
        f.add("QuantizeLinear", [x, C(r(n, lo=0.02, hi=0.1)), C(r(n, dtype=u8, lo=100, hi=150))], opset=13, axis=axis)
        f.add("DequantizeLinear", [r(4, 5, 6, dtype=i8, lo=-99, hi=99), C(r(n, lo=0.02, hi=0.1)), C(r(n, dtype=i8, lo=-9, hi=9))], opset=13, axis=axis)
    f.add("DequantizeLinear", [r(40, dtype=i32, lo=-2**30, hi=2**30), C(1e-4, f32)], opset=13)
    f.add("DequantizeLinear", [r(4, 6, dtype=i8, lo=-99, hi=99), C(r(4, 3, lo=0.02, hi=0.1)), C(r(4, 3, dtype=i8, lo=-9, hi=9))], opset=21, axis=1, block_size=2)
    f.add("QuantizeLinear", [r(4, 6), C(r(4, 3, lo=0.02, hi=0.1)), C(r(4, 3, dtype=u8, lo=100, hi=150))], opset=21, axis=1, block_size=2)
    for x in (r(3, 700), r(50, lo=1), r(50, hi=-1), np.zeros(9, f32)):
        f.add("DynamicQuantizeLinear", [x], opset=11, outputs=3)
    for w, group, pads in (((6, 5, 3, 3), 1, 1), ((6, 5, 1, 1), 1, 0), ((5, 1, 3, 3), 5, 1)):
        for t in (u8, i8):
            lo, hi = (0, 255) if t == u8 else (-128, 127)
            f.add("ConvInteger", [r(1, 5, 7, 9, dtype=u8, lo=0, hi=255), C(r(*w, dtype=t, lo=lo, hi=hi)), C(120, u8), C(lo + 120, t)], opset=10, pads=[pads] * 4, group=group)
    f.add("ConvInteger", [r(1, 3, 6, 6, dtype=u8, lo=0, hi=255), C(r(4, 3, 3, 3, dtype=u8, lo=0, hi=255))], opset=10, strides=[2, 2])
    f.add("ConvInteger", [np.full((1, 600, 2, 2), 255, u8), C(np.full((2, 600, 1, 1), 255, u8))], opset=10, name="conv_of_large_sums")
    # by numpy: ONNX Runtime's products of int8 saturate in 16 bits on machines without VNNI
    a, b = r(2, 5, 33, dtype=u8, lo=0, hi=255), r(33, 9, dtype=i8, lo=-128, hi=127)
    f.add("MatMulInteger", [a, C(b), C(100, u8), C(3, i8)], opset=10, expect=[((a.astype(i32) - 100) @ (b.astype(i32) - 3)).astype(i32)])
    a, b = r(5, 33, dtype=u8, lo=0, hi=255), r(33, 9, dtype=u8, lo=0, hi=255)
    f.add("MatMulInteger", [a, b, np.array(100, u8), np.array(7, u8)], opset=10, expect=[((a.astype(i32) - 100) @ (b.astype(i32) - 7)).astype(i32)])
    f.add("MatMulInteger", [np.full((3, 700), 255, u8), C(np.full((700, 2), 255, u8))], opset=10, name="matmul_of_large_sums", expect=[np.full((3, 2), 700 * 255 * 255, i32)])
    for t, z in ((u8, 110), (i8, 5)):
        lo, hi = (0, 255) if t == u8 else (-128, 127)
        f.add("QLinearConv", [r(1, 5, 7, 9, dtype=t, lo=lo, hi=hi), C(0.02, f32), C(z, t), C(r(6, 5, 3, 3, dtype=i8, lo=-64, hi=63)), C(r(6, lo=0.001, hi=0.01)), C(np.zeros(6), i8), C(0.09, f32), C(z, t), C(r(6, dtype=i32, lo=-900, hi=900))], opset=10, pads=[1, 1, 1, 1])
        f.add("QLinearMatMul", [r(2, 4, 40, dtype=t, lo=lo, hi=hi), C(0.02, f32), C(z, t), C(r(40, 6, dtype=i8, lo=-64, hi=63)), C(0.003, f32), C(0, i8), C(0.09, f32), C(z, t)], opset=10)
    x = r(3, 300)
    f.add("FakeQuant", [x, C(0.03, f32), C(120, u8)], domain="fovea", opset=1, expect=[(np.clip(np.rint(x / f32(0.03)), -120, 135) * f32(0.03)).astype(f32)])
    table = r(256)
    f.add("QuantTable", [x, C(0.03, f32), C(120, u8), C(table)], domain="fovea", opset=1, expect=[table[(np.clip(np.rint(x / f32(0.03)), -120, 135) + 120).astype(int)]])


def vision(f):
    # Resize by cubic and antialiased weights
    for sizes in ((1, 2, 9, 11), (1, 2, 3, 4)):
        for how in ("half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"):
            f.add("Resize", [r(1, 2, 6, 7), None, None, C(np.array(sizes, i64))], opset=18, mode="cubic", coordinate_transformation_mode=how, tol=1e-5)
    for mode in ("linear", "cubic"):
        f.add("Resize", [r(1, 2, 9, 12), None, None, C(np.array((1, 2, 4, 5), i64))], opset=18, mode=mode, antialias=1, exclude_outside=1, tol=1e-5)
    f.add("Resize", [r(1, 2, 6, 7), None, C(np.array([1, 1, 0.5, 1.5], f32))], opset=13, mode="cubic", cubic_coeff_a=-0.5, exclude_outside=1, tol=1e-5)
    f.add("Resize", [r(1, 2, 4, 5, 6), None, None, C(np.array([1, 2, 7, 3, 9], i64))], opset=18, mode="linear", tol=1e-5)
    # pools and convolutions over other numbers of dims
    f.add("MaxPool", [r(1, 2, 5, 6, 7)], kernel_shape=[2, 3, 2], strides=[2, 1, 2], pads=[0, 1, 0, 1, 1, 1])
    f.add("MaxPool", [r(2, 3, 6, 7)], outputs=2, kernel_shape=[2, 2], strides=[2, 2])
    f.add("MaxPool", [r(2, 3, 6, 7)], outputs=2, kernel_shape=[3, 2], pads=[1, 0, 1, 1], storage_order=1)
    f.add("AveragePool", [r(1, 2, 5, 6, 7)], kernel_shape=[2, 3, 2], pads=[1, 1, 1, 1, 1, 1], count_include_pad=1, tol=2e-6)
    f.add("LpPool", [r(1, 2, 6, 7)], kernel_shape=[2, 3], strides=[2, 1], p=3, opset=18, tol=2e-6)
    f.add("Conv", [r(1, 4, 5, 6, 4), C(r(6, 2, 3, 2, 3)), C(r(6))], group=2, strides=[2, 1, 1], pads=[1, 0, 1, 1, 1, 1], tol=2e-6)
    f.add("ConvTranspose", [r(1, 4, 3, 2, 3), C(r(4, 3, 3, 2, 2)), C(r(6))], group=2, strides=[2, 1, 2], pads=[1, 0, 0, 0, 1, 1], tol=2e-6)
    f.add("MaxUnpool", [r(1, 1, 2, 2), np.array([[[[5, 7], [13, 15]]]], i64)], opset=11, kernel_shape=[2, 2], strides=[2, 2])
    f.add("LRN", [r(2, 7, 3, 4)], size=5, alpha=0.02, beta=0.75, bias=1.5, tol=2e-6)
    # deformable convolution against plain loops in double
    x, w, b = r(2, 4, 6, 7), r(6, 2, 3, 3), r(6)
    shift, mask = r(2, 2 * 2 * 9, 6, 7, lo=-1.7, hi=1.7), r(2, 2 * 9, 6, 7, lo=0, hi=1)
    f.add("DeformConv", [x, C(w), shift, C(b), mask], opset=19, group=2, offset_group=2, pads=[1, 1, 1, 1], tol=5e-6, expect=[deform(x, w, shift, b, mask, 2, 2)])
    # attention: numpy in double
    for q, k, v, mask, causal in (((2, 3, 5, 8), (2, 3, 7, 8), (2, 3, 7, 6), None, 0), ((1, 4, 5, 8), (1, 2, 5, 8), (1, 2, 5, 8), None, 1), ((1, 2, 5, 8), (1, 2, 7, 8), (1, 2, 7, 8), r(5, 7), 0)):
        Q, K, V = r(*q), r(*k), r(*v)
        f.add("Attention", [Q, K, V] + ([mask] if mask is not None else []), opset=23, is_causal=causal, tol=5e-6, expect=[attention(Q, K, V, mask, causal)])
    # sums of products
    for eq, shapes in (("bhid,bhjd->bhij", ((2, 3, 4, 5), (2, 3, 6, 5))), ("bchw,kc->bkhw", ((2, 3, 4, 5), (6, 3))), ("...ij,...jk->...ik", ((2, 3, 4), (2, 4, 5))), ("ij->ji", ((3, 4),)), ("ii->i", ((4, 4),)),
                       ("ij,ij->", ((3, 4), (3, 4))), ("abc,cd,be->ade", ((2, 3, 4), (4, 5), (3, 2)))):
        xs = [r(*s) for s in shapes]
        f.add("Einsum", xs, opset=12, equation=eq, tol=5e-6, expect=[np.asarray(np.einsum(eq, *[x.astype(f64) for x in xs])).astype(f32)])
    # recurrent, grids, blocks
    for op, gates in (("LSTM", 4), ("GRU", 3)):
        for direction, n in (("forward", 1), ("bidirectional", 2)):
            more = {"linear_before_reset": 1} if op == "GRU" else {}
            f.add(op, [r(5, 2, 4, lo=-1, hi=1), C(r(n, gates * 3, 4, lo=-1, hi=1)), C(r(n, gates * 3, 3, lo=-1, hi=1)), C(r(n, gates * 6, lo=-1, hi=1))], opset=14, outputs=2, hidden_size=3, direction=direction, tol=5e-6, **more)
    for mode in ("linear", "nearest"):
        for corners in (0, 1):
            f.add("GridSample", [r(1, 2, 3, 4, 5), r(1, 2, 3, 4, 3, lo=-1.2, hi=1.2)], opset=20, mode=mode, align_corners=corners, tol=2e-5)
    f.add("AffineGrid", [r(2, 2, 3, lo=-1, hi=1), C(np.array([2, 3, 4, 5], i64))], opset=20, align_corners=1, tol=2e-6)
    f.add("Col2Im", [r(2, 12, 12), C(np.array([5, 6], i64)), C(np.array([2, 3], i64))], opset=18, strides=[2, 1], pads=[1, 0, 0, 0], dilations=[1, 1], tol=2e-6)
    f.add("CenterCropPad", [r(5, 6, 3), C(np.array([8, 3], i64))], opset=18, axes=[0, 1])
    f.add("ReverseSequence", [r(4, 3, 2), np.array([1, 4, 2], i64)], opset=10)
    f.add("BitShift", [r(30, dtype=u8, lo=0, hi=255), r(30, dtype=u8, lo=0, hi=9)], opset=11, direction="LEFT")


def attention(q, k, v, mask, causal):
    q, k, v = (x.astype(f64) for x in (q, k, v))
    k, v = (np.repeat(x, q.shape[1] // x.shape[1], 1) for x in (k, v))
    s = q @ k.swapaxes(2, 3) / np.sqrt(q.shape[3])
    if mask is not None:
        s = s + mask
    if causal:
        s = np.where(np.tri(s.shape[2], s.shape[3], dtype=bool), s, -np.inf)
    e = np.exp(s - s.max(3, keepdims=True))
    return (e / e.sum(3, keepdims=True) @ v).astype(f32)


def deform(x, w, shift, bias, mask, groups, offset_groups):
    (n, c, h, ww), (m, _, kh, kw) = x.shape, w.shape
    pad = np.zeros((n, c, h + 8, ww + 8))
    pad[:, :, 4:-4, 4:-4] = x
    y = np.zeros((n, m, h, ww)) + bias[:, None, None].astype(f64)
    for b, o, i, j in np.ndindex(n, m, h, ww):
        for q in range(c // groups):
            ch = o // (m // groups) * (c // groups) + q
            og = ch // (c // offset_groups)
            for t in range(kh * kw):
                dy, dx = (f64(shift[b, (og * kh * kw + t) * 2 + a, i, j]) for a in (0, 1))
                py, px = i - 1 + t // kw + dy + 4, j - 1 + t % kw + dx + 4
                y0, x0 = int(np.floor(py)), int(np.floor(px))
                fy, fx = py - y0, px - x0
                p = pad[b, ch]
                v = (p[y0, x0] * (1 - fx) + p[y0, x0 + 1] * fx) * (1 - fy) + (p[y0 + 1, x0] * (1 - fx) + p[y0 + 1, x0 + 1] * fx) * fy
                y[b, o, i, j] += v * w[o, q, t // kw, t % kw] * mask[b, og * kh * kw + t, i, j]
    return y.astype(f32)


FAMILIES = [elementwise, shape, pool, resize, matmul, reduce, gather, rare, regroup, quant, vision]
for make in FAMILIES:
    if len(sys.argv) > 1 and make.__name__ not in sys.argv[1:]:
        continue
    rng = np.random.default_rng(7)
    family = Family(make.__name__)
    make(family)
    family.write()
