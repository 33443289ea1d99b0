"""Versions of one table in files that are taken in together: which of them counts, never by their order.

What was filed before is no news; of the others the one with the latest day of filling in counts.  Where that does not
tell them apart, none is taken and it is asked which.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from tracker.core.form import Filed, Said
from tracker.forms.check.form_fields import read_period
from tracker.forms.check.joined import content
from tracker.forms.check.recognised import Recognised
from tracker.forms.finding import Finding, Weight
from tracker.usecases.forms.taken import TakenForm


@dataclass(frozen=True, slots=True)
class Version:
    """A table in the file ``file``, of ``unit`` (id), which came on a day.

    ``filed`` is None for a file that is new, else whether what was filed from it is in force.
    """

    table: Recognised
    file: str
    unit: str
    came: date
    filed: bool | None = None

    @property
    def same(self) -> Hashable:
        """What those have in common that say that they are the same table."""
        found, day = self.table, self.table.filled_on
        period = read_period(found.period_text or "", day or self.came)
        return (
            found.form.id,
            self.unit,
            found.mark.ref if found.mark is not None else None,
            period if period.named is not None else found.period_text,
            found.day_text if day is None else (day.year, day.month),
        )


class FilesTogether:
    """Files that were handed in together, and what was taken from them so far."""

    def __init__(self) -> None:
        self._outdone: dict[int, Finding] = {}
        self._taken: dict[tuple[str, str], tuple[str, Filed]] = {}

    def compare(self, versions: Iterable[Version]) -> None:
        """Find out which of them do not count, by what they say of themselves, before any is filed."""
        groups: dict[Hashable, list[Version]] = {}
        for each in versions:
            groups.setdefault(each.same, []).append(each)
        self._outdone = {}
        for group in groups.values():
            if len({each.file for each in group}) > 1:
                self._outdone |= dict(_outdone(group))

    def held_against(self, taken: TakenForm, found: Recognised) -> TakenForm:
        """With what is said of it beside the others: those that say the same of themselves, and what was taken."""
        table, filed = taken.table, taken.filed
        if table is None or filed is None:
            return taken
        finding = self._outdone.get(id(found))
        if finding is not None and finding.weight is Weight.READING:
            return replace(taken, filed=None, is_again=True, findings=(finding,), read_back=None)
        if finding is None:
            file, before = self._taken.get((table.ref, table.unit), (taken.file, filed))
            if file == taken.file or (before.rows == filed.rows and before.is_nil == filed.is_nil):
                return taken
            finding = _which(found, file)
        return replace(taken, findings=(finding, *taken.findings))

    def note(self, forms: Iterable[TakenForm]) -> None:
        """Remember what was taken."""
        for each in forms:
            if each.table is not None and each.filed is not None and not each.of(Weight.ERROR):
                self._taken[each.table.ref, each.table.unit] = each.file, each.filed


def _outdone(group: Sequence[Version]) -> Iterator[tuple[int, Finding]]:
    said = {id(each): content(each.table) for each in group}
    if all(said[id(each)] == said[id(group[0])] for each in group):
        return
    news = [each for each in group if each.filed is None]
    stands = not news and any(each.filed for each in group)
    for each in group:
        if each.filed is not None and (news or (stands and not each.filed)):
            yield id(each.table), _known(each)
    if not news:
        return
    days = [each.table.filled_on for each in news if each.table.filled_on is not None]
    last = [each for each in news if len(days) < len(news) or each.table.filled_on == max(days)]
    is_one = all(said[id(each)] == said[id(last[0])] for each in last)
    for each in news:
        if each not in last and is_one:
            yield id(each.table), _older(each, last[0])
        elif not is_one:
            yield id(each.table), _which(each.table, next(other for other in news if other is not each).file)


def _known(version: Version) -> Finding:
    said = Said(
        "此前已收；同一批里有这张表的另一份，以另一份为准。",
        "It was taken before; there is another version of this table among these files, which counts.",
    )
    return Finding(Weight.READING, said, version.table.sheet.name)


def _older(version: Version, last: Version) -> Finding:
    said = Said(
        f"同一批里“{last.file}”也是这张表，填表时间更晚，以它为准，本件没有采用。",
        f"“{last.file}” is the same table and was filled in later; that one counts, and this was not taken.",
    )
    found = version.table
    return Finding(Weight.ERROR, said, found.sheet.name, found.filled_on_place, found.day_text)


def _which(found: Recognised, other: str) -> Finding:
    """The question which of two files counts, of which none is taken."""
    said = Said(
        f"同一批里“{other}”也是这张表，内容不同，分不清以哪一份为准，没有采用；请只保留一份，或者写明各自的填表时间。",
        f"“{other}” is the same table with other content, so that it was not taken; please keep one of them, or write "
        "on each the day on which it was filled in.",
    )
    return Finding(Weight.ERROR, said, found.sheet.name)
