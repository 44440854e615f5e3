"""The pages of the desk and their files. They hold no data, so they need no key."""

import re
from typing import Annotated

from fastapi import APIRouter, Header, Path, Request, Response

from faceagent.serve import desk
from faceagent.serve.auth import ServiceHere
from faceagent.serve.browser import COOKIE
from faceagent.serve.errors import ApiError
from faceagent.types import LANGUAGES

router = APIRouter(include_in_schema=False)
IfNoneMatch = Annotated[str | None, Header()]
_CASE_ID = re.compile(r"case_[0-9a-f]{1,35}")


async def page(request: Request, service: ServiceHere, if_none_match: IfNoneMatch = None) -> Response:
    """The shell of a page."""
    script = desk.PAGES[request.scope["route"].path]
    # With a choice in the address another list is asked for.
    signed_in = _signed_in(request, open_to_all=service.settings.open) and not request.url.query
    asked = desk.asked_first(script, _language(request), signed_in=signed_in) if script in desk.FIRST else ()
    return _sent(desk.shell(script, asked), if_none_match, vary="Cookie, Accept-Language")


async def case_page(
    request: Request,
    service: ServiceHere,
    case_id: Annotated[str, Path(max_length=40)],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The shell of a case; the script reads which one from the address."""
    signed_in = _signed_in(request, open_to_all=service.settings.open) and _CASE_ID.fullmatch(case_id) is not None
    asked = desk.asked_first(desk.CASE_SCRIPT, _language(request), signed_in=signed_in, case_id=case_id)
    return _sent(desk.shell(desk.CASE_SCRIPT, asked), if_none_match, vary="Cookie, Accept-Language")


def _signed_in(request: Request, *, open_to_all: bool) -> bool:
    """Whether data is worth asking for. A session that is over is found out by whoever asks."""
    return open_to_all or COOKIE in request.cookies


def _language(request: Request) -> str:
    """The language that the page will choose: what was chosen before, or the browser's first one."""
    wanted = request.cookies.get(desk.LANGUAGE_COOKIE) or request.headers.get("accept-language", "")[:2].lower()
    return wanted if wanted in LANGUAGES else "en"


async def file(
    stem: Annotated[str, Path(max_length=80)],
    ending: Annotated[str, Path(max_length=8)],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """A script, the style sheet, the words of a language."""
    found = desk.files().get(f"{stem}.{ending}")
    if found is None:
        raise ApiError(404, "There is no such file.")
    return _sent(found, if_none_match)


def _sent(found: desk.File, known: str | None, **more: str) -> Response:
    headers = {"etag": f'"{found.etag}"', "cache-control": "no-cache", "content-security-policy": desk.POLICY, **more}
    if known is not None and found.etag in known:
        return Response(status_code=304, headers=headers)
    return Response(found.data, media_type=found.kind, headers=headers)


for path in sorted(desk.PAGES):
    router.add_api_route(path, page, methods=["GET"])
router.add_api_route(desk.CASE + "{case_id}", case_page, methods=["GET"])
router.add_api_route(desk.FILE, file, methods=["GET"])
