"""How many are in is the same on every page, and the dates of other years are told as dates."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from tests.tools import Place, quick_folder
from tests.web import answer, browser, office, turn
from tracker.core.model import EventKind, Light
from tracker.dashboard.response_counts import ResponseCounts, ResponsePart
from tracker.dashboard.status_overview import StatusFilter
from tracker.dashboard.timeline import timeline
from tracker.web.base.site import Site

TASKS = """\
campaign:
  title: 安全培训专项治理
  document: 试发〔2022〕1号
  issued: 2022-04-08
  chase_from: 2022-04-08
  timezone: Asia/Shanghai
  language: zh
  task_count: 5
tasks:
  - {id: 1, section: 一、总体要求, text: 严把数据质量关。, owners: 各区, deadline: 持续推进}
  - {id: 2, section: 二、执法检查, text: 报送名单。, owners: 各区, deadline: 2022年6月1日前}
  - {id: 3, section: 二、执法检查, text: 总结去年。, owners: 各区, deadline: 2022年前}
  - {id: 4, section: 二、执法检查, text: 明年的事。, owners: 各区, deadline: 2023年3月31日前}
  - {id: 5, section: 二、执法检查, text: 早已到期的事。, owners: 各区, deadline: 2022年2月15日前}
reports:
  - {id: table-2, title: 汇总表, owners: 各区, deadline: "2022年5月起，每月5日前"}
"""
NAMES = ("wanzhou", "fuling", "chengkou", "jiangbei")
UNITS = (
    "units:\n"
    + "".join(f"  - {{id: {name}, name: {name}局, aliases: [], contacts: []}}\n" for name in NAMES)
    + f"groups:\n  - {{id: districts, name: 各区, members: [{', '.join(NAMES)}]}}\n"
)
REF = "table-2@2022-06"


@pytest.fixture(scope="module")
def app():
    with quick_folder() as folder:
        place = Place(folder, tasks=TASKS, units=UNITS)
        with office(folder, config=place.config) as made:
            answer(made, REF, "wanzhou")
            answer(made, REF, "fuling", EventKind.WAIVE)
            answer(made, REF, "chengkou", EventKind.PAUSE)
            yield made


@pytest.fixture(scope="module")
def client(app):
    return browser(app)


def part(html, start, end):
    rest = html[html.index(start) :]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", rest[: rest.index(end)]))


def test_who_is_waived_or_paused_is_neither_in_nor_missing_on_any_page(client):
    board = client.get("/?month=2022-06&language=en").text
    assert " 1/2 " in part(board, '<a href="/item/table-2" title', "\n")
    # The same on a phone, where the matrix is a list.
    listed = part(board, '<li><a href="/item/table-2">', "</li>")
    assert "1 of 2 in · 2 set aside" in listed
    assert "1 of 2 in · 2 set aside" in part(
        client.get(f"/item/table-2?ref={REF}&language=en").text, "<h2>汇", "</h2>"
    )
    line = client.get("/timeline?year=2022&language=en").text
    assert (
        f'ref={REF.replace("@", "%40")}" aria-label="汇总表, due 5 June 2022, 1 of 2 in · 2 set aside"'
        in line
    )
    month = part(client.get("/month/2022-06?language=en").text, 'id="table-2"', "</section>")
    assert "1 of 2 in" in month
    assert "1 unit is missing" in month
    assert "2 units waived or paused" in month


def test_who_is_excused_keeps_a_light_of_their_own(client):
    html = client.get("/?month=2022-06").text
    for unit in ("fuling", "chengkou"):
        assert re.search(rf'<td class="y"><a href="/assignment/{unit}/table-2@2022-06">', html)


def test_where_all_are_excused_nothing_is_expected_and_nothing_divided_by(app, client):
    for unit in NAMES:
        answer(app, "2", unit, EventKind.WAIVE)
    try:
        html = client.get("/?month=2022-06&language=en").text
        assert "4 set aside" in part(html, '<li><a href="/item/2">', "</li>")
        assert client.get("/timeline").status_code == client.get("/item/2").status_code == 200
    finally:
        for unit in NAMES:
            answer(app, "2", unit, EventKind.UNDO)


def test_a_bar_is_as_full_as_the_numbers_beside_it(client):
    html = client.get(f"/item/table-2?ref={REF}&language=en").text
    entry = html[html.index(f'ref={REF.replace("@", "%40")}"') :]
    entry = entry[: entry.index("</li>")]
    assert "1 of 2 in" in entry
    bars = re.findall(r'class="fill-(\w+)( \w+)?" x="([\d.]+)" y="\d" width="([\d.]+)"', entry)
    assert bars == [
        ("amber", "", "0.00", "25.00"),
        ("red", " missing", "25.00", "25.00"),
        ("grey", " excused", "50.00", "50.00"),
    ]


def test_the_pieces_of_a_bar_are_all_of_it():
    tally = ResponseCounts()
    for share, (piece, light) in enumerate([(part, light) for part in ResponsePart for light in Light], 1):
        tally.add(piece, light, share)
    pieces = list(tally.bar())
    assert len(pieces) == len(ResponsePart) * len(Light)
    place = 0.0
    for each in pieces:
        assert each.start == pytest.approx(place)
        place += each.share
    assert place == pytest.approx(1)
    assert list(ResponseCounts().bar()) == []
    filled = sum(each.share for each in pieces if each.part is ResponsePart.IN)
    assert filled == pytest.approx(tally.answered / (tally.expected + tally.excused + tally.before))


def test_the_number_that_is_overdue_leads_to_so_many(app):
    client = browser(app)
    for query in ("", "unit=wanzhou", "month=2022-06&section=二、执法检查", "state=amber"):
        html = client.get(f"/?{query}&language=en").text
        ((link, number),) = re.findall(r'<a class="light red big" href="([^"]*)">(\d+) items? overdue', html)
        found = client.get(f"/{link.replace('&amp;', '&')}").text
        listed = re.findall(r'<span class="light (\w+)">(\d+)</span>', found[found.index('class="stack"') :])
        assert {light for light, _ in listed} == {"red"}, query
        assert sum(int(each) for _, each in listed) == int(number), query
    everything = app_overdue(app, StatusFilter())
    assert app_overdue(app, StatusFilter(units=("wanzhou",))) < everything


def app_overdue(app, choice):
    return (
        Site(app).board.matrix(app.snapshot, choice, app.clock.now(), page=1, size=60).all_lights[Light.RED]
    )


def line_of(app, year):
    site = Site(app)
    with app.database.reading() as session:
        return timeline(site.board, session, app.snapshot, year, app.clock.now())


def test_what_is_due_in_another_year_is_not_called_ongoing(app, client):
    tracks = {track.definition.key: track for track in line_of(app, 2022).tracks}
    assert {key for key, track in tracks.items() if track.is_ongoing} == {"1"}
    assert tracks["3"].stops == ()
    assert tracks["3"].earlier.due == date(2021, 12, 31)
    assert tracks["3"].later is None
    assert tracks["4"].later.due == date(2023, 3, 31)
    zh = client.get("/timeline?year=2022&language=zh").text
    assert "◀ 2021年12月31日到期 · 已报 0/4" in zh
    assert "2023年3月31日到期 · 已报 0/4 ▶" in zh
    # Once in the picture, once in the list for phones.
    assert zh.count("持续推进，无期限") == 2
    listed = part(zh, '<li><a href="/item/4">', "</li>")
    assert "2023年3月31日 0/4" in listed
    there = client.get("/timeline?year=2021&language=en").text
    assert "due 31 March 2023 · 0 of 4 in ▶" in there


def test_the_line_begins_early_enough_for_what_it_shows(app):
    for year in (2021, 2022, 2023):
        line = line_of(app, year)
        for track in line.tracks:
            for stop in track.stops:
                assert 0 <= line.share(stop.due) < 1
    assert line_of(app, 2022).first == date(2022, 2, 1)


def test_a_unit_that_got_another_year_stands_at_the_edge(tmp_path):
    place = Place(tmp_path, tasks=TASKS, units=UNITS)
    with office(tmp_path, config=place.config) as app:
        turn(app, app.clock.now() - timedelta(days=20))
        answer(app, "2", "wanzhou", EventKind.EXTEND, until=date(2023, 1, 31), reason="洪水")
        (track,) = [track for track in line_of(app, 2022).tracks if track.definition.key == "2"]
        assert [stop.tally.expected for stop in track.stops] == [3]
        assert track.later.due == date(2023, 1, 31)
        html = browser(app).get("/timeline?year=2022&language=en").text
        # There is a box beside which words would not fit.
        assert re.search(r"<title>Task 2, due 31 January 2023, 0 of 1 in</title><text [^>]*>▶</text>", html)
        after = browser(app).get("/timeline?year=2023&language=en").text
        assert re.search(r"<title>Task 2, due 1 June 2022, 0 of 3 in</title><text [^>]*>◀</text>", after)


def test_all_units_of_an_item_are_reached_page_by_page(tmp_path):
    names = [f"unit{number}" for number in range(830)]
    units = (
        "units:\n"
        + "".join(f"  - {{id: {name}, name: {name}局, aliases: [], contacts: []}}\n" for name in names)
        + f"groups:\n  - {{id: districts, name: 各区, members: [{', '.join(names)}]}}\n"
    )
    place = Place(tmp_path, tasks=TASKS, units=units)
    with office(tmp_path, config=place.config) as app:
        client = browser(app)
        seen: list[str] = []
        path = f"/item/table-2?ref={REF}&language=en"
        for number in range(1, 4):
            html = client.get(path).text
            assert "0 of 830 in" in html
            here = re.findall(r'href="/assignment/(\w+)/table-2@2022-06"', html)
            assert f"Units {len(seen) + 1} to {len(seen) + len(here)} of 830" in html
            assert f"Page {number} of 3" in html
            seen += here
            following = re.search(r'<a rel="next" href="([^"]*)"', html)
            path = "/item/table-2" + following[1].replace("&amp;", "&") if following else ""
        assert path == ""
        assert seen == names
        assert "Page 3 of 3" in client.get(f"/item/table-2?ref={REF}&language=en&page=99").text
