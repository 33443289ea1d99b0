"""One sentence for the next page that somebody sees: what became of what they did.

It travels in a signed cookie that ends with the page, as not everybody has a session.
"""

from __future__ import annotations

from datetime import datetime

from itsdangerous import BadSignature, URLSafeSerializer
from starlette.responses import Response

COOKIE = "__Host-said"
#: Seconds in which the next page is to be there.
LASTS = 60
#: A cookie has room for no more.
LONGEST = 700


def say_next(response: Response, secret: bytes, sentence: str, now: datetime) -> None:
    """Show ``sentence`` on the page that ``response`` leads to."""
    value = _serializer(secret).dumps([sentence[:LONGEST], int(now.timestamp())])
    response.set_cookie(COOKIE, value, max_age=LASTS, path="/", secure=True, httponly=True, samesite="lax")


def said(cookies: dict[str, str], secret: bytes, now: datetime) -> str:
    """The sentence that is to be shown, or none."""
    value = cookies.get(COOKIE)
    if not value:
        return ""
    try:
        sentence, signed_at = _serializer(secret).loads(value)
    except BadSignature:
        return ""
    # Either way: the clock of the machine that said it may be a little ahead of ours.
    return str(sentence) if abs(now.timestamp() - signed_at) <= LASTS else ""


def forget(response: Response) -> None:
    """It has been shown."""
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")


def _serializer(secret: bytes) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt="said")
