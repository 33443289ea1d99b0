"""The sheet that lists what is asked about the tables, the open questions first."""

from __future__ import annotations

from collections.abc import Sequence

from tracker.core.form import Said
from tracker.forms.write.in_memory import OPEN_FILL, InMemoryWorkbook, cell_look, one_page_wide
from tracker.forms.write.layout import write_text
from tracker.forms.write.summed import FormSummary
from tracker.i18n.catalogue import Language
from tracker.i18n.message import say
from tracker.i18n.terms import term

SHEET = Said("疑问", "Questions")
_HEADS = (
    (Said("情况", "State"), 11),
    (Said("表", "Form"), 9),
    (Said("填表单位/区县", "Unit"), 24),
    (Said("位置", "Place"), 16),
    (Said("疑问", "Question"), 60),
    (Said("说明", "Reason"), 36),
    (Said("答复人", "By"), 14),
)
_SETTLED_FILL = "#E2EFDA"


def add_doubted(
    pages: InMemoryWorkbook,
    summaries: Sequence[FormSummary],
    *,
    title: str,
    month_text: str,
    language: Language,
) -> None:
    """Draw the sheet, where anything was asked."""
    found = [(each, summary) for summary in summaries for each in summary.questions]
    if not found:
        return
    widths = [width for _, width in _HEADS]
    sheet = pages.sheet(SHEET.in_(language), widths)
    last = len(_HEADS) - 1
    pages.title(sheet, 0, f"{title} {month_text} {SHEET.in_(language)}".strip(), last, sum(widths))
    pages.head(sheet, 1, [said.in_(language) for said, _ in _HEADS])
    sheet.set_row(1, 20)
    look = cell_look(pages.formats)
    row = 1
    for each, summary in sorted(found, key=lambda one: one[0].answer is not None):
        row += 1
        word = term(f"question.{each.answer or 'open'}", language)
        fill = OPEN_FILL if each.answer is None else _SETTLED_FILL
        message = say(each.message, language)
        texts = [word, summary.name, each.unit, each.where, message, each.note, each.who]
        pages.line(sheet, row, texts, widths, look)
        write_text(sheet, row, 0, texts[0], cell_look(pages.formats, bg_color=fill, align="center"))
    sheet.autofilter(1, 0, row, last)
    one_page_wide(sheet, 1, row, last)
