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
    pick,
    print_csv,
    print_json,
    print_json_line,
    print_table,
    say,
    say_result,
)
from tracker.cli.questions import questions
from tracker.cli.report import parse_month
from tracker.cli.table import Column
from tracker.i18n.message import say as say_message
from tracker.i18n.terms import word

if TYPE_CHECKING:
    from tracker.core.model import Campaign
    from tracker.core.naming import Names
    from tracker.filing.filings import Paper
    from tracker.service.app import App
    from tracker.usecases.forms.taken import Taken
    from tracker.usecases.json_facts import Fact

MISSING_COLUMNS = (
    Column("state", "状态", "state"),
    Column("ref", "编号", "ref"),
    Column("called", "报表", "table", long=True),
    Column("name", "单位", "unit", long=True),
    Column("call", "联系人", "contacts", long=True),
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

MonthOption = Annotated[
    str | None,
    typer.Option(
        "--month", metavar="MONTH", help="应报月份，如 2022-05（默认本月） · The month in which it is due"
    ),
]
UnitsOption = Annotated[
    list[str] | None, typer.Option("--unit", metavar="UNIT", help="只要这些单位 · Only these units")
]
UnitOption = Annotated[
    str | None,
    typer.Option("--unit", metavar="UNIT", help="报送单位（默认看表内） · Default: what the file says"),
]
FormsOption = Annotated[
    list[str] | None,
    typer.Option("--form", metavar="FORM", help="只要这些表，如 training-institutions · Only these forms"),
]
FilesArgument = Annotated[
    list[Path], typer.Argument(metavar="FILE|DIR", help="表格文件或目录 · Files, or folders of them")
]
OutputOption = Annotated[
    Path, typer.Option("-o", "--output", metavar="FILE|DIR", help="写到哪里 · Where to write it")
]
BookOption = Annotated[
    Path, typer.Option("-o", "--output", metavar="FILE.xlsx", help="写到哪里 · Where to write it")
]
RepliesOption = Annotated[
    Path | None,
    typer.Option("--replies", metavar="DIR", help="核对件的目录 · Where to write copies with the findings"),
]


ForceOption = Annotated[
    bool,
    typer.Option("--force", help="与表内不符时以 --unit、--month 为准 · Against what a file says of itself"),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    forms = typer.Typer(help="报表 · The spreadsheets.", no_args_is_help=True, rich_markup_mode=None)
    forms.command("blank", short_help="生成空表 · Write forms to be filled in")(blank)
    forms.command("check", short_help="核对，不入库 · Check files, take nothing")(check)
    forms.command("import", short_help="收表 · Take filled forms in")(import_)
    forms.command("missing", short_help="谁还没报 · Who still owes a table")(missing)
    forms.command("questions", short_help="报表疑问 · What is asked about filed tables")(questions)
    forms.command("summary", short_help="全市汇总表 · All units' tables in one workbook")(summary)
    short = "报表 · The spreadsheets: blank, check, import, missing, questions, summary"
    app.add_typer(forms, name="forms", short_help=short)


def blank(
    context: typer.Context,
    month: MonthOption = None,
    unit: UnitsOption = None,
    form: FormsOption = None,
    output: OutputOption = Path(),
) -> None:
    """生成空表 · Write each unit's form for a month, with last month's rows in it.

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
    """核对，不入库 · Say what would be found in files, and take nothing."""
    _take(context, files, month, unit, replies, format_, force=force, only_checks=True)


def import_(
    context: typer.Context,
    files: FilesArgument,
    month: MonthOption = None,
    unit: UnitOption = None,
    force: ForceOption = False,
    on: Annotated[
        str | None, typer.Option(metavar="TIME", help="报送时间（默认现在） · When they came in")
    ] = None,
    who: Annotated[
        str | None, typer.Option(metavar="NAME", help="报送人（默认填表人） · Default: who filled it in")
    ] = None,
    replies: RepliesOption = None,
    mail: Annotated[
        bool, typer.Option("--mail/--no-mail", help="是否发回执 · Whether units get a receipt")
    ] = True,
    format_: FormatOption = Format.TABLE,
) -> None:
    """收表 · Take filled forms in: each is checked, filed in the ledger, and answered.

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
    """谁还没报 · Who still owes a table of the month, and whom to call.  Exit code 1 if anybody does."""
    from tracker.core.naming import Names
    from tracker.usecases.forms.overview import missing_facts

    with given(context).open(lenient=True) as app:
        facts = missing_facts(app, _month(app, month), units=unit or (), forms=form or ())
        names = Names(app.force.campaign, choose_language(app.force.campaign.language))
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
    """全市汇总表 · The city's workbook: all units' rows, subtotals, totals, who is missing, what changed."""
    from tracker.errors import UsageError
    from tracker.usecases.forms.overview import summary as write_summary

    if output.suffix.lower() != ".xlsx":
        raise UsageError("expected_xlsx", output=output)
    with given(context).open(lenient=True) as app:
        data, asked, done = write_summary(app, _month(app, month), forms=form or ())
    _write(output, data)
    told = (f"{output}：应报{asked}份，已报{done}份", f"{output}: {done} of {asked} tables")
    say(pick(told, language_of_errors()))


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
    from tracker.filing.provenance import Wanted
    from tracker.ledger.event_target import counts_from
    from tracker.usecases.desk import check_who
    from tracker.usecases.forms.folder import files_in
    from tracker.usecases.forms.intake import Intake

    check_who(who)
    lying = files_in(files)
    rows: list[Fact] = []
    results: list[Taken] = []
    with given(context).open(lenient=True) as app:
        in_force = app.up_to_date()
        language = choose_language(in_force.campaign.language)
        names = Names(in_force.campaign, language)
        wanted = Wanted(
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
    say(pick(_counted(results, len({each["file"] for each in rows}), bad), language))
    if bad:
        raise typer.Exit(1)


def _counted(results: list[Taken], files: int, bad: int) -> tuple[str, str]:
    forms = sum(each.form is not None for each in results)
    passed = sum(each.is_passed_over for each in results)
    zh, en = f"{files}个文件", f"{files} files"
    if len(results) > files:
        zh, en = f"{zh}里{forms}张表", f"{forms} forms in {en}"
    zh, en = f"{zh}，{bad}个有错误", f"{en}, {bad} with errors"
    return (f"{zh}，略过{passed}个", f"{en}, {passed} passed over") if passed else (zh, en)


def _tell(facts: Fact, taken: Taken, format_: Format, names: Names, campaign: Campaign) -> None:
    """One form as soon as it is done: a line for a program, a few for a person."""
    language = names.language
    if format_ is Format.JSON:
        from tracker.usecases.forms.taken import by_cell

        print_json_line(by_cell(facts))
    elif format_ is Format.TABLE:
        outcome = pick(_outcome(facts), language)
        ref = facts["ref"]
        who = f" {names.occurrence(ref)} {campaign.unit_name(facts['unit'])}" if ref else ""
        say_result(f"{facts['file']}:{who} {outcome}")
        if facts["read_back"] is not None:
            say_result(f"  {facts['read_back']['text']}")
        for kind, words in (("errors", ("错误", "error")), ("questions", ("疑问", "question"))):
            for each in facts[kind]:
                place = "!".join(part for part in (each["sheet"], each["cell"]) if part)
                say_result(f"  {pick(words, language)} {place}  {each['message']}")
        for question in taken.anew:
            message, _, _ = question.said(campaign.forms)
            about = pick(("新的疑问", "new question"), language)
            say_result(
                f"  {about} {names.occurrence(question.ref)} {question.cell or ''}  {say_message(message, language)}"
            )
        if facts["reply"] is not None:
            say_result(f"  {pick(('核对件', 'copy with the findings'), language)} {facts['reply']}")


def _outcome(facts: Fact) -> tuple[str, str]:
    if facts["errors"]:
        return "未收，请更正", "not taken"
    if facts["again"]:
        return _waiting("此前已收", "taken before", facts)
    if facts["taken"]:
        said = ("已收，零报告", "taken, nil return") if facts["nil"] else ("已收", "taken")
        return _waiting(*said, facts)
    if facts["form"] is None:
        return "略过", "passed over"
    return "可以报送", "can be taken"


def _waiting(zh: str, en: str, facts: Fact) -> tuple[str, str]:
    return (f"{zh}，待审核", f"{en}, to be accepted") if facts["waits"] else (zh, en)


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
    return app.force.day(app.clock.now()).replace(day=1) if text is None else parse_month(text).first


def _write(path: Path, data: bytes) -> None:
    from tracker.errors import cannot_write

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise cannot_write(path, error) from None


def _write_new(folder: Path, paper: Paper) -> str:
    """Write a file beside those of one name, over none of them; its path."""
    path, number = folder / paper.name, 1
    while path.exists() and path.read_bytes() != paper.data:
        number += 1
        path = folder / f"{Path(paper.name).stem}（{number}）.xlsx"
    _write(path, paper.data)
    return str(path)
