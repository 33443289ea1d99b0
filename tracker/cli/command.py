"""A command is a function; what there is to say of it stands under its name in the catalogue ``help``.

It is made a command when it is asked for: typer takes longer over all of them than most take over their work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from tracker.i18n.catalogue import FIRST, side_by_side, words

#: A command, or those of a group by name, in the order in which they are listed.
Offered = Callable[..., None] | Mapping[str, Callable[..., None]]

#: One parameter's words may be those of several commands: its ``help`` is their name under this key, no sentence.
_OF_SEVERAL = "options"


class Command(TyperCommand):
    """A command that takes an option once, and has its help from the catalogue."""

    def make_parser(self, ctx: Any) -> Any:
        """One that is strict."""
        return _strict(super().make_parser(ctx), ctx)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """With words."""
        _put_words(self, ctx)
        super().format_help(ctx, formatter)


class Group(TyperGroup):
    """The same with others under it: ``commands`` are what they are made of."""

    def make_parser(self, ctx: Any) -> Any:
        """One that is strict."""
        return _strict(super().make_parser(ctx), ctx)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """With words."""
        _put_words(self, ctx)
        super().format_help(ctx, formatter)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, or None."""
        del ctx
        offered: Any = self.commands.get(cmd_name)
        return None if offered is None else _made(cmd_name, offered)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """A line each; none of them is made for that."""
        above = f"{_path(ctx)}." if ctx.parent else ""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _brief(above + name, each)) for name, each in self.commands.items()])


def with_commands(group: Any, offered: Mapping[str, Offered]) -> Any:
    """The group with the commands that there are."""
    group.commands = offered
    return group


def _made(name: str, offered: Offered) -> Any:
    if isinstance(offered, Mapping):
        return with_commands(Group(name=name, no_args_is_help=True, rich_markup_mode=None), offered)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name, cls=Command)(offered)
    return typer.main.get_command(app)


def _strict(parser: Any, context: typer.Context) -> Any:
    """Makes wrong usage of an option given twice that has one value: typer would drop all but the last."""
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


def _put_words(command: Any, context: typer.Context) -> None:
    path = _path(context)
    command.help = _about(path)
    for each in command.params:
        own = f"{path}.{each.name.lstrip('_')}"
        each.help = side_by_side("help", f"{_OF_SEVERAL}.{each.help}" if each.help else own)


def _path(context: typer.Context) -> str:
    """``forms.check`` for ``tracker forms check``, and ``tracker`` for itself."""
    program, *names = context.command_path.split()
    return ".".join(names) or program


def _brief(path: str, offered: Any) -> str:
    said = side_by_side("help", f"{path}.brief")
    return f"{said}: {', '.join(offered)}" if isinstance(offered, Mapping) else said


def _about(path: str) -> str:
    known = words("help", FIRST)
    said = side_by_side("help", about) if (about := f"{path}.about") in known else f"{_brief(path, None)}."
    return f"{said}\n\n{side_by_side('help', more)}" if (more := f"{path}.more") in known else said
