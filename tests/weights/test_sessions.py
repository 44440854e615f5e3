import gc
import logging
import os
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime
import pytest

from faceagent.errors import ModelUnavailable
from faceagent.settings import Settings
from faceagent.weights.sessions import device_of, open_session


def test_threads_share_one_session_and_agree(settings: Settings) -> None:
    image = np.random.default_rng(0).uniform(0, 255, (1, 3, 80, 80)).astype(np.float32)
    with ThreadPoolExecutor(4) as pool:
        sessions = list(pool.map(lambda _: open_session("minifasnet_v2_onnx", settings), range(8)))
        answers = list(pool.map(lambda session: session.run(None, {"image": image})[0], sessions))
    assert len({id(session) for session in sessions}) == 1
    for answer in answers:
        np.testing.assert_array_equal(answer, answers[0])


def test_the_device_told_is_the_one_that_runs(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    assert device_of(open_session("minifasnet_v2_onnx", settings)) == "cpu"
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this machine has CUDA; the next lines are about machines that have not")
    with caplog.at_level(logging.WARNING):
        session = open_session("minifasnet_v2_onnx", settings.model_copy(update={"profile": "gpu"}))
    assert device_of(session) == "cpu"
    assert "runs on the CPU" in caplog.text


def test_what_is_no_network_is_unavailable_not_a_crash(settings: Settings) -> None:
    with pytest.raises(ModelUnavailable, match="onnxruntime cannot run minifasnet_v2"):
        open_session("minifasnet_v2", settings)


def test_a_forked_child_lets_go_of_its_parents_session_and_runs_its_own(settings: Settings) -> None:
    """The destructor of a session with threads of its own would wait in the child for threads that it does not have."""
    two = settings.model_copy(update={"threads": 2})
    chip = {"image": np.zeros((1, 3, 80, 80), np.float32)}
    wanted = open_session("minifasnet_v2_onnx", two).run(None, chip)[0]
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(60)
        same = np.array_equal(open_session("minifasnet_v2_onnx", two).run(None, chip)[0], wanted)
        gc.collect()
        os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0
