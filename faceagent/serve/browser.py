"""A browser that has signed in: its cookie, and which of its requests come from our own page.

The cookie is HttpOnly and SameSite=Strict, so no script reads it and no other site's page sends it. Besides, a request
that is let in by the cookie has to come from our own pages, by what the browser itself says about its origin.
"""

from urllib.parse import urlsplit

from fastapi import Request, Response

from faceagent.serve.errors import ApiError
from faceagent.serve.settings import is_loopback

COOKIE = "faceagent_session"
READING = frozenset({"GET", "HEAD"})


def session_token(request: Request) -> str | None:
    """The token of the session cookie. Raises ApiError (403) where another page has sent the request."""
    token = request.cookies.get(COOKIE)
    if token and not _from_our_page(request):
        raise ApiError(403, "This request comes from another web page. Use the desk's own pages.")
    return token or None


def set_session(request: Request, response: Response, token: str, seconds: float) -> None:
    """Sign the browser in."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(seconds),
        httponly=True,
        samesite="strict",
        secure=not is_loopback(request.url.hostname or ""),
    )


def end_session(response: Response) -> None:
    """Sign the browser out."""
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")


def _from_our_page(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin" or (site == "none" and request.method in READING)
    origin = request.headers.get("origin")
    if origin is None:
        return request.method in READING
    return urlsplit(origin).netloc == request.headers.get("host", "")
