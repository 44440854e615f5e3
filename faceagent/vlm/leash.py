"""Run as a script: becomes the command it is given, and ends when the process that started it ends.

``python leash.py PARENT COMMAND...``: the kernel is asked to send SIGTERM when the parent dies, however it dies. Only
Linux can do that; elsewhere the command just runs. Standard library only, for it runs in vLLM's environment.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Put the leash on and turn into the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        # It may have died before the kernel knew that we care.
        if os.getppid() != parent:
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - no shell; the command is the launcher's


if __name__ == "__main__":
    main()
