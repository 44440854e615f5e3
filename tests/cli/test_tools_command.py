"""``faceagent tools``."""

import subprocess
from collections.abc import Callable

Run = Callable[..., subprocess.CompletedProcess[bytes]]


def test_tools_are_listed_with_their_licences(run: Run) -> None:
    done = run("tools")
    assert done.returncode == 0
    for name in (b"action_units", b"identity", b"Apache-2.0", b"provenance"):
        assert name in done.stdout
