"""log.jsonl of a run -> curves.png: losses and score over the schedule.   python plot.py RUN/log.jsonl curves.png"""
import json
import sys

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt


def curves(log, out):
    rows = [json.loads(l) for l in open(log)]
    losses = [r for r in rows if r['kind'] == 'loss']
    evals = [r for r in rows if r['kind'] in ('eval', 'final')]
    skip = {'step', 'spent', 'kind', 'rate', 'pictures_per_s'}
    fig, (a, b) = plt.subplots(1, 2, figsize=(8, 2.6), dpi=90)
    for k in (losses[-1].keys() - skip if losses else ()):
        v = [r[k] for r in losses]
        a.plot([r['step'] for r in losses], v, lw=0.9, label=k)
    if any(r[k] > 0 for r in losses for k in r.keys() - skip):
        a.set_yscale('symlog', linthresh=0.1)
    a.set_xlabel('step'), a.set_title('losses', fontsize=9), a.legend(fontsize=7)
    for k in [k for k in (evals[-1] if evals else {}) if k in ('ap50', 'f1', 'psnr_text', 'psnr_free', 'precision', 'recall')]:
        b.plot([r['step'] for r in evals], [r[k] for r in evals], lw=1.2, marker='.', ms=3, label=k)
    b.set_xlabel('step'), b.set_title('validation, averaged weights', fontsize=9), b.legend(fontsize=7), b.grid(alpha=0.3)
    for x in (a, b):
        x.tick_params(labelsize=7)
    fig.tight_layout()
    fig.savefig(out)


if __name__ == '__main__':
    curves(sys.argv[1], sys.argv[2])
