"""Whether mails go out, and why not: the same for machines that watch (``/readyz``) and for whoever looks at the page.

Each sentence is in both languages, and names nobody and no place of this machine: strangers read it as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from tracker.core.naming import in_both
from tracker.dashboard.outbox import stuck_since
from tracker.errors import InBoth, TrackerError
from tracker.i18n.recognised import said_in
from tracker.mail.transport.replies import without_names
from tracker.outbox.mail_server import queue_at, read_state, said_at
from tracker.service.heartbeat import Beat, is_silent, remembered
from tracker.web.base.site import Site

#: So many errors in the files are told of by their places.
SHOWN_PLACES = 10

_NO_DATABASE = InBoth("the database does not answer", "数据库没有应答")
_REFUSES = InBoth("the database takes nothing that is to be written: {cause}", "数据库无法写入：{cause}")
_UNTAKEN = InBoth(
    "results of {n} mails wait to be written down: the database does not take them",
    "{n}封邮件的发送结果待写入，数据库暂时无法写入",
)
_STUCK = InBoth(
    "no mail has gone out since {since} ({zone}), and some were put off: {said}",
    "自{since}（{zone}）起没有邮件发出，有邮件被推迟：{said}",
)
_SILENT = InBoth("no pass was made lately", "近期没有运行，服务已停止")
_FAILED = InBoth("the last pass failed", "最近一次运行出错，将重试")
_NOT_TAKEN = InBoth(
    "an edit of the files was not taken over: {places}", "配置文件的修改有错误，尚未生效：{places}"
)
_HELD = "现有配置文件等待确认，暂未生效"
_RESTART = InBoth("in force after the next start only: {names}", "重新启动后方才生效：{names}")


def reasons(site: Site) -> Iterator[InBoth]:
    """Why mails do not go out; none where they do."""
    if refusal := site.app.database.refusal:
        yield _REFUSES.with_facts(cause=without_names(refusal))
    if untaken := site.app.engine.untaken:
        yield _UNTAKEN.with_facts(n=str(untaken))
    try:
        beat = last_pass(site)
        with site.app.database.reading() as session:
            stuck = stuck_since(session, site.force.campaign.id)
            trouble = read_state(session, site.force.campaign.id).trouble(site.force)
    except (SQLAlchemyError, TrackerError):
        yield _NO_DATABASE
        return
    if site.app.pulse.lost is not None:
        yield site.app.pulse.lost
    if trouble is not None:
        yield InBoth(trouble, said_in(trouble, "zh"))
    elif stuck is not None:
        since, said = said_at(stuck.since, site.force.zone), without_names(stuck.said)
        facts = {"since": since, "zone": site.force.campaign.timezone}
        yield InBoth(
            _STUCK.english.format(**facts, said=said),
            _STUCK.chinese.format(**facts, said=said_in(said, "zh")),
        )
    if is_silent(site.app.pulse, beat, site.now()):
        yield _SILENT
    elif beat is not None and beat.error is not None:
        yield _FAILED


def degraded(site: Site) -> Iterator[InBoth]:
    """What somebody has to mend, while the service goes on.  The places only: messages quote what stands there."""
    pulse = site.app.pulse
    if pulse.problems:
        places = ", ".join(problem.place for problem in pulse.problems[:SHOWN_PLACES])
        yield _NOT_TAKEN.with_facts(places=places)
    if pulse.held is not None:
        yield InBoth(pulse.held_state, _HELD)
    unkept = site.app.no_sign()
    if unkept is not None:
        yield in_both(unkept, on_command_line=False)
    if pulse.awaits_restart:
        yield _RESTART.with_facts(names=", ".join(pulse.awaits_restart))


def last_pass(site: Site) -> Beat | None:
    """The last pass of this process, else of any."""
    with site.app.database.reading() as session:
        kept = remembered(session)
    return site.app.pulse.last or kept


def next_try(site: Site) -> datetime | None:
    """When the mail server is asked again with what waits; None where nothing does, or at any moment."""
    shut = site.app.made.post.shut_until()
    with site.app.database.reading() as session:
        left = queue_at(session, site.force.campaign.id, site.now())
    if not left.waiting or left.untried or left.next_try is None:
        return shut if left.waiting else None
    return left.next_try if shut is None else max(left.next_try, shut)
