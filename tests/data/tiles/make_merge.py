#!/usr/bin/env python3
"""Makes merge.txt: boxes and what NMS, NMM and GREEDYNMM of SAHI make of them, from a plain restatement of the algorithms. Needs numpy.

With --check it also runs the sahi package (0.12) on every case and fails when that says anything else."""
import os
import sys
import numpy as np

F = np.float32
here = os.path.dirname(os.path.abspath(__file__))


def overlap(a, b, metric, real):
    a, b = np.asarray(a[:4], real), np.asarray(b[:4], real)
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    inter = max(real(0), w) * max(real(0), h)
    one, two = (a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1])
    whole = one + two - inter if metric == "IOU" else min(one, two)
    return inter / whole if whole > 0 else real(0)


def order_of(boxes, members):
    return sorted(members, key=lambda i: (-boxes[i][4], *boxes[i][:4], i))


def groups(boxes, members, kind, metric, threshold):
    """[(keeper, [others in the order in which they are joined])]"""
    order, out = order_of(boxes, members), []
    match = lambda i, k: overlap(boxes[i], boxes[k], metric, F) >= F(threshold)
    if kind != "NMM":
        while order:
            i, rest = order[0], order[1:]
            out.append((i, [k for k in rest if match(i, k)]))
            order = [k for k in rest if not match(i, k)]
        return out
    owner, lists = {}, {}
    for i in order:
        if i not in owner:
            owner[i] = i
            lists[i] = []
        for k in sorted(members):
            surer = boxes[i][4] > boxes[k][4] or (boxes[i][4] == boxes[k][4] and not tuple(boxes[i][:4]) < tuple(boxes[k][:4]))
            if k != i and k not in owner and surer and match(i, k):
                owner[k] = owner[i]
                lists[owner[i]].append(k)
    return list(lists.items())


def merge(boxes, kind, metric, threshold, agnostic):
    out = []
    classes = [None] if agnostic else sorted({b[5] for b in boxes})
    for c in classes:
        members = [i for i, b in enumerate(boxes) if c is None or b[5] == c]
        for keep, others in groups(boxes, members, kind, metric, threshold):
            have = list(boxes[keep])
            for o in others:
                b = boxes[o]
                if kind == "NMS" or not overlap(have, b, metric, np.float64) >= threshold:
                    continue
                have[:4] = [min(have[0], b[0]), min(have[1], b[1]), max(have[2], b[2]), max(have[3], b[3])]
                if not have[4] > b[4]:
                    have[4:] = b[4:]
            out.append(tuple(have))
    return sorted(out, key=lambda b: (-b[4], b))


def by_sahi(boxes, kind, metric, threshold, agnostic):
    from sahi.postprocess.combine import GreedyNMMPostprocess, NMMPostprocess, NMSPostprocess
    from sahi.prediction import ObjectPrediction
    rule = {"NMS": NMSPostprocess, "NMM": NMMPostprocess, "GREEDYNMM": GreedyNMMPostprocess}[kind](threshold, metric, agnostic)
    things = rule([ObjectPrediction(bbox=list(map(float, b[:4])), score=float(b[4]), category_id=int(b[5]), category_name=str(b[5])) for b in boxes])
    got = [(*map(float, t.bbox.to_xyxy()), float(t.score.value), t.category.id) for t in things]
    return sorted(got, key=lambda b: (-b[4], b))


def scene(rng, n, equal_scores):
    """Clusters of jittered boxes, boxes in boxes and chains of neighbours; corners on quarters of a pixel, so that text is exact."""
    boxes = []
    while len(boxes) < n:
        x, y = rng.uniform(0, 900, 2)
        w, h = rng.uniform(10, 220, 2)
        c = int(rng.integers(0, 3))
        for k in range(int(rng.integers(1, 7))):
            how = rng.integers(0, 4)
            d = rng.normal(0, 0.08, 4) * [w, h, w, h]
            if how == 1:  # a part
                d = np.array([0, 0, -w * rng.uniform(0.2, 0.7), -h * rng.uniform(0, 0.6)])
            if how == 2:  # the next of a chain
                x += 0.4 * w
            b = np.round(4 * np.array([x + d[0], y + d[1], x + w + d[2], y + h + d[3]])) / 4
            b = np.maximum(b, 0)
            if b[2] <= b[0] or b[3] <= b[1]:
                continue
            score = rng.integers(1, 6) / 8 if equal_scores else rng.integers(50, 1000) / 1024
            boxes.append((*map(float, b), float(score), c if rng.random() < 0.8 else int(rng.integers(0, 3))))
    return boxes[:n]


def main():
    check, lines, made = "--check" in sys.argv, [], 0
    rng = np.random.default_rng(9)
    for kind in ("NMS", "NMM", "GREEDYNMM"):
        for metric in ("IOS", "IOU"):
            for threshold, agnostic, n, equal in ((0.5, 0, 60, 0), (0.5, 1, 30, 1), (0.25, 0, 40, 1), (0.75, 1, 40, 0)):
                boxes = scene(rng, n, equal)
                want = merge(boxes, kind, metric, threshold, agnostic)
                if check and by_sahi(boxes, kind, metric, threshold, bool(agnostic)) != want:
                    sys.exit(f"sahi says something else about case {made}: {kind} {metric} {threshold}")
                lines.append(f"{kind} {metric} {threshold} {agnostic} {len(boxes)} {len(want)}")
                lines += [" ".join(f"{v:.12g}" for v in b) for b in boxes + want]
                made += 1
    with open(os.path.join(here, "merge.txt"), "w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n")
    print(f"{made} cases" + (", as sahi has them" if check else ""))


main()
