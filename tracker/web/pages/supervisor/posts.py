"""What is asked of the post: a reminder now, a mail once more."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from tracker.core.naming import Names
from tracker.errors import UnknownNameError, UsageError
from tracker.planning.reminders_now import HOLD, Reminded
from tracker.usecases import mailing
from tracker.web.base.error_pages import said
from tracker.web.base.identity import Role, check_csrf, local_path, require
from tracker.web.base.site import language_of, site_of, words
from tracker.web.pages.supervisor.back import back, text, texts

#: So many units are named; the others are counted.
NAMED = 5

_MOMENT = "%Y-%m-%d %H:%M"


def remind(request: Request, form: FormData) -> Response:
    """Mail the people of ``units`` (all, where the form has no such field) about what is open of ``refs``.

    With ``ticked`` the units were chosen one by one, and those that have heard today are meant too.
    """
    person = require(request, Role.SUPERVISOR)
    check_csrf(request, form)
    site = site_of(request)
    refs = texts(form, "refs")
    is_ticked = "ticked" in form
    units = texts(form, "units") if is_ticked or "units" in form else None
    if is_ticked and not units:
        return back(request, form, words(request)("acting.nothing_chosen"))
    try:
        meant = None if units is None else {site.snapshot.unit_id(unit) for unit in units}
        reminded = mailing.remind_now(site.app, refs, meant, who=person.name, again=is_ticked)
    except (UnknownNameError, UsageError) as error:
        return back(request, form, words(request)("acting.refused", why=said(request, error)))
    if reminded.mails:
        site.wake()
    return back(request, form, _told(request, reminded))


def preview(request: Request) -> Response:
    """``GET /remind``: whom a reminder of ``refs`` would reach, to be ticked before it goes."""
    require(request, Role.SUPERVISOR)
    site, query = site_of(request), request.query_params
    refs = [word for value in query.getlist("refs") for word in value.split()]
    units = [word for value in query.getlist("units") for word in value.split()]
    meant = {site.snapshot.unit_id(unit) for unit in units} if "units" in query else None
    names = Names(site.snapshot.campaign, language_of(request))
    facts = {
        "refs": refs,
        "found": mailing.whom_to_remind(site.app, refs, meant),
        "name_of": names.occurrence,
        "back": local_path(query.get("back"), "/"),
        "minutes": HOLD.seconds // 60,
    }
    return site.page(request, "acting/preview.html", facts)


def retry(request: Request, form: FormData) -> Response:
    """Queue a mail again (``mail``, its number), or every failed one (``mail`` is ``failed``)."""
    require(request, Role.OPERATOR)
    check_csrf(request, form)
    site, say = site_of(request), words(request)
    given = text(form, "mail") or ""
    if given != "failed" and not (given.isascii() and given.isdigit() and len(given) < 18):
        return back(request, form, say("acting.nothing_chosen"), "/mails")
    try:
        count = mailing.retry_mails(site.app, None if given == "failed" else int(given))
    except (UnknownNameError, UsageError) as error:
        return back(request, form, say("acting.refused", why=said(request, error)), "/mails")
    if count:
        site.wake()
    return back(request, form, say("acting.retried", n=count), "/mails")


def _told(request: Request, reminded: Reminded) -> str:
    say = words(request)
    sentences = []
    if reminded.units:
        facts = {"n": reminded.mails, "units": _names(request, reminded.units)}
        sentences.append(say("acting.reminded", **facts, at=f"{reminded.sends_at:{_MOMENT}}"))
    if reminded.quiet is not None:
        number, until = reminded.quiet
        sentences.append(say("acting.reminded_quiet", n=number, at=f"{until:{_MOMENT}}"))
    if reminded.already:
        sentences.append(say("acting.reminded_already", units=_names(request, reminded.already)))
    if reminded.silent:
        sentences.append(say("acting.nobody_there", units=_names(request, reminded.silent)))
    return say("acting.between").join(sentences) or say("acting.nothing_open")


def _names(request: Request, units: tuple[str, ...]) -> str:
    say, known = words(request), site_of(request).snapshot.campaign.units
    names = say("acting.comma").join(known[unit].name for unit in units[:NAMED])
    return say("acting.and_others", names=names, n=len(units)) if len(units) > NAMED else names
