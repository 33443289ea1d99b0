"""What kind of mail a digest is, and its subject: the kind, then the most pressing item with its date.

A phone shows some fifteen characters of a subject, and a list of mails all of the kind of each.
"""

from __future__ import annotations

from datetime import date

from tracker.core.model import Item
from tracker.i18n.catalogue import Words
from tracker.mail.compose.cards import Cards
from tracker.mail.compose.wording import Calendar

#: The items of a row, with the name of the section that it stands in.
Group = tuple[str, list[Item]]

#: Sections of what has a date that is yet to come.
_WITH_DATE = ("due_today", "lead")


class SubjectComposer:
    """Makes the subjects of digests, in one language."""

    def __init__(self, cards: Cards, words: Words, calendar: Calendar) -> None:
        self._cards = cards
        self._words = words
        self._calendar = calendar

    def kind(self, groups: list[Group]) -> str:
        """What kind of mail it is, as its heading and its subject say: handed, due, overdue, upward or reminder."""
        names = [name for name, _ in groups]
        if "escalation" in names:
            return "upward"
        if "overdue" in names:
            return "overdue"
        if names.count("opened") * 2 > len(names):
            return "handed"
        name, items = _most_pressing(groups)
        is_paper = name in _WITH_DATE and self._cards[items[0].ref.partition("@")[0]].kind == "paper"
        return "due" if is_paper else "reminder"

    def subject(self, groups: list[Group], day: date) -> str:
        """The kind, the most pressing item with its date, and how many there are in all: ten letters must tell."""
        words, kind = self._words, self.kind(groups)
        if not groups:
            return words("kinds.subject", kind=words(f"kinds.{kind}"), what="")
        name, items = _most_pressing(groups)
        card = self._cards[items[0].ref.partition("@")[0]]
        due = items[0].due
        known = (
            f"subjects.{name}_{card.kind}" if name in _WITH_DATE or name == "opened" else f"subjects.{name}"
        )
        key = f"{known}_undated" if due is None and name in ("opened", *_WITH_DATE) else known
        if name == "lead" and (items[0].days_left or 0) < 0:
            # Its date is over, and nobody late yet.
            key = "subjects.grace"
        left = [-item.days_left for item in items if item.days_left is not None]
        first = words(
            key, name=card.brief, date=self._calendar.short(due, day) if due else "", n=max(left, default=0)
        )
        if kind == "upward":
            mine = [each for section, each in groups if section == "escalation"]
            cells = sum(len(each) for each in mine)
            units = {item.unit for each in mine for item in each}
            rest = words("subjects.upward", first=first, n=cells, units=len(units)) if cells > 1 else first
        else:
            rest = words("subjects.several", first=first, n=len(groups)) if len(groups) > 1 else first
        today = sum(section == "due_today" for section, _ in groups)
        if today and name != "due_today":
            # Behind what is late, what is due today is not to be overlooked.
            rest = words("subjects.today", what=rest, n=today)
        return words("kinds.subject", kind=words(f"kinds.{kind}"), what=rest)


def _most_pressing(groups: list[Group]) -> Group:
    """What a mail is about; what has a date yet to come, before what was over when the campaign began."""
    if not groups:
        return "", []
    dated = next((group for group in groups if group[0] in _WITH_DATE), groups[0])
    return dated if groups[0][0] == "lapsed" else groups[0]
