"""Cuts Noto Sans CJK SC down to the characters that a report in Chinese needs: see tracker/report/fonts/README.md."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTCollection, TTFont

FAMILY = "Noto Sans CJK SC"
#: Characters of the 通用规范汉字表 (2013) that GB 2312 lacks; names of people and places are full of them.
BEYOND = Path(__file__).with_name("beyond-gb2312.txt")
#: Ranges of signs, beside ASCII and what GB 2312 has: Latin letters, punctuation, arrows, blocks, shapes.
SIGNS = (
    (0x20, 0x7F),
    (0xA0, 0x180),
    (0x2010, 0x2028),
    (0x2030, 0x2060),
    (0x20AC, 0x20AD),
    (0x2116, 0x2117),
    (0x2190, 0x219A),
    (0x2248, 0x2266),
    (0x2580, 0x2590),
    (0x25A0, 0x2607),
    (0x2713, 0x2718),
    (0x3000, 0x3030),
    (0xFF00, 0xFFF0),
)


def characters() -> set[int]:
    """Every character that the font is to have."""
    found = {sign for first, last in SIGNS for sign in range(first, last)}
    found.update(ord(each) for each in _gb2312() if each)
    found.update(ord(each) for each in BEYOND.read_text(encoding="utf-8") if not each.isspace())
    return found


def _gb2312() -> Iterator[str]:
    for row in range(0xA1, 0xF8):
        for cell in range(0xA1, 0xFF):
            yield bytes((row, cell)).decode("gb2312", errors="ignore")


def cut(source: TTFont) -> TTFont:
    """``source`` with those characters alone, and nothing that laying out a line of them does not need."""
    options = Options()
    options.layout_features = []
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.name_languages = [0x409]
    options.notdef_outline = True
    options.hinting = False
    options.drop_tables += ["vhea", "vmtx", "VORG", "BASE", "GSUB", "GPOS", "DSIG"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=characters())
    subsetter.subset(source)
    return source


def main() -> None:
    """From the collection that is named to the file that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("collection", type=Path, help="NotoSansCJK-Regular.ttc")
    parser.add_argument("output", type=Path)
    given = parser.parse_args()
    fonts = TTCollection(given.collection).fonts
    source = next(font for font in fonts if font["name"].getDebugName(4) == FAMILY)
    cut(source).save(given.output)


if __name__ == "__main__":
    main()
