"""``faceagent weights``."""

import subprocess
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., subprocess.CompletedProcess[bytes]]


def test_verify_fails_when_a_weight_of_the_profile_is_missing(run: Run, tmp_path: Path) -> None:
    assert run("weights", "verify").returncode == 0
    assert run("weights", "verify", FACEAGENT_CACHE=str(tmp_path)).returncode == 1


def test_every_weight_is_listed_with_its_licence(run: Run) -> None:
    done = run("weights", "list")
    assert done.returncode == 0
    assert b"yunet" in done.stdout and b"Apache-2.0" in done.stdout
