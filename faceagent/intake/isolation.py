"""Decoding in processes of their own, for a server that gets pictures from anybody.

Decoders are C code, and pictures are made to break them. One that crashes, takes all memory or never ends is then the
problem of one picture: its process is ended and another one started for the next picture. The processes are started
when they are first needed and kept; each has a memory limit, and no variable with our settings and secrets.
"""

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from faceagent.intake.decode import Decoded, decode
from faceagent.per_process import PerProcess
from faceagent.settings import Settings
from faceagent.types import Problem

PASSED_ON = ("served", "max_bytes", "max_pixels", "max_side", "max_frames", "decode_seconds")
"""Settings that decoding depends on."""
WAIT_FACTOR, WAIT_SECONDS = 3.0, 15.0
"""Whole time for one picture: this factor on its processor time, for a machine that is busy, and time to start in."""
KEPT_BYTES = 2**26
"""The anonymous file of a process is emptied after pictures that are larger than this."""
LONGEST_ANSWER = 2**16
PROGRAM = ("-P", "-m", "faceagent.intake.decode_process")
ROOT = Path(__file__).resolve().parents[2]


def decode_isolated(data: bytes, settings: Settings) -> Decoded | Problem:
    """As ``decode``: in another process where ``settings.decode_processes`` says so and the system can (POSIX)."""
    if settings.decode_processes == 0 or os.name != "posix":
        return decode(data, settings)
    with _POOL.get().borrow(settings.decode_processes) as process:
        return process.decode(data, settings)


def end_processes() -> None:
    """End all processes that are idle; they are started again when they are needed."""
    _POOL.get().end()


class _Ended(Exception):  # noqa: N818 - a state of the other process
    """It ended, by itself or by a limit, or said something that it never says."""


class _DecodeProcess:
    """One process; one picture at a time."""

    def __init__(self) -> None:
        self._file = os.memfd_create("faceagent") if hasattr(os, "memfd_create") else _anonymous()
        environment = {name: value for name, value in os.environ.items() if not name.upper().startswith("FACEAGENT_")}
        path = os.pathsep.join(filter(None, (str(ROOT), environment.get("PYTHONPATH"))))
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, *PROGRAM, str(self._file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(self._file,),
            env={**environment, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )

    @property
    def alive(self) -> bool:
        """Whether it can take a picture."""
        return self._process.poll() is None

    def decode(self, data: bytes, settings: Settings) -> Decoded | Problem:
        """The pixels, or why there are none. It may have ended afterwards."""
        seconds = WAIT_FACTOR * settings.decode_seconds + WAIT_SECONDS
        try:
            self._write(data)
            request = {"bytes": len(data), "settings": settings.model_dump_json(include=set(PASSED_ON))}
            answer = self._ask(request, time.monotonic() + seconds)
            if "problem" in answer:
                return Problem.model_validate(answer["problem"])
            return self._decoded(answer, settings)
        except TimeoutError:
            self.end()
            return _too_slow(settings)
        except (_Ended, OSError, ValueError, KeyError, TypeError):
            # What it says is checked like any input: a decoder may have been taken over.
            self.end()
            return _too_slow(settings) if self._process.returncode == -signal.SIGXCPU else _crashed()

    def end(self) -> None:
        """Kill it, and let go of what it held."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                if stream is not None:
                    stream.close()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _write(self, data: bytes) -> None:
        view, done = memoryview(data), 0
        while done < len(view):
            done += os.pwrite(self._file, view[done:], done)

    def _ask(self, request: dict[str, Any], until: float) -> dict[str, Any]:
        given, answers = self._process.stdin, self._process.stdout
        assert given is not None and answers is not None  # noqa: S101 - for the type checker
        given.write(json.dumps(request).encode() + b"\n")
        given.flush()
        found, waiting = b"", select.poll()
        waiting.register(answers, select.POLLIN)
        while not found.endswith(b"\n"):
            left = until - time.monotonic()
            if left <= 0 or not waiting.poll(1000 * left):
                raise TimeoutError
            part = os.read(answers.fileno(), LONGEST_ANSWER)
            found += part
            if not part or len(found) > LONGEST_ANSWER:
                raise _Ended
        answer: dict[str, Any] = json.loads(found)
        return answer

    def _decoded(self, answer: dict[str, Any], settings: Settings) -> Decoded:
        height, width = int(answer["height"]), int(answer["width"])
        if not (0 < height <= settings.max_side and 0 < width <= settings.max_side) or (
            height * width > settings.max_pixels
        ):
            raise _Ended
        pixels = np.empty((height, width, 3), np.uint8)
        # Read, not mapped: the other process could make a mapped file shorter while it is read, which would end us.
        view, done = pixels.data.cast("B"), 0
        while done < len(view):
            got = os.preadv(self._file, [view[done:]], done)
            if not got:
                raise _Ended
            done += got
        if len(view) > KEPT_BYTES:
            os.ftruncate(self._file, 0)
        notes = tuple(str(one) for one in answer["notes"])
        return Decoded(pixels, str(answer["format"]), str(answer["mode"]), int(answer["orientation"]), notes)


class _Pool:
    """The processes of this one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._idle: list[_DecodeProcess] = []
        self._busy = 0

    @contextmanager
    def borrow(self, most: int) -> Iterator[_DecodeProcess]:
        """A process for this thread alone; waits while ``most`` are in use."""
        with self._changed:
            self._changed.wait_for(lambda: self._busy < most)
            self._busy += 1
            process = self._idle.pop() if self._idle else None
        try:
            if process is not None and not process.alive:
                process.end()
                process = None
            process = process or _DecodeProcess()
            yield process
        finally:
            with self._changed:
                self._busy -= 1
                if process is not None and process.alive:
                    self._idle.append(process)
                self._changed.notify()

    def end(self) -> None:
        """End those that are idle."""
        with self._changed:
            ended, self._idle = self._idle, []
        for one in ended:
            one.end()


_POOL = PerProcess(_Pool)
atexit.register(end_processes)


def _anonymous() -> int:
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _too_slow(settings: Settings) -> Problem:
    return Problem(
        reason="too_slow",
        message=f"The picture takes more than {settings.decode_seconds:g} seconds of processor time to decode.",
        remedy=f"Save it again as PNG or JPEG{settings.or_raise('decode_seconds')}.",
    )


def _crashed() -> Problem:
    return Problem(
        reason="corrupt_picture",
        message="The picture ended the process that decoded it: it is damaged, or was made to do that.",
        remedy="Save it again as PNG or JPEG with a program that opens it.",
    )
