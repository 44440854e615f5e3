"""What holds for every command: wrong usage, bad settings, and an output that cannot be written."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.mark.parametrize(
    "arguments", [("analyze", "x.jpg", "-q", "mood"), ("analyze",), ("analyze", "x.jpg", "--purpose", "fun"), ("frob",)]
)
def test_wrong_usage_is_exit_code_two(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_a_bad_setting_is_named(run: Run, photo: Path) -> None:
    done = run("analyze", str(photo), FACEAGENT_THREADS="none")
    assert done.returncode == 1
    assert b"FACEAGENT_THREADS" in done.stderr
    assert b"Traceback" not in done.stderr


def test_an_output_that_cannot_be_written_is_a_message(run: Run, photo: Path) -> None:
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "faceagent", "analyze", str(photo), "-q", "quality", "--json"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=180)
    assert done.returncode == 1
    assert b"cannot be written" in done.stderr
    assert b"Traceback" not in done.stderr
