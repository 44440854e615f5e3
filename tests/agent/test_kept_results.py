"""Reports are written as they are made, and a later run goes on where one stopped, however it ended."""

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from faceagent import Analyst, InputError, OutputError, Settings
from faceagent.agent import pipeline

ASK: dict[str, Any] = {"questions": ["quality"]}


@pytest.fixture(scope="module")
def analyst() -> Iterator[Analyst]:
    with Analyst(Settings(workers=2, batch=1)) as warm:
        yield warm


@pytest.fixture
def folder(tmp_path: Path, astronaut: NDArray[np.uint8]) -> Path:
    """Five pictures that differ, the last two under one name in different folders, and a text."""
    place = tmp_path / "pictures"
    for number, name in enumerate(("a", "b", "c", "d/same", "e/same")):
        path = place / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(astronaut[: 400 + number]).save(path)
    (place / "f.png").write_text("no picture")
    return place


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many pictures were analysed since the last call."""
    seen: list[str] = []
    find = pipeline.faces.search_faces

    def counted(picture: Any, *rest: Any, **more: Any) -> Any:
        seen.append(picture.sha256)
        return find(picture, *rest, **more)

    monkeypatch.setattr(pipeline.faces, "search_faces", counted)

    def count() -> int:
        number = len(seen)
        seen.clear()
        return number

    return count


def test_every_report_is_on_the_disk_when_it_is_given_out(analyst: Analyst, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    reports = analyst.analyze_many([folder], out=out, **ASK)
    for number, _ in enumerate(reports, start=1):
        assert len(list(out.glob("*/report.json"))) == len(list(out.glob("*/report.html"))) == number
    assert not list(out.rglob("*.part"))


def test_pictures_from_an_iterator_have_a_folder_each(
    analyst: Analyst, folder: Path, tmp_path: Path, looked: Callable[[], int]
) -> None:
    def given() -> Iterator[Path]:
        for name in "ab":
            yield folder / f"{name}.png"
            # Nothing is taken before its turn.
            assert looked() == 1

    assert len(list(analyst.analyze_many(given(), out=tmp_path / "out", **ASK))) == 2
    assert len(list((tmp_path / "out").glob("*/report.json"))) == 2 and (tmp_path / "out" / "index.html").is_file()


def test_a_second_run_analyses_only_what_is_missing_and_gives_the_same(
    analyst: Analyst, folder: Path, tmp_path: Path, looked: Callable[[], int]
) -> None:
    out = tmp_path / "out"
    first = analyst.analyze_many([folder], out=out, **ASK)
    some = [next(first), next(first)]
    first.close()
    assert looked() == 2 and (out / "index.html").is_file()
    again = list(analyst.analyze_many([folder], out=out, **ASK))
    assert looked() == 3
    assert again[:2] == some
    assert [one.source for one in again if one.problem is not None] == ["pictures/f.png"]
    names = [one.source for one in again]
    page = (out / "index.html").read_text(encoding="utf-8")
    assert len(set(names)) == 6 and all(name in page for name in names)
    third = list(analyst.analyze_many([folder], out=out, **ASK))
    assert [one for one in third if one.picture] == [one for one in again if one.picture] and looked() == 0
    assert len(list(out.glob("*/report.json"))) == 6


def test_what_decides_what_is_said_begins_anew(
    analyst: Analyst, folder: Path, tmp_path: Path, looked: Callable[[], int], astronaut: NDArray[np.uint8]
) -> None:
    out, pictures = tmp_path / "out", [folder / "a.png", folder / "b.png"]
    list(analyst.analyze_many(pictures, out=out, **ASK))
    assert looked() == 2
    list(analyst.analyze_many(pictures, out=out, fresh=True, **ASK))
    assert looked() == 2
    list(analyst.analyze_many(pictures, out=out, questions=["provenance"]))
    assert looked() == 2
    list(analyst.analyze_many(pictures, out=out, purpose="research", **ASK))
    assert looked() == 2
    with Analyst(Settings(workers=2, max_faces=1)) as other:
        list(other.analyze_many(pictures, out=out, **ASK))
    assert looked() == 2
    Image.fromarray(astronaut[:333]).save(folder / "a.png")
    list(analyst.analyze_many(pictures, out=out, **ASK))
    assert looked() == 1
    list(analyst.analyze_many(pictures, out=out, **ASK))
    assert looked() == 0


@pytest.mark.parametrize("damage", ["cut journal", "other text", "lost page", "cut report"])
def test_what_a_killed_run_has_left_half_is_made_again(
    analyst: Analyst, folder: Path, tmp_path: Path, looked: Callable[[], int], damage: str
) -> None:
    out, pictures = tmp_path / "out", [folder / "a.png", folder / "b.png"]
    list(analyst.analyze_many(pictures, out=out, **ASK))
    looked()
    journal = out / "journal.jsonl"
    lines = journal.read_text(encoding="utf-8").splitlines()
    last = out / json.loads(lines[1])["folder"]
    if damage == "cut journal":
        journal.write_text(lines[0] + "\n" + lines[1][:50], encoding="utf-8")
    elif damage == "other text":
        journal.write_bytes(lines[0].encode() + b"\n\xff\xfe{}\n[]\n")
    elif damage == "lost page":
        (last / "report.html").unlink()
    else:
        (last / "report.json").write_text("{", encoding="utf-8")
    for missing in (1, 0):
        assert len(list(analyst.analyze_many(pictures, out=out, **ASK))) == 2
        assert looked() == missing


def full(monkeypatch: pytest.MonkeyPatch, which: int) -> None:
    """The disk is full when the ``which``-th page is written."""
    writing = sys.modules["faceagent.report.write"]
    write, count = writing.atomic_write, iter(range(1, 1000))

    def crowded(path: Path, *rest: Any) -> Any:
        if path.name == "report.html" and next(count) == which:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, *rest)

    monkeypatch.setattr(writing, "atomic_write", crowded)


def test_a_full_disk_costs_the_files_of_one_report_and_both_of_them(
    analyst: Analyst, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looked: Callable[[], int]
) -> None:
    full(monkeypatch, which=2)
    out = tmp_path / "out"
    reports = analyst.analyze_many([folder / f"{name}.png" for name in "abc"], out=out, **ASK)
    assert [one.source for one in reports] == ["a.png", "b.png", "c.png"]
    assert [name for name, _ in reports.unwritten] == ["b.png"] and "No space left" in reports.unwritten[0][1]
    assert len(list(out.glob("*/*"))) == 4 and len([one for one in out.iterdir() if one.is_dir()]) == 2
    looked()
    list(analyst.analyze_many([folder / f"{name}.png" for name in "abc"], out=out, **ASK))
    assert looked() == 1


def test_one_report_that_cannot_be_written_is_not_lost(
    analyst: Analyst, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full(monkeypatch, which=1)
    with pytest.raises(OutputError, match="No space left") as caught:
        analyst.analyze(folder / "a.png", out=tmp_path / "out", **ASK)
    assert caught.value.result.source == "a.png"  # type: ignore[attr-defined]
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_analysed(
    analyst: Analyst, folder: Path, tmp_path: Path, looked: Callable[[], int]
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot be written"):
        list(analyst.analyze_many([folder], out=tmp_path / "file" / "out", **ASK))
    assert looked() == 0


def start(work: Path) -> "subprocess.Popen[bytes]":
    script = work / "slow.py"
    script.write_text(
        "import sys, time\n"
        "from pathlib import Path\n"
        "from faceagent.agent import pipeline\n"
        "from faceagent.cli.main import main\n"
        "from faceagent.faces import FoundFaces\n"
        f"work = Path({str(work)!r})\n"
        "def slow(picture, pixels, settings, *, limit):\n"
        "    with (work / 'looked').open('a') as log:\n"
        "        log.write(picture.sha256 + '\\n')\n"
        "    time.sleep(0.1)\n"
        "    return FoundFaces((), 0)\n"
        "pipeline.faces.search_faces = slow\n"
        "sys.argv = ['faceagent', 'analyze', str(work / 'pictures'), '-q', 'quality', '--json', "
        "'--out', str(work / 'out')]\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    assert 'torch' not in sys.modules, 'imported for pictures without a face'\n",
        encoding="utf-8",
    )
    environment = {**os.environ, "FACEAGENT_WORKERS": "2"}
    return subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )


def kill_and_go_on(work: Path, pictures: int, kills: int, numbers: tuple[signal.Signals, ...]) -> None:
    """Begin the run again and again, ended by a signal after every few reports; then let it finish."""
    (work / "pictures").mkdir()
    for number in range(pictures):
        Image.fromarray(np.full((32, 32 + number, 3), number, np.uint8)).save(work / "pictures" / f"{number:03}.png")
    done = 0
    for turn in range(kills):
        number = numbers[turn % len(numbers)]
        with start(work) as process:
            assert process.stdout is not None
            # Those of earlier runs come first, at once.
            for _ in range(done + max(1, (pictures - 2) // (kills + 1))):
                process.stdout.readline()
            process.send_signal(number)
            _, said = process.communicate(timeout=300)
        assert process.returncode == (-9 if number == signal.SIGKILL else 128 + number), said
        assert b"Traceback" not in said
        written = len(list((work / "out").glob("*/report.html")))
        looked = (work / "looked").read_text().splitlines()
        assert len(looked) - written <= turn + 1
        if number != signal.SIGKILL:
            assert b"Interrupted: " in said and b"go on" in said
            assert (work / "out" / "index.html").is_file()
        done = len((work / "out" / "journal.jsonl").read_text().splitlines())
    with start(work) as process:
        lines, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert len(lines.splitlines()) == pictures
    looked = (work / "looked").read_text().splitlines()
    assert len(set(looked)) == pictures and len(looked) <= pictures + kills
    assert len(list((work / "out").glob("*/report.html"))) == pictures
    assert not list((work / "out").rglob("*.part")) or signal.SIGKILL in numbers


def test_a_run_that_is_interrupted_loses_one_picture_at_most(tmp_path: Path) -> None:
    kill_and_go_on(tmp_path, pictures=8, kills=2, numbers=(signal.SIGTERM, signal.SIGKILL))


@pytest.mark.e2e
@pytest.mark.timeout(1500)
def test_ten_kills_of_a_hundred_pictures_lose_ten_pictures_at_most(tmp_path: Path) -> None:
    kill_and_go_on(tmp_path, pictures=100, kills=10, numbers=(signal.SIGKILL, signal.SIGINT, signal.SIGTERM))
