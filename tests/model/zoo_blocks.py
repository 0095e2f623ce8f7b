"""Modules of the zoo written by hand: the building blocks of detectors, segmenters and vision transformers, with the
spellings that exporters turn into unusual operators. Random weights. See make_zoo.py."""
import math

import torch
import torch.nn.functional as F
from torch import nn

CASES = []


def case(*shape, opset=17, dynamic=(), exporters=("ts",), fast=True, scale=1.0, **extra):
    """Registers a module class (or a function that makes one) with the shape of its input. dynamic: names of the dims of
    the input that are symbolic ("n", "h", "w")."""

    def add(make):
        CASES.append(dict(name=make.__name__.strip("_").lower(), make=make, shape=shape, opset=opset, dynamic=dynamic,
                          exporters=exporters, fast=fast, scale=scale, **extra))
        return make

    return add


def cba(i, o, k=1, s=1, g=1, d=1, act=nn.SiLU):
    return nn.Sequential(nn.Conv2d(i, o, k, s, (k - 1) // 2 * d, d, g, bias=False), nn.BatchNorm2d(o), act() if act else nn.Identity())


class Bottleneck(nn.Module):
    def __init__(self, c, act=nn.SiLU, k=3):
        super().__init__()
        self.a, self.b = cba(c, c, 1, act=act), cba(c, c, k, act=act)

    def forward(self, x):
        return x + self.b(self.a(x))


class CSP(nn.Module):
    def __init__(self, i, o, n=1, act=nn.SiLU):
        super().__init__()
        h = o // 2
        self.l, self.r, self.out = cba(i, h, act=act), cba(i, h, act=act), cba(2 * h, o, act=act)
        self.m = nn.Sequential(*[Bottleneck(h, act) for _ in range(n)])

    def forward(self, x):
        return self.out(torch.cat((self.m(self.l(x)), self.r(x)), 1))


class Focus(nn.Module):
    """YOLOX stem: four strided slices."""

    def __init__(self, o):
        super().__init__()
        self.conv = cba(12, o, 3)

    def forward(self, x):
        return self.conv(torch.cat((x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]), 1))


class SPP(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.a, self.b = cba(c, c // 2), cba(c * 2, c)
        self.m = nn.ModuleList(nn.MaxPool2d(k, 1, k // 2) for k in (5, 9, 13))

    def forward(self, x):
        x = self.a(x)
        return self.b(torch.cat([x] + [m(x) for m in self.m], 1))


@case(1, 3, 96, 128, dynamic=("n", "h", "w"), exporters=("ts", "dynamo"))
class YOLOX(nn.Module):
    def __init__(self, c=24, nc=7):
        super().__init__()
        self.stem = Focus(c)
        self.s8 = nn.Sequential(cba(c, c, 3, 2), CSP(c, c), cba(c, 2 * c, 3, 2), CSP(2 * c, 2 * c, 2))
        self.s16 = nn.Sequential(cba(2 * c, 4 * c, 3, 2), SPP(4 * c), CSP(4 * c, 4 * c))
        self.up = CSP(6 * c, 2 * c)
        self.cls = nn.ModuleList(nn.Sequential(cba(k, c, 3), nn.Conv2d(c, nc, 1)) for k in (2 * c, 4 * c))
        self.reg = nn.ModuleList(nn.Sequential(cba(k, c, 3), nn.Conv2d(c, 5, 1)) for k in (2 * c, 4 * c))

    def forward(self, x):
        a = self.s8(self.stem(x))
        b = self.s16(a)
        a = self.up(torch.cat((F.interpolate(b, scale_factor=2, mode="nearest"), a), 1))
        out = []
        for m, c, r in zip((a, b), self.cls, self.reg):
            r = r(m)
            out.append(torch.cat((r[:, :4], r[:, 4:].sigmoid(), c(m).sigmoid()), 1).flatten(2))
        return torch.cat(out, 2).permute(0, 2, 1)


@case(1, 3, 96, 96, dynamic=("n",), opset=11)
class NanoDetPlus(nn.Module):
    """Shuffle units, a ghost neck and a depthwise head."""

    class Shuffle(nn.Module):
        def __init__(self, c):
            super().__init__()
            h = c // 2
            self.m = nn.Sequential(cba(h, h, act=nn.LeakyReLU), cba(h, h, 3, g=h, act=None), cba(h, h, act=nn.LeakyReLU))

        def forward(self, x):
            a, b = x.chunk(2, 1)
            x = torch.cat((a, self.m(b)), 1)
            n, c, h, w = x.size()
            return x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, -1, h, w)

    class Ghost(nn.Module):
        def __init__(self, i, o):
            super().__init__()
            self.a, self.b = cba(i, o // 2, act=nn.LeakyReLU), cba(o // 2, o // 2, 5, g=o // 2, act=nn.LeakyReLU)

        def forward(self, x):
            x = self.a(x)
            return torch.cat((x, self.b(x)), 1)

    def __init__(self, c=32, nc=8, bins=8):
        super().__init__()
        self.stem = nn.Sequential(cba(3, c, 3, 2, act=nn.LeakyReLU), nn.MaxPool2d(3, 2, 1))
        self.a = nn.Sequential(cba(c, c, 3, 2, g=c, act=None), self.Shuffle(c), self.Shuffle(c))
        self.b = nn.Sequential(cba(c, c, 5, 2, g=c, act=None), self.Shuffle(c))
        self.g1, self.g2 = self.Ghost(2 * c, c), self.Ghost(2 * c, c)
        self.down = cba(c, c, 5, 2, g=c, act=nn.LeakyReLU)
        self.heads = nn.ModuleList(nn.Sequential(cba(c, c, 5, g=c, act=nn.LeakyReLU), cba(c, c, act=nn.LeakyReLU), nn.Conv2d(c, nc + 4 * bins, 1)) for _ in range(2))
        self.nc = nc

    def forward(self, x):
        a = self.a(self.stem(x))
        b = self.b(a)
        a = self.g1(torch.cat((a, F.interpolate(b, scale_factor=2, mode="bilinear")), 1))
        b = self.g2(torch.cat((b, self.down(a)), 1))
        out = []
        for m, h in zip((a, b), self.heads):
            cls, reg = h(m).split([self.nc, 32], dim=1)
            out.append(torch.cat((cls.sigmoid(), reg), 1).flatten(2))
        return torch.cat(out, 2).permute(0, 2, 1)


class SE(nn.Module):
    def __init__(self, c, pool="adaptive"):
        super().__init__()
        self.a, self.b, self.pool = nn.Conv2d(c, max(c // 4, 4), 1), nn.Conv2d(max(c // 4, 4), c, 1), pool

    def forward(self, x):
        p = F.adaptive_avg_pool2d(x, 1) if self.pool == "adaptive" else x.mean((2, 3), keepdim=True)
        return x * F.hardsigmoid(self.b(F.relu(self.a(p))))


@case(1, 3, 128, 96, dynamic=("n", "h", "w"), opset=11)
class PicoDet(nn.Module):
    """ES blocks (SE, hard-swish, 5x5 depthwise) and a head in the style of Paddle's exporters: per-level reshapes."""

    def __init__(self, c=32, nc=6):
        super().__init__()
        hs = nn.Hardswish
        self.s = nn.Sequential(cba(3, c, 3, 2, act=hs), cba(c, c, 3, 2, g=c, act=hs), SE(c), cba(c, c, act=hs))
        self.a = nn.Sequential(cba(c, c, 5, 2, g=c, act=hs), SE(c, "mean"), cba(c, 2 * c, act=hs))
        self.b = nn.Sequential(cba(2 * c, 2 * c, 5, 2, g=2 * c, act=hs), cba(2 * c, 2 * c, act=hs))
        self.h = nn.ModuleList(nn.Conv2d(2 * c, nc + 32, 1) for _ in range(2))
        self.nc = nc

    def forward(self, x):
        a = self.a(self.s(x))
        b = self.b(a)
        a = a + F.interpolate(b, size=a.shape[2:], mode="nearest")
        cls, box = [], []
        for m, h in zip((a, b), self.h):
            y = h(m)
            c, r = y[:, : self.nc], y[:, self.nc:]
            n, _, hh, ww = r.shape
            cls.append(c.sigmoid().reshape(n, self.nc, hh * ww).transpose(1, 2))
            r = r.permute(0, 2, 3, 1).reshape(-1, 8).softmax(1)
            box.append(F.linear(r, torch.linspace(0, 7, 8)[None]).reshape(n, hh * ww, 4))
        return torch.cat(cls, 1), torch.cat(box, 1)


class RepVGG(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.a, self.b, self.n = cba(c, c, 3, act=None), cba(c, c, 1, act=None), nn.BatchNorm2d(c)

    def forward(self, x):
        return F.silu(self.a(x) + self.b(x) + self.n(x))


@case(1, 3, 96, 96, dynamic=("n",), exporters=("ts", "dynamo"))
class PPYOLOE(nn.Module):
    """Unfused RepVGG blocks, effective SE, DFL projected by a convolution, grid made in the graph."""

    def __init__(self, c=32, nc=5):
        super().__init__()
        self.s = nn.Sequential(cba(3, c, 3, 2), cba(c, c, 3, 2), RepVGG(c), RepVGG(c), cba(c, 2 * c, 3, 2), RepVGG(2 * c))
        self.ese = nn.Conv2d(2 * c, 2 * c, 1)
        self.cls, self.reg = nn.Conv2d(2 * c, nc, 3, padding=1), nn.Conv2d(2 * c, 68, 3, padding=1)
        self.proj = nn.Conv2d(17, 1, 1, bias=False)

    def forward(self, x):
        f = self.s(x)
        f = f * self.ese(f.mean((2, 3), keepdim=True)).sigmoid()
        n, _, h, w = f.shape
        cls = self.cls(f).sigmoid().flatten(2)
        d = self.reg(f).reshape(-1, 4, 17, h * w).permute(0, 2, 3, 1)
        d = self.proj(F.softmax(d, 1)).squeeze(1)
        y, x = torch.meshgrid(torch.arange(h) + 0.5, torch.arange(w) + 0.5, indexing="ij")
        p = torch.stack((x, y), -1).reshape(-1, 2).to(d)
        lt, rb = d.split(2, -1)
        return torch.cat((p - lt, p + rb), -1) * 8, cls


@case(1, 3, 64, 96, dynamic=("n", "h", "w"))
class Gelan(nn.Module):
    """YOLOv9: ELAN with AConv, ADown (avg pool, chunk, max pool) and implicit knowledge."""

    def __init__(self, c=32):
        super().__init__()
        self.s = nn.Sequential(cba(3, c, 3, 2), cba(c, 2 * c, 3, 2))
        self.a, self.m1, self.m2, self.out = cba(2 * c, 2 * c), cba(c, c, 3), cba(c, c, 3), cba(4 * c, 2 * c)
        self.d1, self.d2 = cba(c, c, 3, 2), cba(c, c)
        self.impl = nn.Parameter(torch.randn(1, 2 * c, 1, 1) * 0.1)

    def forward(self, x):
        y = list(self.a(self.s(x)).chunk(2, 1))
        y.append(self.m1(y[-1]))
        y.append(self.m2(y[-1]))
        x = self.out(torch.cat(y, 1)) + self.impl
        x = F.avg_pool2d(x, 2, 1, 0, False, True)
        a, b = x.chunk(2, 1)
        return torch.cat((self.d1(a), self.d2(F.max_pool2d(b, 3, 2, 1))), 1)


@case(1, 3, 64, 64, dynamic=("n", "h", "w"))
class OddConvs(nn.Module):
    """Even, wide, thin, dilated, strided and grouped windows; asymmetric padding; large paddings."""

    def __init__(self, c=24):
        super().__init__()
        self.stem = nn.Conv2d(3, c, 7, 2, 3)
        self.m = nn.ModuleList([
            nn.Conv2d(c, c, 2, 1, 1), nn.Conv2d(c, c, (1, 7), 1, (0, 3)), nn.Conv2d(c, c, (7, 1), 1, (3, 0)), nn.Conv2d(c, c, 3, 1, 2, 2), nn.Conv2d(c, c, 3, 1, 6, 6),
            nn.Conv2d(c, c, 3, (2, 1), 1), nn.Conv2d(c, c, 3, 1, 1, groups=4), nn.Conv2d(c, c, 5, 1, 2, groups=c), nn.Conv2d(c, c, 7, 1, 3, groups=c), nn.Conv2d(c, 2 * c, 3, 1, 1, groups=c),
            nn.Conv2d(2 * c, c, 4, 1, 2), nn.Conv2d(c, c, 3, 1, 3, 3, groups=c), nn.Conv2d(c, c, 11, 1, 5, groups=c)])

    def forward(self, x):
        x = self.stem(x)
        for m in self.m:
            x = F.relu(m(F.pad(x, (0, 1, 0, 1)))) * 2
        return x


@case(1, 16, 24, 40, dynamic=("n", "h", "w"), opset=18)
class Upsamplers(nn.Module):
    def __init__(self, c=16):
        super().__init__()
        self.t2, self.t4, self.t3 = nn.ConvTranspose2d(c, c, 2, 2), nn.ConvTranspose2d(c, c, 4, 2, 1), nn.ConvTranspose2d(c, c, 3, 2, 1, 1)
        self.tg, self.ps = nn.ConvTranspose2d(c, c, 4, 2, 1, groups=c), nn.Conv2d(c, 4 * c, 1)

    def forward(self, x):
        y = torch.cat((self.t2(x), self.t4(x), self.t3(x), self.tg(x), F.pixel_shuffle(self.ps(x), 2), F.interpolate(x, scale_factor=2)), 1)
        y = F.pixel_unshuffle(y, 2)
        a = F.interpolate(x, size=(31, 45), mode="bilinear", align_corners=True)
        b = F.interpolate(x, size=(31, 45), mode="bilinear", align_corners=False)
        c = F.interpolate(x, scale_factor=1.5, mode="nearest")
        return y, a + b, c


@case(1, 16, 24, 40, dynamic=("n", "h", "w"), opset=18)
class Cubic(nn.Module):
    def forward(self, x):
        return F.interpolate(x, scale_factor=2.0, mode="bicubic", align_corners=False), F.interpolate(x, size=(17, 19), mode="bicubic", align_corners=True)


@case(1, 24, 20, 28, dynamic=("n", "h", "w"))
class Norms(nn.Module):
    def __init__(self, c=24):
        super().__init__()
        self.g, self.i, self.l = nn.GroupNorm(6, c), nn.InstanceNorm2d(c, affine=True), nn.LayerNorm(c)
        self.c = nn.ModuleList(nn.Conv2d(c, c, 3, padding=1) for _ in range(4))
        self.w, self.b = nn.Parameter(torch.rand(c)), nn.Parameter(torch.rand(c))

    def forward(self, x):
        x = F.gelu(self.g(self.c[0](x)))
        x = F.gelu(self.i(self.c[1](x)), approximate="tanh")
        x = self.l(self.c[2](x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        u = x.mean(1, keepdim=True)
        s = (x - u).pow(2).mean(1, keepdim=True)  # ConvNeXt's channels-first LayerNorm
        x = self.w[:, None, None] * ((x - u) / torch.sqrt(s + 1e-6)) + self.b[:, None, None]
        g = torch.norm(x, p=2, dim=(2, 3), keepdim=True)  # ConvNeXtV2's GRN
        return self.c[3](x * (g / (g.mean(1, keepdim=True) + 1e-6)) + x)


@case(1, 3, 64, 80, dynamic=("n",), exporters=("ts", "dynamo"))
class ViTBlock(nn.Module):
    """Patches, class token, fused qkv, scaled dot-product attention, MLP."""

    def __init__(self, c=48, heads=3, n=20):
        super().__init__()
        self.patch, self.cls, self.pos = nn.Conv2d(3, c, 16, 16), nn.Parameter(torch.randn(1, 1, c)), nn.Parameter(torch.randn(1, n + 1, c))
        self.n1, self.n2, self.qkv, self.proj, self.a, self.b, self.heads = nn.LayerNorm(c), nn.LayerNorm(c), nn.Linear(c, 3 * c), nn.Linear(c, c), nn.Linear(c, 4 * c), nn.Linear(4 * c, c), heads

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.cls.expand(x.shape[0], -1, -1), x), 1) + self.pos
        b, n, c = x.shape
        q, k, v = self.qkv(self.n1(x)).reshape(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        x = x + self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, c))
        x = x + self.b(F.gelu(self.a(self.n2(x))))
        return x[:, 0], x[:, 1:].transpose(1, 2).reshape(b, c, 4, 5)


@case(1, 32, 16, 24, dynamic=("n",), exporters=("ts", "dynamo"))
class SwinWindow(nn.Module):
    """Shifted windows: roll, window partition, relative bias, mask."""

    def __init__(self, c=32, heads=2, w=8):
        super().__init__()
        self.qkv, self.proj, self.heads, self.w = nn.Linear(c, 3 * c), nn.Linear(c, c), heads, w
        self.bias = nn.Parameter(torch.randn(heads, w * w, w * w))
        mask = torch.zeros(6, w * w, w * w)
        mask[3:, : w * w // 2] = -100
        self.register_buffer("mask", mask)

    def forward(self, x):
        x = x.permute(0, 2, 3, 1)
        b, h, w, c = x.shape
        k = self.w
        x = torch.roll(x, (-k // 2, -k // 2), (1, 2))
        t = x.view(b, h // k, k, w // k, k, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, k * k, c)
        q, kk, v = self.qkv(t).reshape(-1, k * k, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        a = q * (c // self.heads) ** -0.5 @ kk.transpose(-2, -1) + self.bias
        a = (a.view(b, 6, self.heads, k * k, k * k) + self.mask[None, :, None]).view(-1, self.heads, k * k, k * k).softmax(-1)
        t = self.proj((a @ v).transpose(1, 2).reshape(-1, k * k, c))
        x = t.view(b, h // k, w // k, k, k, c).permute(0, 1, 3, 2, 4, 5).reshape(b, h, w, c)
        return torch.roll(x, (k // 2, k // 2), (1, 2)).permute(0, 3, 1, 2)


@case(1, 64, 20, 12, dynamic=("n", "h", "w"), exporters=("ts", "dynamo"))
class AreaAttention(nn.Module):
    """YOLOv12's area attention and YOLO11's position-encoded attention."""

    def __init__(self, c=64, heads=4, area=4):
        super().__init__()
        self.qkv, self.pe, self.proj, self.heads, self.area = cba(c, 3 * c, act=None), cba(c, c, 7, g=c, act=None), cba(c, c, act=None), heads, area
        self.qkv2, self.pe2 = cba(c, 2 * c, act=None), cba(c, c, 3, g=c, act=None)

    def forward(self, x):
        b, c, h, w = x.shape
        n = h * w
        t = self.qkv(x).flatten(2).transpose(1, 2).reshape(b * self.area, n // self.area, c * 3)
        q, k, v = t.view(b * self.area, n // self.area, self.heads, c // self.heads * 3).permute(0, 2, 3, 1).split([c // self.heads] * 3, 2)
        a = (q.transpose(-2, -1) @ k * (c // self.heads) ** -0.5).softmax(-1)
        y = (v @ a.transpose(-2, -1)).permute(0, 3, 1, 2)
        v = v.permute(0, 3, 1, 2)
        y, v = y.reshape(b, n, c), v.reshape(b, n, c)
        y, v = y.reshape(b, h, w, c).permute(0, 3, 1, 2), v.reshape(b, h, w, c).permute(0, 3, 1, 2)
        x = x + self.proj(y + self.pe(v))
        q, k, v = self.qkv2(x).view(b, self.heads, -1, n).split([8, 8, c // self.heads], 2)
        a = (q.transpose(-2, -1) @ k * 8 ** -0.5).softmax(-1)
        return (v @ a.transpose(-2, -1)).view(b, c, h, w) + self.pe2(v.reshape(b, c, h, w))


@case(1, 32, 20, 20, dynamic=("n",), opset=16, exporters=("ts", "dynamo"))
class DeformableAttention(nn.Module):
    """RT-DETR's decoder core: TopK queries, GatherElements, multi-scale GridSample."""

    def __init__(self, c=32, heads=4, points=4, k=30):
        super().__init__()
        self.value, self.off, self.wt, self.score, self.box = nn.Linear(c, c), nn.Linear(c, heads * points * 2 * 2), nn.Linear(c, heads * points * 2), nn.Linear(c, 5), nn.Linear(c, 4)
        self.down, self.heads, self.points, self.k = nn.Conv2d(c, c, 3, 2, 1), heads, points, k

    def forward(self, x):
        maps = [x, self.down(x)]
        mem = torch.cat([m.flatten(2).permute(0, 2, 1) for m in maps], 1)
        n, l, c = mem.shape
        ind = self.score(mem).max(-1).values.topk(self.k, dim=1).indices
        q = mem.gather(1, ind[..., None].repeat(1, 1, c))
        ref = self.box(q).sigmoid()
        off = self.off(q).view(n, self.k, self.heads, 2, self.points, 2)
        wt = self.wt(q).view(n, self.k, self.heads, 2 * self.points).softmax(-1)
        loc = ref[:, :, None, None, None, :2] + off / self.points * ref[:, :, None, None, None, 2:] * 0.5
        v = self.value(mem).view(n, l, self.heads, c // self.heads)
        parts = v.split([400, 100], 1)
        grid = 2 * loc - 1
        out = []
        for i, (p, s) in enumerate(zip(parts, (20, 10))):
            p = p.flatten(2).transpose(1, 2).reshape(n * self.heads, c // self.heads, s, s)
            g = grid[:, :, :, i].transpose(1, 2).flatten(0, 1)
            out.append(F.grid_sample(p, g, mode="bilinear", padding_mode="zeros", align_corners=False))
        w = wt.transpose(1, 2).reshape(n * self.heads, 1, self.k, 2 * self.points)
        o = (torch.stack(out, -2).flatten(-2) * w).sum(-1).view(n, c, self.k)
        return o.transpose(1, 2), ref


@case(1, 16, 12, 20, dynamic=("n",), opset=13)
class Einsums(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k = nn.Conv2d(16, 16, 1), nn.Conv2d(16, 16, 1)

    def forward(self, x):
        q, k = self.q(x).flatten(2), self.k(x).flatten(2)
        a = torch.einsum("bcn,bcm->bnm", q, k).softmax(-1)
        y = torch.einsum("bnm,bcm->bcn", a, k)
        proto = torch.einsum("bqc,bchw->bqhw", y[:, :, :16], x)
        return torch.einsum("bqhw,bqhw->bqh", proto, proto), proto


@case(1, 3, 40, 56, dynamic=("n", "h", "w"), exporters=("ts", "dynamo"))
class DynamicChains(nn.Module):
    """Shape arithmetic: sizes, floor divisions, expand, arange grids, masks, where, cumsum, clip, uneven splits."""

    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(3, 12, 3, 2, 1)

    def forward(self, x):
        y = self.c(x)
        n, c, h, w = y.shape
        a, b, d = y.split([3, 4, 5], 1)
        gy = torch.arange(h, device=x.device, dtype=torch.float32)[:, None].expand(h, w)
        gx = torch.arange(w, device=x.device, dtype=torch.float32)[None].expand(h, w)
        g = torch.stack((gx, gy), 0)[None].expand(n, -1, -1, -1)
        m = (a > 0.1) & ~(a > 0.5) | (a < -1)
        a = torch.where(m, a, torch.zeros_like(a)).clamp(min=-1)
        p = torch.cat((a, b.cumsum(1), d.abs().sqrt(), g / max(h, w)), 1)
        p = p[:, :, 1:-1, :: 2].reshape(n, -1, (h - 2) * ((w + 1) // 2))
        v, i = p.max(1)
        return torch.minimum(v, v.mean(-1, keepdim=True)), i, y.amax((2, 3))


@case(1, 8, 20, 20, dynamic=("n",), opset=13, rows=True)
class CenterNetDecode(nn.Module):
    """Peaks by max pooling, TopK over the flattened map, integer arithmetic, gather by index."""

    def forward(self, x):
        heat, wh, reg = x[:, :4].sigmoid(), x[:, 4:6].abs(), x[:, 6:]
        n, c, h, w = heat.shape
        heat = heat * (F.max_pool2d(heat, 3, 1, 1) == heat).float()
        s, i = heat.view(n, -1).topk(20)
        cls = torch.div(i, h * w, rounding_mode="floor")
        i = i % (h * w)
        ys, xs = torch.div(i, w, rounding_mode="floor").float(), (i % w).float()
        at = i[:, :, None].expand(-1, -1, 2)
        wh = wh.view(n, 2, -1).permute(0, 2, 1).gather(1, at)
        reg = reg.view(n, 2, -1).permute(0, 2, 1).gather(1, at)
        xs, ys = xs + reg[..., 0], ys + reg[..., 1]
        return torch.stack((xs - wh[..., 0] / 2, ys - wh[..., 1] / 2, xs + wh[..., 0] / 2, ys + wh[..., 1] / 2, s, cls.float()), -1)


@case(1, 3, 64, 64, dynamic=("n", "h", "w"), opset=12)
class DBNet(nn.Module):
    """Text regions: SE-FPN with nearest upsampling, transposed convolutions, hard-swish, a step function."""

    def __init__(self, c=24):
        super().__init__()
        self.a, self.b, self.d = cba(3, c, 3, 4, act=nn.Hardswish), cba(c, c, 3, 2, act=nn.Hardswish), cba(c, c, 3, 2, act=nn.ReLU6)
        self.se = nn.ModuleList(SE(c) for _ in range(3))
        self.head = nn.Sequential(cba(3 * c, c, 3, act=nn.ReLU), nn.ConvTranspose2d(c, c, 2, 2), nn.BatchNorm2d(c), nn.ReLU(), nn.ConvTranspose2d(c, 1, 2, 2))

    def forward(self, x):
        a = self.a(x)
        b = self.b(a)
        d = self.se[2](self.d(b))
        b = self.se[1](b) + F.interpolate(d, scale_factor=2, mode="nearest")
        a = self.se[0](a) + F.interpolate(b, scale_factor=2, mode="nearest")
        up = [F.interpolate(d, scale_factor=4), F.interpolate(b, scale_factor=2), a]
        p = self.head(torch.cat(up, 1)).sigmoid()
        return p, 1 / (1 + torch.exp(-50 * (p - 0.3)))


@case(1, 3, 48, 160, dynamic=("n", "w"), opset=14)
class TextRecogniser(nn.Module):
    """CRNN in the style of SVTR: rows pooled away, mixing blocks, one-dimensional convolutions, CTC softmax."""

    def __init__(self, c=32):
        super().__init__()
        self.s = nn.Sequential(cba(3, c, 3, 2), cba(c, c, 3, (2, 1)), cba(c, c, 3, (2, 1)))
        self.c1, self.n, self.q = nn.Conv1d(c, c, 5, padding=2), nn.LayerNorm(c), nn.Linear(c, 3 * c)
        self.out = nn.Linear(c, 40)

    def forward(self, x):
        x = self.s(x).mean(2)
        x = F.silu(self.c1(x)).permute(0, 2, 1)
        q, k, v = self.q(self.n(x)).chunk(3, -1)
        x = x + torch.softmax(q @ k.transpose(1, 2) / math.sqrt(32), -1) @ v
        return F.softmax(self.out(x), -1)


@case(1, 3, 32, 32, dynamic=("n",))
class MiscMaths(nn.Module):
    def forward(self, x):
        a = x.exp().log1p() + x.abs().pow(1.5) - x.sin() * x.cos() + torch.atan2(x, x + 2)
        b = F.softplus(x) + F.elu(x) + F.celu(x) + F.selu(x) + F.mish(x) + F.hardtanh(x) + F.logsigmoid(x) + F.hardswish(x)
        d = x.floor() + x.ceil() + x.round() + x.sign() + x.reciprocal().clamp(-5, 5) + torch.rsqrt(x.abs() + 1) + x.neg().tanh()
        e = torch.logsumexp(x, 1, keepdim=True) + x.std(1, keepdim=True) + x.prod(1, keepdim=True) + x.norm(dim=1, keepdim=True) + x.var((2, 3), keepdim=True)
        f = F.normalize(x, dim=1) + x.log_softmax(1) + x.flip(3) + x.tril() + torch.remainder(x, 0.3) + torch.fmod(x, 0.3)
        return a, b, d, e, f, x.argmax(1), (x > 0).any(1).float(), x.sort(-1).values


@case(1, 3, 40, 40, dynamic=("n",))
class PReluPad(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.p, self.q = nn.Conv2d(3, 16, 3), nn.PReLU(16), nn.PReLU(1)
        self.b = nn.Conv2d(16, 16, 3)

    def forward(self, x):
        x = self.p(self.a(F.pad(x, (1, 1, 1, 1), mode="reflect")))
        x = self.q(self.b(F.pad(x, (1, 2, 1, 0), mode="replicate")))
        return F.lp_pool2d(x.abs() + 0.1, 2, 2) + F.avg_pool2d(F.pad(x, (1, 1, 1, 1), value=-1.5)[:, :, 1:-1, 1:-1], 2), F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False)


@case(1, 256, opset=13, dynamic=("n",))
class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.m = nn.Sequential(nn.Linear(256, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, 77), nn.Dropout(0.1), nn.Softmax(1))

    def forward(self, x):
        return self.m(x)


@case(1, 3, 64, 64, dynamic=("n",), rows=True, opset=17, refused="NonMaxSuppression")
class BoxesNms(nn.Module):
    """A detector with its suppression inside, one image: the number of rows depends on the picture."""

    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(3, 5, 8, 8)

    def forward(self, x):
        import torchvision
        y = self.c(x).flatten(2).transpose(1, 2)[0]
        boxes = torch.cat((y[:, :2], y[:, :2] + y[:, 2:4].abs() + 0.1), 1) * 64
        keep = torchvision.ops.nms(boxes, y[:, 4].sigmoid(), 0.5)[:20]
        return boxes[keep], y[keep, 4].sigmoid()
