"""The shape of the files: which keys there are, and what each holds.

A value that must fit others (an owner that exists, an id that is not taken) is none of this module's
business; see ``checks``.
"""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetPydanticSchema,
    PlainValidator,
    StringConstraints,
    TypeAdapter,
)
from pydantic_core import core_schema

from tracker.config.field_types import (
    Address,
    Clock,
    DatabaseUrl,
    Day,
    Grace,
    Header,
    Issuer,
    LinkBase,
    Network,
    RoleWord,
    SubmitTo,
    Transport,
    Truth,
    WebAddress,
    Zone,
    domain,
    expected,
    interval,
    rate,
    unfit,
    web,
    weekday,
    whole,
)
from tracker.core.model import MAIN
from tracker.core.policy import ANYBODY, Interval, Rate
from tracker.core.years import FIRST_YEAR, LAST_YEAR
from tracker.i18n.catalogue import FIRST, LANGUAGES, Language
from tracker.i18n.message import Message

ONE_LINE = r"^[^\r\n\t]+$"
ID = r"^[a-z0-9][a-z0-9-]*$"
WORD = r"^[A-Za-z0-9_-]+$"
COLUMN = r"^[a-z][a-z0-9_]*$"

#: A paragraph or more.
Text = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
#: A list of names in words; the deadline reader has a limit of its own.
Words = Annotated[str, StringConstraints(min_length=1, max_length=5_000)]
#: What must fit on one line of a mail's subject or of a table.
Line = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=ONE_LINE)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=ID)]
PolicyName = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=WORD)]
ColumnName = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=COLUMN)]
MailDomain = Annotated[str, BeforeValidator(domain)]
MailRate = Annotated[Rate, PlainValidator(rate)]
#: One of those that there are catalogues of.
LanguageCode = Annotated[
    Language, GetPydanticSchema(lambda _source, _handler: core_schema.literal_schema(list(LANGUAGES)))
]
OptionalInterval = Annotated[Interval | Literal["never"], BeforeValidator(interval)]


#: The most days on which a policy may keep quiet in one go: a leap year.
LONGEST_QUIET = 366

#: A key with nothing behind it is an empty list, or an empty mapping.
_EmptyList = BeforeValidator(lambda value: [] if value is None else value)
_EmptyMapping = BeforeValidator(lambda value: {} if value is None else value)

Lines = Annotated[list[Line], _EmptyList]


class Shape(BaseModel):
    """What all have in common: no other keys, and white space around texts is none of theirs."""

    model_config = ConfigDict(
        extra="forbid", str_strip_whitespace=True, frozen=True, arbitrary_types_allowed=True
    )


class Span(Shape):
    """A day or a run of days, both ends included."""

    from_: Day = Field(alias="from")
    to: Day

    def days(self) -> range:
        """As ordinals."""
        return range(self.from_.toordinal(), self.to.toordinal() + 1)


def _as_span(value: Any) -> Any:
    return {"from": value, "to": value} if isinstance(value, str) else value


_Dated = TypeVar("_Dated", bound="Span")


def _in_order(span: _Dated) -> _Dated:
    if span.to < span.from_:
        raise unfit(Message("config.span_backwards", since=span.from_, until=span.to))
    return span


OneSpan = Annotated[Span, BeforeValidator(_as_span), AfterValidator(_in_order)]
Days = Annotated[list[OneSpan], _EmptyList]

_SPAN: TypeAdapter[Span] = TypeAdapter(OneSpan)
_WORKWEEK = frozenset(range(1, 6))


def _quiet_day(value: Any) -> int | Span:
    if isinstance(value, str) and not any(letter.isdigit() for letter in value):
        number = weekday(value)
        if number is None:
            raise expected(Message("config.wanted.quiet_day"), value)
        return number
    span = _SPAN.validate_python(value)
    if len(span.days()) > LONGEST_QUIET:
        raise unfit(Message("config.quiet_too_long", since=span.from_, until=span.to))
    return span


def _some_day_is_left(days: list[int | Span]) -> list[int | Span]:
    if _WORKWEEK.issubset(day for day in days if isinstance(day, int)):
        raise unfit(Message("config.always_quiet"))
    return days


QuietDays = Annotated[
    list[Annotated[int | Span, PlainValidator(_quiet_day)]], _EmptyList, AfterValidator(_some_day_is_left)
]


class StandInShape(Span):
    """Who gets a contact's mail for some days, both ends included."""

    name: Line
    email: Address
    language: LanguageCode | None = None


StandInDays = Annotated[StandInShape, AfterValidator(_in_order)]


class TargetShape(Shape):
    """A quota."""

    count: Annotated[int, BeforeValidator(whole(1, 1_000_000))]
    of: Line
    owners: Words | None = None


class ItemShape(Shape):
    """What tasks, deliverables and reports have in common."""

    id: Id
    deadline: Words
    due: Day | None = None
    on_holiday: Literal["keep", "before", "after"] = "keep"
    grace: Grace | None = None
    policy: PolicyName | None = None
    status: Literal["done", "paused", "waived"] | None = None
    acceptance: Truth | None = None
    target: TargetShape | None = None
    submit_to: SubmitTo | None = None
    form: Id | None = None
    round: Id | None = None
    requirement: Text | None = None
    note: Text | None = None
    memo: Text | None = None


class DeliverableShape(ItemShape):
    """Something dated that a task asks for; ``owners`` are the task's where none are named."""

    title: Line
    owners: Words | None = None


class TaskShape(ItemShape):
    """One of the numbered items."""

    section: Line | None = None
    text: Text
    owners: Words
    deliverables: Annotated[list[DeliverableShape], _EmptyList] = Field(default_factory=list)


class ReportShape(ItemShape):
    """A standing report; ``short`` is what people call it by, and may be typed for its id."""

    title: Line
    short: Line | None = None
    owners: Words


class CampaignShape(Shape):
    """The issued document."""

    id: Id = MAIN
    title: Line
    document: Line | None = None
    issued: Day
    year: Annotated[int, BeforeValidator(whole(FIRST_YEAR, LAST_YEAR))] | None = None
    timezone: Zone = "Asia/Shanghai"
    language: LanguageCode = FIRST
    supervisor: Line | None = None
    task_count: Annotated[int, BeforeValidator(whole(0, 1_000_000))] | None = None
    acceptance: Truth = False
    accept_removals: Day | None = None
    accept_correction: Day | None = None
    chase_from: Day | None = None
    memo: Text | None = None


class TasksFile(Shape):
    """``tasks.yaml``."""

    campaign: CampaignShape
    tasks: list[TaskShape]
    reports: Annotated[list[ReportShape], _EmptyList] = Field(default_factory=list)


class ContactShape(Shape):
    """A person at a unit; one without a name is called by the address."""

    name: Line | None = None
    email: Address
    language: LanguageCode | None = None
    role: Literal["to", "cc"] = "to"
    rhythm: Literal["daily", "twice-weekly", "weekly"] = "daily"
    stand_ins: Annotated[list[StandInDays], _EmptyList] = Field(default_factory=list)
    memo: Text | None = None


class UnitShape(Shape):
    """Who answers."""

    id: Id
    name: Line
    aliases: Lines = Field(default_factory=list)
    contacts: Annotated[list[ContactShape], _EmptyList] = Field(default_factory=list)
    reports_to: Line | None = None
    timezone: Zone | None = None
    note: Text | None = None
    memo: Text | None = None


class GroupShape(Shape):
    """A named list of units."""

    id: Id
    name: Line
    aliases: Lines = Field(default_factory=list)
    members: Lines = Field(default_factory=list)
    note: Text | None = None
    memo: Text | None = None


class UnitsFile(Shape):
    """``units.yaml``."""

    units: list[UnitShape]
    groups: Annotated[list[GroupShape], _EmptyList] = Field(default_factory=list)


class PersonShape(Shape):
    """A sender, or the operator."""

    name: Line
    email: Address
    language: LanguageCode | None = None


class RefusalsShape(Shape):
    """Pieces of mail servers' answers: those to try again after, and those that are final."""

    temporary: Lines = Field(default_factory=list)
    permanent: Lines = Field(default_factory=list)


class InboxShape(Shape):
    """Where answers to mails go."""

    address: Address | None = None


class MailShape(Shape):
    """How mail goes out."""

    from_: PersonShape | None = Field(default=None, alias="from")
    transport: Transport | None = None
    send_at: Clock | None = None
    link_base: LinkBase | None = None
    mailbox: Line | None = None
    connections: Annotated[int, BeforeValidator(whole(1, 100))] | None = None
    refusals: Annotated[RefusalsShape, _EmptyMapping] = RefusalsShape()
    calendar: Truth | None = None
    pace: Annotated[dict[MailDomain, MailRate], _EmptyMapping] = Field(default_factory=dict)
    prompted: MailRate | None = None
    inbox: Annotated[InboxShape, _EmptyMapping] = InboxShape()


class PolicyShape(Shape):
    """What a policy says; what it does not say is taken from ``default``."""

    lead: list[Annotated[int, BeforeValidator(whole(0, 366))]] | None = None
    overdue: OptionalInterval | None = None
    escalate: OptionalInterval | None = None
    announce: Truth | None = None
    review: Literal["month", "quarter", "half-year", "year", "never"] | None = None
    max_repeats: Annotated[int, BeforeValidator(whole(1, 1000))] | None = None
    pace: Literal["week", "month", "never"] | None = None
    rollup: Truth | None = None
    quiet: QuietDays | None = None


class ProxyShape(Shape):
    """A server in front of ours that says who is asking."""

    from_: Annotated[list[Network], Field(min_length=1, max_length=50)] = Field(alias="from")
    header: Header


class OidcShape(Shape):
    """A provider of OpenID Connect."""

    issuer: Issuer
    client: Line
    claim: Line | None = None


class WebShape(Shape):
    """How the pages are served."""

    listen: WebAddress | None = None
    proxy: ProxyShape | None = None
    oidc: OidcShape | None = None
    people: Annotated[dict[Line, RoleWord], _EmptyMapping] = Field(default_factory=dict)
    forwarded_from: Annotated[list[Network], _EmptyList, Field(max_length=50)] = Field(default_factory=list)
    certificate: Line | None = None
    key: Line | None = None


def _as_web(value: Any) -> Any:
    return value if isinstance(value, AnyMapping) else {"listen": web(value)}


def _somebody_has_a_role(shape: WebShape) -> WebShape:
    if (shape.proxy or shape.oidc) and not shape.people:
        raise unfit(Message("config.no_roles"))
    names = {name: role for name, role in shape.people.items() if name != ANYBODY}
    if shape.oidc and shape.oidc.claim is None and names:
        # Until there was a claim it was the user name, which people may change at many providers.
        lines = "; ".join(f"'SUB-{name}': {role.word}" for name, role in names.items())
        raise unfit(Message("config.no_claim", lines=lines))
    return shape


class SettingsFile(Shape):
    """``settings.yaml``."""

    mail: Annotated[MailShape, _EmptyMapping] = MailShape()
    operator: PersonShape | None = None
    web: Annotated[WebShape, BeforeValidator(_as_web), AfterValidator(_somebody_has_a_role)] | None = None
    database: DatabaseUrl | None = None
    ledger_sign: Line | None = None
    templates: Line | None = None
    holidays: Line | None = None
    policies: Annotated[dict[PolicyName, Annotated[PolicyShape, _EmptyMapping]], _EmptyMapping] = Field(
        default_factory=dict
    )


class HeaderFieldShape(Shape):
    """A field above the table of a form."""

    id: ColumnName
    label: Line
    kind: Literal["unit", "period", "nil", "date", "phone", "text"]


class ColumnShape(Shape):
    """A column of a form; neighbours of one ``group`` stand under one head."""

    id: ColumnName
    label: Line
    kind: Literal["serial", "name", "count", "amount", "tick", "choice", "text"]
    group: Line | None = None
    unit: Line | None = None
    choices: Annotated[dict[Line, Lines], _EmptyMapping] = Field(default_factory=dict)
    at_most: ColumnName | None = None
    doubt_above: Annotated[int, BeforeValidator(whole(1, 1_000_000_000))] | None = None
    accumulates: Truth | None = None
    width: Annotated[int, BeforeValidator(whole(2, 60))] = 8


class RoundShape(Shape):
    """A round in which some columns are left out."""

    name: Line | None = None
    omits: Annotated[list[ColumnName], _EmptyList] = Field(default_factory=list)


class FormFile(Shape):
    """``forms/ID.yaml``."""

    title: Line
    annex: Line | None = None
    header: Annotated[list[HeaderFieldShape], Field(min_length=1, max_length=20)]
    columns: Annotated[list[ColumnShape], Field(min_length=1, max_length=60)]
    identified_by: ColumnName | None = None
    accumulates: Truth = False
    rounds: Annotated[dict[Id, RoundShape], _EmptyMapping] = Field(default_factory=dict)
    instructions: Annotated[list[Text], _EmptyList] = Field(default_factory=list)
    memo: Text | None = None


class HolidaysFile(Shape):
    """``holidays/YYYY.yaml``."""

    year: Annotated[int, BeforeValidator(whole(1900, 2200))]
    source: Line | None = None
    off: Days = Field(default_factory=list)
    work: Days = Field(default_factory=list)

    def dates(self, spans: list[Span]) -> frozenset[date]:
        """Every day of ``spans``."""
        return frozenset(date.fromordinal(number) for span in spans for number in span.days())
