"""Renders what people lay over pictures (captions, time stamps, watermarks, logos) as 8-bit coverage, and hole shapes for
`fill`. Pillow/FreeType draw text in every font found; the shapes are our own. Runs once, on the CPU.

    python overlays.py -o overlays.npz [--lines 3600] [--logos 1200] [--holes 500] [--seed 1] [--fonts DIR ...]

A seventh of the fonts, and four of the eighteen shapes, go only into the held-out set that `mark` is judged on.
lines [n,96,512] a line or a few, logos [m,192,192], holes [k,256,256] free-form; *_wh: the used part; *_test: held out.
"""
import argparse
import glob
import math
import os
import random
import zlib

import numpy as np
from PIL import Image, ImageDraw, ImageFont

LINE, LOGO, HOLE = (512, 96), (192, 192), (256, 256)
ALPHABETS = {  # script: (a letter to test a font with, letters of pseudo-words)
    'latin': ('e', 'eeeaaooiiunrtlsmdcpbvgfhyqkxjwzéèüöäñçåø'), 'cyrillic': ('ж', 'оеаинтсрвлкмдпуяыьгзбчйхжшюцщэф'),
    'greek': ('λ', 'αοιετσνηυρπκμλωςγδθχφβξζψ'), 'hebrew': ('ש', 'אבגדהוזחטיכלמנסעפצקרשת'),
    'arabic': ('س', 'ابتثجحخدذرزسشصضطظعغفقكلمنهوي'), 'devanagari': ('क', 'कखगघचछजझटठडतथदधनपफबभमयरलवशसह'),
    'thai': ('ก', 'กขคงจชซญดตถทธนบปผฝพฟภมยรลวศสหอ'), 'han': ('中', '的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长知民样现分将外但身些与高意进把法此实回二理美点月明其种声全工己话儿者向情部正名定女问力机给等几很业最间新什打便位因重被走电四第门相次东政海口使教西再平真听世气信北少关并内加化由却代军产入先山五太水万市眼体别处总才场师书比住员九笑性通目华报立马命张活难神数件安表原车白应路期叫死常提感金何更反合放做系计或司利受光王果亲界及今京务制解各任至清物台象记边共风战干接它许八特觉望直服毛林题建南度统色字请交爱让认算论百吃义科怎元社术结六功指思非流每青管夫连远资队跟带花快条院变联言权往展该领传近留红治决周保达办运武半候七必城父强步完革深区即求品士转量空甚众技轻程告江语英基派满式李息写呢识极令黄德收脸钱党倒未持取设始版双历越史商千片容研像找友孩站广改议形委早房音火际则首单据导影失拿网香似斯专石若兵弟谁校读志飞观争究包组造落视济喜离虽坏兴切阿'),
    'kana': ('あ', 'あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをんアイウエオカキクケコサシスセソ'),
    'hangul': ('가', '가나다라마바사아자차카타파하고노도로모보소오조호구누두루무부수우주기니디리미비시이지은는을를에서한국영상뉴스'),
    'georgian': ('ა', 'აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ'), 'armenian': ('ա', 'աբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփք'),
    'tamil': ('க', 'கஙசஞடணதநபமயரலவழளறன'), 'bengali': ('ক', 'কখগঘঙচছজঝটঠডঢণতথদধনপফবভমযরলশষসহ')}
STOCK = ['SAMPLE', 'PREVIEW', 'DRAFT', 'PROOF', 'COPYRIGHT', 'DO NOT COPY', 'LIVE', 'BREAKING NEWS', 'REC', 'TRIAL VERSION', 'stockphoto',
         'watermark', 'PHOTOGRAPHY', 'studio', 'subscribe', 'CAM', 'demo', 'Confidential', 'EXCLUSIVE', 'HD', '4K', 'official', 'STAFF', 'EVALUATION']


def fonts_in(folders):
    files = []
    for f in folders:
        for ext in ('ttf', 'otf', 'ttc'):
            files += glob.glob(os.path.join(f, '**', '*.' + ext), recursive=True)
    skip = ('symbol', 'emoji', 'math', 'dingbat', 'd050', 'signwriting', 'music', 'lastresort', 'adobeblank', 'standardsymbols')
    files = sorted(f for f in files if not any(s in os.path.basename(f).lower() for s in skip))
    out = []
    for f in files:
        try:
            font = ImageFont.truetype(f, 24)
            blank = font.getmask('\U0010fffd').getbbox(), bytes(font.getmask('\U0010fffd'))
            has = [s for s, (probe, _) in ALPHABETS.items()
                   if font.getmask(probe).getbbox() and (font.getmask(probe).getbbox(), bytes(font.getmask(probe))) != blank]
        except Exception:
            continue
        if has:
            out.append((f, has))
    return out


def held_out(path):
    family = os.path.basename(path).split('-')[0].split('.')[0]
    return zlib.crc32(family.encode()) % 7 == 0


def word(r, script):
    letters = ALPHABETS[script][1]
    s = ''.join(r.choice(letters) for _ in range(r.randint(1, 4) if script in ('han',) else r.randint(2, 9)))
    return r.choice((s, s, s.capitalize(), s.upper()))


def text(r, script):
    k = r.random()
    if script != 'latin' and k < 0.75:
        return (' ' if script not in ('han', 'kana', 'thai') else '').join(word(r, script) for _ in range(r.randint(1, 5)))
    if k < 0.18:
        d = (r.randint(1990, 2030), r.randint(1, 12), r.randint(1, 28))
        stamp = r.choice(('%d-%02d-%02d', '%d/%02d/%02d', '%d.%02d.%02d')) % d
        clock = '%02d:%02d' % (r.randint(0, 23), r.randint(0, 59)) + r.choice(('', ':%02d' % r.randint(0, 59), ' PM', ' AM'))
        return r.choice((stamp + ' ' + clock, clock, stamp, "'%02d %d %d" % (d[0] % 100, d[1], d[2])))
    if k < 0.3:
        return r.choice(('©', '(c) ', '© %d ' % r.randint(1990, 2030), 'Photo: ', '@', '#')) + word(r, 'latin') + r.choice(('', ' ' + word(r, 'latin')))
    if k < 0.4:
        return r.choice(('www.', '', 'https://')) + word(r, 'latin').lower() + r.choice(('.com', '.net', '.org', '.de', '.tv', '.jp'))
    if k < 0.55:
        return r.choice(STOCK) + r.choice(('', ' %d' % r.randint(1, 99)))
    if k < 0.62:
        return r.choice(('CAM %d', 'CH%02d', '%d°C', 'ID %06d', '%d FPS', 'No. %d')) % r.randint(1, 9999)
    s = ' '.join(word(r, 'latin') for _ in range(r.randint(1, 7)))
    return s + r.choice(('', '', '.', '!', '?'))


def draw_text(r, fonts, size, lines):
    """Text fitted into size (w, h) -> (coverage, used w, used h) or None."""
    path, scripts = r.choice(fonts)
    script = r.choice(scripts) if r.random() < 0.6 or 'latin' not in scripts else 'latin'
    s = '\n'.join(text(r, script) for _ in range(lines))
    font = ImageFont.truetype(path, 64)
    probe = ImageDraw.Draw(Image.new('L', (1, 1)))
    kw = dict(spacing=r.randint(0, 12), align=r.choice(('left', 'center', 'right')), stroke_width=r.choice((0, 0, 0, 1, 2)))
    x1, y1, x2, y2 = probe.multiline_textbbox((0, 0), s, font=font, **kw)
    if x2 - x1 < 8 or y2 - y1 < 8:
        return None
    fit = min((size[0] - 8) / (x2 - x1), (size[1] - 8) / (y2 - y1))
    font = ImageFont.truetype(path, max(8, int(64 * fit)))
    x1, y1, x2, y2 = probe.multiline_textbbox((0, 0), s, font=font, **kw)
    w, h = int(min(size[0], x2 - x1 + 8)), int(min(size[1], y2 - y1 + 8))
    img = Image.new('L', size)
    ImageDraw.Draw(img).multiline_text((4 - x1, 4 - y1), s, font=font, fill=255, **kw)
    return img, w, h


def polygon(cx, cy, radius, n, turn, inner=1.0):
    m = n * (2 if inner < 1 else 1)
    return [(cx + radius * (1 if k % 2 == 0 or inner == 1 else inner) * math.cos(turn + 2 * math.pi * k / m),
             cy + radius * (1 if k % 2 == 0 or inner == 1 else inner) * math.sin(turn + 2 * math.pi * k / m)) for k in range(m)]


def shape(r, d, kind, box, width, fill):
    x1, y1, x2, y2 = box
    cx, cy, radius, turn = (x1 + x2) / 2, (y1 + y2) / 2, min(x2 - x1, y2 - y1) / 2, r.random() * 6.28
    a = dict(outline=255, width=width, fill=fill)
    if kind == 0: d.ellipse(box, **a)
    elif kind == 1: d.rectangle(box, **a)
    elif kind == 2: d.rounded_rectangle(box, radius=radius * r.uniform(0.2, 0.9), **a)
    elif kind == 3: d.polygon(polygon(cx, cy, radius, 3, turn), **a)
    elif kind == 4: d.polygon(polygon(cx, cy, radius, 5, turn, 0.42), **a)
    elif kind == 5: d.polygon(polygon(cx, cy, radius, 6, turn), **a)
    elif kind == 6: [d.arc((x1 + k, y1 + k, x2 - k, y2 - k), turn * 57, turn * 57 + r.randint(90, 300), 255, width) for k in range(0, int(radius), max(4, 3 * width))]
    elif kind == 7: d.pieslice(box, turn * 57, turn * 57 + r.randint(60, 320), **a)
    elif kind == 8: [d.line(((x1, y1 + k), (x2, y1 + k)), 255, width) for k in range(0, int(y2 - y1), max(5, 3 * width))]
    elif kind == 9: d.line(((x1, y1), (x2, y2)), 255, width * 2), d.line(((x1, y2), (x2, y1)), 255, width * 2)
    elif kind == 10: d.polygon([(x1, cy), (cx, y1), (x2, cy), (cx, y2)], **a)
    elif kind == 11: d.line([(x1 + (x2 - x1) * k / 24, cy + radius * 0.6 * math.sin(turn + k * 0.7)) for k in range(25)], 255, width * 2)
    elif kind == 12: d.polygon([(x1, y1), (x2, cy), (x1, y2)], **a)
    elif kind == 13: d.polygon([(cx, y2), (x1, y1 + radius * 0.6), (x1 + radius * 0.5, y1), (cx, y1 + radius * 0.4), (x2 - radius * 0.5, y1), (x2, y1 + radius * 0.6)], **a)
    # the rest is held out
    elif kind == 14: d.polygon(polygon(cx, cy, radius, 9, turn, 0.7), **a)
    elif kind == 15: d.polygon([(cx - radius * .3, y1), (cx + radius * .3, y1), (cx + radius * .3, cy - radius * .3), (x2, cy - radius * .3), (x2, cy + radius * .3), (cx + radius * .3, cy + radius * .3), (cx + radius * .3, y2), (cx - radius * .3, y2), (cx - radius * .3, cy + radius * .3), (x1, cy + radius * .3), (x1, cy - radius * .3), (cx - radius * .3, cy - radius * .3)], **a)
    elif kind == 16: d.chord(box, turn * 57, turn * 57 + 200, **a)
    else: d.line([(cx + radius * k / 40 * math.cos(turn + k * 0.4), cy + radius * k / 40 * math.sin(turn + k * 0.4)) for k in range(41)], 255, width * 2)


def draw_logo(r, fonts, test):
    """Shapes within shapes, letters in or under them; drawn at twice the size."""
    size = (LOGO[0] * 2, LOGO[1] * 2)
    img = Image.new('L', size)
    d = ImageDraw.Draw(img)
    kinds = range(14, 18) if test else range(14)
    w = r.randint(160, size[0] - 8)
    h = int(w * r.choice((1, 1, 1, r.uniform(0.4, 1))))
    solid = r.random() < 0.45
    shape(r, d, r.choice(kinds), (4, 4, w, h), r.randint(3, 22), 255 if solid else None)
    for _ in range(r.randint(0, 2)):
        m = r.uniform(0.12, 0.35)
        inner = Image.new('L', size)
        shape(r, ImageDraw.Draw(inner), r.choice(kinds), (4 + w * m, 4 + h * m, w * (1 - m), h * (1 - m)), r.randint(3, 16), 255 if r.random() < 0.5 else None)
        a, b = np.asarray(img, np.int16), np.asarray(inner, np.int16)
        img = Image.fromarray(np.abs(a - b).astype(np.uint8))
        d = ImageDraw.Draw(img)
    used = h
    if r.random() < 0.6:
        under = r.random() < 0.5 and h + 80 < size[1]
        t = draw_text(r, fonts, (w - 8, min(90, size[1] - h - 8)) if under else (int(w * 0.7), max(24, int(h * 0.3))), 1)
        if t:
            x, y = (4, h + 4) if under else (int(w * 0.5 - t[1] / 2), int(h * 0.5 - t[2] / 2))
            part = Image.new('L', size)
            part.paste(t[0].crop((0, 0, t[1], t[2])), (max(0, x), y))
            a, b = np.asarray(img, np.int16), np.asarray(part, np.int16)
            img = Image.fromarray(np.abs(a - b).astype(np.uint8))
            used = max(h, y + t[2])
    return img.resize(LOGO, Image.BOX), min(LOGO[0], w // 2 + 3), min(LOGO[1], used // 2 + 3)


def draw_hole(r):
    """Brush strokes, blobs and boxes."""
    img = Image.new('L', HOLE)
    d = ImageDraw.Draw(img)
    for _ in range(r.randint(1, 5)):
        k = r.random()
        x, y, a, w = r.uniform(0, 256), r.uniform(0, 256), r.uniform(0, 6.28), r.randint(3, 22)
        if k < 0.7:
            points = [(x, y)]
            for _ in range(r.randint(3, 14)):
                a += r.uniform(-1.2, 1.2)
                x, y = x + 22 * math.cos(a), y + 22 * math.sin(a)
                points.append((x, y))
            d.line(points, 255, w, joint='curve')
        elif k < 0.85:
            d.rectangle((x, y, x + r.randint(8, 90), y + r.randint(8, 60)), fill=255)
        else:
            d.ellipse((x, y, x + r.randint(8, 80), y + r.randint(8, 80)), fill=255)
    return img


def many(count, size, draw):
    out, wh = np.zeros((count, size[1], size[0]), np.uint8), np.zeros((count, 2), np.int32)
    n = 0
    while n < count:
        try:
            got = draw()
        except (OSError, ValueError, ZeroDivisionError):
            continue  # a font that cannot draw this, or nothing to draw
        if got and np.asarray(got[0]).max() > 128:
            out[n], wh[n] = np.asarray(got[0]), got[1:]
            n += 1
    return out, wh


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('-o', '--out', required=True)
    ap.add_argument('--lines', type=int, default=3600)
    ap.add_argument('--logos', type=int, default=1200)
    ap.add_argument('--holes', type=int, default=500)
    ap.add_argument('--seed', type=int, default=1)
    ap.add_argument('--fonts', nargs='*', default=['/usr/share/fonts'])
    a = ap.parse_args()
    r = random.Random(a.seed)
    found = fonts_in(a.fonts)
    train, test = [f for f in found if not held_out(f[0])], [f for f in found if held_out(f[0])]
    if not train or not test:
        raise SystemExit(f'overlays: too few fonts under {a.fonts}: {len(train)} to train, {len(test)} held out')
    print(f'{len(train)} fonts to train with, {len(test)} held out: {sorted({os.path.basename(f[0]).split("-")[0] for f in test})}')
    out = {}
    for name, fonts, k in (('', train, 1.0), ('_test', test, 0.1)):
        lines = lambda: draw_text(r, fonts, LINE, r.choice((1, 1, 1, 1, 2, 3)))
        out['lines' + name], out['lines_wh' + name] = many(int(a.lines * k), LINE, lines)
        out['logos' + name], out['logos_wh' + name] = many(int(a.logos * k), LOGO, lambda: draw_logo(r, fonts, bool(name)))
    out['holes'] = np.stack([np.asarray(draw_hole(r)) for _ in range(a.holes)])
    for k in ('lines', 'logos', 'lines_test', 'logos_test', 'holes'):
        out[k] = out[k] // 17 * 17  # 16 levels: half the size, nothing lost at the scales it is used at
    np.savez_compressed(a.out, fonts_test=np.array([os.path.basename(f[0]) for f in test]), **out)
    print(f'{a.out}: {os.path.getsize(a.out) / 1e6:.1f} MB')


if __name__ == '__main__':
    main()
