"""``forms blank|check|import|missing|summary``: the spreadsheets; ``forms questions`` is in a file of its own."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.context import given, parse_moment
from tracker.cli.output import (
    Format,
    FormatOption,
    choose_language,
    language_of_errors,
    print_csv,
    print_json,
    print_json_line,
    print_table,
    say,
    say_result,
    told,
)
from tracker.cli.report import parse_month
from tracker.cli.table import Column
from tracker.i18n.message import say as say_message
from tracker.i18n.terms import word

if TYPE_CHECKING:
    from tracker.core.model import Campaign
    from tracker.core.naming import Names
    from tracker.filing.filings import OriginalFile
    from tracker.i18n.catalogue import Language
    from tracker.service.app import App
    from tracker.usecases.forms.taken import TakenForm
    from tracker.usecases.json_facts import Fact

MISSING_COLUMNS = (
    Column("state"),
    Column("ref"),
    Column("called", long=True),
    Column("name", "unit", long=True),
    Column("call", long=True),
)
MISSING_KEYS = ("ref", "unit", "state", "contacts", "name", "title", "due", "person", "phone")
IMPORT_KEYS = (
    "file",
    "sheet",
    "form",
    "unit",
    "period",
    "ref",
    "taken",
    "nil",
    "errors",
    "questions",
    "readings",
    "reply",
)

MonthOption = Annotated[str | None, typer.Option("--month", metavar="MONTH", help="month")]
UnitsOption = Annotated[list[str] | None, typer.Option("--unit", metavar="UNIT", help="only_units")]
UnitOption = Annotated[str | None, typer.Option("--unit", metavar="UNIT", help="filed_by")]
FormsOption = Annotated[list[str] | None, typer.Option("--form", metavar="FORM", help="forms")]
FilesArgument = Annotated[list[Path], typer.Argument(metavar="FILE|DIR", help="files")]
OutputOption = Annotated[Path, typer.Option("-o", "--output", metavar="FILE|DIR", help="where")]
BookOption = Annotated[Path, typer.Option("-o", "--output", metavar="FILE.xlsx", help="where")]
RepliesOption = Annotated[Path | None, typer.Option("--replies", metavar="DIR", help="replies")]


ForceOption = Annotated[bool, typer.Option("--force", help="against_file")]


def blank(
    context: typer.Context,
    month: MonthOption = None,
    unit: UnitsOption = None,
    form: FormsOption = None,
    output: OutputOption = Path(),
) -> None:
    """Write each unit's form for a month, with last month's rows in it.

    To a folder; or to one file, if its name ends in .xlsx and one form is meant.
    """
    from tracker.errors import UsageError
    from tracker.usecases.forms.blanks import blank_forms
    from tracker.usecases.forms.overview import due_in

    with given(context).open(lenient=True) as app:
        tables = due_in(app, _month(app, month), units=unit or (), forms=form or ())
        is_file = output.suffix.lower() == ".xlsx"
        if is_file and len(tables) != 1:
            raise UsageError("one_file_for_many", output=output, count=len(tables))
        for paper in blank_forms(app, tables):
            path = output if is_file else output / paper.name
            _write(path, paper.data)
            say_result(str(path))


def check(
    context: typer.Context,
    files: FilesArgument,
    month: MonthOption = None,
    unit: UnitOption = None,
    force: ForceOption = False,
    replies: RepliesOption = None,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Say what would be found in files, and take nothing."""
    _take(context, files, month, unit, replies, format_, force=force, only_checks=True)


def import_(
    context: typer.Context,
    files: FilesArgument,
    month: MonthOption = None,
    unit: UnitOption = None,
    force: ForceOption = False,
    on: Annotated[str | None, typer.Option(metavar="TIME")] = None,
    who: Annotated[str | None, typer.Option(metavar="NAME")] = None,
    replies: RepliesOption = None,
    mail: Annotated[bool, typer.Option("--mail/--no-mail")] = True,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Take filled forms in: each is checked, filed in the ledger, and answered.

    Archives (.zip) and mails (.eml) are opened.  Exit code 1 if a file was not taken.
    """
    _take(context, files, month, unit, replies, format_, force=force, on=on, who=who, mail=mail)


def missing(
    context: typer.Context,
    month: MonthOption = None,
    unit: UnitsOption = None,
    form: FormsOption = None,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Who still owes a table of the month, and whom to call.  Exit code 1 if anybody does."""
    from tracker.core.naming import Names
    from tracker.usecases.forms.overview import missing_facts

    with given(context).open(lenient=True) as app:
        facts = missing_facts(app, _month(app, month), units=unit or (), forms=form or ())
        names = Names(app.snapshot.campaign, choose_language(app.snapshot.campaign.language))
    if format_ is Format.JSON:
        print_json(facts)
    elif format_ is Format.CSV:
        print_csv(facts, MISSING_KEYS)
    else:
        print_table([_missing_row(each, names) for each in facts], MISSING_COLUMNS, names.language)
    if facts:
        raise typer.Exit(1)


def summary(
    context: typer.Context,
    output: BookOption,
    month: MonthOption = None,
    form: FormsOption = None,
) -> None:
    """The city's workbook: all units' rows, subtotals, totals, who is missing, what changed."""
    from tracker.errors import UsageError
    from tracker.usecases.forms.overview import summary as write_summary

    if output.suffix.lower() != ".xlsx":
        raise UsageError("expected_xlsx", output=output)
    with given(context).open(lenient=True) as app:
        data, asked, done = write_summary(app, _month(app, month), forms=form or ())
    _write(output, data)
    say(told("summary.written", language_of_errors(), output=output, asked=asked, done=done))


def _take(
    context: typer.Context,
    files: list[Path],
    month: str | None,
    unit: str | None,
    replies: Path | None,
    format_: Format,
    *,
    force: bool,
    on: str | None = None,
    who: str | None = None,
    mail: bool = False,
    only_checks: bool = False,
) -> None:
    from tracker.core.naming import Names
    from tracker.filing.provenance import ImportOptions
    from tracker.ledger.event_target import counts_from
    from tracker.usecases.forms.folder import files_in
    from tracker.usecases.forms.intake import Intake
    from tracker.usecases.input_checks import check_who

    check_who(who)
    lying = files_in(files)
    rows: list[Fact] = []
    results: list[TakenForm] = []
    with given(context).open(lenient=True) as app:
        in_force = app.up_to_date()
        language = choose_language(in_force.campaign.language)
        names = Names(in_force.campaign, language)
        wanted = ImportOptions(
            None if unit is None else in_force.unit_id(unit),
            None if month is None else parse_month(month).first,
            force=force,
        )
        at = None
        if on is not None:
            at = counts_from(in_force, parse_moment(on, "--on", in_force.zone), app.clock.now())
        with Intake(app, wanted=wanted, at=at, who=who, only_checks=only_checks) as intake:
            for each, forms in intake.take_all(lying):
                for taken in forms:
                    answer = None if replies is None else taken.answer
                    reply = None if answer is None or replies is None else _write_new(replies, answer)
                    path = each.path.parent / taken.file
                    facts = {**taken.facts(language), "file": str(path), "reply": reply}
                    _tell(facts, taken, format_, names, in_force.campaign)
                    rows.append(facts)
                    results.append(taken)
            if mail:
                intake.send_receipts(results)
    if format_ is Format.CSV:
        print_csv(rows, IMPORT_KEYS)
    bad = sum(bool(each["errors"]) for each in rows)
    say(_counted(results, len({each["file"] for each in rows}), bad, language))
    if bad:
        raise typer.Exit(1)


def _counted(results: list[TakenForm], files: int, bad: int, language: Language) -> str:
    facts = {"n": files, "forms": sum(each.form is not None for each in results)}
    parts = [told("taken.forms" if len(results) > files else "taken.files", language, **facts)]
    parts.append(told("taken.bad", language, n=bad))
    if passed := sum(each.is_passed_over for each in results):
        parts.append(told("taken.passed_over", language, n=passed))
    return told("comma", language).join(parts)


def _tell(facts: Fact, taken: TakenForm, format_: Format, names: Names, campaign: Campaign) -> None:
    """One form as soon as it is done: a line for a program, a few for a person."""
    language = names.language
    if format_ is Format.JSON:
        from tracker.usecases.forms.taken import by_cell

        print_json_line(by_cell(facts))
    elif format_ is Format.TABLE:
        outcome = _outcome(facts, language)
        ref = facts["ref"]
        who = f" {names.occurrence(ref)} {campaign.unit_name(facts['unit'])}" if ref else ""
        say_result(f"{facts['file']}:{who} {outcome}")
        if facts["read_back"] is not None:
            say_result(f"  {facts['read_back']['text']}")
        for kind in ("errors", "questions"):
            for each in facts[kind]:
                place = "!".join(part for part in (each["sheet"], each["cell"]) if part)
                say_result(f"  {told(f'taken.{kind}', language)} {place}  {each['message']}")
        for question in taken.anew:
            message, _, _ = question.said(campaign.forms)
            about = told("taken.anew", language)
            say_result(
                f"  {about} {names.occurrence(question.ref)} {question.cell or ''}  {say_message(message, language)}"
            )
        if facts["reply"] is not None:
            say_result(f"  {told('taken.reply', language)} {facts['reply']}")


def _outcome(facts: Fact, language: Language) -> str:
    if facts["errors"]:
        return told("taken.refused", language)
    if facts["again"]:
        key = "again"
    elif facts["taken"]:
        key = "nil" if facts["nil"] else "taken"
    else:
        return told("taken.no_form" if facts["form"] is None else "taken.can_be", language)
    parts = [told(f"taken.{key}", language), *([told("taken.waits", language)] if facts["waits"] else [])]
    return told("comma", language).join(parts)


def _missing_row(fact: Fact, names: Names) -> Fact:
    people = [f"{each['name']} {each['email']}" for each in fact["contacts"]]
    written = " ".join(each for each in (fact["person"], fact["phone"]) if each)
    return {
        **fact,
        "state": word(fact["state"], names.language),
        "called": names.occurrence(fact["ref"]),
        "call": "；".join([written, *people] if written else people),
    }


def _month(app: App, text: str | None) -> date:
    return app.snapshot.day(app.clock.now()).replace(day=1) if text is None else parse_month(text).first


def _write(path: Path, data: bytes) -> None:
    from tracker.errors import cannot_write

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise cannot_write(path, error) from None


def _write_new(folder: Path, paper: OriginalFile) -> str:
    """Write a file beside those of one name, over none of them; its path."""
    path, number = folder / paper.name, 1
    while path.exists() and path.read_bytes() != paper.data:
        number += 1
        path = folder / f"{Path(paper.name).stem}（{number}）.xlsx"
    _write(path, paper.data)
    return str(path)
