"""``run`` and ``demo``: the service itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tracker.cli.context import given


def run(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once")] = False,
    no_web: Annotated[bool, typer.Option("--no-web", help="no_web")] = False,
    send_now: Annotated[bool, typer.Option("--send-now")] = False,
    accept_removals: Annotated[bool, typer.Option("--accept-removals")] = False,
    accept_older: Annotated[bool, typer.Option("--accept-older")] = False,
    begin: Annotated[bool, typer.Option("--begin")] = False,
    accept_correction: Annotated[bool, typer.Option("--accept-correction")] = False,
) -> None:
    """Run the service; --once does one pass and leaves."""
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
    seconds: Annotated[float, typer.Option(min=0, metavar="SECONDS")] = 60,
    folder: Annotated[Path, typer.Option("--dir", metavar="DIR")] = Path("var/demo"),
    no_web: Annotated[bool, typer.Option("--no-web", help="no_web")] = False,
) -> None:
    """2022 as a time-lapse, in a database and mailbox of its own."""
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
