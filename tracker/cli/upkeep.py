"""``backup``, ``restore``, ``upgrade``: the database."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.context import given, parse_day
from tracker.cli.output import (
    Format,
    FormatOption,
    choose_language,
    pick,
    print_csv,
    print_json,
    say,
    say_result,
)

if TYPE_CHECKING:
    from tracker.service.forget import Forgotten
    from tracker.usecases.maintenance import Restored

#: Said where a backup has no keys.
KEYS_OUTSIDE = (
    "备份中没有邮件链接的密钥（来自 TRACKER_SECRET 或无法读取）：请另行妥善保存，否则恢复后已发邮件中的链接全部失效",
    (
        "the key that signs links is not in it (it comes from TRACKER_SECRET, or cannot be read): save it as well, "
        "or after a restore each link in mails already out is dead"
    ),
)

#: What becomes of the links in mails that are out.
KEYS = {
    "here": ("已发邮件中的链接照常有效", "links in mails already out work"),
    "backup": (
        "密钥在备份内：已发邮件中的链接在恢复后照常有效",
        "the backup has the key: after a restore links in mails already out work",
    ),
    "missing": (
        "缺少密钥：已发邮件中的链接无效，请把原来的密钥加到 TRACKER_SECRET（“新密钥 旧密钥”）",
        "the key is missing: links in mails out are dead; add the one that signed them to TRACKER_SECRET (NEW OLD)",
    ),
    "unknown": (
        "备份出自早先版本，其中没有密钥：请把原来的密钥文件（数据库旁的 secret）一并拷来",
        "the backup is of an earlier version and has no key: copy the file secret beside the old database as well",
    ),
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("backup", short_help="备份 · Copy the database while the service runs")(backup)
    app.command("restore", short_help="恢复备份 · Put a backup back")(restore)
    app.command("prune", short_help="清理 · Forget old bodies and uploads, or a person")(prune)
    app.command("upgrade", short_help="升级数据库 · Bring the database up to this version")(upgrade)


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="备份文件 · Where to write it")],
    force: Annotated[
        bool, typer.Option("--force", help="覆盖内容更多的备份 · Also over a backup that has more in it")
    ] = False,
) -> None:
    """备份 · Copy the database into one file while the service runs; it is read back before it takes its name."""
    from tracker.usecases import maintenance

    with given(context).open(lenient=True) as app:
        size, has_keys = maintenance.backup(app, file, forced=force)
        language = choose_language(app.force.campaign.language)
    say(pick((f"{file}：{size / 1e6:.1f} MB，已核对", f"{file}: {size / 1e6:.1f} MB, read back"), language))
    if not has_keys:
        say(pick(KEYS_OUTSIDE, language))


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="备份文件 · The backup")],
    force: Annotated[
        bool, typer.Option("--force", help="服务在运行也恢复 · Even while a service is at work")
    ] = False,
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="只演练，什么也不改 · Prove the backup and change nothing")
    ] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """恢复备份 · Put a backup in the place of the database.  What went out since is not sent again."""
    from tracker.usecases import maintenance

    with given(context).open(lenient=True) as app:
        found = maintenance.rehearse(app, file) if rehearse else maintenance.restore(app, file, forced=force)
        language = choose_language(app.force.campaign.language)
    if output is Format.JSON:
        facts = {"file": str(file), "rehearsed": rehearse, "ok": found.is_whole, **asdict(found)}
        last = found.last_event
        print_json({**facts, "last_event": last and last.isoformat()})
    else:
        say(pick(_restored(found, is_rehearsed=rehearse), language))
    if output is not Format.JSON or found.keys is maintenance.Keys.MISSING:
        say(pick(KEYS[found.keys.value], language))
    if rehearse and not found.is_whole:
        raise typer.Exit(1)


def _restored(found: Restored, *, is_rehearsed: bool) -> tuple[str, str]:
    rows, last = (
        sum(found.rows.values()),
        f"{found.last_event:%Y-%m-%d %H:%M} UTC" if found.last_event else "—",
    )
    zh = f"{rows} 行（最后一件事记于 {last}）；{found.let_go} 封待发邮件不再发出，今日及以前的提醒视为已发"
    en = (
        f"{rows} rows (the last event of {last}); {found.let_go} waiting mails let go, and reminders up to today count "
        "as sent"
    )
    if not is_rehearsed:
        return f"已恢复 {zh}", f"restored: {en}"
    if not found.has_ledger:
        return (
            f"备份中没有台账，不能用来恢复（只有 {rows} 行），什么也没有改",
            f"the backup holds no ledger and is no use ({rows} rows only); nothing was changed",
        )
    if found.after:
        zh += f"；现有台账中有 {found.after} 件事不在备份内"
        en += f"; {found.after} events of the present ledger are not in it"
    return (
        f"演练完好，什么也没有改：将恢复 {zh}",
        f"the backup is whole, nothing was changed: a restore would bring {en}",
    )


def upgrade(context: typer.Context) -> None:
    """升级数据库 · Bring the database up to this version's tables: all of it, or nothing."""
    from tracker.store.upgrades import upgrade as run

    with given(context).open(lenient=True) as app:
        before, after = run(app.database_url)
        language = choose_language(app.force.campaign.language)
    if before == after:
        say(pick((f"已是结构版本 {after}", f"the database has schema {after} already"), language))
    else:
        say(
            pick(
                (f"已由结构版本 {before} 升级到 {after}", f"upgraded from schema {before} to {after}"),
                language,
            )
        )


def prune(
    context: typer.Context,
    before: Annotated[
        str | None, typer.Option(metavar="D", help="早于此日 · What is older than this day")
    ] = None,
    person: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT",
            help="一个人的姓名、邮箱、电话，可写多次 · A name, address or phone of one person; may be repeated",
        ),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="姓名中含有此人姓名的另一人 · Somebody else, whose longer name has theirs within",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只看不做 · Show it, change nothing")] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """清理：邮件正文、已被替换的上传文件、登录记录，或一个人的姓名 · Forget what is old, or a person; never events."""
    from tracker.errors import UsageError
    from tracker.usecases import maintenance

    if (before is None) is (not person):
        raise UsageError("prune_what")
    with given(context).open(lenient=True) as app:
        language = choose_language(app.force.campaign.language)
        if before is not None:
            found = maintenance.prune_before(
                app, parse_day(before, "--before", app.force.zone), dry_run=dry_run
            )
        else:
            found = maintenance.prune_person(app, person or [], keep or [], dry_run=dry_run)
    facts: dict[str, object] = {"dry_run": dry_run, "mails": found.mails, "uploads": found.uploads}
    facts |= {"sign_ins": found.sign_ins, "pseudonym": found.pseudonym, "left": found.left}
    facts["places"] = {name: number for name, number in found.places.items() if number}
    if output is Format.JSON:
        print_json(facts)
    elif output is Format.CSV:
        print_csv([facts], tuple(facts))
    else:
        say_result(_pruned(found, is_chinese=language == "zh", is_person=bool(person), dry_run=dry_run))
    if found.left:
        names = "、".join(found.left) if language == "zh" else ", ".join(found.left)
        said = (f"此人仍见于现行报表的原件：{names}", f"still in the original of a table in force: {names}")
        say(pick(said, language))
    if person and not dry_run:
        said = (
            "此前的备份、日志和已发出的邮件不在数据库内，须另行处理",
            "backups made before, logs and mails that went out are not in the database: see to them as well",
        )
        say(pick(said, language))


def _pruned(found: Forgotten, *, is_chinese: bool, is_person: bool, dry_run: bool) -> str:
    if is_person and found.pseudonym is None:
        return "没有找到此人" if is_chinese else "this person stands nowhere"
    if is_person:
        rows = found.places.total()
        if is_chinese:
            return (
                f"{'将' if dry_run else '已'}改为“{found.pseudonym}”：{rows} 处；清除文件 {found.uploads} 个"
            )
        verb = "would become" if dry_run else "became"
        return f"{verb} “{found.pseudonym}” in {rows} places; {found.uploads} files forgotten"
    if is_chinese:
        done = "将清理" if dry_run else "已清理"
        return f"{done}邮件正文 {found.mails} 封、上传文件 {found.uploads} 个、登录记录 {found.sign_ins} 条"
    done = "would be forgotten" if dry_run else "forgotten"
    return f"{done}: {found.mails} mail bodies, {found.uploads} uploads, {found.sign_ins} sign-ins"
