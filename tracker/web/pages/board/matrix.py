"""The first page: everything at a glance."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from tracker.campaign.snapshot import CampaignSnapshot
from tracker.core.model import Definition, Light
from tracker.core.status import URGENCY, worst
from tracker.core.vocabulary import meaning
from tracker.dashboard.before import before
from tracker.dashboard.items import to_accept
from tracker.dashboard.months import reports_of
from tracker.dashboard.response_counts import ResponsePart
from tracker.dashboard.status_overview import Matrix
from tracker.questions.questions import count_open
from tracker.web.base.identity import Role, require
from tracker.web.base.site import Site, site_of
from tracker.web.pages.board.query_params import chosen, read_choice, read_page, sections

#: Units on a page: all of them where they fit, else a few fewer, so that pages stay light.
FITS, SIZE = 60, 40


def page(request: Request) -> Response:
    """The matrix of lights."""
    require(request, Role.VIEWER)
    site = site_of(request)
    snapshot, now = site.snapshot, site.now()
    choice = read_choice(request, snapshot)
    size = FITS if len(snapshot.campaign.units) <= FITS else SIZE
    matrix = site.board.matrix(snapshot, choice, now, page=read_page(request), size=size)
    facts = {
        "matrix": matrix,
        "groups": _by_section(matrix),
        "sections": sections(snapshot),
        "months": _months(site),
        "lights": URGENCY,
        "meaning": meaning,
        "glance": _glance(site, matrix),
        "taken_over": snapshot.chase_from > snapshot.campaign.issued,
        "section": chosen(request, "section"),
        "unit": chosen(request, "unit"),
        "month": chosen(request, "month"),
        "state": chosen(request, "state"),
    }
    return site.page(request, "board/matrix.html", facts)


def _by_section(matrix: Matrix) -> list[tuple[str | None, list[object]]]:
    """The lines under the document's own headings; reports, and tasks without one, under one of their own."""
    found: list[tuple[str | None, list[object]]] = []
    for line in matrix.lines:
        section = line.definition.block
        if not found or found[-1][0] != section:
            found.append((section, []))
        found[-1][1].append(line)
    return found


def _short(snapshot: CampaignSnapshot, definition: Definition) -> str:
    """What the form is called in a word, where it has such a name; else the title."""
    form = snapshot.form(definition)
    return (form.annex if form is not None else None) or definition.title


def _months(site: Site) -> list[str]:
    """The months to choose from: those of the campaign's year, and this one."""
    snapshot, today = site.snapshot, site.today()
    first = snapshot.campaign.issued.replace(day=1)
    last = max(today.replace(day=1), first.replace(month=12))
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    start = first.year * 12 + first.month - 1 + max(0, count - 24)
    return [f"{number // 12}-{number % 12 + 1:02}" for number in range(start, start + min(count, 24))]


def _glance(site: Site, matrix: Matrix) -> dict[str, object]:
    """In a sentence: how much is overdue, and which tables of this month are not all in."""
    snapshot, now, month = site.snapshot, site.now(), site.today().replace(day=1)
    with site.app.database.reading() as session:
        reports = reports_of(site.board, session, snapshot, month, now)
        left = sum(each.number for each in before(site.board, session, snapshot, now))
        questions = sum(count_open(session, snapshot).values())
        waiting = len(to_accept(site.board, session, snapshot, now))
    definitions = snapshot.campaign.definitions
    return {
        "overdue": matrix.all_lights[Light.RED],
        "before": left,
        "to_accept": waiting,
        "questions": questions,
        "month": f"{month:%Y-%m}",
        "tables": [
            (_short(snapshot, definitions[key]), key, each, worst(each.counted[ResponsePart.MISSING]))
            for key, each in reports.items()
            if each.missing
        ],
        "all_in": bool(reports) and not any(each.missing for each in reports.values()),
    }
