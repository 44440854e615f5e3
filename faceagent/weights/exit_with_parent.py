"""Run as a script: executes the given command, which ends when the process that started it ends.

``python exit_with_parent.py PARENT COMMAND...``: the kernel sends SIGTERM when the parent dies, for whatever reason.
Only Linux can do that; elsewhere the command just runs. For registry clients and for vLLM's server; standard library
only, because it also runs in vLLM's environment.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Set the parent-death signal and execute the command in this process."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        # The parent may have died before the signal was set.
        if os.getppid() != parent:
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - no shell; the command is the launcher's


if __name__ == "__main__":
    main()
