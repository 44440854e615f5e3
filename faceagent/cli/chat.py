"""``faceagent chat`` and ``faceagent sessions``. How a conversation looks is in ``terminal_chat``."""

from functools import partial
from typing import Annotated

import typer
from rich.table import Column, Table
from rich.text import Text

from faceagent import weights
from faceagent.cli.render import err, out
from faceagent.errors import InputError
from faceagent.policy import JURISDICTIONS, PURPOSES
from faceagent.settings import load

sessions_app = typer.Typer(help="List, show and delete conversations.", no_args_is_help=True)


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
    from faceagent.agent.analyst import Analyst
    from faceagent.cli.chat_screen import Chat

    settings = load()
    weights.ready(settings)
    with Analyst(settings) as analyst:
        begin = partial(analyst.chat, purpose=purpose, jurisdiction=jurisdiction, sign_off=sign_off)
        with begin(session) as conversation:
            Chat(conversation, begin).run(images or (), reference or ())


@sessions_app.command("list")
def list_sessions() -> None:
    """List conversations, the last used first."""
    from faceagent.storage import sessions

    table = Table(Column("session", no_wrap=True), "first asked", "turns", "pictures", "last used", box=None)
    with sessions.open_storage(load()) as memory:
        found = sessions.list_sessions(memory)
    for one in found:
        used = one.used.replace("T", " ").removesuffix("+00:00")
        table.add_row(one.id, Text(one.title), str(one.turns), str(one.pictures), used)
    if found:
        out.print(table)
    else:
        err.print("There are no conversations.")


@sessions_app.command("show")
def show_session(name: Annotated[str, typer.Argument(help="The conversation's name.")]) -> None:
    """Print what was said in a conversation, oldest first."""
    from faceagent.cli.chat_screen import PROMPT, printable
    from faceagent.storage import sessions
    from faceagent.storage.conversation_store import ConversationStore, Exchange

    with sessions.open_storage(load()) as memory:
        if name not in {one.id for one in sessions.list_sessions(memory)}:
            raise InputError(f"There is no conversation {name!r}.", remedy="See `faceagent sessions list`.")
        book = ConversationStore(memory.store, name)
    for one in sorted(book.all(Exchange), key=lambda said: said.turn):
        out.print(Text(f"{PROMPT}{printable(one.text)}", style="bold"), soft_wrap=True)
        out.print(Text(printable(one.reply)), soft_wrap=True)
        out.print()


@sessions_app.command("delete")
def delete_sessions(
    names: Annotated[list[str] | None, typer.Argument(help="Names of conversations.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every conversation.")] = False,
) -> None:
    """Delete conversations with everything recorded in them; nothing of them is left in the store."""
    from faceagent.storage import sessions

    if bool(names) == everything:
        raise InputError("Say which conversations to delete.", remedy="Name them, or use --all.")
    with sessions.open_storage(load()) as memory:
        chosen = names or [one.id for one in sessions.list_sessions(memory)]
        sessions.delete_sessions(memory, chosen)
    err.print(f"Deleted: {', '.join(chosen) or 'nothing'}.", highlight=False)
