"""``faceagent serve``: the service, until Ctrl-C. The work is done in ``faceagent.serve``."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer

from faceagent import weights
from faceagent.cli.render import err
from faceagent.errors import InputError
from faceagent.settings import load


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen at; default: FACEAGENT_SERVE_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Default: FACEAGENT_SERVE_PORT; 0 takes a free one.")
    ] = None,
    open_to_all: Annotated[
        bool, typer.Option("--open", help="Answer without API keys; only programs of this machine can ask.")
    ] = False,
    new_admin_key: Annotated[
        bool, typer.Option("--new-admin-key", help="Make another admin key: the first was lost.")
    ] = False,
    admin_key_file: Annotated[
        Path | None, typer.Option(help="Write that key into this new file (0600), not on the screen.")
    ] = None,
    warm: Annotated[bool, typer.Option("--warm", help="Load the models before the first picture.")] = False,
) -> None:
    """Serve the HTTP API: analysis, jobs, moderation, chat for OpenAI's clients."""
    analysis = load()
    with ThreadPoolExecutor(1) as beside:
        # Most of it is hashing, which another core does while this one imports.
        checked = beside.submit(weights.ready, analysis)
        try:
            from faceagent.serve.run import run
            from faceagent.serve.settings import load_service
        except ModuleNotFoundError as error:
            raise InputError(
                f"The service needs {error.name}, which is not installed.", remedy="pip install 'faceagent[serve]'"
            ) from None
    checked.result()
    given = {"host": host, "port": port, "open": open_to_all or None, "admin_key_file": admin_key_file}
    settings = load_service(**{name: value for name, value in given.items() if value is not None})
    run(
        settings,
        analysis,
        new_admin_key=new_admin_key,
        warm=warm,
        say=lambda text: err.print(text, highlight=False),
        show_key=_show_key,
    )


def _show_key(secret: str) -> None:
    """On standard output; logs go to standard error."""
    typer.echo(f"\nAdmin key, shown once: {secret}\n")
