import threading
import time

from faceagent.faces.object_pool import ObjectPool


def test_two_borrowers_never_hold_the_same_object() -> None:
    pool = ObjectPool(object)
    with pool.borrow() as one, pool.borrow() as other:
        assert one is not other
    with pool.borrow() as again:
        assert again in (one, other)


def test_an_error_inside_gives_the_object_back() -> None:
    pool = ObjectPool(object)
    try:
        with pool.borrow() as first:
            raise ValueError
    except ValueError:
        pass
    with pool.borrow() as second:
        assert second is first


def test_networks_are_built_one_at_a_time_whatever_their_kind() -> None:
    busy = threading.Semaphore(1)
    overlaps: list[bool] = []

    def build() -> object:
        overlaps.append(not busy.acquire(blocking=False))
        time.sleep(0.01)
        busy.release()
        return object()

    pools = [ObjectPool(build) for _ in range(3)]
    start = threading.Barrier(9)

    def work(pool: ObjectPool[object]) -> None:
        start.wait()
        with pool.borrow():
            time.sleep(0.02)

    threads = [threading.Thread(target=work, args=(pools[number % 3],)) for number in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(overlaps) >= 3
    assert not any(overlaps)
