"""What the operator is told of a time in which the mail server took nothing: while it lasts, and once it is over.

The alert goes the way of all mails, so whoever reads it in their letter box reads it when mails go again: it is put in
the past as it leaves.  Until then it stands in the outbox as things are, with what is to be done.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import func, select, update
from sqlmodel import Session

from tracker.campaign.snapshot import InForce
from tracker.core.model import Contact, MailKind, owned
from tracker.i18n.catalogue import Language
from tracker.i18n.message import say_day
from tracker.i18n.recognised import said_in
from tracker.outbox.alerts import alert_details, alert_row
from tracker.store.tables import MAIL, UNDERWAY, MailState

#: The facts of the outage in the alert's details.
OUTAGE = "outage"

_NOW: dict[Language, tuple[str, ...]] = {
    "zh": (
        "邮件暂时发不出去",
        "自{since}起，邮件服务器没有收下邮件，现有{waiting}封等待发送；恢复后自动补发，不必逐封重发",
        "邮件服务器答复：{said}",
        "请按答复检查邮箱账号、密码和服务器设置，改好后运行 tracker mail test，发得出去，等待的邮件随即补发",
    ),
    "en": (
        "Mails cannot be sent",
        "since {since} the mail server has taken nothing; {waiting} mails wait, and go by themselves once it does",
        "the mail server said: {said}",
        (
            "see to the account, its password or the server as it says, then run tracker mail test: if that goes, so does "
            "what waits"
        ),
    ),
}
_OVER: dict[Language, tuple[str, ...]] = {
    "zh": (
        "邮件曾一度发不出去，现已恢复",
        "{since}至{until}，邮件服务器没有收下邮件，其间有{waiting}封等待；现已恢复，等待的邮件自动补发（所涉事项当日不提醒的，待可提醒之日补发），无需处理",
        "邮件服务器当时答复：{said}",
    ),
    "en": (
        "Mails could not be sent, and can again",
        (
            "from {since} to {until} the mail server took nothing, and {waiting} mails waited; it takes them again, and they "
            "go by themselves, what a quiet day holds once that is over: nothing is to be done"
        ),
        "the mail server had said: {said}",
    ),
}


def alert_of_outage(
    session: Session, force: InForce, since: str, said: str, now: datetime
) -> dict[str, object] | None:
    """The alert of an outage since then (ISO); one that waits already is brought up to date."""
    operator = force.settings.operator
    if operator is None:
        return None
    key = f"post/{since}"
    mine = MAIL.c.key == owned(force.campaign.id, f"{MailKind.ALERT}/{key}")
    waiting = (
        select(func.count()).select_from(MAIL).where(UNDERWAY, MAIL.c.campaign == force.campaign.id, ~mine)
    )
    facts = {"since": since, "said": said, "waiting": session.execute(waiting).scalar_one()}
    details = _details(_NOW, force, operator, facts, now)
    unsent = (UNDERWAY, mine, MAIL.c.state != MailState.CLAIMED.value)
    session.execute(update(MAIL).where(*unsent).values(details=details))
    return alert_row(force, key, details, now)


def as_over(force: InForce, details: Mapping[str, Any], now: datetime) -> str | None:
    """The details of such an alert that leaves at ``now``; None for those of another alert."""
    facts, operator = details.get(OUTAGE), force.settings.operator
    if not isinstance(facts, dict) or operator is None or not {"since", "said", "waiting"} <= facts.keys():
        return None
    return _details(_OVER, force, operator, facts, now)


def _details(
    sentences: Mapping[Language, tuple[str, ...]],
    force: InForce,
    reader: Contact,
    facts: Mapping[str, Any],
    now: datetime,
) -> str:
    language = force.language(reader)
    title, *lines = sentences[language]
    said = said_in(str(facts["said"]), language)
    since, until = _moment(datetime.fromisoformat(facts["since"]), language, force.zone), now
    given = {
        "since": since,
        "until": _moment(until, language, force.zone),
        "waiting": facts["waiting"],
        "said": said,
    }
    return alert_details(title, [line.format(**given) for line in lines], **{OUTAGE: dict(facts)})


def _moment(moment: datetime, language: Language, zone: tzinfo) -> str:
    local = moment.astimezone(zone)
    return f"{say_day(language, local.date())}{'' if language == 'zh' else ' '}{local:%H:%M}"
