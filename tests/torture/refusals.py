"""What mail servers say when they refuse, word for word but for addresses, and how it is to be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tests.torture.scripted import Stage

#: The mail goes again later; it does, as it is us who are refused; so do the others to that domain; it never goes
#: again, and the operator is told.
Reading = Literal["later", "ours", "slower", "never"]


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
        ("dot", "550 5.7.1 Message rejected as spam by Content Filtering."),
        ("dot", "552 5.3.4 Message size exceeds fixed maximum message size"),
        ("dot", "554 5.4.14 Hop count exceeded - possible mail loop"),
    ),
    *_all(
        "Exchange",
        "ours",
        ("dot", "554 5.2.252 SendAsDenied; a@kaoshi.internal not allowed to send as b@kaoshi.internal"),
        ("dot", "554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied"),
        ("dot", "554 5.2.0 Failed to process message due to a permanent exception: cannot submit message"),
        ("dot", "550 5.7.60 SMTP; Client does not have permissions to send as this sender"),
        ("dot", "550 5.1.8 Access denied, bad outbound sender"),
        ("dot", "550 5.7.520 Access denied, Your organization does not allow external forwarding"),
        ("dot", "550 5.7.501 Access denied, spam abuse detected"),
        ("rcpt", "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain"),
        ("rcpt", "550 5.7.64 TenantAttribution; Relay Access Denied"),
        ("data", "554 5.7.0 Transaction failed"),
        ("rcpt", "530 5.7.57 Client not authenticated to send mail"),
    ),
    *_all(
        "Gmail",
        "ours",
        ("dot", "550 5.1.0 Sender is not allowed to send from mail.internal (R2)"),
        ("dot", "550 5.7.26 This mail has been blocked because the sender is unauthenticated"),
        ("dot", "550 5.7.25 The IP address sending this message does not have a PTR record setup"),
        ("dot", "550 5.7.0 Mail relay denied [192.0.2.7]. Invalid credentials for relay"),
        ("rcpt", "503 5.7.0 No identity changes permitted"),
        ("rcpt", "555 5.5.2 Syntax error"),
    ),
    *_all(
        "Gmail",
        "slower",
        ("dot", "550 5.4.5 Daily user sending limit exceeded"),
        ("dot", "550 5.7.1 Daily SMTP relay limit exceeded for customer"),
    ),
    *_all(
        "Gmail",
        "never",
        ("rcpt", "550 5.1.1 The email account that you tried to reach does not exist"),
        ("rcpt", "550 5.2.1 The email account that you tried to reach is inactive"),
        ("dot", "552 5.7.0 This message was blocked because its content presents a potential security issue"),
        ("dot", "552 5.2.3 Your message exceeded Google's message size limits"),
    ),
    *_all(
        "Postfix and sendmail",
        "ours",
        ("rcpt", "553 5.7.1 <a@kaoshi.internal>: Sender address rejected: not logged in"),
        (
            "rcpt",
            "550 5.1.0 <a@kaoshi.internal>: Sender address rejected: User unknown in virtual mailbox table",
        ),
        ("rcpt", "450 4.1.8 <a@kaoshi.internal>: Sender address rejected: Domain not found"),
        ("rcpt", "554 5.7.1 <u0@unit.internal>: Recipient address rejected: Access denied"),
        ("data", "554 5.5.1 Error: no valid recipients"),
        ("data", "554 no valid recipients"),
        ("dot", "550 5.7.1 <END-OF-MESSAGE>: End-of-data rejected: sender quota"),
        ("rcpt", "553 5.3.0 Rejected"),
        ("rcpt", "551 we do not relay mail"),
        ("rcpt", "521 mail.internal does not accept mail from you"),
        ("dot", "550 5.1.0 Address rejected."),
        ("dot", "551 user not local"),
    ),
    *_all(
        "Postfix and sendmail",
        "never",
        (
            "rcpt",
            "550 5.1.1 <u0@unit.internal>: Recipient address rejected: User unknown in relay recipient table",
        ),
        ("rcpt", "550 5.1.0 Address rejected."),
        ("rcpt", "551 user not local"),
        ("rcpt", "521 host does not accept mail"),
        ("rcpt", "556 5.1.10 Domain does not accept mail"),
        ("dot", "550 5.1.1 no such user"),
        ("dot", "554 5.6.0 Corrupt message content"),
    ),
    *_all(
        "Exim and cPanel",
        "ours",
        ("rcpt", "550 Administrative prohibition"),
        ("rcpt", "550 Verification failed for <a@kaoshi.internal> No Such User Here Sender verify failed"),
        ("rcpt", "550 relay not permitted"),
        ("rcpt", "550 Outgoing mail from kaoshi.internal has been suspended."),
        ("dot", "550 Outgoing mail from kaoshi.internal has been suspended."),
        ("rcpt", "550 Please turn on SMTP Authentication in your mail client"),
        ("rcpt", "550 Message was not accepted -- invalid mail domain"),
        ("rcpt", "550 that IP address is not allowed to send"),
        ("rcpt", "550 Your country is not allowed to connect to this server."),
        ("rcpt", "550 account disabled: your account may not send"),
        ("rcpt", "550 Sending from this account has been suspended"),
        ("dot", "550 Account suspended"),
        ("dot", "554 Message rejected due to local policy"),
    ),
    *_all(
        "Exim and cPanel",
        "never",
        ("rcpt", "550 Unrouteable address"),
        ("rcpt", "550 No Such User Here"),
        ("dot", "550 This message contains a virus, which our policy does not permit"),
        ("dot", "554 Transaction failed"),
    ),
    *_all(
        "Alibaba",
        "ours",
        ("rcpt", "541 This account isn't allowed to send email"),
        ("dot", "541 This account isn't allowed to send email"),
        ("rcpt", '501 "MAIL FROM" is non-local account'),
        ("rcpt", "502 Mailfrom account is a local account"),
        ("rcpt", "440 mail from account doesn't conform with authentication"),
        ("rcpt", "526 Authentication failure[1]"),
        ("rcpt", "524 username or passwd is NULL"),
        ("dot", "554 Reject by behaviour spam"),
    ),
    *_all(
        "Alibaba",
        "slower",
        ("rcpt", "505 the total of RCPTs is achieved the maximum threshold"),
    ),
    *_all(
        "Alibaba",
        "never",
        ("rcpt", "554 RCPT (account) dosn't exist"),
        ("rcpt", "542 This account isn't allowed to receive email"),
        ("dot", "554 Reject by content spam"),
        ("dot", "510 The length of Attach is achieved the maximum threshold"),
        ("dot", "551 virus infected mail rejected"),
    ),
    *_all(
        "Coremail and eYou",
        "ours",
        ("rcpt", "550 Requested mail action not taken: Fake sender"),
        ("rcpt", "550 Requested mail action not taken: Invalid IP"),
        ("rcpt", "550 Requested action not taken: no smtp MX only"),
        ("rcpt", "550 Requested action not taken: Local user only"),
        ("rcpt", "550 IP is rejected"),
        ("rcpt", "550 IP is Hangup"),
        ("rcpt", "551 auth error"),
        ("rcpt", "552 mail from invalid"),
        ("rcpt", "553 relay check domain fail"),
        ("rcpt", "554 rbl deny"),
        ("rcpt", "554 smtpport check error"),
        ("rcpt", "556 remote ip check error"),
        ("rcpt", "550 black ip"),
        ("rcpt", "550 账户被禁止发信"),
        ("dot", "550 账户被禁止发信"),
        ("rcpt", "550 发送权限已被停用"),
        ("rcpt", "550 该账号未开通SMTP服务"),
        ("rcpt", "550 授权码已过期"),
        ("rcpt", "550 您没有权限以该地址发信"),
        ("rcpt", "550 IP地址被拒绝"),
        ("rcpt", "554 连接IP信誉过低"),
        ("rcpt", "550 服务器拒绝您的连接"),
        ("rcpt", "550 未经许可的发送服务器"),
        ("dot", "554 账号异常，已限制其发送邮件"),
    ),
    *_all(
        "Coremail and eYou",
        "never",
        ("rcpt", "550 收件人不存在"),
        ("rcpt", "550 发送失败：邮箱不存在"),
        ("dot", "552 message rejected by anti-spam engine"),
        ("dot", "552 message is too long"),
        ("dot", "554 attachment is too long"),
        ("dot", "554 邮件内容违反策略"),
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
