#!/usr/bin/env python3
"""Makes tiny.onnx: a detector of three convolutions with random weights, for tests of `fovea quantize`. Usage: make_tiny.py OUT.onnx"""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

rng = np.random.default_rng(5)
weights, nodes = [], []


def constant(name, array):
    weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
    return name


def conv(name, x, cout, cin, k, stride):
    w = constant(name + ".w", (rng.standard_normal((cout, cin, k, k)) * (2 / (cin * k * k)) ** 0.5).astype(np.float32))
    b = constant(name + ".b", (rng.standard_normal(cout) * 0.3).astype(np.float32))
    nodes.append(helper.make_node("Conv", [x, w, b], [name], name=name, kernel_shape=[k, k], pads=[k // 2] * 4, strides=[stride, stride]))
    return name


def node(op, inputs, out, **attributes):
    nodes.append(helper.make_node(op, inputs, [out], name=out, **attributes))
    return out


x = node("Relu", [conv("stem", "images", 8, 3, 3, 4)], "a")
x = node("Relu", [conv("neck", x, 16, 8, 3, 1)], "b")
x = node("Reshape", [conv("head", x, 6, 16, 1, 1), constant("shape", np.array([1, 6, 64], np.int64))], "flat")
nodes.append(helper.make_node("Split", [x, constant("parts", np.array([4, 2], np.int64))], ["box", "class"], name="split", axis=1))
x = node("Mul", [node("Sigmoid", ["box"], "box01"), constant("side", np.array(32, np.float32))], "pixels")
node("Concat", [x, node("Sigmoid", ["class"], "score")], "output0", axis=1)
graph = helper.make_graph(nodes, "tiny", [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 32, 32])],
                          [helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 6, 64])], weights)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
helper.set_model_props(model, {"task": "detect", "names": "{0: 'person', 1: 'dog'}", "stride": "32", "imgsz": "[32, 32]"})
onnx.checker.check_model(model, full_check=True)
onnx.save(model, sys.argv[1])
