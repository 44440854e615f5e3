"""Values of one process: made once, and made anew by a forked child."""

import os
import threading
from collections.abc import Callable

from faceagent.per_process import PerProcess, ProcessLock, was_forked


def in_child(ask: Callable[[], bool]) -> bool:
    """The answer of a forked child."""
    child = os.fork()
    if child == 0:
        os._exit(0 if ask() else 1)
    return os.waitpid(child, 0)[1] == 0


def test_a_value_is_made_once_in_every_process() -> None:
    values: PerProcess[list[int]] = PerProcess(lambda: [os.getpid()])
    first = values.get()
    assert values.get() is first == [os.getpid()]
    assert in_child(lambda: values.get() == [os.getpid()] and values.get() is values.get() and was_forked())
    assert values.get() is first and not was_forked()


def test_a_lock_that_another_thread_holds_is_free_in_a_child() -> None:
    lock, held, done = ProcessLock(), threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()

    def enter() -> bool:
        with lock:
            return True

    assert in_child(enter)
    done.set()
    thread.join()
