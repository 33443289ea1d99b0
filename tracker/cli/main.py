"""The ``tracker`` command: options that every command shares, and the way out.

Modules of the product are imported inside the commands, so that ``tracker --help`` answers at once.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Annotated

import typer

from tracker import __version__
from tracker.cli import definitions, events, ledger, mail, service
from tracker.cli.context import Context
from tracker.errors import ConfigError, TrackerError

#: These may stand before or after the command's name, as in any good tool.
SHARED_OPTIONS = ("--config", "--database")

app = typer.Typer(
    name="tracker",
    help="按文件交办任务的到期提醒与督办服务 · Deadlines and reminders for work that is handed out by document.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for module in (service, definitions, ledger, events, mail):
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
        typer.Option(help="配置目录 · Folder of tasks.yaml, units.yaml, settings.yaml [env: TRACKER_CONFIG]"),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(help="数据库地址 · sqlite:///FILE or postgresql+psycopg://… [env: TRACKER_DATABASE]"),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=lambda value: _show_version(wanted=value), is_eager=True)
    ] = False,
) -> None:
    """Remember what every command needs."""
    folder = config or Path(os.environ.get("TRACKER_CONFIG") or "config")
    context.obj = Context(folder, database)


def main(arguments: list[str] | None = None) -> None:
    """Run one command and leave with its exit code; no traceback reaches a person."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        app(hoist(given), prog_name="tracker")
    except ConfigError as error:
        for problem in error.problems:
            sys.stderr.write(f"{problem}\n")
        sys.exit(error.exit_code)
    except TrackerError as error:
        sys.stderr.write(f"tracker: {error}\n")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # Whoever read our output has seen enough; do not let the interpreter complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 - the last line of defence
        sys.stderr.write(_unexpected(error))
        sys.exit(1)


def _unexpected(error: Exception) -> str:
    """One line for the person; the whole story goes to a file for whoever mends it."""
    if os.environ.get("TRACKER_DEBUG"):
        return "".join(traceback.format_exception(error))
    with tempfile.NamedTemporaryFile("w", prefix="tracker-", suffix=".log", delete=False) as log:
        log.writelines(traceback.format_exception(error))
    return (
        f"tracker: something went wrong that should not ({type(error).__name__}); nothing half-done was kept. "
        f"The details are in {log.name}（程序出错，详情见该文件）\n"
    )


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
