"""``run`` and ``demo``: the service itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tracker.cli.context import given


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("run", short_help="启动服务 · The service; --once for cron")(run)
    app.command("demo", short_help="演示2022年全年 · The year 2022 as a time-lapse")(demo)


def run(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="只办理一次即退出 · One pass, for cron")] = False,
    no_web: Annotated[bool, typer.Option("--no-web", help="不启动网页 · Without the web pages")] = False,
    send_now: Annotated[
        bool,
        typer.Option(
            "--send-now",
            help="首次汇总邮件立即发出，不等工作日和发信时刻 · Send the first digests at once, whatever the hour",
        ),
    ] = False,
    accept_removals: Annotated[
        bool,
        typer.Option(
            "--accept-removals",
            help="确认文件修改中的删减 · The edited files may take away what has a history",
        ),
    ] = False,
    accept_older: Annotated[
        bool,
        typer.Option(
            "--accept-older",
            help="退回较早的一版文件 · The files are older than those in force, and meant",
        ),
    ] = False,
    begin: Annotated[
        bool,
        typer.Option("--begin", help="原有台账已不在，另起新台账 · Begin a new ledger where there was one"),
    ] = False,
    accept_correction: Annotated[
        bool,
        typer.Option(
            "--accept-correction",
            help="文号、印发日期的修改是更正，办理记录保留 · A changed document or date of issue is a correction",
        ),
    ] = False,
) -> None:
    """启动服务 · Run the service; --once does one pass and leaves."""
    import os

    from tracker.daemon.scheduler import run_once, run_service
    from tracker.service.log import set_up

    set_up(os.environ)
    with given(context).open(lenient=True) as app:
        app.begins, app.waits_for_ledger = begin, not once
        app.engine.accept_removals = accept_removals
        app.engine.accept_correction = accept_correction
        app.engine.accept_older = accept_older
        if once:
            run_once(app, at_once=send_now)
        else:
            run_service(app, at_once=send_now, with_pages=not no_web)


def demo(
    context: typer.Context,
    seconds: Annotated[
        float,
        typer.Option(
            min=0, metavar="SECONDS", help="演示时长（秒）· How long it takes, if the machine is quick enough"
        ),
    ] = 60,
    folder: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="演示数据目录 · Where its data goes")
    ] = Path("var/demo"),
    no_web: Annotated[bool, typer.Option("--no-web", help="不启动网页 · Without the web pages")] = False,
) -> None:
    """用一分钟演示2022年全年 · 2022 as a time-lapse, in a database and mailbox of its own."""
    import os
    import sys
    import time

    from tracker.cli.output import choose_language
    from tracker.config.environment import apply_environment
    from tracker.core.policy import Settings
    from tracker.daemon.demo import run_demo

    del context
    web = apply_environment(Settings(), os.environ).web
    run_demo(
        folder,
        seconds,
        pause=time.sleep,
        language=choose_language(),
        address=None if no_web or web is None else web.listen,
        stay=_stay if sys.stdout.isatty() else None,
    )


def _stay() -> None:
    """Until somebody has seen enough."""
    import threading
    from contextlib import suppress

    with suppress(KeyboardInterrupt):
        threading.Event().wait()
