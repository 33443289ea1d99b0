"""Signing in through a provider of OpenID Connect: the code flow with PKCE, state and nonce.

What is needed on the way back waits in the database, under a ticket that only this browser has in a cookie.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tracker.access.sign_in_journeys import LASTS, Journey, come_back, set_out
from tracker.config.startable import no_provider_libraries
from tracker.core.policy import Oidc, Web
from tracker.core.roles import Role
from tracker.web.base.access_policy import LONGEST_NAME, is_loopback
from tracker.web.base.identity import local_path
from tracker.web.base.site import Site, site_of

log = logging.getLogger("tracker.web")

COOKIE = "__Host-oidc"
#: Seconds for each question to the provider.
PATIENCE = 10
BACK = "/sign-in/oidc/back"
VIA = "oidc"

#: Signatures by a key that the provider alone has; never one by a secret, or none.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


@dataclass(frozen=True, slots=True)
class ProviderIdentity:
    """Somebody whom the provider names, with the role that the settings give them."""

    name: str
    role: Role
    following: str
    via: str = VIA


class ProviderError(Exception):
    """The provider does not answer as it should; the text is for the log."""


def load_libraries() -> None:
    """Read in what signing in needs, at the start, before there are threads.  Raises TrackerError where it is missing."""
    # One of them warns that it will use another one some day, and nobody here can do anything about that.
    with warnings.catch_warnings(record=True):
        try:
            import_module("authlib.integrations.httpx_client")
            import_module("joserfc.jwt")
        except ImportError:
            raise no_provider_libraries() from None


def leave(request: Request) -> Response:
    """To the provider."""
    site = site_of(request)
    settings = _settings(site)
    if settings is None:
        return RedirectResponse("/sign-in", 303)
    following = local_path(request.query_params.get("next"))
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    journey = Journey(state, nonce, verifier, following)
    try:
        with _client(site, settings) as client:
            address, _ = client.create_authorization_url(
                _provider(client, settings)["authorization_endpoint"],
                state=journey.state,
                nonce=journey.nonce,
                code_verifier=journey.verifier,
            )
    except Exception as error:  # noqa: BLE001 - a provider has many ways to fail, and each is the same to the reader
        _tell(error)
        return RedirectResponse(f"{BACK}?error=unreachable", 303)
    response = RedirectResponse(address, 303)
    with site.app.database.writing() as session:
        ticket = set_out(session, journey, site.now())
    response.set_cookie(
        COOKIE,
        ticket,
        max_age=int(LASTS.total_seconds()),
        path="/",
        secure=True,
        httponly=True,
        samesite="lax",
    )
    return response


def arrive(request: Request) -> ProviderIdentity | str:
    """Whom the provider names; or the word for what is wrong."""
    site = site_of(request)
    settings = _settings(site)
    query = request.query_params
    if settings is None or query.get("error") == "unreachable":
        return "unreachable"
    journey = _journey(site, request.cookies.get(COOKIE))
    if journey is None or not hmac.compare_digest(query.get("state", "").encode(), journey.state.encode()):
        return "stale"
    if "error" in query or not query.get("code"):
        return "refused"
    try:
        with _client(site, settings) as client:
            provider = _provider(client, settings)
            token = client.fetch_token(
                provider["token_endpoint"],
                grant_type="authorization_code",
                code=query["code"],
                code_verifier=journey.verifier,
            )
            keys = client.request("GET", provider["jwks_uri"], withhold_token=True)
            keys.raise_for_status()
            claims = read_claims(
                token["id_token"], keys.json(), settings, journey.nonce, site.now().timestamp()
            )
            claims = _told(client, provider, claims, settings.claim)
    except Exception as error:  # noqa: BLE001 - see above
        _tell(error)
        return "unreachable"
    name = name_in(claims, settings.claim)
    role = None if name is None else (site.snapshot.settings.web or Web()).role_of(name)
    if name is None or role is None:
        log.warning("nobody is listed under people with the %s of who signed in: %r", settings.claim, name)
        return "unlisted"
    return ProviderIdentity(name, role, journey.following)


def _journey(site: Site, ticket: str | None) -> Journey | None:
    if not ticket:
        return None
    with site.app.database.writing() as session:
        return come_back(session, ticket, site.now())


def forget(response: Response) -> None:
    """They are back."""
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")


def read_claims(id_token: str, keys: Any, settings: Oidc, nonce: str, now: float) -> dict[str, Any]:
    """What the provider says of somebody, if it is the provider who says it, to us, and in answer to our question.

    Raises joserfc's errors.
    """
    from joserfc import jwt
    from joserfc.jwk import KeySet

    token = jwt.decode(id_token, KeySet.import_key_set(keys), algorithms=ALGORITHMS)
    claims = token.claims
    audience = claims.get("aud")
    several = isinstance(audience, list) and len(audience) > 1
    jwt.JWTClaimsRegistry(
        now=int(now),
        leeway=60,
        iss={"essential": True, "values": [settings.issuer, f"{settings.issuer}/"]},
        aud={"essential": True, "value": settings.client},
        exp={"essential": True},
        iat={"essential": True},
        sub={"essential": True},
        nonce={"essential": True, "value": nonce},
        azp={"essential": several, "value": settings.client},
    ).validate(claims)
    return dict(claims)


def _told(client: Any, provider: dict[str, str], claims: dict[str, Any], claim: str) -> dict[str, Any]:
    """With what the provider tells only when it is asked; nothing that it has signed is changed by that."""
    address = provider.get("userinfo_endpoint")
    is_known = claims.get(claim) and (claim != "email" or "email_verified" in claims)
    if not address or is_known:
        return claims
    answer = client.request("GET", address)
    answer.raise_for_status()
    told = answer.json()
    if told.get("sub") != claims["sub"]:
        raise ProviderError("it tells of somebody else than it signed for")
    return {**told, **claims}


def name_in(claims: Mapping[str, Any], claim: str) -> str | None:
    """What somebody is known by; an address only where the provider says, by a boolean, that it is theirs."""
    name = claims.get(claim)
    if not isinstance(name, str) or (claim == "email" and claims.get("email_verified") is not True):
        return None
    name = name.strip()
    return name if name and name.isprintable() and len(name) <= LONGEST_NAME else None


def _settings(site: Site) -> Oidc | None:
    web = site.snapshot.settings.web
    return None if web is None else web.oidc


def _client(site: Site, settings: Oidc) -> Any:
    from authlib.integrations.httpx_client import OAuth2Client

    secret = site.snapshot.settings.oidc_secret
    return OAuth2Client(
        client_id=settings.client,
        client_secret=secret,
        token_endpoint_auth_method="client_secret_basic" if secret else "none",
        scope="openid profile email",
        redirect_uri=site.snapshot.settings.link_base + BACK,
        code_challenge_method="S256",
        timeout=PATIENCE,
        follow_redirects=False,
    )


def _provider(client: Any, settings: Oidc) -> dict[str, str]:
    """What the provider says of itself.  Raises ProviderError, and httpx's errors."""
    answer = client.request("GET", f"{settings.issuer}/.well-known/openid-configuration", withhold_token=True)
    answer.raise_for_status()
    found = answer.json()
    if str(found.get("issuer", "")).rstrip("/") != settings.issuer:
        raise ProviderError(f"it calls itself {found.get('issuer')!r}")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"):
        if name == "userinfo_endpoint" and name not in found:
            continue
        address = urlsplit(str(found.get(name, "")))
        is_here = address.scheme == "http" and is_loopback(address.hostname or "")
        if address.scheme != "https" and not is_here:
            raise ProviderError(f"its {name} is not protected by TLS")
    return dict(found)


def _tell(error: Exception) -> None:
    # The text may hold a code or a token: the provider's own words are not for the log.
    said = f": {error}" if isinstance(error, ProviderError) else ""
    log.warning("signing in through the provider failed: %s%s", type(error).__name__, said)
