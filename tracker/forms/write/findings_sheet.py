"""The findings of a file in words: as comments by cell, and as a sheet that lists them with a legend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from xlsxwriter.worksheet import Worksheet

from tracker.core.form import Form, Said
from tracker.forms.book import Place, address
from tracker.forms.finding import Finding, Weight, said
from tracker.forms.write.in_memory import InMemoryWorkbook, cell_look, one_page_wide
from tracker.forms.write.layout import height_of, seen, write_text
from tracker.i18n.catalogue import Language
from tracker.i18n.message import say

SHEET = Said("核对结果", "Check results")
#: The heaviest first.
FILLS = {Weight.ERROR: "#F8B4B4", Weight.QUESTION: "#FFE699", Weight.READING: "#DDEBF7"}
#: Cells that get a comment, and findings that are listed: nobody reads more.
COMMENTS, LISTED = 1000, 1000
_WORDS = {
    Weight.ERROR: Said("错误", "Error"),
    Weight.QUESTION: Said("疑问", "Question"),
    Weight.READING: Said("提示", "Note"),
}
_MEANINGS = {
    Weight.ERROR: Said("必须改正，改正之前本表不能受理。", "Has to be put right; nothing is taken before."),
    Weight.QUESTION: Said(
        "请核对；确实无误的不必改，请说明理由。", "Please check it; if it is right, leave it and say why."
    ),
    Weight.READING: Said(
        "已按说明中的意思读取，不必改。", "Was read as the sentence says; nothing needs doing."
    ),
}
_ASK = {
    Weight.ERROR: Said(
        "请在前一张工作表里改正红色的单元格，保存后把本文件发回。",
        "Please correct the red cells in the sheet before this one, save the file and send it back.",
    ),
    Weight.QUESTION: Said(
        "本表已受理。黄色的单元格请核对：有误的改正后把本文件发回，确实无误的请说明理由。",
        "The table was taken. Please check the yellow cells: correct what is wrong and send the file back; where it is"
        " right, please give the reason.",
    ),
    Weight.READING: Said("本表已受理，不必再发。", "The table was taken; nothing needs sending."),
}
_HEADS = (
    (Said("序号", "No."), 6),
    (Said("程度", "Weight"), 9),
    (Said("工作表", "Sheet"), 14),
    (Said("单元格", "Cell"), 9),
    (Said("栏目", "Column"), 26),
    (Said("填的是", "Found"), 22),
    (Said("应为", "Expected"), 28),
    (Said("说明", "What about it"), 60),
)
_NONE = Said("没有发现问题。", "Nothing was found.")
_MORE = Said("另有{}处没有列出。", "{} more are not listed.")
_EXPECTED = Said("应为：", "Expected: ")
#: A comment with more than that does not fit on a screen; a cell of the list holds as much.
_COMMENT, _CELL = 900, 2000


def comments_by_place(sheet: str, findings: Sequence[Finding], language: Language) -> dict[Place, str]:
    """What is said at each cell of a sheet; what has no cell of it, at the first.  The heaviest cells first."""
    order = list(FILLS)
    told: dict[Place, list[str]] = {}
    cells = (one for each in findings for one in each.by_cell())
    for finding in sorted(cells, key=lambda each: order.index(each.weight)):
        is_here = finding.place is not None and finding.sheet in {sheet, None}
        place = finding.place if is_here and finding.place is not None else (0, 0)
        where = f"{finding.sheet}!{finding.cell}　" if finding.place is not None and not is_here else ""
        text = f"【{_WORDS[finding.weight].in_(language)}】{where}{say(finding.message, language)}"
        if finding.expected is not None:
            text += f"\n{_EXPECTED.in_(language)}{say(finding.expected, language)}"
        told.setdefault(place, []).append(seen(text))
    return {place: _cut("\n".join(texts), _COMMENT) for place, texts in told.items()}


class TableSheet(NamedTuple):
    """The table to which findings lead: the name of its sheet, what that was called, and its columns."""

    sheet: str
    source: str
    columns: Mapping[str, int]
    form: Form


def add_list(
    pages: InMemoryWorkbook,
    table: TableSheet,
    findings: Sequence[Finding],
    language: Language,
    told: str = "",
) -> None:
    """The sheet with the legend and the list; ``told`` is what was read, in a line of its own."""
    widths = [width for _, width in _HEADS]
    sheet = pages.sheet(SHEET.in_(language), widths)
    if any(finding.weight is Weight.ERROR for finding in findings):
        sheet.set_tab_color("#C8322B")
    last = len(_HEADS) - 1
    pages.title(sheet, 0, SHEET.in_(language), last, sum(widths))
    head = _legend(pages, sheet, findings, language)
    if told:
        look = pages.formats.of(text_wrap=True)
        sheet.merge_range(head, 0, head, last, "", look)
        write_text(sheet, head, 0, told, look)
        sheet.set_row(head, height_of(told, sum(widths)) + 2)
        head += 1
    pages.head(sheet, head, [said.in_(language) for said, _ in _HEADS])
    sheet.set_row(head, 20)
    labels = {at: table.form.by_id[each].full_label for each, at in table.columns.items()}
    order = list(FILLS)
    listed = sorted(findings, key=lambda each: order.index(each.weight))[:LISTED]
    look = cell_look(pages.formats, valign="top")
    link = cell_look(pages.formats, valign="top", font_color="#0563C1", underline=1)
    row = head
    for number, finding in enumerate(listed, start=1):
        row += 1
        label = ""
        if finding.place is not None and finding.sheet in {table.source, None}:
            label = labels.get(finding.place[1], "")
        texts = [
            str(number),
            _WORDS[finding.weight].in_(language),
            finding.sheet or "",
            finding.cell or "",
            label,
            *(
                _cut(text, _CELL)
                for text in (finding.found, said(finding.expected, language), said(finding.said, language))
            ),
        ]
        pages.line(sheet, row, texts, widths, look)
        sheet.write_number(row, 0, number, look)
        fill = cell_look(pages.formats, valign="top", bg_color=FILLS[finding.weight])
        write_text(sheet, row, 1, texts[1], fill)
        if finding.place is not None and finding.sheet in {table.source, None}:
            sheet.write_url(row, 3, _link(table.sheet, finding.place), link, address(finding.place))
    if len(findings) > len(listed) or not findings:
        row += 1
        rest = _MORE.in_(language).format(len(findings) - len(listed))
        write_text(sheet, row, 0, rest if findings else _NONE.in_(language), pages.formats.of())
    one_page_wide(sheet, head, row, last)


def _legend(
    pages: InMemoryWorkbook, sheet: Worksheet, findings: Sequence[Finding], language: Language
) -> int:
    """What is asked, then each colour with its meaning and how many; returns the row below."""
    ask = next(
        (_ASK[weight] for weight in FILLS if any(each.weight is weight for each in findings)),
        _ASK[Weight.READING],
    )
    write_text(sheet, 1, 0, ask.in_(language), pages.formats.of(bold=True, font_size=12))
    sheet.set_row(1, 24)
    for row, (weight, fill) in enumerate(FILLS.items(), start=2):
        count = sum(each.weight is weight for each in findings)
        write_text(sheet, row, 1, _WORDS[weight].in_(language), cell_look(pages.formats, bg_color=fill))
        number = f"{count}处" if language == "zh" else str(count)
        write_text(sheet, row, 2, number, pages.formats.of(align="center"))
        write_text(sheet, row, 3, _MEANINGS[weight].in_(language), pages.formats.of())
        sheet.set_row(row, 18)
    sheet.set_row(5, 8)
    return 6


def _link(table: str, place: Place) -> str:
    quoted = table.replace("'", "''")
    return f"internal:'{quoted}'!{address(place)}"


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
