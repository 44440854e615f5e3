"""Other libraries' lines are kept back inside the block, in its thread, and nowhere else."""

import io
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from faceagent.encoder.quiet import quiet_bars, quiet_import
from faceagent.encoder.torchvision_ops import declare_missing_operators

KERNELS = "bitsandbytes.backends.cpu.ops"


@pytest.fixture(scope="module", autouse=True)
def _transformers_can_be_imported() -> None:
    declare_missing_operators()


@pytest.fixture(autouse=True)
def _no_hook_is_left() -> Iterator[None]:
    yield
    from transformers.utils import logging as bars

    assert bars.set_tqdm_hook(None) is None


def bar() -> str:
    """What a bar of transformers draws."""
    from transformers.utils.logging import tqdm

    drawn = io.StringIO()
    assert list(tqdm([1, 2], desc="Loading weights", file=drawn, ascii=True)) == [1, 2]
    return drawn.getvalue()


def gguf_bar() -> str:
    """What a bar of transformers' GGUF reader draws."""
    from transformers import modeling_gguf_pytorch_utils as gguf

    drawn = io.StringIO()
    assert list(gguf.tqdm([1, 2], desc="Converting", file=drawn, ascii=True)) == [1, 2]
    return drawn.getvalue()


def elsewhere(program: Any) -> Any:
    """The program's result, computed in another thread."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(program()))
    thread.start()
    thread.join()
    return found[0]


def test_warnings_of_kernels_are_dropped_while_peft_is_imported(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger(KERNELS)
    with quiet_import():
        logger.warning("Failed to load CPU gemm_4bit_forward")
        logger.error("the library is broken")
        logging.getLogger("host").warning("the host's own")
    logger.warning("after")
    assert [record.getMessage() for record in caplog.records] == ["the library is broken", "the host's own", "after"]


def test_the_log_is_as_before_after_a_failed_import() -> None:
    before = list(logging.getLogger(KERNELS).filters)
    with pytest.raises(ImportError), quiet_import():
        raise ImportError("no peft")
    assert logging.getLogger(KERNELS).filters == before


@pytest.mark.parametrize("draw", [bar, gguf_bar])
def test_only_the_thread_that_loads_draws_no_bar(draw: Any) -> None:
    assert "100%" in draw()
    with quiet_bars():
        assert draw() == ""
        with quiet_bars():
            assert draw() == ""
        assert draw() == ""
        assert "100%" in elsewhere(draw)
    assert "100%" in draw()


def test_bars_come_back_when_the_last_of_two_threads_has_loaded() -> None:
    inside, done = threading.Event(), threading.Event()

    def load() -> str:
        with quiet_bars():
            inside.set()
            done.wait(10)
            return bar()

    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(load()))
    thread.start()
    inside.wait(10)
    with quiet_bars():
        assert bar() == ""
    assert "100%" in bar()
    done.set()
    thread.join()
    assert found == [""]


def test_a_hook_of_the_host_is_asked_in_other_threads_and_comes_back() -> None:
    from transformers.utils import logging as bars

    def hook(factory: Any, arguments: Any, options: Any) -> Any:
        return factory(*arguments, **{**options, "desc": "the host's"})

    bars.set_tqdm_hook(hook)
    with quiet_bars():
        assert bar() == ""
        assert "the host's" in elsewhere(bar)
    assert bars.set_tqdm_hook(None) is hook


def test_a_hook_that_the_host_sets_meanwhile_stays() -> None:
    from transformers.utils import logging as bars

    def hook(factory: Any, arguments: Any, options: Any) -> Any:
        return factory(*arguments, **options)

    with quiet_bars():
        bars.set_tqdm_hook(hook)
    assert bars.set_tqdm_hook(None) is hook
