"""Signing a browser in and out. The page exchanges an API key, or the link of ``faceagent serve``, for a cookie."""

from fastapi import APIRouter, Request, Response
from pydantic import Field, ValidationError
from starlette.concurrency import run_in_threadpool

from faceagent.serve.auth import LOCAL, ServiceHere, Submitter, key_of
from faceagent.serve.browser import COOKIE, end_session, session_token, set_session
from faceagent.serve.errors import ApiError, responses
from faceagent.serve.openapi import json_body
from faceagent.serve.service import Service
from faceagent.storage.database import audit, browser_sessions
from faceagent.storage.database.api_keys import ApiKey, Role, list_keys
from faceagent.types import FrozenModel

router = APIRouter(tags=["desk"])


class SignIn(FrozenModel):
    """One of both."""

    key: str | None = Field(default=None, max_length=200, description="an API key")
    link: str | None = Field(default=None, max_length=200, description="the code of a link that is good once")


class Session(FrozenModel):
    """Who is signed in."""

    name: str
    role: Role
    key_id: str
    keyless: bool = Field(description="the server answers without keys: everybody on this machine is an admin")


@router.post("/v1/session", status_code=201, responses=responses(), openapi_extra=json_body(SignIn))
async def sign_in(request: Request, response: Response, service: ServiceHere) -> Session:
    """Exchange an API key or a link for a session cookie. The only route of ``/v1`` that needs no key."""
    try:
        given = SignIn.model_validate_json(await request.body())
    except ValidationError:
        given = SignIn()
    if service.settings.open:
        return _session(LOCAL, service)
    key = await run_in_threadpool(_key, request, service, given)
    seconds = service.settings.session_seconds
    token = await run_in_threadpool(browser_sessions.open_session, service.database, key.id, seconds)
    set_session(request, response, token, seconds)
    await run_in_threadpool(audit.record, service.database, key.id, "session.open", key.id, request.state.request_id)
    return _session(key, service)


def _key(request: Request, service: Service, given: SignIn) -> ApiKey:
    """The key behind what was given. Raises ApiError (401)."""
    if given.link:
        key_id = browser_sessions.take_link(service.database, given.link)
        found = next((one for one in list_keys(service.database) if one.id == key_id and one.revoked is None), None)
        if found is None:
            raise _refused("This link was used before, or its time is over. Sign in with an API key.")
        return found
    key = key_of(request, service, given.key.strip()) if given.key else None
    if key is None:
        raise _refused("This API key is not valid." if given.key else "Send an API key, or the code of a link.")
    return key


def _refused(message: str) -> ApiError:
    return ApiError(401, message, headers={"WWW-Authenticate": "Bearer"})


@router.get("/v1/session", responses=responses())
def read_session(service: ServiceHere, key: Submitter) -> Session:
    """Who asks."""
    return _session(key, service)


@router.delete("/v1/session", status_code=204, responses=responses())
def sign_out(request: Request, response: Response, service: ServiceHere, key: Submitter) -> None:
    """End the session of this browser."""
    del key
    if token := request.cookies.get(COOKIE):
        browser_sessions.close_session(service.database, token)
    end_session(response)


def _session(key: ApiKey, service: Service) -> Session:
    return Session(name=key.name, role=key.role, key_id=key.id, keyless=service.settings.open)


class Who(FrozenModel):
    """Who is signed in, if anybody."""

    session: Session | None


@router.get("/desk/who", include_in_schema=False)
async def read_who(request: Request, service: ServiceHere) -> Who:
    """Who is signed in. A page asks this first; it needs no key, so that nobody is no error."""
    if service.settings.open:
        return Who(session=_session(LOCAL, service))
    token = session_token(request)
    key = await run_in_threadpool(browser_sessions.find_session, service.database, token) if token else None
    return Who(session=None if key is None else _session(key, service))
