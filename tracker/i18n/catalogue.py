"""The catalogues: every sentence that people read, by language and area.

A phrase is a text such as ``已逾期{n}天``.  In a language that needs it, it is a list of two, for one and for several,
chosen by ``n``.  Areas lie beside this file (``zh/pages.yaml``); the mails' stand with their layouts
(``templates/emails/zh.yaml``), where an operator words them anew: a file of theirs may hold as few phrases as it likes,
and what it lacks, or has wrongly, is taken from the shipped one, so that a slip never keeps a mail back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from string import Formatter
from types import SimpleNamespace
from typing import Literal, get_args

import yaml

from tracker.core.model import Language
from tracker.errors import MailError, Problem
from tracker.shipped import shipped

Area = Literal["mails", "pages", "report"]
Phrase = str | tuple[str, str]

LANGUAGES: tuple[Language, ...] = get_args(Language)

FALL_BACK = "; the shipped wording is used instead"
DEEPEST = 4
#: The shipped ones have 20 kB.
LARGEST = 1_000_000
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Words:
    """The phrases of one language and area.  ``words("row.late", n=3)`` fills one in."""

    def __init__(self, language: Language, phrases: Mapping[str, Phrase]) -> None:
        self.language = language
        self._phrases = phrases
        #: What stands under ``labels`` in the file, by attribute, for templates.
        self.labels = SimpleNamespace(
            **{
                key.removeprefix("labels."): text
                for key, text in phrases.items()
                if key.startswith("labels.")
            }
        )

    def __call__(self, key: str, **facts: object) -> str:
        """The phrase ``key`` with ``facts`` filled in; ``n`` chooses between one and several.

        Raises KeyError for one that is not there: a slip of ours, found by the tests.
        """
        phrase = self._phrases[key]
        if isinstance(phrase, tuple):
            phrase = phrase[0 if facts.get("n") == 1 else 1]
        return phrase.format_map(facts) if facts else phrase

    def __contains__(self, key: object) -> bool:
        return key in self._phrases

    def listed(self, key: str) -> list[str]:
        """A phrase that is a row of words, such as the days of the week."""
        return self(key).split()

    def with_own(self, path: Path) -> tuple[Words, list[Problem]]:
        """The same with an operator's phrases in their places, and what is wrong with those."""
        if not path.is_file():
            return self, []
        changed, problems = _changes(path, self._phrases)
        return Words(self.language, {**self._phrases, **changed}), problems


@cache
def words(area: Area, language: Language) -> Words:
    """The shipped phrases of an area.  Raises MailError as ``read_words`` does."""
    if area == "mails":
        return read_words(language, shipped("templates") / "emails" / f"{language}.yaml")
    return read_words(language, Path(__file__).parent / language / f"{area}.yaml")


def read_words(language: Language, path: Path) -> Words:
    """The phrases of a shipped file.  Raises MailError where it is missing or wrong."""
    try:
        return Words(language, {key: found.phrase for key, found in _read(path).items()})
    except (OSError, yaml.YAMLError, _PhraseError) as error:
        raise MailError(
            "{path} came with the product and cannot be read: {error}",
            "shipped_broken",
            path=path,
            error=error,
        ) from error


@dataclass(frozen=True, slots=True)
class _Found:
    phrase: Phrase
    line: int
    column: int


def _changes(path: Path, ours: Mapping[str, Phrase]) -> tuple[dict[str, Phrase], list[Problem]]:
    try:
        found = _read(path)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        return {}, [Problem(str(path), line, column, "", f"{error.problem or 'this is no YAML'}{FALL_BACK}")]
    except _PhraseError as error:
        return {}, [Problem(str(path), error.line, error.column, error.key, f"{error}{FALL_BACK}")]
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        return {}, [Problem(str(path), 0, 0, "", f"{error}{FALL_BACK}")]
    changed: dict[str, Phrase] = {}
    problems = []
    for key, theirs in found.items():
        wrong = _wrong_with(theirs.phrase, ours.get(key))
        if wrong is None:
            changed[key] = theirs.phrase
        else:
            problems.append(Problem(str(path), theirs.line, theirs.column, key, f"{wrong}{FALL_BACK}"))
    return changed, problems


def _wrong_with(phrase: Phrase, ours: Phrase | None) -> str | None:
    if ours is None:
        return "there is no such phrase"
    allowed = _places(ours)
    try:
        places = _places(phrase)
    except ValueError as error:
        return f"the curly brackets do not match ({error})"
    for place in sorted(places - allowed):
        known = ", ".join(f"{{{name}}}" for name in sorted(allowed)) or "none"
        return f"{{{place}}} cannot be filled in here; known are {known}"
    return None


def _places(phrase: Phrase) -> set[str]:
    texts = phrase if isinstance(phrase, tuple) else (phrase,)
    # Only bare names: "{n.__class__}" or "{n!r:>9}" are no names, and so are refused.
    return {
        f"{field}{'!' + conversion if conversion else ''}{':' + spec if spec else ''}"
        for text in texts
        for _, field, spec, conversion in Formatter().parse(text)
        if field is not None
    }


class _PhraseError(Exception):
    def __init__(self, key: str, node: yaml.Node, message: str) -> None:
        super().__init__(message)
        self.key = key
        self.line = node.start_mark.line + 1
        self.column = node.start_mark.column + 1


def _read(path: Path) -> Mapping[str, _Found]:
    with path.open(encoding="utf-8") as file:
        text = file.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise yaml.YAMLError("this is too large for a phrase file")
    return _parsed(text)


@lru_cache(maxsize=8)
def _parsed(text: str) -> Mapping[str, _Found]:
    """The phrases of a file; one that has not changed is not read again with every edit of another."""
    _refuse_depth(text)
    root = yaml.compose(text, Loader=LOADER)
    if root is None:
        return {}
    if not isinstance(root, yaml.MappingNode):
        raise _PhraseError("", root, "a phrase file is made of “name: text” lines")
    found: dict[str, _Found] = {}
    for key, phrase, node in _walk(root, ""):
        if key in found:
            raise _PhraseError(key, node, f"{key} stands here twice")
        found[key] = _Found(phrase, node.start_mark.line + 1, node.start_mark.column + 1)
    return found


def _refuse_depth(text: str) -> None:
    """Composing follows aliases and nesting without a limit, so both are looked at first."""
    depth = 0
    for event in yaml.parse(text, Loader=LOADER):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError("aliases have no place in a phrase file")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            raise yaml.YAMLError("a phrase file is not that deep")


def _walk(mapping: yaml.MappingNode, prefix: str) -> Iterator[tuple[str, Phrase, yaml.Node]]:
    for name, node in mapping.value:
        key = f"{prefix}{name.value}"
        if isinstance(node, yaml.MappingNode):
            yield from _walk(node, f"{key}.")
        elif isinstance(node, yaml.ScalarNode):
            yield key, node.value, node
        else:
            texts = [each.value for each in node.value if isinstance(each, yaml.ScalarNode)]
            if len(texts) != 2 or len(node.value) != 2:
                raise _PhraseError(key, node, f"{key} must be one text, or two: for one and for several")
            yield key, (texts[0], texts[1]), node
