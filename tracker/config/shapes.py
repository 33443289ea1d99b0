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
from tracker.config.messages import Guesses, did_you_mean, either, quote, say

Shape = TypeVar("Shape", bound=BaseModel)

#: By the key above it: what a mapping is called, in English and Chinese, and its schema.
_KINDS: AnyMapping[str, tuple[str, str, type[BaseModel]]] = {
    "campaign": ("the campaign", "专项工作", schema.CampaignShape),
    "tasks": ("this task", "这项任务", schema.TaskShape),
    "deliverables": ("this deliverable", "这个报送事项", schema.DeliverableShape),
    "reports": ("this report", "这个报表", schema.ReportShape),
    "target": ("the target", "数量要求", schema.TargetShape),
    "units": ("this unit", "这个单位", schema.UnitShape),
    "contacts": ("this contact", "这个联系人", schema.ContactShape),
    "stand_ins": ("this stand-in", "这个替班人", schema.StandInShape),
    "groups": ("this group", "这个单位组", schema.GroupShape),
    "mail": ("mail", "邮件设置", schema.MailShape),
    "from": ("the sender", "发件人", schema.PersonShape),
    "operator": ("the operator", "管理员", schema.PersonShape),
    "refusals": ("refusals", "退信分类", schema.RefusalsShape),
    "inbox": ("inbox", "回信收件箱", schema.InboxShape),
    "web": ("web", "网页设置", schema.WebShape),
    "proxy": ("the proxy", "代理", schema.ProxyShape),
    "oidc": ("oidc", "单点登录", schema.OidcShape),
    "people": ("people", "人员角色", schema.WebShape),
    "policies": ("this policy", "这套提醒办法", schema.PolicyShape),
    "header": ("this field", "这一项", schema.HeaderFieldShape),
    "columns": ("this column", "这一栏", schema.ColumnShape),
    "rounds": ("this round", "这一轮次", schema.RoundShape),
    "off": ("this span", "这段日期", schema.Span),
    "work": ("this span", "这段日期", schema.Span),
}

_PATTERNS = {
    schema.ID: ("expected an id of a–z, 0–9 and “-”, such as wanzhou or 12", "标识只能用小写字母、数字和“-”"),
    schema.WORD: ("expected a name of letters, digits, “-” and “_”", "名称只能用字母、数字、“-”和“_”"),
    schema.COLUMN: (
        "expected a name of a–z, 0–9 and “_”, such as special_trained",
        "栏目标识只能用小写字母、数字和“_”",
    ),
    schema.ONE_LINE: ("must be one line without tabs", "应在一行之内，且不含制表符"),
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
        english, chinese, _ = self._kind(location[:-1])
        name = location[-1]
        self.document.error(
            self.document.place(location[:-1]),
            location,
            say(f"{english} has no “{name}”, which is required", f"{chinese}缺少“{name}”"),
        )

    def _message(self, error: ErrorDetails, location: Location) -> str:
        context: dict[str, Any] = error.get("ctx", {})
        name = quote(str(location[-1])) if location else "the file"
        value = self.document.value(location)
        match error["type"]:
            case "unfit":
                return str(context["said"])
            case "extra_forbidden":
                return self._unknown_key(location)
            case "string_type":
                return say(
                    f"{name} must be a text, not {_found(value)[0]}",
                    f"{name}应为文字，此处是{_found(value)[1]}",
                )
            case "string_too_short":
                return say(f"{name} must not be empty", f"{name}不能为空")
            case "string_too_long":
                most = context["max_length"]
                return say(f"{name} is longer than {most} characters", f"{name}超过{most}个字")
            case "string_pattern_mismatch":
                english, chinese = _PATTERNS.get(
                    context["pattern"], ("has characters that it must not have", "含有不允许的字符")
                )
                return say(f"{quote(str(error['input']))}: {english}", chinese)
            case "literal_error":
                english, chinese = either(
                    context["expected"].replace("'", "").replace(" or ", ", ").split(", ")
                )
                found = quote(value) if isinstance(value, str) else _found(value)[0]
                return say(f"{name} is {found}; expected {english}", f"{name}应为{chinese}")
            case "list_type":
                return say(
                    f"{name} must be a list, not {_found(value)[0]}",
                    f"{name}应为列表，此处是{_found(value)[1]}",
                )
            case "model_type" | "model_attributes_type" | "dict_type":
                return self._no_mapping(location, value)
            case _:
                return say(f"{name}: {error['msg']}", "格式不对")

    def _no_mapping(self, location: Location, value: Value) -> str:
        english, chinese, shape = self._kind(location)
        keys, keys_zh = either(_required(shape) or list(_keys(shape))[:3])
        hint = hint_zh = ""
        if isinstance(value, str) and "：" in value:
            hint, hint_zh = "; “：” is full-width, use “:” and a space", "；“：”是全角，应为半角“:”加空格"
        found, found_zh = _found(value)
        return say(
            f"{english} must be made of “key: value” lines ({keys}), not {found}{hint}",
            f"{chinese}应由“键: 值”组成（{keys_zh}等），此处是{found_zh}{hint_zh}",
        )

    def _unknown_key(self, location: Location) -> str:
        key = str(location[-1])
        english, chinese, shape = self._kind(location[:-1])
        keys = _keys(shape)
        plain = unicodedata.normalize("NFKC", key).strip(" \t\u3000“”‘’\"'").rstrip(":")
        word = plain.partition(":")[0].strip()
        if plain != key and word in keys:
            self.meant.add((*location[:-1], word))
            return say(
                f"the key {quote(key)} has full-width signs or no space after the colon; expected “{word}: …”",
                f"{quote(key)}用了全角符号或冒号后缺空格，应为“{word}: …”",
            )
        near = self.guesses.near(key, keys, 1)
        self.meant.update((*location[:-1], name) for name in near)
        guess, guess_zh = did_you_mean(near)
        if near:
            return say(
                f"{english} has no key {quote(key)}{guess}", f"{chinese}没有{quote(key)}这个键{guess_zh}"
            )
        known, known_zh = either(keys)
        return say(
            f"{english} has no key {quote(key)}; expected {known}",
            f"{chinese}没有{quote(key)}这个键，可用{known_zh}",
        )

    def _kind(self, location: Location) -> tuple[str, str, type[BaseModel]]:
        """What the mapping at ``location`` is."""
        names = [step for step in location if isinstance(step, str)]
        if names[:1] == ["policies"] and len(names) > 1:
            return _KINDS["off" if names[2:] == ["quiet"] else "policies"]
        if names and names[-1] in _KINDS:
            return _KINDS[names[-1]]
        return "the file", "文件", self.shape


def _keys(shape: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in shape.model_fields.items()]


def _required(shape: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in shape.model_fields.items() if field.is_required()]


def _found(value: Value) -> tuple[str, str]:
    if value is None:
        return "nothing", "空的"
    if isinstance(value, str):
        return f"the text {quote(value)}", f"文字{quote(value)}"
    return ("a mapping", "键值") if isinstance(value, Mapping) else ("a list", "列表")
