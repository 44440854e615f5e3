"""Paths that are not files never hang the program, and names are never used as paths."""

import os
import socket
import threading
from pathlib import Path

import pytest

from faceagent.intake import MemoryBlobs, expand, take
from faceagent.settings import Settings
from faceagent.types import Problem


def reason(path: str | Path) -> str | None:
    blobs = MemoryBlobs()
    (source,) = expand([path], blobs)
    answers: list[str | None] = []

    def look() -> None:
        found = take(source, blobs, Settings())
        answers.append(found.reason if isinstance(found, Problem) else None)

    # In a thread of its own, so that a hang is a failed test and not a test run that never ends.
    worker = threading.Thread(target=look, daemon=True)
    worker.start()
    worker.join(5)
    assert answers, f"{path} hangs"
    return answers[0]


def test_a_pipe_without_a_writer_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "link.jpg").symlink_to(tmp_path / "pipe.jpg")
    assert reason(tmp_path / "pipe.jpg") == reason(tmp_path / "link.jpg") == "not_a_file"


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/tty", "/dev/stdin"])
def test_devices_are_not_read(device: str) -> None:
    if not os.path.exists(device):
        pytest.skip("no such device here")
    assert reason(device) in ("not_a_file", "missing_file", "empty_file", "unsupported_format")


def test_endless_devices_are_not_files() -> None:
    assert reason("/dev/zero") == "not_a_file"


def test_a_socket_is_not_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s.jpg")
        assert reason("s.jpg") == "not_a_file"


def test_a_file_swapped_for_a_pipe_between_looking_and_opening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"x")
    honest = os.stat(path)
    path.unlink()
    os.mkfifo(path)
    real = os.stat
    monkeypatch.setattr(os, "stat", lambda name, **more: honest if name == path else real(name, **more))
    assert reason(path) == "not_a_file"


@pytest.mark.parametrize("name", ["\0", "a\0b.jpg", "x" * 5000, "a/" * 3000, "\ud800.jpg", "~root/.ssh/id_rsa"])
def test_impossible_names_are_missing_files(name: str) -> None:
    assert reason(name) == "missing_file"


def test_a_folder_that_contains_itself_is_walked_once(tmp_path: Path) -> None:
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "a.jpg").write_bytes(b"x")
    assert [source.name.split("/", 1)[1] for source in expand([tmp_path], MemoryBlobs())] == ["a.jpg"]


@pytest.mark.parametrize(
    "name", ["<script>alert(1)<~script>.jpg", "a\nb\x1b[31m.jpg", "\u202egpj.exe.jpg", "=cmd()|' '!A0.jpg", "..jpg.jpg"]
)
def test_names_are_carried_as_one_line_of_text(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"x")
    (source,) = expand([path], MemoryBlobs())
    assert source.name.isprintable() and len(source.name) <= 120 and "\u202e" not in source.name
    assert reason(path) == "unsupported_format"


def test_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    blobs = MemoryBlobs()
    for source in expand([b"x", tmp_path / "in" / ".." / ".." / "x.jpg", "data:,../../x"], blobs):
        take(source, blobs, Settings())
    assert {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*")} == {"in"}
