"""What the product would not do, said to the person who asked: in the reader's language, with the names people use.

The English stands where an error is raised (``tracker/errors.py``), the Chinese here, by the error's code.  What
stands between ‹ and › is for the command line alone.  No sentence ends with a full stop, as some stand within others.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from tracker.errors import InBoth, InBothError, TrackerError, did_you_mean, in_language
from tracker.i18n.terms import say_day, word

if TYPE_CHECKING:
    from tracker.core.model import Campaign, Language

CHINESE = {
    # what an event does not fit
    "undecided": (
        "本机文件中的文号或印发日期与台账不同，须先确认是更正还是另一专项工作"
        "‹（更正请运行 tracker run --accept-correction，另一专项工作请在tasks.yaml的campaign下另写id）›，确认前不予登记"
    ),
    "is_waived": "{unit}的{ref}已免报，如需报送，请先撤销免报",
    "nothing_to_accept": "{unit}的{ref}尚未报送，不能销号",
    "nothing_to_return": "{unit}的{ref}尚未报送，不能退回",
    "extension_without_date": "{unit}的{ref}要延期，须写明新的日期‹（--until）›",
    "already_answered": "{unit}的{ref}已报送或已免报，无须延期",
    "already_accepted": "{unit}的{ref}已经销号",
    "already_waived": "{unit}的{ref}已经免报",
    "already_paused": "{unit}的{ref}已经暂停",
    "nothing_to_pause": "{unit}的{ref}已免报，无须暂停或恢复",
    "not_paused": "{unit}的{ref}没有暂停，无须恢复",
    "nothing_to_undo": "{unit}的{ref}没有可以撤销的记录",
    "no_quota": "{unit}的{ref}没有数量要求，不填数量",
    "count_of_nothing": "{unit}的{ref}：只有报送才填数量",
    "date_of_nothing": "{unit}的{ref}：只有延期才填新的日期",
    "count_too_small": "{unit}的{ref}：数量应大于零",
    "count_too_large": "{unit}的{ref}：数量过大，最多{most}，请核对",
    "unseen_in_name": "‹--who：›经办人姓名含有不可见字符",
    "no_deadline": "{unit}的{ref}没有时限，不需要延期",
    "extension_too_early": "{unit}的{ref}时限为{due}，延期须晚于这一天",
    "more_time_too_early": "{unit}的{ref}：延期后的日期须晚于今天，也须晚于现时限{due}",
    "extension_too_far": "{unit}的{ref}：{until}过远，最迟可延至{latest}",
    "deadline_passed": "{unit}的{ref}已于{due}到期；逾期后延期，须由督办单位说明理由后办理‹，请加 --force›",
    "reason_needed": "{unit}的{ref}逾期后延期，须说明理由‹（--reason）›",
    "in_the_future": "‹--on ›{day}还没有到",
    "still_to_come": "{unit}的{ref}：{day}还没有到",
    "before_issue": "{day}早于印发日期{issued}",
    "unprintable": "‹{option}：›内容中有看不见的字符，请删去后再提交",
    # names that nobody knows
    "no_unit": "没有名为“{name}”的单位{near}‹，可用 tracker units 查看›",
    "no_definition": "没有编号为“{name}”的任务、报送事项或报表{near}‹，可用 tracker tasks 和 tracker tasks --reports 查看›",
    "no_form": "没有名为“{name}”的表，可选的有：{known}",
    "no_reference": "“{text}”不是编号，应为任务或报表编号，例如 5、5/first-list、table-2@2022-05",
    "no_period": "“{text}”中的“{period}”不是期次，应为 2022-05、2022-Q2、2022-H1、2022 或 2022-W18 的形式",
    "not_asked": "{key}不由{unit}承办，落实单位为{owners}",
    "not_asked_then": "{unit}的{ref}不要求报送：该期截止日期为{due}，{unit}此后才列为落实单位",
    "taken_out": "{unit}的{ref}已于{day}从文件中删去，办理记录仍予保留",
    "needs_period": "{key}按期报送，请写明期次，例如 {example}",
    "which_report": "“{name}”可能是{examples}，请写明是哪一项",
    "no_such_period": "没有 {text}，{key}有 {example}",
    "no_section": "没有名为“{text}”的工作部分",
    "no_month": "“{text}”不是月份，应为 2022-05 的形式",
    "no_date": "“{text}”不是日期，应为 2022-05-20 的形式",
    "not_among": "‹{option} ›没有“{text}”这一选项，可选的有：{known}",
    "no_table_due": "{month} 没有应报的表",
    # mails and requests
    "mail_forgotten": "这封邮件的正文已清理；收件人、时间和涉及事项仍可查看",
    "prune_what": "请写明清理什么：--before 日期，或 --person 姓名、邮箱、电话（二者择一）",
    "person_too_short": "--person {text}：至少两个字，电话至少五位数字",
    "person_in_files": (
        "{file}:{line}：文件中还有此人（“{text}”），请先删去，再清理"
        "‹；如果是另一人，姓名较长而含有此人姓名，请加 --keep 写出其全名›"
    ),
    "person_in_force": (
        "{file}:{line}（{campaign}）：现行文件中还有此人（“{text}”），删去此人的修改尚未生效："
        "请先使其生效（tracker check），否则邮件将无人收到"
    ),
    "person_signs_in": "账号{name}仍可登录，请先停用（tracker user remove {name}）",
    "no_mail": "没有编号为 {number} 的邮件‹，可用 tracker mail list 查看›",
    "mail_on_its_way": "邮件 {number} {state}，只有失败或待发的邮件才能重发",
    "mail_or_since": "请指明一封邮件，或用 --since 指明日期，二者只能写一项",
    "no_operator": "settings.yaml 中没有 operator，请写明收件地址",
    "no_request": "没有编号为 {number} 的来件",
    "request_answered": "来件 {number} 已由{who}答复",
    "request_just_answered": "来件 {number} 刚刚已有人答复",
    "request_needs_verdict": "来件 {number} 是延期申请，须答复同意与否",
    "text_too_long": "共{count}字，最多{most}字，请删减后再提交",
    "no_question": "没有编号为 {number} 的疑问",
    "no_reason": "核实疑问须写明理由，请写在备注里",
    "question_gone": "疑问 {number} 已消除：报表已有变动",
    "question_settled": "疑问 {number} 已由{who}核实",
    "one_of_two": "{one} 和 {two} 只能写一个",
    "nothing_meant": "没有指明是哪一件",
    # what was typed
    "expected_date": "{option} {text}：应为日期，例如 2022-05-05",
    "expected_time": "{option} {text}：应为日期或时间，例如 2022-05-05T09:00:00+08:00",
    "expected_month": "--month {text}：应为{first}年至{last}年间的月份，例如 2022-05",
    "expected_year": "{option} {text}：年份应在{first}至{last}之间",
    "before_first": "‹--to ›{last}早于‹ --from ›{first}",
    "goes_with_settle": "--note、--who、--dry-run、--yes 须与 --settle 或 --undo 一并写明",
    "one_of_settling": "--settle、--undo、--settlements 只能写一个",
    "undo_is_of_all": "--undo 撤销整个批次，不能与 --ref、--unit、--month 同用",
    "no_settlement": "没有编号为 {number} 的登记批次‹，可用 tracker before --settlements 查看›",
    "look_again": "核对期间配置文件有改动，未作登记，请重新核对",
    "only_calendar_ics": "只有 tracker calendar 有 ics 格式，可选的有：table、json、csv",
    "no_format": "没有“{text}”这一格式，可选的有：table、json、csv",
    "no_role": "没有“{text}”这一角色，可选的有：viewer、supervisor、operator",
    "from_needs_year": "--from 与 --year 须一并写明：照搬哪一份清单，用于哪一年",
    "whose_calendar": "请指明单位：tracker feed add --unit 单位；要全部单位的，请写 --all",
    "one_file_for_many": "-o {output}：共有{count}份表，请写目录名，或只选一个单位的一张表",
    "expected_xlsx": "-o {output}：文件名应以 .xlsx 结尾",
    "no_layout": "-o {path}：文件名应以 {known} 之一结尾",
    "is_a_folder": "-o {path}：这是目录，应为文件名",
    "no_folder": "-o {path}：没有目录 {folder}",
    "no_file_or_folder": "{path}：没有这个文件或目录",
    "no_file": "{path}：没有这个文件",
    "there_already": "{path} 已经存在，请另选目录或先将其移走",
    "cannot_write": "{path} 无法写入：{error}",
    "cannot_read": "{path} 无法读取：{error}",
    "cannot_make_folder": "无法建立目录 {path}：{error}",
    # accounts and calendars
    "nobody_to_ask": "无法询问密码，请从标准输入提供并加 --password-stdin",
    "account_taken": "已有账户{name}",
    "no_account": "没有账户{name}‹，可用 tracker user list 查看›",
    "no_account_name": "账户名应为1至{most}个可见字符",
    "password_too_short": "密码太短，至少{least}个字符",
    "password_too_long": "密码超过{most}个字符",
    "password_guessed": "密码太容易猜：不能是账户名、重复字符或键盘上连续的字符",
    "no_feed": "没有编号为 {number} 的有效日历地址‹，可用 tracker feed list 查看›",
    # how it is set up
    "wrong_variable": "{name}：{error}",
    "no_secret": "{path} 是空的，应为密钥",
    "secret_too_long": "{path} 过长，不是密钥",
    "no_sign": (
        "台账标记无法保存在 {file}：数据库丢失或未挂载时将无从识别，全部邮件会重发；请在 settings.yaml 用 ledger_sign"
        "（或用 TRACKER_LEDGER_SIGN）指明数据库之外、服务可以写入的一个文件"
    ),
    "two_databases": "存在两个数据库 {here} 和 {there}，请用 --database 或 TRACKER_DATABASE 指明，或移走不用的一个",
    "key_too_short": "TRACKER_SECRET：签名密钥至少{least}个字符，可用 openssl rand -hex 32 生成",
    "key_not_kept": "链接签名密钥无法保存在 {path}：{error}；请用 TRACKER_SECRET 指定",
    "holds_no_key": "{path} 中没有密钥，删去后自动新建",
    "root_refused": (
        "不能以 root 身份{role}运行，否则任何漏洞都将危及整台机器：请改用普通用户"
        "（服务单元中写 User= 或 DynamicUser=yes，见 packaging/tracker.service）或容器，确有必要时设 {variable}=1"
    ),
    "no_metrics_token": "/metrics 只对本机开放，别处须带上 TRACKER_METRICS_TOKEN 所设的令牌（Authorization: Bearer …）",
    "no_oidc": "settings.yaml 中写有单点登录，但所需的库未安装，请执行：pip install 'deadline-tracker[oidc]'",
    "no_certificate": "网页证书不可用（{files}）：{error}",
    "not_open": (
        "网页不在 {address} 对外开放：请先建账户（tracker user add 姓名 --role supervisor），"
        "或在 settings.yaml 的 web 下设可信代理或单点登录，也可改用 127.0.0.1 或加 --no-web"
    ),
    "cannot_serve": "网页地址 {address} 不可用：{error}；请用 TRACKER_WEB 另选地址，或加 --no-web",
    # the database
    "nothing_to_back_up": "数据库 {database} 中没有台账，没有可备份的内容：请查看数据库是否丢失或未挂载",
    "empty_backup": "{path} 中没有台账，未予恢复‹；确要以它替换的加 --force›",
    "better_backup": (
        "{path} 是另一份台账的备份，或其中的办理记录（{there}件）比现有台账（{here}件）多，未予覆盖："
        "请另取文件名‹，确要覆盖的加 --force›"
    ),
    "no_ledger": "数据库地址‹ {address} ›处不是台账，没有所需的表：请放回或挂载原数据库，或恢复备份",
    "database_away": "数据库‹ {address} ›暂时不可用‹（{cause}）›，请稍后再试",
    "not_in_utf8": "数据库 {address} 的文字编码是 {encoding}，须为 UTF8；请用 createdb --template=template0 --encoding=UTF8 重建",
    "no_database_address": "数据库地址不可用，应为 sqlite:///文件 或 postgresql+psycopg://…",
    "database_gone": "数据库文件‹ {path} ›已不在原处：请放回原处、重新挂载，或恢复备份",
    "cannot_open_database": "数据库 {address} 无法打开：{cause}",
    "other_schema": "数据库 {address} 的结构版本为{found}，本版需要{needed}：请运行 tracker upgrade，或改用原来的版本",
    "nothing_to_upgrade": "没有可升级的内容：数据库是空的，或不是本服务的数据库",
    "cannot_upgrade": "数据库结构版本为{found}，本版可从{first}升级到{needed}",
    "upgrade_failed": "升级已撤回，内容没有改变：{error}",
    "database_itself": "{path} 就是数据库本身，请另选文件",
    "not_our_file": "{path}已存在，且不是本服务的备份文件，未予覆盖，请另选文件名",
    "no_backup": "{path} 不是有效的备份文件",
    "at_work": "服务正在使用这个数据库（最近一次在世界时 {time}），请先停止服务，或加 --force",
    # mails as they are written, and how they go out
    "no_address": "“{text}”不是电子邮件地址",
    "no_domain": "“{text}”不是域名",
    "no_message_id": "“{text}”不是邮件标识（Message-ID）",
    "no_time_zone": "邮件的日期须带时区",
    "control_character": "{what}中有控制字符（{code}）",
    "half_a_character": "{what}中有不完整的字符",
    "no_content_type": "“{text}”不是文件类型",
    "no_content_word": "“{text}”不能用作文件类型的参数",
    "no_inlining": "样式表无法写入各元素：{error}",
    "no_room_in_html": "{text} 放在了 HTML 不容许的位置，请让它包住完整的元素，或放在文字或属性值之中",
    "tbody_everywhere": "<tbody> 应在所有表格中都写，或都不写",
    "between_attributes": "{text} 夹在元素的属性之间，请放入属性值中",
    "shipped_broken": "随产品提供的 {path} 无法读取：{error}",
    "no_transport": "{text} 不是发信方式，应为 {known}",
    "names_no_directory": "“{text}”没有写明目录，应为 mailbox:目录",
    "needs_password": "{text} 需要密码，请设 TRACKER_MAIL_PASSWORD 或 TRACKER_MAIL_PASSWORD_FILE",
    "plain_password": "smtp+plain:// 会以明文发送密码，请改用 smtp:// 或 smtps://",
    "password_in_address": (
        "“{text}”中写有密码，会显示在列表和日志中，请改写入 TRACKER_MAIL_PASSWORD 或 TRACKER_MAIL_PASSWORD_FILE"
    ),
    "no_certificates": "{path}（TRACKER_MAIL_CA）中的证书无法读取",
    "sums_differ": "{name}：“{column}”各行之和为{total}，小计之和为{subtotals}，二者不符，未生成汇总表",
    # what programs ask for
    "no_parameter": "没有参数{names}，可用的有：{known}",
    "given_twice": "{names}：只能写一次",
    "too_far_ahead": "时间应不晚于{last}年底",
    "dates_out_of_range": "日期应在 {first} 至 {last} 之间",
    "too_many_years": "起止日期最多相隔{most}年，起始日期在前",
    "sign_in_first": "请先登录",
    "role_too_low": "您的权限不足",
}

#: What a machine says of files and addresses, by number.
_REASONS = {
    errno.ENOENT: "没有这个文件或目录",
    errno.EACCES: "没有权限",
    errno.EPERM: "不允许这样做",
    errno.EEXIST: "已经存在",
    errno.ENOTDIR: "不是目录",
    errno.EISDIR: "是目录",
    errno.ENOSPC: "磁盘已满",
    errno.EDQUOT: "磁盘配额已用完",
    errno.EROFS: "磁盘是只读的",
    errno.ENAMETOOLONG: "文件名过长",
    errno.EIO: "读写出错",
    errno.EADDRINUSE: "已被占用",
    errno.EADDRNOTAVAIL: "本机没有这个地址",
}

#: Other facts that are words.
_WORDS = {
    "address": "地址",
    "name": "姓名",
    "subject": "主题",
    "text": "正文",
    "name of an attachment": "附件名称",
    "as a service": "作为系统服务",
    "for other machines": "对外提供网页",
}


def refusal(
    error: TrackerError,
    language: Language,
    campaign: Campaign | None = None,
    *,
    on_command_line: bool = False,
) -> str:
    """The sentence, with the names of ``campaign``; of what has no Chinese the text as it is.

    Days are said on the command line as they are typed there.
    """
    if isinstance(error, InBothError):
        return error.chinese if language == "zh" else error.english
    say = _names(language, campaign)

    def said(name: str, fact: object) -> str:
        if isinstance(fact, date) and not on_command_line:
            return say_day(language, fact)
        return say(name, fact)

    sentence = error.english if language == "en" or error.code is None else CHINESE[error.code]
    return error.filled(sentence, said, on_command_line=on_command_line)


def in_both(error: TrackerError) -> InBoth:
    """The same in both languages, for what several people read: a finding in a file, a mail to the operator."""
    return InBoth(*(refusal(error, language, on_command_line=True) for language in ("en", "zh")))


def reason(error: BaseException, language: Language) -> str:
    """What the machine said, where it is one of the usual things."""
    if isinstance(error, OSError):
        text = error.strerror or str(error)
        return text if language == "en" else _REASONS.get(error.errno or 0, text)
    if isinstance(error, UnicodeError):
        return "it is no text" if language == "en" else "不是文本"
    return str(error)


def _names(language: Language, campaign: Campaign | None) -> Callable[[str, object], str]:
    from tracker.core.naming import Names

    names = None if campaign is None else Names(campaign, language)

    def say(name: str, fact: object) -> str:
        if isinstance(fact, tuple):
            listed = [str(each) for each in fact]
            return (
                _near(listed, language)
                if name == "near"
                else ("、" if language == "zh" else ", ").join(listed)
            )
        if isinstance(fact, BaseException):
            return reason(fact, language)
        text = in_language(fact if isinstance(fact, str) else str(fact), language)
        if name == "state":
            return word(text, language)
        if names is not None and campaign is not None and name in ("unit", "ref", "key"):
            return campaign.unit_name(text) if name == "unit" else names.occurrence(text)
        return _WORDS.get(text, text) if name in ("what", "role") and language == "zh" else text

    return say


def _near(names: list[str], language: Language) -> str:
    """What an unknown name may be a slip of."""
    if language == "en":
        return did_you_mean(names)
    return f"（是否为{'或'.join(f'“{name}”' for name in names)}？）" if names else ""
