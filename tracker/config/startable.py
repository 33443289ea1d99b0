"""What a start of the service would refuse, found without starting it: for ``tracker check``."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec

from tracker.core.policy import Web
from tracker.errors import Problem, TrackerError


def start_problems(web: Web, look_at_database: Callable[[], None], place: str) -> Iterator[Problem]:
    """An error for each, at ``place``; nothing is opened but the certificate."""
    looks: tuple[tuple[str, Callable[[], None]], ...] = (
        ("database", look_at_database),
        ("web.oidc", partial(refuse_no_provider_libraries, web)),
        ("web.certificate", partial(refuse_certificate, web)),
    )
    for path, look in looks:
        try:
            look()
        except TrackerError as error:
            yield Problem(place, 0, 0, path, error.message)


def refuse_no_provider_libraries(web: Web) -> None:
    """Raises TrackerError where people are to sign in by OpenID Connect and the libraries are missing."""
    if web.oidc is not None and not (find_spec("authlib") and find_spec("joserfc")):
        raise no_provider_libraries()


def no_provider_libraries() -> TrackerError:
    """What is said where they are missing."""
    return TrackerError("no_oidc")


def refuse_certificate(web: Web) -> None:
    """Raises TrackerError for a certificate or key of the pages that cannot be read or do not fit."""
    if web.certificate is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(web.certificate, web.key)
    except OSError as error:
        files = ", ".join(file for file in (web.certificate, web.key) if file is not None)
        raise TrackerError("no_certificate", files=files, error=error) from None
