"""API keys, and the audit log of what was done with them. For admins."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field

from faceagent.serve.auth import Admin, KeyCache, ServiceHere
from faceagent.serve.errors import ApiError, responses
from faceagent.serve.openapi import link
from faceagent.storage.database import api_keys, audit
from faceagent.types import FrozenModel

router = APIRouter(tags=["administration"])


LINKS = {"revoke_key": link("revoke_key", "key_id", "key/id")}


class KeyRequest(FrozenModel):
    """A key to make."""

    name: str = Field(min_length=1, max_length=100, description="whose it is, for you")
    role: api_keys.Role = Field(default="submit", description="submit: analyse; review: see all cases; admin: all")
    rate: int | None = Field(default=None, ge=1, le=1_000_000, description="requests a minute; null: the default")
    quota: int | None = Field(default=None, ge=1, le=1_000_000_000, description="requests a day; null: the default")


class KeyList(FrozenModel):
    """All keys."""

    keys: list[api_keys.ApiKey]


class AuditLog(FrozenModel):
    """Lines of the audit log."""

    entries: list[audit.AuditEntry]
    next: int | None = Field(description="`before` of the next page; null: there is none")


@router.post("/v1/keys", status_code=201, responses={201: {"links": LINKS}, **responses()})
def create_key(request: Request, body: KeyRequest, service: ServiceHere, key: Admin) -> api_keys.NewKey:
    """Make a key. Its secrets are shown once, here."""
    made = api_keys.create_key(service.database, body.name, body.role, rate=body.rate, quota=body.quota)
    audit.record(service.database, key.id, "key.create", made.key.id, request.state.request_id)
    return made


@router.get("/v1/keys", responses=responses())
def list_keys(service: ServiceHere, key: Admin) -> KeyList:
    """All keys, without their secrets."""
    del key
    return KeyList(keys=api_keys.list_keys(service.database))


@router.delete("/v1/keys/{key_id}", status_code=204, responses=responses(404))
def revoke_key(request: Request, service: ServiceHere, key: Admin, key_id: Annotated[str, Path(max_length=40)]) -> None:
    """Revoke a key; it ends at once here, and within 30 seconds in other processes."""
    if not api_keys.revoke_key(service.database, key_id):
        raise ApiError(404, "There is no such key in force.")
    cache: KeyCache = request.app.state.keys
    cache.forget()
    audit.record(service.database, key.id, "key.revoke", key_id, request.state.request_id)


@router.get("/v1/audit", responses=responses())
def read_audit(
    service: ServiceHere,
    key: Admin,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> AuditLog:
    """Who did what, the newest first."""
    del key
    found = audit.entries(service.database, before=before, limit=limit)
    return AuditLog(entries=found, next=found[-1].number if len(found) == limit else None)
