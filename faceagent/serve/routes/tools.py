"""The specialists: what there is, and one of them on one picture. Generated from each tool's ``ToolSpec``."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from faceagent.agent.runtime import build_tools
from faceagent.serve.auth import ServiceHere, Submitter
from faceagent.serve.batching import Waiting
from faceagent.serve.errors import ApiError, responses
from faceagent.serve.openapi import openapi_body
from faceagent.serve.routes.analyze import FILES
from faceagent.serve.uploads import PictureBody, read_picture
from faceagent.tools.base import ToolSpec
from faceagent.types import FrozenModel
from faceagent.types.service import Measurement

router = APIRouter(tags=["tools"])


class ToolList(FrozenModel):
    """All tools."""

    tools: list[ToolSpec]


@router.get("/v1/tools", responses=responses())
def list_tools(service: ServiceHere, key: Submitter) -> ToolList:
    """The specialists with their questions, needs and weights."""
    del key
    return ToolList(tools=[tool.spec for tool in build_tools(service.analysis).values()])


@router.post(
    "/v1/tools/{name}",
    responses=responses(404, 408, 415),
    openapi_extra=openapi_body(PictureBody, FILES, many=("references",), needed=("image",)),
)
async def run_tool(
    request: Request, service: ServiceHere, key: Submitter, name: Annotated[str, Path(max_length=64)]
) -> Measurement:
    """Run one tool on one picture; ``questions`` may narrow what it answers. Nothing is kept."""
    tool = build_tools(service.analysis).get(name)
    if tool is None:
        raise ApiError(404, "There is no such tool; see /v1/tools.")
    spec = tool.spec
    body, sent = await read_picture(request, service, key, PictureBody)
    if not set(body.questions) <= set(spec.questions):
        raise ApiError(422, f"{name} answers {', '.join(spec.questions)}.")
    wanted = body.options.model_copy(update={"questions": body.questions or spec.questions, "explain": "ledger"})
    report = await service.analyse(Waiting(sent.data, sent.name, wanted, sent.references, tool=name))
    return Measurement(
        tool=name,
        problem=report.problem,
        faces=report.faces,
        evidence=report.evidence,
        policy=report.policy,
    )
