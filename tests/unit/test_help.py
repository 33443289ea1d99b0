"""Every command, and each of its arguments and options, has words in every language; and none are left over."""

from __future__ import annotations

import ast
import contextlib
import io
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import typer

from tests.source import calls
from tracker.cli.command import Group, with_commands
from tracker.cli.main import COMMANDS, app, main
from tracker.i18n.catalogue import LANGUAGES, words


def commands() -> Iterator[tuple[str, Any]]:
    """Each command by its path, such as forms.check, as typer has it."""

    def below(command: Any, path: str) -> Iterator[tuple[str, Any]]:
        yield path or "tracker", command
        if isinstance(command, Group):
            for name in command.commands:
                yield from below(command.get_command(None, name), f"{path}.{name}".lstrip("."))

    yield from below(with_commands(typer.main.get_command(app), COMMANDS), "")


def asked_for(path: str, command: Any) -> set[str]:
    """The keys under which the words of a command are looked for."""
    own = {"tracker.about"} if path == "tracker" else {f"{path}.brief"}
    return own | {
        f"options.{each.help}" if each.help else f"{path}.{each.name.lstrip('_')}" for each in command.params
    }


@cache
def found() -> dict[str, Any]:
    return dict(commands())


def test_the_walk_finds_what_there_is():
    assert {"run", "status", "accept", "forms", "forms.check", "user.role", "tracker"} <= found().keys()
    assert "status.at" in asked_for("status", found()["status"])
    assert "options.format" in asked_for("forms.check", found()["forms.check"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_command_has_words_for_all_that_can_be_typed_and_none_are_left_over(language):
    asked = {key for path, command in found().items() for key in asked_for(path, command)}
    may_be = {f"{path}.{name}" for path in found() for name in ("about", "more")}
    there = set(words("help", language))
    assert (asked - there, there - asked - may_be) == (set(), set())


def test_help_is_in_chinese_and_english():
    lacking = [
        (path, text)
        for path, command in found().items()
        for text in said_of(path, command)
        if " ".join(text.split()) not in told(path)
    ]
    assert lacking == []


def said_of(path: str, command: Any) -> Iterator[str]:
    """What the help of a command says of it and of its options, in each language."""
    for language in ("zh", "en"):
        say = words("help", language)
        yield say(f"{path}.about" if f"{path}.about" in say else f"{path}.brief")
        for key in asked_for(path, command) - {f"{path}.brief"}:
            yield say(key)


@cache
def told(path: str) -> str:
    """What ``--help`` prints, on one line."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.raises(SystemExit) as left:
        main([*path.replace("tracker", "").replace(".", " ").split(), "--help"])
    assert left.value.code == 0
    return " ".join(out.getvalue().split())


def test_every_column_has_a_heading_and_every_heading_a_column():
    columns = {
        ast.literal_eval(call.args[-1])
        for name, file, call in calls()
        if name == "Column" and file.startswith("tracker/cli/")
    }
    assert len(columns) > 40
    heads = {key.removeprefix("heads.") for key in words("commands", "zh") if key.startswith("heads.")}
    assert columns == heads
