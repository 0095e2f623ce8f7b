"""Trains one of fovea's built-in models, or a detector on your own pictures.

    python train.py person.toml --pack photos.npz --out runs/person [--teacher yolox.onnx] [--seconds N | --epochs N]
    python train.py mark.toml   --pack photos.npz --overlays overlays.npz --out runs/mark
    python train.py fill.toml   --pack photos.npz --overlays overlays.npz --out runs/fill

The schedule counts epochs, or seconds when --seconds is given: the learning rate always ends at zero. Run the same line
again to go on after an interruption. On a GPU it computes in bfloat16, else in float32. RUN/ gets log.jsonl, last.pt,
best.pt (averaged weights), MODEL.onnx, curves.png.
"""
import argparse
import importlib
import json
import math
import os
import sys
import time
import tomllib

import torch

import export


class Average:
    """Exponential moving average of the weights: what is judged and exported."""

    def __init__(self, net, decay=0.9995, warm=1000):
        import copy
        self.net, self.decay, self.warm, self.steps = copy.deepcopy(net).eval(), decay, warm, 0
        for p in self.net.parameters():
            p.requires_grad_(False)

    @torch.no_grad()
    def update(self, net):
        self.steps += 1
        d = self.decay * (1 - math.exp(-self.steps / self.warm))
        mine, theirs = list(self.net.state_dict().values()), list(net.state_dict().values())
        floats = [(a, b) for a, b in zip(mine, theirs) if a.dtype.is_floating_point]
        torch._foreach_lerp_([a for a, _ in floats], [b for _, b in floats], 1 - d)
        for a, b in zip(mine, theirs):
            if not a.dtype.is_floating_point:
                a.copy_(b)


class Run:
    def __init__(self, cfg, args):
        self.cfg, self.args = cfg, args
        os.makedirs(args.out, exist_ok=True)
        self.device = torch.device('cuda' if args.device == 'auto' and torch.cuda.is_available() else 'cpu' if args.device == 'auto' else args.device)
        torch.manual_seed(cfg.get('seed', 1))
        torch.backends.cudnn.benchmark = True
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        self.task = importlib.import_module('task_' + cfg['task']).Task(cfg, self.device, args)
        self.net = self.task.net().to(self.device).to(memory_format=torch.channels_last)
        o = cfg['optimizer']
        self.batch = args.batch or (o['batch'] if self.device.type == 'cuda' else o.get('batch_cpu', 16))
        self.average = Average(self.net, o.get('average', 0.9995))
        decayed = [p for p in self.net.parameters() if p.dim() > 1]
        rest = [p for p in self.net.parameters() if p.dim() <= 1]
        self.rate = o['rate']
        self.optimizer = torch.optim.AdamW([{'params': decayed, 'weight_decay': o.get('decay', 0.05)}, {'params': rest, 'weight_decay': 0.0}],
                                           lr=self.rate, betas=(0.9, 0.999), fused=self.device.type == 'cuda')
        self.autocast = torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == 'cuda')
        self.step, self.spent, self.best, self.log = 0, 0.0, -1.0, None
        self.total_steps = (args.epochs or o['epochs']) * max(1, self.task.examples // self.batch)
        self.resume()

    # ---- what survives an interruption ----
    def path(self, name):
        return os.path.join(self.args.out, name)

    def resume(self):
        if os.path.exists(self.path('last.pt')):
            s = torch.load(self.path('last.pt'), map_location=self.device, weights_only=True)
            self.net.load_state_dict(s['net'])
            self.average.net.load_state_dict(s['average'])
            self.average.steps = s['average_steps']
            self.optimizer.load_state_dict(s['optimizer'])
            self.step, self.spent, self.best = s['step'], s['spent'], s['best']
            print(f'{self.args.out}: goes on at step {self.step}, {self.spent:.0f} s spent', flush=True)
        elif self.args.init:
            if self.args.init.endswith('.onnx'):
                with torch.no_grad():
                    pictures = self.task.inputs(self.task.draw(32, 1.0))
                missing = export.unfold(self.net, self.args.init, pictures)
            else:
                s = torch.load(self.args.init, map_location=self.device, weights_only=True)
                missing = self.net.load_state_dict(s, strict=False).missing_keys
            self.average.net.load_state_dict(self.net.state_dict())
            self.average.steps = 10000
            print(f'{self.args.out}: begins with {self.args.init}; not in it: {missing}', flush=True)
        self.log = open(self.path('log.jsonl'), 'a')

    def save(self):
        state = {'net': self.net.state_dict(), 'average': self.average.net.state_dict(), 'average_steps': self.average.steps,
                 'optimizer': self.optimizer.state_dict(), 'step': self.step, 'spent': self.spent, 'best': self.best}
        torch.save(state, self.path('last.tmp'))
        os.replace(self.path('last.tmp'), self.path('last.pt'))

    def note(self, **row):
        self.log.write(json.dumps({'step': self.step, 'spent': round(self.spent, 2), **row}) + '\n')
        self.log.flush()

    # ---- the schedule ----
    def progress(self):
        return self.spent / self.args.seconds if self.args.seconds else self.step / self.total_steps

    def rate_at(self, p):
        """A short rise, half a cosine down."""
        rise = self.cfg['optimizer'].get('rise', 0.02)
        scale = p / rise if p < rise else 0.5 * (1 + math.cos(math.pi * min(1.0, (p - rise) / (1 - rise))))
        return self.rate * max(scale, 0.002)

    def train(self):
        o, every = self.cfg['optimizer'], self.cfg.get('evaluate_every', 0.05)
        params, gflop = self.task.cost(self.average.net)
        print(f"{self.cfg['task']}: {params} parameters, {gflop:.3f} GFLOP, {self.task.examples} pictures, batch {self.batch}, {self.device}", flush=True)
        self.note(kind='begin', parameters=params, gflop=gflop, batch=self.batch, device=str(self.device), pictures=self.task.examples)
        self.net.train()
        last, begun = time.time(), time.time()
        next_eval, sums, seen, next_print = self.progress() + every, {}, 0, self.step + 10
        while self.progress() < 1:
            p = self.progress()
            for g in self.optimizer.param_groups:
                g['lr'] = self.rate_at(p)
            with torch.no_grad():
                batch = self.task.draw(self.batch, p)
            loss, parts = self.task.loss(self.net, batch, self.autocast)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(self.net.parameters(), o.get('clip', 10.0))
            if self.device.type == 'cpu' and not torch.isfinite(norm):
                raise SystemExit('train: the loss is not finite')
            self.optimizer.step()
            self.average.update(self.net)
            self.step += 1
            seen += self.batch
            for k, v in parts.items():
                sums[k] = sums.get(k, 0) + v
            if self.step >= next_print or self.step < 4:
                values = {k: round(float(v) / max(1, seen / self.batch), 4) for k, v in sums.items()}  # waits for the device
                now = time.time()
                if not all(math.isfinite(v) for v in values.values()):
                    raise SystemExit(f'train: the loss is not finite: {values}')
                self.note(kind='loss', rate=self.optimizer.param_groups[0]['lr'], pictures_per_s=round(seen / max(now - begun, 1e-3)), **values)
                self.show(p, values, seen / max(now - begun, 1e-3))
                sums, seen, begun, next_print = {}, 0, now, self.step + 50
            now = time.time()
            self.spent += now - last
            last = now
            if self.progress() >= next_eval and self.progress() < 1:
                next_eval = self.progress() + every
                self.judge()
                begun, sums, seen = time.time(), {}, 0
                self.spent += begun - last
                last = begun
        self.judge(final=True)

    def show(self, p, values, rate):
        text = ' '.join(f'{k} {v:.3f}' for k, v in values.items())
        bar = '#' * int(p * 24)
        end = '\r' if sys.stderr.isatty() else '\n'
        print(f"{self.cfg['task']:7s}[{bar:24s}] {p * 100:5.1f}% {rate:6.0f} pictures/s {text}", end=end, file=sys.stderr, flush=True)

    def judge(self, final=False):
        start = time.time()
        result = self.task.evaluate(self.average.net)
        self.note(kind='final' if final else 'eval', seconds=round(time.time() - start, 2), **result)
        print(f"{self.cfg['task']}: step {self.step} {self.spent:.0f}s " + ' '.join(f'{k} {v:.4f}' for k, v in result.items() if isinstance(v, float)), flush=True)
        if result['score'] > self.best or final:
            better = result['score'] > self.best
            self.best = max(self.best, result['score'])
            name = 'final.pt' if final else 'best.pt'
            torch.save({k: v.half() if v.dtype == torch.float32 else v for k, v in self.average.net.state_dict().items()}, self.path('w.tmp'))
            os.replace(self.path('w.tmp'), self.path(name))
            if final and better:
                torch.save(torch.load(self.path('final.pt'), weights_only=True), self.path('best.pt'))
        if not final or self.args.keep_state:
            self.save()


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('config')
    ap.add_argument('--pack', required=True, help='pictures, from pack.py')
    ap.add_argument('--overlays', help='overlays, from overlays.py (mark, fill)')
    ap.add_argument('--out', required=True)
    ap.add_argument('--teacher', help='YOLOX ONNX whose answers are learnt beside the labels (person)')
    ap.add_argument('--permissive', action='store_true', help='only the pictures of train_permissive.txt')
    ap.add_argument('--seconds', type=float, help='length of the schedule in seconds of training, instead of epochs')
    ap.add_argument('--epochs', type=int)
    ap.add_argument('--batch', type=int)
    ap.add_argument('--device', default='auto')
    ap.add_argument('--init', help='weights to begin with: best.pt, or an exported .onnx')
    ap.add_argument('--limit', type=int, default=0, help='only so many pictures: to try things')
    ap.add_argument('--keep-state', action='store_true', help='write last.pt at the end, too')
    ap.add_argument('--set', action='append', default=[], metavar='TABLE.KEY=VALUE', help='overrides one value of the configuration')
    args = ap.parse_args()
    with open(args.config, 'rb') as f:
        cfg = tomllib.load(f)
    for s in args.set:
        key, _, value = s.partition('=')
        table, _, key = key.rpartition('.')
        (cfg[table] if table else cfg)[key] = json.loads(value)
    run = Run(cfg, args)
    run.train()
    export.onnx_file(run.task, run.task.net(), run.path('best.pt'), run.path(cfg['name'] + '.onnx'), cfg)
    try:
        import plot
        plot.curves(run.path('log.jsonl'), run.path('curves.png'))
    except ImportError:
        print('train: matplotlib is missing, no curves drawn')


if __name__ == '__main__':
    main()
