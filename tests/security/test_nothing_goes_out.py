"""A run with every tool opens no socket and looks up no name, seen by Python's audit events and by the kernel."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

SCRIPT = """
import os, sys, time, traceback

def stop(event, arguments):
    traceback.print_stack()
    print(event, arguments, file=sys.stderr, flush=True)
    os._exit(3)

def watch(event, arguments):
    if event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname"):
        stop(event, arguments)
    if event == "socket.__new__" and arguments[1] != 1:  # AF_UNIX: within this machine
        stop(event, arguments)

sys.addaudithook(watch)
from pathlib import Path
import numpy as np
from faceagent import Analyst, Settings
from faceagent.agent.runtime import build_tools
from faceagent.types import QUESTIONS

begun = time.monotonic()
settings = Settings(workers=2, memory=sys.argv[1])
with Analyst(settings) as analyst:
    picture = np.load(sys.argv[4])
    report = analyst.analyze(
        picture, questions=QUESTIONS, references=[picture[:400]], purpose="research", explain=sys.argv[2]
    )
    seen = {one.tool.name for one in report.evidence if one.status == "ok"}
    wanted = {name for name, tool in build_tools(settings).items() if tool.spec.pending is None}
    if sys.argv[2] != "vlm":
        wanted -= {"opinion"}
    with analyst.chat("talk") as talk:
        events = list(talk.ask("does she look happy?", [picture]))
    print(sorted(wanted - seen), [one.author for one in report.explanations])
    while time.monotonic() - begun < float(sys.argv[3]):
        time.sleep(0.5)
"""
INTERNET = ("AF_INET", "AF_INET6", "AF_NETLINK", "io.systemd.Resolve")
"""Any of these in a system call would be a connection, or the look-up of a name."""


def run(tmp_path: Path, picture: NDArray[np.uint8], explain: str, seconds: float) -> str:
    """What the run printed; fails when anything but this machine was spoken to."""
    script, trace, home = tmp_path / "script.py", tmp_path / "trace", tmp_path / "home"
    script.write_text(SCRIPT, encoding="utf-8")
    home.mkdir()
    np.save(tmp_path / "picture.npy", picture)
    command = [sys.executable, str(script), str(tmp_path / "memory"), explain, str(seconds)]
    command.append(str(tmp_path / "picture.npy"))
    strace = shutil.which("strace")
    if strace:
        # With a filter in the kernel: otherwise the process stops at every other call as well.
        command = [strace, "-f", "--seccomp-bpf", "-qq", "-e", "trace=%network", "-o", str(trace), *command]
    # A home of its own, but for the weights: a device id would be written there.
    cache = os.environ.get("FACEAGENT_CACHE") or str(Path.home() / ".cache" / "faceagent")
    environment = {**os.environ, "HOME": str(home), "FACEAGENT_CACHE": cache}
    for name in ("XDG_CACHE_HOME", "CI", "ORT_DISABLE_TELEMETRY"):
        environment.pop(name, None)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    if strace:
        calls = trace.read_text(encoding="utf-8", errors="replace").splitlines()
        assert not [line for line in calls if any(word in line for word in INTERNET)]
    left = [path for path in home.rglob("*") if path.is_file()]
    assert not [path for path in left if "onnx" in str(path).lower() or "microsoft" in str(path).lower()], left
    return done.stdout


def test_a_run_with_every_tool_speaks_to_nobody(tmp_path: Path, astronaut: NDArray[np.uint8]) -> None:
    assert run(tmp_path, astronaut, "ledger", 0).startswith("[] ")


@pytest.mark.e2e
def test_a_minute_with_the_model_in_this_process_speaks_to_nobody(tmp_path: Path, astronaut: NDArray[np.uint8]) -> None:
    said = run(tmp_path, astronaut, "vlm", 60)
    assert said.startswith("[] ") and "'ledger'" in said
