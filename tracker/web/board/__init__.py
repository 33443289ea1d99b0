"""The supervisor's board: pages to read."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from tracker.web.board import health, items, mails, matrix, months, timeline


def routes() -> list[BaseRoute]:
    """The addresses of docs/design/board.md."""
    return [
        Route("/", matrix.page, name="board"),
        Route("/timeline", timeline.page),
        Route("/month", months.this_month),
        Route("/month/{month}", months.page),
        Route("/month/{month}/addresses.txt", months.addresses),
        Route("/item/{key:path}", items.item_page),
        Route("/unit/{unit}", items.unit_page),
        Route("/assignment/{unit}/{ref:path}", items.assignment_page),
        Route("/files/{number:int}", items.file_page),
        Route("/mails", mails.list_page),
        Route("/mails/{number:int}", mails.mail_page),
        Route("/mails/{number:int}/page", mails.body_page),
        Route("/mails/{number:int}/style.css", mails.style_page),
        Route("/health", health.page),
    ]
