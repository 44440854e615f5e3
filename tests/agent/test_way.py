"""The way of one question through the agent, as docs/architecture.md lists it."""

import re
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceagent import Settings, analyze
from faceagent.agent import analyst

ROOT = Path(__file__).resolve().parents[2]
MOST_HOPS = 20


def listed_hops() -> list[str]:
    """Rows of the page's table: ``| 1 | `agent/analyst.py` | `analyze` | ... |`` as "agent/analyst.py:analyze"."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| `([\w/.]+)` \| `([\w.]+)` \|", page, flags=re.MULTILINE)
    assert [int(number) for number, _, _ in rows] == list(range(1, len(rows) + 1))
    return [f"{file}:{function}" for _, file, function in rows]


def test_a_question_passes_the_functions_that_the_page_lists_in_their_order(
    astronaut: NDArray[np.uint8], tmp_path: Path, monkeypatch: Any
) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(astronaut).save(photo)
    monkeypatch.setattr(analyst, "_default", analyst.Analyst(Settings(explain="ledger")))
    entered: dict[str, None] = {}

    def note(frame: FrameType, event: str, argument: object) -> None:
        del argument
        if event == "call" and (file := frame.f_code.co_filename).startswith(str(ROOT / "faceagent")):
            entered.setdefault(f"{Path(file).relative_to(ROOT / 'faceagent')}:{frame.f_code.co_qualname}")

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        report = analyze(str(photo), questions=["quality", "expression"])
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    assert {verdict.question for verdict in report.verdicts} == {"quality", "expression"}
    hops = listed_hops()
    assert 10 <= len(hops) <= MOST_HOPS
    assert [hop for hop in entered if hop in hops] == hops
