"""``user add|list|remove|password|role``: who may sign in to the pages."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tracker.cli.context import given
from tracker.cli.output import (
    Format,
    FormatOption,
    choose_language,
    language_of_errors,
    print_csv,
    print_json,
    print_table,
    say_result,
    told,
)
from tracker.cli.table import Column
from tracker.core.roles import Role
from tracker.errors import UsageError
from tracker.i18n.catalogue import side_by_side

COLUMNS = (
    Column("name", "account"),
    Column("role"),
    Column("created_at"),
)
KEYS = tuple(column.key for column in COLUMNS)


def read_role(text: str | Role) -> Role:
    """The role called ``text`` (or the default).  Raises UsageError."""
    if isinstance(text, Role):
        return text
    try:
        return Role.named(text)
    except ValueError:
        raise UsageError("no_role", text=text) from None


NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="account")]
RoleOption = Annotated[Role, typer.Option("--role", parser=read_role, metavar="viewer|supervisor|operator")]
StdinOption = Annotated[bool, typer.Option("--password-stdin", help="password_stdin")]


def add(
    context: typer.Context,
    name: NameArgument,
    wanted: RoleOption = Role.VIEWER,
    password_stdin: StdinOption = False,
) -> None:
    """Let somebody sign in; the password is asked for, and never part of the command."""
    from tracker.access.accounts import add_account, check_name

    name = check_name(name)
    secret = _ask_password(from_stdin=password_stdin)
    with given(context).open(lenient=True) as app, app.database.writing() as session:
        account = add_account(session, name, wanted, secret, app.clock.now())
    say_result(f"{account.name}: {account.role.word}")


def list_users(context: typer.Context, output: FormatOption = Format.TABLE) -> None:
    """Everybody who may sign in with a password."""
    from tracker.access.accounts import accounts

    with given(context).open(lenient=True) as app:
        with app.database.reading() as session:
            facts = [
                {
                    "name": each.name,
                    "role": each.role.word,
                    "created_at": each.created_at.astimezone(app.snapshot.zone).isoformat(timespec="seconds"),
                }
                for each in accounts(session)
            ]
        language = choose_language(app.snapshot.campaign.language)
    if output is Format.JSON:
        print_json(facts)
    elif output is Format.CSV:
        print_csv(facts, KEYS)
    else:
        print_table(facts, COLUMNS, language)


def remove(context: typer.Context, name: NameArgument) -> None:
    """They may not sign in any more, and are signed out; the history keeps their name."""
    from tracker.access.accounts import remove_account

    with given(context).open(lenient=True) as app, app.database.writing() as session:
        remove_account(session, name, app.clock.now())
    say_result(told("user.removed", language_of_errors(), name=name))


def password(context: typer.Context, name: NameArgument, password_stdin: StdinOption = False) -> None:
    """Give somebody another password; they are signed out everywhere."""
    from tracker.access.accounts import set_password

    secret = _ask_password(from_stdin=password_stdin)
    with given(context).open(lenient=True) as app, app.database.writing() as session:
        set_password(session, name, secret)
    say_result(told("user.changed", language_of_errors(), name=name))


def role(
    context: typer.Context,
    name: NameArgument,
    wanted: Annotated[Role, typer.Argument(parser=read_role, metavar="viewer|supervisor|operator")],
) -> None:
    """Give somebody another role; they sign in anew."""
    from tracker.access.accounts import set_role

    with given(context).open(lenient=True) as app, app.database.writing() as session:
        set_role(session, name, wanted)
    say_result(f"{name}: {wanted.word}")


def _ask_password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().removeprefix("\ufeff").rstrip("\r\n")
    if not sys.stdin.isatty():
        raise UsageError("nobody_to_ask")
    asked, again = (side_by_side("commands", f"user.{key}") for key in ("password", "again"))
    return str(typer.prompt(asked, hide_input=True, confirmation_prompt=again, err=True))
