"""The large models' classes all the way: trained by our recipes, saved, served by the real vLLM, adapter on and off.

Tiny random models of the same classes, with the same module names: what breaks here would break on a GPU.
"""

import io
import shutil
import socket
from pathlib import Path

import pytest
from PIL import Image

from faceagent import Settings
from faceagent.vlm import server
from faceagent.vlm.http_client import HttpClient
from faceagent.vlm.openai_backend import OpenAIBackend
from faceagent.vlm.protocol import GenerationRequest, Message
from finetune.vlm.large.tiny_models import SIDE
from finetune.vlm.large.train import sft
from tests.finetune.vlm.large.test_vlm_train import COLOURS, FAMILIES, bases, data, recipe  # noqa: F401 - two are fixtures

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.timeout(600),
    # Libraries that warn about their own next release; what is ours still fails.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


def png(colour: str) -> bytes:
    held = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE), COLOURS[colour]).save(held, "PNG")
    return held.getvalue()


def about(colour: str, adapter: str | None) -> GenerationRequest:
    turn = Message(text="Colour?", images=(png(colour),))
    return GenerationRequest(turns=(turn,), system="Look.", adapter=adapter, max_tokens=1)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_the_recipes_train_is_served(family: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    shown = request.getfixturevalue("data")
    how = recipe(request.getfixturevalue("bases")[family], family)
    base = sft(how, "alignment", shown, tmp_path)
    shutil.copytree(sft(how, "instruction", shown, tmp_path), tmp_path / "adapters" / "colours")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = Settings(
        profile="gpu", vlm_model=str(base), vlm_adapters=tmp_path / "adapters", vlm_port=port, vlm_length=1024
    )
    state = server.start(settings, step=lambda _: None)
    key = server.key_for(settings.model_copy(update={"vlm_url": state.url}))
    remote = OpenAIBackend(HttpClient(state.url, key, 120.0, 0), settings.vlm_model)
    try:
        assert remote.adapters() == {"colours"}
        off, red, blue = (
            remote.ask(ask).first for ask in (about("red", None), about("red", "colours"), about("blue", "colours"))
        )
        assert max(abs(off[token] - red[token]) for token in off.keys() & red.keys()) > 0.01
        assert red != blue
    finally:
        remote.close()
        server.end(settings, state)
