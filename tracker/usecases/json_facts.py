"""The facts that every listing shows, as rows ready for JSON, in the keys of docs/contract.md §5.

The command line prints them and the web serves them; neither adds a fact of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, tzinfo
from typing import Any

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.deadline.expressions import Reading
from tracker.core.deadline.wording import to_chinese, to_english
from tracker.core.model import Campaign, Definition, Event, Every, Item, Mail, Occurrence, Rule, Unit
from tracker.core.reminders import notice_day
from tracker.errors import HeldBackError, Problem
from tracker.i18n.catalogue import ENGLISH, FIRST
from tracker.i18n.message import Message, both, say
from tracker.ledger.reconcile import Changes
from tracker.ledger.status import LedgerRow
from tracker.mail.transport.transport import is_reserved
from tracker.outbox.queries import StoredMail
from tracker.planning.explain import Explanation
from tracker.store.tables import WAITING

Fact = dict[str, Any]


def iso(day: date | None) -> str | None:
    """A date as JSON has it."""
    return None if day is None else day.isoformat()


def instant(moment: datetime | None, zone: tzinfo) -> str | None:
    """A time as JSON has it: to the second, with the campaign's offset."""
    return None if moment is None else moment.astimezone(zone).isoformat(timespec="seconds")


def problem_facts(problems: Iterable[Problem]) -> Fact:
    """``check``: whether the files hold, with every error and warning and its place."""
    found: dict[str, list[Fact]] = {"error": [], "warning": []}
    for problem in problems:
        found[problem.severity].append(problem_fact(problem))
    return {"ok": not found["error"], "errors": found["error"], "warnings": found["warning"]}


def problem_fact(problem: Problem) -> Fact:
    """One of them: its place, and the sentence in both languages."""
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "path": problem.path,
        "message": both(problem.message),
    }


def rule_facts(rule: Rule) -> Fact:
    """What a deadline means, without its text."""
    return {
        "due": iso(rule.due),
        "ongoing": rule.ongoing,
        "every": rule.every.value if rule.every else None,
        "day": rule.day,
        "month": _month_of(rule),
        "from": iso(rule.since),
        "to": iso(rule.until),
    }


def _month_of(rule: Rule) -> int | None:
    return rule.month if rule.every in (Every.QUARTER, Every.HALF_YEAR, Every.YEAR) else None


def deadline_facts(reading: Reading, occurrences: Iterable[Occurrence]) -> Fact:
    """``deadline``: how a text is read, in both languages, and its dates."""
    return {
        "text": reading.text,
        **rule_facts(reading.rule),
        "zh": to_chinese(reading.rule),
        "en": to_english(reading.rule),
        "warnings": [both(warning) for warning in reading.warnings],
        "occurrences": [{"period": each.period, "due": iso(each.due)} for each in occurrences],
    }


def definition_facts(definition: Definition) -> Fact:
    """What ``tasks`` tells of a task, a deliverable or a report."""
    target = definition.target
    facts: Fact = {
        "id": definition.id,
        "ref": definition.key,
        "section": definition.section,
        "title": definition.title,
        "text": definition.text,
        "owners": definition.owners,
        "units": list(definition.units),
        "deadline": definition.deadline,
        **rule_facts(definition.rule),
        "zh": to_chinese(definition.rule),
        "en": to_english(definition.rule),
        "requirement": definition.requirement,
        "target": None
        if target is None
        else {"count": target.count, "of": target.of, "units": list(target.units)},
        "submit_to": definition.submit_to,
        "form": definition.form,
        "on_holiday": definition.on_holiday,
        "grace_days": definition.grace_days,
        "policy": definition.policy,
        "status": definition.status,
        "acceptance": definition.acceptance,
        "note": definition.note,
    }
    if definition.kind == "task":
        facts["deliverables"] = [definition_facts(each) for each in definition.deliverables]
    return facts


def unit_facts(unit: Unit, campaign: Campaign) -> Fact:
    """What ``units`` tells of one unit."""
    return {
        "id": unit.id,
        "name": unit.name,
        "aliases": list(unit.aliases),
        "contacts": [
            {"name": c.name, "email": c.email, "language": c.language or campaign.language, "role": c.role}
            for c in unit.contacts
        ],
        "reports_to": unit.reports_to,
        "timezone": unit.timezone or campaign.timezone,
        "groups": [group.id for group in campaign.groups.values() if unit.id in group.members],
    }


def calendar_facts(snapshot: CampaignSnapshot, rows: Iterable[LedgerRow]) -> Iterator[Fact]:
    """``calendar``: dated assignments, by date in force, then in the order of the document."""
    dated = [(row.dates.effective_due, row) for row in rows if row.dates.effective_due is not None]
    dated.sort(key=lambda pair: pair[0])
    for due, row in dated:
        yield {
            "ref": row.ref,
            "unit": row.unit,
            "title": row.definition.title,
            "period": row.ref.partition("@")[2] or None,
            "due": iso(row.dates.due),
            "effective_due": iso(due),
            "notice": iso(notice_day(due, snapshot.workdays)),
        }


def status_facts(snapshot: CampaignSnapshot, at: datetime, rows: Sequence[LedgerRow]) -> Fact:
    """``status``: the ledger at one moment, with a count of each state that occurs."""
    counts = Counter(row.state.value for row in rows)
    return {
        "at": instant(at, snapshot.zone),
        "counts": dict(sorted(counts.items())),
        "rows": [_status_row(snapshot, row) for row in rows],
    }


def _status_row(snapshot: CampaignSnapshot, row: LedgerRow) -> Fact:
    answer = row.answer
    return {
        "ref": row.ref,
        "unit": row.unit,
        "title": row.definition.title,
        "state": row.state.value,
        "light": row.light.value,
        "due": iso(row.dates.due),
        "effective_due": iso(row.dates.effective_due),
        "days_left": row.days_left,
        "progress": answer.progress if row.target is not None or answer.progress else None,
        "target": row.target,
        "submitted_at": instant(answer.submitted_at, snapshot.zone),
        "accepted_at": instant(answer.accepted_at, snapshot.zone),
        "late_days": row.late_days,
        "via": answer.via,
    }


def item_facts(item: Item) -> Fact:
    """One item of a mail."""
    return {
        "ref": item.ref,
        "unit": item.unit,
        "reason": item.reason,
        "due": iso(item.due),
        "days_left": item.days_left,
    }


def mail_facts(mail: Mail, *, message_id: str, subject: str | None, zone: tzinfo) -> Fact:
    """``simulate`` and ``mail list``: one mail."""
    return {
        "at": instant(mail.at, zone),
        "to": [mail.to],
        "unit": mail.unit,
        "kind": mail.kind.value,
        "language": mail.language,
        "subject": subject,
        "message_id": message_id,
        "items": [item_facts(item) for item in mail.items],
    }


def event_facts(recorded_at: datetime, event: Event, zone: tzinfo) -> Fact:
    """``history``: one event; ``at`` is when it counts from, ``recorded_at`` when it was written down."""
    return {
        "at": instant(event.at, zone),
        "recorded_at": instant(recorded_at, zone),
        "ref": event.ref,
        "unit": event.unit,
        "event": event.event.value,
        "count": event.count,
        "until": iso(event.until),
        "who": event.who,
        "via": event.via,
        "reason": event.reason,
        "note": event.note,
    }


def plan_facts(
    snapshot: CampaignSnapshot,
    changes: Changes,
    before: Iterable[Mail],
    after: Iterable[Mail],
    held: Iterable[HeldBackError],
) -> Fact:
    """``plan``: assignments that appear, vanish or move, answers that count anew, mails that come or go, and what waits."""
    old, new = _by_mail(snapshot, before), _by_mail(snapshot, after)
    return {
        "assignments": {
            "added": [_changed(each.ref, unit, each.to) for each in changes.added for unit in each.units],
            "removed": [
                _changed(each.ref, unit, each.before) for each in changes.removed for unit in each.units
            ],
            "moved": [
                {"ref": each.ref, "unit": unit, "from": iso(each.before), "to": iso(each.to)}
                for each in changes.moved
                for unit in each.units
            ],
            "gone": list(changes.gone),
        },
        "left_out": [
            _changed(each.ref, unit, each.before) for each in changes.left_out for unit in each.units
        ],
        "answers": {
            name: [_changed(each.ref, unit, each.to) for each in some for unit in each.units]
            for name, some in (("reopened", changes.reopened), ("answered", changes.answered))
        },
        "mails": {"added": list(_beyond(new, old)), "removed": list(_beyond(old, new))},
        "held": [{"word": each.word, **_in_each(each.message)} for each in held],
    }


def _in_each(message: Message) -> Fact:
    return {language: say(message, language, on_command_line=True) for language in (FIRST, ENGLISH)}


def _changed(ref: str, unit: str, due: date | None) -> Fact:
    return {"ref": ref, "unit": unit, "due": iso(due)}


#: A mail by its local day, recipient and kind.
_MailKey = tuple[str, str, str]


def _by_mail(snapshot: CampaignSnapshot, mails: Iterable[Mail]) -> dict[_MailKey, Mail]:
    return {
        (mail.at.astimezone(snapshot.zone).date().isoformat(), mail.to, mail.kind.value): mail
        for mail in mails
    }


def _beyond(mails: dict[_MailKey, Mail], others: dict[_MailKey, Mail]) -> Iterator[Fact]:
    """What stands in ``mails`` and not in ``others``; ``whole`` where there is no such mail at all."""
    for key, mail in mails.items():
        other = others.get(key)
        known = set() if other is None else {(item.ref, item.unit, item.reason) for item in other.items}
        items = [item for item in mail.items if (item.ref, item.unit, item.reason) not in known]
        if items or other is None:
            day, to, kind = key
            yield {
                "on": day,
                "to": [to],
                "unit": mail.unit,
                "kind": kind,
                "whole": other is None,
                "items": [item_facts(item) for item in items],
            }


def explanation_facts(explanation: Explanation) -> Fact:
    """``explain``: every reminder of one assignment, with what became of it and why."""
    return {
        "ref": explanation.ref,
        "unit": explanation.unit,
        "state": explanation.state,
        "waits": explanation.waits,
        "due": iso(explanation.due),
        "effective_due": iso(explanation.effective_due),
        "entries": [
            {
                "on": iso(entry.on),
                "reason": entry.reason.value,
                "outcome": entry.outcome.value,
                "because": entry.because,
                **{language: entry.in_(language) for language in (ENGLISH, FIRST)},
            }
            for entry in explanation.entries
        ],
    }


def outbox_facts(row: StoredMail, *, subject: str, zone: tzinfo, shut_until: datetime | None = None) -> Fact:
    """``mail list``: one mail, with what became of it; the mail server is left alone until ``shut_until``."""
    following = row.not_before
    if shut_until is not None and not is_reserved(row.mail.to):
        following = max(following, shut_until)
    return {
        **mail_facts(row.mail, message_id=row.message_id, subject=subject, zone=zone),
        "id": row.id,
        "state": row.state.value,
        "attempts": row.attempts,
        "sent_at": instant(row.sent_at, zone),
        "next_attempt": instant(following, zone) if row.state in WAITING else None,
        "outcome": row.outcome,
    }
