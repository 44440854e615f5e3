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


def test_names_are_printed_as_they_are_and_escaped_where_the_encoding_lacks_them(
    run: Run, photo: Path, tmp_path: Path
) -> None:
    folder, out = tmp_path / "e[", tmp_path / "o[/x]"
    folder.mkdir()
    for name in ("b].jpg", "[link=evil.example]x.jpg", ":smile: é.jpg", "\udcff.jpg"):
        (folder / name).write_bytes(photo.read_bytes())
    (folder / "[bold red]bad.jpg").write_bytes(b"no picture")
    done = run("analyze", str(folder), "-q", "quality", "--out", str(out), PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 4 and b"Traceback" not in done.stderr, done.stderr
    said = done.stdout.decode("ascii")
    for name in ("e[/b].jpg", "[link=evil.example]x.jpg", ":smile: \\xe9.jpg", "[bold red]bad.jpg"):
        assert name in said
    assert "\x1b" not in said and str(out / "index.html") in done.stderr.decode()
    lines = run("analyze", str(folder / ":smile: é.jpg"), "--json", "-q", "quality", PYTHONIOENCODING="ascii")
    assert lines.returncode == 0 and b":smile: \\xe9.jpg" in lines.stdout


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("analyze {photo} --json >&-", 1, "Standard output is closed"),
        ("analyze {photo} -q quality --json --out {out} >&-", 0, "report.html"),
        ("chat {photo} <&-", 2, "Standard input is closed"),
        ("analyze {photo} -q quality --out {out} 2>&-", 0, ""),
    ],
)
def test_closed_streams_are_a_message_and_lose_nothing(
    photo: Path, tmp_path: Path, command: str, code: int, words: str
) -> None:
    line = command.format(photo=photo, out=tmp_path / "out")
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m faceagent {line}"],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=180,
    )
    said = done.stderr.decode()
    assert done.returncode == code, said
    assert words in said and "Traceback" not in said
    if "--out" in command:
        assert (tmp_path / "out" / "report.json").is_file()


def test_a_command_begun_in_a_deleted_folder_goes_on_in_the_root(tmp_path: Path) -> None:
    """Before torch is imported: later its mathematics would end the process all the same."""
    script = (
        "import os, sys\n"
        f"os.chdir({str(tmp_path)!r}); os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')\n"
        "sys.argv = ['faceagent', '--version']\n"
        "from faceagent.cli.main import main\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    assert os.getcwd() == os.sep and 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0 and "has been deleted" in done.stderr, done.stderr
