"""``faceagent analyze``: what it prints where, and its exit codes."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., subprocess.CompletedProcess[bytes]]


def test_a_table_for_people_on_stdout_and_the_summary_on_stderr(run: Run, photo: Path, tmp_path: Path) -> None:
    done = run("analyze", str(photo), "-q", "quality", "--out", str(tmp_path / "out"))
    assert done.returncode == 0
    assert b"astronaut.jpg" in done.stdout
    # The answer stands above the table.
    assert 0 < done.stdout.index(b"Technical quality") < done.stdout.index(b"verdict")
    assert b"1 picture, 1 face, 0 could not be analysed" in done.stderr
    assert (tmp_path / "out" / "report.html").is_file()


def test_json_lines_are_json_and_nothing_else(run: Run, photo: Path) -> None:
    done = run("analyze", str(photo), "missing.jpg", "--json", "-q", "quality")
    lines = done.stdout.splitlines()
    assert [json.loads(line)["source"] for line in lines] == ["astronaut.jpg", "missing.jpg"]
    assert json.loads(lines[1])["problem"]["reason"] == "missing_file"
    assert done.returncode == 4


def test_a_picture_on_standard_input(run: Run, photo: Path) -> None:
    done = run("analyze", "-", "--json", "-q", "quality", stdin=photo.read_bytes())
    assert done.returncode == 0
    assert json.loads(done.stdout)["picture"]["format"] == "JPEG"


def test_everything_unreadable_is_an_error(run: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"nothing")
    assert run("analyze", str(bad)).returncode == 1


def test_a_refusal_has_its_own_exit_code_and_names_the_rule(run: Run, photo: Path) -> None:
    done = run("analyze", str(photo), "-q", "expression", "--purpose", "workplace")
    assert done.returncode == 3
    assert b"Art. 5(1)(f)" in done.stderr
    assert done.stdout == b""


def test_an_output_folder_that_cannot_be_written_is_a_clear_message(run: Run, photo: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way", encoding="utf-8")
    done = run("analyze", str(photo), "-q", "quality", "--out", str(blocked / "out"))
    assert done.returncode == 2
    assert b"cannot be written" in done.stderr
    assert b"Traceback" not in done.stderr


def test_offline_without_weights_is_said_by_every_tool_and_crashes_nothing(
    run: Run, photo: Path, tmp_path: Path
) -> None:
    done = run("analyze", str(photo), "--json", FACEAGENT_CACHE=str(tmp_path), FACEAGENT_OFFLINE="1")
    assert b"Traceback" not in done.stderr
    assert done.returncode == 1
    assert b"weights pull" in done.stderr


def test_a_reader_that_hangs_up_is_no_error_and_costs_no_report(run: Run, photo: Path, tmp_path: Path) -> None:
    command = f"{sys.executable} -m faceagent analyze {photo} {photo} --json -q quality --out {tmp_path} | head -c 10"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, timeout=180)
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr
    assert (tmp_path / "index.html").is_file()


def test_what_is_refused_or_lost_is_said_beside_what_is_answered(run: Run, photo: Path) -> None:
    done = run("analyze", str(photo), "-q", "identity", "-q", "expression", "-r", "nope.jpg", "--purpose", "education")
    assert done.returncode == 4
    assert b"Refused: expression (EU AI Act Art. 5(1)(f))" in done.stderr
    assert b"The reference nope.jpg could not be read" in done.stderr


def test_an_interrupted_run_says_how_far_it_came_and_leaves_an_index(photo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(300):
        (folder / f"{number:03}.jpg").write_bytes(photo.read_bytes())
    command = [sys.executable, "-m", "faceagent", "analyze", str(folder), "--json", "--out", str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert b"Interrupted" in said
    assert b"Traceback" not in said
    assert (tmp_path / "out" / "index.html").is_file()


def test_a_narrow_terminal_gets_lines(run: Run, photo: Path) -> None:
    done = run("analyze", str(photo), "-q", "quality", COLUMNS="40")
    assert re.fullmatch(rb"astronaut\.jpg: Technical quality of this face .* good, \d+ of 100\.\n", done.stdout)


def test_rows_for_scripts_go_into_a_csv_file(run: Run, photo: Path, tmp_path: Path) -> None:
    table = tmp_path / "faces.csv"
    done = run("analyze", str(photo), "-q", "action_units", "--csv", str(table), "--csv-columns", "py-feat")
    assert done.returncode == 0
    assert table.read_text(encoding="utf-8").splitlines()[1].startswith("astronaut.jpg,0,")
    refused = run("analyze", str(photo), "--csv", str(table), "--csv-columns", "excel")
    assert refused.returncode == 2 and b"openface" in refused.stderr
