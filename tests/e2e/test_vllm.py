"""The real vLLM, in its own environment, serving the embedded model with the adapters that ship.

``make e2e-vllm`` makes the environment first. One server serves the whole module; the last test kills it.
"""

import json
import os
import re
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx2
import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import SecretStr

from faceagent import Analyst, Settings
from faceagent.errors import ModelUnavailable
from faceagent.explain.vlm_explainer import LONGEST
from faceagent.vlm import server
from faceagent.vlm.face_image import encode_face
from faceagent.vlm.http_client import HttpClient
from faceagent.vlm.openai_backend import OpenAIBackend
from faceagent.vlm.protocol import Answer, GenerationRequest, Message
from faceagent.vlm.transformers_backend import TransformersBackend, embedded_backend

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(600)]

KEY = "a-key-of-this-test"
FACE = (170.0, 60.0, 280.0, 200.0)
FORM = {
    "type": "object",
    "properties": {"smiling": {"enum": ["yes", "no"]}, "words": {"type": "array", "items": {"enum": ["a", "b"]}}},
    "required": ["smiling", "words"],
    "additionalProperties": False,
}
FORM["properties"]["words"]["maxItems"] = 2  # type: ignore[index]


@pytest.fixture(scope="module")
def settings() -> Settings:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return Settings(vlm_port=port, vlm_key=SecretStr(KEY), vlm_endpoint=f"http://127.0.0.1:{port}/v1")


@pytest.fixture(scope="module")
def served(settings: Settings) -> Iterator[server.ServerState]:
    state = server.start(settings, step=lambda _: None)
    yield state
    server.end(settings, state)


@pytest.fixture(scope="module")
def remote(settings: Settings, served: server.ServerState) -> Iterator[OpenAIBackend]:
    made = OpenAIBackend(HttpClient(served.url, settings.vlm_key, 120.0, 0))
    yield made
    made.close()


@pytest.fixture(scope="module")
def here(settings: Settings) -> Iterator[TransformersBackend]:
    made = embedded_backend(settings)
    yield made
    made.close()


@pytest.fixture(scope="module")
def portrait() -> bytes:
    import skimage.data

    pixels: NDArray[np.uint8] = skimage.data.astronaut()
    return encode_face(pixels, FACE)


def about(portrait: bytes, adapter: str | None, **more: Any) -> GenerationRequest:
    text = "Is the person smiling? Answer yes or no."
    return GenerationRequest(
        turns=(Message(text=text, images=(portrait,)),), adapter=adapter, **{"max_tokens": 1, **more}
    )


def test_every_request_has_its_own_adapter_schema_and_picture(
    remote: OpenAIBackend, served: server.ServerState, portrait: bytes
) -> None:
    assert served.adapters and remote.adapters() == set(served.adapters)
    asks = [about(portrait, name, format=FORM, max_tokens=48) for name in (None, *served.adapters)]
    with ThreadPoolExecutor(len(asks)) as pool:
        answers = list(pool.map(remote.ask, asks))
    for ask, answer in zip(asks, answers, strict=True):
        assert answer.adapter == ask.adapter and answer.model == served.model
        assert answer.parsed["smiling"] in ("yes", "no") and answer.finish == "stop"
        assert json.loads(answer.text) == answer.parsed


def test_the_picture_and_the_adapter_change_what_is_said(
    remote: OpenAIBackend, served: server.ServerState, portrait: bytes
) -> None:
    def moved(one: GenerationRequest, other: GenerationRequest) -> float:
        first, second = remote.ask(one).first, remote.ask(other).first
        return max((abs(first[token] - second[token]) for token in first.keys() & second.keys()), default=9.0)

    for name in served.adapters:
        assert moved(about(portrait, None), about(portrait, name)) > 0.02, name
    name = served.adapters[0]
    upside_down = encode_face(np.zeros((512, 512, 3), np.uint8), FACE)
    assert moved(about(portrait, name), about(upside_down, name)) > 0.01
    assert moved(about(portrait, name), about(portrait, name)) < 1e-3


def test_the_server_says_what_the_model_in_this_process_says(
    remote: OpenAIBackend, here: TransformersBackend, served: server.ServerState, portrait: bytes
) -> None:
    for name in (None, *served.adapters):
        ask = about(portrait, name)
        near, far = here.ask(ask), remote.ask(ask)
        assert len(far.first) == 20
        # Two tokens that are as good as level may change places at the end of the list.
        least = min(near.first.values())
        assert max(abs(near.first.get(token, least) - far.first[token]) for token in far.first) < 1e-2
        choices = ("yes", "no", "not visible")
        scored = here.score(ask, choices), remote.score(ask, choices)
        assert scored[0] == pytest.approx(scored[1], abs=1e-2)


def test_an_answer_streams(remote: OpenAIBackend, served: server.ServerState, portrait: bytes) -> None:
    ask = about(portrait, served.adapters[0], format=FORM, max_tokens=48)
    pieces = list(remote.stream(ask))
    assert len(pieces) > 3
    assert "".join(pieces) == remote.ask(ask).text


def test_what_cannot_be_is_refused_in_words(remote: OpenAIBackend, served: server.ServerState, portrait: bytes) -> None:
    with pytest.raises(ModelUnavailable, match="404"):
        remote.ask(about(portrait, "no_such_adapter"))
    with pytest.raises(ModelUnavailable, match="400"):
        remote.ask(GenerationRequest(turns=(Message(text="far too long " * 3000),)))
    stranger = OpenAIBackend(HttpClient(served.url, SecretStr("wrong"), 30.0, 0))
    with pytest.raises(ModelUnavailable, match="401") as caught:
        stranger.ask(about(portrait, None))
    stranger.close()
    assert "FACEAGENT_VLM_KEY" in (caught.value.remedy or "")


def test_the_server_fetches_nothing(served: server.ServerState, portrait: bytes, tmp_path: Any) -> None:
    hits: list[str] = []

    class Bait(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hits.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(portrait)

    (tmp_path / "face.png").write_bytes(portrait)
    with HTTPServer(("127.0.0.1", 0), Bait) as bait:
        thread = threading.Thread(target=bait.serve_forever)
        thread.start()
        for url in (f"http://127.0.0.1:{bait.server_port}/face.png", (tmp_path / "face.png").as_uri()):
            content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "?"}]
            body = {"model": served.model, "messages": [{"role": "user", "content": content}], "max_tokens": 1}
            answer = httpx2.post(
                f"{served.url}/chat/completions", json=body, headers={"Authorization": f"Bearer {KEY}"}, timeout=60
            )
            assert 400 <= answer.status_code < 600, url
        bait.shutdown()
        thread.join()
    assert hits == []


def test_a_report_asks_the_served_model_and_checks_what_it_says(
    settings: Settings, served: server.ServerState, astronaut: NDArray[np.uint8]
) -> None:
    with Analyst(settings) as analyst:
        report = analyst.analyze(astronaut, questions=["expression"], explain="vlm")
    (reading,) = (one for one in report.evidence if one.id == "F1:opinion_expression")
    assert reading.status == "ok" and reading.tool.device == "openai"
    (explanation,) = (one for one in report.explanations if one.question == "expression")
    assert explanation.steps and all(step.cites for step in explanation.steps)
    if explanation.fallback is None:
        assert (explanation.author, explanation.adapter) == (f"openai: {served.model}", "expression")
    else:
        # The small model's answer came, was valid, and did not survive the check: nothing else may be the reason.
        assert re.fullmatch(r"vlm_answer_invalid: Of the answer's \d+ sentences only \d+ hold\.", explanation.fallback)
        assert explanation.author == "ledger"


def test_a_request_without_an_adapter_gets_none(
    remote: OpenAIBackend, here: TransformersBackend, portrait: bytes
) -> None:
    ask = about(portrait, None, max_tokens=24)
    assert remote.ask(ask).text == here.ask(ask).text


def test_a_server_killed_in_the_middle_of_an_answer_loses_no_report(
    settings: Settings,
    remote: OpenAIBackend,
    served: server.ServerState,
    portrait: bytes,
    astronaut: NDArray[np.uint8],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    explaining = threading.Event()
    send = OpenAIBackend.ask

    def noticed(self: OpenAIBackend, ask: GenerationRequest) -> Answer:
        if ask.max_tokens >= LONGEST:
            explaining.set()
        return send(self, ask)

    monkeypatch.setattr(OpenAIBackend, "ask", noticed)
    with Analyst(settings) as analyst, ThreadPoolExecutor(1) as pool:
        pending = pool.submit(analyst.analyze, astronaut, explain="vlm")
        assert explaining.wait(120), "no explanation was ever asked for"
        stream = remote.stream(about(portrait, None, max_tokens=2000))
        assert next(stream)
        assert not pending.done(), "the report was there before the server was killed"
        os.killpg(served.pid, signal.SIGKILL)
        with pytest.raises(ModelUnavailable, match="broke off"):
            list(stream)
        report = pending.result()
    assert {one.question for one in report.explanations} == {one.question for one in report.verdicts}
    spoken = [one for one in report.explanations if one.fallback]
    assert all(one.author == "ledger" for one in spoken) and all(one.steps for one in report.explanations)
    assert any("model_unavailable" in (one.fallback or "") for one in spoken)
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        remote.ask(about(portrait, None))
    assert server.find(settings) is None
