"""Scores an exported model as it is shipped, run by fovea, and writes the figures of its card.

    python judge.py person --data DATA --clip vtest.avi --reference yolo26n.onnx -o person.json
    python judge.py mark --pack photos.npz --overlays overlays.npz -o mark.json
    python judge.py fill --pack photos.npz --overlays overlays.npz -o fill.json

person: precision on DATA/heldout.txt and DATA/val.txt (`fovea val`); every tenth frame of the clip against the reference's
people. mark: overlays of held-out fonts and shapes on the validation photographs, and these as they are. fill: holes in
them, against OpenCV's two methods. A build of fovea is looked for in ../build/release (--build).
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import tomllib
import types

import numpy as np

import metrics

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'bench'))


def fovea(a, *args):
    return subprocess.run([os.path.join(a.build, 'fovea'), *map(str, args)], check=True, capture_output=True, text=True).stdout


# ---- person ----

def boxes_by_frame(a, model, clip, conf, every):
    with tempfile.TemporaryDirectory() as d:
        out = os.path.join(d, 'boxes.jsonl')
        fovea(a, 'predict', clip, '--model', model, '--conf', conf, '--vid-stride', every, '--classes', 'person', '--json', out, '--quiet')
        rows = [json.loads(line) for line in open(out)]
    pick = lambda r: (np.array([d['box'] for d in r['detections']], float).reshape(-1, 4), np.array([d['confidence'] for d in r['detections']]))
    return {r['frame']: pick(r) for r in rows}


def clip_figures(a, every=10, reference_conf=0.4):
    """Precision and recall at the threshold where their mean is best, the reference's boxes being the truth."""
    truth = boxes_by_frame(a, a.reference, a.clip, reference_conf, every)
    rows, objects = [], 0
    for frame, (boxes, scores) in boxes_by_frame(a, a.model, a.clip, 0.01, every).items():
        r, n = metrics.match(boxes, scores, truth[frame][0], np.zeros((0, 4)))
        rows += r
        objects += n
    f1, conf, precision, recall = metrics.best_f1(rows, objects)
    return {'clip_frames': len(truth), 'clip_people': objects, 'clip_f1': f1, 'clip_conf': conf, 'clip_precision': precision,
            'clip_recall': recall, 'clip_ap50': metrics.average_precision(rows, objects)}


def person(a):
    figures = {}
    for name in ('heldout', 'val'):
        r = json.loads(fovea(a, 'val', a.model, '--data', os.path.join(a.data, name + '.txt'), '--json', '-', '--quiet'))
        figures[name] = {k: r[k] for k in ('images', 'map50', 'map50_95')}
    if a.clip:
        figures.update(clip_figures(a))
    return figures


# ---- mark and fill ----

def task_of(a, name):
    import importlib
    import torch
    with open(os.path.join(HERE, name + '.toml'), 'rb') as f:
        cfg = tomllib.load(f)
    args = types.SimpleNamespace(pack=a.pack, overlays=a.overlays, permissive=False, limit=0, splits=[1], teacher=None)
    task = importlib.import_module('task_' + name).Task(cfg, torch.device('cpu'), args)
    task.val = task.val[:a.limit or len(task.val)]
    return task


class Engine:
    """The exported model in fovea, called as the network is: tensors in, one tensor out. Sessions a shape are kept."""

    def __init__(self, a):
        import fovea_ffi
        self.ffi, self.lib, self.model, self.sessions = fovea_ffi, os.path.join(a.build, 'libfovea.so'), a.model, {}

    def __call__(self, names, *tensors):
        import torch
        key = tuple(tuple(t.shape) for t in tensors)
        if key not in self.sessions:
            self.sessions[key] = self.ffi.Session(self.lib, self.model, threads=1, shapes=dict(zip(names, key)))
        feed = {n: t.contiguous().numpy() for n, t in zip(names, tensors)}
        return torch.from_numpy(next(iter(self.sessions[key].run(feed).values())).copy())


def mark(a):
    import torch
    task, engine = task_of(a, 'mark'), Engine(a)
    logits = lambda x: torch.logit(engine(['images'], x).clamp(1e-6, 1 - 1e-6))
    r = task.evaluate(logits)
    return {'pictures': len(task.val), **{k: v for k, v in r.items() if k != 'score'}}


def opencv_fill(x, m, method):
    """[B,3,S,S] in 0..1 with holes m -> filled by cv2.inpaint, radius 3."""
    import cv2
    import torch
    out = []
    for picture, hole in zip(x, m):
        rgb = (picture.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
        hole = (hole[0].numpy() > 0).astype(np.uint8)
        rgb[hole > 0] = 0
        out.append(torch.from_numpy(cv2.inpaint(rgb, hole, 3, method).astype(np.float32) / 255).permute(2, 0, 1))
    return torch.stack(out)


def fill(a):
    import cv2
    import torch
    import task_fill
    task, engine = task_of(a, 'fill'), Engine(a)
    ways = {'fovea': lambda x, m: engine(['image', 'mask'], x, m), 'telea': lambda x, m: opencv_fill(x, m, cv2.INPAINT_TELEA),
            'navier_stokes': lambda x, m: opencv_fill(x, m, cv2.INPAINT_NS)}
    kinds = {'text': lambda n: task.test_holes.text(n, task.size),
             'free': lambda n: task.test_holes.some(task.test_holes.brush, n, task.size, 150, 256)}
    torch.manual_seed(7)
    found = {k: {w: [] for w in ways} for k in kinds}
    for at in range(0, len(task.val), 16):
        x = task.crops(task.val[at:at + 16])
        x = (x * 255).round() / 255  # as a picture has it
        for k, holes in kinds.items():
            m = holes(len(x))
            for w, run in ways.items():
                found[k][w].append(task_fill.psnr(run(x, m).clamp(0, 1), x, m))
    figures = {'pictures': len(task.val)}
    for k in kinds:
        for w in ways:
            figures[f'{k}_{w}'] = float(torch.cat(found[k][w]).mean())
    bench = fovea(a, 'bench', a.model, '--threads', 1, '--shapes', 'image:1x3x256x256', '--shapes', 'mask:1x1x256x256', '--duration', 3, '--json', '-', '--quiet')
    figures['ms_256'] = json.loads(bench)['compute_ms']['median']
    return figures


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('kind', choices=('person', 'mark', 'fill'))
    ap.add_argument('--model', help='ONNX (../models/KIND.onnx)')
    ap.add_argument('--build', default=os.path.join(HERE, '..', 'build', 'release'))
    ap.add_argument('--data', help='folder with heldout.txt and val.txt')
    ap.add_argument('--clip', help='the pedestrian clip, vtest.avi')
    ap.add_argument('--reference', help='detector whose people on the clip are the truth')
    ap.add_argument('--pack', help='pictures, from pack.py')
    ap.add_argument('--overlays', help='overlays, from overlays.py')
    ap.add_argument('--limit', type=int, default=0, help='only so many pictures: to try things (mark, fill)')
    ap.add_argument('-o', '--out', help='JSON file (stdout)')
    a = ap.parse_args()
    a.model = os.path.abspath(a.model or os.path.join(HERE, '..', 'models', a.kind + '.onnx'))
    needed = {'person': ['data'], 'mark': ['pack', 'overlays'], 'fill': ['pack', 'overlays']}[a.kind]
    for n in needed + (['reference'] if a.clip else []):
        if not getattr(a, n):
            ap.error(f'--{n} is needed')
    text = json.dumps({'person': person, 'mark': mark, 'fill': fill}[a.kind](a), indent=1)
    if a.out:
        open(a.out, 'w').write(text + '\n')
    print(text)


if __name__ == '__main__':
    main()
