"""Lays the report out as Markdown (GitHub's, for its tables)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tracker.report.blocks import Bar, Block, Cell, Chart, Figures, Heading, Page, Table, Text

#: What would be taken for markup, or for HTML; a name stays a name.
_MARKUP = re.compile(r"([\\`*_\[\]<>|~])")
#: What would make a paragraph a heading, a list or a rule.
_LINE_START = re.compile(r"^(#|[-+=]|\d+(?=[.)]))")
#: Characters of a bar.
BAR = 20


def to_markdown(page: Page) -> str:
    """The page as Markdown."""
    parts = [f"# {escape(page.title)}", f"{escape(page.source)}  "]
    parts[1] += "\n" + "  \n".join(escape(line) for line in page.lines)
    for block in page.blocks:
        parts.extend(_block(block))
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """``text`` such that Markdown shows it as it is, on one line."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split())).replace("&", "&amp;")


def _paragraph(text: str) -> str:
    """Escaped also against what only counts at the beginning of a line."""
    text = escape(text)
    found = _LINE_START.match(text)
    if found is None:
        return text
    end = found.end() if found[0][0].isdigit() else 0
    return f"{text[:end]}\\{text[end:]}"


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Heading):
        yield f"## {escape(block.text)}"
    elif isinstance(block, Text):
        lead = f"**{escape(block.lead.strip())}** " if block.lead else ""
        yield lead + (escape(block.text) if lead else _paragraph(block.text))
    elif isinstance(block, Figures):
        yield _figures(block)
    elif isinstance(block, Chart):
        yield from _chart(block)
    else:
        yield from _table(block)


def _figures(block: Figures) -> str:
    heads = [escape(each.label) for each in block.figures]
    values = [
        f"{each.sign} **{each.value}** {escape(each.note)}".strip()
        if each.note or each.sign
        else f"**{each.value}**"
        for each in block.figures
    ]
    return "\n".join((_row(heads), _row("---" for _ in heads), _row(values)))


def _chart(block: Chart) -> Iterator[str]:
    if any(bar.label for bar in block.bars):
        # The table below it has the same numbers; a bar of blocks says at a glance what is done.
        yield f"**{escape(block.title)}**"
        rows = [_row((escape(bar.label), _drawn(bar), escape(bar.text))) for bar in block.bars]
        yield "\n".join((_row(("", "", "")), _row(("---", "---", "---")), *rows))
        yield " ".join(f"{key.sign} {escape(key.label)}" for key in block.keys)
    else:
        lines = [f"**{escape(block.title)}**", *(f"- {key.sign} {escape(key.label)}" for key in block.keys)]
        yield "\n".join((lines[0], "", *lines[1:]))


def _drawn(bar: Bar) -> str:
    """The bar out of its signs, each part as long as its share, and none so short that it is not seen."""
    total = bar.total or 1
    return "".join(part.sign * max(1, round(part.count * BAR / total)) for part in bar.parts if part.count)


def _table(block: Table) -> Iterator[str]:
    if block.title:
        yield f"**{escape(block.title)}**"
    shown = [index for index, column in enumerate(block.columns) if not column.bar]
    columns = [block.columns[index] for index in shown]
    lines = [
        _row(escape(column.title) for column in columns),
        _row("---:" if column.right else "---" for column in columns),
    ]
    lines += [_row(_cell(row[index]) for index in shown) for row in block.rows]
    yield "\n".join(lines)
    if block.note:
        yield _paragraph(block.note)


def _cell(cell: Cell) -> str:
    return "" if isinstance(cell, Bar) else escape(cell)


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
