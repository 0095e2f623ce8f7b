"""The detector as a task of train.py: what a batch is, its loss, its judge, its ONNX form."""
import numpy as np
import torch
import torch.nn as nn

import augment
import detect_loss
import metrics
from nets import Detector, anchors, boxes_of, cost
from shelf import Shelf
from store import Store


class Exported(nn.Module):
    """x -> [B,4+classes,A]: cx cy w h in pixels, scores. The layout fovea and others know as YOLOv8's. The grid is made from
    the maps' sizes, so that one file serves every input of whole strides and every batch."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        maps, boxes = self.net.raw(x), []
        for (_, side, _), step in zip(maps, self.net.strides):
            h, w = side.shape[2:]
            near, far = side.split(2, 1)
            cx = (torch.arange(w, dtype=torch.float32) + 0.5)[None].expand(h, w)
            cy = (torch.arange(h, dtype=torch.float32) + 0.5)[:, None].expand(h, w)
            centre = torch.stack((cx, cy))[None] + (far - near) * 0.5
            boxes.append(torch.cat((centre, near + far), 1).flatten(2) * float(step))
        score = torch.cat([m[0].flatten(2) for m in maps], 2)
        return torch.cat((torch.cat(boxes, 2), score.sigmoid()), 1)


class Task:
    free_outputs = {'output0': {2: 'boxes'}}  # what of the outputs' shapes follows the input

    def __init__(self, cfg, device, args):
        self.cfg, self.device, self.size = cfg, device, cfg['imgsz']
        self.store = Store(args.pack, device, args.limit)
        self.names = self.store.names
        indices = self.store.indices([0, 2], args.permissive)
        heavy = self.store.split.new_ones(len(self.store.split))
        for prefix, times in cfg.get('repeat', {}).items():  # pictures that count more than once
            heavy[[i for i, s in enumerate(self.store.stem) if s.startswith(prefix)]] = times
        indices = indices.repeat_interleave(heavy[indices])
        self.scenes = augment.Scenes(self.store, indices, self.size, cfg['augment'])
        self.val = self.store.indices([1])
        self.teacher, self.teacher_class = None, cfg.get('teacher_class', 0)
        if args.teacher:
            from teacher import Yolox
            self.teacher = Yolox(args.teacher).eval().to(device).to(memory_format=torch.channels_last)
            if device.type == 'cuda':
                self.teacher = self.teacher.half()
        self.examples = len(indices)
        self.short = cfg.get('cpu', {}) if device.type == 'cpu' else {}
        kinds = [torch.uint8, torch.float32, torch.float32, torch.float16, torch.float32]  # picture, boxes, crowds, the teacher's answers
        self.shelf = Shelf(self.short.get('shelf', 0), self.short.get('reuse', 1), kinds)

    def net(self):
        n = self.cfg['net']
        return Detector(len(self.names), tuple(n['width']), tuple(n['depth']), n['head'], n.get('extra', 0) if self.teacher else 0)

    def draw(self, batch, progress):
        plain = progress > self.cfg['augment'].get('mosaic_until', 0.88)
        if plain:  # the last part of the schedule sees pictures as they are
            self.scenes.mosaic, self.scenes.paste = 0.0, 0.0
            self.scenes.letterbox, self.scenes.scale = 0.5, [0.6, 1.3]
        self.scenes.size = self.short.get('size', self.size) if progress < self.short.get('size_until', 0) else self.size
        x, truth, *rest = self.shelf.take(batch, self.scenes.size, lambda: self.make(batch))
        most = int((truth[..., 3] > truth[..., 1]).sum(1).amax())  # the real ones come first
        return x, truth[:, :max(1, most)], *rest

    def make(self, batch):
        x, truth, crowd = self.scenes.draw(batch)
        x = augment.finish(x)
        if self.teacher is None:
            return x, truth, crowd
        return x, truth, crowd, *self.teacher(x.half() if self.device.type == 'cuda' else x.to(memory_format=torch.channels_last))

    def inputs(self, batch):
        return (batch[0].to(memory_format=torch.channels_last),)

    def loss(self, net, batch, autocast):
        x, truth, crowd, *taught = batch
        x = x.to(memory_format=torch.channels_last)
        teacher = (*taught, self.teacher_class) if taught else None
        with autocast:
            out = net(x)
        return detect_loss.loss(out, x.shape[-2:], net.strides, truth, crowd, teacher, self.cfg.get('loss'))

    @torch.no_grad()
    def detect(self, net, x, conf=0.005, iou=0.7):
        """[B,3,S,S] -> [(boxes, scores, classes)] as numpy"""
        from torchvision.ops import batched_nms
        logits, sides, _ = net(x)
        points, steps = anchors(x.shape[-2], x.shape[-1], net.strides, x.device)
        boxes, scores = boxes_of(sides, points, steps), logits.sigmoid()
        out = []
        for b, s in zip(boxes, scores):
            best, cls = s.max(1)
            keep = (best > conf).nonzero()[:, 0]
            keep = keep[best[keep].argsort(descending=True)[:1000]]
            keep = keep[batched_nms(b[keep], best[keep], cls[keep], iou)][:300]
            out.append((b[keep].cpu().numpy(), best[keep].cpu().numpy(), cls[keep].cpu().numpy()))
        return out

    @torch.no_grad()
    def evaluate(self, net):
        self.scenes.size = self.size
        rows = {c: [] for c in range(len(self.names))}
        objects = dict.fromkeys(rows, 0)
        for at in range(0, len(self.val), 64):
            idx = self.val[at:at + 64]
            x, truth, crowd = self.scenes.draw(len(idx), True, idx)
            for i, (b, s, c) in enumerate(self.detect(net, x.to(memory_format=torch.channels_last))):
                t, k = truth[i].cpu().numpy(), crowd[i].cpu().numpy()
                t, k = t[t[:, 3] > t[:, 1]], k[k[:, 2] > k[:, 0]]
                for cls in rows:
                    r, n = metrics.match(b[c == cls], s[c == cls], t[t[:, 0] == cls, 1:], k)
                    rows[cls] += r
                    objects[cls] += n
        ap = float(np.mean([metrics.average_precision(rows[c], objects[c]) for c in rows if objects[c]] or [0]))
        f1, conf, p, r = metrics.best_f1([x for v in rows.values() for x in v], sum(objects.values()))
        return {'score': ap, 'ap50': ap, 'f1': f1, 'conf': conf, 'precision': p, 'recall': r}

    def export_form(self, net):
        return Exported(net), (torch.zeros(1, 3, self.size, self.size),), ['images'], ['output0']

    def metadata(self):
        return {'task': 'detect', 'stride': '32', 'imgsz': f'[{self.size}, {self.size}]', 'batch': '1',
                'names': '{' + ', '.join(f"{i}: '{n}'" for i, n in enumerate(self.names)) + '}'}

    def cost(self, net):
        return cost(net, torch.zeros(1, 3, self.size, self.size, device=self.device))
