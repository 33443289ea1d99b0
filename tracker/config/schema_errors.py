"""Holds a document against its schema, and words what does not fit.

Places are looked up for findings only: pydantic names the path of each, and the document knows the marks.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping as AnyMapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tracker.config import schema
from tracker.config.document import Document, Location, Mapping, Value
from tracker.config.messages import Guesses, did_you_mean, short
from tracker.i18n.message import Message, OneOf

Shape = TypeVar("Shape", bound=BaseModel)

#: The schema of a mapping by the key above it, which is also the name of what it is called.
_KINDS: AnyMapping[str, type[BaseModel]] = {
    "campaign": schema.CampaignShape,
    "tasks": schema.TaskShape,
    "deliverables": schema.DeliverableShape,
    "reports": schema.ReportShape,
    "target": schema.TargetShape,
    "units": schema.UnitShape,
    "contacts": schema.ContactShape,
    "stand_ins": schema.StandInShape,
    "groups": schema.GroupShape,
    "mail": schema.MailShape,
    "from": schema.PersonShape,
    "operator": schema.PersonShape,
    "refusals": schema.RefusalsShape,
    "inbox": schema.InboxShape,
    "web": schema.WebShape,
    "proxy": schema.ProxyShape,
    "oidc": schema.OidcShape,
    "people": schema.WebShape,
    "policies": schema.PolicyShape,
    "header": schema.HeaderFieldShape,
    "columns": schema.ColumnShape,
    "rounds": schema.RoundShape,
    "off": schema.Span,
    "work": schema.Span,
}

_THE_FILE = Message("config.kind.file")
_PATTERNS = {
    schema.ID: Message("config.pattern.id"),
    schema.WORD: Message("config.pattern.word"),
    schema.COLUMN: Message("config.pattern.column"),
    schema.ONE_LINE: Message("config.pattern.one_line"),
}


def fit(document: Document, shape: type[Shape], guesses: Guesses) -> Shape | None:
    """The document as ``shape``; None, and findings in the document, where it does not fit."""
    if not document.complete:
        return None
    try:
        return shape.model_validate(document.root)
    except ValidationError as error:
        _Findings(document, shape, guesses).take(error.errors(include_url=False))
    return None


class _Findings:
    """Words the findings of one document."""

    def __init__(self, document: Document, shape: type[BaseModel], guesses: Guesses) -> None:
        self.document = document
        self.shape = shape
        self.guesses = guesses
        # Where the YAML itself is wrong, that is the finding; what follows from it is noise.
        self.taken = {(problem.line, problem.column) for problem in document.problems}
        self.meant: set[tuple[str | int, ...]] = set()

    def take(self, errors: list[ErrorDetails]) -> None:
        """Into the document."""
        errors.sort(key=lambda error: error["type"] != "extra_forbidden")
        for error in errors:
            location = tuple(step for step in error["loc"] if step != "[key]")
            kind = error["type"]
            if kind == "missing":
                self._missing(location)
                continue
            of_key = kind == "extra_forbidden" or error["loc"][-1:] == ("[key]",)
            place = self.document.key_place(location) if of_key else self.document.place(location)
            if place not in self.taken:
                self.document.error(place, location, self._message(error, location))

    def _missing(self, location: Location) -> None:
        # One slip is one finding: an unknown key that is meant for the missing one has been told of.
        if tuple(location) in self.meant:
            return
        what, _ = self._kind(location[:-1])
        message = Message("config.missing", what=what, key=location[-1])
        self.document.error(self.document.place(location[:-1]), location, message)

    def _message(self, error: ErrorDetails, location: Location) -> Message:
        context: dict[str, Any] = error.get("ctx", {})
        name = Message("facts.quoted", text=short(str(location[-1]))) if location else _THE_FILE
        value = self.document.value(location)
        match error["type"]:
            case "unfit":
                said: Message = context["said"]
                return said
            case "extra_forbidden":
                return self._unknown_key(location)
            case "string_type":
                return Message("config.no_text", name=name, found=_found(value))
            case "string_too_short":
                return Message("config.too_short", name=name)
            case "string_too_long":
                return Message("config.too_long", name=name, most=context["max_length"])
            case "string_pattern_mismatch":
                pattern = _PATTERNS.get(context["pattern"], Message("config.pattern.other"))
                return Message("config.pattern.said", text=short(str(error["input"])), pattern=pattern)
            case "literal_error":
                known = OneOf(context["expected"].replace("'", "").replace(" or ", ", ").split(", "))
                found = (
                    Message("facts.quoted", text=short(value)) if isinstance(value, str) else _found(value)
                )
                return Message("config.no_choice", name=name, found=found, known=known)
            case "list_type":
                return Message("config.no_list", name=name, found=_found(value))
            case "model_type" | "model_attributes_type" | "dict_type":
                return self._no_mapping(location, value)
            case _:
                return Message("config.odd", name=name, said=error["msg"])

    def _no_mapping(self, location: Location, value: Value) -> Message:
        what, shape = self._kind(location)
        keys = OneOf(_required(shape) or list(_keys(shape))[:3])
        is_full_width = isinstance(value, str) and "：" in value
        hint = Message("config.full_width_colon") if is_full_width else ""
        return Message("config.no_mapping", what=what, keys=keys, found=_found(value), hint=hint)

    def _unknown_key(self, location: Location) -> Message:
        key = str(location[-1])
        what, shape = self._kind(location[:-1])
        keys = _keys(shape)
        plain = unicodedata.normalize("NFKC", key).strip(" \t\u3000“”‘’\"'").rstrip(":")
        word = plain.partition(":")[0].strip()
        if plain != key and word in keys:
            self.meant.add((*location[:-1], word))
            return Message("config.full_width_key", key=short(key), word=word)
        near = self.guesses.near(key, keys, 1)
        self.meant.update((*location[:-1], name) for name in near)
        if near:
            return Message("config.near_key", what=what, key=short(key), near=did_you_mean(near))
        return Message("config.no_such_key", what=what, key=short(key), known=OneOf(keys))

    def _kind(self, location: Location) -> tuple[Message, type[BaseModel]]:
        """What the mapping at ``location`` is."""
        names = [step for step in location if isinstance(step, str)]
        kind = names[-1] if names else ""
        if names[:1] == ["policies"] and len(names) > 1:
            kind = "off" if names[2:] == ["quiet"] else "policies"
        return (Message(f"config.kind.{kind}"), _KINDS[kind]) if kind in _KINDS else (_THE_FILE, self.shape)


def _keys(shape: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in shape.model_fields.items()]


def _required(shape: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in shape.model_fields.items() if field.is_required()]


def _found(value: Value) -> Message:
    if isinstance(value, str):
        return Message("config.found.text", text=short(value))
    if value is None:
        return Message("config.found.nothing")
    return Message("config.found.mapping") if isinstance(value, Mapping) else Message("config.found.list")
