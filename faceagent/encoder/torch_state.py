"""Keeps torch's computations apart from the state of the program that hosts us, and that state as it was.

torch has one number of threads and one default type for the process, and a default device, autocast, gradient and
inference mode for every thread. A host may have set any of them; a network of ours gives the same numbers all the same.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from faceagent.forks import unforked
from faceagent.per_process import PerProcess, ProcessLock, was_forked


class _ThreadCount:
    """The host's number of threads while at least one of our computations runs."""

    def __init__(self) -> None:
        self.running = 0
        self.of_host = 0


_guard = ProcessLock()
_count = PerProcess(_ThreadCount)


@contextmanager
def computing(threads: int) -> Iterator[None]:
    """For a forward pass of a second or so, which a fork of the process waits for, in the state of ``neutral``."""
    with unforked(), neutral(threads):
        yield


@contextmanager
def neutral(threads: int) -> Iterator[None]:
    """``threads`` threads, no gradients, no autocast, tensors on the CPU unless told otherwise."""
    with ExitStack() as stack:
        stack.enter_context(_threads(threads))
        stack.enter_context(torch.inference_mode())
        _enter_neutral(stack)
        yield


@contextmanager
def loading(threads: int) -> Iterator[None]:
    """For building a network and reading its weights: float32, on the CPU unless told otherwise, usable anywhere."""
    with ExitStack() as stack:
        stack.enter_context(unforked())
        stack.enter_context(_threads(threads))
        # What is made in the host's inference mode could not be changed outside of it.
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.no_grad())
        # New layers are filled with random numbers before their weights are read.
        stack.enter_context(torch.random.fork_rng(devices=[]))
        _enter_neutral(stack)
        before = torch.get_default_dtype()
        if before != torch.float32:
            stack.callback(torch.set_default_dtype, before)
            torch.set_default_dtype(torch.float32)
        yield


def _enter_neutral(stack: ExitStack) -> None:
    """No autocast and the CPU as the default device, in this thread."""
    for device in ("cpu", "cuda"):
        if torch.is_autocast_enabled(device):
            stack.enter_context(torch.autocast(device, enabled=False))
    if torch.get_default_device().type != "cpu":
        stack.enter_context(torch.device("cpu"))


@contextmanager
def _threads(wanted: int) -> Iterator[None]:
    """``wanted`` threads for what this thread computes, and the host's number again at the end.

    In a forked child always one: the threads of OpenMP's pool are not copied, and it waits for them for ever.
    """
    if was_forked():
        wanted = 1
    count = _count.get()
    with _guard:
        if count.running == 0:
            count.of_host = torch.get_num_threads()
        count.running += 1
    try:
        if torch.get_num_threads() != wanted:
            torch.set_num_threads(wanted)
        yield
    finally:
        with _guard:
            count.running -= 1
            if torch.get_num_threads() != count.of_host:
                torch.set_num_threads(count.of_host)
