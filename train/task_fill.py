"""The filler of holes as a task of train.py."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import augment
import compose
from nets import Filler, cost
from store import Store


class Holes:
    """Masks [B,1,S,S]: text and logos grown by a few pixels, brush strokes, boxes."""

    def __init__(self, path, device, test=False):
        self.overlays = compose.Overlays(path, device, test)
        holes = np.load(path)['holes']
        holes = holes[-40:] if test else holes[:-40]
        wh = np.tile(np.array([[256, 256]]), (len(holes), 1))
        self.brush, self.device = compose.Atlas(holes, wh, device), device

    def some(self, atlas, batch, size, lo, hi):
        d = self.device
        idx = torch.randint(atlas.count, (batch,), device=d)
        w, h = atlas.wh[idx, 0], atlas.wh[idx, 1]
        scale = augment.log_uniform((batch,), lo, hi, d) / (h if atlas is self.overlays.lines else torch.maximum(w, h))
        scale = scale.clamp(max=2)
        cx, cy = augment.uniform((batch,), 0.25, 0.75, d) * size, augment.uniform((batch,), 0.15, 0.85, d) * size
        turn = augment.uniform((batch,), -0.6, 0.6, d) * augment.chance((batch,), 0.3, d)
        cover, _ = atlas.place(idx, size, scale, turn, cx, cy, torch.zeros((batch, 2), device=d))
        return (cover > 0.3).float()

    def text(self, batch, size):
        m = torch.maximum(self.some(self.overlays.lines, batch, size, 14, 72), self.some(self.overlays.lines, batch, size, 14, 48))
        one = augment.chance((batch, 1, 1, 1), 0.5, self.device)
        return torch.where(one, F.max_pool2d(m, 3, 1, 1), F.max_pool2d(m, 5, 1, 2))

    def draw(self, batch, size):
        b, d = (batch, 1, 1, 1), self.device
        m = torch.where(augment.chance(b, 0.6, d), self.text(batch, size), self.some(self.brush, batch, size, 120, 300))
        m = torch.maximum(m, F.max_pool2d(self.some(self.overlays.logos, batch, size, 30, 150), 3, 1, 1) * augment.chance(b, 0.25, d))
        lone = m.sum((1, 2, 3), keepdim=True) < 30  # never an empty one
        middle = torch.zeros_like(m)
        middle[..., size * 3 // 8:size * 5 // 8, size * 3 // 8:size * 5 // 8] = 1
        return torch.where(lone, middle, m)


def psnr(a, b, mask):
    """In the hole, a picture: [B]"""
    mse = ((a - b) ** 2 * mask).sum((1, 2, 3)) / (mask.sum((1, 2, 3)) * 3).clamp(min=1)
    return -10 * torch.log10(mse.clamp(min=1e-8))


class Task:
    free_outputs = {'filled': {2: 'height', 3: 'width'}}  # what of the outputs' shapes follows the input

    def __init__(self, cfg, device, args):
        self.cfg, self.device, self.size = cfg, device, cfg['imgsz']
        self.store = Store(args.pack, device, args.limit, getattr(args, 'splits', None))
        indices = self.store.indices([0, 2], args.permissive)
        self.scenes = augment.Scenes(self.store, indices, self.size, cfg['augment'])
        self.holes, self.test_holes = Holes(args.overlays, device), Holes(args.overlays, device, test=True)
        self.val = self.store.indices([1])
        self.names = ['fill']
        self.examples = len(indices)
        self.drawn = cfg.get('cpu', {}).get('size', self.size) if device.type == 'cpu' else self.size

    def net(self):
        n = self.cfg['net']
        return Filler(tuple(n['width']), tuple(n['depth']))

    def draw(self, batch, progress):
        self.scenes.size = self.drawn
        x, _, _ = self.scenes.draw(batch)
        d = self.device
        x = x * augment.uniform((batch, 1, 1, 1), 0.7, 1.1, d) + augment.uniform((batch, 3, 1, 1), -0.05, 0.05, d)
        return x.clamp(0, 1), self.holes.draw(batch, self.drawn)

    def inputs(self, batch):
        return batch

    def loss(self, net, batch, autocast):
        x, mask = batch
        with autocast:
            y = net(x.to(memory_format=torch.channels_last), mask)
        y = y.float()
        count = (mask.sum((1, 2, 3)) * 3).clamp(min=1)
        l1 = (((y - x).abs() * mask).sum((1, 2, 3)) / count).mean()
        mse = ((y - x) ** 2 * mask).sum((1, 2, 3)) / count
        log = torch.log(mse + 1e-4).mean()  # what PSNR averages
        return l1 * 2 + log * 0.1, {'l1': l1.detach(), 'psnr_log': log.detach()}

    @torch.no_grad()
    def evaluate(self, net):
        state = torch.random.get_rng_state(), torch.cuda.get_rng_state() if self.device.type == 'cuda' else None
        torch.manual_seed(7)
        text, free = [], []
        for at in range(0, len(self.val), 32):
            idx = self.val[at:at + 32]
            x = self.crops(idx)
            m = self.test_holes.text(len(idx), self.size)
            text.append(psnr(net(x, m).float().clamp(0, 1), x, m))
            m = self.test_holes.some(self.test_holes.brush, len(idx), self.size, 150, 256)
            free.append(psnr(net(x, m).float().clamp(0, 1), x, m))
        torch.random.set_rng_state(state[0])
        if state[1] is not None:
            torch.cuda.set_rng_state(state[1])
        text, free = torch.cat(text), torch.cat(free)
        t = float(text.mean())
        return {'score': t, 'psnr_text': t, 'psnr_free': float(free.mean())}

    def crops(self, idx):
        """The middle of pictures, unscaled where they are large enough."""
        b, d = len(idx), self.device
        wh = self.store.wh[idx]
        s = (self.size / wh.amin(1)).clamp(min=1)
        tx, ty = self.size / 2 - wh[:, 0] * s / 2, self.size / 2 - wh[:, 1] * s / 2
        return augment.sample_layer(self.store, idx, torch.zeros_like(idx), s, s, tx, ty, self.size).clamp(0, 1)

    def export_form(self, net):
        s = self.size
        return net, (torch.zeros(1, 3, s, s), torch.zeros(1, 1, s, s)), ['image', 'mask'], ['filled']

    def metadata(self):
        return {'task': 'fill', 'stride': '16', 'imgsz': f'[{self.size}, {self.size}]', 'batch': '1'}

    def cost(self, net):
        s = self.size
        return cost(net, torch.zeros(1, 3, s, s, device=self.device), torch.zeros(1, 1, s, s, device=self.device))
