"""From files that hold together to the frozen values of the core."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tracker.config.checks import Texts
from tracker.config.field_types import OFF
from tracker.config.schema import (
    CampaignShape,
    ContactShape,
    DeliverableShape,
    GroupShape,
    ItemShape,
    PersonShape,
    PolicyShape,
    ReportShape,
    SettingsFile,
    Span,
    StandInShape,
    TasksFile,
    TaskShape,
    UnitsFile,
    UnitShape,
    WebShape,
)
from tracker.config.unit_index import UnitIndex
from tracker.core.deadline.expressions import Reading
from tracker.core.form import Form
from tracker.core.model import Campaign, Contact, Definition, Group, Kind, Rule, StandIn, Target, Unit
from tracker.core.policy import DEFAULT, MONTHLY, Oidc, Policies, Proxy, Quiet, Settings, Web, built_in


def build_campaign(
    tasks: TasksFile,
    units: UnitsFile,
    unit_index: UnitIndex,
    texts: Texts,
    forms: Mapping[str, Form | None],
) -> Campaign:
    """The campaign; the files have been checked."""
    head: CampaignShape = tasks.campaign
    return Campaign(
        title=head.title,
        document=head.document or "",
        issued=head.issued,
        year=head.year,
        timezone=head.timezone,
        language=head.language,
        supervisor=None if head.supervisor is None else unit_index.unit(head.supervisor),
        tasks=tuple(_task(task, texts, is_accepted=head.acceptance) for task in tasks.tasks),
        reports=tuple(_report(report, texts) for report in tasks.reports),
        units={unit.id: _unit(unit, unit_index) for unit in units.units},
        groups={group.id: _group(group, unit_index) for group in units.groups},
        accept_removals=head.accept_removals,
        accept_correction=head.accept_correction,
        chase_from=head.chase_from,
        forms={id_: form for id_, form in forms.items() if form is not None},
        id=head.id,
    )


def _task(task: TaskShape, texts: Texts, *, is_accepted: bool) -> Definition:
    """``is_accepted``: whether what tasks ask has to be accepted where they do not say."""
    return Definition(
        key=task.id,
        kind=Kind.TASK,
        title=task.text.partition("\n")[0].strip(),
        section=task.section,
        text=task.text,
        submit_to=task.submit_to,
        deliverables=tuple(_deliverable(each, task, texts) for each in task.deliverables),
        **{
            **_common(task, task.owners, texts),
            "acceptance": is_accepted if task.acceptance is None else task.acceptance,
        },
    )


def _deliverable(deliverable: DeliverableShape, task: TaskShape, texts: Texts) -> Definition:
    return Definition(
        key=f"{task.id}/{deliverable.id}",
        kind=Kind.DELIVERABLE,
        title=deliverable.title,
        section=task.section,
        submit_to=deliverable.submit_to or task.submit_to,
        **_common(deliverable, deliverable.owners or task.owners, texts),
    )


def _report(report: ReportShape, texts: Texts) -> Definition:
    return Definition(
        key=report.id,
        kind=Kind.REPORT,
        title=report.title,
        short=report.short,
        submit_to=report.submit_to,
        **_common(report, report.owners, texts),
    )


def _common(item: ItemShape, owners: str, texts: Texts) -> dict[str, Any]:
    units = texts.owners(owners).units
    return {
        "owners": owners,
        "units": units,
        "deadline": item.deadline,
        "rule": _rule(item, texts),
        "requirement": item.requirement,
        "target": None if item.target is None else _target(item, units, texts),
        "form": item.form,
        "round": item.round,
        "on_holiday": item.on_holiday,
        "grace_days": item.grace or 0,
        "policy": item.policy,
        "status": item.status,
        "acceptance": bool(item.acceptance),
        "note": item.note,
    }


def _rule(item: ItemShape, texts: Texts) -> Rule:
    reading = texts.deadline(item.deadline)
    assert isinstance(reading, Reading)
    return reading.rule if item.due is None else replace(reading.rule, due=item.due)


def _target(item: ItemShape, units: tuple[str, ...], texts: Texts) -> Target:
    target = item.target
    assert target is not None
    return Target(
        target.count, target.of, units if target.owners is None else texts.owners(target.owners).units
    )


def _unit(unit: UnitShape, unit_index: UnitIndex) -> Unit:
    return Unit(
        id=unit.id,
        name=unit.name,
        aliases=tuple(unit.aliases),
        contacts=tuple(_contact(contact) for contact in unit.contacts),
        reports_to=None if unit.reports_to is None else unit_index.unit(unit.reports_to),
        timezone=unit.timezone,
    )


def _contact(contact: ContactShape) -> Contact:
    return Contact(
        name=contact.name or contact.email,
        email=contact.email,
        language=contact.language,
        role=contact.role,
        stand_ins=tuple(_stand_in(each) for each in contact.stand_ins),
        rhythm=contact.rhythm,
    )


def _stand_in(stand_in: StandInShape) -> StandIn:
    return StandIn(
        stand_in.name, stand_in.email, stand_in.from_, stand_in.to + timedelta(days=1), stand_in.language
    )


def _group(group: GroupShape, unit_index: UnitIndex) -> Group:
    members = dict.fromkeys(unit_index.unit(name) or name for name in group.members)
    return Group(group.id, group.name, tuple(group.aliases), tuple(members), group.note)


def build_settings(file: SettingsFile) -> Settings:
    """The settings; what the file does not say is as the product comes."""
    mail = file.mail
    said: dict[str, Any] = {
        "policies": _policies(file.policies),
        "mail_from": _person(mail.from_),
        "transport": mail.transport,
        "send_at": mail.send_at,
        "link_base": mail.link_base,
        "mailbox": mail.mailbox,
        "connections": mail.connections,
        "temporary_refusals": tuple(mail.refusals.temporary),
        "permanent_refusals": tuple(mail.refusals.permanent),
        "encloses_calendar": mail.calendar,
        "pace": mail.pace,
        "prompted": mail.prompted,
        "reply_to": mail.inbox.address,
        "operator": _person(file.operator),
        "web": None if file.web is None else _web(file.web),
        "database": file.database,
        "ledger_sign": file.ledger_sign,
        "templates": file.templates,
        "holidays": file.holidays,
    }
    settings = replace(Settings(), **{name: value for name, value in said.items() if value is not None})
    is_off = file.web is not None and file.web.listen == OFF
    return replace(settings, web=None) if is_off else settings


def _web(shape: WebShape) -> Web:
    proxy, oidc = shape.proxy, shape.oidc
    return Web(
        listen=shape.listen or Web().listen,
        proxy=None if proxy is None else Proxy(tuple(proxy.from_), proxy.header),
        oidc=None if oidc is None else Oidc(oidc.issuer, oidc.client, oidc.claim or "sub"),
        people=shape.people,
        forwarded_from=tuple(shape.forwarded_from),
        certificate=shape.certificate,
        key=shape.key,
    )


def _person(person: PersonShape | None) -> Contact | None:
    return None if person is None else Contact(person.name or person.email, person.email, person.language)


def _policies(shapes: dict[str, PolicyShape]) -> Policies:
    base = built_in()
    default = replace(base[DEFAULT], **_said(shapes.get(DEFAULT)))
    # What makes ``monthly`` monthly stays, unless the file says otherwise; the rest follows ``default``.
    own = base[MONTHLY]
    monthly = replace(default, name=MONTHLY, lead=own.lead, overdue=own.overdue, announce=own.announce)
    named = {DEFAULT: default, MONTHLY: replace(monthly, **_said(shapes.get(MONTHLY)))}
    for name, shape in shapes.items():
        if name not in named:
            named[name] = replace(default, name=name, **_said(shape))
    announcing = frozenset(name for name, shape in shapes.items() if shape.announce)
    return Policies(named, announcing)


def _said(shape: PolicyShape | None) -> dict[str, Any]:
    if shape is None:
        return {}
    said = {
        "lead": None if shape.lead is None else tuple(sorted(set(shape.lead), reverse=True)),
        "overdue": shape.overdue,
        "escalate": shape.escalate,
        "announce": shape.announce,
        "review": shape.review,
        "max_repeats": shape.max_repeats,
        "pace": shape.pace,
        "rollup": shape.rollup,
        "quiet": None if shape.quiet is None else _quiet(shape.quiet),
    }
    return {name: None if value == "never" else value for name, value in said.items() if value is not None}


def _quiet(days: list[int | Span]) -> Quiet:
    """In the file both ends of a span are in; in the core the second is not."""
    return Quiet(
        frozenset(day for day in days if isinstance(day, int)),
        tuple((day.from_, day.to + timedelta(days=1)) for day in days if isinstance(day, Span)),
    )
