"""Moderation: a picture in, allow, review or block out, with the rules that decided; and the policies."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from faceagent.serve import cases
from faceagent.serve.auth import Admin, ServiceHere, Submitter
from faceagent.serve.batching import Waiting
from faceagent.serve.errors import ApiError, responses, unprocessable
from faceagent.serve.moderation import BUILT_IN, NamedPolicy, read_policy
from faceagent.serve.openapi import link, openapi_body
from faceagent.serve.policies import DEFAULT_POLICY, MOST_BYTES, NAME, PolicyChoice, find_policy
from faceagent.serve.routes.analyze import CASE_LINKS, FILES
from faceagent.serve.uploads import PictureBody, read_picture
from faceagent.storage.database import audit, policies
from faceagent.types import FrozenModel
from faceagent.types.service import Moderation

router = APIRouter(tags=["moderation"])
PolicyName = Annotated[str, Path(pattern=NAME)]


class ModerateBody(PictureBody, PolicyChoice):
    """A picture and the policy that decides about it; where none is named, the one called ``strictest``."""

    dry_run: bool = Field(default=False, description="decide, and keep nothing")


class PolicyTest(PolicyChoice):
    """A policy to try on a case that exists: one by name, or a document that is not stored."""

    case_id: str = Field(max_length=40)


class StoredPolicy(NamedPolicy):
    """A policy as it is stored."""

    name: str
    version: int | None = Field(description="null: built in")


class PolicyEntry(FrozenModel):
    """A line in the list of policies."""

    name: str
    version: int | None


class PolicyList(FrozenModel):
    """All policies with their newest versions."""

    policies: list[PolicyEntry]


@router.post(
    "/v1/moderate",
    responses={**CASE_LINKS, **responses(404, 408, 415)},
    openapi_extra=openapi_body(ModerateBody, FILES, many=("references",), needed=("image",)),
)
async def moderate_picture(request: Request, service: ServiceHere, key: Submitter) -> Moderation:
    """Analyse one picture and decide by a policy. The trace shows every rule and which decided.

    ``questions`` adds to what is measured; it cannot leave out what the policy is about.
    """
    body, sent = await read_picture(request, service, key, ModerateBody)
    used = await run_in_threadpool(body.find, service.database) or DEFAULT_POLICY
    questions = used.document.questions(body.questions, has_reference=bool(sent.references))
    asked = body.options.model_copy(update={"questions": questions})
    report = await service.analyse(Waiting(sent.data, sent.name, asked, sent.references))
    found = used.decide(report)
    if body.dry_run:
        return found
    picture = sent.data if body.keep else None
    case_id, _ = await run_in_threadpool(cases.store, service, key, report, picture, found)
    return found.model_copy(update={"case_id": case_id})


@router.post("/v1/policies/test", responses=responses(404, 410))
def try_policy(service: ServiceHere, key: Submitter, body: PolicyTest) -> Moderation:
    """Decide about a case that exists, without analysing anything: shows which rule would decide."""
    used = body.find(service.database)
    if used is None:
        raise unprocessable("body.policy", "Name a policy, or send a document.")
    found = used.decide(cases.report_of(cases.find(service, key, body.case_id)))
    return found.model_copy(update={"case_id": body.case_id})


@router.get("/v1/policies", responses=responses())
def list_policies(service: ServiceHere, key: Submitter) -> PolicyList:
    """All policies with their newest versions, the built-in ones first."""
    del key
    built_in = [PolicyEntry(name=name, version=None) for name in BUILT_IN]
    found = [PolicyEntry(name=name, version=version) for name, version in policies.list_policies(service.database)]
    return PolicyList(policies=[*built_in, *found])


@router.get("/v1/policies/{name}", responses=responses(404))
def get_policy(
    service: ServiceHere,
    key: Submitter,
    name: PolicyName,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
) -> StoredPolicy:
    """A policy, the newest version or a given one."""
    del key
    return StoredPolicy(**dict(find_policy(service.database, name, version)))


LINKS = {"get_policy": link("get_policy", "name", "name")}
_YAML = {"schema": {"type": "string", "description": "the document in YAML"}}
_DOCUMENT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/PolicyDocument"}},
            "application/yaml": _YAML,
        },
    }
}


@router.put(
    "/v1/policies/{name}",
    status_code=201,
    responses={201: {"links": LINKS}, **responses(409, 415)},
    openapi_extra=_DOCUMENT,
)
async def put_policy(request: Request, service: ServiceHere, key: Admin, name: PolicyName) -> StoredPolicy:
    """Store a document in YAML or JSON as the next version of that policy. Earlier versions stay."""
    if name in BUILT_IN:
        raise ApiError(409, f"{name} is built in and cannot be changed.")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/json", "application/yaml", "text/yaml", "application/x-yaml"):
        raise ApiError(415, "Send application/yaml or application/json.")
    data = await request.body()
    if len(data) > MOST_BYTES:
        raise ApiError(413, f"A policy has up to {MOST_BYTES:,} bytes.")
    try:
        document = await run_in_threadpool(read_policy, data.decode("utf-8"))
    except UnicodeDecodeError:
        raise unprocessable("body", "The policy is not UTF-8.") from None
    text = json.dumps(document.model_dump(mode="json"))
    version = await run_in_threadpool(policies.add_policy, service.database, name, text, key.id)
    request_id = request.state.request_id
    await run_in_threadpool(audit.record, service.database, key.id, "policy.put", f"{name}@{version}", request_id)
    return StoredPolicy(name=name, version=version, document=document)
