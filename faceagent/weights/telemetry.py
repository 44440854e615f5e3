"""Imports onnxruntime with its telemetry off: faceagent reports nothing to anybody.

From 1.29 on, onnxruntime's official builds for Linux and macOS report every session to their maker: about 30 s into a
run they look up a host, and they write a device id into the user's cache. The environment variable is read when the
library is loaded, so it has to be set before the first import. Every import in this package goes through here.
"""

import os
from types import ModuleType

SWITCH = "ORT_DISABLE_TELEMETRY"


def import_onnxruntime() -> ModuleType:
    """The module ``onnxruntime``.

    Where the host program has imported it before faceagent, its telemetry is the host's affair; further events are
    switched off.
    """
    os.environ[SWITCH] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime  # type: ignore[no-any-return]
