"""A YOLOX model (Apache-2.0) as a teacher: a small interpreter that runs its ONNX graph in PyTorch, and a labeller for
pictures nobody labelled. Only convolutions, SiLU, max pooling, nearest resize, concat and slices: all that YOLOX has."""
import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper


class Yolox(torch.nn.Module):
    """x [B,3,S,S] RGB 0..1 -> scores [B,A,classes] (objectness x class), boxes [B,A,4] xyxy in pixels of x."""

    def __init__(self, path):
        super().__init__()
        g = onnx.load(path).graph
        self.const = {t.name: numpy_helper.to_array(t) for t in g.initializer}
        self.nodes = []
        self.heads = []  # values that are reshaped at the end: [B,4+1+classes,h,w] a level
        for n in g.node:
            attr = {a.name: onnx.helper.get_attribute_value(a) for a in n.attribute}
            if n.op_type == 'Constant':
                self.const[n.output[0]] = numpy_helper.to_array(attr['value'])
            elif n.op_type == 'Reshape':
                self.heads.append(n.input[0])
            elif n.op_type not in ('Transpose',):
                self.nodes.append((n.op_type, list(n.input), list(n.output), attr))
        self.input = g.input[0].name
        self.weights = {}
        for op, ins, _, _ in self.nodes:
            if op == 'Conv':
                for name in ins[1:]:
                    if name not in self.weights:
                        self.weights[name] = f'w{len(self.weights)}'
                        self.register_buffer(self.weights[name], torch.from_numpy(self.const[name].astype(np.float32)))
        reads = {}
        for op, ins, _, _ in self.nodes:
            for name in ins:
                reads[name] = reads.get(name, 0) + 1
        self.reads = reads

    def step(self, op, x, ins, attr):
        if op == 'Conv':
            w = getattr(self, self.weights[ins[1]])
            b = getattr(self, self.weights[ins[2]]) if len(ins) > 2 else None
            return F.conv2d(x[0], w, b, attr['strides'], attr['pads'][:2], attr['dilations'], attr['group'])
        if op == 'Sigmoid':
            return torch.sigmoid(x[0])
        if op == 'Mul':
            return x[0] * x[1]
        if op == 'Add':
            return x[0] + x[1]
        if op == 'Concat':
            return torch.cat(x, attr['axis'])
        if op == 'MaxPool':
            return F.max_pool2d(x[0], attr['kernel_shape'], attr['strides'], attr['pads'][0])
        if op == 'Resize':
            return F.interpolate(x[0], scale_factor=2, mode='nearest')
        if op == 'Slice':
            start, _, axis, step = [int(self.const[i].reshape(-1)[0]) for i in ins[1:5]]
            index = [slice(None)] * x[0].dim()
            index[axis] = slice(start, None, step)
            return x[0][tuple(index)]
        raise NotImplementedError(op)

    @torch.no_grad()
    def forward(self, x):
        values = {self.input: x.flip(1) * 255}
        left = dict(self.reads)
        for op, ins, outs, attr in self.nodes:
            if op == 'Concat' and not all(i in values for i in ins):
                continue  # the last one joins the levels, which is done below
            got = [values[i] for i in ins if i in values]
            values[outs[0]] = self.step(op, got, ins, attr)
            for i in ins:
                left[i] -= 1
                if not left[i] and i in values and i not in self.heads:
                    del values[i]
        scores, boxes = [], []
        for name in self.heads:
            t = values[name].float()
            stride = x.shape[-1] / t.shape[-1]
            gy, gx = torch.meshgrid(*(torch.arange(n, device=t.device, dtype=t.dtype) for n in t.shape[-2:]), indexing='ij')
            cx, cy = (t[:, 0] + gx) * stride, (t[:, 1] + gy) * stride
            w, h = t[:, 2].clamp(max=8).exp() * stride, t[:, 3].clamp(max=8).exp() * stride
            boxes.append(torch.stack((cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2), -1).flatten(1, 2))
            scores.append((t[:, 4:5] * t[:, 5:]).flatten(2).transpose(1, 2))
        return torch.cat(scores, 1), torch.cat(boxes, 1)


class Labeller:
    """Boxes of one class for a picture without labels."""

    def __init__(self, path, class_id=0, size=416, sure=0.45, maybe=0.10):
        self.net = Yolox(path).eval()
        self.class_id, self.size, self.sure, self.maybe = class_id, size, sure, maybe

    def __call__(self, picture, w, h):
        import cv2
        from torchvision.ops import nms
        img = cv2.cvtColor(cv2.imread(picture, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        r = self.size / max(img.shape[:2])
        small = cv2.resize(img, (round(img.shape[1] * r), round(img.shape[0] * r)))
        canvas = np.full((self.size, self.size, 3), 114, np.uint8)
        canvas[:small.shape[0], :small.shape[1]] = small
        score, box = self.net(torch.from_numpy(canvas).permute(2, 0, 1)[None].float() / 255)
        score, box = score[0, :, self.class_id], box[0] / r * (w / img.shape[1])
        box[:, 0::2] = box[:, 0::2].clamp(0, w)
        box[:, 1::2] = box[:, 1::2].clamp(0, h)
        keep = (score > self.maybe).nonzero()[:, 0]
        keep = keep[nms(box[keep], score[keep], 0.6)]
        score, box = score[keep].numpy(), box[keep].numpy()
        rows = np.concatenate((np.zeros((len(box), 1)), box), 1).astype(np.float32)
        return rows[score >= self.sure], rows[score < self.sure]
