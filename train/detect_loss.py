"""Loss of the detector: task-aligned assignment (TOOD, arXiv:2108.07755), complete IoU (arXiv:1911.08287), binary
cross-entropy against the quality of the match; and the same shape of loss against a teacher's dense answer."""
import math

import torch
import torch.nn.functional as F

from nets import anchors, boxes_of


def pair_iou(a, b):
    """[...,4] and [...,4] that broadcast -> IoU"""
    w = (torch.minimum(a[..., 2], b[..., 2]) - torch.maximum(a[..., 0], b[..., 0])).clamp(min=0)
    h = (torch.minimum(a[..., 3], b[..., 3]) - torch.maximum(a[..., 1], b[..., 1])).clamp(min=0)
    inter = w * h
    size = lambda t: (t[..., 2] - t[..., 0]).clamp(min=0) * (t[..., 3] - t[..., 1]).clamp(min=0)
    return inter / (size(a) + size(b) - inter + 1e-7)


def complete_iou(a, b):
    """IoU less the distance of the centres and the difference of the aspect; a, b [n,4]"""
    iou = pair_iou(a, b)
    cw = torch.maximum(a[:, 2], b[:, 2]) - torch.minimum(a[:, 0], b[:, 0])
    ch = torch.maximum(a[:, 3], b[:, 3]) - torch.minimum(a[:, 1], b[:, 1])
    far = ((a[:, 0] + a[:, 2] - b[:, 0] - b[:, 2]) ** 2 + (a[:, 1] + a[:, 3] - b[:, 1] - b[:, 3]) ** 2) / 4
    wa, ha = (a[:, 2] - a[:, 0]).clamp(min=1e-3), (a[:, 3] - a[:, 1]).clamp(min=1e-3)
    wb, hb = (b[:, 2] - b[:, 0]).clamp(min=1e-3), (b[:, 3] - b[:, 1]).clamp(min=1e-3)
    v = 4 / math.pi ** 2 * (torch.atan(wb / hb) - torch.atan(wa / ha)) ** 2
    with torch.no_grad():
        alpha = v / (1 - iou + v + 1e-7)
    return iou - far / (cw ** 2 + ch ** 2 + 1e-7) - alpha * v


@torch.no_grad()
def assign(scores, boxes, points, steps, truth, top=10, alpha=0.5, beta=6.0):
    """scores [B,A,C] 0..1, boxes [B,A,4], truth [B,G,5] -> positive [B,A], index of truth [B,A], target score [B,A].

    A cell may stand for an object when its centre lies inside (small objects count as at least 1.5 strides wide); of
    those the `top` best by score^alpha * IoU^beta do; a cell wanted twice goes to the object it fits better."""
    b, g = truth.shape[:2]
    real = (truth[..., 3] > truth[..., 1]) & (truth[..., 4] > truth[..., 2])
    centre = (truth[..., 1:3] + truth[..., 3:5]) / 2
    half = (truth[..., 3:5] - truth[..., 1:3]) / 2
    reach = torch.maximum(half[:, :, None, :], (0.75 * steps.clamp(max=16))[None, None, :, None] * (steps == steps.min())[None, None, :, None])
    inside = ((points[None, None] - centre[:, :, None, :]).abs() < reach).all(-1) & real[..., None]
    iou = pair_iou(boxes[:, None], truth[:, :, None, 1:]).clamp(min=0)  # [B,G,A]
    cls = scores.gather(2, truth[..., 0].long().clamp(0, scores.shape[2] - 1)[:, None, :].expand(-1, scores.shape[1], -1)).transpose(1, 2)
    metric = cls.pow(alpha) * iou.pow(beta) * inside
    best = metric.topk(top, 2)
    mask = torch.zeros_like(metric).scatter_(2, best.indices, (best.values > 1e-9).to(metric.dtype)).bool()
    crowded = mask.sum(1) > 1
    winner = torch.where(mask, iou, torch.full_like(iou, -1)).argmax(1)
    only = F.one_hot(winner, g).transpose(1, 2).bool()
    mask = mask & torch.where(crowded[:, None, :], only, torch.ones_like(mask))
    metric = metric * mask
    target = metric / (metric.amax(2, keepdim=True) + 1e-9) * (iou * mask).amax(2, keepdim=True)
    return mask.any(1), mask.float().argmax(1), target.amax(1)


def ignored(points, crowd):
    """[B,A] cells inside a region that is neither object nor background."""
    p = points[None, :, None]
    c = crowd[:, None]
    return ((p[..., 0] > c[..., 0]) & (p[..., 0] < c[..., 2]) & (p[..., 1] > c[..., 1]) & (p[..., 1] < c[..., 3])).any(-1)


def loss(out, size, strides, truth, crowd, teacher=None, weights=None):
    """out: (logits [B,A,C], sides [B,A,4], extra or None). teacher: (scores [B,A,T], boxes [B,A,4], class that is ours).
    -> scalar, {part: value}"""
    w = {'score': 0.5, 'box': 7.5, 'side': 0.5, 'kd_score': 0.5, 'kd_box': 3.0, 'kd_extra': 0.25} | (weights or {})
    logits, sides, extra = out
    points, steps = anchors(size[0], size[1], strides, logits.device)
    boxes = boxes_of(sides, points, steps)
    positive, which, quality = assign(logits.detach().sigmoid(), boxes.detach(), points, steps, truth)
    target = torch.zeros_like(logits)
    chosen = truth.gather(1, which[..., None].expand(-1, -1, 5))
    target.scatter_(2, chosen[..., :1].long().clamp(0, logits.shape[2] - 1), (quality * positive)[..., None])
    count = target.sum().clamp(min=1)
    per_cell = F.binary_cross_entropy_with_logits(logits, target, reduction='none').sum(2)
    skip = ignored(points, crowd) & ~positive
    parts = {'score': (per_cell * ~skip).sum() / count}
    b, a = positive.nonzero(as_tuple=True)
    weight = quality[b, a]
    parts['box'] = ((1 - complete_iou(boxes[b, a], chosen[b, a, 1:])) * weight).sum() / count
    goal = torch.cat((points[a] - chosen[b, a, 1:3], chosen[b, a, 3:5] - points[a]), -1) / steps[a, None]
    parts['side'] = (F.smooth_l1_loss(sides[b, a], goal, reduction='none').mean(1) * weight).sum() / count
    if teacher is not None:
        scores, their_boxes, ours = teacher
        soft = scores[..., ours]
        mass = soft.sum().clamp(min=1)
        parts['kd_score'] = F.binary_cross_entropy_with_logits(logits[..., 0], soft, reduction='none').sum() / mass
        b, a = (soft > 0.15).nonzero(as_tuple=True)
        parts['kd_box'] = ((1 - complete_iou(boxes[b, a], their_boxes[b, a])) * soft[b, a]).sum() / mass
        if extra is not None:
            parts['kd_extra'] = F.binary_cross_entropy_with_logits(extra, scores, reduction='none').sum() / scores.sum().clamp(min=1)
    total = sum(w[k] * v for k, v in parts.items())
    return total, {k: v.detach() for k, v in parts.items()}
