"""What the API answers, key by key; the same keys as the commands' JSON."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Answer(BaseModel):
    """Refuses what it does not know, so that the description stays true."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, serialize_by_alias=True)


class Rule(Answer):
    """What a deadline means."""

    due: str | None
    ongoing: bool
    every: Literal["week", "month", "quarter", "half-year", "year"] | None
    day: int | None
    month: int | None
    from_: str | None = Field(alias="from")
    to: str | None


class Dated(Answer):
    """One date of a deadline that comes back."""

    period: str | None
    due: str


class Deadline(Rule):
    """``deadline``."""

    text: str
    zh: str
    en: str
    warnings: list[str]
    occurrences: list[Dated]


class Target(Answer):
    """A quota."""

    count: int
    of: str
    units: list[str]


class Definition(Rule):
    """A task, a deliverable or a report."""

    id: str
    ref: str
    section: str | None
    title: str
    text: str | None
    owners: str
    units: list[str]
    deadline: str
    zh: str
    en: str
    requirement: str | None
    target: Target | None
    submit_to: str | None
    form: str | None
    on_holiday: str
    grace_days: int
    policy: str | None
    status: str | None
    acceptance: bool
    note: str | None
    deliverables: list[Definition] | None = None


class Contact(Answer):
    """A person at a unit."""

    name: str
    email: str
    language: str
    role: str


class Unit(Answer):
    """``units``."""

    id: str
    name: str
    aliases: list[str]
    contacts: list[Contact]
    reports_to: str | None
    timezone: str
    groups: list[str]


class Due(Answer):
    """``calendar``."""

    ref: str
    unit: str
    title: str
    period: str | None
    due: str | None
    effective_due: str
    notice: str


class Standing(Answer):
    """One assignment."""

    ref: str
    unit: str
    title: str
    state: str
    light: str
    due: str | None
    effective_due: str | None
    days_left: int | None
    progress: int | None
    target: int | None
    submitted_at: str | None
    accepted_at: str | None
    late_days: int
    via: str | None


class Ledger(Answer):
    """``status``."""

    at: str
    counts: dict[str, int]
    rows: list[Standing]


class Event(Answer):
    """``history``."""

    at: str
    recorded_at: str
    ref: str
    unit: str
    event: str
    count: int | None
    until: str | None
    who: str | None
    via: str | None
    reason: str | None
    note: str | None


class Entry(Answer):
    """One reminder, and what became of it."""

    on: str
    reason: str
    outcome: str
    because: str
    en: str
    zh: str


class Explanation(Answer):
    """``explain``; ``waits``: it is in and has still to be accepted."""

    ref: str
    unit: str
    state: str
    waits: bool
    due: str | None
    effective_due: str | None
    entries: list[Entry]


class Item(Answer):
    """One line of a mail."""

    ref: str
    unit: str
    reason: str
    due: str | None
    days_left: int | None


class Mail(Answer):
    """``mail list``."""

    at: str
    to: list[str]
    unit: str | None
    kind: str
    language: str
    subject: str | None
    message_id: str
    items: list[Item]
    id: int
    state: str
    attempts: int
    sent_at: str | None
    next_attempt: str | None
    outcome: str | None


class Person(Answer):
    """Somebody to call."""

    name: str
    email: str


class Missing(Answer):
    """``forms missing``."""

    ref: str
    unit: str
    name: str
    title: str
    state: str
    due: str
    contacts: list[Person]
    person: str | None
    phone: str | None


class Question(Answer):
    """``forms questions``."""

    id: int
    ref: str
    unit: str
    form: str
    file: str
    sheet: str | None
    cell: str | None
    code: str
    found: str
    expected: str
    message: str
    state: str
    asked_at: str
    answered_at: str | None
    answered_by: str | None
    via: str | None
    note: str | None


class Refusal(Answer):
    """Why something cannot be answered, in a sentence."""

    detail: str
