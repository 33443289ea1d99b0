"""Asks the pages of this machine whether they answer: ``python -m tracker.web.alive``, for a container's health check.

It reads ``TRACKER_WEB`` and settings.yaml as the service does, imports none of it, and ends with 1 where nothing
answers.  A service without pages has nothing to ask.
"""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import yaml

#: Where the pages are unless the environment or settings.yaml say otherwise.
DEFAULT = "127.0.0.1:8080"

SECONDS = 4


def is_alive(environ: Mapping[str, str]) -> bool:
    """Whether /healthz answers well, by TLS or without; True where there are no pages."""
    address = environ.get("TRACKER_WEB", "").strip() or _in_settings(environ)
    if address == "off":
        return True
    parts = urlsplit(f"//{address}")
    host, port = parts.hostname or "127.0.0.1", parts.port or 8080
    # Which addresses it may have been bound to is all the same: this machine is among them.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - looked for, not bound
    context = ssl.create_default_context()
    if _is_own(host):
        # A certificate is made out to the name by which others come, and not to this machine's own address.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = HTTPConnection(host, port, timeout=SECONDS)
    secured = HTTPSConnection(host, port, timeout=SECONDS, context=context)
    return _answers(plain) or _answers(secured)


def _in_settings(environ: Mapping[str, str]) -> str:
    """What ``web`` in settings.yaml says; the service itself tells of whatever is wrong there."""
    path = Path(environ.get("TRACKER_CONFIG", "").strip() or "config") / "settings.yaml"
    try:
        web = yaml.safe_load(path.read_text(encoding="utf-8")).get("web", DEFAULT)
    except (OSError, ValueError, AttributeError, yaml.YAMLError):
        return DEFAULT
    if isinstance(web, dict):
        web = web.get("listen", DEFAULT)
    # ``off`` without quotes is false in YAML.
    return "off" if web is False else str(web or DEFAULT).strip()


def _is_own(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _answers(connection: HTTPConnection) -> bool:
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_alive(os.environ) else 1)
