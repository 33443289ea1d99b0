"""From a mail as it was decided (core ``Mail``) to the words that a template shows (``MailView``).

All that is to be worked out is worked out here, so that templates have loops and ifs and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tracker.access.links import Links
from tracker.core.model import Campaign, Contact, Mail, MailKind, Reason, Unit
from tracker.i18n.catalogue import Words
from tracker.mail.compose.cards import TITLE_WIDTH, Cards
from tracker.mail.compose.digest import DigestComposer, is_copy
from tracker.mail.compose.receipt import ReceiptComposer
from tracker.mail.compose.rollup import RollupComposer
from tracker.mail.compose.subject import SubjectComposer
from tracker.mail.compose.unit_request import UnitRequestComposer, is_asked, request_facts
from tracker.mail.compose.view import Enclosed, Link, MailView
from tracker.mail.compose.wording import Calendar, clip, tidy


class Composer:
    """Composes the mails of one campaign in one language.

    ``ask`` is who answers questions; without one it is the first contact of the supervisor.  Without ``links``
    nothing can be answered by a click.
    """

    def __init__(
        self, campaign: Campaign, words: Words, ask: Contact | None = None, links: Links | None = None
    ) -> None:
        self.campaign = campaign
        self.words = words
        self.links = links
        self.calendar = Calendar(words)
        unit = self._supervising = _find_unit(campaign, campaign.supervisor)
        self._supervisor = unit.name if unit else campaign.supervisor or words("names.supervisor")
        cards = self._cards = Cards(campaign, words)
        self._digests = DigestComposer(
            campaign, cards, words, self.calendar, supervisor=self._supervisor, supervising=unit, links=links
        )
        self._subjects = SubjectComposer(cards, words, self.calendar)
        self._rollups = RollupComposer(campaign, cards, words, self.calendar)
        self._receipts = ReceiptComposer(cards, words, self.calendar)
        self._asked = UnitRequestComposer(cards, words, self.calendar, campaign.unit_name)
        self._to_ask = ask or (unit.contacts[0] if unit and unit.contacts else None)
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
        if mail.kind is MailKind.RECEIPT:
            facts = request_facts(mail)
            said = self._receipts.subject(mail) if facts is None else self._asked.subject(facts)
            return self._marked(mail, said)
        day = self.day(mail)
        if mail.kind is MailKind.ROLLUP:
            tallies, week = self._rollups.tallies(mail, day), self._rollups.week(mail)
            return self._marked(mail, self._rollups.subject(tallies, week, day))
        return self._marked(mail, self._subjects.subject(self._digests.groups(mail), day))

    def view(self, mail: Mail, enclosed: Enclosed | None = None) -> MailView:
        """Everything that the templates of its kind show.

        ``enclosed`` are the forms that go with it; None where that is not known, and then nothing is said of them.
        """
        view = self._view(mail, enclosed)
        if self.links is None:
            return view
        page = self.links.view(
            mail.key, self.links.lasting(self.day(mail), None, *(item.ref for item in mail.items))
        )
        return view._replace(page=page, links=self._pages(mail, self.links))

    def _pages(self, mail: Mail, links: Links) -> tuple[Link, ...]:
        """Where whoever hears of what others do can look further."""
        facts = request_facts(mail)
        if mail.kind is MailKind.RECEIPT and facts is not None:
            if is_asked(facts):
                return (Link(self.words("pages.requests"), links.board("/requests")),)
            several = facts.get("several")
            return tuple(
                self._answering(mail, links, each, named=bool(several)) for each in several or [facts]
            )
        if mail.kind is MailKind.RECEIPT:
            found = self._receipts.to_answer(mail)
            return tuple(self._answering(mail, links, each, named=len(found) > 1) for each in found)
        is_upward = any(item.reason is Reason.ESCALATION for item in mail.items)
        if mail.kind is MailKind.ROLLUP or is_upward:
            return (Link(self.words("pages.board"), links.board()),)
        return ()

    def _answering(self, mail: Mail, links: Links, facts: Mapping[str, Any], *, named: bool) -> Link:
        """Where what the facts name is answered; ``named`` where there are more such links."""
        ref, unit = str(facts.get("ref")), str(facts.get("unit"))
        address = links.answer(ref, unit, mail.to, links.lasting(self.day(mail), None, ref))
        name = self._cards.names.occurrence(ref)
        return Link(
            f"{name} {self.campaign.unit_name(unit)}" if named else self.words("pages.answer"), address
        )

    def _view(self, mail: Mail, enclosed: Enclosed | None) -> MailView:
        if mail.kind is MailKind.ALERT:
            return self._alert(mail)
        if mail.kind is MailKind.ROLLUP:
            return self._rollup(mail)
        if mail.kind is MailKind.RECEIPT:
            return self._receipt(mail)
        return self._digest(mail, enclosed)

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

    def _digest(self, mail: Mail, enclosed: Enclosed | None) -> MailView:
        words, day = self.words, self.day(mail)
        groups = self._digests.groups(mail)
        kind = self._subjects.kind(groups)
        sections = self._digests.sections(mail, groups, day, enclosed)
        summary = words("sections.comma").join(section.count for section in sections)
        first = sections[0].rows[0].short if sections else ""
        unit = self._addressed(mail)
        return MailView(
            language=words.language,
            subject=self._marked(mail, self._subjects.subject(groups, day)),
            preheader=words("digest.preheader", summary=summary, first=first),
            campaign=self._title,
            document=self.campaign.document,
            heading=words(f"headings.{kind}"),
            greeting=self._greeting(mail, unit),
            intro=self._intro(_phrase_of(mail), day),
            notices=self._notices(mail),
            summary=summary,
            why=self._why(
                mail, "digest.why_asked" if is_asked_for(mail) else "digest.why", unit or mail.name
            ),
            sign=self._sign(mail, is_upward=kind == "upward"),
            day=self.calendar.day(day),
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
        # Who is away is not to be asked.
        ask = None if self._to_ask is None else self.campaign.on_duty(self._to_ask, self.day(mail))
        if ask is None or ask.email == mail.to:
            return None
        phrase = "names.contact_alone" if _names_unit(ask.name, self._supervisor) else "names.contact"
        who = self.words(phrase, unit=self._supervisor, name=ask.name, email=ask.email)
        return self.words("digest.ask", who=who)

    def _addressed(self, mail: Mail) -> str:
        """The unit, or the units, that the recipient is asked for; the units of escalations are others'."""
        units = dict.fromkeys(item.unit for item in mail.items if item.reason is not Reason.ESCALATION)
        if not mail.details.get("cc"):
            units = {unit: None for unit in units if not is_copy(mail, unit)}
        if mail.unit and (not units or mail.unit in units):
            units = {mail.unit: None} | units
        if not units:
            return ""
        first = self.campaign.unit_name(next(iter(units)))
        return first if len(units) == 1 else self.words("names.several_units", first=first, n=len(units))

    def _alert_title(self, mail: Mail) -> str:
        return tidy(str(mail.details.get("title") or "")) or self.words("alert.untitled")

    def _alert(self, mail: Mail) -> MailView:
        words = self.words
        found = mail.details.get("problems")
        problems = tuple(str(each) for each in found) if isinstance(found, list | tuple) else ()
        is_mended = mail.details.get("mended") is True
        problems = problems or (() if is_mended else (words("alert.none"),))
        local, title = self._local(mail), self._alert_title(mail)
        return MailView(
            language=words.language,
            subject=words("alert.subject", title=title),
            preheader=words("alert.preheader", first=clip((*problems, title)[0], TITLE_WIDTH)),
            campaign=self._title,
            document=self.campaign.document,
            heading=title,
            greeting=words("alert.greeting", name=mail.name),
            intro=words(
                "alert.mended" if is_mended else _phrase_of_alert(mail),
                day=self.calendar.day(local.date()),
                time=f"{local:%H:%M}",
            ),
            why=words("alert.why"),
            sign=words("names.system"),
            day=self.calendar.day(local.date()),
            source=self._source,
            problems=problems,
        )

    def _rollup(self, mail: Mail) -> MailView:
        words, day = self.words, self.day(mail)
        tallies, week = self._rollups.tallies(mail, day), self._rollups.week(mail)
        unit = self._unit_of(mail) or self._supervisor
        first = tallies[0].summary if tallies else week.change if week is not None else ""
        intro = "rollup.intro" if week is None else "rollup.intro_both" if tallies else "rollup.intro_week"
        return MailView(
            language=words.language,
            subject=self._marked(mail, self._rollups.subject(tallies, week, day)),
            preheader=words("rollup.preheader", summary=first),
            campaign=self._title,
            document=self.campaign.document,
            heading=words("headings.week" if week is not None and not tallies else "headings.rollup"),
            greeting=self._greeting(mail, unit),
            intro=self._intro(intro, day),
            notices=self._notices(mail),
            why=self._why(mail, "rollup.why", unit),
            sign=self._sign(mail, is_upward=True),
            day=self.calendar.day(day),
            source=self._source,
            tallies=tallies,
            week=week,
        )

    def _receipt(self, mail: Mail) -> MailView:
        facts = request_facts(mail)
        if facts is not None:
            return self._receipt_for_words(mail, facts)
        words, files, local = self.words, self._receipts.files(mail), self._local(mail)
        unit = self._unit_of(mail)
        is_anew = self._receipts.is_all_anew(mail)
        name = "receipt.intro_refused" if any(each.is_refused for each in files) else "receipt.intro"
        return MailView(
            language=words.language,
            subject=self._marked(mail, self._receipts.subject(mail)),
            preheader=files[0].outcome if files else "",
            campaign=self._title,
            document=self.campaign.document,
            heading=words("receipt.heading"),
            greeting=self._greeting(mail, unit),
            intro=words(
                "receipt.intro_anew" if is_anew else name,
                copy=words("receipt.copy") if mail.details.get("enclosed") else "",
                day=self.calendar.day(local.date()),
                time=f"{local:%H:%M}",
            ),
            notices=self._notices(mail),
            why=self._why(mail, "receipt.why_anew" if is_anew else "receipt.why", unit),
            sign=self._sign(mail, is_upward=False),
            day=self.calendar.day(local.date()),
            ask=self._who_to_ask(mail),
            source=self._source,
            files=files,
        )

    def _receipt_for_words(self, mail: Mail, facts: Mapping[str, Any]) -> MailView:
        """What a unit asked for, to whoever decides; or the answer, to the unit."""
        unit = self._unit_of(mail)
        told = self._asked.told(mail, facts)
        return MailView(
            language=self.words.language,
            subject=self._marked(mail, self._asked.subject(facts)),
            preheader=told.preheader,
            campaign=self._title,
            document=self.campaign.document,
            heading=told.heading,
            greeting=self._greeting(mail, unit),
            intro=told.intro,
            notices=self._notices(mail),
            why=self._why(mail, "asked.why", unit),
            sign=self._sign(mail, is_upward=is_asked(facts)),
            day=self.calendar.day(self.day(mail)),
            ask=self._who_to_ask(mail),
            source=self._source,
            facts=told.facts,
        )

    def _sign(self, mail: Mail, *, is_upward: bool) -> str:
        """Who signs: the supervising office what goes to units, the system what it tells that office itself."""
        supervising = self._supervising
        if is_upward or supervising is None or mail.unit == supervising.id:
            return self.words("names.system")
        return supervising.name

    def _unit_of(self, mail: Mail) -> str:
        return self.campaign.unit_name(mail.unit) if mail.unit else ""

    def _marked(self, mail: Mail, subject: str) -> str:
        """What is for information can be told from what is to be done in a list of mails."""
        return self.words("people.cc_subject", subject=subject) if mail.details.get("cc") else subject

    def _notices(self, mail: Mail) -> tuple[str, ...]:
        """Whoever stands in, or is to know only, is told so before anything else."""
        name, notices = mail.details.get("stands_in_for"), []
        if isinstance(name, str):
            is_asked = not mail.details.get("cc")
            notices.append(self.words("people.stands_in" if is_asked else "people.stands_in_cc", name=name))
        if mail.details.get("cc"):
            unit = self.campaign.units.get(mail.unit) if mail.unit else None
            others = [each for each in unit.contacts if each.role != "cc"] if unit else []
            notices.append(self.words("people.cc" if others else "people.cc_alone"))
        away = mail.details.get("stands_in_of")
        for unit, who in away.items() if isinstance(away, dict) else ():
            told = {"unit": self.campaign.unit_name(unit), "name": str(who)}
            notices.append(self.words("people.stands_in_of", **told))
        return tuple(notices)

    def _why(self, mail: Mail, phrase: str, unit: str) -> str:
        name = mail.details.get("stands_in_for")
        if isinstance(name, str):
            return self.words("people.stands_in_why", name=name, unit=unit)
        return self.words("people.cc_why" if mail.details.get("cc") else phrase, unit=unit)


def is_asked_for(mail: Mail) -> bool:
    """Whether a person asked for it, beside the one that goes by itself."""
    return "asked_by" in mail.details


def _phrase_of_alert(mail: Mail) -> str:
    """How an alert begins: what is wrong with the files has changed nothing, and a test has found nothing wrong."""
    about = mail.key.split("/")[1:2]
    return f"alert.intro_{about[0]}" if about in (["files"], ["test"]) else "alert.intro"


def _phrase_of(mail: Mail) -> str:
    """How a digest begins: as asked of the reader, for information, or about those who report to them."""
    if mail.details.get("cc"):
        return "digest.intro_cc"
    is_upward = {item.reason is Reason.ESCALATION for item in mail.items}
    if len(is_upward) > 1:
        return "digest.intro_upward_own"
    return "digest.intro_upward" if True in is_upward else "digest.intro"


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
