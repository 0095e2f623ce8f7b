"""Packs a YOLO-format folder into one .npz that train.py keeps in memory: pictures re-encoded as JPEG, boxes in pixels.

    python pack.py DATA -o photos.npz [--side 384] [--quality 80] [--extra DIR ...] [--teacher yolox.onnx]

DATA is a folder with train.txt and val.txt (one picture a line, relative to the folder), or with images/train and
images/val; labels/ beside images/ holds `class cx cy w h` lines, ignore/ (optional) regions that are neither object nor
background. names.txt (one class a line) or data.yaml names the classes. --extra adds folders of pictures without labels:
a teacher model labels them (objects over 0.45; what it half believes, 0.10 to 0.45, is ignored).
"""
import argparse
import concurrent.futures as futures
import os
import re

import cv2
import numpy as np

PICTURES = ('.jpg', '.jpeg', '.png', '.webp', '.bmp')


def listed(root, split):
    """Pictures of a split: SPLIT.txt, else images/SPLIT/."""
    txt = os.path.join(root, split + '.txt')
    if os.path.exists(txt):
        return [os.path.join(root, l.strip()) for l in open(txt) if l.strip()]
    folder = os.path.join(root, 'images', split)
    if not os.path.isdir(folder):
        return []
    return sorted(os.path.join(folder, f) for f in os.listdir(folder) if f.lower().endswith(PICTURES))


def beside(picture, kind):
    """.../images/a/b.jpg -> .../KIND/a/b.txt"""
    head, sep, tail = picture.rpartition('images' + os.sep)
    return os.path.splitext(head + kind + os.sep + tail)[0] + '.txt' if sep else ''


def names_of(root):
    if os.path.exists(os.path.join(root, 'names.txt')):
        return [l.strip() for l in open(os.path.join(root, 'names.txt')) if l.strip()]
    yaml = os.path.join(root, 'data.yaml')
    if os.path.exists(yaml):
        text = open(yaml).read()
        flow = re.search(r'^names:\s*\[(.*?)\]', text, re.S | re.M)
        if flow:
            return [w.strip(' \'"\n') for w in flow.group(1).split(',') if w.strip()]
        block = re.search(r'^names:\s*\n((?:[ \t]+\S.*\n?|-.*\n?)+)', text, re.M)
        if block:
            return [re.sub(r'^\s*(-|\d+\s*:)\s*', '', l).strip(' \'"') for l in block.group(1).splitlines() if l.strip()]
    return ['person']


def rows(path, w, h):
    """`class cx cy w h` lines -> [n,5] class, x1 y1 x2 y2 in pixels. Polygons become their boxes."""
    out = []
    if path and os.path.exists(path):
        for line in open(path):
            v = [float(x) for x in line.split()]
            if len(v) == 5:
                c, cx, cy, bw, bh = v
                box = [cx - bw / 2, cy - bh / 2, cx + bw / 2, cy + bh / 2]
            elif len(v) >= 7 and len(v) % 2:
                c, xs, ys = v[0], v[1::2], v[2::2]
                box = [min(xs), min(ys), max(xs), max(ys)]
            else:
                continue
            box = np.clip(box, 0, 1) * [w, h, w, h]
            if box[2] - box[0] > 1 and box[3] - box[1] > 1:
                out.append([c, *box])
    return np.array(out, np.float32).reshape(-1, 5)


def encode(picture, side, quality):
    img = cv2.imread(picture, cv2.IMREAD_COLOR)
    if img is None:
        return None
    h, w = img.shape[:2]
    r = min(1, side / max(h, w))
    if r < 1:
        img = cv2.resize(img, (max(1, round(w * r)), max(1, round(h * r))), interpolation=cv2.INTER_AREA)
    ok, data = cv2.imencode('.jpg', img, [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1])
    return data.reshape(-1), img.shape[1], img.shape[0]


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('data')
    ap.add_argument('-o', '--out', required=True)
    ap.add_argument('--side', type=int, default=384, help='longer side kept, pixels')
    ap.add_argument('--quality', type=int, default=80)
    ap.add_argument('--extra', action='append', default=[], help='folder of pictures without labels')
    ap.add_argument('--teacher', help='YOLOX ONNX that labels the --extra pictures')
    ap.add_argument('--permissive', default='train_permissive.txt', help='list inside DATA of the pictures train.py --permissive uses')
    a = ap.parse_args()

    names = names_of(a.data)
    items = [(p, 0) for p in listed(a.data, 'train')] + [(p, 1) for p in listed(a.data, 'val')]
    known = set()  # of every list in DATA: an extra picture must not bring a test picture into training
    for txt in (f for f in os.listdir(a.data) if f.endswith('.txt')):
        known |= {os.path.splitext(os.path.basename(l.strip()))[0] for l in open(os.path.join(a.data, txt)) if l.strip()}
    for folder in a.extra:
        items += [(os.path.join(folder, f), 2) for f in sorted(os.listdir(folder))
                  if f.lower().endswith(PICTURES) and os.path.splitext(f)[0] not in known]
    if not items:
        raise SystemExit(f'pack: no pictures in {a.data} (train.txt or images/train)')
    free = os.path.join(a.data, a.permissive)
    permissive = {os.path.splitext(os.path.basename(l.strip()))[0] for l in open(free)} if os.path.exists(free) else set()
    teacher = None
    if any(s == 2 for _, s in items) and a.teacher:
        from teacher import Labeller
        teacher = Labeller(a.teacher)

    with futures.ThreadPoolExecutor() as pool:
        encoded = list(pool.map(lambda it: encode(it[0], a.side, a.quality), items))
    blobs, wh, split, free_flag, stems, boxes, crowd = [], [], [], [], [], [], []
    for (picture, s), e in zip(items, encoded):
        if e is None:
            print('pack: cannot read', picture)
            continue
        n, (data, w, h) = len(blobs), e
        blobs.append(data)
        wh.append((w, h))
        split.append(s)
        stems.append(os.path.splitext(os.path.basename(picture))[0])
        free_flag.append(stems[-1] in permissive)
        if s == 2:
            b, c = teacher(picture, w, h) if teacher else (np.zeros((0, 5), np.float32), np.zeros((0, 5), np.float32))
        else:
            b, c = rows(beside(picture, 'labels'), w, h), rows(beside(picture, 'ignore'), w, h)
        boxes += [(n, *r) for r in b]
        crowd += [(n, *r[1:]) for r in c]
    sizes = np.array([len(b) for b in blobs], np.int64)
    np.savez(a.out, data=np.concatenate(blobs), size=sizes, wh=np.array(wh, np.int32), split=np.array(split, np.int8),
             permissive=np.array(free_flag), stem=np.array(stems), names=np.array(names),
             boxes=np.array(boxes, np.float32).reshape(-1, 6), crowd=np.array(crowd, np.float32).reshape(-1, 5))
    print(f'{a.out}: {len(blobs)} pictures ({split.count(0)} train, {split.count(1)} val, {split.count(2)} extra), '
          f'{len(boxes)} boxes, {len(crowd)} ignored regions, {sizes.sum() / 1e6:.1f} MB')


if __name__ == '__main__':
    main()
