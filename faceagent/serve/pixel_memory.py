"""How many answers may hold the pixels of large pictures in memory at a time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from faceagent.per_process import PerProcess

AT_ONCE = 2
"""Documents are set one at a time, in seconds; the other place is for what is quick."""
_places = PerProcess(partial(threading.BoundedSemaphore, AT_ONCE))


@contextmanager
def holding_pixels() -> Iterator[None]:
    """Around whatever decodes a picture, until its pixels are let go. Not to be nested: two could block each other."""
    with _places.get():
        yield
