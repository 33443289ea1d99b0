"""What is said of a definition wherever it is named, in one language: worked out once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from markupsafe import Markup

from tracker.core.deadline.wording import is_of_chinese, to_words
from tracker.core.model import Campaign, Definition, Kind, Target
from tracker.core.naming import Names, tells_of_month_before
from tracker.core.occurrences import occurrences
from tracker.core.ways_to_answer import Way, ways
from tracker.i18n.catalogue import Words
from tracker.mail.compose.view import AnswerLink
from tracker.mail.compose.wording import clip, is_chinese, tidy

TITLE_WIDTH = 90
SHORT_WIDTH = 32
#: What a phone shows of a subject has room for the kind, this, and a date.
BRIEF_WIDTH = 12
#: In a table there is room for the end of a title, which is where two reports differ.
NAME_WIDTH = 48
REQUIREMENT_WIDTH = 220

#: Where the address of an item is filled in.
_ADDRESS = "ADDRESS-OF-ITEM"

#: ``典型案例（个）``: a quota may name what it is counted in, as the columns of official tables do.
_MEASURED = re.compile(r"(?P<of>.+)（(?P<measure>[^（）]{1,3})）")


class Answers:
    """The ways to answer something, and the HTML of their links, of which only the address is to be filled in."""

    def __init__(self, ways: tuple[AnswerLink, ...]) -> None:
        self.ways = ways
        html = Markup(" &ensp;").join(
            Markup('<a href="{}/{}">{}</a>').format(_ADDRESS, *each) for each in ways
        )
        self._html = str(html)

    def addressed(self, link: str) -> Markup:
        """The links behind ``link``, which is an address of ours and has nothing to escape."""
        return Markup(self._html.replace(_ADDRESS, link))  # noqa: S704


@dataclass(frozen=True, slots=True)
class Card:
    """The same in every row about one definition.

    ``title`` is for a row that says ``label`` beside it, ``brief`` for a subject, ``short`` for a preview, ``name``
    for a table.
    ``kind`` is ``paper`` for what is sent in and ``task`` for what is done and reported on.  ``of`` and
    ``measure`` are the words of a quota.  ``lapsed`` are the periods that were over before the document was
    issued.  ``has_form``: it is answered on a form that is known.  ``answers`` are the ways to answer it, without a
    date and with one.
    """

    label: str
    title: str
    short: str
    name: str
    brief: str
    deadline: str
    requirement: str | None = None
    submit_to: str | None = None
    note: str | None = None
    kind: Literal["task", "paper"] = "paper"
    target: Target | None = None
    of: str = ""
    measure: str = ""
    is_about_month_before: bool = False
    lapsed: frozenset[str] = frozenset()
    has_form: bool = False
    answers: Mapping[bool, Answers] = field(default_factory=dict)


class Cards:
    """The cards of a campaign, by key; of what is gone from the files, a card with the key alone."""

    def __init__(self, campaign: Campaign, words: Words) -> None:
        self._campaign = campaign
        self._words = words
        #: What occurrences are called where they stand alone.
        self.names = Names(campaign, words.language)
        self._cards: dict[str, Card] = {}

    def __getitem__(self, key: str) -> Card:
        card = self._cards.get(key)
        if card is None:
            definition = self._campaign.definitions.get(key)
            gone = Card(self._words("names.gone"), key, key, key, key, key)
            card = gone if definition is None else self._new(definition)
            self._cards[key] = card
        return card

    def _new(self, definition: Definition) -> Card:
        words, task = self._words, definition.task_id
        called = self.names.definition(definition.key)
        named = words("names.task", id=task) if task else self._campaign.short_of(definition) and called
        # The text of a task often still begins with its number.
        title = tidy(definition.title).removeprefix(f"{task}.").lstrip()
        of, measure = _counted(definition.target)
        kind = _kind(definition)
        has_form = definition.form in self._campaign.forms
        return Card(
            label=named or words("names.report"),
            title=clip(title, TITLE_WIDTH),
            short=self._titled(named, title, SHORT_WIDTH),
            name=self._titled(named, title, NAME_WIDTH),
            brief=called if task is None else self._titled(named, title, BRIEF_WIDTH),
            deadline=self._deadline(definition),
            requirement=clip(definition.requirement, REQUIREMENT_WIDTH) if definition.requirement else None,
            submit_to=definition.submit_to,
            note=clip(definition.note, REQUIREMENT_WIDTH) if definition.note else None,
            kind=kind,
            target=definition.target,
            of=of,
            measure=measure,
            is_about_month_before=tells_of_month_before(definition),
            lapsed=self._lapsed(definition),
            has_form=has_form,
            answers={
                has_date: Answers(
                    tuple(
                        AnswerLink(
                            way.value, words(f"answers.{way}_{kind}" if way is Way.DONE else f"answers.{way}")
                        )
                        for way in ways(definition, has_form=has_form, has_date=has_date)
                    )
                )
                for has_date in (False, True)
            },
        )

    def _titled(self, label: str | None, title: str, width: int) -> str:
        short = clip(title, width).rstrip("。；，、.;,")
        return short if label is None else self._words("names.titled", label=label, title=short)

    def _deadline(self, definition: Definition) -> str:
        """As the document words it, and in the language of the mail where that is another one."""
        verbatim = tidy(definition.deadline)
        if is_chinese(verbatim) == is_of_chinese(self._words.language):
            return verbatim
        try:
            canonical = to_words(definition.rule, self._words.language)
        except ValueError:
            return verbatim
        return self._words("row.deadline_in_both", deadline=verbatim, canonical=canonical)

    def _lapsed(self, definition: Definition) -> frozenset[str]:
        rule, issued = definition.rule, self._campaign.issued
        if rule.every is None or rule.since is None or rule.since >= issued:
            return frozenset()
        over = occurrences(rule, definition.key, issued, rule.since, issued)
        return frozenset(each.period for each in over if each.period)


def _kind(definition: Definition) -> Literal["task", "paper"]:
    """A deliverable without an address to send it to is something to be done: an inspection, a notice."""
    if definition.kind is Kind.REPORT:
        return "paper"
    return "paper" if definition.kind is Kind.DELIVERABLE and definition.submit_to else "task"


def _counted(target: Target | None) -> tuple[str, str]:
    if target is None:
        return "", ""
    match = _MEASURED.fullmatch(target.of)
    return (match["of"], match["measure"]) if match else (target.of, "")
