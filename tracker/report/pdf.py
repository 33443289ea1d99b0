"""Lays the report out as a PDF for the file: A4, Chinese on any machine, charts as vectors, tables over pages."""

from __future__ import annotations

from collections.abc import Sequence

from tracker.core.model import Light
from tracker.i18n.catalogue import described
from tracker.report.blocks import Bar, Block, Cell, Chart, Column, Figures, Heading, Key, Page, Table, Text
from tracker.report.paper import (
    FILLS,
    INK,
    INKS,
    LEADING,
    MARGIN,
    POINT,
    RULE,
    SOFT,
    WASH,
    PdfDocument,
)

BODY, SMALL, TINY = 9.5, 8.0, 7.5
#: Room around the text of a cell.
PAD = 1.1


def to_pdf(page: Page) -> bytes:
    """The page as PDF."""
    paper = PdfDocument(top=f"{page.title}  {page.source}", numbering=page.numbering, at=page.at)
    paper.set_lang(described(page.language).tag)
    paper.add_page()
    _cover(paper, page)
    for block in page.blocks:
        _lay(paper, block)
    return bytes(paper.output())


def _cover(paper: PdfDocument, page: Page) -> None:
    _paragraph(paper, page.title, size=19, bold=True)
    _paragraph(paper, page.source, size=11)
    _paragraph(paper, "    ".join(page.lines), size=BODY, colour=SOFT)
    paper.y += 1.5
    paper.rule(paper.y, FILLS[Light.RED], 0.7)
    paper.y += 2


def _lay(paper: PdfDocument, block: Block) -> None:
    if isinstance(block, Heading):
        # Not alone at the foot of a page.
        paper.need(34)
        paper.y += 5
        paper.start_section(block.text)
        _paragraph(paper, block.text, size=13, bold=True)
        paper.rule(paper.y + 0.3)
        paper.y += 2.5
    elif isinstance(block, Text):
        if block.lead:
            # With a line or two of what it leads to.
            paper.need(4 * _high(BODY))
            _paragraph(paper, block.lead, size=BODY, bold=True)
        size, colour = (SMALL, SOFT) if block.small else (BODY, INK)
        _paragraph(paper, block.text, size=size, colour=colour)
        paper.y += 1.5
    elif isinstance(block, Figures):
        _figures(paper, block)
    elif isinstance(block, Chart):
        _chart(paper, block)
    else:
        _table(paper, block)


def _high(size: float) -> float:
    return size * POINT * LEADING


def _paragraph(
    paper: PdfDocument,
    text: str,
    *,
    size: float,
    bold: bool = False,
    colour: tuple[int, int, int] = INK,
) -> None:
    for line in paper.lines_of(text, paper.breadth, size):
        paper.need(_high(size))
        paper.write_at(MARGIN, paper.y, line, size=size, bold=bold, colour=colour)
        paper.y += _high(size)


def _figures(paper: PdfDocument, block: Figures) -> None:
    gap, height = 3.0, 19.0
    paper.need(height)
    width = (paper.breadth - gap * (len(block.figures) - 1)) / len(block.figures)
    for number, figure in enumerate(block.figures):
        x, y = MARGIN + number * (width + gap), paper.y
        paper.box(x, y, width, height, WASH)
        paper.box(x, y, 0.9, height, RULE if figure.light is None else FILLS[figure.light])
        colour = INK if figure.light is None else INKS[figure.light]
        left = x + 3
        if figure.sign:
            paper.write_at(left, y + 2.2, figure.sign, size=10, colour=colour)
            left += 5
        paper.write_at(left, y + 0.6, str(figure.value), size=17, bold=True, colour=colour)
        paper.write_at(x + 3, y + 9.5, figure.label, size=SMALL)
        paper.write_at(x + 3, y + 13.6, figure.note, size=TINY, colour=SOFT)
    paper.y += height + 2.5


def _chart(paper: PdfDocument, block: Chart) -> None:
    # The heading stays with the first bar, and the meaning of the colours with the last.
    paper.need(24)
    paper.y += 1
    _paragraph(paper, block.title, size=BODY, bold=True)
    paper.y += 1
    for number, bar in enumerate(block.bars):
        last = number == len(block.bars) - 1
        if bar.label:
            _labelled(paper, bar, spare=8 if last else 0)
        else:
            paper.bar(bar, MARGIN, paper.y, paper.breadth, 8, size=SMALL)
            paper.y += 9.5
    _keys(paper, block.keys)
    paper.y += 2


def _labelled(paper: PdfDocument, bar: Bar, *, spare: float) -> None:
    before, after = 62.0, 24.0
    lines = paper.lines_of(bar.label, before - 3, SMALL)
    height = max(len(lines) * _high(SMALL), 5.0) + 0.8
    paper.need(height + spare)
    top = paper.y + (height - len(lines) * _high(SMALL)) / 2
    for number, line in enumerate(lines):
        paper.write_at(MARGIN, top + number * _high(SMALL), line, size=SMALL)
    width = paper.breadth - before - after
    paper.bar(bar, MARGIN + before, paper.y + (height - 4.6) / 2, width, 4.6, size=TINY)
    left = MARGIN + paper.breadth - paper.width_of(bar.text, SMALL)
    paper.write_at(left, paper.y + (height - _high(SMALL)) / 2, bar.text, size=SMALL)
    paper.y += height


def _keys(paper: PdfDocument, keys: Sequence[Key]) -> None:
    x = MARGIN
    for key in keys:
        width = paper.width_of(f"{key.sign} {key.label}", SMALL)
        if x > MARGIN and x + width > MARGIN + paper.breadth:
            x, paper.y = MARGIN, paper.y + _high(SMALL)
        paper.need(_high(SMALL))
        paper.write_at(x, paper.y, key.sign, size=SMALL, colour=INKS[key.light])
        paper.write_at(x + paper.width_of(f"{key.sign} ", SMALL), paper.y, key.label, size=SMALL)
        x += width + 5
    paper.y += _high(SMALL)


class _Grid:
    """The columns of a table on the paper."""

    def __init__(self, paper: PdfDocument, block: Table) -> None:
        self.paper = paper
        self.columns = block.columns
        self.widths = _widths(paper, block)

    def cells(self, texts: Sequence[Cell]) -> list[list[str] | Bar]:
        """Each broken into the lines of its column."""
        return [
            text if isinstance(text, Bar) else self.paper.lines_of(text, width - 2 * PAD, TINY)
            for text, width in zip(texts, self.widths, strict=True)
        ]

    def head(self) -> None:
        """The heading, at the top of the table and of each page."""
        paper, size = self.paper, TINY
        cells = self.cells([f"{column.sign}{column.title}" for column in self.columns])
        height = _height(cells)
        paper.box(MARGIN, paper.y, paper.breadth, height, WASH)
        for x, width, column, lines in self._places(cells):
            for number, line in enumerate(lines if isinstance(lines, list) else ()):
                left = x + self._indent(width, column, line)
                y = paper.y + PAD / 2 + number * _high(size)
                if number == 0 and column.light is not None:
                    paper.write_at(left, y, column.sign, size=size, colour=INKS[column.light])
                    left += paper.width_of(column.sign, size)
                    line = line.removeprefix(column.sign)  # noqa: PLW2901
                paper.write_at(left, y, line, size=size, bold=True)
        paper.y += height

    def row(self, texts: Sequence[Cell]) -> None:
        """One row; on a new page below the heading again, and over pages where it is longer than one."""
        cells = self.cells(texts)
        while True:
            fitting = int((self.paper.bottom - self.paper.y - PAD) / _high(TINY))
            longest = max((len(cell) for cell in cells if isinstance(cell, list)), default=1)
            if longest > fitting and fitting < 12:
                self.paper.add_page()
                self.head()
                continue
            self._draw([cell[:fitting] if isinstance(cell, list) else cell for cell in cells])
            cells = [cell[fitting:] if isinstance(cell, list) else [] for cell in cells]
            if longest <= fitting:
                return

    def _draw(self, cells: Sequence[list[str] | Bar]) -> None:
        paper = self.paper
        for x, width, column, cell in self._places(cells):
            if isinstance(cell, Bar):
                paper.bar(cell, x + PAD, paper.y + 1.1, width - 2 * PAD, 2.9)
                continue
            for number, line in enumerate(cell):
                y = paper.y + PAD / 2 + number * _high(TINY)
                paper.write_at(x + self._indent(width, column, line), y, line, size=TINY)
        paper.y += _height(cells)
        paper.rule(paper.y, RULE, 0.1)

    def _places(self, cells: Sequence[list[str] | Bar]) -> list[tuple[float, float, Column, list[str] | Bar]]:
        x, found = MARGIN, []
        for column, width, cell in zip(self.columns, self.widths, cells, strict=True):
            found.append((x, width, column, cell))
            x += width
        return found

    def _indent(self, width: float, column: Column, line: str) -> float:
        if not column.right:
            return PAD
        return width - PAD - self.paper.width_of(line, TINY)


def _widths(paper: PdfDocument, block: Table) -> list[float]:
    """Numbers get what they or their heading need, the rest is shared by weight."""
    fixed: dict[int, float] = {}
    for number, column in enumerate(block.columns):
        if column.right:
            texts = [f"{column.sign}{column.title}", *(str(row[number]) for row in block.rows)]
            fixed[number] = min(max(paper.width_of(text, TINY) for text in texts) + 2 * PAD + 0.5, 22)
    weights = sum(column.weight for number, column in enumerate(block.columns) if number not in fixed)
    rest = paper.breadth - sum(fixed.values())
    return [fixed.get(number, rest * column.weight / weights) for number, column in enumerate(block.columns)]


def _height(cells: Sequence[list[str] | Bar]) -> float:
    lines = max((len(cell) for cell in cells if isinstance(cell, list)), default=1)
    return max(lines, 1) * _high(TINY) + PAD


def _table(paper: PdfDocument, block: Table) -> None:
    paper.need(26 if block.title else 18)
    if block.title:
        paper.y += 2
        _paragraph(paper, block.title, size=BODY, bold=True)
    paper.y += 1
    grid = _Grid(paper, block)
    grid.head()
    for row in block.rows:
        grid.row(row)
    if block.note:
        paper.y += 1
        _paragraph(paper, block.note, size=SMALL, colour=SOFT)
    paper.y += 2
