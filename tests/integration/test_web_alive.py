"""The health check of a container, and what ``check`` says of a start."""

import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import trustme

from tracker.config.startable import start_problems
from tracker.core.policy import Oidc, Web
from tracker.i18n.message import both
from tracker.store.database import refuse_no_driver
from tracker.web.alive import is_alive


class _Pages(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self):
        self.send_response(self.status if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, *_):
        """Nobody reads it."""


@pytest.fixture
def pages():
    server = HTTPServer(("127.0.0.1", 0), _Pages)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_pages_that_answer_are_alive_by_whatever_address_they_were_bound(pages):
    port = pages.server_address[1]
    assert is_alive({"TRACKER_WEB": f"127.0.0.1:{port}"})
    assert is_alive({"TRACKER_WEB": f"0.0.0.0:{port}"})
    assert is_alive({"TRACKER_WEB": "off"})


@pytest.mark.parametrize("web", ["'127.0.0.1:{port}'", "{{listen: '127.0.0.1:{port}'}}", "off", "'off'"])
def test_settings_say_where_the_pages_are_or_that_there_are_none(pages, tmp_path, web):
    environ = {"TRACKER_CONFIG": str(tmp_path)}
    (tmp_path / "settings.yaml").write_text(f"web: {web.format(port=pages.server_address[1])}\n")
    assert is_alive(environ)
    (tmp_path / "settings.yaml").write_text("web: [\n")
    assert not is_alive({**environ, "TRACKER_WEB": "127.0.0.1:1"})


def test_pages_that_answer_ill_or_not_at_all_are_not(pages, monkeypatch):
    port = pages.server_address[1]
    monkeypatch.setattr(_Pages, "status", 503)
    assert not is_alive({"TRACKER_WEB": f"127.0.0.1:{port}"})
    pages.server_close()
    assert not is_alive({"TRACKER_WEB": f"127.0.0.1:{port}"})


def test_pages_behind_a_certificate_of_another_name_are_alive(pages):
    context = trustme.CA().issue_cert("office.example")
    import ssl

    secured = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.configure_cert(secured)
    pages.socket = secured.wrap_socket(pages.socket, server_side=True)
    assert is_alive({"TRACKER_WEB": f"127.0.0.1:{pages.server_address[1]}"})


def found(web=None, database="sqlite:///x.db"):
    look = partial(refuse_no_driver, database)
    return [(each.path, both(each.message)) for each in start_problems(web or Web(), look, "settings.yaml")]


def test_check_says_what_a_start_would_refuse(monkeypatch, tmp_path):
    oidc = Web(oidc=Oidc("https://id.example", "tracker", "sub"))
    assert found() == found(oidc) == []
    monkeypatch.setattr("tracker.config.startable.find_spec", lambda _: None)
    [(path, message)] = found(oidc)
    assert path == "web.oidc"
    assert "deadline-tracker[oidc]" in message
    assert "单点登录" in message
    [(path, message)] = found(database="mysql://office.example/db")
    assert path == "database"
    key = tmp_path / "key.pem"
    key.write_text("no key", encoding="utf-8")
    [(path, message)] = found(Web(certificate=str(key), key=str(tmp_path / "gone.pem")))
    assert path == "web.certificate"
    assert "gone.pem" in message
