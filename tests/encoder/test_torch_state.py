"""Networks give the same numbers whatever the host has done to torch, and leave it as it was."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from faceagent.encoder.branch import load_branch, shipped
from faceagent.encoder.encoder import Encoder
from faceagent.encoder.torch_state import computing
from faceagent.encoder.tower import load_tower
from faceagent.settings import Settings


def logits(settings: Settings, crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Loaded and run from the beginning."""
    tower = load_tower(settings)
    return Encoder(tower, [load_branch(shipped("forgery_fast"), tower)]).run([crop])["forgery_fast"].logits


@contextmanager
def _default_dtype() -> Iterator[None]:
    torch.set_default_dtype(torch.bfloat16)
    try:
        yield
    finally:
        assert torch.get_default_dtype() is torch.bfloat16
        torch.set_default_dtype(torch.float32)


@contextmanager
def _default_device() -> Iterator[None]:
    with torch.device("meta"):
        yield


@contextmanager
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        yield
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


STATES: dict[str, Callable[[], object]] = {
    "default type": _default_dtype,
    "default device": _default_device,
    "threads": _threads,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "inference mode": torch.inference_mode,
    "no gradients": torch.no_grad,
}


@pytest.fixture(scope="module")
def wanted(settings: Settings, crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    return logits(settings, crop)


@pytest.fixture(scope="module")
def crop(astronaut: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(astronaut[:224, 120:344])


@pytest.mark.parametrize("state", list(STATES))
def test_the_state_of_the_host_changes_no_number(
    settings: Settings, crop: NDArray[np.uint8], wanted: NDArray[np.float32], state: str
) -> None:
    with STATES[state]():  # type: ignore[attr-defined]
        found = logits(settings, crop)
    np.testing.assert_array_equal(found, wanted)


def test_loading_and_running_leave_the_random_numbers_of_the_host_alone(
    settings: Settings, crop: NDArray[np.uint8]
) -> None:
    before = torch.get_rng_state(), torch.get_num_threads()
    logits(settings, crop)
    assert torch.equal(before[0], torch.get_rng_state()) and before[1] == torch.get_num_threads()


def test_computations_that_overlap_give_the_host_its_threads_back() -> None:
    torch.set_num_threads(2)
    with computing(1):
        with computing(1):
            assert torch.get_num_threads() == 1
        assert torch.is_inference_mode_enabled()
    assert torch.get_num_threads() == 2 and not torch.is_inference_mode_enabled()
