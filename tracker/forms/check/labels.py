"""What the label of a row says: that it is a total, and how surely."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from tracker.core.form import squeezed

_LATIN = "(?<![a-z])(?:grandtotal|sub-?total|total|sum)s?(?![a-z])"
_TOTAL = f"合计|总计|小计|共计|累计|总和|总数|汇总|合計|總計|小計|匯總|彙總|{_LATIN}"
#: Words that are a total where nothing else stands there.
_ALONE = frozenset((*"总计合共和Σ∑σ", "统计", "统计数"))
#: Words that are one beside such words, places, numbers and measures alone: names have them, too (统计学校).
_ALL = (
    "总共|一共|全部|所有|总体|总量|总值|总额|加总|累加|相加|(?<![a-z])(?:all|overall)(?![a-z])|总(?=人次|人数)"
    "|共有?(?=[0-9一二两三四五六七八九十])"
)
_WORD = re.compile(rf"{_TOTAL}|{_ALL}|[Σ∑σ]")
_CONTAINED = re.compile(rf"{_TOTAL}|共(?=[0-9一二两三四五六七八九十])")
_EDGE = re.compile(rf"(?:{_TOTAL}).*|.*(?:{_TOTAL})")
#: Where, how many and of what: what a label of a total may say besides.
_BESIDE = re.compile(
    r"[\u4e00-\u9fff]{1,6}?(?:自治县|[区县市州乡镇局])|以上|上述|年度|月度|季度|全部|所有|街道|情况|项目|机构|单位|企业|学校|培训|考试|安全"
    r"|人次|万元|[本各该全辖区县市级乡镇年月季期页表数量行栏家个人次所户名条处元考点]|[0-9]+|[一二两三四五六七八九十百千]|[:：、,.。/至到-]"
)
#: What is said of all that is there, without the word of a total: 全区, 本县数据, 辖区内机构, 各机构.
_WHOLE = re.compile(
    "(?:[全本]|辖|本辖|全辖)[区县市州旗镇乡]|辖区|各(?:家|机构|单位|企业|学校|区县|乡镇)|(?:以上|上述)(?=[0-9一二两三四五六七八九十各全])"
)
_OF_DATA = re.compile("数据?|内|情况|之?和")
#: What the name of a unit ends with: 万州区 is the same place.
_OFFICE = re.compile("(?:应急管理?|应急|安监|安全生产监督管理)?(?:委员会|局|办公室|办)$")
#: Whose time, and how much of what: of nothing but these no name is made (本月新增, 截至4月底, 年度目标, 差额).
_WHEN_OR_HOW = (
    "[本上下前去今当同全][年月季期周日]|[0-9]+|[一二三四五六七八九十]+|[年月季期周日旬底末初度份]|截[至止]|目前|至今|以来|同期|[上中下]旬|上半|下半"
    "|新增|增[加长减幅]|减少|变化|累计|完成|目标|计划|任务|指标|数[量据额]?|情况|人次|万元|[家项个户次率值额元%]|比[例重]|占比|百分比|平均|均值"
    "|人均|户均|同比|环比|与|较|比|已|未|尚|正在|应|实际|差[额异]?|[:：、,.。()至到—~-]"
)
#: 1, （一）, 二、: the number of a row, and no words.
_COUNTED = re.compile(r"[0-9一二三四五六七八九十、.,:()~—-]*")
_PART = re.compile(r"[(]?(?:其中|内含|包括|包含|扣除|剔除)")
#: Notes to a table: who made and sealed it and when, what was enclosed, what is said of those above.
_NOTE = re.compile(
    r"\(?(?:单位|加?盖|签)?(?:公章|印章|盖章|签章|签字|签名|章)\)?[:：]?|[0-9]{4}[年./-][0-9]{1,2}[月./-][0-9]{1,2}日?|[0-9]{1,2}月[0-9]{1,2}日"
    r"|(?:附|备注|说明|注|打印|制表|填表|填报|审核|复核|审批|经办|联系|领导|负责|单位负责)(?:人|时间|日期|单位|部门|电话|方式)?(?:签字|签名|盖章)?(?:[:0-9].*|$)"
    r"|(?:以上|上述|此表|本表|其余|其他|其它).*|共[0-9]+页.*|第[0-9]+页.*|.{0,10}1[0-9]{10}|[.…·]+|下[同略]|略|\(?(?:以下|此处)(?:空白|无正文)\)?|[※*★☆▲△].*|数据截[至止].*"
    r"|(?:目前|现)?已?(?:注销|停业|关闭|关停|撤销|歇业|停办|停用|吊销|倒闭|转让|取缔|(?:暂停|停止)(?:营业|经营|培训|办学|考试)?)(?:整顿)?"
)
_DAY = r"[0-9]{4}[年./-][0-9]{1,2}[月./-][0-9]{1,2}日?"
_PAGES = "第?[0-9]+页?[,/]?共[0-9]+页|第[0-9]+页|共[0-9]+页"
_SEAL = r"(?:\(?(?:单位|加盖|加|签)?(?:公章|印章|盖章|签章|签字|签名|章)(?:处|栏)?\)?)"
_SIGNS = "制表|填表|填报|编制|统计|审核|复核|审批|审签|校对|经办|联系|(?:分管|主管|主要|单位|部门)?(?:领导|负责)|打印"
#: Who signed, sealed or printed a table and when, and nothing besides.
_ASIDE = re.compile(
    rf"(?:(?:{_SIGNS})(?:人|员|单位|部门|科室|时间|日期|电话)?{_SEAL}?:(?:[^0-9:]{{0,12}}?|{_DAY}|[0-9-]{{7,13}})|电话:[0-9-]{{7,13}}"
    rf"|(?:填[表报]|报送)?单位{_SEAL}:[^0-9:]{{0,20}}|{_SEAL}:?|{_DAY}|{_PAGES})+"
)
#: What stands for the name of nothing: 某公司, **学校, ○○, XX, 单位名称.
_NOBODY = re.compile(
    "某(?!某?$)|某某|××|[xX]{2}|(?<![a-zA-Z])(?:[oO]{2,}|([A-D])\\1(?=[\u4e00-\u9fff]))(?![a-zA-Z])|(?<![一二三四五六七八九])〇{2}|[○△□◇●▲■☆★]{2}|[*＊]{2,}(?=\\w)"
    "|_{2,}|^(?:[.…·]{2,}|[-—~]{2,})(?=\\w)|.{0,10}名称(?:\\(.{1,6}\\))?$"
)
#: That a row or a sheet shows how a form is filled in; 例 alone is one in the place of a name.
_SHOWS = re.compile(
    r"示例|样例|范例|举例|样表|范本|填写?示范|示范填写|填[写表报](?:说明|样式|格式|样本)|(?<![.\w@])(?:example|sample|template|demo)\b|^e\.?g\b"
    r"|^(?:例如|比如|譬如|诸如)|^如[:,]|[(\[【]例[0-9]*[)\]】]|^例(?:[0-9:、.,一二三四五]|$)|^(?:模板|模版|样本|参考|格式|式样)$",
    re.IGNORECASE,
)
#: How the names of institutions and enterprises end.
_BODY = re.compile(r".*(?:中心|学校|学院|公司|机构|集团|协会|学会|基地|分校|[院校站所点厂矿局部队社场])[)]?")
#: Without any of these it is no label of a total.
_LETTERS = frozenset("合总總小共累汇匯彙计計全所加相统和Σ∑uUｕＵtTｔＴaAａＡ")
_IN_BRACKETS = re.compile(r"\([^()]*\)")
#: A label that is longer than this is a sentence.
_LONGEST = 30


def says_total(text: str) -> bool:
    """Whether a label begins or ends with the word of a total: no name does."""
    plain = _plain(text)
    return plain is not None and (
        plain in _ALONE or _EDGE.fullmatch(plain) is not None or is_all_total(plain)
    )


def is_all_total(text: str) -> bool:
    """Whether a label is made of the words of a total alone, with places, numbers and measures."""
    plain = _plain(text)
    if plain is None or plain in _ALONE:
        return plain is not None
    rest, words = _WORD.subn("", plain)
    return words > 0 and not _BESIDE.sub("", rest)


def names_whole(text: str, unit: str) -> bool:
    """Whether a label says of which whole its figures are, and nothing else: 全区, 本县数据, or the name of ``unit``."""
    if len(text) > _LONGEST:
        return False
    plain = _IN_BRACKETS.sub("", _normal(text))
    place = _OFFICE.sub("", plain)
    own = _OFFICE.sub("", _normal(unit))
    if own and len(place) > 1 and (place == own or own == place + own[-1]):
        return True
    rest, words = _WHOLE.subn("", plain)
    return words > 0 and not _BESIDE.sub("", _OF_DATA.sub("", rest))


def is_only_place(text: str) -> bool:
    """Whether a label names a place, or what is counted there, and nothing else: 全区, 全县."""
    return len(text) <= _LONGEST and not text.isdecimal() and not _BESIDE.sub("", "".join(text.split()))


def says_part(text: str, words: frozenset[str]) -> bool:
    """Whether a label says that its figures are a part of others, or those of another time; ``words`` are a form's own.

    A label of nothing but the words to choose from (市级, 未整改) or of heads of columns is one: no name is.
    """
    if len(text) > _LONGEST:
        return False
    plain = _normal(text)
    said = _when_or_how(words)
    if said.match(plain) is None:
        return _PART.match(plain) is not None
    return _COUNTED.fullmatch(plain) is None and not said.sub("", plain)


def begins_parts(text: str) -> bool:
    """Whether a label says that parts of the row above follow: 其中：矿山."""
    return _PART.match(_normal(text[:_LONGEST])) is not None


def is_note(text: str) -> bool:
    """Whether a text that stands alone in a row is a note and no name."""
    return _NOTE.fullmatch(_normal(text)) is not None


def is_aside(text: str) -> bool:
    """Whether a text only says who signed or sealed a table and when, or counts its pages."""
    return len(text) <= 2 * _LONGEST and _ASIDE.fullmatch(_normal(text)) is not None


def is_example(text: str) -> bool:
    """Whether a text shows how a form is filled in, or stands in the place of a name without being one."""
    if len(text) > _LONGEST:
        return False
    plain = unicodedata.normalize("NFKC", text).strip()
    return _SHOWS.search(plain) is not None or _NOBODY.search(plain) is not None


def is_rest_of_name(text: str, above: str) -> bool:
    """Whether a text ends as names do, and the one above it does not: 培训中心 below 渝江安全."""
    return _BODY.fullmatch(_normal(text)) is not None and _BODY.fullmatch(_normal(above)) is None


@lru_cache(maxsize=64)
def _when_or_how(words: frozenset[str]) -> re.Pattern[str]:
    own = sorted({re.escape(word) for word in map(_normal, words) if len(word) > 1}, key=len, reverse=True)
    return re.compile("|".join([*own, _WHEN_OR_HOW]))


def contains_total(text: str) -> bool:
    """Whether the word of a total stands anywhere in a label."""
    plain = _plain(text)
    return plain is not None and _CONTAINED.search(plain) is not None


def _normal(text: str) -> str:
    return squeezed(text).casefold()


def _plain(text: str) -> str | None:
    if len(text) > 4 * _LONGEST or not _LETTERS.intersection(text):
        return None
    plain = _normal(text)
    plain = _IN_BRACKETS.sub("", plain) or plain.strip("()")
    return plain if len(plain) <= _LONGEST else None
