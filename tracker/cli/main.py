"""The ``tracker`` command: options that every command shares, and the way out.

Modules of the product are imported inside the commands, so that ``tracker --help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, TextIO

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
    questions,
    report,
    service,
    upkeep,
    users,
)
from tracker.cli.command import Group, Offered, with_commands
from tracker.cli.context import Context
from tracker.cli.output import language_of_errors, told
from tracker.errors import ConfigError, TrackerError
from tracker.i18n.catalogue import ENGLISH, CatalogueError

#: These may stand before or after the command's name, as in any good tool.
SHARED_OPTIONS = ("--config", "--database")

#: Every command, in the order of the help; what has parts is a group.
COMMANDS: dict[str, Offered] = {
    "run": service.run,
    "demo": service.demo,
    "init": definitions.init,
    "check": definitions.check,
    "deadline": definitions.deadline,
    "tasks": definitions.tasks,
    "units": definitions.units,
    "plan": plan.plan,
    "calendar": ledger.calendar,
    "status": ledger.status,
    "history": ledger.history,
    "simulate": ledger.simulate,
    "before": before.before,
    "explain": explain.explain,
    "report": report.report,
    "submit": events.submit,
    "return": events.send_back,
    "extend": events.extend,
    **{name: events.plain(name) for name in ("accept", "waive", "pause", "resume", "undo")},
    "backup": upkeep.backup,
    "restore": upkeep.restore,
    "prune": upkeep.prune,
    "upgrade": upkeep.upgrade,
    "forms": {
        "blank": forms.blank,
        "check": forms.check,
        "import": forms.import_,
        "missing": forms.missing,
        "questions": questions.questions,
        "summary": forms.summary,
    },
    "mail": {"list": mail.list_mails, "show": mail.show, "retry": mail.retry, "test": mail.send_test},
    "feed": {"add": feeds.add, "list": feeds.list_feeds, "revoke": feeds.revoke},
    "user": {
        "add": users.add,
        "list": users.list_users,
        "remove": users.remove,
        "password": users.password,
        "role": users.role,
    },
}

app = typer.Typer(
    name="tracker",
    cls=Group,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(*, wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"tracker {__version__}\n")
        raise typer.Exit


@app.callback()
def shared(
    context: typer.Context,
    config: Annotated[Path | None, typer.Option(metavar="DIR")] = None,
    database: Annotated[str | None, typer.Option(metavar="URL")] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=lambda value: _show_version(wanted=value), is_eager=True)
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


def _run(arguments: list[str]) -> int:
    """One command through typer; its exit code.  Wrong usage is one sentence on standard error."""
    command = with_commands(typer.main.get_command(app), COMMANDS)
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
    language = language_of_errors()
    if language == ENGLISH:
        said = f"{message[:1].lower()}{message[1:]}".rstrip(".")
    else:
        from tracker.i18n.recognised import said_in

        said = said_in(message, language)
    return f"{told('wrong_usage', language, path=path, said=said)}\n"


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
        return told("database_refused", language_of_errors(), cause=cause)
    return _bug(error)


def _bug(error: Exception) -> str:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="tracker-", suffix=".log", delete=False) as log:
        log.writelines(traceback.format_exception(error))
    return told("bug", language_of_errors(), kind=type(error).__name__, log=log.name)


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
