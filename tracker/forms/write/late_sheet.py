"""The sheet that says who is missing, who was late and who has nothing to report, over all forms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracker.core.form import Said
from tracker.forms.write.in_memory import ABSENT_FILL, InMemoryWorkbook, cell_look, one_page_wide
from tracker.forms.write.layout import write_text
from tracker.forms.write.summed import NIL, FormSummary, UnitFiled, standing
from tracker.i18n.catalogue import Language

SHEET = Said("未报、逾期报送、零报告", "Missing, late, nil")
_HEADS = (
    (Said("情况", "State"), 11),
    (Said("表", "Form"), 9),
    (Said("填表单位/区县", "Unit"), 24),
    (Said("逾期天数", "Days late"), 9),
    (Said("报送日期", "Reported on"), 12),
    (Said("联系人", "Contacts"), 60),
    (Said("说明", "Note"), 24),
)
#: In this order they are listed; each with its colour.
_KINDS = {
    "missing": (Said("未报", "missing"), ABSENT_FILL),
    "refused": (Said("退回待改", "sent back"), ABSENT_FILL),
    "late": (Said("逾期报送", "late"), "#FFF2CC"),
    "nil": (NIL, "#E7E6E6"),
    "waived": (Said("免报", "not asked"), "#FFFFFF"),
}
_NOBODY = Said("各表均已按时报送，没有零报告。", "Every table was reported in time, and none was nil.")


def add_late(
    pages: InMemoryWorkbook,
    summaries: Sequence[FormSummary],
    *,
    title: str,
    month_text: str,
    language: Language,
) -> None:
    """Draw the sheet."""
    widths = [width for _, width in _HEADS]
    sheet = pages.sheet(SHEET.in_(language), widths)
    last = len(_HEADS) - 1
    pages.title(sheet, 0, f"{title} {month_text} {SHEET.in_(language)}".strip(), last, sum(widths))
    row = 1
    plain = pages.formats.of()
    for summary in summaries:
        colon = "：" if language == "zh" else ": "
        told = f"{summary.name} {summary.ref_title}{colon}{standing(summary.units).said().in_(language)}"
        write_text(sheet, row, 0, told, plain)
        sheet.set_row(row, 18)
        row += 1
    head = row
    pages.head(sheet, head, [said.in_(language) for said, _ in _HEADS])
    sheet.set_row(head, 20)
    for kind, summary, unit in _listed(summaries):
        row += 1
        word, fill = _KINDS[kind]
        look = cell_look(pages.formats)
        day = "" if unit.submitted_on is None else unit.submitted_on.isoformat()
        contacts = "" if unit.has_answered else unit.contacts
        word = unit.state_word if kind == "nil" and unit.waits and not unit.is_late else word
        texts = [word.in_(language), summary.name, unit.unit, "", day, contacts, unit.note]
        pages.line(sheet, row, texts, widths, look)
        write_text(sheet, row, 0, texts[0], cell_look(pages.formats, bg_color=fill, align="center"))
        if unit.is_late:
            sheet.write_number(row, 3, unit.late_days, pages.formats.of(border=1, align="center"))
    if row == head:
        row += 1
        write_text(sheet, row, 0, _NOBODY.in_(language), plain)
    else:
        sheet.autofilter(head, 0, row, last)
    one_page_wide(sheet, head, row, last)


def _listed(summaries: Sequence[FormSummary]) -> Iterator[tuple[str, FormSummary, UnitFiled]]:
    for kind in _KINDS:
        for summary in summaries:
            for unit in summary.units:
                if unit.state == kind:
                    yield kind, summary, unit
