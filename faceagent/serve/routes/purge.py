"""Removes what has expired at once, and the traces that a database file keeps of it. For admins."""

from fastapi import APIRouter, Request
from pydantic import Field

from faceagent.serve.auth import Admin, ServiceHere
from faceagent.serve.errors import responses
from faceagent.serve.upkeep import remove_expired
from faceagent.storage.database import audit
from faceagent.types import FrozenModel

router = APIRouter(tags=["administration"])


class Purged(FrozenModel):
    """What was removed."""

    cases: int = Field(description="cases whose content was removed because their time was over")


@router.post("/v1/purge", responses=responses())
def purge(request: Request, service: ServiceHere, key: Admin) -> Purged:
    """Remove what has expired now, and rewrite the SQLite file without what was deleted."""
    ended = remove_expired(service)
    service.database.purge()
    audit.record(service.database, key.id, "purge", str(ended), request.state.request_id)
    return Purged(cases=ended)
