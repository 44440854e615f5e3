"""Decoding in processes of their own: the same pixels, and a picture that ends its process ends nothing else."""

import io
import os
import resource
import signal
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from faceagent.intake import end_processes, isolation
from faceagent.intake.decode import Decoded, decode
from faceagent.intake.isolation import decode_isolated
from faceagent.settings import Settings
from faceagent.types import Problem

APART = Settings(decode_processes=1, served=True)
pytestmark = pytest.mark.skipif(os.name != "posix", reason="limits of processes are POSIX")


@pytest.fixture(scope="module", autouse=True)
def _ended() -> Iterator[None]:
    yield
    end_processes()


def encoded(kind: str, size: tuple[int, int] = (40, 30), **options: Any) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def idle() -> Any:
    (process,) = isolation._POOL.get()._idle
    return process


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "GIF"])
def test_the_pixels_are_the_same(kind: str) -> None:
    data = encoded(kind)
    here, apart = decode(data, APART), decode_isolated(data, APART)
    assert isinstance(here, Decoded) and isinstance(apart, Decoded)
    assert np.array_equal(here.pixels, apart.pixels)
    assert (here.format, here.mode, here.notes) == (apart.format, apart.mode, apart.notes)


@pytest.mark.parametrize("data", [b"no picture", encoded("PNG")[:60], encoded("JPEG")[:-20]])
def test_the_problems_are_the_same(data: bytes) -> None:
    assert isinstance(decode(data, APART), Problem)
    assert decode_isolated(data, APART) == decode(data, APART)


def test_limits_are_those_of_the_settings_and_no_setting_is_named_to_strangers() -> None:
    found = decode_isolated(encoded("PNG"), APART.model_copy(update={"max_pixels": 100}))
    assert isinstance(found, Problem) and found.reason == "too_many_pixels"
    assert found.remedy is not None and "FACEAGENT" not in found.remedy


def test_a_process_that_was_killed_is_replaced() -> None:
    assert isinstance(decode_isolated(encoded("PNG"), APART), Decoded)
    before = idle()
    os.kill(before._process.pid, signal.SIGKILL)
    before._process.wait()
    assert isinstance(decode_isolated(encoded("PNG"), APART), Decoded)
    assert idle() is not before


def test_it_may_use_a_bounded_amount_of_memory() -> None:
    decode_isolated(encoded("PNG"), APART)
    process = idle()._process.pid
    soft, hard = resource.prlimit(process, resource.RLIMIT_AS)
    assert 0 < soft < 6 * 2**30
    with open(f"/proc/{process}/statm", encoding="ascii") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.prlimit(process, resource.RLIMIT_AS, (used + 2**20, hard))
    found = decode_isolated(encoded("JPEG", (3000, 3000)), APART)
    assert isinstance(found, Problem) and found.reason in ("too_many_pixels", "corrupt_picture")
    end_processes()
    assert isinstance(decode_isolated(encoded("JPEG", (3000, 3000)), APART), Decoded)


def test_it_has_no_variable_with_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEAGENT_VLM_KEY", "secret")
    end_processes()
    decode_isolated(encoded("PNG"), APART)
    with open(f"/proc/{idle()._process.pid}/environ", "rb") as file:
        assert b"FACEAGENT" not in file.read()


LIES = "import sys; sys.stdin.readline(); print('%s', flush=True); sys.stdin.readline()"
SIZE = '{"height": %d, "width": 4, "format": "PNG", "mode": "RGB", "orientation": 1, "notes": []}'


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import os; os.abort()", "corrupt_picture"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "corrupt_picture"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "too_slow"),
        ("import time; time.sleep(60)", "too_slow"),
        (LIES % "nothing", "corrupt_picture"),
        (LIES % ("x" * 70_000), "corrupt_picture"),
        (LIES % (SIZE % 4000), "corrupt_picture"),
        (LIES % (SIZE % 10**9), "corrupt_picture"),
        (LIES % '{"problem": {"reason": "mood"}}', "corrupt_picture"),
    ],
)
def test_a_process_that_crashes_hangs_or_lies_is_a_problem_of_one_picture(
    monkeypatch: pytest.MonkeyPatch, program: str, reason: str
) -> None:
    end_processes()
    with monkeypatch.context() as changed:
        changed.setattr(isolation, "PROGRAM", ("-c", program))
        changed.setattr(isolation, "WAIT_SECONDS", 0.5 if "sleep" in program else 60.0)
        found = decode_isolated(encoded("PNG"), APART.model_copy(update={"decode_seconds": 0.01}))
        assert isinstance(found, Problem) and found.reason == reason
    assert isinstance(decode_isolated(encoded("PNG"), APART), Decoded)
