"""Paper to draw the PDF on: A4, a font that has Chinese, numbered pages, text in runs, bars as vectors.

The font comes with the product, so that a report looks the same on a server without any Chinese font.
"""

from __future__ import annotations

import glob
import logging
from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import TextMode
from fpdf.fonts import TTFFont

from tracker.core.model import Light
from tracker.report.blocks import Bar
from tracker.report.linebreak import break_lines

FONT = Path(__file__).parent / "fonts" / "NotoSansSC-Report.otf"
#: Where systems keep fonts with rarer characters, and which of a collection is the Chinese one; the first
#: that is there is used for what ours lacks.
SYSTEM_FONTS = (
    ("/usr/share/fonts/**/NotoSansCJK-Regular.ttc", 2),
    ("/usr/share/fonts/**/DroidSansFallback*.ttf", 0),
    ("/usr/share/fonts/**/wqy-*.ttc", 0),
    ("/System/Library/Fonts/STHeiti Light.ttc", 0),
    ("C:/Windows/Fonts/msyh.ttc", 0),
    ("C:/Windows/Fonts/simsun.ttc", 0),
)
#: Stands for a character that no font has.
UNKNOWN = "〓"

Colour = tuple[int, int, int]

INK: Colour = (31, 35, 40)
SOFT: Colour = (91, 99, 109)
RULE: Colour = (205, 210, 216)
WASH: Colour = (243, 245, 247)
WHITE: Colour = (255, 255, 255)
FILLS: dict[Light, Colour] = {
    Light.GREEN: (47, 143, 78),
    Light.AMBER: (232, 163, 23),
    Light.RED: (200, 50, 43),
    Light.BLUE: (47, 111, 189),
    Light.GREY: (154, 162, 171),
    Light.NONE: (222, 227, 232),
}
#: The same, dark enough for a sign on white.
INKS: dict[Light, Colour] = {
    Light.GREEN: (37, 111, 61),
    Light.AMBER: (156, 100, 0),
    Light.RED: (179, 38, 30),
    Light.BLUE: (36, 90, 156),
    Light.GREY: SOFT,
    Light.NONE: SOFT,
}
DARK_ON = (Light.AMBER, Light.GREY, Light.NONE)

MARGIN = 16.0
#: Line height over size of the letters; sizes are points, lengths millimetres.
LEADING = 1.5
POINT = 25.4 / 72


class PdfDocument(FPDF):
    """A document of A4 pages.  ``top`` stands at the head of every page but the first."""

    def __init__(self, *, top: str, numbering: str, at: datetime) -> None:
        super().__init__(orientation="portrait", unit="mm", format="A4")
        self._top = top
        self._numbering = numbering
        self._widths: dict[str, float] = {}
        # It would complain of missing characters; they are looked after here.
        logging.getLogger("fpdf.output").setLevel(logging.ERROR)
        self.set_margin(MARGIN)
        self.set_auto_page_break(auto=False)
        self.set_creation_date(at)
        self.add_font("ours", fname=FONT)
        self._ours = self._characters("ours")
        self.set_font("ours", size=10)
        self.set_title(top)
        self.set_producer("tracker")

    # --- where things go ---

    @property
    def bottom(self) -> float:
        """Nothing but the number of the page stands below."""
        return self.h - MARGIN - 4

    @property
    def breadth(self) -> float:
        """The width between the margins."""
        return self.w - 2 * MARGIN

    def need(self, height: float) -> bool:
        """Begin a new page if ``height`` does not fit on this one; whether it did."""
        if self.y + height <= self.bottom:
            return False
        self.add_page()
        return True

    def header(self) -> None:
        """What it is, on every page but the first, which says so anyway."""
        if self.page_no() > 1:
            self.write_at(MARGIN, MARGIN - 6, self._top, size=8, colour=SOFT)
            self.rule(MARGIN - 1)
            self.set_y(MARGIN + 2)

    def footer(self) -> None:
        """The number of the page."""
        self.set_font("ours", size=8)
        self.set_text_color(*SOFT)
        self.set_xy(MARGIN, self.h - MARGIN)
        self.cell(
            self.breadth,
            4,
            self._numbering.format(page=self.page_no(), pages="{nb}"),
            align="C",
        )

    # --- text ---

    def width_of(self, text: str, size: float) -> float:
        """How wide ``text`` is, in millimetres."""
        widths = self._widths
        for character in text:
            if character not in widths:
                widths[character] = self._measure(character)
        return sum(widths[character] for character in text) * size

    def _measure(self, character: str) -> float:
        ((family, shown),) = self._runs(character)
        _, width = self.fonts[family].get_text_width(shown, 1, None)
        return float(width) * POINT

    def lines_of(self, text: str, width: float, size: float) -> list[str]:
        """``text`` broken into lines of ``width``."""
        return break_lines(text, width, lambda each: self.width_of(each, size))

    def write_at(
        self, x: float, y: float, text: str, *, size: float, colour: Colour = INK, bold: bool = False
    ) -> None:
        """One line with its upper edge at ``y``."""
        baseline = y + size * POINT * (LEADING + 0.72) / 2
        self.set_text_color(*colour)
        for family, run in self._runs(text):
            self.set_font(family, size=size)
            if bold:
                # There is one face only: its outline drawn as well makes it heavier.
                self.set_draw_color(*colour)
                with self.local_context(text_mode=TextMode.FILL_STROKE, line_width=size * 0.008):
                    self.text(x, baseline, run)
            else:
                self.text(x, baseline, run)
            x += self.width_of(run, size)

    def _runs(self, text: str) -> Iterator[tuple[str, str]]:
        """Pieces of ``text`` with the font that has them."""
        family, run = "ours", ""
        for character in text:
            own, shown = self._font_for(character)
            if own != family and run:
                yield family, run
                run = ""
            family = own
            run += shown
        if run:
            yield family, run

    def _font_for(self, character: str) -> tuple[str, str]:
        if ord(character) in self._ours:
            return "ours", character
        if ord(character) in self._fallback:
            return "fallback", character
        return "ours", UNKNOWN

    @cached_property
    def _fallback(self) -> set[int]:
        """The characters of the first font of the system that can be read."""
        for pattern, number in SYSTEM_FONTS:
            for path in sorted(glob.iglob(pattern, recursive=True)):  # noqa: PTH207 - the patterns are absolute
                try:
                    self.add_font("fallback", fname=path, collection_font_number=number)
                except Exception:  # noqa: BLE001, S112 - whatever somebody's font has, the report must come out
                    continue
                return self._characters("fallback")
        return set()

    def _characters(self, family: str) -> set[int]:
        font = self.fonts[family]
        return set(font.cmap) if isinstance(font, TTFFont) else set()

    # --- drawing ---

    def rule(self, y: float, colour: Colour = RULE, width: float = 0.2) -> None:
        """A line from margin to margin."""
        self.set_draw_color(*colour)
        self.set_line_width(width)
        self.line(MARGIN, y, self.w - MARGIN, y)

    def box(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """A filled rectangle."""
        self.set_fill_color(*colour)
        self.rect(x, y, width, height, style="F")

    def bar(self, bar: Bar, x: float, y: float, width: float, height: float, *, size: float = 0) -> None:
        """A bar of parts; with a ``size`` each part that has room says its sign and number."""
        for piece in bar.slices():
            left, long = x + piece.start * width / 100, piece.width * width / 100
            self.box(left, y, max(long - 0.25, 0.15), height, FILLS[piece.part.light])
            text = f"{piece.part.sign} {piece.part.count}"
            wide = self.width_of(text, size) if size else 0
            if size and wide + 1 < long:
                colour = INK if piece.part.light in DARK_ON else WHITE
                above = (height - size * POINT * LEADING) / 2
                self.write_at(left + (long - wide) / 2, y + above, text, size=size, colour=colour)
