"""A small house for one test: files in a folder, a database, a mailbox, and the real command line over them."""

from __future__ import annotations

import contextlib
import io
import json
from datetime import date
from email import message_from_bytes, policy

import pytest
import yaml
from freezegun import freeze_time

import tracker.daemon.scheduler
import tracker.usecases.ledger  # noqa: F401 - pydantic must not see freezegun's dates when these are first imported
from tests.acceptance.oracle import Line
from tracker.cli.main import main
from tracker.config.loader import load_or_raise

OWNERS = "全体"

#: What a unit is told by the dates alone; pace and what goes upward are tested by themselves.
REASONS = frozenset({"opened", "lead", "due_today", "overdue", "review", "returned"})


def task(id_, deadline, **more):
    return {"id": id_, "text": f"第{id_}项任务", "owners": OWNERS, "deadline": deadline, **more}


def report(id_, deadline, **more):
    return {"id": id_, "title": f"{id_}报表", "owners": OWNERS, "deadline": deadline, **more}


def unit(id_, *emails, language=None, **more):
    contacts = [
        {"name": f"{id_}联络员", "email": email, **({"language": language} if language else {})}
        for email in emails or (f"{id_}@unit.example",)
    ]
    return {"id": id_, "name": f"{id_}应急管理局", "contacts": contacts, **more}


class House:
    """``House(tmp_path, task(…), report(…), units=[…])`` writes the files; methods run the commands."""

    def __init__(self, folder, *asked, units=None, settings=None, holidays=None, **campaign):
        self.folder = folder
        self.config = folder / "config"
        self.config.mkdir(parents=True)
        self.mailbox = folder / "mailbox"
        self.transport = f"mailbox:{self.mailbox}"
        self.settings = settings or {}
        self.campaign = {
            "title": "试验专项工作",
            "document": "试发〔2022〕1号",
            "issued": "2022-04-08",
            "timezone": "Asia/Shanghai",
            "language": "zh",
            # As if the service had been there from the issue on, whenever a test begins.
            "chase_from": campaign.get("issued", "2022-04-08"),
            **campaign,
        }
        self.units = units or [unit("wanzhou")]
        self.write(*asked)
        for year, days in (holidays or {}).items():
            (self.config / "holidays").mkdir(exist_ok=True)
            self._dump(f"holidays/{year}.yaml", {"year": year, **days})
        self._seen: set[str] = set()

    def write(self, *asked):
        """Write the files, anew with other tasks and reports where they are there already."""
        tasks = [each for each in asked if "text" in each]
        reports = [each for each in asked if "text" not in each]
        self._dump(
            "tasks.yaml",
            {
                "campaign": {**self.campaign, "task_count": len(tasks)},
                "tasks": tasks,
                "reports": reports,
            },
        )
        everybody = {"id": "all", "name": OWNERS, "members": [each["id"] for each in self.units]}
        self._dump("units.yaml", {"units": self.units, "groups": [everybody]})
        self._dump("settings.yaml", self.settings)

    def _dump(self, name, value):
        text = yaml.safe_dump(value, allow_unicode=True, sort_keys=False)
        (self.config / name).write_text(text, encoding="utf-8")

    def events(self, *rows):
        """A file of events; its path.  A row is (at, ref, unit, event[, {more}])."""
        path = self.folder / "events.jsonl"
        lines = []
        for at, ref, unit_, event, *more in rows:
            facts = {"at": at, "ref": ref, "unit": unit_, "event": event, **(more[0] if more else {})}
            lines.append(json.dumps(facts, ensure_ascii=False))
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    # Commands.

    def tracker(self, *arguments, at=None, transport=None):
        """(exit code, standard output, standard error) of ``tracker …``, at a time of the wall clock."""
        out, err = io.StringIO(), io.StringIO()
        shared = ["--config", str(self.config), "--database", f"sqlite:///{self.folder / 'tracker.db'}"]
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.redirect_stdout(out))
            stack.enter_context(contextlib.redirect_stderr(err))
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            patch.setenv("TRACKER_MAIL", transport or self.transport)
            if at is not None:
                stack.enter_context(freeze_time(at, real_asyncio=True))
            left = stack.enter_context(pytest.raises(SystemExit))
            main([*shared, *arguments])
        code = left.value.code
        return (0 if code is None else code), out.getvalue(), err.getvalue()

    def ok(self, *arguments, **more):
        """Standard output of a command that must do well."""
        code, out, err = self.tracker(*arguments, **more)
        assert code == 0, err
        return out

    def simulate(self, first, last, events=None):
        """The mails as ``tracker simulate`` prints them."""
        more = ("--events", str(events)) if events else ()
        out = self.ok("simulate", "--from", first, "--to", last, *more)
        return [json.loads(line) for line in out.splitlines()]

    def told(self, first, last, events=None, to=None):
        """[(day, ref, reason, days left)] of all simulated mails, or of those to one address."""
        return [
            (mail["at"][:10], item["ref"], item["reason"], item["days_left"])
            for mail in self.simulate(first, last, events)
            if to in (None, *mail["to"])
            for item in mail["items"]
            if item["reason"] in REASONS
        ]

    def run_once(self, at, **more):
        """One pass of the service at ``at`` (with its offset), as cron would do it; the new mails."""
        self.ok("run", "--once", at=at, **more)
        return self.new_mails()

    def new_mails(self):
        """What ``tracker mail list`` tells of mails sent since this was last asked."""
        found = []
        for mail in map(json.loads, self.ok("mail", "list", "--format", "json").splitlines()):
            if mail["state"] == "sent" and mail["message_id"] not in self._seen:
                self._seen.add(mail["message_id"])
                found.append(mail)
        return found

    def letters(self):
        """The mails in the mailbox, parsed."""
        files = sorted(
            path for path in self.mailbox.rglob("*") if path.is_file() and path.parent.name != "tmp"
        )
        return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in files]

    def loaded(self):
        return load_or_raise(self.config)


def lines_of(mails):
    """{(day, address, kind): {Line, …}} of mails as JSON: every kind and every reason."""
    found: dict[tuple[date, str, str], set[Line]] = {}
    for mail in mails:
        [address] = mail["to"]
        lines = [
            Line(item["ref"], item["unit"], item["reason"], item["due"], item["days_left"])
            for item in mail["items"]
        ]
        key = (date.fromisoformat(mail["at"][:10]), address.lower(), mail["kind"])
        assert key not in found, f"two mails: {key}"
        assert len({(line.ref, line.unit) for line in lines}) == len(lines), f"said twice: {key}"
        found[key] = set(lines)
    return found


def differences(expected, got):
    """What is missing and what is too much, a line each, in both directions."""
    found = []
    for key in sorted({*expected, *got}):
        where = " ".join(map(str, key))
        if (key in expected) != (key in got):
            found.append(f"{where} {'is not sent' if key in expected else 'must not be sent'}")
        must, is_ = expected.get(key, set()), got.get(key, set())
        found += [f"{where} lacks {line}" for line in sorted(must - is_, key=str)]
        found += [f"{where} must not have {line}" for line in sorted(is_ - must, key=str)]
    return found


def assert_same(expected, got):
    found = differences(expected, got)
    assert not found, f"{len(found)} differences:\n" + "\n".join(found[:12])
