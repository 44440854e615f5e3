"""What a run sets for its own duration of the state that all parts of a process share, and puts back at its end.

OpenCV has one number of threads per process, numpy one rule for floating-point errors per context. torch's state is
kept apart where torch is called, see ``encoder.torch_state``.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np

from faceagent.forks import opencv_guard
from faceagent.per_process import PerProcess
from faceagent.working_folder import leave_deleted_folder


class _ThreadCount:
    """The host's number of OpenCV threads while at least one run goes on."""

    def __init__(self) -> None:
        self.running = 0
        self.of_host = 0


_count = PerProcess(_ThreadCount)


@contextmanager
def own_state(threads: int) -> Iterator[None]:
    """For the duration of a run: ``threads`` OpenCV threads, and no exception for an overflow in an array.

    OpenCV's default, a thread per core, would compete with the threads that process pictures.
    """
    leave_deleted_folder()
    count = _count.get()
    with opencv_guard:
        if count.running == 0:
            count.of_host = cv2.getNumThreads()
            if count.of_host != threads:
                cv2.setNumThreads(threads)
        count.running += 1
    try:
        with np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
            yield
    finally:
        with opencv_guard:
            count.running -= 1
            if count.running == 0 and cv2.getNumThreads() != count.of_host:
                cv2.setNumThreads(count.of_host)
