"""Reads a file of phrases, with the place of each: one that anybody may have written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

Phrase = str | tuple[str, ...]

NO_YAML, NO_YAML_THERE = yaml.YAMLError, yaml.MarkedYAMLError
_DEEPEST = 5
#: The shipped ones have 60 kB.
_LARGEST = 1_000_000
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class FoundPhrase:
    """A phrase, and where it stands, counted from 1."""

    phrase: Phrase
    line: int
    column: int


class PhraseError(Exception):
    """What stands there is no phrase; ``what`` is wrong with it."""

    def __init__(self, key: str, node: yaml.Node, what: str) -> None:
        super().__init__(f"{what} ({key})")
        self.key = key
        self.what = what
        self.line = node.start_mark.line + 1
        self.column = node.start_mark.column + 1


def read(path: Path) -> Mapping[str, FoundPhrase]:
    """Its phrases by key.  Raises OSError, NO_YAML or PhraseError where it is none."""
    with path.open(encoding="utf-8") as file:
        text = file.read(_LARGEST + 1)
    if len(text) > _LARGEST:
        raise yaml.YAMLError("too_large")
    return _parsed(text)


@lru_cache(maxsize=8)
def _parsed(text: str) -> Mapping[str, FoundPhrase]:
    """The phrases of a file; one that has not changed is not read again with every edit of another."""
    _refuse_depth(text)
    root = yaml.compose(text, Loader=_LOADER)
    if root is None:
        return {}
    if not isinstance(root, yaml.MappingNode):
        raise PhraseError("", root, "no_mapping")
    found: dict[str, FoundPhrase] = {}
    for key, phrase, node in _walk(root, ""):
        if key in found:
            raise PhraseError(key, node, "twice")
        found[key] = FoundPhrase(phrase, node.start_mark.line + 1, node.start_mark.column + 1)
    return found


def _refuse_depth(text: str) -> None:
    """Composing follows aliases and nesting without a limit, so both are looked at first."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError("aliases")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise yaml.YAMLError("too_deep")


def _walk(mapping: yaml.MappingNode, prefix: str) -> Iterator[tuple[str, Phrase, yaml.Node]]:
    for name, node in mapping.value:
        key = f"{prefix}{name.value}"
        if isinstance(node, yaml.MappingNode):
            yield from _walk(node, f"{key}.")
        elif isinstance(node, yaml.ScalarNode):
            yield key, node.value, node
        else:
            texts = tuple(each.value for each in node.value if isinstance(each, yaml.ScalarNode))
            if len(texts) < 2 or len(texts) != len(node.value):
                raise PhraseError(key, node, "forms")
            yield key, texts, node
