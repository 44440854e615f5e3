"""Running ONNX weights: one onnxruntime session per file, device and thread count, shared by every thread.

This module knows devices. It does not know what goes into a model or comes out of it; the tools do.
"""

import ctypes
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from faceagent.errors import ModelUnavailable
from faceagent.per_process import PerProcess, ProcessLock
from faceagent.settings import Settings
from faceagent.weights.resolve import locate
from faceagent.weights.telemetry import import_onnxruntime

if TYPE_CHECKING:
    import onnxruntime

logger = logging.getLogger(__name__)


class _Sessions(dict[tuple[str, str], "onnxruntime.InferenceSession"]):
    """Sessions by weights and settings."""


# A session has threads and locks of its own, which a fork leaves behind.
_sessions = PerProcess(_Sessions)
_guard = ProcessLock()


def open_session(weight_id: str, settings: Settings) -> "onnxruntime.InferenceSession":
    """The session for ``weight_id``, built on first use; ``run`` on it is safe from many threads.

    The embedded profile runs on the CPU. The gpu profile runs on CUDA where onnxruntime has it and says so in the
    log where it has not. ``device_of`` tells which device really runs. Raises ModelUnavailable.
    """
    key = (weight_id, settings.loading)
    sessions = _sessions.get()
    # Found without a look at the file: what has been loaded works on when the cache is deleted.
    if key not in sessions:
        with _guard:
            if key not in sessions:
                sessions[key] = _never_destroyed(_opened(weight_id, locate(weight_id, settings), settings))
    return sessions[key]


def _never_destroyed(session: "onnxruntime.InferenceSession") -> "onnxruntime.InferenceSession":
    """The session with one reference more than there are.

    Its destructor waits for its threads to end. A forked child has a copy of it without the threads, and would wait for
    ever when it lets go of the copy or exits.
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(session))
    return session


def _opened(weight_id: str, path: Path, settings: Settings) -> "onnxruntime.InferenceSession":
    onnxruntime = import_onnxruntime()
    wanted = ["CPUExecutionProvider"]
    if settings.device == "cuda":
        wanted.insert(0, "CUDAExecutionProvider")
    providers = [name for name in wanted if name in onnxruntime.get_available_providers()]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.threads
    options.inter_op_num_threads = 1
    # Threads that spin while they wait take the machine from the other models of a batch.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Warnings about graph clean-up concern whoever exported the file.
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # onnxruntime's own exceptions share no base class
        raise ModelUnavailable(
            f"onnxruntime cannot run {weight_id}: {error}", remedy="Run `faceagent doctor`."
        ) from error
    if settings.device == "cuda" and device_of(session) == "cpu":
        logger.warning("%s runs on the CPU: onnxruntime cannot use CUDA here.", weight_id)
    return session


def device_of(session: "onnxruntime.InferenceSession") -> str:
    """What really runs, "cuda" or "cpu", as opposed to what was asked for."""
    return "cuda" if "CUDAExecutionProvider" in session.get_providers() else "cpu"
