#!/usr/bin/env python3
"""Makes src/media/font/DejaVuSans-subset.ttf, the label font embedded in libfovea-media.

Needs fontTools and DejaVuSans.ttf (Debian: python3-fonttools, fonts-dejavu-core). The result is committed, so a build
does not run this. Usage: scripts/make_font.py [DejaVuSans.ttf]
"""
import pathlib
import sys

from fontTools import subset

RANGES = [
    (0x20, 0x7E),      # ASCII
    (0xA0, 0xFF),      # Latin-1
    (0x100, 0x17F),    # Latin Extended-A
    (0x386, 0x3CE),    # Greek
    (0x400, 0x45F),    # Cyrillic
    (0x2010, 0x2027),  # dashes, quotes, dagger, bullet, ellipsis
    (0x2030, 0x203A),
    (0x20AC, 0x20AC),  # euro
    (0x2122, 0x2122),
    (0x2190, 0x2199),  # arrows
    (0x2212, 0x2212),
    (0x2260, 0x2265),
    (0x25A0, 0x25A1),
    (0x25CF, 0x25CF),
    (0xFFFD, 0xFFFD),  # what a character without a glyph is drawn as
]
LIMIT = 60 * 1024


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    source = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
    target = root / "src/media/font/DejaVuSans-subset.ttf"
    options = subset.Options()
    options.hinting = False
    options.layout_features = []
    options.name_IDs = [0, 1, 2, 13]  # copyright, family, style, licence
    options.drop_tables += ["FFTM", "GDEF", "GPOS", "GSUB", "kern", "gasp"]
    options.recalc_timestamp = False
    font = subset.load_font(source, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[u for lo, hi in RANGES for u in range(lo, hi + 1)])
    subsetter.subset(font)
    subset.save_font(font, str(target), options)
    size = target.stat().st_size
    if size > LIMIT:
        sys.exit(f"{target} has {size} bytes, more than {LIMIT}")
    print(f"{target.relative_to(root)}: {size} bytes, {len(font.getBestCmap())} characters")


if __name__ == "__main__":
    main()
