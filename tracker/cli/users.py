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
    pick,
    print_csv,
    print_json,
    print_table,
    say_result,
)
from tracker.cli.table import Column
from tracker.core.roles import Role
from tracker.errors import UsageError

COLUMNS = (
    Column("name", "账户", "name"),
    Column("role", "角色", "role"),
    Column("created_at", "建立时间", "created"),
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


NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="账户名，记入办理记录 · As the history will say")
]
RoleOption = Annotated[
    Role,
    typer.Option(
        "--role",
        parser=read_role,
        metavar="viewer|supervisor|operator",
        help="角色：查看、督办、管理 · What they may do",
    ),
]
StdinOption = Annotated[
    bool,
    typer.Option(
        "--password-stdin", help="从标准输入读一行密码 · Read the password from standard input, one line"
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    user = typer.Typer(
        help="账户 · Who may sign in to the pages.", no_args_is_help=True, rich_markup_mode=None
    )
    user.command("add", short_help="建立账户 · Let somebody sign in")(add)
    user.command("list", short_help="列出账户 · Who may sign in")(list_users)
    user.command("remove", short_help="停用账户 · They may not any more, and are signed out")(remove)
    user.command("password", short_help="更换密码 · Give somebody another password")(password)
    user.command("role", short_help="更换角色 · Give somebody another role")(role)
    app.add_typer(user, name="user", short_help="账户 · Accounts: add, list, remove, password, role")


def add(
    context: typer.Context,
    name: NameArgument,
    wanted: RoleOption = Role.VIEWER,
    password_stdin: StdinOption = False,
) -> None:
    """建立账户 · Let somebody sign in; the password is asked for, and never part of the command."""
    from tracker.access.accounts import add_account, check_name

    name = check_name(name)
    secret = _ask_password(from_stdin=password_stdin)
    with given(context).open(lenient=True) as app, app.database.writing() as session:
        account = add_account(session, name, wanted, secret, app.clock.now())
    say_result(f"{account.name}: {account.role.word}")


def list_users(context: typer.Context, output: FormatOption = Format.TABLE) -> None:
    """列出账户 · Everybody who may sign in with a password."""
    from tracker.access.accounts import accounts

    with given(context).open(lenient=True) as app:
        with app.database.reading() as session:
            facts = [
                {
                    "name": each.name,
                    "role": each.role.word,
                    "created_at": each.created_at.astimezone(app.force.zone).isoformat(timespec="seconds"),
                }
                for each in accounts(session)
            ]
        language = choose_language(app.force.campaign.language)
    if output is Format.JSON:
        print_json(facts)
    elif output is Format.CSV:
        print_csv(facts, KEYS)
    else:
        print_table(facts, COLUMNS, language)


def remove(context: typer.Context, name: NameArgument) -> None:
    """停用账户 · They may not sign in any more, and are signed out; the history keeps their name."""
    from tracker.access.accounts import remove_account

    with given(context).open(lenient=True) as app, app.database.writing() as session:
        remove_account(session, name, app.clock.now())
    say_result(pick((f"{name}：已停用", f"{name}: removed"), language_of_errors()))


def password(context: typer.Context, name: NameArgument, password_stdin: StdinOption = False) -> None:
    """更换密码 · Give somebody another password; they are signed out everywhere."""
    from tracker.access.accounts import set_password

    secret = _ask_password(from_stdin=password_stdin)
    with given(context).open(lenient=True) as app, app.database.writing() as session:
        set_password(session, name, secret)
    say_result(pick((f"{name}：密码已更换", f"{name}: another password"), language_of_errors()))


def role(
    context: typer.Context,
    name: NameArgument,
    wanted: Annotated[
        Role,
        typer.Argument(
            parser=read_role, metavar="viewer|supervisor|operator", help="角色 · What they may do from now on"
        ),
    ],
) -> None:
    """更换角色 · Give somebody another role; they sign in anew."""
    from tracker.access.accounts import set_role

    with given(context).open(lenient=True) as app, app.database.writing() as session:
        set_role(session, name, wanted)
    say_result(f"{name}: {wanted.word}")


def _ask_password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().removeprefix("\ufeff").rstrip("\r\n")
    if not sys.stdin.isatty():
        raise UsageError("nobody_to_ask")
    return str(
        typer.prompt("密码 · Password", hide_input=True, confirmation_prompt="再输一次 · Again", err=True)
    )
