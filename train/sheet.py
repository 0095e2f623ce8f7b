"""Contact sheet of a shipped model on validation photographs that are CC BY or CC BY-SA, with credits.

    python sheet.py person --data DATA -o person.jpg --credits person.txt
    python sheet.py mark --data DATA --pack photos.npz --overlays overlays.npz -o mark.jpg --credits mark.txt      # fill likewise

person: boxes at --conf; the first rows are drawn by lot, the last are the pictures with the most misses and false alarms
(green: found, red: false, yellow: missed). mark: picture with overlays, what was found. fill: picture, hole, Telea, filled.
"""
import argparse
import csv
import json
import os
import re
import tempfile

import cv2
import numpy as np

import judge
import metrics

FREE = ('CC BY 2.0', 'CC BY-SA 2.0')


def free_pictures(data):
    """stem -> credit, of validation pictures that may be shown."""
    found = {}
    for r in csv.DictReader(open(os.path.join(data, 'licences.tsv')), delimiter='\t', quoting=csv.QUOTE_NONE):
        licence = re.search(r'image (CC BY(?:-SA)? [\d.]+);', r['licence'])
        number = re.search(r'/(\d{6,})_', r['attribution'] or '')
        if r['split'] == 'val' and licence and licence[1] in FREE and number:
            found[r['image']] = f"https://flickr.com/photo.gne?id={number[1]} ({licence[1]})"
    return found


def tile(img, side):
    r = side / max(img.shape[:2])
    img = cv2.resize(img, (round(img.shape[1] * r), round(img.shape[0] * r)), interpolation=cv2.INTER_AREA if r < 1 else cv2.INTER_LINEAR)
    out = np.full((side, side, 3), 32, np.uint8)
    y, x = (side - img.shape[0]) // 2, (side - img.shape[1]) // 2
    out[y:y + img.shape[0], x:x + img.shape[1]] = img
    return out, r, x, y


def grid(tiles, columns):
    rows = [np.concatenate(tiles[i:i + columns], 1) for i in range(0, len(tiles), columns)]
    return np.concatenate(rows, 0)


def labels(path, w, h):
    rows = [[float(v) for v in l.split()] for l in open(path)] if os.path.exists(path) else []
    b = np.array([r[1:5] for r in rows], float).reshape(-1, 4)
    return np.stack((b[:, 0] - b[:, 2] / 2, b[:, 1] - b[:, 3] / 2, b[:, 0] + b[:, 2] / 2, b[:, 1] + b[:, 3] / 2), 1) * [w, h, w, h]


def person_tile(a, path, boxes, side):
    img = cv2.imread(path)
    h, w = img.shape[:2]
    truth = labels(path.replace('/images/', '/labels/').replace('.jpg', '.txt'), w, h)
    o = metrics.overlaps(boxes, truth) if len(truth) and len(boxes) else np.zeros((len(boxes), len(truth)))
    hit, seen = np.zeros(len(boxes), bool), np.zeros(len(truth), bool)
    for i in range(len(boxes)):
        free = np.where(seen, 0, o[i])
        if len(free) and free.max() >= 0.5:
            hit[i], seen[free.argmax()] = True, True
    out, r, dx, dy = tile(img, side)
    draw = lambda b, colour: cv2.rectangle(out, (int(b[0] * r) + dx, int(b[1] * r) + dy), (int(b[2] * r) + dx, int(b[3] * r) + dy), colour, 1)
    for b in truth[~seen]:
        draw(b, (0, 220, 255))
    for b, ok in zip(boxes, hit):
        draw(b, (80, 220, 80) if ok else (60, 60, 255))
    return out, int((~hit).sum() + (~seen).sum())


def person(a):
    free = free_pictures(a.data)
    stems = sorted(free)
    paths = [os.path.join(a.data, 'images', s + '.jpg') for s in stems]
    with tempfile.TemporaryDirectory() as d:
        names = os.path.join(d, 'list.txt')
        open(names, 'w').write('\n'.join(map(os.path.abspath, paths)) + '\n')
        judge.fovea(a, 'predict', names, '--model', a.model, '--conf', a.conf, '--json', d + '/b.jsonl', '--quiet')
        rows = [json.loads(l) for l in open(d + '/b.jsonl')]
    by_name = {os.path.basename(r['source']): np.array([x['box'] for x in r['detections']], float).reshape(-1, 4) for r in rows}
    made = [person_tile(a, p, by_name[os.path.basename(p)], a.side) for p in paths]
    rng = np.random.default_rng(5)
    people = [i for i in range(len(paths)) if os.path.getsize(paths[i].replace('/images/', '/labels/').replace('.jpg', '.txt'))]
    worst = sorted(people, key=lambda i: -made[i][1])[:6]
    rest = [i for i in people if i not in worst]
    pick = list(rng.permutation(rest)[:6]) + worst
    return [made[i][0] for i in pick], 6, [free[stems[i]] for i in pick]


def to_picture(x):
    return cv2.cvtColor((x.clamp(0, 1).permute(1, 2, 0).numpy() * 255).round().astype(np.uint8), cv2.COLOR_RGB2BGR)


def shown(a, task, n, seed):
    """n validation pictures of the pack that may be shown, and their credits."""
    free = free_pictures(a.data)
    import torch
    mine = [int(i) for i in task.val if task.store.stem[int(i)] in free]
    mine = [mine[i] for i in np.random.default_rng(seed).permutation(len(mine))[:n]]
    torch.manual_seed(seed)
    return torch.tensor(mine), [free[task.store.stem[i]] for i in mine]


def mark(a):
    task, engine = judge.task_of(a, 'mark'), judge.Engine(a)
    idx, credits = shown(a, task, 6, 11)
    x, _, _ = task.scenes.draw(len(idx), True, idx)
    y, _, _ = task.overlay(x, task.held_out, 1.0)
    p = engine(['images'], y)
    tiles = []
    for i in range(len(idx)):
        img = to_picture(y[i])
        heat = cv2.resize(p[i, 0].numpy(), img.shape[1::-1])[..., None]
        painted = (img * (1 - 0.75 * heat) + np.array([0, 0, 255]) * 0.75 * heat).astype(np.uint8)
        tiles += [tile(img, a.side)[0], tile(painted, a.side)[0]]
    return tiles, 6, credits


def fill(a):
    task, engine = judge.task_of(a, 'fill'), judge.Engine(a)
    idx, credits = shown(a, task, 4, 13)
    x = task.crops(idx)
    m = task.test_holes.text(len(idx), task.size)
    free = task.test_holes.some(task.test_holes.brush, len(idx), task.size, 150, 256)
    m[2:] = free[2:]
    ways = [x, x * (1 - m), judge.opencv_fill(x, m, cv2.INPAINT_TELEA), engine(['image', 'mask'], x, m)]
    tiles = [tile(to_picture(w[i]), a.side)[0] for i in range(len(idx)) for w in ways]
    return tiles, 4, credits


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('kind', choices=('person', 'mark', 'fill'))
    ap.add_argument('--model')
    ap.add_argument('--build', default=os.path.join(judge.HERE, '..', 'build', 'release'))
    ap.add_argument('--data', required=True, help='folder with images/, labels/ and licences.tsv')
    ap.add_argument('--pack')
    ap.add_argument('--overlays')
    ap.set_defaults(limit=0)
    ap.add_argument('--conf', type=float, default=0.4)
    ap.add_argument('--side', type=int, default=190, help='of a tile, pixels')
    ap.add_argument('-o', '--out', required=True)
    ap.add_argument('--credits', required=True)
    a = ap.parse_args()
    a.model = os.path.abspath(a.model or os.path.join(judge.HERE, '..', 'models', a.kind + '.onnx'))
    tiles, columns, credits = {'person': person, 'mark': mark, 'fill': fill}[a.kind](a)
    cv2.imwrite(a.out, grid(tiles, columns), [cv2.IMWRITE_JPEG_QUALITY, 72, cv2.IMWRITE_JPEG_OPTIMIZE, 1])
    with open(a.credits, 'w') as f:
        f.write('Photographs of the contact sheet, row by row: ' + '; '.join(credits) + '. Changed: made smaller, drawn on.\n')


if __name__ == '__main__':
    main()
