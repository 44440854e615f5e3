"""The pages of the desk and their files. They hold no data, so they need no key."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Request, Response

from faceagent.serve import desk
from faceagent.serve.errors import ApiError

router = APIRouter(include_in_schema=False)
IfNoneMatch = Annotated[str | None, Header()]


async def page(request: Request, if_none_match: IfNoneMatch = None) -> Response:
    """The shell of a page."""
    return _sent(desk.shell(desk.PAGES[request.scope["route"].path]), if_none_match)


async def case_page(case_id: Annotated[str, Path(max_length=40)], if_none_match: IfNoneMatch = None) -> Response:
    """The shell of a case; the script reads which one from the address."""
    del case_id
    return _sent(desk.shell(desk.CASE_SCRIPT), if_none_match)


async def file(name: Annotated[str, Path(max_length=80)], if_none_match: IfNoneMatch = None) -> Response:
    """A script, the style sheet, the words of a language."""
    found = desk.files().get(name)
    if found is None:
        raise ApiError(404, "There is no such file.")
    return _sent(found, if_none_match)


def _sent(found: desk.File, known: str | None) -> Response:
    headers = {"etag": f'"{found.etag}"', "cache-control": "no-cache", "content-security-policy": desk.POLICY}
    if known is not None and found.etag in known:
        return Response(status_code=304, headers=headers)
    return Response(found.data, media_type=found.kind, headers=headers)


for path in sorted(desk.PAGES):
    router.add_api_route(path, page, methods=["GET"])
router.add_api_route(desk.CASE + "{case_id}", case_page, methods=["GET"])
router.add_api_route(desk.FILES + "{name}", file, methods=["GET"])
