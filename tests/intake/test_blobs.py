import hashlib
import threading

import numpy as np
import pytest

from faceagent.intake.blobs import Blobs, MemoryBlobs


@pytest.fixture
def store() -> Blobs:
    return MemoryBlobs()


PIXELS = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)


def test_bytes_come_back_under_their_sha256(store: Blobs) -> None:
    key = store.put(b"picture")
    assert key == hashlib.sha256(b"picture").hexdigest() == store.put(b"picture")
    assert store.get(key) == b"picture"


def test_pixels_come_back_equal_and_cannot_be_written(store: Blobs) -> None:
    key = store.put(b"picture")
    store.put_pixels(key, PIXELS)
    found = store.pixels(key)
    assert found.dtype == np.uint8 and type(found) is np.ndarray
    np.testing.assert_array_equal(found, PIXELS)
    with pytest.raises(ValueError, match="read-only"):
        found[0, 0, 0] = 1


def test_the_callers_own_array_stays_writable(store: Blobs) -> None:
    mine = PIXELS.copy()
    store.put_pixels(store.put(b"picture"), mine)
    mine[0, 0, 0] = 9


def test_forgotten_keys_are_gone_and_unknown_ones_are_fine(store: Blobs) -> None:
    key = store.put(b"picture")
    store.put_pixels(key, PIXELS)
    store.forget([key, "0" * 64, "../../etc/passwd"])
    with pytest.raises(KeyError):
        store.get(key)
    with pytest.raises(KeyError):
        store.pixels(key)


@pytest.mark.parametrize("wrong", [PIXELS[..., 0], PIXELS.astype(np.float32), np.zeros((2, 2, 4), np.uint8)])
def test_anything_but_rgb_bytes_is_a_programming_error(store: Blobs, wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        store.put_pixels(store.put(b"x"), wrong)


def test_many_threads_may_store_the_same_bytes(store: Blobs) -> None:
    keys: list[str] = []

    def work() -> None:
        for number in range(20):
            key = store.put(bytes([number]))
            store.put_pixels(key, PIXELS)
            keys.append(key)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 80 and len(set(keys)) == 20
    assert all(store.pixels(key).shape == (4, 5, 3) for key in keys)
