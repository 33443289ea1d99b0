"""The supervisor's board: pages to read."""

from __future__ import annotations

from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.routing import BaseRoute, Route

from tracker.web.pages.board import before, health, items, ledger, mails, matrix, months, questions, timeline


class _Number(IntegerConvertor):
    """No longer than any that a row has: Python itself refuses to read those of thousands of digits."""

    regex = "[0-9]{1,18}"


register_url_convertor("number", _Number())


def routes() -> list[BaseRoute]:
    """The addresses of docs/design/board.md."""
    return [
        Route("/", matrix.page, name="board"),
        Route("/ledger.csv", ledger.download),
        Route("/before", before.page),
        Route("/before/preview", before.preview),
        Route("/before/{number:number}", before.settlement),
        Route("/timeline", timeline.page),
        Route("/month", months.this_month),
        Route("/month/{month}", months.page),
        Route("/month/{month}/addresses.txt", months.addresses),
        Route("/item/{key:path}", items.item_page),
        Route("/submitted", items.submitted_page),
        Route("/questions", questions.page),
        Route("/unit/{unit}", items.unit_page),
        Route("/assignment/{unit}/{ref:path}", items.assignment_page),
        Route("/files/{number:number}", items.file_page),
        Route("/mails", mails.list_page),
        Route("/mails/{number:number}", mails.mail_page),
        Route("/mails/{number:number}/page", mails.body_page),
        Route("/mails/{number:number}/style.css", mails.style_page),
        Route("/health", health.page),
    ]
