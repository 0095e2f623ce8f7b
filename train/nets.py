"""Building blocks and the three networks. Plain 3x3 and 1x1 convolutions, channels in multiples of 16: what fovea's
engine runs fastest."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Conv(nn.Sequential):
    """Convolution, batch normalisation (folded at export), activation."""

    def __init__(self, i, o, k=1, s=1, act='silu'):
        acts = {'silu': nn.SiLU, 'relu': nn.ReLU}
        super().__init__(nn.Conv2d(i, o, k, s, k // 2, bias=False), nn.BatchNorm2d(o, eps=1e-3, momentum=0.03), acts[act](inplace=True))


class Residual(nn.Module):
    def __init__(self, c, act='silu'):
        super().__init__()
        self.a, self.b = Conv(c, c, 3, act=act), Conv(c, c, 3, act=act)

    def forward(self, x):
        return x + self.b(self.a(x))


class Split(nn.Module):
    """Half the channels go through residual blocks, every stage is kept, a 1x1 joins them all."""

    def __init__(self, i, o, n=1, act='silu', residual=True):
        super().__init__()
        self.half = o // 2
        self.first = Conv(i, o, 1, act=act)
        block = Residual if residual else (lambda c, act: nn.Sequential(Conv(c, c, 3, act=act), Conv(c, c, 3, act=act)))
        self.blocks = nn.ModuleList(block(self.half, act=act) for _ in range(n))
        self.last = Conv(o + n * self.half, o, 1, act=act)

    def forward(self, x):
        parts = list(self.first(x).split(self.half, 1))
        for b in self.blocks:
            parts.append(b(parts[-1]))
        return self.last(torch.cat(parts, 1))


class Pool(nn.Module):
    """Three 5x5 max pools in a row, joined: a wide view at the coarsest level."""

    def __init__(self, c, act='silu'):
        super().__init__()
        self.a, self.b = Conv(c, c // 2, 1, act=act), Conv(c * 2, c, 1, act=act)

    def forward(self, x):
        x = [self.a(x)]
        for _ in range(3):
            x.append(F.max_pool2d(x[-1], 5, 1, 2))
        return self.b(torch.cat(x, 1))


class Detector(nn.Module):
    """Anchor-free detector on strides 8, 16, 32: per cell a score a class and the distances to the four sides.

    forward: x [B,3,H,W] RGB 0..1 -> logits [B,A,classes], sides [B,A,4] (left, top, right, bottom in strides), extra
    [B,A,extra] or None (scores of a teacher's classes; trained along, not exported)."""
    strides = (8, 16, 32)

    def __init__(self, classes=1, width=(16, 32, 64, 96, 160), depth=(1, 2, 2, 2), head=48, extra=0):
        super().__init__()
        c1, c2, c3, c4, c5 = width
        self.classes, self.extra = classes, extra
        self.stem = Conv(3, c1, 3, 2)
        self.s4 = nn.Sequential(Conv(c1, c2, 3, 2), Split(c2, c2, depth[0]))
        self.s8 = nn.Sequential(Conv(c2, c3, 3, 2), Split(c3, c3, depth[1]))
        self.s16 = nn.Sequential(Conv(c3, c4, 3, 2), Split(c4, c4, depth[2]))
        self.s32 = nn.Sequential(Conv(c4, c5, 3, 2), Split(c5, c5, depth[3]), Pool(c5))
        self.up16, self.up8 = Split(c5 + c4, c4, 1, residual=False), Split(c4 + c3, c3, 1, residual=False)
        self.down16, self.down32 = Conv(c3, c3, 3, 2), Conv(c4, c4, 3, 2)
        self.out16, self.out32 = Split(c3 + c4, c4, 1, residual=False), Split(c4 + c5, c5, 1, residual=False)
        self.score, self.side = nn.ModuleList(), nn.ModuleList()
        self.to_score, self.to_side, self.to_extra = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for c in (c3, c4, c5):
            self.score.append(nn.Sequential(Conv(c, head, 1), Conv(head, head, 3)))
            self.side.append(nn.Sequential(Conv(c, head, 1), Conv(head, head, 3)))
            self.to_score.append(nn.Conv2d(head, classes, 1))
            self.to_side.append(nn.Conv2d(head, 4, 1))
            self.to_extra.append(nn.Conv2d(head, extra, 1) if extra else nn.Identity())
        for m in self.to_score:
            nn.init.zeros_(m.weight)
            nn.init.constant_(m.bias, -4.6)  # a hundredth: few cells hold an object
        for m in self.to_extra:
            if extra:
                nn.init.zeros_(m.weight)
                nn.init.constant_(m.bias, -6.0)
        for m in self.to_side:
            nn.init.constant_(m.bias, 2.0)

    def levels(self, x):
        s8 = self.s8(self.s4(self.stem(x)))
        s16 = self.s16(s8)
        s32 = self.s32(s16)
        n16 = self.up16(torch.cat((F.interpolate(s32, scale_factor=2.0, mode='nearest'), s16), 1))
        n8 = self.up8(torch.cat((F.interpolate(n16, scale_factor=2.0, mode='nearest'), s8), 1))
        n16 = self.out16(torch.cat((self.down16(n8), n16), 1))
        n32 = self.out32(torch.cat((self.down32(n16), s32), 1))
        return n8, n16, n32

    def raw(self, x):
        """Maps a level: score logits, sides, extra logits."""
        out = []
        for i, f in enumerate(self.levels(x)):
            s, b = self.score[i](f), self.side[i](f)
            out.append((self.to_score[i](s), self.to_side[i](b), self.to_extra[i](s) if self.extra and self.training else None))
        return out

    def forward(self, x):
        maps = self.raw(x)
        flat = lambda k: torch.cat([m[k].flatten(2) for m in maps], 2).transpose(1, 2).float()
        return flat(0), flat(1), flat(2) if maps[0][2] is not None else None


def anchors(h, w, strides, device):
    """Cell centres [A,2] in pixels and strides [A] of an input of h x w."""
    points, steps = [], []
    for s in strides:
        y, x = torch.meshgrid(torch.arange(h // s, device=device), torch.arange(w // s, device=device), indexing='ij')
        points.append(torch.stack((x, y), -1).reshape(-1, 2) * s + s / 2)
        steps.append(torch.full((len(points[-1]),), float(s), device=device))
    return torch.cat(points).float(), torch.cat(steps)


def boxes_of(sides, points, steps):
    """[B,A,4] sides in strides -> xyxy in pixels."""
    sides = sides * steps[:, None]
    return torch.cat((points - sides[..., :2], points + sides[..., 2:]), -1)


class Marker(nn.Module):
    """Where something was laid over a picture: x [B,3,H,W] RGB 0..1 -> logits [B,1,H/4,W/4]. H, W: multiples of 32.

    The finest maps are narrow, and the mask is made of four channels at stride 8: most of the time goes where it helps."""

    def __init__(self, width=(16, 16, 64, 64, 96), depth=(1, 1, 1), head=32):
        super().__init__()
        c1, c2, c3, c4, c5 = width
        self.stem, self.s4 = Conv(3, c1, 3, 2), Conv(c1, c2, 3, 2)
        self.s8 = nn.Sequential(Conv(c2, c3, 3, 2), Split(c3, c3, depth[0]))
        self.s16 = nn.Sequential(Conv(c3, c4, 3, 2), Split(c4, c4, depth[1]))
        self.s32 = nn.Sequential(Conv(c4, c5, 3, 2), Split(c5, c5, depth[2]))
        self.to16, self.to8, self.n8 = Conv(c5 + c4, c4, 1), Conv(c4 + c3, head, 1), Conv(head, head, 3)
        self.out = nn.Conv2d(head, 4, 1)
        nn.init.constant_(self.out.bias, -3.0)

    def forward(self, x):
        s8 = self.s8(self.s4(self.stem(x)))
        s16 = self.s16(s8)
        up = lambda t: F.interpolate(t, scale_factor=2.0, mode='nearest')
        n16 = self.to16(torch.cat((up(self.s32(s16)), s16), 1))
        return F.pixel_shuffle(self.out(self.n8(self.to8(torch.cat((up(n16), s8), 1)))), 2)


class Filler(nn.Module):
    """Fills holes: image [B,3,H,W] 0..1 and mask [B,1,H,W] (1 = hole) -> image with the holes filled, the rest untouched.
    H, W: multiples of 16. Without normalisation layers: brightness must come through unchanged."""

    def __init__(self, width=(16, 32, 64, 96), depth=(1, 1, 2)):
        super().__init__()
        c1, c2, c3, c4 = width
        act = nn.ReLU(inplace=True)

        def conv(i, o, k=3, s=1):
            return nn.Sequential(nn.Conv2d(i, o, k, s, (k - 1) // 2), act)

        class Block(nn.Module):
            def __init__(self, c):
                super().__init__()
                self.a, self.b = nn.Conv2d(c, c, 3, 1, 1), nn.Conv2d(c, c, 3, 1, 1)
                nn.init.zeros_(self.b.weight)

            def forward(self, x):
                return F.relu(x + self.b(F.relu(self.a(x))))

        many = lambda c, n: nn.Sequential(*(Block(c) for _ in range(n)))
        self.e1 = nn.Sequential(conv(4, c1, 4, 2), conv(c1, c1))
        self.e2 = nn.Sequential(conv(c1, c2, 3, 2), many(c2, depth[0]))
        self.e3 = nn.Sequential(conv(c2, c3, 3, 2), many(c3, depth[1]))
        self.e4 = nn.Sequential(conv(c3, c4, 3, 2), many(c4, depth[2]))
        self.d3 = nn.Sequential(conv(c4 + c3, c3, 1), many(c3, 1))
        self.d2 = nn.Sequential(conv(c3 + c2, c2, 1), many(c2, 1))
        self.d1 = nn.Sequential(conv(c2 + c1, c1, 1), conv(c1, c1))
        self.out = nn.Conv2d(c1, 12, 3, 1, 1)
        nn.init.constant_(self.out.bias, 0.45)
        nn.init.normal_(self.out.weight, std=1e-3)

    def forward(self, image, mask):
        known = image * (1 - mask)
        e1 = self.e1(torch.cat((known, mask), 1))
        e2 = self.e2(e1)
        e3 = self.e3(e2)
        e4 = self.e4(e3)
        up = lambda t: F.interpolate(t, scale_factor=2.0, mode='nearest')
        d3 = self.d3(torch.cat((up(e4), e3), 1))
        d2 = self.d2(torch.cat((up(d3), e2), 1))
        d1 = self.d1(torch.cat((up(d2), e1), 1))
        return known + F.pixel_shuffle(self.out(d1), 2) * mask


def cost(net, *inputs):
    """Parameters and GFLOP (two a multiply-add) of one run."""
    flops = [0]

    def count(m, _, out):
        flops[0] += 2 * out.shape[2] * out.shape[3] * m.weight.numel()

    hooks = [m.register_forward_hook(count) for m in net.modules() if isinstance(m, nn.Conv2d)]
    was = net.training
    net.eval()
    with torch.no_grad():
        net(*inputs)
    net.train(was)
    for h in hooks:
        h.remove()
    return sum(p.numel() for p in net.parameters()), flops[0] / 1e9
