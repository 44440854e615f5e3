import threading
import time

from faceagent.faces.lease import Lease


def test_two_borrowers_never_hold_the_same_object() -> None:
    lease = Lease(object)
    with lease.borrow() as one, lease.borrow() as other:
        assert one is not other
    with lease.borrow() as again:
        assert again in (one, other)


def test_an_error_inside_gives_the_object_back() -> None:
    lease = Lease(object)
    try:
        with lease.borrow() as first:
            raise ValueError
    except ValueError:
        pass
    with lease.borrow() as second:
        assert second is first


def test_networks_are_built_one_at_a_time_whatever_their_kind() -> None:
    busy = threading.Semaphore(1)
    overlaps: list[bool] = []

    def build() -> object:
        overlaps.append(not busy.acquire(blocking=False))
        time.sleep(0.01)
        busy.release()
        return object()

    leases = [Lease(build) for _ in range(3)]
    start = threading.Barrier(9)

    def work(lease: Lease[object]) -> None:
        start.wait()
        with lease.borrow():
            time.sleep(0.02)

    threads = [threading.Thread(target=work, args=(leases[number % 3],)) for number in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(overlaps) >= 3
    assert not any(overlaps)
