"""Writes figures into a model's card: the lines between `<!-- NAME -->` and `<!-- /NAME -->` are replaced.

    python card.py person figures.json models/person.md [--credits credits.txt]     # blocks `figures`, `curves`, `sheet` and `credits`
    python card.py --plain models/person.md                                         # the card as `fovea inspect` shows it
"""
import argparse
import glob
import json
import os
import re


def person(f):
    row = lambda name, what, must, reach, nano, r: f"| {what} | {r['map50']:.3f} | {r['map50_95']:.3f} | {must} | {reach} | {nano} |"
    lines = ['| AP50 of persons, 416 pixels | person | mAP50-95 | must | aim | YOLOX-nano |', '|---|---|---|---|---|---|',
             row('heldout', f"heldout.txt, {f['heldout']['images']} photographs", '0.90', '0.95', '0.982', f['heldout']),
             row('val', f"val.txt, {f['val']['images']} photographs", '0.45', '0.55', '0.606', f['val'])]
    if f['heldout']['map50'] < 0.90 or f['val']['map50'] < 0.45:
        lines += ['', 'These weights come from an unfinished run and do not reach what they must: use a detector of your own where it matters.']
    if 'clip_f1' in f:
        lines += ['', f"Pedestrian clip (`vtest.avi`), every tenth frame ({f['clip_frames']}), {f['clip_people']} people that YOLO26n finds at confidence 0.4:",
                  f"precision {f['clip_precision']:.3f}, recall {f['clip_recall']:.3f} at the threshold where F1 is best ({f['clip_conf']:.2f}); "
                  f"AP50 {f['clip_ap50']:.3f}. Wanted: 0.85 each."]
    return lines


def mark(f):
    conf = [f'{0.1 * (i + 1):.1f}' for i in range(9)]
    return [f"{f['pictures']} validation photographs, overlays of fonts and shapes that training never saw; cells of 4x4 pixels, 512 pixels:", '',
            '| threshold | ' + ' | '.join(conf) + ' |', '|---' * 10 + '|',
            '| pixel F1 | ' + ' | '.join(f'{v:.3f}' for v in f['f1_by_conf']) + ' |',
            '| false marks on 100 clean pictures | ' + ' | '.join(f'{v:.1f}' for v in f['false_by_conf']) + ' |', '',
            f"At 0.5: F1 {f['f1']:.3f} (precision {f['precision']:.3f}, recall {f['recall']:.3f}), {f['false_per_100']:.1f} false marks on 100 clean "
            'pictures. Wanted: 0.80 and 1.']


def fill(f):
    lines = [f"{f['pictures']} validation photographs, 256x256, PSNR inside the hole in dB:", '',
             '| holes | fill | OpenCV Telea | OpenCV Navier-Stokes |', '|---|---|---|---|']
    for k, what in (('text', 'text-shaped'), ('free', 'free-form')):
        lines.append(f"| {what} | {f[k + '_fovea']:.2f} | {f[k + '_telea']:.2f} | {f[k + '_navier_stokes']:.2f} |")
    best = max(f['text_telea'], f['text_navier_stokes'])
    return lines + ['', f"Text-shaped: {f['text_fovea'] - best:+.2f} dB against the better of the two (wanted: +1). "
                        f"256x256 on one core (AVX2, Zen 3): {f['ms_256']:.1f} ms (wanted: 15)."]


def put(text, name, lines):
    block = f'<!-- {name} -->\n' + '\n'.join(lines) + f'\n<!-- /{name} -->'
    new, n = re.subn(rf'<!-- {name} -->.*?<!-- /{name} -->', lambda _: block, text, flags=re.S)
    if n != 1:
        raise SystemExit(f'card: {n} blocks `{name}`, one is needed')
    return new


def plain(text):
    """Without pictures, comments and credits of pictures."""
    text = re.sub(r'<!-- credits -->.*?<!-- /credits -->\n?', '', text, flags=re.S)
    text = re.sub(r'^!\[.*\n|^\*Sheet:\*.*\n|^<!--.*-->\n', '', text, flags=re.M)
    return re.sub(r'\n{3,}', '\n\n', text).strip() + '\n'


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('kind', nargs='?', choices=('person', 'mark', 'fill'))
    ap.add_argument('figures', nargs='?')
    ap.add_argument('card', nargs='?')
    ap.add_argument('--credits', help='lines that name the pictures of the contact sheet')
    ap.add_argument('--plain', metavar='CARD')
    a = ap.parse_args()
    if a.plain:
        print(plain(open(a.plain).read()), end='')
        return
    if not a.card:
        ap.error('KIND, FIGURES and CARD are needed')
    text = put(open(a.card).read(), 'figures', {'person': person, 'mark': mark, 'fill': fill}[a.kind](json.load(open(a.figures))))
    for name, what in (('curves', 'losses and validation'), ('sheet', 'validation photographs')):  # pictures that are there
        files = glob.glob(f"{a.card.removesuffix('.md')}-{name}.*")
        text = put(text, name, [f'![{what}]({os.path.basename(f)})' for f in files])
    if a.credits:
        text = put(text, 'credits', open(a.credits).read().splitlines())
    open(a.card, 'w').write(text)


if __name__ == '__main__':
    main()
