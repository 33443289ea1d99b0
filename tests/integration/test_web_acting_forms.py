"""The forms that the board's pages include: who sees them, and what they offer for each state."""

import re

import pytest

from tests.integration.web import house
from tracker.core.model import Event, EventKind
from tracker.core.roles import Role
from tracker.i18n.catalogue import words
from tracker.usecases import ledger
from tracker.web.base.identity import Identity

REF = "table-2@2022-05"


@pytest.fixture
def home():
    with house() as found:
        yield found


def drawn(home, template, role, **facts):
    """What the template becomes for somebody with ``role``."""

    class Asked:
        class url:  # noqa: N801 - as Starlette has it
            path, query = "/month/2022-05", 'a=b"<'

    person = None if role is None else Identity("王", role, "password")
    return home.site.environment.get_template(template).render(
        t=words("pages", "zh"),
        person=person,
        csrf="c",
        request=Asked,
        campaign=home.site.snapshot.campaign,
        called=str,
        root="",
        **facts,
    )


def row(home, *events):
    for kind in events:
        ledger.record(home.app, Event(home.clock.now(), REF, "wanzhou", EventKind(kind), who="w", reason="r"))
    return ledger.status(home.app, unit="wanzhou", ref=REF)[1][0]


@pytest.mark.parametrize(
    ("template", "facts"),
    [
        ("acting/remind.html", {"refs": [REF], "units": None}),
        ("acting/retry.html", {"mail": "failed"}),
    ],
)
@pytest.mark.parametrize("role", [None, *Role])
def test_forms_are_shown_to_those_whose_role_reaches(home, template, facts, role):
    least = Role.OPERATOR if "retry" in template else Role.SUPERVISOR
    is_shown = "<button" in drawn(home, template, role, **facts)
    assert is_shown == (role is not None and role >= least)


@pytest.mark.parametrize("role", [None, Role.VIEWER])
def test_viewers_see_no_answers(home, role):
    assert "<form" not in drawn(home, "acting/actions.html", role, row=row(home))
    assert "<form" not in drawn(home, "acting/accept_many.html", role, rows=[row(home, "submit")])


@pytest.mark.parametrize(
    ("events", "offered"),
    [
        ([], ["waive", "pause", "remind", "extend"]),
        (["submit"], ["accept", "undo", "return"]),
        (["submit", "accept"], ["undo", "return"]),
        (["submit", "return"], ["waive", "pause", "undo", "remind", "extend"]),
        (["pause"], ["resume", "waive", "undo", "extend"]),
        (["waive"], ["undo"]),
        (["waive", "undo"], ["waive", "pause", "remind", "extend"]),
        (["nil"], ["accept", "undo", "return"]),
    ],
)
def test_what_is_offered_for_each_state_is_taken(home, events, offered):
    row(home, *events)
    page = home.sign_in("王科长").get(f"/assignment/wanzhou/{REF}").text
    found = re.findall(r'action="(?:/act)?/(\w+)"', page)
    assert [each for each in found if each in {*map(str, EventKind), "remind"}] == offered


def test_the_answers_lead_back_to_the_page_they_stand_on(home):
    page = drawn(home, "acting/actions.html", Role.SUPERVISOR, row=row(home), may_undo=True)
    assert 'value="/month/2022-05?a=b&#34;&lt;"' in page


def test_only_what_was_submitted_is_offered_to_be_accepted_together(home):
    rows = [row(home, "submit"), *ledger.status(home.app, unit="fuling", ref=REF)[1]]
    page = drawn(home, "acting/accept_many.html", Role.SUPERVISOR, rows=rows)
    assert re.findall(r'name="cell" value="([^"]*)"', page) == [f"wanzhou {REF}"]


def test_the_units_to_be_reminded_may_be_named(home):
    assert 'name="units"' not in drawn(home, "acting/remind.html", Role.SUPERVISOR, refs=[REF])
    page = drawn(home, "acting/remind.html", Role.SUPERVISOR, refs=[REF, "2"], units=["a", "b"])
    assert f'name="refs" value="{REF} 2"' in page
    assert 'name="units" value="a b"' in page
