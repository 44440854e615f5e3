"""``faceagent weights``: list, pull and verify model weights."""

from typing import Annotated

import typer
from rich.table import Column, Table
from rich.text import Text

from faceagent import weights
from faceagent.cli.exit_codes import ERROR
from faceagent.cli.render import out
from faceagent.settings import load

app = typer.Typer(help="List, pull and verify model weights.", no_args_is_help=True)


@app.command("list")
def list_weights() -> None:
    """List every catalogued weight with its licence and state on this machine."""
    settings = load()
    states = {check.id: check for check in weights.verify(settings)}
    table = Table(Column("id", no_wrap=True), "what", "licence", "commercial", "MB", "profiles", "state")
    for entry in weights.entries():
        size = f"{entry.bytes / 1e6:.1f}" if entry.bytes else ""
        commercial = Text("yes") if entry.commercial else Text("no", style="red")
        state = states[entry.id].state
        table.add_row(entry.id, entry.title, entry.license, commercial, size, ", ".join(entry.profiles), state)
    out.print(table)


@app.command("pull")
def pull_weights(
    names: Annotated[list[str] | None, typer.Argument(help="Ids; without any, all of the profile.")] = None,
) -> None:
    """Fetch weights and verify them against the catalogue."""
    settings = load()
    for path in weights.pull(names or weights.of_profile(settings.profile), settings):
        out.print(str(path), soft_wrap=True, highlight=False)


@app.command("verify")
def verify_weights() -> None:
    """Check every weight: the catalogue's, those that come with the package, and the assembled model.

    Fails on a corrupt one, and on one that the profile lacks.
    """
    from faceagent.encoder.verify import verify_shipped
    from faceagent.vlm import embedded_model

    settings = load()
    checks = [*weights.verify(settings), *verify_shipped(), *embedded_model.verify(settings)]
    needed = weights.of_profile(settings.profile)
    table = Table(Column("id", no_wrap=True), "state", Column("detail", overflow="fold"))
    for check in checks:
        table.add_row(check.id, check.state, Text(check.detail or str(check.path or "")))
    out.print(table)
    if any(check.state == "corrupt" or (check.state == "missing" and check.id in needed) for check in checks):
        raise typer.Exit(ERROR)
