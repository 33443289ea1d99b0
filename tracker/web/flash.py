"""One sentence for the next page that somebody sees: what became of what they did.

It travels in a signed cookie that ends with the page, as not everybody has a session.
"""

from __future__ import annotations

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.responses import Response

from tracker.web.door import Door

COOKIE = "__Host-said"
#: Seconds in which the next page is to be there.
LASTS = 60
#: A cookie has room for no more.
LONGEST = 700


def say_next(response: Response, door: Door, sentence: str) -> None:
    """Show ``sentence`` on the page that ``response`` leads to."""
    value = _serializer(door).dumps(sentence[:LONGEST])
    response.set_cookie(COOKIE, value, max_age=LASTS, path="/", secure=True, httponly=True, samesite="lax")


def said(cookies: dict[str, str], door: Door) -> str:
    """The sentence that is to be shown, or none."""
    value = cookies.get(COOKIE)
    if not value:
        return ""
    try:
        return str(_serializer(door).loads(value, max_age=LASTS))
    except BadSignature:
        return ""


def forget(response: Response) -> None:
    """It has been shown."""
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")


def _serializer(door: Door) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(door.secret, salt="said")
