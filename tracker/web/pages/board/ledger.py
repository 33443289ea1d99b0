"""What the matrix shows, row by row, as a file for a spreadsheet."""

from __future__ import annotations

from io import StringIO

from starlette.requests import Request
from starlette.responses import Response

from tracker.core.naming import Names
from tracker.core.vocabulary import LIGHTS
from tracker.i18n.terms import word
from tracker.report.csv_cells import write_csv
from tracker.web.base.identity import Role, require
from tracker.web.base.site import site_of, words
from tracker.web.pages.board.query_params import read_choice

#: By it Excel knows UTF-8.
MARK = "\ufeff"
HEADS = ("unit", "what", "title", "state", "light", "due", "effective_due", "late_days")


def download(request: Request) -> Response:
    """``GET /ledger.csv``, with the filters of the matrix, in the reader's language."""
    require(request, Role.VIEWER)
    site, say = site_of(request), words(request)
    snapshot, choice = site.snapshot, read_choice(request, site.snapshot)
    names = Names(snapshot.campaign, say.language)
    with site.app.database.reading() as session:
        lights = site.board.lights(session, snapshot, site.now())
        found = [
            (unit, judged)
            for unit, judged in lights.having(row.id for row in lights.agendas())
            if (choice.units is None or unit in choice.units)
            and lights.is_shown(judged, choice)
            and choice.holds(judged)
        ]
    found.sort(
        key=lambda each: (
            snapshot.unit_position(each[0]),
            snapshot.position(each[1].definition.key),
            each[1].ref,
        )
    )
    rows = [
        (
            snapshot.campaign.unit_name(unit),
            names.occurrence(judged.ref),
            judged.definition.title,
            word(judged.word, say.language),
            LIGHTS[judged.light].name(say.language),
            judged.due,
            judged.effective_due,
            judged.late_days or None,
        )
        for unit, judged in found
    ]
    text = StringIO()
    write_csv(text, [[say(f"board.csv.{head}") for head in HEADS], *rows], "\r\n")
    name = f"ledger-{site.today()}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(MARK + text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)
