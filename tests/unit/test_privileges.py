"""Root of a whole machine does not run the service; root of a container, and whoever insists, does."""

import pytest

from tests.tools import Place, quick_folder
from tracker.core.naming import sentence
from tracker.daemon import scheduler
from tracker.service.privileges import ALLOWED, INITS, Privileges, RootRefusedError, refuse_root, standing

SERVICE = {"INVOCATION_ID": "0123456789abcdef"}
WHOLE = "         0          0 4294967295\n"
MAPPED = "         0       1000          1\n"


def machine(folder, *, first="systemd", ids=WHOLE, mark=None):
    """What stands below ``/``."""
    for path, text in (("proc/1/comm", f"{first}\n"), ("proc/self/uid_map", ids), (mark, "")):
        if path is not None:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
    return folder


def found(folder, environ=None, *, user=0, ids=(77, 1)):
    return standing(SERVICE if environ is None else environ, top=folder, user=user, ids=ids)


def test_root_of_a_machine_is_refused_as_a_service_and_told_the_ways_out(tmp_path):
    with pytest.raises(RootRefusedError, match="not to run as a service") as refused:
        refuse_root(found(machine(tmp_path)), is_open=False)
    for way in ("DynamicUser=yes", "container", f"{ALLOWED}=1"):
        assert way in str(refused.value)
    assert "不能以 root 身份作为系统服务运行" in sentence(refused.value, "zh")


def test_root_at_a_terminal_is_refused_where_other_machines_would_see_the_pages(tmp_path):
    by_hand = found(machine(tmp_path), {})
    with pytest.raises(RootRefusedError, match="not to run for other machines"):
        refuse_root(by_hand, is_open=True)
    assert "another user" in str(refuse_root(by_hand, is_open=False))


@pytest.mark.parametrize("init", sorted(INITS))
def test_every_init_is_the_mark_of_a_machine(tmp_path, init):
    assert found(machine(tmp_path, first=init)).is_too_much


@pytest.mark.parametrize(
    ("facts", "environ"),
    [
        ({"mark": ".dockerenv"}, {}),
        ({"mark": "run/.containerenv"}, {}),
        ({"mark": "run/systemd/container"}, {}),
        ({}, {"container": "lxc"}),
        ({"first": "tracker"}, {}),
        ({"first": "tini"}, {}),
        ({"ids": MAPPED}, {}),
        ({}, {ALLOWED: "1"}),
    ],
)
def test_root_of_a_container_and_whoever_insists_are_not_even_told(tmp_path, facts, environ):
    there = found(machine(tmp_path, **facts), {**SERVICE, **environ})
    assert refuse_root(there, is_open=True) is None


def test_any_other_user_is_not_even_told(tmp_path):
    assert refuse_root(found(machine(tmp_path), user=1000), is_open=True) is None


@pytest.mark.parametrize(
    ("environ", "ids", "is_service"),
    [
        (SERVICE, (77, 1), True),
        ({**SERVICE, "SYSTEMD_EXEC_PID": "77"}, (77, 40), True),
        # A shell below a service, such as that of a build, inherits what systemd has said to the service.
        ({**SERVICE, "SYSTEMD_EXEC_PID": "40"}, (77, 40), False),
        (SERVICE, (77, 40), False),
        ({}, (77, 1), False),
    ],
)
def test_a_service_is_what_systemd_itself_has_started(tmp_path, environ, ids, is_service):
    assert found(machine(tmp_path), environ, ids=ids).is_service is is_service


def test_a_system_that_tells_nothing_is_no_obstacle(tmp_path):
    assert not found(tmp_path, user=1000).is_too_much


# --- in the service ---


@pytest.fixture
def place():
    with quick_folder() as folder:
        yield Place(folder)


@pytest.fixture
def root(monkeypatch):
    """The service finds that it runs as this."""

    def runs(*, is_service):
        as_root = Privileges(is_root=True, is_whole=True, is_service=is_service, is_allowed=False)
        monkeypatch.setattr(scheduler, "standing", lambda _: as_root)

    return runs


@pytest.mark.parametrize("more", [["--once"], [], ["--no-web"]])
def test_the_service_itself_refuses_before_it_does_anything(place, root, more):
    root(is_service=True)
    done = place.tracker("run", *more)
    assert (done.code, len(done.err.splitlines())) == (1, 1)
    assert "as a service" in done.err
    assert not place.mailbox.exists()


def test_the_service_refuses_root_at_an_address_of_other_machines(place, root):
    root(is_service=False)
    done = place.tracker("run", TRACKER_WEB="0.0.0.0:0")
    assert (done.code, len(done.err.splitlines())) == (1, 1)
    assert "for other machines" in done.err


def test_a_pass_by_hand_or_from_cron_goes_on_without_a_word(place, root):
    root(is_service=False)
    done = place.ok("run", "--once")
    assert "root" not in done.err


def test_the_service_by_hand_says_once_that_it_has_no_need_of_root(place, root, monkeypatch, caplog):
    root(is_service=False)
    monkeypatch.setattr(scheduler.Service, "run", lambda *_, **__: True)
    place.ok("run", "--no-web")
    place.ok("run", "--no-web", TRACKER_WEB="127.0.0.1:0")
    assert [record.levelname for record in caplog.records if "as root" in record.getMessage()] == [
        "WARNING"
    ] * 2
