#!/usr/bin/env python3
"""Writes tests/data/onnx-ok and tests/data/onnx-bad: tiny models with random weights, one outcome each.

onnx-ok: import, infer and rewrite must work, and the shapes of the outputs must be the ones that ONNX's own shape
inference wrote into the file. onnx-bad: what is wrong is the file's name; the expected texts are in
tests/unit/model_onnx/test_bad.c. Needs the Python packages onnx and numpy. Deterministic."""
import os
import struct
import sys

import numpy as np
import onnx
from onnx import TensorProto as TP
from onnx import helper as h
from onnx import numpy_helper as nh

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "data")
OK, BAD = os.path.join(ROOT, "onnx-ok"), os.path.join(ROOT, "onnx-bad")
rng = np.random.default_rng(1)


def w(name, *shape, dtype=np.float32):
    return nh.from_array((rng.standard_normal(shape) * 0.5).astype(dtype), name)


def ints(name, *v, dtype=np.int64):
    return nh.from_array(np.array(v, dtype), name)


def floats(name, *v):
    return nh.from_array(np.array(v, np.float32), name)


def port(name, shape, dtype=TP.FLOAT):
    return h.make_tensor_value_info(name, dtype, shape)


def n(op, ins, outs, **attrs):
    return h.make_node(op, ins.split(), outs.split(), name=attrs.pop("name", op + "_" + outs.split()[0]), **attrs)


def model(nodes, inputs, outputs, inits=(), opset=17, ir=8, check=True, domains=()):
    """outputs: names; their types come from ONNX's shape inference."""
    g = h.make_graph(nodes, "tiny", inputs, [o if not isinstance(o, str) else onnx.ValueInfoProto(name=o) for o in outputs], list(inits))
    m = h.make_model(g, opset_imports=[h.make_opsetid("", opset), *domains], ir_version=ir, producer_name="make_onnx_tests")
    if check:
        m = onnx.shape_inference.infer_shapes(m, strict_mode=True, data_prop=True)
        del m.graph.value_info[:]
    return m


def save(folder, name, m):
    data = m if isinstance(m, bytes) else m.SerializeToString(deterministic=True)
    with open(os.path.join(folder, name + ".onnx"), "wb") as f:
        f.write(data)
    return data


X = [port("x", [1, 4, 8, 8])]


def conv_bn_silu(opset):
    inits = [w("w", 4, 4, 3, 3), w("s", 4), w("b", 4), w("m", 4), nh.from_array(np.ones(4, np.float32), "v")]
    nodes = [n("Conv", "x w", "c", kernel_shape=[3, 3], pads=[1, 1, 1, 1]), n("BatchNormalization", "c s b m v", "d", epsilon=1e-3), n("Sigmoid", "d", "e"), n("Mul", "d e", "f"), n("Add", "f x", "y")]
    old = opset == 7  # IR version 3 lists initialisers as inputs
    listed = [port(t.name, list(t.dims)) for t in inits] if old else []
    return model(nodes, X + listed, ["y"], inits, opset=opset, ir=3 if old else 8)


def ok_vision():
    for opset in (7, 11, 17, 24):
        save(OK, f"conv_bn_silu_opset{opset}", conv_bn_silu(opset))
    save(OK, "conv_auto_pad", model(
        [n("Conv", "x w", "a", auto_pad="SAME_UPPER", strides=[2, 2]), n("Conv", "a w", "b", auto_pad="SAME_LOWER"), n("Conv", "b w", "c", auto_pad="VALID"),
         n("Conv", "x w", "d", pads=[2, 0, 1, 3], strides=[2, 1], dilations=[2, 1])], X, ["b", "c", "d"], [w("w", 4, 4, 3, 3)]))
    save(OK, "conv_groups", model([n("Conv", "x w b", "a", group=4, pads=[1, 1, 1, 1]), n("Conv", "a v", "y", group=2)], X, ["y"], [w("w", 8, 1, 3, 3), w("b", 8), w("v", 6, 4, 1, 1)]))
    save(OK, "conv_transpose", model(
        [n("ConvTranspose", "x w", "a", strides=[2, 2], kernel_shape=[2, 2]), n("ConvTranspose", "x v", "b", strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1]),
         n("ConvTranspose", "x v", "c", strides=[2, 2], auto_pad="SAME_UPPER"), n("ConvTranspose", "x v", "d", output_shape=[9, 9])], X, ["a", "b", "c", "d"], [w("w", 4, 3, 2, 2), w("v", 4, 5, 3, 3)]))
    save(OK, "pools", model(
        [n("MaxPool", "x", "a", kernel_shape=[5, 5], pads=[2, 2, 2, 2]), n("MaxPool", "x", "b", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
         n("AveragePool", "x", "c", kernel_shape=[2, 2], strides=[2, 2]), n("AveragePool", "x", "d", kernel_shape=[3, 3], auto_pad="SAME_UPPER", strides=[3, 3]),
         n("GlobalAveragePool", "x", "e")], X, ["a", "b", "c", "d", "e"]))
    save(OK, "upsample_opset9", model([n("Upsample", "x s", "y", mode="nearest")], X, ["y"], [floats("s", 1, 1, 2, 2)], opset=9))
    save(OK, "resize_opset10", model([n("Resize", "x s", "y", mode="nearest")], X, ["y"], [floats("s", 1, 1, 1.5, 2)], opset=10))
    save(OK, "resize_opset13", model([n("Resize", "x r s", "y", mode="linear"), n("Resize", "x r e z", "q", mode="nearest")], X, ["y", "q"],
                                     [floats("r"), floats("s", 1, 1, 2, 0.5), floats("e"), ints("z", 1, 4, 5, 7)], opset=13))
    save(OK, "resize_opset18_axes", model(
        [h.make_node("Resize", ["x", "", "s"], ["y"], axes=[2, 3]), h.make_node("Resize", ["x", "", "", "z"], ["q"], axes=[3, 2], keep_aspect_ratio_policy="not_larger")],
        X, ["y", "q"], [floats("s", 2, 2), ints("z", 24, 16)], opset=18))


def ok_moves():
    save(OK, "reshape_forms", model([n("Reshape", "x a", "p"), n("Reshape", "p b", "q"), n("Flatten", "x", "r", axis=2), n("Reshape", "x c", "s", allowzero=1)], X, ["p", "q", "r", "s"],
                                    [ints("a", 0, 2, -1, 8), ints("b", -1), ints("c", 4, 64)]))
    save(OK, "squeeze_opset11", model([n("Unsqueeze", "x", "a", axes=[0, -1]), n("Squeeze", "a", "b", axes=[0]), n("Squeeze", "b", "y")], X, ["a", "b", "y"], opset=11))
    save(OK, "squeeze_opset13", model([n("Unsqueeze", "x i", "a"), n("Squeeze", "a j", "b"), n("Squeeze", "b", "y")], X, ["a", "b", "y"], [ints("i", 0, -1), ints("j", 0)], opset=13))
    save(OK, "split_opset11", model([n("Split", "x", "a b", axis=1), n("Split", "x", "c d", axis=-1, split=[3, 5])], X, ["a", "b", "c", "d"], opset=11))
    save(OK, "split_opset13", model([n("Split", "x", "a b", axis=1), n("Split", "x s", "c d", axis=-1)], X, ["a", "b", "c", "d"], [ints("s", 3, 5)], opset=13))
    save(OK, "split_opset18_uneven", model([n("Split", "x", "a b c", axis=2, num_outputs=3)], X, ["a", "b", "c"], opset=18))
    save(OK, "slice_opset9", model([n("Slice", "x", "y", starts=[1, -3], ends=[3, 100], axes=[1, 3])], X, ["y"], opset=9))
    save(OK, "slice_opset10", model([n("Slice", "x a b c d", "y"), n("Slice", "x e f c g", "z")], X, ["y", "z"],
                                    [ints("a", 0, 1), ints("b", 2**63 - 1, 7), ints("c", 2, 3), ints("d", 2, 3), ints("e", -1, 7), ints("f", -2**63, 0), ints("g", -1, -2)]))
    save(OK, "concat_transpose", model([n("Concat", "x x x", "a", axis=-3), n("Transpose", "a", "b", perm=[0, 2, 3, 1]), n("Transpose", "b", "y")], X, ["a", "b", "y"]))
    save(OK, "tile_expand", model([n("Tile", "x r", "a"), n("Expand", "x e", "b")], X, ["a", "b"], [ints("r", 1, 2, 1, 3), ints("e", 5, 1, 4, 1, 8)]))
    save(OK, "pad_opset10", model([n("Pad", "x", "y", pads=[0, 0, 1, 2, 0, 0, 3, -4])], X, ["y"], opset=10))
    save(OK, "pad_opset18_axes", model([n("Pad", "x p v a", "y")], X, ["y"], [ints("p", 1, 2, 3, 4), nh.from_array(np.float32(0), "v"), ints("a", -1, 1)], opset=18))
    save(OK, "shape_chain", model(
        [n("Shape", "x", "s"), n("Gather", "s i", "b"), n("Concat", "b m", "t", axis=0), n("Reshape", "x t", "y"), n("Shape", "x", "z", start=1, end=-1)],
        X, ["y", "z"], [ints("i", 0), ints("m", 4, -1)]))
    save(OK, "constant_of_shape_range", model(
        [n("ConstantOfShape", "s", "a", value=nh.from_array(np.array([7], np.int64))), n("Range", "p q r", "b"), n("Add", "x f", "y")],
        X, ["a", "b", "y"], [ints("s", 2, 3), nh.from_array(np.int64(1), "p"), nh.from_array(np.int64(10), "q"), nh.from_array(np.int64(4), "r"), floats("f", 1)]))


def ok_maths():
    save(OK, "arithmetic", model(
        [n("Add", "x c", "a"), n("Sub", "a c", "b"), n("Mul", "b c", "d"), n("Div", "d c", "e"), n("Pow", "e k", "f"), n("Max", "f x c", "g"), n("Min", "g x", "i"),
         n("Equal", "i x", "j"), n("Greater", "x c", "l"), n("Less", "x c", "o"), n("And", "l o", "p"), n("Not", "p", "q"), n("Where", "q x c", "y"), n("Cast", "q", "r", to=TP.INT64)],
        X, ["y", "j", "r"], [w("c", 4, 1, 1), nh.from_array(np.float32(2), "k")]))
    unary = "Abs Ceil Erf Exp Floor HardSigmoid HardSwish Identity LeakyRelu Log Neg Reciprocal Relu Sigmoid Sqrt Tanh".split()
    save(OK, "unary", model([n(op, f"t{i}" if i else "x", f"t{i + 1}") for i, op in enumerate(unary)], X, [f"t{len(unary)}"]))
    save(OK, "clip_opset6_attributes", model([n("Clip", "x", "y", min=0.0, max=6.0)], X, ["y"], opset=10))
    save(OK, "clip_opset11", model([n("Clip", "x lo hi", "a"), h.make_node("Clip", ["x", "", "hi"], ["b"]), n("PRelu", "x s", "c")], X, ["a", "b", "c"],
                                   [nh.from_array(np.float32(0), "lo"), nh.from_array(np.float32(6), "hi"), w("s", 4, 1, 1)], opset=12))
    save(OK, "matmul_forms", model(
        [n("MatMul", "p m", "a"), n("MatMul", "p v", "b"), n("MatMul", "v q", "c"), n("MatMul", "p r", "d")],
        [port("p", [1, 2, 5, 3]), port("q", [1, 2, 3, 7]), port("r", [4, 1, 2, 3, 6])], ["a", "b", "c", "d"], [w("m", 3, 7), w("v", 3)]))
    save(OK, "gemm", model([n("Gemm", "a b c", "y", transB=1, alpha=0.5), n("Gemm", "a a", "z", transA=1)], [port("a", [2, 3])], ["y", "z"], [w("b", 5, 3), w("c", 5)]))
    save(OK, "softmax_opset12", model([n("Softmax", "x", "y")], X, ["y"], opset=12))
    save(OK, "softmax_opset13", model([n("Softmax", "x", "y", axis=1)], X, ["y"], opset=13))
    save(OK, "reduce_opset11", model([n("ReduceMean", "x", "a", axes=[2, 3]), n("ReduceMax", "x", "b", axes=[-1], keepdims=0), n("ReduceSum", "x", "c"), n("ArgMax", "x", "d", axis=1, keepdims=0)],
                                     X, ["a", "b", "c", "d"], opset=11))
    save(OK, "reduce_opset18", model([n("ReduceMean", "x i", "a"), n("ReduceMin", "x i", "b", keepdims=0), n("ReduceSum", "x", "c", noop_with_empty_axes=1)], X, ["a", "b", "c"], [ints("i", 2, 3)], opset=18))
    save(OK, "topk_opset9", model([n("TopK", "x", "a b", k=3)], X, ["a", "b"], opset=9))
    save(OK, "topk_opset11", model([n("TopK", "x k", "a b", axis=1)], X, ["a", "b"], [ints("k", 2)], opset=11))
    save(OK, "gather_forms", model([n("Gather", "x i", "a", axis=1), n("Gather", "x s", "b", axis=-1), n("GatherElements", "x j", "c", axis=3)], X, ["a", "b", "c"],
                                   [ints("i", 0, 2), nh.from_array(np.int64(3), "s"), nh.from_array(np.zeros((1, 4, 8, 2), np.int64), "j")]))
    save(OK, "mod_gelu", model([n("Mod", "i k", "a"), n("Gelu", "x", "y")], [*X, port("i", [3], TP.INT64)], ["a", "y"], [ints("k", 2)], opset=20))


def ok_heads():
    """The end-to-end tail: pick the best K of 20 boxes, as exported for one image."""
    nodes = [n("Split", "x s", "box cls", axis=-1), n("ReduceMax", "cls", "m", axes=[-1], keepdims=0), n("TopK", "m k", "v i", axis=-1), n("Unsqueeze", "i last", "iu"),
             n("Flatten", "iu", "flat", axis=2), n("Tile", "iu r3", "it"), n("GatherElements", "cls it", "c", axis=1), n("Flatten", "c", "cf", axis=1), n("TopK", "cf k", "score j", axis=-1),
             n("Div", "j three", "row"), n("Mod", "j three", "col"), n("Gather", "flat row", "sel", axis=0), n("Tile", "sel r4", "sel4"), n("GatherElements", "box sel4", "b", axis=1),
             n("Unsqueeze", "score last", "su"), n("Unsqueeze", "col last", "cu"), n("Cast", "cu", "cfl", to=TP.FLOAT), n("Concat", "b su cfl", "y", axis=-1)]
    inits = [ints("s", 4, 3), ints("k", 5), ints("last", -1), ints("r3", 1, 1, 3), ints("r4", 1, 1, 4), nh.from_array(np.int64(3), "three")]
    save(OK, "end_to_end_tail", model(nodes, [port("x", [1, 20, 7])], ["y"], inits))
    nodes = [n("Conv", "x wq", "q"), n("Reshape", "q s1", "r"), n("Split", "r sp", "a b c", axis=2), n("Transpose", "a", "at", perm=[0, 1, 3, 2]), n("MatMul", "at b", "mm"),
             n("Mul", "mm scale", "ms"), n("Softmax", "ms", "sm", axis=-1), n("Transpose", "sm", "st", perm=[0, 1, 3, 2]), n("MatMul", "c st", "o"), n("Reshape", "o s2", "p"),
             n("Reshape", "c s2", "cr"), n("Conv", "cr pe", "pp", group=8, pads=[1, 1, 1, 1]), n("Add", "p pp", "y")]
    save(OK, "attention", model(nodes, X, ["y"], [w("wq", 16, 4, 1, 1), w("pe", 8, 1, 3, 3), ints("s1", 1, 2, 8, 64), ints("s2", 1, 8, 8, 8), ints("sp", 2, 2, 4), nh.from_array(np.float32(0.5), "scale")]))


def ok_file_forms():
    kinds = [(TP.FLOAT, np.float32), (TP.UINT8, np.uint8), (TP.INT8, np.int8), (TP.UINT16, np.uint16), (TP.INT16, np.int16), (TP.INT32, np.int32), (TP.INT64, np.int64),
             (TP.BOOL, np.bool_), (TP.UINT32, np.uint32), (TP.UINT64, np.uint64), (TP.DOUBLE, np.float64), (TP.FLOAT16, np.float16)]
    raw, typed = [], []
    for i, (t, d) in enumerate(kinds):
        v = np.array([0, 1, 2, 5], d) if t != TP.BOOL else np.array([0, 1, 1, 0], d)
        raw.append(nh.from_array(v, f"raw{i}"))
        typed.append(h.make_tensor(f"typed{i}", t, [4], v.tolist()))
    names = [t.name for t in raw + typed]
    nodes = [n("Identity", a, "o_" + a) for a in names] + [n("Relu", "x", "y")]
    m = model(nodes, X, ["y"] + ["o_" + a for a in names], raw + typed)
    for o in m.graph.output:  # computed as float32
        if o.type.tensor_type.elem_type in (TP.DOUBLE, TP.FLOAT16):
            o.type.tensor_type.elem_type = TP.FLOAT
    save(OK, "tensor_types", m)
    bf = TP(name="bf", data_type=TP.BFLOAT16, dims=[2], raw_data=struct.pack("<HH", 0x3F80, 0xC000))
    save(OK, "bfloat16", model([n("Cast", "bf", "c", to=TP.FLOAT), n("Add", "x c", "y")], [port("x", [3, 2])], ["y"], [bf]))
    consts = [n("Constant", "", "a", value=w("t", 4, 1, 1)), n("Constant", "", "b", value_float=2.0), n("Constant", "", "c", value_floats=[1.0] * 8), n("Constant", "", "d", value_ints=[1, 4, 64]),
              n("Constant", "", "e", value_int=1)]
    save(OK, "constant_forms", model([*consts, n("Add", "x a", "f"), n("Mul", "f b", "g"), n("Add", "g c", "i"), n("Reshape", "i d", "y"), n("Gather", "y e", "z", axis=1)], X, ["y", "z"], opset=13))
    m = model([n("Relu", "b", "y"), n("Sigmoid", "x", "a"), n("Exp", "a", "b")], X, [port("y", [1, 4, 8, 8])], check=False)
    save(OK, "unsorted_nodes", m)
    save(OK, "dropout", model([n("Dropout", "x", "a"), n("Dropout", "a r", "b"), n("Relu", "b", "y")], X, ["y"], [nh.from_array(np.float32(0.5), "r")], opset=13))
    m = model([n("Conv", "x w", "a", pads=[1, 1, 1, 1]), n("Sigmoid", "a", "y")], [port("x", ["batch", 4, "height", "width"])], ["y"], [w("w", 6, 4, 3, 3)])
    for k, v in (("names", "{0: 'person', 1: \"it's\"}"), ("stride", "32"), ("task", "detect"), ("empty", "")):
        m.metadata_props.add(key=k, value=v)
    save(OK, "symbolic_metadata", m)
    big = np.arange(64, dtype=np.float32)
    t = TP(name="w", data_type=TP.FLOAT, dims=[4, 1, 1], data_location=TP.EXTERNAL)
    for k, v in (("location", "external.bin"), ("offset", "64"), ("length", "16")):
        t.external_data.add(key=k, value=v)
    save(OK, "external_data", model([n("Add", "x w", "y")], X, ["y"], [t]))
    with open(os.path.join(OK, "external.bin"), "wb") as f:
        f.write(big.tobytes())


def bad_structure():
    relu = [n("Relu", "x", "y")]
    good = model(relu, X, ["y"]).SerializeToString(deterministic=True)
    save(BAD, "cut_short", good[: len(good) * 2 // 3])
    for name, data in (("empty", b""), ("pytorch_zip", b"PK\x03\x04" + b"archive/data.pkl" * 4), ("pytorch_pickle", b"\x80\x02\x8a\x0al\xfc\x9c"), ("tensorrt", b"ftrt" + bytes(60)),
                       ("tensorrt_ultralytics", struct.pack("<I", 40) + b'{"description": "Ultralytics YOLOv8n"}' + bytes(40)), ("web_page", b"\n<!DOCTYPE html><html><body>404</body></html>"),
                       ("plain_text", b"weights are on the shared drive\n"), ("git_lfs", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"), ("noise", bytes(rng.integers(128, 256, 300, np.uint8)))):
        save(BAD, name, data)
    save(BAD, "opset_old", model(relu, X, ["y"], opset=6))
    save(BAD, "opset_new", model(relu, X, [port("y", [1, 4, 8, 8])], opset=99, check=False))
    save(BAD, "opset_missing", onnx.ModelProto(ir_version=8, graph=model(relu, X, ["y"]).graph))
    save(BAD, "no_graph", onnx.ModelProto(ir_version=8, opset_import=[h.make_opsetid("", 17)]))
    save(BAD, "two_graphs", good + onnx.ModelProto(graph=model(relu, X, ["y"]).graph).SerializeToString())
    f = lambda nodes, inputs=X, outputs=("y",), inits=(), **k: model(nodes, inputs, [port(o, None) for o in outputs], inits, check=False, **k)
    save(BAD, "unsupported_operators", f([n("Relu", "x", "a"), n("StringNormalizer", "a", "b", name="text"), n("SequenceAt", "b a", "c"), n("SequenceAt", "c a", "y")]))
    save(BAD, "unknown_domain", f([h.make_node("FusedConv", ["x"], ["y"], name="fused", domain="com.microsoft")], domains=[h.make_opsetid("com.microsoft", 1)]))
    sub = h.make_graph([n("Relu", "x", "s")], "then", [], [port("s", None)])
    save(BAD, "control_flow", f([n("If", "c", "y", then_branch=sub, else_branch=sub)], [*X, port("c", [], TP.BOOL)]))
    save(BAD, "subgraph_attribute", f([n("Relu", "x", "y", body=sub)]))
    save(BAD, "operator_too_new", f([n("Gelu", "x", "y")], opset=17))
    save(BAD, "cycle", f([n("Add", "x b", "a"), n("Relu", "a", "b"), n("Relu", "b", "y")]))
    save(BAD, "defined_twice", f([n("Relu", "x", "y"), n("Sigmoid", "x", "y")]))
    save(BAD, "missing_value", f([n("Add", "x nothing", "y")]))
    save(BAD, "missing_output", f(relu, outputs=("z",)))
    save(BAD, "output_twice", f(relu, outputs=("y", "y")))
    save(BAD, "no_outputs", f(relu, outputs=()))
    save(BAD, "mask_output", f([n("Dropout", "x", "y mask")], outputs=("y", "mask"), opset=13))
    save(BAD, "too_few_inputs", f([n("Conv", "x", "y")]))
    save(BAD, "too_many_inputs", f([n("Relu", "x x", "y")]))
    save(BAD, "missing_required_input", f([h.make_node("Conv", ["", "x"], ["y"])]))
    save(BAD, "nameless_input", f(relu, [port("", [1]), *X]))
    save(BAD, "null_in_name", f([n("Relu", "x", "a\0b")], outputs=("a\0b",)))
    save(BAD, "sequence_input", f(relu, [h.make_tensor_sequence_value_info("x", TP.FLOAT, [1])]))
    save(BAD, "string_input", f(relu, [port("x", [1], TP.STRING)]))
    save(BAD, "float8_input", f(relu, [port("x", [1], TP.FLOAT8E4M3FN)]))
    save(BAD, "too_many_dimensions", f(relu, [port("x", [1] * 9)]))
    save(BAD, "untyped_input", f(relu, [onnx.ValueInfoProto(name="x")]))
    s = onnx.SparseTensorProto(values=w("sv", 1), indices=ints("si", 0), dims=[4])
    m = f(relu)
    m.graph.sparse_initializer.append(s)
    save(BAD, "sparse_initialiser", m)


def bad_tensors():
    f = lambda t: model([n("Add", "x w", "y")], X, [port("y", None)], [t], check=False)
    save(BAD, "tensor_too_short", f(TP(name="w", data_type=TP.FLOAT, dims=[4, 1, 1], raw_data=bytes(15))))
    save(BAD, "tensor_too_long", f(TP(name="w", data_type=TP.FLOAT, dims=[1], raw_data=bytes(8))))
    save(BAD, "tensor_typed_too_short", f(TP(name="w", data_type=TP.FLOAT, dims=[4], float_data=[1, 2, 3])))
    save(BAD, "tensor_no_data", f(TP(name="w", data_type=TP.FLOAT, dims=[1 << 20])))
    save(BAD, "tensor_negative_dim", f(TP(name="w", data_type=TP.FLOAT, dims=[-4], raw_data=bytes(16))))
    save(BAD, "tensor_huge", f(TP(name="w", data_type=TP.FLOAT, dims=[1 << 40, 1 << 40], raw_data=bytes(16))))
    save(BAD, "tensor_strings", f(TP(name="w", data_type=TP.STRING, dims=[1], string_data=[b"a"])))
    save(BAD, "tensor_unknown_type", f(TP(name="w", data_type=77, dims=[1], raw_data=bytes(4))))
    save(BAD, "tensor_many_dims", f(TP(name="w", data_type=TP.FLOAT, dims=[1] * 9, raw_data=bytes(4))))

    def external(**entries):
        t = TP(name="w", data_type=TP.FLOAT, dims=[4, 1, 1], data_location=TP.EXTERNAL)
        for k, v in entries.items():
            t.external_data.add(key=k, value=v)
        return f(t)
    save(BAD, "external_absolute", external(location="/etc/passwd"))
    save(BAD, "external_parent", external(location="../onnx-ok/external.bin"))
    save(BAD, "external_hidden_parent", external(location="a/../../onnx-ok/external.bin"))
    save(BAD, "external_missing", external(location="nowhere.bin"))
    save(BAD, "external_nowhere", external(offset="0"))
    save(BAD, "external_past_end", external(location="empty.onnx", offset="4", length="16"))
    save(BAD, "external_bad_offset", external(location="empty.onnx", offset="-4"))
    save(BAD, "external_wrong_length", external(location="git_lfs.onnx", offset="0", length="12"))


def bad_shapes():
    f = lambda nodes, inits=(), x=(1, 4, 8, 8), out="y", **k: model(nodes, [port("x", x)], [port(out, None)], inits, check=False, **k)
    save(BAD, "infer_conv_channels", f([n("Conv", "x w", "y", name="stem")], [w("w", 4, 3, 3, 3)]))
    save(BAD, "infer_conv_window", f([n("Conv", "x w", "y")], [w("w", 4, 4, 9, 9)]))
    save(BAD, "infer_conv_stride", f([n("Conv", "x w", "y", strides=[0, 1])], [w("w", 4, 4, 3, 3)]))
    save(BAD, "infer_conv_pads", f([n("Conv", "x w", "y", pads=[1, 1])], [w("w", 4, 4, 3, 3)]))
    save(BAD, "infer_conv_groups", f([n("Conv", "x w", "y", group=3)], [w("w", 4, 4, 3, 3)]))
    save(BAD, "infer_conv_bias", f([n("Conv", "x w b", "y")], [w("w", 4, 4, 3, 3), w("b", 5)]))
    save(BAD, "infer_broadcast", f([n("Add", "x c", "y")], [w("c", 3, 1, 1)]))
    save(BAD, "infer_types", f([n("Add", "x c", "y")], [ints("c", 1)]))
    save(BAD, "infer_concat", f([n("Concat", "x c", "y", axis=1)], [w("c", 1, 4, 8, 9)]))
    save(BAD, "infer_concat_axis", f([n("Concat", "x x", "y", axis=4)]))
    save(BAD, "infer_split_sum", f([n("Split", "x s", "y z", axis=1)], [ints("s", 2, 3)]))
    save(BAD, "infer_split_uneven", f([n("Split", "x", "y z q", axis=1)], opset=13))
    save(BAD, "infer_reshape_count", f([n("Reshape", "x s", "y")], [ints("s", 1, 100)]))
    save(BAD, "infer_reshape_two_rests", f([n("Reshape", "x s", "y")], [ints("s", -1, -1)]))
    save(BAD, "infer_reshape_copy", f([n("Reshape", "x s", "y")], [ints("s", 0, 0, 0, 0, 0)]))
    save(BAD, "infer_transpose", f([n("Transpose", "x", "y", perm=[0, 1, 1, 2])]))
    save(BAD, "infer_topk", f([n("TopK", "x k", "y i")], [ints("k", 9)]))
    save(BAD, "infer_gather_type", f([n("Gather", "x i", "y")], [floats("i", 0)]))
    save(BAD, "infer_slice_step", f([n("Slice", "x a b a z", "y")], [ints("a", 1), ints("b", 2), ints("z", 0)]))
    save(BAD, "infer_slice_empty", f([n("Slice", "x a a a", "y")], [ints("a", 3)]))
    save(BAD, "infer_matmul", f([n("MatMul", "x m", "y")], [w("m", 7, 2)]))
    save(BAD, "infer_cast", f([n("Cast", "x", "y", to=TP.STRING)]))
    save(BAD, "infer_huge", f([n("Tile", "x r", "y")], [ints("r", 1 << 20, 1 << 20, 1, 1)]))
    save(BAD, "infer_range", f([n("Range", "a b c", "r"), n("Add", "x r", "y")], [floats("q", 0), nh.from_array(np.float32(0), "a"), nh.from_array(np.float32(1), "b"), nh.from_array(np.float32(0), "c")]))
    save(BAD, "infer_resize", f([h.make_node("Resize", ["x", "", "s"], ["y"])], [floats("s", 1, 1, 0, 1)]))
    save(BAD, "infer_no_rank", model([n("Relu", "x", "y")], [port("x", None)], [port("y", None)], check=False))


def main():
    for d in (OK, BAD):
        os.makedirs(d, exist_ok=True)
        for name in os.listdir(d):
            os.remove(os.path.join(d, name))
    for make in (ok_vision, ok_moves, ok_maths, ok_heads, ok_file_forms, bad_structure, bad_tensors, bad_shapes):
        make()
    total = sum(os.path.getsize(os.path.join(d, f)) for d in (OK, BAD) for f in os.listdir(d))
    print(f"{len(os.listdir(OK))} good and {len(os.listdir(BAD))} bad files, {total} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
