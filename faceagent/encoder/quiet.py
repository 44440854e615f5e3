"""Keeps the terminal free of what other libraries print while they are imported or load a model.

Only known warnings are dropped, only while the ``with`` block runs, and bars only of the thread that runs it. The
host's own settings of logging and of progress bars are not changed.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from faceagent.encoder.torchvision_ops import declare_missing_operators
from faceagent.per_process import ProcessLock

_NOISY = ("bitsandbytes.backends.cpu.ops", "bitsandbytes.cextension")
"""Loggers that warn, at import, of kernels for quantised models. No quantised model runs in this process."""

_lock = ProcessLock()
_quiet_threads: Counter[int] = Counter()
"""Threads inside ``quiet_bars``, each with how often it has entered."""
_host: dict[str, Any] = {}
"""What makes a bar in transformers, in two places, before ours stands there."""


@contextmanager
def quiet_import() -> Iterator[None]:
    """For ``import peft``, which imports bitsandbytes where it is installed: its warnings are dropped."""
    loggers = [logging.getLogger(name) for name in _NOISY]

    def is_error(record: logging.LogRecord) -> bool:
        return record.levelno >= logging.ERROR

    for logger in loggers:
        logger.addFilter(is_error)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_error)


@contextmanager
def quiet_bars() -> Iterator[None]:
    """For ``from_pretrained`` and ``save_pretrained``: this thread draws no progress bar, other threads draw theirs."""
    thread = threading.get_ident()
    with _lock:
        if not _quiet_threads:
            _install()
        _quiet_threads[thread] += 1
    try:
        yield
    finally:
        with _lock:
            _quiet_threads[thread] -= 1
            if not _quiet_threads[thread]:
                del _quiet_threads[thread]
            if not _quiet_threads:
                _restore()


def _install() -> None:
    declare_missing_operators()
    from transformers import modeling_gguf_pytorch_utils as gguf
    from transformers.utils import logging as bars

    _host["hook"], _host["gguf"] = bars.set_tqdm_hook(_bar), vars(gguf)["tqdm"]
    vars(gguf)["tqdm"] = _gguf_bar


def _restore() -> None:
    """Put back what stood there, but for a hook that the host has set meanwhile: that one stays."""
    from transformers import modeling_gguf_pytorch_utils as gguf
    from transformers.utils import logging as bars

    found = bars.set_tqdm_hook(_host["hook"])
    if found is not _bar:
        bars.set_tqdm_hook(found)
    vars(gguf)["tqdm"] = _host["gguf"]


def _bar(factory: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Transformers' hook for its bars: in a quiet thread one that draws nothing, else what the host's hook makes."""
    if threading.get_ident() in _quiet_threads:
        return factory(*arguments, **{**options, "disable": True})
    hook = _host.get("hook")
    return factory(*arguments, **options) if hook is None else hook(factory, arguments, options)


def _gguf_bar(*arguments: Any, **options: Any) -> Any:
    """The bar of the GGUF reader, which does not ask transformers' hook."""
    quiet = threading.get_ident() in _quiet_threads
    return _host["gguf"](*arguments, **({**options, "disable": True} if quiet else options))
