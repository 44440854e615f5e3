"""``/mcp``: the tools for language-model applications, over MCP's streamable HTTP."""

from fastapi import APIRouter, Request, Response
from starlette.types import Receive, Scope, Send

from faceagent.serve.auth import Submitter

router = APIRouter(include_in_schema=False)


class _ByMcp(Response):
    """An answer that the MCP application gives itself, as a stream."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request over, its body unread."""
        manager = await scope["app"].state.mcp.manager()
        await manager.asgi_app(scope, receive, send)


@router.api_route("/mcp", methods=["GET", "POST", "DELETE"])
async def mcp(request: Request, key: Submitter) -> Response:
    """Checked here: the key, its role, rate and quota. Everything else is the protocol's."""
    del request, key
    return _ByMcp()
