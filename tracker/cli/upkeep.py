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
    print_csv,
    print_json,
    say,
    say_result,
    told,
)

if TYPE_CHECKING:
    from tracker.i18n.catalogue import Language
    from tracker.service.forget import Forgotten
    from tracker.usecases.maintenance import Restored


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    force: Annotated[bool, typer.Option("--force")] = False,
) -> None:
    """Copy the database into one file while the service runs; it is read back before it takes its name."""
    from tracker.usecases import maintenance

    with given(context).open(lenient=True) as app:
        size, has_keys = maintenance.backup(app, file, forced=force)
        language = choose_language(app.snapshot.campaign.language)
    say(told("backup.written", language, file=file, size=size / 1e6))
    if not has_keys:
        say(told("backup.keys_outside", language))


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    force: Annotated[bool, typer.Option("--force")] = False,
    rehearse: Annotated[bool, typer.Option("--rehearse")] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """Put a backup in the place of the database.  What went out since is not sent again."""
    from tracker.usecases import maintenance

    with given(context).open(lenient=True) as app:
        found = maintenance.rehearse(app, file) if rehearse else maintenance.restore(app, file, forced=force)
        language = choose_language(app.snapshot.campaign.language)
    if output is Format.JSON:
        facts = {"file": str(file), "rehearsed": rehearse, "ok": found.is_whole, **asdict(found)}
        last = found.last_event
        print_json({**facts, "last_event": last and last.isoformat()})
    else:
        say(_restored(found, language, is_rehearsed=rehearse))
    if output is not Format.JSON or found.keys is maintenance.Keys.MISSING:
        say(told(f"restore.keys.{found.keys.value}", language))
    if rehearse and not found.is_whole:
        raise typer.Exit(1)


def _restored(found: Restored, language: Language, *, is_rehearsed: bool) -> str:
    rows, last = sum(found.rows.values()), found.last_event
    if is_rehearsed and not found.has_ledger:
        return told("restore.no_ledger", language, rows=rows)
    facts = {"rows": rows, "last": f"{last:%Y-%m-%d %H:%M} UTC" if last else "—", "n": found.let_go}
    what = told("restore.what", language, **facts)
    if not is_rehearsed:
        return told("restore.done", language, what=what)
    if found.after:
        what = told("restore.without", language, what=what, n=found.after)
    return told("restore.would", language, what=what)


def upgrade(context: typer.Context) -> None:
    """Bring the database up to this version's tables: all of it, or nothing."""
    from tracker.store.upgrades import upgrade as run

    with given(context).open(lenient=True) as app:
        before, after = run(app.database_url)
        language = choose_language(app.snapshot.campaign.language)
    if before == after:
        say(told("upgrade.already", language, after=after))
    else:
        say(told("upgrade.done", language, before=before, after=after))


def prune(
    context: typer.Context,
    before: Annotated[str | None, typer.Option(metavar="D")] = None,
    person: Annotated[list[str] | None, typer.Option(metavar="TEXT")] = None,
    keep: Annotated[list[str] | None, typer.Option(metavar="NAME")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run")] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """Forget what is old, or a person; never events."""
    from tracker.errors import UsageError
    from tracker.usecases import maintenance

    if (before is None) is (not person):
        raise UsageError("prune_what")
    with given(context).open(lenient=True) as app:
        language = choose_language(app.snapshot.campaign.language)
        if before is not None:
            found = maintenance.prune_before(
                app, parse_day(before, "--before", app.snapshot.zone), dry_run=dry_run
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
        say_result(_pruned(found, language, is_person=bool(person), dry_run=dry_run))
    if found.left:
        say(told("prune.left", language, names=found.left))
    if person and not dry_run:
        say(told("prune.elsewhere", language))


def _pruned(found: Forgotten, language: Language, *, is_person: bool, dry_run: bool) -> str:
    if is_person and found.pseudonym is None:
        return told("prune.nobody", language)
    what = "person" if is_person else "old"
    facts = {"places": found.places.total(), "pseudonym": found.pseudonym, "mails": found.mails}
    facts |= {"uploads": found.uploads, "sign_ins": found.sign_ins}
    return told(f"prune.would.{what}" if dry_run else f"prune.done.{what}", language, **facts)
