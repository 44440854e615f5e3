"""``/mcp`` in the service: the protocol's server is imported and started with the first request that asks for it.

Its libraries take most of a second to import, which a start without MCP's clients does not spend.
"""

import asyncio
import importlib
from typing import TYPE_CHECKING

from faceagent.serve.service import Service

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager


class McpMount:
    """Starts the server once, in a task of its own: what it opens has to be closed by the task that opened it."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._ending = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        self._manager: asyncio.Future[StreamableHTTPSessionManager] | None = None

    async def manager(self) -> "StreamableHTTPSessionManager":
        """The application for ``/mcp``. Raises what starting it raised."""
        if self._manager is None:
            self._manager = asyncio.get_running_loop().create_future()
            self._serving = asyncio.create_task(self._serve(self._manager))
        return await asyncio.shield(self._manager)

    async def _serve(self, manager: "asyncio.Future[StreamableHTTPSessionManager]") -> None:
        try:
            http = await asyncio.to_thread(importlib.import_module, "faceagent.serve.mcp.http")
            async with http.serving(self._service) as found:
                manager.set_result(found)
                await self._ending.wait()
        except Exception as error:
            if manager.done():
                raise
            manager.set_exception(error)

    async def close(self) -> None:
        """End what was started. Conversations are closed."""
        self._ending.set()
        if self._serving is not None:
            await self._serving
