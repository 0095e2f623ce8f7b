"""Average precision at one IoU by the rule of the COCO tools: greedy matching by score, crowd regions swallow what lies
in them, 101 recall points, at most 100 boxes a picture."""
import numpy as np


def overlaps(a, b, crowd=False):
    """[n,4] x [m,4] -> IoU, or for crowd regions b: the part of a that lies inside."""
    w = np.minimum(a[:, None, 2], b[None, :, 2]) - np.maximum(a[:, None, 0], b[None, :, 0])
    h = np.minimum(a[:, None, 3], b[None, :, 3]) - np.maximum(a[:, None, 1], b[None, :, 1])
    inter = np.clip(w, 0, None) * np.clip(h, 0, None)
    size = lambda t: (t[:, 2] - t[:, 0]) * (t[:, 3] - t[:, 1])
    return inter / np.maximum(size(a)[:, None] + (0 if crowd else size(b)[None] - inter), 1e-9)


def match(boxes, scores, truth, crowd, iou=0.5, most=100):
    """One picture and class -> [(score, 1 hit / 0 false)], number of objects. Boxes in crowd regions are left out."""
    order = np.argsort(-scores, kind='mergesort')[:most]
    boxes, scores = boxes[order], scores[order]
    taken = np.zeros(len(truth), bool)
    o = overlaps(boxes, truth) if len(truth) and len(boxes) else np.zeros((len(boxes), len(truth)))
    inside = overlaps(boxes, crowd, True).max(1) if len(crowd) and len(boxes) else np.zeros(len(boxes))
    rows = []
    for i in range(len(boxes)):
        free = np.where(taken, -1, o[i]) if len(truth) else np.zeros(0)
        j = int(free.argmax()) if len(free) else -1
        if j >= 0 and free[j] >= min(iou, 1 - 1e-10):
            taken[j] = True
            rows.append((scores[i], 1))
        elif inside[i] < iou:
            rows.append((scores[i], 0))
    return rows, len(truth)


def curve(rows, objects):
    """-> scores, precision, recall, sorted by score"""
    rows = sorted(rows, key=lambda r: -r[0])
    hit = np.cumsum([r[1] for r in rows]) if rows else np.zeros(0)
    n = np.arange(1, len(rows) + 1)
    return np.array([r[0] for r in rows]), hit / np.maximum(n, 1), hit / max(objects, 1)


def average_precision(rows, objects):
    _, p, r = curve(rows, objects)
    if not len(p):
        return 0.0
    p = np.maximum.accumulate(p[::-1])[::-1]
    at = np.searchsorted(r, np.linspace(0, 1, 101), side='left')
    return float(np.mean([p[i] if i < len(p) else 0.0 for i in at]))


def best_f1(rows, objects):
    """-> F1, score threshold, precision, recall"""
    s, p, r = curve(rows, objects)
    if not len(s):
        return 0.0, 1.0, 0.0, 0.0
    f = 2 * p * r / np.maximum(p + r, 1e-9)
    i = int(f.argmax())
    return float(f[i]), float(s[i]), float(p[i]), float(r[i])
