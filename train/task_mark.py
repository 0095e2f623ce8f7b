"""The finder of overlays as a task of train.py."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import augment
import compose
from nets import Marker, cost
from shelf import Shelf
from store import Store


class Exported(nn.Module):
    """images -> mask [B,1,H/4,W/4] in 0..1"""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x).sigmoid()


class Task:
    free_outputs = {'mask': {2: 'rows', 3: 'columns'}}  # what of the outputs' shapes follows the input

    def __init__(self, cfg, device, args):
        self.cfg, self.device, self.size = cfg, device, cfg['imgsz']
        self.store = Store(args.pack, device, args.limit, getattr(args, 'splits', None))
        indices = self.store.indices([0, 2], args.permissive)
        self.scenes = augment.Scenes(self.store, indices, self.size, cfg['augment'])
        self.overlays = compose.Overlays(args.overlays, device)
        self.held_out = compose.Overlays(args.overlays, device, test=True)
        self.val = self.store.indices([1])
        self.names = ['mark']
        self.examples = len(indices)
        self.short = cfg.get('cpu', {}) if device.type == 'cpu' else {}
        self.shelf = Shelf(self.short.get('shelf', 0), self.short.get('reuse', 1), [torch.uint8, torch.float16, torch.float16])

    def net(self):
        n = self.cfg['net']
        return Marker(tuple(n['width']), tuple(n['depth']), n['head'])

    def overlay(self, x, overlays, share, softer=0.5):
        """-> picture, truth a cell, weight a cell. Blur and compression come after the overlay, as in real life."""
        y, cover = overlays.draw(x, share)
        truth, weight = compose.cells(cover, x, y)
        y = augment.blur_and_noise(y, p_blur=softer * 0.6, p_noise=softer * 0.3)
        return augment.compress_some(y, 0.75, 25, 95).clamp(0, 1), truth, weight

    def draw(self, batch, progress):
        self.scenes.size = self.short.get('size' if progress < self.short.get('size_until', 1) else 'size_then', self.size)
        return self.shelf.take(batch, self.scenes.size, lambda: self.make(batch))

    def make(self, batch):
        x, _, _ = self.scenes.draw(batch)
        x = augment.blur_and_noise(augment.colour(x), 0.15, 0.15).clamp(0, 1)
        return self.overlay(x, self.overlays, self.cfg['augment'].get('share', 0.75))

    def inputs(self, batch):
        return (batch[0].to(memory_format=torch.channels_last),)

    def loss(self, net, batch, autocast):
        x, truth, weight = batch
        with autocast:
            logits = net(x.to(memory_format=torch.channels_last))
        logits = logits.float()
        w = self.cfg.get('loss', {})
        per_cell = F.binary_cross_entropy_with_logits(logits, truth, reduction='none')
        # hard cells count more, but every cell counts
        p = logits.detach().sigmoid()
        hard = 0.25 + ((p - truth).abs()) ** w.get('gamma', 1.0)
        bce = (per_cell * weight * hard).mean() * w.get('bce', 4.0)
        q = logits.sigmoid() * weight
        dice = 1 - (2 * (q * truth).sum() + 1) / (q.sum() + (truth * weight).sum() + 1)
        return bce + dice, {'bce': bce.detach(), 'dice': dice.detach()}

    @torch.no_grad()
    def evaluate(self, net, conf=0.5, smallest=6):
        """Pixel F1 over cells on held-out fonts and shapes; false marks: groups of at least `smallest` cells that touch,
        on the same pictures without overlays."""
        import cv2
        self.scenes.size = self.size
        state = torch.random.get_rng_state(), torch.cuda.get_rng_state() if self.device.type == 'cuda' else None
        torch.manual_seed(7)
        hits = np.zeros((3, 9))  # true, said and right at 9 thresholds
        false = np.zeros(9)
        clean = 0
        at_conf = np.linspace(0.1, 0.9, 9)
        for at in range(0, len(self.val), 32):
            idx = self.val[at:at + 32]
            x, _, _ = self.scenes.draw(len(idx), True, idx)
            y, truth, weight = self.overlay(x, self.held_out, 1.0)
            p = net(y.to(memory_format=torch.channels_last)).float().sigmoid()
            for k, c in enumerate(at_conf):
                said = (p > c).float() * weight
                hits[0, k] += (truth * weight).sum().item()
                hits[1, k] += said.sum().item()
                hits[2, k] += (said * truth).sum().item()
            p = net(x.to(memory_format=torch.channels_last)).float().sigmoid().cpu().numpy()
            clean += len(p)
            for m in p[:, 0]:
                for k, c in enumerate(at_conf):
                    n, _, stats, _ = cv2.connectedComponentsWithStats((m > c).astype(np.uint8), connectivity=8)
                    false[k] += sum(s[cv2.CC_STAT_AREA] >= smallest for s in stats[1:n])
        torch.random.set_rng_state(state[0])
        if state[1] is not None:
            torch.cuda.set_rng_state(state[1])
        f1 = 2 * hits[2] / np.maximum(hits[0] + hits[1], 1)
        false = false * 100 / max(clean, 1)
        k = int(np.abs(at_conf - conf).argmin())
        return {'score': float(f1[k] - 0.05 * max(0.0, false[k] - 1)), 'f1': float(f1[k]), 'false_per_100': float(false[k]),
                'precision': float(hits[2, k] / max(hits[1, k], 1)), 'recall': float(hits[2, k] / max(hits[0, k], 1)),
                'f1_by_conf': [round(float(v), 4) for v in f1], 'false_by_conf': [round(float(v), 2) for v in false]}

    def export_form(self, net):
        return Exported(net), (torch.zeros(1, 3, self.size, self.size),), ['images'], ['mask']

    def metadata(self):
        return {'task': 'segment', 'stride': '32', 'imgsz': f'[{self.size}, {self.size}]', 'batch': '1', 'names': "{0: 'mark'}"}

    def cost(self, net):
        return cost(net, torch.zeros(1, 3, self.size, self.size, device=self.device))
