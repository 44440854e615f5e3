"""``faceagent chat`` and ``faceagent sessions`` as a person or a script meets them."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, astronaut: NDArray[np.uint8]) -> Path:
    folder = tmp_path_factory.mktemp("chat")
    Image.fromarray(astronaut).save(folder / "photo.jpg", quality=95)
    return folder


def run(place: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "FACEAGENT_MEMORY": str(place / "memory"),
        "FACEAGENT_EXPLAIN": "ledger",
        "COLUMNS": "80",
    }
    return subprocess.run(
        [sys.executable, "-m", "faceagent", *arguments],
        input=typed,
        capture_output=True,
        encoding="utf-8",
        cwd=place,
        env=environment,
        timeout=280,
    )


def test_questions_come_through_a_pipe_and_conversations_are_listed_shown_and_deleted(place: Path) -> None:
    typed = "\n".join(
        ["does she look happy? is it sharp?", "/why expression", "/evidence E1", "/faces", "what is her race?", "/help",
         "/open report", "/open report 7", "/session"]
    )  # fmt: skip
    first = run(place, "chat", "photo.jpg", "--session", "piped", typed=typed)
    assert first.returncode == 0, first.stderr
    assert "> does she look happy?" in first.stdout and "Yes: this face looks happy." in first.stdout
    assert "What it rests on:" in first.stdout and "EU AI Act Art. 5(1)(g)" in first.stdout
    assert "piped (kept)" in first.stdout and "/evidence [E7]" in first.stdout
    # What a turn is doing is for terminals only.
    assert "expression" not in first.stderr
    assert (place / "faceagent-piped" / "picture-1" / "report.html").is_file()
    assert "There is no picture 7" in first.stderr

    again = run(place, "chat", "--session", "piped", typed="/why expression\n/quit\nnever read\n")
    assert "5 turns so far" in again.stderr and "AU12" in again.stdout and "never read" not in again.stdout
    listed = run(place, "sessions", "list").stdout
    assert "piped" in listed and "does she look happy?" in listed
    assert "> what is her race?" in run(place, "sessions", "show", "piped").stdout
    deleted = run(place, "sessions", "delete", "piped")
    assert deleted.returncode == 0 and "Deleted: piped" in deleted.stderr
    assert "no conversations" in run(place, "sessions", "list").stderr
    assert b"happy" not in b"".join(path.read_bytes() for path in (place / "memory").iterdir())


def test_what_was_typed_cannot_command_the_terminal_when_it_is_listed(place: Path) -> None:
    evil = "\x1b]0;owned\x07\x1b[2Jhow many faces?\u202e"
    run(place, "chat", "photo.jpg", "--session", "evil", typed=evil + "\n")
    for arguments in (("sessions", "list"), ("sessions", "show", "evil"), ("chat", "--session", "evil")):
        found = run(place, *arguments, typed="/quit\n")
        said = found.stdout + found.stderr
        assert "how many faces?" in said and not {"\x1b", "\x07", "\u202e"} & set(said), arguments
    run(place, "sessions", "delete", "evil")


def test_a_broken_request_is_told_with_its_remedy(place: Path) -> None:
    for arguments, words in (
        (("chat", "-"), "standard input carries the questions"),
        (("chat", "--session", "../x"), "cannot be called"),
        (("chat", "--purpose", "fun"), "no purpose called"),
        (("sessions", "show", "nobody"), "no conversation"),
        (("sessions", "delete"), "which conversations"),
    ):
        found = run(place, *arguments)
        assert found.returncode == 2 and words in " ".join(found.stderr.split()), found.stderr


def test_faces_are_counted_without_any_measurement_and_unknown_commands_are_told(place: Path) -> None:
    found = run(place, "chat", "photo.jpg", typed="how many faces?\n/nonsense\n/quit\n")
    assert "F1: " in found.stdout and "→" not in found.stderr
    assert "There is no command /nonsense. /help lists them." in " ".join(found.stderr.split())
