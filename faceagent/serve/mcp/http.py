"""The MCP server behind the service's HTTP address, at ``/mcp``: the same keys, the same queue, reports are cases.

Streamable HTTP without sessions: every request is complete in itself, so that any process of the service can answer it.
Clients cannot name files here; pictures come as ``data:`` URLs or from public addresses.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from mcp.server.context import ServerRequestContext
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types import Resource
from starlette.requests import Request

from faceagent.agent.chat import Conversation
from faceagent.agent.runtime import build_tools
from faceagent.intake import NamedBytes
from faceagent.serve import cases
from faceagent.serve.batching import Waiting
from faceagent.serve.errors import ApiError
from faceagent.serve.mcp.recent import SCHEME, Content, KeptReport, map_name, report_uri
from faceagent.serve.mcp.server import build
from faceagent.serve.mcp.service import McpBackend, McpService, TooBusy, Wanted
from faceagent.serve.requests import AnalysisOptions
from faceagent.serve.service import Service
from faceagent.storage.database import cases as stored
from faceagent.storage.database.case_index import list_cases
from faceagent.types import Report

MOST_OPEN = 64
"""Conversations that are open at a time."""
LISTED = 50


@asynccontextmanager
async def serving(service: Service) -> AsyncIterator[StreamableHTTPSessionManager]:
    """The application for ``/mcp``, until the block ends."""
    mcp = McpService(backend(service))
    manager = StreamableHTTPSessionManager(
        build(mcp, owner=_owner), stateless=True, max_request_body_size=service.settings.max_request_bytes
    )
    try:
        async with manager.run():
            yield manager
    finally:
        mcp.close()


def backend(service: Service) -> McpBackend:
    """What the tools work with in a service."""

    def analyse(
        wanted: Wanted, pictures: Sequence[NamedBytes], references: Sequence[NamedBytes]
    ) -> AsyncGenerator[Report, None]:
        return _reports(service, wanted, pictures, references)

    def chat(name: str) -> Conversation:
        return service.batcher.analyst().chat(name)

    return McpBackend(
        settings=service.analysis,
        specs=tuple(tool.spec for tool in build_tools(service.analysis).values()),
        analyse=analyse,
        chat=chat,
        reports=CaseReports(service),
        lasting=False,
        most_conversations=MOST_OPEN,
    )


def _owner(context: ServerRequestContext[Any, Any]) -> str:
    """The id of the key, which the route has checked."""
    request: Request = cast(Request, context.request)
    found: str = request.state.key_id
    return found


async def _reports(
    service: Service, wanted: Wanted, pictures: Sequence[NamedBytes], references: Sequence[NamedBytes]
) -> AsyncGenerator[Report, None]:
    """All pictures go into the queue at once, so that they share batches; a cancelled call takes them out again."""
    options = AnalysisOptions.model_validate(wanted.model_dump(exclude={"tool"}))
    waiting = [
        asyncio.ensure_future(
            service.analyse(Waiting(one.data, one.name, options, tuple(references), tool=wanted.tool))
        )
        for one in pictures
    ]
    try:
        for one in waiting:
            yield await one
    except ApiError as error:
        raise TooBusy(error.message) from None
    finally:
        for one in waiting:
            one.cancel()


class CaseReports:
    """Reports as cases of the service: every process has them, and they end when cases do."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def add(self, report: Report, pictures: Sequence[NamedBytes], owner: str) -> KeptReport:
        """Keep the report as a case, without pictures; these are drawn for this answer alone."""
        seconds, text = self._service.settings.case_seconds, report.model_dump_json().encode()
        with self._service.database.write() as connection:
            case_id = stored.add_case(connection, owner, report, text, seconds=seconds)
        return KeptReport.of(case_id, owner, report, pictures, self._service.analysis)

    def resources(self, owner: str) -> list[Resource]:
        """The owner's latest cases."""
        return [
            Resource(
                uri=report_uri(one.case_id),
                name=one.name,
                title=f"Report on {one.name}",
                description=one.answer,
                mime_type="application/json",
            )
            for one in list_cases(self._service.database, owner, limit=LISTED).cases
        ]

    def read(self, uri: str, owner: str) -> Content:
        """A case as JSON, page or heat map; over grey, because the picture was not kept."""
        case_id, _, path = uri.removeprefix(SCHEME).partition("/")
        case = stored.find_case(self._service.database, case_id, owner) if uri.startswith(SCHEME) else None
        if case is None or case.report is None:
            raise KeyError(uri)
        if path == "report.json":
            return Content(case.report, "application/json")
        if path == "report.html":
            return Content(cases.page(self._service, case).encode(), "text/html")
        try:
            return Content(cases.heat_map(case, map_name(path), self._service.analysis), "image/png")
        except ApiError:
            raise KeyError(uri) from None
