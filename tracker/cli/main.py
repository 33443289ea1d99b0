"""The ``tracker`` command: options that every command shares, and the way out.

Modules of the product are imported inside the commands, so that ``tracker --help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from typer.exceptions import TyperException

from tracker import __version__
from tracker.cli import (
    before,
    definitions,
    events,
    explain,
    feeds,
    forms,
    ledger,
    mail,
    plan,
    report,
    service,
    upkeep,
    users,
)
from tracker.cli.context import Context
from tracker.cli.output import language_of_errors, pick
from tracker.errors import ConfigError, TrackerError
from tracker.i18n.catalogue import CatalogueError

#: These may stand before or after the command's name, as in any good tool.
SHARED_OPTIONS = ("--config", "--database")

DATABASE_REFUSED = (
    "数据库拒绝了操作，未留下半成品：{cause}",
    "the database refused: {cause}; nothing half-done was kept",
)
BUG = (
    "程序出错（{kind}），未留下半成品，详情见 {log}",
    "something went wrong that should not ({kind}); nothing half-done was kept. The details are in {log}",
)

app = typer.Typer(
    name="tracker",
    help="任务到期提醒与督办 · Deadlines and reminders for work handed out by document.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for module in (
    service,
    definitions,
    plan,
    ledger,
    before,
    explain,
    forms,
    report,
    events,
    mail,
    feeds,
    users,
    upkeep,
):
    module.register(app)


def _show_version(*, wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"tracker {__version__}\n")
        raise typer.Exit


@app.callback()
def shared(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="配置目录 · Folder of tasks.yaml, units.yaml, settings.yaml [$TRACKER_CONFIG, or config]",
        ),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="数据库地址 · sqlite:///FILE or postgresql+psycopg://… "
            "[$TRACKER_DATABASE, or what settings.yaml says]",
        ),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=lambda value: _show_version(wanted=value),
            is_eager=True,
            help="版本 · The version",
        ),
    ] = False,
) -> None:
    """Remember what every command needs."""
    folder = config or Path(os.environ.get("TRACKER_CONFIG") or "config")
    context.obj = Context(folder, database)


def main(arguments: list[str] | None = None) -> None:
    """Run one command and leave with its exit code; no traceback reaches a person."""
    for stream in (sys.stdout, sys.stderr):
        _speak_utf8(stream)
    given = sys.argv[1:] if arguments is None else arguments
    try:
        code = _run(hoist(given))
        sys.stdout.flush()
    except TrackerError as error:
        for line in _refused(error):
            sys.stderr.write(f"{line}\n")
        code = error.exit_code
    except BrokenPipeError:
        # Whoever read our output has seen enough; do not let the interpreter complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    except Exception as error:  # noqa: BLE001 - the last line of defence
        sys.stderr.write(f"tracker: {_trouble(error)}\n")
        code = 1
    sys.exit(code)


@cache
def _command() -> Any:
    """What typer makes of the functions; it takes longer than most of them."""
    command = typer.main.get_command(app)
    for each in _with_parts(command):
        _refuse_repeats(each)
    return command


def _with_parts(command: Any) -> Iterator[Any]:
    """A command and every command under it."""
    yield command
    for part in getattr(command, "commands", {}).values():
        yield from _with_parts(part)


def _refuse_repeats(command: Any) -> None:
    """Make wrong usage of an option given twice that has one value: typer would drop all but the last."""
    make_parser = command.make_parser

    def strict_parser(context: typer.Context) -> Any:
        parser = make_parser(context)
        parse = parser.parse_args

        def parse_args(args: list[str]) -> Any:
            found, rest, order = parse(args)
            for option, times in Counter(order).items():
                if times > 1 and not (option.multiple or option.is_flag):
                    raise typer.BadParameter(
                        f"given {times} times; it takes one value", ctx=context, param=option
                    )
            return found, rest, order

        parser.parse_args = parse_args
        return parser

    command.make_parser = strict_parser


def _run(arguments: list[str]) -> int:
    """One command through typer; its exit code.  Wrong usage is one sentence on standard error."""
    command = _command()
    try:
        with command.make_context("tracker", arguments) as context:
            command.invoke(context)
    except typer.Exit as left:
        return left.exit_code
    except TyperException as error:
        sys.stderr.write(_wrong_usage(error))
        return error.exit_code
    return 0


def _wrong_usage(error: TyperException) -> str:
    message = error.format_message().strip()
    if "\n" in message:
        # That is the help itself, for a command that was called with nothing at all.
        return f"{message}\n"
    context: typer.Context | None = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "tracker"
    # What comes from pydantic says first that it is a value error, and last what it could not parse.
    message = message.replace("Value error, ", "").partition(", unable to")[0]
    if language_of_errors() == "zh":
        from tracker.i18n.recognised import said_in

        return f"{path}: {said_in(message, 'zh')}（用法见 {path} --help）\n"
    message = message.rstrip(".")
    return f"{path}: {message[:1].lower()}{message[1:]} ({path} --help lists what it takes)\n"


def _refused(error: TrackerError) -> list[str]:
    """What the product would not do, in the reader's language: a line for each problem of the files."""
    from tracker.core.naming import sentence

    language = language_of_errors()
    if isinstance(error, ConfigError):
        return [each.said(language) for each in error.problems]
    return [f"tracker: {sentence(error, language, error.campaign, on_command_line=True)}"]


def _trouble(error: Exception) -> str:
    """One line for the person; the whole story of a bug goes to a file for whoever mends it."""
    if os.environ.get("TRACKER_DEBUG"):
        import traceback

        return "".join(traceback.format_exception(error))
    if isinstance(error, CatalogueError):
        return str(error)
    if isinstance(error, OSError):
        from tracker.i18n.message import say_fact

        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{say_fact(error, language_of_errors())}"
    if type(error).__module__.startswith("sqlalchemy."):
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        return pick(DATABASE_REFUSED, language_of_errors()).format(cause=cause)
    return _bug(error)


def _bug(error: Exception) -> str:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="tracker-", suffix=".log", delete=False) as log:
        log.writelines(traceback.format_exception(error))
    return pick(BUG, language_of_errors()).format(kind=type(error).__name__, log=log.name)


def _speak_utf8(stream: TextIO) -> None:
    """What a program reads is UTF-8 whatever the locale; a terminal that cannot show a character shows a ?."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is None or os.environ.get("PYTHONIOENCODING"):
        return
    if stream.isatty():
        reconfigure(errors="replace")
    else:
        reconfigure(encoding="utf-8", errors="backslashreplace")


def hoist(arguments: list[str]) -> list[str]:
    """Put the shared options in front, wherever they were written; nothing after ``--`` is touched."""
    front: list[str] = []
    rest: list[str] = []
    pending = iter(arguments)
    for argument in pending:
        if argument == "--":
            rest += [argument, *pending]
        elif argument in SHARED_OPTIONS:
            front += [argument, *([value] if (value := next(pending, None)) is not None else [])]
        elif argument.startswith(tuple(f"{option}=" for option in SHARED_OPTIONS)):
            front.append(argument)
        else:
            rest.append(argument)
    return front + rest
