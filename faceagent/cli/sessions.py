"""``faceagent sessions``: list, show and delete conversations."""

from typing import Annotated

import typer
from rich.table import Column, Table
from rich.text import Text

from faceagent.cli.render import err, out, strip_control_characters
from faceagent.errors import InputError
from faceagent.settings import load

app = typer.Typer(help="List, show and delete conversations.", no_args_is_help=True)


@app.command("list")
def list_sessions() -> None:
    """List conversations, the last used first."""
    from faceagent.storage import sessions

    table = Table(Column("session", no_wrap=True), "first asked", "turns", "pictures", "last used", box=None)
    with sessions.open_storage(load()) as memory:
        found = sessions.list_sessions(memory)
    for one in found:
        used = one.used.replace("T", " ").removesuffix("+00:00")
        table.add_row(one.id, Text(strip_control_characters(one.title)), str(one.turns), str(one.pictures), used)
    if found:
        out.print(table)
    else:
        err.print("There are no conversations.")


@app.command("show")
def show_session(name: Annotated[str, typer.Argument(help="The conversation's name.")]) -> None:
    """Print what was said in a conversation, oldest first."""
    from faceagent.cli.chat_output import PROMPT
    from faceagent.storage import sessions
    from faceagent.storage.conversation_store import ConversationStore, Exchange

    with sessions.open_storage(load()) as memory:
        if name not in {one.id for one in sessions.list_sessions(memory)}:
            raise InputError(f"There is no conversation {name!r}.", remedy="See `faceagent sessions list`.")
        store = ConversationStore(memory.store, name)
    for one in sorted(store.all(Exchange), key=lambda exchange: exchange.turn):
        out.print(Text(f"{PROMPT}{strip_control_characters(one.text)}", style="bold"), soft_wrap=True)
        out.print(Text(strip_control_characters(one.reply)), soft_wrap=True)
        out.print()


@app.command("delete")
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
