"""A fork waits for computations that are inside a library with locks."""

import os
import threading

import pytest

from faceagent import forks
from faceagent.forks import unforked


def forked() -> bool:
    """Whether a forked child could compute."""
    child = os.fork()
    if child == 0:
        with unforked():
            os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def test_a_fork_waits_until_the_other_threads_have_computed() -> None:
    inside, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def compute() -> None:
        with unforked():
            with unforked():
                inside.set()
                go_on.wait()
            ended.set()

    states: list[bool] = []

    def fork() -> None:
        forked()
        states.append(ended.is_set())

    computing, forking = threading.Thread(target=compute), threading.Thread(target=fork)
    computing.start()
    inside.wait()
    forking.start()
    forking.join(0.2)
    assert not states
    go_on.set()
    forking.join()
    computing.join()
    assert states == [True]


def test_no_computation_begins_while_a_fork_waits() -> None:
    inside, go_on, order = threading.Event(), threading.Event(), []

    def first() -> None:
        with unforked():
            inside.set()
            go_on.wait()

    def fork() -> None:
        forked()
        order.append("fork")

    def second() -> None:
        with unforked():
            order.append("second")

    threads = [threading.Thread(target=one) for one in (first, fork, second)]
    threads[0].start()
    inside.wait()
    threads[1].start()
    while not forks._computations.get().forks:
        threads[1].join(0.01)
    threads[2].start()
    threads[2].join(0.1)
    assert not order
    go_on.set()
    for one in threads:
        one.join()
    # The fork is done before the second computation may begin; either thread may then write first.
    assert sorted(order) == ["fork", "second"]


def test_a_thread_may_fork_inside_its_own_computation() -> None:
    with unforked():
        assert forked()
    assert forked()


def test_a_fork_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forks, "PATIENCE", 0.05)
    inside, go_on = threading.Event(), threading.Event()

    def compute() -> None:
        with unforked():
            inside.set()
            go_on.wait()

    thread = threading.Thread(target=compute)
    thread.start()
    inside.wait()
    assert forked()
    go_on.set()
    thread.join()


def test_threads_that_fork_at_once_do_not_wait_for_each_other() -> None:
    def both() -> None:
        with unforked():
            pass
        results.append(forked())

    results: list[bool] = []
    threads = [threading.Thread(target=both) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert results == [True] * 8
