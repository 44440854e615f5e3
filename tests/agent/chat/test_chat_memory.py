"""Conversations that last: resumed, killed, locked out, and small whatever they have seen."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from PIL import Image
from turns import labels, recorded, reply, said, started

from faceagent import Analyst, InputError, Settings
from faceagent.agent.chat.events import Done, Noted
from faceagent.agent.chat.state import Stopwatch, TurnState, budget_left
from faceagent.errors import ConversationBusy
from faceagent.storage.conversation_store import PendingTurn
from faceagent.storage.keys import PENDING
from faceagent.storage.sessions import delete_sessions, list_sessions
from faceagent.storage.sqlite import Sqlite
from faceagent.types import Evidence, Explanation, Verdict

HAPPY = "does she look happy?"
FILE = "conversations.sqlite"


def test_a_conversation_goes_on_where_it_was(analyst: Analyst, photo: Path, views: Callable[[], int]) -> None:
    with analyst.chat("holiday") as talk:
        said(talk, HAPPY, [photo])
        before = views()
    with analyst.chat("holiday") as again:
        assert again.turns == 1 and again.exchanges[0].text == HAPPY
        assert "AU12" in said(again, "why?")
        assert again.turns == 2 and views() == before


def test_one_process_wins_and_the_other_is_told(analyst: Analyst) -> None:
    with analyst.chat("mine"), pytest.raises(ConversationBusy, match="Another process"):
        analyst.chat("mine")
    with analyst.chat("mine"):
        pass


def test_deleted_conversations_leave_no_byte(analyst: Analyst, photo: Path, memory: Path) -> None:
    with analyst.chat("private") as talk:
        said(talk, "is the mysterious quuxperson happy?", [photo])
    with analyst.chat("other") as talk:
        said(talk, HAPPY, [photo])
    assert b"quuxperson" in b"".join(path.read_bytes() for path in memory.iterdir())
    with Sqlite(memory) as local:
        assert {one.id for one in list_sessions(local)} == {"private", "other"}
        delete_sessions(local, ["private"])
    left = b"".join(path.read_bytes() for path in memory.iterdir())
    assert b"quuxperson" not in left and b"private" not in left
    with analyst.chat("other") as talk:
        assert "this face looks happy" in said(talk, HAPPY)


def test_checkpoints_stay_small_and_few_whatever_the_pictures(analyst: Analyst, memory: Path, tmp_path: Path) -> None:
    pictures = []
    for number in range(60):
        path = tmp_path / f"a rather long name for the picture with the number {number}.png"
        Image.fromarray(np.random.default_rng(number).integers(0, 255, (40, 40, 3), np.uint8)).save(path)
        pictures.append(path)
    largest: list[int] = []
    with analyst.chat("many") as talk:
        for event in talk.ask("are all the pictures sharp?", pictures):
            if event.event in ("tool_start", "verdict", "done"):
                with sqlite3.connect(memory / FILE) as store:
                    rows = store.execute("SELECT length(checkpoint) FROM checkpoints").fetchall()
                    rows += store.execute("SELECT length(value) FROM writes").fetchall()
                largest.append(max(row[0] for row in rows))
        assert len(largest) > 5 and max(largest) < 100_000
        assert isinstance(event, Done)
        with sqlite3.connect(memory / FILE) as store:
            assert store.execute("SELECT count(*) FROM checkpoints").fetchone()[0] == 1


def test_many_turns_leave_the_store_as_it_was(analyst: Analyst, memory: Path, photo: Path) -> None:
    turns = ["why?", "what would change your mind?", "/evidence E2", "¿por qué?", "and her race?", "/faces"]

    def size() -> int:
        with sqlite3.connect(memory / FILE) as store:
            pages, free = (store.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count"))
            return int(pages - free)

    with analyst.chat("long") as talk:
        said(talk, HAPPY, [photo])
        for number in range(54):
            said(talk, turns[number % len(turns)])
        before, nouns = size(), len(talk.store.all(Evidence))
        for number in range(54):
            said(talk, turns[number % len(turns)])
        assert size() <= before + 8
        assert len(talk.store.all(Evidence)) == nouns
        assert len(talk.exchanges) == 50


SLOW = """
import sys, time
from pathlib import Path
from faceagent import Analyst, Settings
from faceagent.agent.runtime import build_tools

class Slow:
    def __init__(self, tool): self.spec, self.tool = tool.spec, tool
    def stamp(self): return self.tool.stamp()
    def run(self, batch):
        time.sleep(120)
        return self.tool.run(batch)

settings = Settings(workers=2, memory=sys.argv[1], explain="ledger")
tools = build_tools(settings)
with Analyst(settings, {**tools, "expression": Slow(tools["expression"])}) as analyst:
    with analyst.chat("killed") as talk:
        for event in talk.ask("does she look happy?", [Path(sys.argv[2])]):
            print(event.model_dump_json(), flush=True)
"""


def test_a_killed_turn_is_finished_without_losing_or_repeating_evidence(
    analyst: Analyst, memory: Path, photo: Path
) -> None:
    process = subprocess.Popen([sys.executable, "-c", SLOW, str(memory), str(photo)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    told: list[str] = []
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "evidence":
            told.append(event["evidence"]["id"])
            if event["evidence"]["id"].endswith("AU45"):
                break
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert "F1:AU12" in told and "F1:expression" not in told
    with analyst.chat("killed") as talk:
        assert talk.unfinished == HAPPY
        events = list(talk.resume())
        # What the dead process had recorded is there, and the tool that had recorded it was not run again.
        assert started(events) in (["expression"], ["action_units", "expression"], ["expression", "action_units"])
        assert labels(events) == {(1, "F1", "expression"): "happy"}
        assert talk.unfinished is None
        names = [talk.store.get(key, Evidence).id for key in talk.store.evidence_keys()]
        assert len(names) == len(set(names)) and set(told) <= set(names)
        counted = analyst.runtime.tools["action_units"]
        assert counted.views == 0  # type: ignore[attr-defined]  # a Counted
        whole = analyst.analyze(photo, questions=["expression"])
        assert {one.id: one.label for one in whole.evidence} == {
            (one := talk.store.get(key, Evidence)).id: one.label for key in talk.store.evidence_keys()
        }
        assert "this face looks happy" in reply(events)


KILLED_AT_ONCE = """
import os, sys
from pathlib import Path
from faceagent import Analyst, Settings
from faceagent.agent.chat.steps import understand

understand.understand = lambda *_, **__: os._exit(9)
from faceagent.agent.chat import graph
settings = Settings(workers=1, memory=sys.argv[1], explain="ledger")
with Analyst(settings) as analyst, analyst.chat("killed") as talk:
    list(talk.ask("does she look happy?", [Path(sys.argv[2])]))
"""


@pytest.mark.parametrize("checkpoints", [True, False])
def test_a_first_turn_that_was_killed_at_once_is_begun_again(
    analyst: Analyst, memory: Path, photo: Path, checkpoints: bool
) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED_AT_ONCE, str(memory), str(photo)], timeout=200)
    assert done.returncode == 9
    if not checkpoints:
        with sqlite3.connect(memory / FILE) as store:
            for table in ("checkpoints", "writes"):
                store.execute(f"DELETE FROM {table}")  # noqa: S608
    with analyst.chat("killed") as talk:
        assert talk.unfinished == HAPPY
        assert "this face looks happy" in reply(list(talk.resume()))
        assert talk.unfinished is None and talk.turns == 1
        assert "AU12" in said(talk, "why?")


def test_a_later_turn_that_left_nothing_but_its_words_is_begun_again(analyst: Analyst, photo: Path) -> None:
    with analyst.chat("killed") as talk:
        said(talk, HAPPY, [photo])
        talk.store.put(PENDING, PendingTurn(number=2, text="is the picture sharp?"))
        talk.store.flush()
    with analyst.chat("killed") as again:
        assert again.unfinished == "is the picture sharp?"
        assert ("F1", "quality") in {key[1:] for key in labels(list(again.resume()))}
        assert again.turns == 2 and again.unfinished is None


def test_one_worker_is_enough_for_a_conversation(memory: Path, photo: Path) -> None:
    settings = Settings(workers=1, memory=str(memory), explain="ledger")
    with Analyst(settings) as single, single.chat("single") as talk:
        assert "this face looks happy" in said(talk, HAPPY, [photo])


def test_the_time_of_a_turn_is_its_own(analyst: Analyst, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn that is resumed a day later has its whole budget, whatever the clock on the wall says."""
    state = cast(TurnState, {"made": 0, "started": 0.0})
    with analyst.chat("budget") as talk:
        context = talk._turn_context(Stopwatch(), [])
        assert budget_left(state, context) == analyst.settings.turn_calls
        monkeypatch.setattr("time.time", lambda: 4e9)
        assert budget_left(state, context) == analyst.settings.turn_calls
        monkeypatch.setattr(Stopwatch, "elapsed", property(lambda _: analyst.settings.turn_seconds + 1))
        assert budget_left(state, context) == 0


def notices(events: list[object]) -> list[str]:
    return [one.text for one in events if isinstance(one, Noted) and one.code == "memory_trouble"]


def test_a_store_that_gets_locked_is_told_and_the_conversation_goes_on(
    analyst: Analyst, memory: Path, photo: Path, views: Callable[[], int]
) -> None:
    with analyst.chat("locked") as talk:
        said(talk, HAPPY, [photo])
        before = views()
        blocker = sqlite3.connect(memory / FILE)
        blocker.execute("BEGIN IMMEDIATE")
        events = list(talk.ask("is the picture sharp?"))
        blocker.close()
        assert len(notices(list(events))) == 1 and "locked" in notices(list(events))[0]
        assert ("F1", "quality") in {key[1:] for key in labels(events)}
        assert not talk.persistent
        # Everything from before the trouble is still there, and nothing of it is measured again.
        assert "AU12" in said(talk, "why does she look happy?")
        assert views() == before + 1
        assert len(recorded(events)) == len(set(recorded(events)))


def test_a_full_store_is_told_and_the_conversation_goes_on(analyst: Analyst, memory: Path, photo: Path) -> None:
    with analyst.chat("full") as talk:
        said(talk, "/faces", [photo])
        for connection in talk._session.storage._connections:  # type: ignore[attr-defined]  # a Sqlite
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages}")
        events = list(talk.ask("tell me everything about it"))
        assert "no room" in notices(list(events))[0]
        assert isinstance(events[-1], Done)
        assert talk.store.all(Verdict) and talk.store.all(Explanation)


def test_a_damaged_store_is_told_and_the_conversation_begins_in_memory(
    analyst: Analyst, memory: Path, photo: Path
) -> None:
    memory.mkdir()
    (memory / FILE).write_bytes(b"no database at all" * 1000)
    with analyst.chat("fresh") as talk:
        events = list(talk.ask(HAPPY, [photo]))
        assert "damaged" in notices(list(events))[0]
        assert "this face looks happy" in reply(events)
        assert notices(list(talk.ask("why?"))) == []
    assert (memory / FILE).read_bytes().startswith(b"no database at all")


def test_a_conversation_may_be_called_only_what_a_file_may(analyst: Analyst) -> None:
    with pytest.raises(InputError, match="cannot be called"):
        analyst.chat("../../etc/passwd")
