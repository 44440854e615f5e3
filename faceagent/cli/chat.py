"""``faceagent chat``: a conversation in the terminal. ``terminal_chat`` reads the turns and prints the answers."""

from functools import partial
from typing import Annotated

import typer

from faceagent import weights
from faceagent.cli.streams import was_closed
from faceagent.errors import InputError
from faceagent.policy import JURISDICTIONS, PURPOSES
from faceagent.settings import load


def chat(
    images: Annotated[
        list[str] | None, typer.Argument(metavar="[IMAGE]...", help="Files, globs, folders or URLs.")
    ] = None,
    reference: Annotated[
        list[str] | None, typer.Option("--reference", "-r", help="A picture of the person to compare with. Repeatable.")
    ] = None,
    session: Annotated[
        str | None, typer.Option("--session", "-s", help="Go on with this conversation, or begin it under this name.")
    ] = None,
    purpose: Annotated[str | None, typer.Option(help=f"Why you ask: {', '.join(PURPOSES)}.")] = None,
    jurisdiction: Annotated[str | None, typer.Option(help=f"Whose rules apply: {', '.join(JURISDICTIONS)}.")] = None,
    sign_off: Annotated[
        bool, typer.Option("--sign-off", help="Ask before verdicts are given out, turn by turn.")
    ] = False,
) -> None:
    """Ask about pictures in plain words. Questions may also come through a pipe, one on each line."""
    if "-" in (*(images or ()), *(reference or ())):
        raise InputError("In a chat standard input carries the questions.", remedy="Name a file instead of -.")
    if was_closed("stdin"):
        raise InputError("Standard input is closed.", remedy="Type the questions, or send them through a pipe.")
    from faceagent.agent.analyst import Analyst
    from faceagent.cli.terminal_chat import TerminalChat

    settings = load()
    weights.ready(settings)
    with Analyst(settings) as analyst:
        begin = partial(analyst.chat, purpose=purpose, jurisdiction=jurisdiction, sign_off=sign_off)
        with begin(session) as conversation:
            TerminalChat(conversation, begin).run(images or (), reference or ())
