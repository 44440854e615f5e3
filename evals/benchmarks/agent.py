"""What the agent itself costs: overhead per turn, and growth over a conversation of 200 turns.

``python -m evals.benchmarks.agent [picture]`` prints milliseconds per turn outside of tools, faces, pictures, judge's
counterfactuals and explanations; the size of checkpoints; and how store and memory grew between the 100th turn and the
200th. Without a picture it makes one. Exit code 1 when a bar is missed.
"""

import argparse
import gc
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from faceagent import Analyst
from faceagent.agent.chat import Conversation
from faceagent.agent.chat.events import Done
from faceagent.settings import Settings

TURNS = 200
OVERHEAD_MS, CHECKPOINT_BYTES, GROWTH_PAGES, GROWTH_MB = 30.0, 100_000, 8, 5.0
"""The bars: median overhead of a turn, largest checkpoint, growth of the store and of the process in 100 turns."""
TALK = (
    "does she look happy?",
    "why do you say that?",
    "what would change your mind?",
    "/evidence E3",
    "is the face sharp?",
    "and what is her race?",
    "¿por qué?",
    "她看起来高兴吗？",
    "/faces",
    "what can you do?",
    "which action units are active?",
)


def picture(folder: Path) -> Path:
    """A drawn face-less picture, for where none was given: the agent's own work is the same."""
    path = folder / "picture.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (480, 480, 3), dtype=np.uint8)).save(path)
    return path


def pages(store: Path) -> int:
    """Pages of the store that hold something."""
    with sqlite3.connect(store) as connection:
        used, free = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count"))
    return int(used - free)


def largest(store: Path) -> int:
    """Bytes of the largest checkpoint."""
    with sqlite3.connect(store) as connection:
        return int(connection.execute("SELECT max(length(checkpoint)) FROM checkpoints").fetchone()[0])


def resident_mb() -> float:
    """Memory of this process now."""
    gc.collect()
    words = Path("/proc/self/statm")
    if words.exists():
        return int(words.read_text(encoding="ascii").split()[1]) * resource.getpagesize() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def turn(conversation: Conversation, text: str, *given: Path) -> Done:
    """Run one turn to its end."""
    last = list(conversation.ask(text, given))[-1]
    if not isinstance(last, Done):
        raise RuntimeError(f"the turn {text!r} did not end: {last}")
    return last


def main() -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", nargs="?", type=Path)
    asked = parser.parse_args()
    overhead: list[float] = []
    processor: list[float] = []
    marks: dict[int, tuple[int, float]] = {}
    checkpoint = 0
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(memory=folder, explain="ledger")
        store = Path(folder) / "conversations.sqlite"
        with Analyst(settings) as analyst, analyst.chat("benchmark") as conversation:
            first = turn(conversation, "tell me everything", asked.picture or picture(Path(folder)))
            for number in range(1, TURNS + 1):
                before = time.process_time()
                overhead.append(turn(conversation, TALK[number % len(TALK)]).overhead_ms)
                processor.append(1000 * (time.process_time() - before))
                checkpoint = max(checkpoint, largest(store))
                if number in (TURNS // 2, TURNS):
                    marks[number] = (pages(store), resident_mb())
    (pages0, mb0), (pages1, mb1) = marks[TURNS // 2], marks[TURNS]
    deciles = statistics.quantiles(overhead, n=20)
    rows = (
        ("overhead of a turn, median", statistics.median(overhead), OVERHEAD_MS, "ms"),
        ("store, growth over the last 100 turns", float(pages1 - pages0), GROWTH_PAGES, "pages of 4 kB"),
        ("process, growth over the last 100 turns", mb1 - mb0, GROWTH_MB, "MB"),
        ("largest checkpoint", float(checkpoint), CHECKPOINT_BYTES, "bytes"),
    )
    print(f"first turn: {first.seconds:.2f} s, of which the agent's own {first.overhead_ms:.1f} ms")
    print(f"{TURNS} turns: {statistics.median(processor):.1f} ms of processor time each, whatever else runs (median)")
    print(f"{TURNS} turns: 5th percentile {deciles[0]:.1f} ms, 95th {deciles[-1]:.1f} ms, most {max(overhead):.1f} ms")
    for name, value, bar, unit in rows:
        print(f"{'ok ' if value <= bar else 'MISSED'} {name}: {value:.1f} {unit} (bar {bar:g})")
    return 0 if all(value <= bar for _, value, bar, _ in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
