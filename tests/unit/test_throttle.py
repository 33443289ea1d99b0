"""Guesses are slowed down by address and by name, and nobody is locked out."""

import pytest

from tracker.web.base import throttle
from tracker.web.base.throttle import ADDRESS_GAP, FREE, LONGEST_WAIT, OF_ADDRESS, OF_NAME, Throttle


def guess(door, name, address, now):
    """One wrong guess; whether it was let through."""
    if door.wait(name, address, now) > 0:
        return False
    door.failed(name, address, now)
    return True


def test_waits_for_one_name_from_one_address_double_up_to_a_minute():
    door, now = Throttle(), 0.0
    waits: list[float] = []
    for _ in range(FREE + 8):
        wait = door.wait("wang", "10.0.0.1", now)
        waits.append(round(wait, 6))
        now += wait
        # The address gets its attempts back meanwhile; only the name's own wait is measured.
        now += 3 * ADDRESS_GAP if not wait else 0
        if wait:
            assert door.wait("wang", "10.0.0.1", now) == 0
        door.failed("wang", "10.0.0.1", now)
    assert waits[:FREE] == [0.0] * FREE
    assert max(waits) <= LONGEST_WAIT


def test_a_burst_for_one_name_is_stopped_after_a_few():
    door = Throttle()
    assert [guess(door, "wang", "10.0.0.1", 0.0) for _ in range(6)] == [True] * FREE + [False] * 3


def test_the_wait_grows_with_each_failure():
    door, now = Throttle(), 0.0
    waits: list[float] = []
    while len(waits) < 8:
        wait = door.wait("wang", "10.0.0.1", now)
        if wait:
            waits.append(wait)
            now += wait
        else:
            door.failed("wang", "10.0.0.1", now)
    assert waits == sorted(waits)
    assert waits[:3] == [2, 4, 8]
    assert max(waits) == LONGEST_WAIT


def test_a_name_that_is_guessed_from_one_address_is_free_from_another():
    door = Throttle()
    while guess(door, "wang", "10.0.0.1", 0.0):
        pass
    assert door.wait("wang", "10.0.0.2", 0.0) == 0


def test_one_address_that_goes_through_names_is_stopped():
    door = Throttle()
    tried = [guess(door, f"name{number}", "10.0.0.1", 0.0) for number in range(OF_ADDRESS + 5)]
    assert tried == [True] * OF_ADDRESS + [False] * 5
    assert door.wait("name99", "10.0.0.1", ADDRESS_GAP) == 0


def test_a_name_that_is_guessed_from_everywhere_is_free_where_it_has_signed_in():
    door = Throttle()
    assert door.wait("wang", "10.9.9.9", 0.0) == 0
    door.succeeded("wang", "10.9.9.9")
    tried = [guess(door, "wang", f"10.0.{number}.1", 0.0) for number in range(OF_NAME + 5)]
    assert tried.count(False) >= 5
    assert door.wait("wang", "10.77.0.1", 0.0) > 0
    assert door.wait("Wang ", "10.9.9.9", 0.0) == 0


def test_what_is_refused_makes_no_wait_longer():
    door = Throttle()
    while guess(door, "wang", "10.0.0.1", 0.0):
        pass
    first = door.wait("wang", "10.0.0.1", 0.0)
    for _ in range(100):
        door.wait("wang", "10.0.0.1", 0.0)
    assert door.wait("wang", "10.0.0.1", 0.0) == first


def test_failures_are_forgotten_in_time():
    door = Throttle()
    while guess(door, "wang", "10.0.0.1", 0.0):
        pass
    assert guess(door, "wang", "10.0.0.1", 3600.0)
    assert door.wait("wang", "10.0.0.1", 3600.0) == 0


@pytest.mark.parametrize(
    ("one", "other"), [("2001:db8::1", "2001:db8::2:3"), ("::ffff:10.0.0.1", "10.0.0.1")]
)
def test_addresses_of_one_subscriber_count_together(one, other):
    door = Throttle()
    while guess(door, "wang", one, 0.0):
        pass
    assert door.wait("wang", other, 0.0) > 0


def test_memory_has_a_bound(monkeypatch):
    monkeypatch.setattr(throttle, "MOST", 50)
    door = Throttle()
    for number in range(500):
        guess(door, f"name{number}", f"10.0.{number % 250}.{number // 250}", 0.0)
        door.succeeded(f"name{number}", f"10.1.{number % 250}.{number // 250}")
    for kept in (door._by_address, door._by_name, door._failures, door._known):
        assert len(kept) <= 50


def test_others_at_a_shared_address_do_not_slow_whoever_has_signed_in_there():
    door, refused = Throttle(), 0
    door.succeeded("wang", "10.0.0.1")
    for now in range(120):
        guess(door, f"n{now % 40}", "10.0.0.1", float(now))
        if now % 6 == 0:
            refused += door.wait("wang", "10.0.0.1", now + 0.5) > 0
            door.succeeded("wang", "10.0.0.1")
    assert refused == 0


def test_a_browser_in_which_a_name_has_signed_in_is_slowed_down_by_its_own_failures_alone():
    door = Throttle()
    for now in range(120):
        guess(door, "wang", "10.0.0.1", float(now))
        guess(door, "wang", f"10.0.1.{now}", float(now))
    assert door.wait("wang", "10.0.0.1", 120.0) > 0
    assert door.wait("wang", "browser x", 120.0, is_known=True) == 0
    for _ in range(FREE):
        door.failed("wang", "browser x", 120.0)
    assert door.wait("wang", "browser x", 120.0, is_known=True) > 0
