"""Makes small networks whose answers can be said by hand, so that tests can tell frames apart. Needs the onnx package.

tiny_fixed.onnx, tiny_batch.onnx: the outputs of a YOLOv8 detector of two classes at 32x32 (21 anchors) whose one box is always the same and whose
confidence is the mean of the input. tiny_moving.onnx: its box is always sure, and goes to the right as frames get brighter. tiny_pose.onnx, tiny_segment.onnx: the same of one class, with two keypoints, with a mask of the box's left half.
tiny_spots.onnx: 160x160, a box of 8x8 on every 8x8 pixels that are bright. tiny_classify.onnx: classes red, green and blue, whose probabilities are the means of the channels."""
import os
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

here = os.path.dirname(os.path.abspath(__file__))
BOX, ANCHOR = (16, 12, 8, 16), 7  # cx, cy, w, h in network pixels


def save(name, nodes, outputs, constants, meta, batch=1, side=32):
    graph = helper.make_graph(nodes, name, [helper.make_tensor_value_info("images", TensorProto.FLOAT, [batch, 3, side, side])],
                              [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in outputs],
                              [numpy_helper.from_array(v if isinstance(v, np.ndarray) and v.dtype == np.int64 else np.asarray(v, np.float32), n) for n, v in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="test")
    model.ir_version = 8
    for key, value in {"task": meta["task"], "stride": "32", "imgsz": f"[{side}, {side}]", **meta}.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.checker.check_model(model)
    onnx.save(model, os.path.join(here, name + ".onnx"))


def boxes(name, classes, class_id, extras, meta, more_nodes=(), more_outputs=(), more_constants=None, batch=1, moving=False):
    rows = 4 + classes + len(extras)
    scale, offset = np.zeros((2, 1, rows, 21), np.float32)
    offset[0, :4, ANCHOR] = BOX
    if moving:
        scale[0, 0, ANCHOR] = 32  # cx: the mean of the input
        offset[0, [0, 4 + class_id], ANCHOR] = (0, 0.9)
    else:
        scale[0, 4 + class_id, ANCHOR] = 1  # the mean of the input
    offset[0, 4 + classes:, ANCHOR] = extras
    nodes = [helper.make_node("ReduceMean", ["images"], ["rows"], axes=[3], keepdims=0),
             helper.make_node("ReduceMean", ["rows"], ["mean"], axes=[1, 2], keepdims=1),
             helper.make_node("Mul", ["mean", "scale"], ["scores"]),
             helper.make_node("Add", ["scores", "offset"], ["output0"]), *more_nodes]
    save(name, nodes, [("output0", [batch, rows, 21]), *more_outputs], {"scale": scale, "offset": offset, **(more_constants or {})}, meta, batch)


for name, batch in (("tiny_fixed", 1), ("tiny_batch", "batch"), ("tiny_moving", 1)):
    moving = name == "tiny_moving"
    boxes(name, 2, 1, (), {"task": "detect", "names": "{0: '%s', 1: 'dog'}" % ("person" if moving else "cat")}, batch=batch, moving=moving)
boxes("tiny_pose", 1, 0, (14, 8, 0.9, 18, 16, 0.9), {"task": "pose", "names": "{0: 'person'}", "kpt_shape": "[2, 3]"})
prototype = np.ones((1, 1, 8, 8), np.float32)
prototype[..., 4:] = -1
boxes("tiny_segment", 1, 0, (1,), {"task": "segment", "names": "{0: 'person'}"}, [helper.make_node("Identity", ["prototype"], ["output1"])],
      [("output1", [1, 1, 8, 8])], {"prototype": prototype})
side, cells = 160, 20
places = np.zeros((1, 4, 525), np.float32)
for i in range(cells * cells):
    places[0, :, i] = (i % cells * 8 + 4, i // cells * 8 + 4, 8, 8)
save("tiny_spots", [helper.make_node("AveragePool", ["images"], ["spots"], kernel_shape=[8, 8], strides=[8, 8]),
                    helper.make_node("ReduceMean", ["spots"], ["grey"], axes=[1], keepdims=1), helper.make_node("Reshape", ["grey", "flat"], ["row"]),
                    helper.make_node("Concat", ["row", "rest"], ["scores"], axis=2), helper.make_node("Concat", ["places", "scores"], ["output0"], axis=1)],
     [("output0", [1, 5, 525])], {"flat": np.asarray([1, 1, 400], np.int64), "rest": np.zeros((1, 1, 125)), "places": places},
     {"task": "detect", "names": "{0: 'spot'}"}, side=side)
save("tiny_classify", [helper.make_node("ReduceMean", ["images"], ["output0"], axes=[2, 3], keepdims=0)], [("output0", [1, 3])], {},
     {"task": "classify", "names": "{0: 'red', 1: 'green', 2: 'blue'}"})
