"""Writes the report into a file, in the format that its ending names; never half a file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from tracker.errors import UsageError, cannot_write
from tracker.i18n.catalogue import Language
from tracker.report.model import MonthReport

#: What a report can be written as.
ENDINGS = (".html", ".xlsx", ".pdf", ".md")

Layout = Callable[[MonthReport, Language], bytes]


def layout_for(path: Path) -> Layout:
    """The format that the ending of ``path`` names.  Raises UsageError for any other, and for a missing folder."""
    layout = _LAYOUTS.get(path.suffix.lower())
    if layout is None:
        raise UsageError("no_layout", path=path, known=ENDINGS)
    if path.is_dir():
        raise UsageError("is_a_folder", path=path)
    if not path.parent.is_dir():
        raise UsageError("no_folder", path=path, folder=path.parent)
    return layout


def write_report(report: MonthReport, language: Language, path: Path) -> None:
    """Write ``path``: as a whole, or not at all.  Raises TrackerError where it cannot be written."""
    data = layout_for(path)(report, language)
    try:
        _replace(path, data)
    except OSError as error:
        raise cannot_write(path, error) from None


def _replace(path: Path, data: bytes) -> None:
    """Through a file beside it, so that what stood there stands until the new one is whole."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}-", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        temporary.chmod(_mode(path))
        # A link stays a link: what it points at is replaced.
        temporary.replace(path.resolve() if path.is_symlink() else path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _mode(path: Path) -> int:
    """The rights that the file has, or that a new one would get."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def as_markdown(report: MonthReport, language: Language) -> str:
    """For the standard output as well."""
    from tracker.report.compose import compose
    from tracker.report.markdown import to_markdown

    return to_markdown(compose(report, language))


def _markdown(report: MonthReport, language: Language) -> bytes:
    return as_markdown(report, language).encode()


def _html(report: MonthReport, language: Language) -> bytes:
    from tracker.report.compose import compose
    from tracker.report.html import to_html

    return to_html(compose(report, language)).encode()


def _workbook(report: MonthReport, language: Language) -> bytes:
    from tracker.report.workbook import to_workbook

    return to_workbook(report, language)


def _pdf(report: MonthReport, language: Language) -> bytes:
    from tracker.report.compose import compose
    from tracker.report.pdf import to_pdf

    return to_pdf(compose(report, language))


_LAYOUTS: dict[str, Layout] = dict(zip(ENDINGS, (_html, _workbook, _pdf, _markdown), strict=True))
