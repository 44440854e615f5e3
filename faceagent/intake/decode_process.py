"""The process that decodes pictures for ``intake.isolation``: one request a line, until its standard input ends.

It may use a bounded amount of memory and, for each picture, of processor time, so that a picture that a decoder cannot
cope with ends this process and no other one. Bytes come and pixels go through one anonymous file.

    python -m faceagent.intake.decode_process FILE_DESCRIPTOR
"""

import json
import os
import resource
import select
import sys
from functools import cache
from typing import Any

from faceagent.intake.budget import MOST_DECODING
from faceagent.intake.decode import Decoded, decode
from faceagent.settings import Settings

MARGIN = 2
"""Memory over what a picture is estimated to need: conversions copy pixels, and estimates are estimates."""
SPARE_SECONDS = 2
"""Processor time beyond ``decode_seconds``, which most decoders keep to by themselves."""
LOOK_SECONDS = 5.0
"""How often it is looked whether the parent is still there."""


def main() -> None:
    """Serve requests; ends with the parent."""
    file, parent = int(sys.argv[1]), os.getppid()
    # Whatever a decoder prints must not be taken for an answer.
    answers, sys.stdout = os.fdopen(os.dup(1), "wb", buffering=0), sys.stderr
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, _memory() + MARGIN * MOST_DECODING)
    while os.getppid() == parent:
        if not select.select([0], [], [], LOOK_SECONDS)[0]:
            continue
        line = sys.stdin.buffer.readline()
        if not line:
            return
        answers.write(json.dumps(_answer(file, json.loads(line))).encode() + b"\n")


def _answer(file: int, request: dict[str, Any]) -> dict[str, Any]:
    settings = _settings(request["settings"])
    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime + settings.decode_seconds) + SPARE_SECONDS)
    found = decode(os.pread(file, request["bytes"], 0), settings)
    if not isinstance(found, Decoded):
        return {"problem": found.model_dump()}
    view, done = found.pixels.data.cast("B"), 0
    while done < len(view):
        done += os.pwrite(file, view[done:], done)
    height, width = found.pixels.shape[:2]
    return {
        "height": height,
        "width": width,
        "format": found.format,
        "mode": found.mode,
        "orientation": found.orientation,
        "notes": found.notes,
    }


@cache
def _settings(text: str) -> Settings:
    return Settings.model_validate_json(text)


def _memory() -> int:
    """Bytes of addresses that are in use."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 2**30


def _limit(kind: int, value: int) -> None:
    """Lower the soft limit as far as it goes; where a system has no such limit, there is none."""
    hard = resource.getrlimit(kind)[1]
    try:
        resource.setrlimit(kind, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))
    except (ValueError, OSError):
        return


if __name__ == "__main__":
    main()
