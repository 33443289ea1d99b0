"""What a server's refusal means: whom it is about, and so what becomes of the mail and of those behind it.

Its code, its enhanced status (RFC 3463) and the moment at which it comes tell most; words come last, as every
server has its own.  Addresses in an answer are not read as words of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Literal, NamedTuple

#: The command that an answer belongs to; ``dot`` is the end of the content.
Stage = Literal["mail", "rcpt", "data", "dot"]


class RefusalScope(StrEnum):
    """Whom or what a refusal is about."""

    #: Us: our address, host, login or permission.  It is ours to mend, and until then everything waits.
    US = "us"
    #: This recipient or us: what else the server takes in the same pass tells which (``tracker.outbox.refusals``).
    EITHER = "either"
    #: This recipient, who is known not to be there.
    RECIPIENT = "recipient"
    #: This mail: its size, its content, or a reason that the server does not give.
    MAIL = "mail"
    #: How fast or how many mails come: what waits for the same domain is held back as well.
    TOO_FAST = "too_fast"
    #: Nothing that lasts.
    LATER = "later"


#: Refusals after which this mail is at its end.
FINAL = frozenset({RefusalScope.RECIPIENT, RefusalScope.MAIL})

#: By these a refusal is known to be about how fast or how many mails come, whenever it comes.
TOO_FAST = (
    # QQ Mail and Tencent's Exmail: "550 Ip frequency limited", "Domain …", "Sender …", "Connection …".
    r"frequency limit",
    # NetEase (163, 126, yeah): a class and a reason, such as "554 MI:STC" for the day's quota.
    r"\bHL:(?:ICC|IFC|IFQ|REP)\b",
    r"\bMI:(?:SFQ|STC)\b",
    r"\bRP:(?:QRC|RCL|TRC)\b",
    # Exchange: "550 5.1.90 … reached your daily limit", "5.7.705 tenant has exceeded threshold".
    r"\b5\.1\.90\b",
    r"\b5\.7\.(?:232|233|705)\b",
    r"SubmissionQuotaExceeded",
    r"(?:daily|hourly|sending|rate)(?: \w+){0,2} (?:limit|quota)|per (?:second|minute|hour|day)|slow down",
    r"rate.?limit|throttl|too fast",
    r"频率|过于频繁",
)
#: By these it is, unless the server has just taken mails in the same conversation: then that one has had enough.
TOO_MANY = (
    r"too many(?! hops)|too much",
    # Whatever passes a limit, unless it is the size of the mail, which waiting does not cure.
    r"^(?!.*(?:size|length|attach)).*(?:exceed|reach|achiev)\w* .{0,40}(?:limit|threshold|maximum number)",
    r"^(?!.*size).*(?:connection|message|recipient|rate)s? limit (?:was |has been )?(?:exceed|reach)",
    r"^(?!.*大小).*超[过出]了?.{0,12}(?:限制|上限|限额)",
)
#: A conversation has carried as much as the server wants of one.
ENOUGH = (
    r"\b(?:this|per|one|a|each|single|same|current) (?:smtp )?(?:session|connection)\b",
    r"\b(?:MI|RP):(?:DMC|DRC)\b",
    r"(?:本次|单次|每次|每个|当前)(?:连接|会话)",
)
#: By these a refusal is known not to be final, although it has the code of one.
TEMPORARY = (
    r"try again|try later|please retry",
    r"temporar",
    r"gr[ae]y.?list",
    # QQ Mail, where somebody has got much mail in a short time.
    r"mailbox unavailable or access denied",
    r"over quota|quota exceeded|mailbox (?:is )?full|storage allocation|容量已?满",
    r"稍后|稍候|暂时",
)
#: Words about whoever sends.
US = (
    r"\b(?:sender|mail.?from|from (?:address|domain)|envelope|return.?path|on behalf)\b|\bsend ?as",
    r"\b(?:helo|ehlo|hostname|reverse (?:dns|lookup)|rdns|ptr)\b",
    r"\b(?:client|sending|your|connecting|remote) (?:host|ip|server|domain|address|mail server|network)\b",
    r"\byour (?:account|country|system)\b|\bfrom (?:you|your|this|that)\b",
    r"\b(?:ip|host|domain)\b.{0,40}\b(?:block|black|deny|denied|ban|reject|listed|reputation|not allowed|hang)",
    r"\b(?:black|invalid) ip\b|\binvalid mail domain|\bmx only\b|\bcheck (?:error|fail)",
    r"relay(?! recipient table)|rcpthosts|not a gateway|anonymous forward",
    r"\bauth|unauthori|not authori|log ?in|credential|permission|local user only|(?<!recipient )verif\w* failed",
    # The right to send.
    r"(?:\bnot|n.t|\bnever) (?:allowed|permitted|able|entitled) to (?:send|submit|connect)|\b(?:may not|cannot) send\b",
    r"\b(?:outbound|outgoing|submission)\b|\bsmtp service not\b|\bbehaviou?r\b",
    r"\bsending\b.{0,40}\b(?:disabled|suspended|blocked|restricted)",
    r"\b(?:disabled|suspended|blocked|restricted)\b.{0,20}\bsend",
    r"\b(?:spf|dkim|dmarc|rbl|dnsbl|spamhaus|barracuda|spamcop|block ?list|black ?list)\b|blocked (?:using|by|for)",
    r"\baccess denied\b|\bbanned\b|starttls|\b(?:tls|ssl|encryption|certificate)\b.{0,12}\b(?:required|needed|use)|use tls",
    # NetEase: about the address that we come from, or the account that sends.
    r"\bHL:[A-Z]{3}\b|\bMI:SP[BF]\b|\bRP:FRL\b|\bDT:(?:RBL|SUM)\b|\bWM:BL[IU]\b",
    r"发件|发信|外发|反向解析|认证|授权|权限|无权|许可|中继|转发|黑名单|登录|信誉|发送(?:方|者|权限|服务)",
    r"(?:IP|域名|服务器|主机).{0,8}(?:拒绝|禁止|封)|(?:禁止|不能|不允许|限制|暂停|停用|关闭|未开通).{0,8}(?:发送|SMTP)",
)
#: Words about whoever is to get it.
RECIPIENT = (
    (
        r"\b(?:user|mailbox|recipient|account|addressee|alias|inbox|address|person)s?\b.{0,40}"
        r"\b(?:unknown|not (?:found|exist|known|listed|active)|doe?sn.t|does not exist|invalid|disabled|suspended|inactive"
        r"|no longer|locked|closed|unrout\w+|(?:isn.t|not) (?:allowed|permitted|able) to receive)"
        r"|\b(?:no such|unknown|invalid|non-?existent|bad|inactive|disabled|unrout\w+)\b.{0,20}"
        r"\b(?:user|mailbox|recipient|account|address|alias|person|local)"
    ),
    r"收件人|用户不存在|用户未找到|邮箱不存在|账号不存在",
)
#: Words about whom this recipient lets write, whatever they say about us beside it.
THEIRS = (
    r"\brecipient (?:address )?(?:rejected|refused|denied|restrict\w+)|\bRESOLVER\.RST\b|\ballowed.senders list\b",
    r"\bto (?:this|that) (?:\w+ )?(?:group|recipient|user|mailbox|address|person|account|list)\b",
    r"(?:收件人|收件地址|对方|该(?:邮箱|地址|用户|群组)).{0,12}(?:拒收|拒绝|仅接收|只接收|不接收|不接受|限制)",
)
#: Words about what the mail says, or how large it is.
CONTENT = (
    r"\bspam\b|junk|content|virus|malware|infected|attach|phish|inappropriate|DT:SPM",
    r"message (?:is )?too (?:big|large|long)|(?:message|mail)\b.{0,30}\b(?:size|length)|size (?:limit|exceed)|too large",
    r"邮件(?:大小|过大|内容)|垃圾|病毒|附件|敏感",
)
#: Words about what is allowed: to us, unless it is the content that is not.
FORBIDDEN = (
    r"\bpolic(?:y|ies)\b|administrativ|prohibit|\brestricted\b|\bnot (?:allowed|permitted)\b",
    r"策略|禁止",
)
#: By then the server has taken the recipient.
_TAKEN = frozenset({"data", "dot"})
#: Codes of commands, encryption and login; of what is too large; of hosts and users that are elsewhere.
_OURS = frozenset({500, 501, 502, 503, 504, 523, 524, 525, 526, 530, 534, 535, 538})
_SIZE = 552
_NOT_HERE = frozenset({521, 551, 556})
#: Subjects of an enhanced status that leave open whom it is about: the system, and what is allowed.
_OPEN = frozenset({3, 7})
#: Details of subject 6: kinds of content that somebody on the way cannot take.
_MEDIA = range(1, 6)
_STATUS = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})\b")
#: What is not read as words: addresses may be called anything.
_NAMES = re.compile(r"<[^>]*>|\S+@\S+|https?://\S+|\[[^\]]*\]")


class Reply(NamedTuple):
    """A server's answer, its lines joined by spaces."""

    code: int
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.text}".rstrip()


class RefusalRules:
    """Knows what refusals are about.

    ``temporary`` and ``permanent`` are pieces of answers that an operator has met; they come before what is
    built in, and letters may be large or small.
    """

    def __init__(self, temporary: Iterable[str] = (), permanent: Iterable[str] = ()) -> None:
        self._known_permanent = _any_of(re.escape(piece) for piece in permanent)
        self._known_temporary = _any_of(re.escape(piece) for piece in temporary)

    def verdict(self, reply: Reply, stage: Stage) -> RefusalScope:
        """What a refusal at ``stage`` means, where the conversation could go on."""
        said = str(reply)
        if self._known_permanent.search(said):
            return RefusalScope.MAIL
        if self._known_temporary.search(said):
            return RefusalScope.LATER
        if _TOO_FAST.search(reply.text) or _TOO_MANY.search(reply.text) or _ENOUGH.search(reply.text):
            return RefusalScope.TOO_FAST
        verdict = _by_status(reply, stage) or _by_code(reply, stage)
        if stage == "mail":
            # Nobody who is to get it has been named yet.
            return RefusalScope.US
        if verdict is RefusalScope.US and stage == "rcpt" and _may_be_theirs(reply):
            return RefusalScope.EITHER
        return RefusalScope.LATER if verdict in FINAL and _is_passing(reply) else verdict

    def has_had_enough(self, reply: Reply, sent: int) -> bool:
        """Whether it is only this conversation, which has carried ``sent`` mails, that the server wants to end."""
        if self._known_permanent.search(str(reply)) or not (sent or reply.code == 421):
            return False
        if _ENOUGH.search(reply.text):
            return sent > 0
        if reply.code != 421 or _TOO_FAST.search(reply.text):
            return False
        return sent > 0 or not _TOO_MANY.search(reply.text)


def without_names(text: str) -> str:
    """An answer without the addresses in it, for whoever need not know whom it is about."""
    return " ".join(re.sub(r"<[^>]*>|[^\s:;,]+@[^\s:;,]+", "…", text).split())


def alike(text: str, address: str) -> str:
    """An answer without what differs from one recipient to the next: ``address``, other addresses, and numbers."""
    mailbox = rf"(?<![\w.-]){re.escape(address.partition('@')[0])}(?![\w.-])"
    named = re.sub(mailbox, " ", _NAMES.sub(" ", text), flags=re.IGNORECASE | re.ASCII)
    return " ".join(re.sub(r"[!-~]*\d[!-~]*", " ", named).casefold().split())


def _by_status(reply: Reply, stage: Stage) -> RefusalScope | None:
    """What the enhanced status says; None where it says nothing, or too little."""
    found = _STATUS.match(reply.text)
    if found is None:
        return None
    subject, detail = int(found[2]), int(found[3])
    words = _NAMES.sub(" ", reply.text)
    is_ours = _US.search(words) is not None
    if subject in _OPEN and stage == "rcpt" and not is_ours and _RECIPIENT.search(words):
        return RefusalScope.RECIPIENT
    if subject == 7:
        # Greylisting calls itself so, too, and what a mail says is refused under the same number.
        is_content = stage in _TAKEN and _CONTENT.search(words) is not None
        return RefusalScope.US if is_ours or not (is_content or _is_passing(reply)) else RefusalScope.MAIL
    if subject == 1:
        # 5.1.7 and 5.1.8 are about the sender's address, 5.1.0 about either.
        is_either = detail == 0 and (is_ours or stage in _TAKEN)
        return RefusalScope.US if detail in {7, 8, 20} or is_either else RefusalScope.RECIPIENT
    if subject == 2:
        # Which mailbox is disabled (1) or a list (4) is known; others may be the sender's own.
        is_either = detail not in {1, 4} and stage in _TAKEN
        whose = RefusalScope.US if is_ours or is_either else RefusalScope.RECIPIENT
        return {2: RefusalScope.LATER, 3: RefusalScope.MAIL}.get(detail, whose)
    if subject == 3:
        return RefusalScope.MAIL if detail == 4 else RefusalScope.US
    if subject in {4, 6}:
        if stage == "rcpt" and _THEIRS.search(words):
            return RefusalScope.RECIPIENT
        return RefusalScope.US if is_ours and not (subject == 6 and detail in _MEDIA) else RefusalScope.MAIL
    return RefusalScope.US if subject == 5 else None


def _by_code(reply: Reply, stage: Stage) -> RefusalScope:
    """What code, moment and words say."""
    words = _NAMES.sub(" ", reply.text)
    if _TEMPORARY.search(words):
        return RefusalScope.LATER
    if reply.code in _OURS:
        return RefusalScope.US
    is_ours, is_content = _US.search(words) is not None, _CONTENT.search(words) is not None
    if reply.code == _SIZE and (is_content or not is_ours):
        return RefusalScope.MAIL
    if is_content and not is_ours and stage in _TAKEN:
        return RefusalScope.MAIL
    if is_ours:
        return RefusalScope.US
    if reply.code in _NOT_HERE or _RECIPIENT.search(words):
        return RefusalScope.US if stage in _TAKEN else RefusalScope.RECIPIENT
    # Before the content is known it cannot be in the way.
    is_allowed = stage != "data" and (is_content or not _FORBIDDEN.search(words))
    return RefusalScope.MAIL if is_allowed else RefusalScope.US


def _may_be_theirs(reply: Reply) -> bool:
    """Whether a refusal of us may be one of the recipient instead: its words are about that one, or about nobody."""
    if reply.code in _OURS or _is_passing(reply):
        return False
    words, status = _NAMES.sub(" ", reply.text), _STATUS.match(reply.text)
    is_open = status is None or int(status[2]) in _OPEN
    return _THEIRS.search(words) is not None or (is_open and _US.search(words) is None)


def _is_passing(reply: Reply) -> bool:
    """An enhanced status of 4.x.x contradicts a 5xx, and says more; so do words."""
    return reply.code < 500 or reply.text.startswith("4.") or _TEMPORARY.search(reply.text) is not None


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns) or r"(?!)", re.IGNORECASE)


_TOO_FAST, _TOO_MANY, _ENOUGH = _any_of(TOO_FAST), _any_of(TOO_MANY), _any_of(ENOUGH)
_TEMPORARY, _US, _RECIPIENT, _THEIRS, _CONTENT, _FORBIDDEN = map(
    _any_of, (TEMPORARY, US, RECIPIENT, THEIRS, CONTENT, FORBIDDEN)
)
