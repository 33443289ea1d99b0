"""``backup``, ``restore``, ``upgrade``: the database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tracker.cli.context import given
from tracker.cli.output import choose_language, pick, say


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("backup", short_help="备份 · Copy the database while the service runs")(backup)
    app.command("restore", short_help="恢复备份 · Put a backup back")(restore)
    app.command("upgrade", short_help="升级数据库 · Bring the database up to this version")(upgrade)


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="备份文件 · Where to write it")],
) -> None:
    """备份 · Copy the database into one file while the service runs; it is read back before it takes its name."""
    from tracker import upkeep

    with given(context).open(lenient=True) as app:
        size = upkeep.backup(app, file)
        language = choose_language(app.force.campaign.language)
    say(pick((f"{file}：{size / 1e6:.1f} MB，已核对", f"{file}: {size / 1e6:.1f} MB, read back"), language))


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="备份文件 · The backup")],
    force: Annotated[
        bool, typer.Option("--force", help="服务在运行也恢复 · Even while a service is at work")
    ] = False,
) -> None:
    """恢复备份 · Put a backup in the place of the database.  What went out since is not sent again."""
    from tracker import upkeep

    with given(context).open(lenient=True) as app:
        rows, let_go = upkeep.restore(app, file, forced=force)
        language = choose_language(app.force.campaign.language)
    said = (
        f"已恢复 {rows} 行；{let_go} 封待发邮件不再发出，今日及以前的提醒视为已发",
        f"{rows} rows restored; {let_go} waiting mails let go, and reminders up to today count as sent",
    )
    say(pick(said, language))


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
