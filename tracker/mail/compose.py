"""From a mail as it was decided (core ``Mail``) to the words that a template shows (``MailView``).

All that is to be worked out is worked out here, so that templates have loops and ifs and nothing else.
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from tracker.core.model import Campaign, Contact, Mail, MailKind, Reason, Unit
from tracker.mail.digest import SHORT_WIDTH, TITLE_WIDTH, DigestComposer
from tracker.mail.rollup import RollupComposer
from tracker.mail.view import MailView, Tally, Week
from tracker.mail.wording import Calendar, clip, tidy
from tracker.mail.words import Words


class Composer:
    """Composes the mails of one campaign in one language.

    ``ask`` is who answers questions; without one it is the first contact of the supervisor.
    """

    def __init__(self, campaign: Campaign, words: Words, ask: Contact | None = None) -> None:
        self.campaign = campaign
        self.words = words
        self.calendar = Calendar(words)
        unit = _find_unit(campaign, campaign.supervisor)
        self._supervisor = unit.name if unit else campaign.supervisor or words("names.supervisor")
        self._digests = DigestComposer(campaign, words, self.calendar, self._supervisor)
        self._rollups = RollupComposer(campaign, words, self.calendar)
        self._ask = ask or (unit.contacts[0] if unit and unit.contacts else None)
        self._zones: dict[str, ZoneInfo] = {}
        self._title = tidy(campaign.title)
        self._source = words(
            "digest.source",
            title=self._title,
            document=campaign.document,
            issued=self.calendar.day(campaign.issued),
        )

    def subject(self, mail: Mail) -> str:
        """The subject alone, without the work of composing the rest."""
        if mail.kind is MailKind.ALERT:
            return self.words("alert.subject", title=self._alert_title(mail))
        if mail.kind is MailKind.ROLLUP:
            return self._rollup_subject(mail, self._rollups.tallies(mail), self._rollups.week(mail))
        return self._digests.subject(self._digests.groups(mail), self.day(mail))

    def view(self, mail: Mail) -> MailView:
        """Everything that the templates of its kind show."""
        if mail.kind is MailKind.ALERT:
            return self._alert(mail)
        if mail.kind is MailKind.ROLLUP:
            return self._rollup(mail)
        return self._digest(mail)

    def day(self, mail: Mail) -> date:
        """The recipient's local date when the mail was decided."""
        return self._local(mail).date()

    def _local(self, mail: Mail) -> datetime:
        unit = self.campaign.units.get(mail.unit) if mail.unit else None
        name = (unit.timezone if unit else None) or self.campaign.timezone
        zone = self._zones.get(name)
        if zone is None:
            zone = self._zones[name] = ZoneInfo(name)
        return mail.at.astimezone(zone)

    def _digest(self, mail: Mail) -> MailView:
        words, day = self.words, self.day(mail)
        groups = self._digests.groups(mail)
        sections = self._digests.sections(mail, groups, day)
        summary = words("sections.comma").join(section.count for section in sections)
        first = sections[0].rows[0].short if sections else ""
        unit = self._addressed(mail)
        return MailView(
            language=words.language,
            subject=self._digests.subject(groups, day),
            preheader=words("digest.preheader", summary=summary, first=first),
            campaign=self._title,
            document=self.campaign.document,
            heading=self._title,
            greeting=self._greeting(mail, unit),
            intro=self._intro("digest.intro" if _asks_own(mail) else "digest.intro_upward", day),
            summary=summary,
            why=self._why(mail, "digest.why", unit or mail.name),
            ask=self._who_to_ask(mail),
            source=self._source,
            sections=sections,
        )

    def _greeting(self, mail: Mail, unit: str) -> str:
        if not unit or _names_unit(mail.name, unit):
            return self.words("digest.greeting_alone", name=mail.name)
        return self.words("digest.greeting", name=mail.name, unit=unit)

    def _intro(self, phrase: str, day: date) -> str:
        return self.words(
            phrase, title=self._title, document=self.campaign.document, day=self.calendar.day(day)
        )

    def _who_to_ask(self, mail: Mail) -> str | None:
        ask = self._ask
        if ask is None or ask.email == mail.to:
            return None
        phrase = "names.contact_alone" if _names_unit(ask.name, self._supervisor) else "names.contact"
        who = self.words(phrase, unit=self._supervisor, name=ask.name, email=ask.email)
        return self.words("digest.ask", who=who)

    def _addressed(self, mail: Mail) -> str:
        """The unit, or the units, that the recipient is asked for; the units of escalations are others'."""
        units = dict.fromkeys(item.unit for item in mail.items if item.reason is not Reason.ESCALATION)
        if mail.unit and (not units or mail.unit in units):
            units = {mail.unit: None} | units
        if not units:
            return ""
        first = self._digests.unit_name(next(iter(units)))
        return first if len(units) == 1 else self.words("names.several_units", first=first, n=len(units))

    def _alert_title(self, mail: Mail) -> str:
        return tidy(str(mail.details.get("title") or "")) or self.words("alert.untitled")

    def _alert(self, mail: Mail) -> MailView:
        words = self.words
        found = mail.details.get("problems")
        problems = tuple(str(each) for each in found) if isinstance(found, list | tuple) else ()
        problems = problems or (words("alert.none"),)
        local, title = self._local(mail), self._alert_title(mail)
        return MailView(
            language=words.language,
            subject=words("alert.subject", title=title),
            preheader=words("alert.preheader", first=clip(problems[0], TITLE_WIDTH)),
            campaign=self._title,
            document=self.campaign.document,
            heading=title,
            greeting=words("alert.greeting", name=mail.name),
            intro=words("alert.intro", day=self.calendar.day(local.date()), time=f"{local:%H:%M}"),
            why=words("alert.why"),
            source=self._source,
            problems=problems,
        )

    def _rollup_subject(self, mail: Mail, entries: tuple[Tally, ...], week: Week | None) -> str:
        words, document = self.words, self.campaign.document
        day = self.day(mail)
        short = self.calendar.short(day, day)
        if not entries:
            red = week.lamps[0].number if week is not None else 0
            return words("rollup.subject_week", document=document, n=red, day=short)
        if len(entries) > 1:
            return words("rollup.subject_many", document=document, n=len(entries), day=short)
        only = entries[0]
        title = clip(only.title, SHORT_WIDTH)
        return words("rollup.subject", document=document, title=title, in_=only.done, of=only.of, day=short)

    def _rollup(self, mail: Mail) -> MailView:
        words = self.words
        entries, week = self._rollups.tallies(mail), self._rollups.week(mail)
        unit = self._unit_of(mail) or self._supervisor
        first = entries[0].summary if entries else week.change if week is not None else ""
        return MailView(
            language=words.language,
            subject=self._rollup_subject(mail, entries, week),
            preheader=words("rollup.preheader", summary=first),
            campaign=self._title,
            document=self.campaign.document,
            heading=self._title,
            greeting=self._greeting(mail, unit),
            intro=self._intro("rollup.intro", self.day(mail)),
            why=self._why(mail, "rollup.why", unit),
            source=self._source,
            tallies=entries,
            week=week,
        )

    def _unit_of(self, mail: Mail) -> str:
        return self._digests.unit_name(mail.unit) if mail.unit else ""

    def _why(self, mail: Mail, phrase: str, unit: str) -> str:
        """Why somebody gets this mail; whoever stands in, or is to know only, is told so."""
        words = self.words
        name = mail.details.get("stands_in_for")
        if isinstance(name, str):
            return words("labels.stands_in", name=name)
        return words("labels.cc") if mail.details.get("cc") else words(phrase, unit=unit)


def _asks_own(mail: Mail) -> bool:
    """Whether something in it is asked of the recipient, and not only of those who report to them."""
    return any(item.reason is not Reason.ESCALATION for item in mail.items)


def _names_unit(name: str, unit: str) -> bool:
    """Whether a contact's name already says whose they are: 万州区联络员 of 万州区应急管理局."""
    return not name.isascii() and name[:2] == unit[:2]


def _find_unit(campaign: Campaign, name: str | None) -> Unit | None:
    """The unit that the campaign calls its supervisor: by id, name or alias."""
    if name is None:
        return None
    if name in campaign.units:
        return campaign.units[name]
    return next((unit for unit in campaign.units.values() if name == unit.name or name in unit.aliases), None)
