"""Makes tiny_fixed.onnx, tiny_batch.onnx and tiny_moving.onnx: networks with the outputs of a YOLOv8 detector of two classes at 32x32 (21 anchors) whose one
box is always the same and whose confidence is the mean of the input, so that tests can tell frames apart; tiny_moving's box is always sure, and goes to the right as frames get brighter. Needs the onnx package."""
import os
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

here = os.path.dirname(os.path.abspath(__file__))
scale = np.zeros((1, 6, 21), np.float32)
offset = np.zeros((1, 6, 21), np.float32)
scale[0, 5, 7] = 1  # class 1 of anchor 7: the mean of the input
offset[0, :4, 7] = (16, 12, 8, 16)  # cx, cy, w, h in network pixels
moving = np.zeros((1, 6, 21), np.float32), offset.copy()
moving[0][0, 0, 7] = 32  # cx: the mean of the input
moving[1][0, [0, 5], 7] = (0, 0.9)
for name, batch in (("tiny_fixed", 1), ("tiny_batch", "batch"), ("tiny_moving", 1)):
    scale, offset = moving if name == "tiny_moving" else (scale, offset)
    graph = helper.make_graph(
        [helper.make_node("ReduceMean", ["images"], ["rows"], axes=[3], keepdims=0),
         helper.make_node("ReduceMean", ["rows"], ["mean"], axes=[1, 2], keepdims=1),
         helper.make_node("Mul", ["mean", "scale"], ["scores"]),
         helper.make_node("Add", ["scores", "offset"], ["output0"])],
        name,
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [batch, 3, 32, 32])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, [batch, 6, 21])],
        [numpy_helper.from_array(scale, "scale"), numpy_helper.from_array(offset, "offset")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="test")
    model.ir_version = 8
    for key, value in {"task": "detect", "stride": "32", "imgsz": "[32, 32]", "names": "{0: 'cat', 1: 'dog'}"}.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.checker.check_model(model)
    onnx.save(model, os.path.join(here, name + ".onnx"))
