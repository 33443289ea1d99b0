"""A sentence for people before it is in any language: its key in the catalogues, and its facts.

What raises, finds or explains something makes a ``Message``; the edge that knows its reader says it (``say``).  Facts stay
what they are until then (a day, a list, what the machine said, another message), and each language says them its own way.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from tracker.i18n.catalogue import ENGLISH, FIRST, words

if TYPE_CHECKING:
    from tracker.i18n.catalogue import Language

#: How a fact that names something of a campaign is said: by the fact's name and text; None as it stands.
Names = Callable[[str, str], str | None]

_OF_COMMANDS = re.compile("‹[^›]*›")
_MARKS = str.maketrans("", "", "‹›")


@dataclass(frozen=True, slots=True, init=False)
class Message:
    """``Message("errors.already_waived", unit="wanzhou", ref="5")``; as a text it is the English sentence."""

    key: str
    facts: Mapping[str, object]

    def __init__(self, key: str, /, **facts: object) -> None:
        object.__setattr__(self, "key", key)
        object.__setattr__(self, "facts", facts)

    def __str__(self) -> str:
        return say(self, ENGLISH, on_command_line=True)

    def __hash__(self) -> int:
        return hash((self.key, tuple(self.facts)))


class OneOf(tuple["str | Message", ...]):
    """A fact: a choice, such as “a, b or c”."""

    __slots__ = ()


class Quoted(tuple[str, ...]):
    """A fact: a choice of words, each in quotation marks."""

    __slots__ = ()


class Near(tuple[str, ...]):
    """A fact: what an unknown name may be a slip of, as the end of a sentence; nothing where it is empty."""

    __slots__ = ()


def say(
    message: Message, language: Language, names: Names | None = None, *, on_command_line: bool = False
) -> str:
    """The sentence in ``language``.

    What stands between ‹ and › in a phrase speaks of commands and their options, and is left out where people do not
    type; there days are said as they are typed.  Raises KeyError for a key that is in no catalogue.
    """
    area, _, key = message.key.partition(".")
    phrase = words(area, language).phrase(key, message.facts.get("n"))
    if "‹" in phrase:
        phrase = phrase.translate(_MARKS) if on_command_line else _OF_COMMANDS.sub("", phrase)

    def said(name: str, fact: object) -> object:
        if isinstance(fact, str):
            found = names(name, fact) if names is not None else None
            return fact if found is None else found
        if isinstance(fact, Message):
            return say(fact, language, names, on_command_line=on_command_line)
        if isinstance(fact, date) and not isinstance(fact, datetime):
            return fact if on_command_line else say_day(language, fact)
        return say_fact(fact, language)

    return phrase.format_map({name: said(name, fact) for name, fact in message.facts.items()})


def both(message: Message) -> str:
    """``english（中文）``, for what several people read: a finding in a file, a line of the log, a mail to the operator."""
    english, chinese = (say(message, language, on_command_line=True) for language in (ENGLISH, FIRST))
    return f"{english}（{chinese}）"


def packed(message: Message) -> dict[str, object]:
    """A message as JSON keeps it; ``unpacked`` gives it back, equal but for numbers with a fraction, which are texts."""
    return {"key": message.key, "facts": {name: _packed(fact) for name, fact in message.facts.items()}}


def unpacked(kept: Mapping[str, Any]) -> Message:
    """The message that was ``packed``."""
    return Message(kept["key"], **{name: _unpacked(fact) for name, fact in kept["facts"].items()})


def _packed(fact: object) -> object:
    if isinstance(fact, Message):
        return packed(fact)
    if isinstance(fact, OneOf):
        return {"one_of": list(fact)}
    if isinstance(fact, tuple | list):
        return [_packed(each) for each in fact]
    if isinstance(fact, date) and not isinstance(fact, datetime):
        return {"day": fact.isoformat()}
    return fact if isinstance(fact, int) else str(fact)


def _unpacked(fact: Any) -> object:
    if isinstance(fact, list):
        return tuple(map(_unpacked, fact))
    if not isinstance(fact, dict):
        return fact
    if "day" in fact:
        return date.fromisoformat(fact["day"])
    return OneOf(fact["one_of"]) if "one_of" in fact else unpacked(fact)


def say_fact(fact: object, language: Language) -> object:
    """A fact as ``language`` says it; numbers stay numbers, as phrases may say how they are written."""
    if isinstance(fact, Near):
        return words("facts", language)("near", names=say_fact(Quoted(fact), language)) if fact else ""
    if isinstance(fact, Quoted):
        fact = OneOf(Message("facts.quoted", text=each) for each in fact)
    if isinstance(fact, tuple | list):
        each = [str(say_fact(each, language)) for each in fact]
        return _joined(each, words("facts", language), last="or" if isinstance(fact, OneOf) else "comma")
    if isinstance(fact, Message):
        return say(fact, language, on_command_line=True)
    if isinstance(fact, OSError):
        return _of_machine(fact, language)
    if isinstance(fact, UnicodeError):
        return words("facts", language)("no_text")
    return fact if isinstance(fact, int | float) else str(fact)


def say_day(language: Language, day: date | None) -> str:
    """2022年5月5日 · 5 May 2022; nothing for None."""
    if day is None:
        return ""
    return words("facts", language)("day", year=day.year, month=month_name(language, day.month), day=day.day)


def month_name(language: Language, month: int) -> str:
    """5, or May."""
    return _months(language)[month - 1]


@cache
def _months(language: Language) -> tuple[str, ...]:
    return tuple(words("facts", language).listed("months"))


def _joined(texts: Iterable[str], facts: Callable[..., str], *, last: str) -> str:
    *others, end = texts or ("",)
    return facts(last, rest=facts("sign").join(others), last=end) if others else end


def _of_machine(error: OSError, language: Language) -> str:
    """What the machine said of a file or an address, where it is one of the usual things."""
    name, facts = errno.errorcode.get(error.errno or 0, ""), words("facts", language)
    key = f"machine.{name}"
    return facts(key) if key in facts else error.strerror or str(error)
