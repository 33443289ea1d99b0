"""Heads that read like that of a column and mean something else: 上月…, 计划…, 未…, or a whole in the place of a part."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from functools import lru_cache

from tracker.core.form import Column, ColumnKind, squeezed
from tracker.forms.check.figures import MEASURE

#: Words that make another figure of one, where a label lacks them: another time, a plan, the contrary, a whole, a share.
_SENSE = re.compile(
    "[上本下前去今当同][一个两]?(?:月|年度?|季度?|周|期|旬)|往年|历年|以来|[0-9一二三四五六七八九十]+月|累计|累积|计划|目标|任务|指标|预计|预期|拟|应(?!急)|可"
    "|总(?![局队额])|合计|小计|共计|其中|包括|占比|比例|比重|增长|增加|减少|新增|净增|增幅|降幅|环比|同比|平均|人均|率"
    "|[未没无非不免]|重复|剔除|扣除|补报|往期"
)
#: And words of a label that may not be left out of it where what they tell of stays.
_TURNING = re.compile("未|没有?|无|非|不|假|其他|其它")
#: What may be added to the label of a figure, or put for a part of it, without any other sense.
_HARMLESS = re.compile(
    "的|之|数量|数目|个数|总?人数|次数|家数|项数|数|情况|金额|数额|问题|人员|人次|等|及|以及|和|与|或|是否|已经?|有关|相关|各类|各|本单位|本地|我[区县市]"
    "|存在|发现|进行|开展|实际|安全|生产|企业|机构|单位|学校|辖区|全[区县市]|高危|行业|负责人|主要|管理|年度|名称|全称"
)
_LONGEST = 80
_FREE = frozenset({ColumnKind.SERIAL, ColumnKind.NAME, ColumnKind.TEXT})


def says_other(head: str, column: Column) -> bool:
    """Whether a head that was read as that of ``column`` may mean something else."""
    return means_other(head, column.label, column) and means_other(head, column.full_label, column)


@lru_cache(maxsize=4096)
def means_other(head: str, label: str, column: Column) -> bool:
    """Whether a head that was read as ``label``, that of ``column`` or of its group, may mean something else."""
    said, own = _letters(head), _letters(label)
    if said == own or column.kind in _FREE or len(head) > _LONGEST:
        return False
    rest = said
    for word in _SENSE.findall(own):
        rest = rest.replace(word, "", 1)
    if (
        column.group
        and rest.startswith(_letters(column.group))
        and not own.startswith(_letters(column.group))
    ):
        rest = rest[len(_letters(column.group)) :]
    if _SENSE.search(rest) or _is_turned(said, own):
        return True
    return column.is_figure and _has_word_of_its_own(said, own)


def _letters(text: str) -> str:
    """A label without its measure, punctuation and white space."""
    plain = re.sub(rf"[(\[〔【/,:;](?:(?:计量|金额)?单位:?)?{MEASURE}[)\]〕】]?$", "", squeezed(text))
    return "".join(filter(str.isalnum, plain))


def _is_turned(said: str, own: str) -> bool:
    """Whether a word is gone that turned the sense of what is still there: 如实记录 for 未如实记录."""
    for match in _TURNING.finditer(own):
        behind = own[match.end() : match.end() + 2]
        before = said.partition(behind)[0] if len(behind) > 1 and behind in said else None
        if before is not None and _TURNING.search(before[-2:]) is None:
            return True
    return False


def _has_word_of_its_own(said: str, own: str) -> bool:
    """Whether it has a word that is nowhere in the label: 取证 for 培训."""
    blocks = SequenceMatcher(None, own, said, autojunk=False).get_opcodes()
    fresh = [said[start:end] for what, _, _, start, end in blocks if what in {"insert", "replace"}]
    return any(len(_HARMLESS.sub("", each)) > 1 and each not in own for each in fresh)
