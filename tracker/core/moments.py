"""A day, and local times as instants, also on the night on which summer time begins."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

A_DAY = timedelta(days=1)


def first_moment(day: date, clock: time, zone: tzinfo) -> datetime:
    """The first instant at which it is ``day`` in ``zone`` and ``clock`` or later there, as its clocks show it.

    A time that summer time leaves out is that at which the clocks are set forward.
    """
    moment = datetime.combine(day, clock, zone)
    if _shown_by(zone, moment.astimezone(UTC)) == moment.replace(tzinfo=None):
        return moment
    # By the clocks as they are set afterwards it lies before that instant, by those of before behind it.
    before, after = moment.replace(fold=1).astimezone(UTC), moment.astimezone(UTC)
    is_set = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        between = before + (after - before) // 2
        before, after = (
            (before, between) if between.astimezone(zone).utcoffset() == is_set else (between, after)
        )
    return after.replace(microsecond=0).astimezone(zone)


def _shown_by(zone: tzinfo, instant: datetime) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)
