"""``faceagent vlm``: sets up vLLM's environment and runs its server. The work is done in ``faceagent.vlm``."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from faceagent.cli.exit_codes import ERROR
from faceagent.cli.render import err, out
from faceagent.settings import Settings, load

if TYPE_CHECKING:
    from faceagent.vlm.server import ServerState

app = typer.Typer(help="Serve the vision-language model with vLLM.", no_args_is_help=True)
Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Default: FACEAGENT_VLM_PORT.")]


@app.command()
def setup(
    build: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Which vLLM; auto looks for a GPU.")] = "auto",
    force: Annotated[bool, typer.Option("--force", help="Start from nothing.")] = False,
) -> None:
    """Make vLLM's own environment in the cache; goes on where it was interrupted."""
    from faceagent.vlm import environment

    with _print_progress() as step:
        made = environment.make(load(), None if build == "auto" else build, force=force, step=step)
    err.print(f"vLLM ({made.build}) is ready. Start it with: faceagent vlm serve", highlight=False)
    out.print(str(made.folder), soft_wrap=True, highlight=False)


@app.command()
def serve(
    port: Port = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return when it is up; it runs on.")] = False,
) -> None:
    """Serve the profile's model with its adapters, on this machine only, until Ctrl-C."""
    from faceagent.vlm import environment, server

    settings = load()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with _print_progress() as step:
        state = server.start(settings, port, exit_with_parent=not detach, step=step)
    _print_server(settings, state)
    if detach:
        return
    try:
        code = server.wait(state)
        err.print(f"vLLM ended (exit {code}). The end of its log:\n{environment.tail(state.log, server.SHOWN)}")
        raise typer.Exit(ERROR)
    except KeyboardInterrupt:
        err.print("Stopping.")
    finally:
        server.end(settings, state)


@app.command()
def status(port: Port = None) -> None:
    """Say whether the server runs and answers; fails when it does not."""
    from faceagent.vlm import server

    settings = load()
    state = server.find(settings, port)
    if state is None:
        err.print("No server runs. Start one with: faceagent vlm serve", highlight=False)
        raise typer.Exit(ERROR)
    _print_server(settings, state)
    if not state.healthy():
        err.print("It does not answer: it is still starting, or it hangs.", style="yellow")
        raise typer.Exit(ERROR)


@app.command()
def stop(port: Port = None) -> None:
    """Stop the server that was started here; nothing else is touched."""
    from faceagent.vlm import server

    settings = load()
    state = server.find(settings, port)
    if state is None:
        err.print("No server runs.")
        return
    server.end(settings, state)
    err.print(f"Stopped process {state.pid}.", highlight=False)


def _print_server(settings: Settings, state: "ServerState") -> None:
    from faceagent.vlm import server

    made = server.key_file(settings, state.port)
    lines = {
        "endpoint": state.url,
        "model": state.model,
        "adapters": ", ".join(state.adapters) or "none",
        "key": made if settings.vlm_key is None else "FACEAGENT_VLM_KEY",
        "process": state.pid,
        "log": state.log,
        "use it": f"FACEAGENT_VLM_ENDPOINT={state.url} faceagent analyze ...",
    }
    for name, value in lines.items():
        out.print(f"{name:9} {value}", soft_wrap=True, highlight=False, markup=False)


@contextlib.contextmanager
def _print_progress() -> Iterator[Callable[[str], None]]:
    """Yields a function that prints the current step: a spinner in a terminal, else one plain line for each step."""
    if err.is_terminal:
        with err.status("") as spinner:
            yield lambda text: spinner.update(text)
        return
    printed: set[str] = set()

    def print_step(text: str) -> None:
        kind = text.partition(",")[0]
        if kind not in printed:
            printed.add(kind)
            err.print(text, soft_wrap=True, highlight=False)

    yield print_step
