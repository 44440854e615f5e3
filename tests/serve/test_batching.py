"""The queue in front of the analyst: who shares a batch, what happens when it is full, broken or closed."""

import threading
from collections.abc import Callable
from concurrent.futures import Future

import pytest
from fake_service import FakeAnalyst, Server, picture_bytes

from faceagent.errors import InputError
from faceagent.serve import batching
from faceagent.serve.batching import TURNS, Batcher, QueueFull, Waiting
from faceagent.serve.metrics import Metrics
from faceagent.serve.requests import AnalysisOptions
from faceagent.settings import Settings
from faceagent.types import Report

PNG = picture_bytes()
FORGERY = AnalysisOptions(questions=("forgery",))
QUALITY = AnalysisOptions(questions=("quality",))


class Held:
    """An analyst whose first batch waits until it is let go, so that others collect behind it."""

    def __init__(self, size: int = 8, capacity: int = 64) -> None:
        self.analyst, self.go, self.begun = FakeAnalyst(Settings(workers=1)), threading.Event(), threading.Event()
        self.analyst.before = self._wait
        self.batcher = Batcher(lambda: self.analyst, size=size, capacity=capacity, item_seconds=60.0, metrics=Metrics())  # type: ignore[arg-type,return-value]
        self.batcher.start()
        self.first = self.put()
        assert self.begun.wait(10)

    def _wait(self, pictures: object) -> None:
        del pictures
        self.begun.set()
        assert self.go.wait(10)

    def put(self, options: AnalysisOptions = FORGERY, data: bytes = PNG, name: str = "a.png") -> Future[Report]:
        return self.batcher.submit(Waiting(data, name, options))


def test_requests_that_ask_the_same_share_a_batch() -> None:
    held = Held(size=3)
    waiting = [held.put(name=f"{n}.png") for n in range(4)] + [held.put(QUALITY), held.put()]
    held.go.set()
    assert [one.result(10).source for one in waiting[:4]] == [f"{n}.png" for n in range(4)]
    assert waiting[4].result(10).request.questions == ("quality",)
    held.batcher.close(10)
    assert sorted(held.analyst.batches) == [1, 1, 2, 3]


def test_who_had_an_answer_is_waited_for_and_shares_the_next_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "MOMENT", 100.0)
    held = Held()
    again: Future[Future[Report]] = Future()
    held.first.add_done_callback(lambda done: threading.Timer(0.1, lambda: again.set_result(held.put())).start())
    held.put()
    held.put()
    threading.Timer(0.1, held.go.set).start()
    assert again.result(10).result(10).faces
    assert held.analyst.batches == [1, 3]
    held.batcher.close(10)


def test_a_client_alone_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "MOMENT", 1000.0)
    held = Held()
    threading.Timer(0.1, held.go.set).start()
    held.first.result(10)
    for _ in range(3):
        held.put().result(10)
    assert held.analyst.batches == [1, 1, 1, 1]
    held.batcher.close(10)


def test_requests_come_before_items_of_jobs_and_do_not_wait_with_them() -> None:
    held = Held(size=3)
    order: list[str] = []
    for name in ("item 1", "item 2", "request"):
        waiting = Waiting(PNG, name, FORGERY)
        put = held.batcher.submit if name == "request" else held.batcher.submit_item
        put(waiting).add_done_callback(lambda done, name=name: order.append(name))  # type: ignore[misc]
    held.go.set()
    held.batcher.close(10)
    assert order == ["request", "item 1", "item 2"]
    assert held.analyst.batches == [1, 1, 2]


def test_a_batch_of_items_has_as_many_pictures_as_a_request_may_wait_for() -> None:
    held = Held(size=8)
    held.batcher._item_seconds = 3.0
    items = [held.batcher.submit_item(Waiting(PNG, "item", FORGERY)) for _ in range(3)]
    held.batcher._seconds = 2.0  # a picture takes 2 s: one at a time
    held.go.set()
    for one in items:
        one.result(10)
    held.batcher.close(10)
    assert held.analyst.batches[:2] == [1, 1]


def test_items_have_their_turn_under_any_load() -> None:
    held = Held(size=1)
    item = held.batcher.submit_item(Waiting(PNG, "item", FORGERY))
    before: list[int] = []
    item.add_done_callback(lambda done: before.append(sum(one.done() for one in requests)))
    requests = [held.put() for _ in range(2 * TURNS)]
    held.go.set()
    held.batcher.close(10)
    assert 0 < before[0] < len(requests)


def test_a_full_queue_says_when_to_come_again() -> None:
    held = Held(capacity=2)
    held.put()
    held.put()
    with pytest.raises(QueueFull) as caught:
        held.put()
    assert caught.value.seconds > 0
    held.go.set()
    held.batcher.close(10)


def test_what_was_cancelled_is_not_analysed() -> None:
    held = Held()
    left = held.put(QUALITY)
    assert left.cancel()
    held.go.set()
    held.first.result(10)
    held.batcher.close(10)
    assert held.analyst.batches == [1]


def test_one_broken_picture_costs_the_others_nothing() -> None:
    held = Held()
    good, bad = held.put(), held.put(data=b"crash")

    def crash(pictures: list[bytes]) -> None:
        if b"crash" in pictures:
            raise RuntimeError

    held.analyst.before = crash
    held.go.set()
    assert good.result(10).faces
    with pytest.raises(RuntimeError):
        bad.result(10)
    held.batcher.close(10)


def test_closing_finishes_what_waits_and_accepts_nothing_more() -> None:
    held = Held()
    waiting = held.put()
    closing = threading.Thread(target=held.batcher.close, args=(10,))
    closing.start()
    held.go.set()
    closing.join(10)
    assert waiting.result(0).faces
    with pytest.raises(QueueFull):
        held.put()


def test_an_analyst_that_cannot_be_made_is_an_error_of_every_request() -> None:
    def fail() -> None:
        raise InputError("no weights")

    batcher = Batcher(fail, size=2, capacity=2, item_seconds=60.0, metrics=Metrics())  # type: ignore[arg-type]
    batcher.start()
    with pytest.raises(InputError):
        batcher.analyst()
    with pytest.raises(InputError):
        batcher.submit(Waiting(PNG, "a", FORGERY))
    assert not batcher.ready


def test_a_full_queue_is_a_429_of_the_service(serve: Callable[..., Server]) -> None:
    server = serve(queue=1)
    go, begun = threading.Event(), threading.Event()

    def wait(pictures: object) -> None:
        del pictures
        begun.set()
        assert go.wait(10)

    server.analyst.before = wait
    answers: list[int] = []
    threads = []
    for n in range(2):
        threads.append(threading.Thread(target=lambda: answers.append(server.analyse(PNG).status_code)))
        threads[-1].start()
        assert begun.wait(10)
        if n:
            while not server.service.batcher._requests:
                pass
    full = server.analyse(PNG)
    assert full.status_code == 429 and int(full.headers["retry-after"]) >= 1
    go.set()
    for one in threads:
        one.join(10)
    assert answers == [200, 200]
