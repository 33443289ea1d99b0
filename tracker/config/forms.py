"""``forms/*.yaml``: the forms that units fill in, each one file, held against their shape and against themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal

from tracker.config.document import Document, Location
from tracker.config.messages import Guesses, did_you_mean, short
from tracker.config.schema import ColumnShape, FormFile
from tracker.config.schema_errors import fit
from tracker.core.form import (
    FIGURES,
    Choice,
    Column,
    ColumnKind,
    FieldKind,
    Form,
    HeaderField,
    Round,
    comparable,
)
from tracker.i18n.message import Message

#: The highest figure that is believed in a column whose file says nothing else.
MOST_BELIEVED = 1_000_000

#: Kinds of which a form has at most one column, or one field above the table.
_ONCE = (ColumnKind.SERIAL, ColumnKind.NAME)


def read_form(document: Document, name: str, guesses: Guesses) -> Form | None:
    """The form in ``document``, whose file is called ``name``.yaml; None, and findings in it, if it is wrong."""
    shape = fit(document, FormFile, guesses)
    if shape is None:
        return None
    before = sum(problem.severity == "error" for problem in document.problems)
    _Checks(document, shape, guesses).run()
    if sum(problem.severity == "error" for problem in document.problems) > before:
        return None
    return Form(
        id=name,
        title=shape.title,
        annex=shape.annex,
        header=tuple(HeaderField(each.id, each.label, FieldKind(each.kind)) for each in shape.header),
        columns=tuple(_column(each) for each in shape.columns),
        instructions=tuple(shape.instructions),
        identified_by=shape.identified_by,
        accumulates=shape.accumulates,
        rounds={
            id_: Round(id_, each.name or id_, frozenset(each.omits)) for id_, each in shape.rounds.items()
        },
    )


def _column(shape: ColumnShape) -> Column:
    return Column(
        id=shape.id,
        label=shape.label,
        kind=ColumnKind(shape.kind),
        group=shape.group,
        unit=shape.unit,
        choices=tuple(Choice(word, tuple(also)) for word, also in shape.choices.items()),
        at_most=shape.at_most,
        doubt_above=_bound(shape),
        accumulates=shape.accumulates,
        width=float(shape.width),
    )


def _bound(shape: ColumnShape) -> Decimal | None:
    """The highest figure that is believed without asking; a date typed into a wrong cell is above any."""
    if ColumnKind(shape.kind) not in FIGURES:
        return None
    return Decimal(MOST_BELIEVED if shape.doubt_above is None else shape.doubt_above)


class _Checks:
    """What must hold between the parts of one form."""

    def __init__(self, document: Document, shape: FormFile, guesses: Guesses) -> None:
        self.document = document
        self.shape = shape
        self.guesses = guesses
        self.columns = {column.id: column for column in shape.columns}

    def run(self) -> None:
        """Put every finding into the document."""
        self._check_twice("header", [field.id for field in self.shape.header], "id")
        self._check_twice("columns", [column.id for column in self.shape.columns], "id")
        # Columns are found again by their labels, so that two of one group must not look alike.
        labels = [comparable(f"{column.group} {column.label}") for column in self.shape.columns]
        self._check_twice("columns", labels, "label")
        self._check_kinds()
        for number, column in enumerate(self.shape.columns):
            self._check_column(("columns", number), column)
        if self.shape.identified_by is not None:
            self._check_names(("identified_by",), self.shape.identified_by)
        for id_, each in self.shape.rounds.items():
            for number, name in enumerate(each.omits):
                self._check_names(("rounds", id_, "omits", number), name)

    def _error(self, location: Location, message: Message) -> None:
        self.document.error(self.document.place(location), location, message)

    def _check_twice(self, part: str, found: Iterable[str], key: str) -> None:
        seen = set()
        for number, name in enumerate(found):
            if name in seen:
                place = (part, number, key)
                typed = short(str(self.document.value(place)))
                self._error(place, Message("config.forms.twice", text=typed, part=part))
            seen.add(name)

    def _check_kinds(self) -> None:
        for kind in _ONCE:
            found = [number for number, column in enumerate(self.shape.columns) if column.kind == kind]
            for number in found[1:]:
                place = ("columns", number, "kind")
                self._error(place, Message("config.forms.one_of_kind", kind=kind.value))
        if not any(field.kind == "unit" for field in self.shape.header):
            self._error(("header",), Message("config.forms.no_unit"))

    def _check_column(self, location: Location, column: ColumnShape) -> None:
        if (column.kind == "choice") != bool(column.choices):
            self._error((*location, "kind"), Message("config.forms.choices"))
        words = [comparable(word) for choice, also in column.choices.items() for word in (choice, *also)]
        if len(set(words)) < len(words):
            self._error((*location, "choices"), Message("config.forms.one_choice"))
        if column.at_most is not None:
            self._check_names((*location, "at_most"), column.at_most, _figures(self.shape.columns))

    def _check_names(self, location: Location, name: str, known: Collection[str] | None = None) -> None:
        known = self.columns if known is None else known
        if name in known:
            return
        near = did_you_mean(self.guesses.near(name, sorted(known), 1))
        self._error(location, Message("config.forms.no_column", name=short(name), near=near))


def _figures(columns: Iterable[ColumnShape]) -> list[str]:
    return [column.id for column in columns if ColumnKind(column.kind) in FIGURES]


def check_use(
    document: Document, location: Location, used: tuple[str, str | None], form: Form | None
) -> None:
    """Whether the form that an item of ``tasks.yaml`` uses is there, and has the round that it names.

    Without its form an item is asked for and answered all the same, so that is a warning.
    """
    name, round_ = used
    if form is None:
        document.warn(
            document.place((*location, "form")),
            (*location, "form"),
            Message("config.tasks.no_form", name=name),
        )
    elif round_ is not None and round_ not in form.rounds:
        known = tuple(sorted(form.rounds)) or ("none",)
        document.error(
            document.place((*location, "round")),
            (*location, "round"),
            Message("config.tasks.no_round", name=name, round=short(round_), known=known),
        )
