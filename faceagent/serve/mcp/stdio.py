"""The MCP server for one client that has started this process and talks to it through standard input and output.

While it runs, standard output carries the protocol and nothing else: whatever a library prints goes to standard error.
"""

import anyio
from mcp.server.stdio import stdio_server

from faceagent.serve.mcp.server import build
from faceagent.serve.mcp.service import McpService


def serve(service: McpService) -> None:
    """Serve until the client closes its end; then release all conversations."""
    try:
        anyio.run(_serve, service)
    finally:
        service.close()


async def _serve(service: McpService) -> None:
    server = build(service)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())
