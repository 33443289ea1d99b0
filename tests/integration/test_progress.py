"""Whoever starts the service is told what happens now, and not what happens tomorrow."""

from __future__ import annotations

import logging

import pytest

from tests.web import office
from tracker.service.progress import SAY_EVERY, ProgressLog
from tracker.usecases.running import where_to_look


@pytest.fixture
def app(tmp_path):
    with office(tmp_path) as made:
        yield made


def following(app, **more):
    return next(line for line in where_to_look(app, **more) if "next digests" in line)


def test_what_goes_now_is_not_said_to_go_tomorrow(app):
    assert "being written now" in following(app, at_once=True)
    app.engine.run_pass(at_once=True)
    assert "being written now" not in following(app, at_once=True)


def test_a_pass_says_that_mails_are_written_and_now_and_then_how_many_are_gone(app, caplog):
    seconds = iter([0.0, 0.1, SAY_EVERY + 0.2, SAY_EVERY + 0.3])
    progress = ProgressLog(lambda: next(seconds))
    caplog.set_level(logging.INFO, "tracker")
    for written, gone in ((43, 0), (0, 10), (0, 20), (0, 30)):
        progress(written, gone)
    assert caplog.messages == ["mail: 43 written, on their way", "mail: 20 gone so far"]


def test_the_engine_tells_what_it_has_written_before_it_sends(app):
    told = []
    app.engine.on_progress = lambda written, gone: told.append((written, gone))
    report = app.engine.run_pass(at_once=True)
    assert told[0] == (report.planned, 0)
    assert report.planned
