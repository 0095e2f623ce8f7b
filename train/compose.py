"""Lays rendered overlays over pictures, batched on the device, and says where they are."""
import math

import numpy as np
import torch
import torch.nn.functional as F

from augment import chance, log_uniform, uniform


class Atlas:
    """One kind of overlay: coverage [3 n,1,h,w] uint8 (plain, smoothed by 2 and by 4) and the used part of each."""

    def __init__(self, pixels, wh, device):
        p = torch.from_numpy(pixels).to(device)[:, None]
        levels = [p]
        for k in (2, 4):
            small = F.avg_pool2d(p.float(), k)
            levels.append(F.interpolate(small, scale_factor=k, mode='bilinear', align_corners=False).round().to(torch.uint8))
        self.pixels, self.count = torch.cat(levels), len(p)
        self.wh = torch.from_numpy(wh.astype(np.float32)).to(device)
        self.device = device

    def place(self, idx, size, scale, turn, cx, cy, period):
        """Coverage [B,1,size,size] of overlay idx, scaled, turned, centred at cx cy; period [B,2] > 0 repeats it (in
        multiples of its own size)."""
        b, (h, w) = len(idx), self.pixels.shape[-2:]
        at = torch.arange(size, device=self.device) + 0.5
        x, y = at[None, None, :] - cx[:, None, None], at[None, :, None] - cy[:, None, None]
        c, s = torch.cos(turn)[:, None, None], torch.sin(turn)[:, None, None]
        k = scale[:, None, None]
        uw, uh = self.wh[idx, 0][:, None, None], self.wh[idx, 1][:, None, None]
        u, v = (x * c + y * s) / k + uw / 2, (y * c - x * s) / k + uh / 2
        px, py = period[:, 0, None, None] * uw, period[:, 1, None, None] * uh
        u = torch.where(px > 0, torch.remainder(u, px.clamp(min=1)), u)
        v = torch.where(py > 0, torch.remainder(v, py.clamp(min=1)), v)
        out = (u < 0) | (v < 0) | (u > uw) | (v > uh)
        grid = torch.stack((u / w * 2 - 1, v / h * 2 - 1), -1)
        level = torch.log2(1 / scale).round().clamp(0, 2).long()
        cover = F.grid_sample(self.pixels[level * self.count + idx].float(), grid, align_corners=False) / 255
        return cover * ~out[:, None], ~out[:, None]


class Overlays:
    """Draws overlays over a batch. Truth is geometric; where nothing can be seen of it, it does not count."""

    def __init__(self, path, device, test=False):
        z = np.load(path)
        end = '_test' if test else ''
        self.lines = Atlas(z['lines' + end], z['lines_wh' + end], device)
        self.logos = Atlas(z['logos' + end], z['logos_wh' + end], device)
        self.device = device

    def colours(self, b):
        """White, black and greys mostly."""
        d = self.device
        grey = torch.where(chance((b, 1), 0.65, d), uniform((b, 1), 0.85, 1.0, d), torch.where(chance((b, 1), 0.6, d), uniform((b, 1), 0, 0.12, d), torch.rand((b, 1), device=d)))
        return torch.where(chance((b, 1), 0.7, d), grey.expand(b, 3), torch.rand((b, 3), device=d))[:, :, None, None]

    def layer(self, x, cover_all, atlas, p, tiled):
        b, d, size = len(x), self.device, x.shape[-1]
        idx = torch.randint(atlas.count, (b,), device=d)
        uw, uh = atlas.wh[idx, 0], atlas.wh[idx, 1]
        if tiled:
            scale = log_uniform((b,), 50, 240, d) / torch.maximum(uw, uh)
            period = uniform((b, 2), 1.15, 2.5, d)
            turn = uniform((b,), -0.8, 0.8, d) * chance((b,), 0.7, d)
        elif atlas is self.lines:
            # height of a line of text 9 to 70 pixels of 512, no wider than the picture
            scale = torch.minimum(log_uniform((b,), 9, 70, d) / uh.clamp(min=24), uniform((b,), 0.35, 1.05, d) * size / uw)
            period = torch.zeros((b, 2), device=d)
            turn = uniform((b,), -0.7, 0.7, d) * chance((b,), 0.12, d)
        else:
            scale = log_uniform((b,), 22, 260, d) / torch.maximum(uw, uh)
            period = torch.zeros((b, 2), device=d)
            turn = uniform((b,), -0.5, 0.5, d) * chance((b,), 0.15, d)
        # corners and edges are where they usually are
        w, h = (uw * scale).clamp(max=size), (uh * scale).clamp(max=size)
        edge = lambda: torch.where(chance((b,), 0.5, d), torch.rand(b, device=d), torch.where(chance((b,), 0.6, d), uniform((b,), 0.0, 0.08, d), uniform((b,), 0.92, 1.0, d)))
        cx, cy = w / 2 + edge() * (size - w), h / 2 + edge() * (size - h)
        cover, inside = atlas.place(idx, size, scale, turn, cx, cy, period)
        on = chance((b, 1, 1, 1), p, d)
        opacity = torch.where(chance((b, 1, 1, 1), 0.35, d), 1.0, uniform((b, 1, 1, 1), 0.1, 1.0, d)) * on
        if tiled:
            opacity = opacity.clamp(max=0.6)
        # plate behind, shadow, outline, then the thing itself
        plate = inside * chance((b, 1, 1, 1), 0.0 if tiled else 0.1, d) * uniform((b, 1, 1, 1), 0.3, 1.0, d) * on
        x = torch.lerp(x, self.colours(b).expand_as(x), plate)
        shadow = F.avg_pool2d(F.pad(cover, (2, 0, 2, 0))[..., :size, :size], 3, 1, 1) * chance((b, 1, 1, 1), 0.25, d) * opacity * 0.7
        x = x * (1 - shadow)
        outline = F.max_pool2d(cover, 3, 1, 1) * chance((b, 1, 1, 1), 0.2, d) * opacity
        x = torch.lerp(x, self.colours(b).expand_as(x), outline)
        x = torch.lerp(x, self.colours(b).expand_as(x), cover * opacity)
        visible = torch.maximum(torch.maximum(cover * opacity, outline), plate * 0.5)
        return x, torch.maximum(cover_all, visible)

    def draw(self, x, share=0.8):
        """x [B,3,S,S] -> with overlays on `share` of them, coverage times opacity [B,1,S,S]"""
        b, d = len(x), self.device
        cover = torch.zeros_like(x[:, :1])
        y = x
        for atlas, p, tiled in ((self.logos, 0.12, True), (self.lines, 0.12, True), (self.logos, 0.45, False),
                                (self.lines, 0.55, False), (self.lines, 0.4, False)):
            y, cover = self.layer(y, cover, atlas, p, tiled)
        on = chance((b, 1, 1, 1), share, d)
        return torch.where(on, y, x), cover * on


def cells(cover, before, after, k=4):
    """Truth a cell of k x k pixels: 1 overlay, 0 none; and weight: 0 where an overlay cannot be seen."""
    there = F.max_pool2d(cover, k) > 0.05
    seen = F.max_pool2d((after - before).abs().amax(1, keepdim=True), k) > 4 / 255
    return there.float(), (~there | seen).float()
