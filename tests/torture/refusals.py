"""What mail servers say when they refuse, word for word but for addresses, and how it is to be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tests.torture.scripted import Stage

#: The mail goes again later; so do the others to that domain; it never goes again, and the operator is told.
Reading = Literal["later", "slower", "never"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One answer of a server at a stage of the conversation."""

    whose: str
    stage: Stage
    answer: str
    reading: Reading


def _all(whose: str, reading: Reading, *answers: tuple[Stage, str]) -> list[Refusal]:
    return [Refusal(whose, stage, answer, reading) for stage, answer in answers]


_QQ = "http://service.mail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no="
_163 = "please see http://mail.163.com/help/help_spam_16.htm?ip=192.0.2.7&hostid=smtp5&time=1654653600"

REFUSALS = [
    *_all(
        "QQ",
        "slower",
        ("mail", f"550 Ip frequency limited [M1sYuqxHWJw3 IP: 192.0.2.7]. {_QQ}1000725"),
        ("rcpt", f"550 Domain frequency limited [M1sYuqxHWJw3 IP: 192.0.2.7]. {_QQ}1000722"),
        ("rcpt", "550 Sender frequency limited."),
        ("dot", f"550 Connection frequency limited. {_QQ}1000722"),
        ("dot", f"550 Ip frequency limited [M1sYuqxHWJw3 IP: 192.0.2.7]. {_QQ}1000725"),
        ("dot", "550 发信频率过高，请稍后重试"),
    ),
    *_all(
        "QQ",
        "later",
        ("connect", f"550 Connection frequency limited. {_QQ}1000722"),
        ("connect", "421 Try again later"),
        ("auth", "535 Error: authentication failed, system busy. Please try later"),
        ("auth", "535 Login Fail. Please enter your authorization code to login."),
        ("mail", "501 Mail from address must be same as authorization user."),
        ("rcpt", f"550 Mailbox unavailable or access denied [M1sYuqxHWJw3 IP: 192.0.2.7]. {_QQ}1000717"),
        ("dot", f"451 Please try again later. {_QQ}20052"),
        ("rcpt", "550 User has no permission"),
        ("dot", f"550 SPF check failed. {_QQ}1001507"),
    ),
    *_all(
        "QQ",
        "never",
        ("rcpt", f"550 Mailbox not found. {_QQ}1000728"),
        ("rcpt", "550 Invalid User"),
        ("dot", f"550 Mail content denied. {_QQ}1000726"),
        ("dot", "550 The mail may contain inappropriate words or content, and QQMail has blocked it"),
        ("dot", "552 Message size exceeds the limit of 50 MB"),
    ),
    *_all(
        "163",
        "slower",
        ("mail", f"554 HL:IFC 163 smtp5,PygvCgDHxs,{_163}"),
        ("rcpt", f"550 RP:TRC 163 smtp5,PygvCgDHxs,{_163}"),
        ("rcpt", f"451 RP:QRC 163 smtp5,PygvCgDHxs,{_163}"),
        ("data", f"550 MI:SFQ 163 smtp5,PygvCgDHxs,{_163}"),
        ("dot", f"554 MI:STC 163 smtp5,PygvCgDHxs,{_163}"),
        ("rcpt", f"421 HL:REP 163 smtp5,PygvCgDHxs,{_163}"),
    ),
    *_all(
        "163",
        "later",
        ("connect", f"554 HL:ICC 163 smtp5,PygvCgDHxs,{_163}"),
        ("ehlo", "451 Requested action aborted: local error in processing"),
        ("auth", "535 Error: authentication failed"),
        ("auth", "550 User has no permission"),
        ("mail", "553 Mail from must equal authorized user"),
        ("rcpt", "451 Requested mail action not taken: mailbox busy"),
        ("data", "451 Requested action aborted: local error in processing"),
        ("dot", f"450 MI:CEL 163 smtp5,PygvCgDHxs,{_163}"),
        # Too many in this connection: it goes on in another.
        ("dot", f"451 MI:DMC 163 smtp5,PygvCgDHxs,{_163}"),
        ("dot", f"554 DT:SUM Envelope sender mismatch with header From,{_163}"),
        ("dot", f"554 HL:ITC 163 smtp5,PygvCgDHxs,{_163}"),
    ),
    *_all(
        "163",
        "never",
        ("rcpt", "550 User not found: u0@unit.internal"),
        ("rcpt", "550 User suspended: u0@unit.internal"),
        ("dot", f"554 DT:SPM 163 smtp5,PygvCgDHxs,{_163}"),
    ),
    *_all(
        "Exchange",
        "slower",
        ("rcpt", "452 4.5.3 Too many recipients"),
        ("mail", "452 4.5.3 Error: too many messages this session"),
        ("rcpt", "421 4.7.0 Too many errors or messages from your IP. Please slow down"),
        (
            "rcpt",
            "550 5.7.232 Your message can't be sent because your trial tenant has exceeded its daily limit",
        ),
        ("rcpt", "550 5.7.705 Access denied, tenant has exceeded threshold"),
        (
            "dot",
            "550 5.1.90 Your message can't be sent because you've reached your daily limit for recipients",
        ),
        ("dot", "432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending."),
        (
            "dot",
            "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process",
        ),
        (
            "dot",
            "451 4.7.652 The mail server [192.0.2.7] has exceeded the maximum number of connections. (S3115)",
        ),
    ),
    *_all(
        "Exchange",
        "later",
        ("connect", "421 4.3.2 Service not active"),
        ("connect", "554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using Spamhaus"),
        ("auth", "535 5.7.3 Authentication unsuccessful [HK0PR03CA0102.apcprd03.prod.outlook.internal]"),
        ("mail", "550 5.7.60 SMTP; Client does not have permissions to send as this sender"),
        ("rcpt", "421 4.7.0 Temporary server error. Please try again later. PRX5"),
        ("rcpt", "451 4.7.500 Server busy. Please try again later from [192.0.2.7]. (S77719)"),
        ("rcpt", "452 4.3.1 Insufficient system resources (UsedVersionBuckets)"),
        (
            "rcpt",
            "554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoff",
        ),
        ("data", "451 4.3.0 Mail server temporarily rejected message"),
        ("dot", "421 4.4.2 Connection dropped due to SocketError"),
        ("dot", "451 4.4.0 Temporary server error. Please try again later. PRX2"),
        ("rcpt", "550 5.7.1 Unable to relay"),
        ("rcpt", "550 5.7.606 Access denied, banned sending IP [192.0.2.7]. (AS16012609)"),
    ),
    *_all(
        "Exchange",
        "never",
        ("rcpt", "550 5.1.1 User unknown"),
        ("rcpt", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"),
        ("rcpt", "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)"),
        ("data", "554 5.7.0 Transaction failed"),
        ("dot", "550 5.7.1 Message rejected as spam by Content Filtering."),
        ("dot", "552 5.3.4 Message size exceeds fixed maximum message size"),
        ("dot", "554 5.4.14 Hop count exceeded - possible mail loop"),
    ),
    *_all(
        "greylisting",
        "later",
        (
            "rcpt",
            "450 4.2.0 <u0@unit.internal>: Recipient address rejected: Greylisted, see help/unit.internal.html",
        ),
        ("rcpt", "451 4.7.1 Greylisting in action, please come back later"),
        ("rcpt", "450 4.7.1 <u0@unit.internal>: Recipient address rejected: Service is unavailable"),
        ("data", "451 Your IP is temporarily deferred, greylisted for 300 seconds"),
        ("dot", "451 4.7.1 Graylisted, please retry in 5 minutes"),
        ("dot", "550 Greylisted, try again later"),
    ),
]
