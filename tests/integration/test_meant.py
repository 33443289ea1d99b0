"""What people mean by a name and a date is taken, asked or refused, by command and in a file of events alike."""

from __future__ import annotations

import pytest

from tests.tools import CAMPAIGN, SETTINGS, UNITS
from tests.world import at
from tracker.clock import VirtualClock
from tracker.core.model import Event, EventKind
from tracker.core.naming import sentence
from tracker.errors import ConfigError, LedgerError, TrackerError, UsageError
from tracker.service.app import App
from tracker.usecases import ledger, mailing

TITLE = "汇总表（培训机构）"


@pytest.fixture
def app(tmp_path):
    tasks = CAMPAIGN.replace("  - id: table-2\n", "  - id: table-2\n    short: 附件2\n")
    for name, text in (("tasks", tasks), ("units", UNITS), ("settings", SETTINGS)):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    found = App(tmp_path, database="sqlite://", environ={}, clock=VirtualClock(at("2022-06-10 10:00")))
    yield found
    found.close()


def event(ref, kind="submit", unit="涪陵", on="2022-06-10 10:00", **more):
    return Event(at(on), ref, unit, EventKind(kind), who="李四", **more)


def refused(app, *given, **more):
    with pytest.raises(TrackerError) as caught:
        ledger.record(app, event(*given, **more))
    return caught.value, sentence(caught.value, "zh", app.snapshot.campaign, on_command_line=True)


@pytest.mark.parametrize("name", ["附件2", TITLE])
def test_a_name_after_the_due_day_is_what_is_overdue(app, name):
    assert ledger.record(app, event(name)).ref == "table-2@2022-06"
    # Of June nothing is open any more, of May and July something is: nobody guesses.
    for kind in ("submit", "nil", "waive", "pause"):
        error, said = refused(app, name, kind)
        assert isinstance(error, UsageError)
        assert "table-2@2022-05、table-2@2022-07、table-2@2022-06" in said
    # What is in can be accepted and sent back, and nothing else can.
    assert ledger.record(app, event(name, "accept")).ref == "table-2@2022-06"
    assert ledger.record(app, event(name, "return", reason="不全")).ref == "table-2@2022-06"
    assert ledger.record(app, event(name)).ref == "table-2@2022-06"
    # Another unit's answers say nothing of this one's.
    assert ledger.record(app, event(name, unit="万州")).ref == "table-2@2022-06"


def test_where_nothing_else_is_open_it_is_a_correction(app):
    for ref in ("table-2@2022-05", "table-2@2022-06", "table-2@2022-07"):
        ledger.record(app, event(ref))
    assert ledger.record(app, event("附件2")).ref == "table-2@2022-06"
    error, said = refused(app, "table-2")
    assert said.endswith("例如 table-2@2022-06"), error


def supposed(app, tmp_path, *lines):
    path = tmp_path / "events.csv"
    path.write_text("\n".join(["at,ref,unit,event,count,until", *lines]), encoding="utf-8")
    days = (at("2022-06-01").date(), at("2022-06-30").date())
    return [fact for _, fact in mailing.simulated_mails(app, *days, events_file=path)]


def test_a_file_of_events_is_read_by_the_same_rule(app, tmp_path):
    told = supposed(app, tmp_path, "2022-06-10,附件2,涪陵,submit,,", "2022-06-10,附件2,万州,submit,,")
    late = [item for mail in told for item in mail["items"] if item["ref"] == "table-2@2022-06"]
    assert late
    assert all(mail["at"] < "2022-06-10" for mail in told for item in mail["items"] if item in late)
    with pytest.raises(ConfigError, match=r"events.csv:3:1: .*table-2@2022-05"):
        supposed(app, tmp_path, "2022-06-10,附件2,涪陵,submit,,", "2022-06-11,附件2,涪陵,submit,,")


def test_nothing_counts_from_before_the_issue(app, tmp_path):
    error, said = refused(app, "2/first-list", unit="万州", on="2021-05-10")
    assert (type(error), said) == (UsageError, "2021-05-10早于印发日期2022-04-08")
    with pytest.raises(ConfigError, match=r"events.csv:2:1: 2021-05-10 lies before the date of issue"):
        supposed(app, tmp_path, "2021-05-10,2/first-list,万州,submit,,")
    # The very day is one of its days.
    row = ledger.record(app, event("2/first-list", unit="万州", on="2022-04-08 00:00"))
    assert row.light.value == "green"


@pytest.mark.parametrize(
    ("ref", "kind", "more", "said"),
    [
        ("2", "nil", {"count": 2}, "只有报送才填数量"),
        ("2", "accept", {"count": 2}, "只有报送才填数量"),
        ("2", "submit", {"count": 0}, "数量应大于零"),
        ("2", "submit", {"count": -1}, "数量应大于零"),
        ("table-2@2022-06", "submit", {"count": 7}, "没有数量要求，不填数量"),
        ("2", "submit", {"until": at("2022-07-01").date()}, "只有延期才填新的日期"),
    ],
)
def test_what_contradicts_itself_or_cannot_apply_is_refused(app, tmp_path, ref, kind, more, said):
    error, sentence = refused(app, ref, kind, **more)
    assert isinstance(error, LedgerError)
    assert said in sentence
    assert ledger.history(app) == []
    line = f"2022-06-10,{ref},涪陵,{kind},{more.get('count', '')},{more.get('until', '')}"
    with pytest.raises(ConfigError, match=r"events\.csv:2:1: ") as caught:
        supposed(app, tmp_path, line)
    assert said in str(caught.value)
