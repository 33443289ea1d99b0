"""Whether mails go out, and why not: the same for machines that watch (``/readyz``) and for whoever looks at the page.

The sentences name nobody and no place of this machine: strangers read them as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from tracker.dashboard.outbox import stuck_since
from tracker.errors import TrackerError
from tracker.i18n.message import Message
from tracker.i18n.recognised import recognised
from tracker.mail.transport.replies import without_names
from tracker.outbox.mail_server import queue_at, read_state, said_at
from tracker.service.heartbeat import PassRecord, after_restart, is_silent, remembered
from tracker.web.base.site import Site

#: So many errors in the files are told of by their places.
SHOWN_PLACES = 10


def reasons(site: Site) -> Iterator[Message]:
    """Why mails do not go out; none where they do."""
    if refusal := site.app.database.refusal:
        yield Message("service.ready.refuses", cause=without_names(refusal))
    if untaken := site.app.engine.untaken:
        yield Message("service.ready.untaken", n=untaken)
    try:
        beat = last_pass(site)
        with site.app.database.reading() as session:
            stuck = stuck_since(session, site.snapshot.campaign.id)
            trouble = read_state(session, site.snapshot.campaign.id).trouble(site.snapshot)
    except (SQLAlchemyError, TrackerError):
        yield Message("service.ready.no_database")
        return
    if site.app.heartbeat.lost is not None:
        yield site.app.heartbeat.lost
    if trouble is not None:
        yield Message("service.ready.trouble", said=recognised(trouble) or trouble)
    elif stuck is not None:
        since, said = said_at(stuck.since, site.snapshot.zone), without_names(stuck.said)
        facts = {"since": since, "zone": site.snapshot.campaign.timezone}
        yield Message("service.ready.stuck", **facts, said=recognised(said) or said)
    if is_silent(site.app.heartbeat, beat, site.now()):
        yield Message("service.ready.silent")
    elif beat is not None and beat.error is not None:
        yield Message("service.ready.failed")


def degraded(site: Site) -> Iterator[Message]:
    """What somebody has to mend, while the service goes on.  The places only: messages quote what stands there."""
    heartbeat = site.app.heartbeat
    if heartbeat.problems:
        places = ", ".join(problem.place for problem in heartbeat.problems[:SHOWN_PLACES])
        yield Message("service.ready.not_taken", places=places)
    if heartbeat.held is not None:
        yield heartbeat.held_state
    unkept = site.app.no_sign()
    if unkept is not None:
        yield unkept.message
    if heartbeat.awaits_restart:
        yield after_restart(heartbeat.awaits_restart)


def last_pass(site: Site) -> PassRecord | None:
    """The last pass of this process, else of any."""
    with site.app.database.reading() as session:
        kept = remembered(session)
    return site.app.heartbeat.last or kept


def next_try(site: Site) -> datetime | None:
    """When the mail server is asked again with what waits; None where nothing does, or at any moment."""
    shut = site.app.made.post.shut_until()
    with site.app.database.reading() as session:
        left = queue_at(session, site.snapshot.campaign.id, site.now())
    if not left.waiting or left.untried or left.next_try is None:
        return shut if left.waiting else None
    return left.next_try if shut is None else max(left.next_try, shut)
