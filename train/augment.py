"""Batched augmentation on the device: pictures are laid over each other as layers (mosaic, small copies, cut-outs), then
colour, blur, noise and compression change the whole. Everything is tensor work, so a batch costs a few kernels.

A layer shows one picture through one rectangle of the output: output x = picture x * sx + tx, the same for y.
"""
import math

import torch
import torch.nn.functional as F


def uniform(shape, lo, hi, device):
    return torch.rand(shape, device=device) * (hi - lo) + lo


def log_uniform(shape, lo, hi, device):
    return torch.exp(uniform(shape, math.log(lo), math.log(hi), device))


def chance(shape, p, device):
    return torch.rand(shape, device=device) < p


def sample_layer(store, idx, level, sx, sy, tx, ty, size):
    """[B] layer parameters -> [B,3,size,size] in 0..1."""
    source = store.pixels[level * store.count + idx].float()
    theta = torch.zeros((len(idx), 2, 3), device=idx.device)
    # grid_sample coordinates: -1..1 over both canvases
    k = size / store.side
    theta[:, 0, 0], theta[:, 1, 1] = k / sx, k / sy
    theta[:, 0, 2] = (size / 2 - tx) / sx * 2 / store.side - 1
    theta[:, 1, 2] = (size / 2 - ty) / sy * 2 / store.side - 1
    grid = F.affine_grid(theta, (len(idx), 3, size, size), align_corners=False)
    return F.grid_sample(source, grid, mode='bilinear', padding_mode='border', align_corners=False) / 255


def level_for(scale, device):
    """Smoothing for a reduction, but every other time none: real pipelines reduce without a filter, too."""
    level = torch.log2(1 / scale.abs()).round().clamp(0, 2).long()
    return torch.where(chance(level.shape, 0.5, device), level, torch.zeros_like(level))


def move_boxes(boxes, sx, sy, tx, ty):
    """[B,M,4] -> output pixels; flipped layers have sx < 0."""
    x = boxes[..., 0::2] * sx[:, None, None] + tx[:, None, None]
    y = boxes[..., 1::2] * sy[:, None, None] + ty[:, None, None]
    return torch.stack((x.amin(-1), y.amin(-1), x.amax(-1), y.amax(-1)), -1)


def clip_boxes(boxes, rect):
    r = rect[:, None, :]
    return torch.stack((boxes[..., 0].maximum(r[..., 0]).minimum(r[..., 2]), boxes[..., 1].maximum(r[..., 1]).minimum(r[..., 3]),
                        boxes[..., 2].minimum(r[..., 2]).maximum(r[..., 0]), boxes[..., 3].minimum(r[..., 3]).maximum(r[..., 1])), -1)


def area(b):
    return (b[..., 2] - b[..., 0]).clamp(min=0) * (b[..., 3] - b[..., 1]).clamp(min=0)


def paint_layer(canvas, pixels, rect, feather=0.0):
    """Shows pixels inside rect [B,4]."""
    size = canvas.shape[-1]
    at = torch.arange(size, device=canvas.device) + 0.5
    x1, y1, x2, y2 = (rect[:, i, None] for i in range(4))
    if feather > 0:
        ax = (torch.minimum(at - x1, x2 - at) / feather).clamp(0, 1)
        ay = (torch.minimum(at - y1, y2 - at) / feather).clamp(0, 1)
    else:
        ax, ay = ((at >= x1) & (at < x2)).float(), ((at >= y1) & (at < y2)).float()
    alpha = (ay[:, :, None] * ax[:, None, :])[:, None]
    return torch.lerp(canvas, pixels, alpha)


class Scenes:
    """Draws batches: pictures [B,3,S,S] with boxes [B,G,5] (class, xyxy) and ignored regions [B,I,4]."""

    def __init__(self, store, indices, size, cfg):
        self.store, self.indices, self.size = store, indices, size
        self.mosaic, self.scale, self.letterbox = cfg.get('mosaic', 0.6), cfg.get('scale', [0.4, 1.5]), cfg.get('letterbox', 0.25)
        self.aspect, self.flip = cfg.get('aspect', 1.2), cfg.get('flip', 0.5)
        self.paste, self.paste_size = cfg.get('paste', 0.0), cfg.get('paste_size', [14, 160])
        self.smallest, self.most, self.seen = cfg.get('smallest', 7.0), cfg.get('most_boxes', 48), cfg.get('seen', 0.3)
        self.cut = store.cutouts(indices) if self.paste > 0 else None
        bare = (area(store.boxes[indices][..., 1:]).sum(1) == 0) & (area(store.crowd[indices]).sum(1) == 0)
        self.empty, self.backdrop = indices[bare], cfg.get('backdrop', 0.0)

    def quads(self, batch, plain):
        """Rectangles [4][B,4] of the mosaic; a picture on its own is the first rectangle, the others are empty."""
        s, d = self.size, self.store.device
        single = chance((batch,), 1 - (0 if plain else self.mosaic), d) if self.mosaic > 0 else torch.ones(batch, dtype=torch.bool, device=d)
        cx, cy = uniform((batch,), 0.25, 0.75, d) * s, uniform((batch,), 0.25, 0.75, d) * s
        cx, cy = torch.where(single, s, cx), torch.where(single, s, cy)
        zero, full = torch.zeros_like(cx), torch.full_like(cx, s)
        rects = [torch.stack(r, 1) for r in ((zero, zero, cx, cy), (cx, zero, full, cy), (zero, cy, cx, full), (cx, cy, full, full))]
        return single, rects

    def place(self, idx, rect, single, plain):
        """Scale and shift of pictures that show through rect."""
        d, b = self.store.device, len(idx)
        wh = self.store.wh[idx]
        fit = self.size / wh.amax(1)
        s = fit * log_uniform((b,), *self.scale, d)
        boxed = single & chance((b,), 1.0 if plain else self.letterbox, d)
        ratio = log_uniform((b,), 1 / self.aspect, self.aspect, d).sqrt()
        s, ratio = torch.where(boxed, fit, s), torch.where(boxed, torch.ones_like(ratio), ratio)
        sx, sy = s * ratio, s / ratio
        w, h = wh[:, 0] * sx, wh[:, 1] * sy
        ux, uy = torch.rand((b,), device=d), torch.rand((b,), device=d)
        ux, uy = torch.where(boxed, 0.5, ux), torch.where(boxed, 0.5, uy)
        left = rect[:, 0] + (rect[:, 2] - w - rect[:, 0]) * ux
        top = rect[:, 1] + (rect[:, 3] - h - rect[:, 1]) * uy
        shown = torch.stack((left.maximum(rect[:, 0]), top.maximum(rect[:, 1]), (left + w).minimum(rect[:, 2]), (top + h).minimum(rect[:, 3])), 1)
        flipped = chance((b,), 0.0 if plain else self.flip, d)
        return torch.where(flipped, -sx, sx), sy, torch.where(flipped, left + w, left), top, shown

    def behind(self, canvas):
        """A picture without objects behind everything, where chance has it: small copies stand in a scene, not on grey."""
        d, b, size = self.store.device, len(canvas), self.size
        idx = self.empty[torch.randint(len(self.empty), (b,), device=d)]
        wh = self.store.wh[idx]
        s = size / wh.amin(1) * uniform((b,), 1.0, 1.4, d)
        left, top = (size - wh[:, 0] * s) * torch.rand(b, device=d), (size - wh[:, 1] * s) * torch.rand(b, device=d)
        pixels = sample_layer(self.store, idx, torch.zeros_like(idx), s, s, left, top, size)
        return torch.lerp(canvas, pixels, chance((b, 1, 1, 1), self.backdrop, d).float())

    def add(self, boxes, crowd, idx, sx, sy, tx, ty, rect):
        """Boxes and ignored regions of one layer, clipped; what is cut or tiny is ignored."""
        rows = self.store.boxes[idx]
        moved = move_boxes(rows[..., 1:], sx, sy, tx, ty)
        cut = clip_boxes(moved, rect)
        there = area(cut) > 1
        good = there & (area(cut) > self.seen * area(moved)) & (cut[..., 3] - cut[..., 1] >= self.smallest) & (cut[..., 2] - cut[..., 0] >= self.smallest / 3)
        boxes.append(torch.cat((rows[..., :1], cut * good[..., None]), -1))
        crowd.append(cut * (there & ~good)[..., None])
        regions = clip_boxes(move_boxes(self.store.crowd[idx], sx, sy, tx, ty), rect)
        crowd.append(regions * (area(regions) > 1)[..., None])

    def paste_one(self, canvas, boxes, crowd):
        """Pastes one cut-out a picture (where chance has it) and drops the boxes it hides."""
        d, b = self.store.device, canvas.shape[0]
        rows = self.cut[torch.randint(len(self.cut), (b,), device=d)]
        idx, box = rows[:, 0].long(), rows[:, 2:]
        bw, bh = box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]
        s = (log_uniform((b,), *self.paste_size, d) / bh).clamp(max=1.6)
        m = 0.06 * bh  # a little of what is around
        wh = self.store.wh[idx]
        wide = torch.stack(((box[:, 0] - m).clamp(min=0), (box[:, 1] - m).clamp(min=0), (box[:, 2] + m).minimum(wh[:, 0]), (box[:, 3] + m).minimum(wh[:, 1])), 1)
        flipped = chance((b,), self.flip, d)
        sx = torch.where(flipped, -s, s)
        cx, cy = torch.rand(b, device=d) * self.size, (0.1 + 0.85 * torch.rand(b, device=d)) * self.size
        tx, ty = cx - (box[:, 0] + bw / 2) * sx, cy - (box[:, 1] + bh / 2) * s
        rect = move_boxes(wide[:, None], sx, s, tx, ty)[:, 0].clamp(0, self.size)
        target = move_boxes(box[:, None], sx, s, tx, ty)
        shown = clip_boxes(target, rect)
        ok = chance((b,), self.paste, d) & (area(shown)[:, 0] > 0.6 * area(target)[:, 0])
        hidden = torch.zeros(b, dtype=torch.bool, device=d)
        for i, old in enumerate(boxes):  # may cover a part of others, not most of one
            w = clip_boxes(old[..., 1:], rect)
            hidden |= (area(w) > 0.35 * area(old[..., 1:]).clamp(min=1)).any(1)
        ok &= ~hidden
        rect, shown = rect * ok[:, None], shown * ok[:, None, None]
        pixels = sample_layer(self.store, idx, level_for(s, d), sx, s, tx, ty, self.size)
        boxes.append(torch.cat((rows[:, None, 1:2], shown), -1))
        return paint_layer(canvas, pixels, rect, feather=2.0)

    def draw(self, batch, plain=False, idx=None):
        """plain: letterboxed pictures without mosaic, flips or pasting. idx [batch]: which pictures (plain only)."""
        s, d = self.size, self.store.device
        canvas = torch.full((batch, 3, s, s), 114 / 255, device=d)
        boxes, crowd, clean = [], [], plain and idx is not None
        if self.backdrop > 0 and len(self.empty) and not plain:
            canvas = self.behind(canvas)
        single, rects = self.quads(batch, clean)
        if clean:
            single[:] = True
        for q, rect in enumerate(rects):
            if q and (clean or self.mosaic <= 0):
                break
            pick = idx if clean else self.indices[torch.randint(len(self.indices), (batch,), device=d)]
            sx, sy, tx, ty, shown = self.place(pick, rect, single, clean)
            level = torch.zeros_like(pick) if clean else level_for(sy, d)
            canvas = paint_layer(canvas, sample_layer(self.store, pick, level, sx, sy, tx, ty, s), shown)
            self.add(boxes, crowd, pick, sx, sy, tx, ty, shown)
        if self.paste > 0 and len(self.cut) and not plain:
            for _ in range(2):
                canvas = self.paste_one(canvas, boxes, crowd)
        boxes, crowd = torch.cat(boxes, 1), torch.cat(crowd, 1)
        keep = area(boxes[..., 1:]).gt(0).float().topk(min(self.most, boxes.shape[1]), 1).indices
        boxes = boxes.gather(1, keep[..., None].expand(-1, -1, 5))
        keep = area(crowd).topk(min(16, crowd.shape[1]), 1).indices
        return canvas, boxes, crowd.gather(1, keep[..., None].expand(-1, -1, 4))


def colour(x):
    """Brightness, contrast, saturation, gamma, tint; now and then grey or dark. x [B,3,H,W] in 0..1."""
    b, d = len(x), x.device
    one = (b, 1, 1, 1)
    x = x.clamp(0, 1).pow(log_uniform(one, 0.65, 1.5, d))
    x = x * uniform(one, 0.7, 1.3, d) * uniform((b, 3, 1, 1), 0.92, 1.08, d)
    mean = x.mean((1, 2, 3), keepdim=True)
    x = (x - mean) * uniform(one, 0.65, 1.35, d) + mean
    grey = (x * torch.tensor([0.299, 0.587, 0.114], device=d).view(1, 3, 1, 1)).sum(1, keepdim=True)
    x = torch.lerp(grey.expand_as(x), x, torch.where(chance(one, 0.08, d), 0.0, uniform(one, 0.4, 1.5, d)))
    dark = chance(one, 0.06, d)
    return torch.where(dark, x * 0.35, x).clamp(0, 1)


def blur_and_noise(x, p_blur=0.2, p_noise=0.25):
    b, d = len(x), x.device
    one = (b, 1, 1, 1)
    soft = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    x = torch.lerp(x, soft, torch.where(chance(one, p_blur, d), uniform(one, 0.3, 1.0, d), 0.0))
    at = chance((b,), p_blur / 2, d).nonzero()[:, 0]
    if len(at):
        x[at] = F.avg_pool2d(soft[at], 5, 1, 2, count_include_pad=False)
    sigma = torch.where(chance(one, p_noise, d), uniform(one, 0.0, 0.05, d), 0.0)
    return x + torch.randn_like(x) * sigma


LUMA = [16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
        18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99]


def dct_matrix(device):
    k = torch.arange(8, device=device, dtype=torch.float32)
    m = torch.cos((2 * k[None, :] + 1) * k[:, None] * math.pi / 16) / 2
    m[0] /= math.sqrt(2)
    return m


def compress(x, quality):
    """What JPEG at `quality` [B] (1..100) leaves of x: 8x8 DCT, rounded, colour at half size. Sides multiples of 16."""
    b, _, h, w = x.shape
    d = x.device
    q = torch.where(quality < 50, 50 / quality, 2 - quality / 50).clamp(min=0.02)
    table = torch.tensor(LUMA, device=d, dtype=torch.float32).view(1, 1, 1, 1, 8, 8) * q.view(b, 1, 1, 1, 1, 1) / 255
    m = dct_matrix(d)

    def blocks(p):
        n, c, ph, pw = p.shape
        t = p.view(n, c, ph // 8, 8, pw // 8, 8).permute(0, 1, 2, 4, 3, 5)
        f = m @ t @ m.t()
        f = (f / table).round() * table
        t = m.t() @ f @ m
        return t.permute(0, 1, 2, 4, 3, 5).reshape(n, c, ph, pw)

    r, g, bl = x.float().clamp(0, 1).unbind(1)
    y = 0.299 * r + 0.587 * g + 0.114 * bl
    cc = torch.stack((bl - y, r - y), 1) * 0.6
    y = blocks((y - 0.5)[:, None]) + 0.5
    cc = blocks(F.avg_pool2d(cc, 2)) / 0.6
    cc = F.interpolate(cc, scale_factor=2, mode='bilinear', align_corners=False)
    bl, r = cc[:, :1] + y, cc[:, 1:] + y
    g = (y - 0.299 * r - 0.114 * bl) / 0.587
    return torch.cat((r, g, bl), 1).clamp(0, 1)


def compress_some(x, p, lo=15, hi=90):
    at = chance((len(x),), p, x.device).nonzero()[:, 0]
    if len(at):
        x[at] = compress(x[at], uniform((len(at),), lo, hi, x.device)).to(x.dtype)
    return x


def finish(x, p_compress=0.35):
    """Colour, blur, noise, compression: the order in which a camera makes them."""
    return compress_some(blur_and_noise(colour(x)), p_compress).clamp(0, 1)
