"""Where one conversation is kept: its checkpoints, its notebook and its line in the list of conversations.

Where the store fails, everything goes on in memory; what is said about that is for the conversation. Runs no turn.
"""

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from langgraph.types import StateSnapshot

from faceagent.agent.chat.graph import STEPS, build_analyst
from faceagent.agent.memory import Fleeting, Memory, Session, note, opened, sessions, trouble
from faceagent.agent.notebook import Exchange, Notebook
from faceagent.errors import ConversationBusy, MemoryTrouble
from faceagent.settings import Settings

TITLE = 60
"""Characters of the first question that name a conversation in a list."""
EXCHANGES = 50
"""Turns whose words are kept; older ones give way, the evidence stays."""
LONGEST = 4_000
"""Characters kept of what was said in a turn, on each side."""


class Kept:
    """One conversation's place in the memory that the settings name, held alone until it is closed.

    ``values`` are the graph's after the last turn. ``trouble``: why the memory could not be used, until it was told.
    """

    def __init__(self, name: str, settings: Settings) -> None:
        """Open or begin it. Raises ConversationBusy when another process holds it."""
        self.name, self._settings = name, settings
        self.trouble: MemoryTrouble | None = None
        with ExitStack() as stack:
            self.memory = self._opened(stack)
            self._open = stack.pop_all()

    def _opened(self, stack: ExitStack) -> Memory:
        try:
            memory = stack.enter_context(opened(self._settings))
            stack.enter_context(memory.lease(self.name))
            self._load(memory)
            return memory
        except ConversationBusy:
            raise
        except MemoryTrouble as error:
            self.trouble = error
        fleeting = Fleeting()
        self._load(fleeting)
        return fleeting

    def _load(self, memory: Memory) -> None:
        """What is recorded so far. Raises MemoryTrouble."""
        try:
            self.graph = build_analyst(memory.saver)
            self.book = Notebook(memory.store, self.name)
            self._snapshot: StateSnapshot | None = self.graph.get_state(self.config)
            self.values: dict[str, Any] = dict(self._snapshot.values)
            self._session = next((one for one in sessions(memory) if one.id == self.name), None)
        except (ValueError, KeyError) as error:
            # Rows that are not what was written here: treated as what they are, damage.
            raise MemoryTrouble(
                f"{memory.where} holds something else under {self.name!r}.", remedy="Choose another name."
            ) from error
        except memory.errors as error:
            raise trouble(error, memory.where) from error

    @property
    def config(self) -> Any:
        """How LangGraph finds this conversation, and how far a turn may go."""
        return {
            "configurable": {"thread_id": self.name},
            "recursion_limit": STEPS,
            "max_concurrency": self._settings.workers,
        }

    @property
    def new(self) -> bool:
        """Whether nothing has been asked yet."""
        return self._session is None

    def state(self) -> StateSnapshot:
        """The newest checkpoint."""
        if self._snapshot is None:
            self._snapshot = self.graph.get_state(self.config)
        return self._snapshot

    def running(self) -> None:
        """A turn begins: the checkpoint that is known grows old."""
        self._snapshot = None

    def move_to_memory(self) -> None:
        """Go on in this process; everything recorded comes along."""
        self.memory, self._snapshot = Fleeting(), None
        self.graph = build_analyst(self.memory.saver)
        self.book.move(self.memory.store)
        self.book.keep()

    def finish(self, turn: int, pictures: int) -> None:
        """Keep the words of a turn, drop the checkpoints that it left behind."""
        text, reply = str(self.values["text"]), str(self.values["reply"])
        self.book.put(f"words/{turn % EXCHANGES}", Exchange(turn=turn, text=text[:LONGEST], reply=reply[:LONGEST]))
        self.book.keep()
        self.remember(text, turn, pictures)
        self.memory.prune(self.name)

    def remember(self, text: str, turns: int, pictures: int) -> None:
        """Bring the line in the list of conversations up to date."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        title = " ".join(text.split())[:TITLE] or "(a picture)"
        begun = self._session or Session(id=self.name, title=title, turns=0, pictures=0, started=now, used=now)
        self._session = begun.model_copy(update={"turns": turns, "pictures": pictures, "used": now})
        note(self.memory, self._session)

    def close(self) -> None:
        """Let go of the conversation; it stays where it is kept."""
        self._open.close()
