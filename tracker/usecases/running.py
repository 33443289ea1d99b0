"""What people want to know once the service runs."""

from __future__ import annotations

from tracker.ledger.beginning import how_many_before
from tracker.planning.plan import next_planning
from tracker.service.app import App


def where_to_look(app: App, *, at_once: bool = False) -> list[str]:
    """What a person wants to know once the service runs; ``at_once``: it does not wait for its hour."""
    snapshot, now = app.snapshot, app.clock.now()
    with app.database.reading() as session:
        following = next_planning(session, snapshot, now, at_once=at_once)
        left = how_many_before(session, snapshot, now)
    is_due = "（正在编写 · being written now）" if following <= now else ""
    when = f"{following.astimezone(snapshot.zone):%Y-%m-%d %H:%M %Z}{is_due}"
    place = snapshot.settings.transport
    if not place.startswith("mailbox:"):
        place += f"; 样例地址 · .example: mailbox:{snapshot.settings.mailbox}"
    waiting = [f"台账建立前事项 · before this ledger: {left} (tracker before)"] if left else []
    return [
        f"生效 · in force: {app.summary()}",
        *waiting,
        f"邮件 · mails: {place} (tracker mail list, tracker mail show ID)",
        f"数据库 · database: {app.database_url.rpartition('@')[2]}",
        f"下次发信 · next digests: {when}",
        f"改完即生效 · edit at any time: {app.config}/*.yaml; Ctrl-C 结束 · ends the service",
    ]
