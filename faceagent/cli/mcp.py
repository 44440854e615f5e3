"""``faceagent mcp``: the tools for language-model applications such as Claude Desktop, over standard streams."""

from pathlib import Path
from typing import Annotated

import typer

from faceagent import weights
from faceagent.cli.streams import was_closed
from faceagent.errors import InputError
from faceagent.settings import load


def mcp(
    folder: Annotated[
        list[Path] | None,
        typer.Option(
            "--folder",
            "-f",
            envvar="FACEAGENT_MCP_FOLDERS",
            help="A folder whose pictures a client may name, links followed; repeatable. Without it: none.",
        ),
    ] = None,
) -> None:
    """Serve the tools over MCP to the application that starts this command; see docs/mcp.md."""
    if was_closed("stdin") or was_closed("stdout"):
        raise InputError("MCP needs standard input and output.", remedy="Let the application start this command.")
    try:
        from faceagent.serve.mcp.service import local
        from faceagent.serve.mcp.stdio import serve
    except ImportError as error:
        raise InputError("The MCP server is not installed.", remedy="pip install 'faceagent[mcp]'") from error
    from faceagent.agent.analyst import Analyst

    folders = tuple(folder or ())
    for one in folders:
        if not one.is_dir():
            raise InputError(f"There is no folder {str(one)!r}.", remedy="Give --folder one that exists.")
    settings = load()
    weights.ready(settings)
    with Analyst(settings) as analyst:
        serve(local(analyst, folders))
