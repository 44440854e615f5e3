"""The embedded model with the weights that ship: what it sees, what its adapters change, what it may not forget."""

import numpy as np
import pytest
from numpy.typing import NDArray

from faceagent.errors import ModelUnavailable
from faceagent.faces import find_faces, main_face
from faceagent.settings import Settings
from faceagent.types import Picture
from faceagent.vlm import transformers_backend as embedded
from faceagent.vlm.chat_template import encode_png
from faceagent.vlm.embedded_model import PROJECTOR, SIZE, adapters, weights_folder
from faceagent.vlm.face_image import encode_face
from faceagent.vlm.protocol import GenerationRequest, Message
from faceagent.vlm.transformers_backend import TransformersBackend, embedded_backend

LARGEST = 30_000_000
"""Bytes that all of our weights may take together."""


@pytest.fixture(scope="module")
def model(settings: Settings) -> TransformersBackend:
    return embedded_backend(settings)


@pytest.fixture(scope="module")
def smiling(settings: Settings, astronaut: NDArray[np.uint8]) -> bytes:
    picture = Picture(
        id="P1", sha256="0" * 64, width=512, height=512, format="PNG", bytes=1, source="P1", mode="RGB", orientation=1
    )
    face = main_face(tuple(find_faces(picture, astronaut, settings)), picture)
    assert face is not None
    return encode_face(astronaut, face.box)


def _about(picture: bytes | None, text: str, adapter: str | None = "vqa") -> GenerationRequest:
    return GenerationRequest(
        turns=(Message(text=text, images=(picture,) if picture else ()),), adapter=adapter, max_tokens=12
    )


def test_all_adapters_ship_and_are_small() -> None:
    assert {"expression", "forgery", "identity", "vqa"} <= set(adapters())
    assert (weights_folder() / PROJECTOR).is_file()
    assert sum(path.stat().st_size for path in weights_folder().rglob("*") if path.is_file()) <= LARGEST


def test_it_answers_about_the_picture(model: TransformersBackend, smiling: bytes) -> None:
    assert model.ask(_about(smiling, "Is the person smiling?")).text == "yes"
    assert model.ask(_about(smiling, "Is the person wearing glasses?")).text == "no"


def test_the_picture_decides_and_not_the_question(model: TransformersBackend, smiling: bytes) -> None:
    blank = encode_png(np.full((SIZE, SIZE, 3), 128, np.uint8))
    smiles = [model.score(_about(data, "Is the person smiling?"), ("yes", "no"))["yes"] for data in (smiling, blank)]
    assert smiles[0] > smiles[1] + 0.3


def test_an_adapter_changes_what_is_said_and_can_be_taken_off(model: TransformersBackend, smiling: bytes) -> None:
    ask = _about(smiling, "Is the person smiling?")
    bare = ask.model_copy(update={"adapter": None})
    first = model.ask(bare)
    assert model.ask(ask).first != first.first
    assert model.ask(bare).first == first.first


@pytest.mark.parametrize("adapter", ["vqa", "expression", "forgery", "identity"])
def test_plain_questions_still_get_plain_answers(model: TransformersBackend, adapter: str) -> None:
    assert "Paris" in model.ask(_about(None, "What is the capital of France?", adapter)).text


def test_an_adapter_that_does_not_exist_is_named(model: TransformersBackend) -> None:
    with pytest.raises(ModelUnavailable, match="nobody"):
        model.ask(_about(None, "Hi", "nobody"))


def test_a_guess_changes_no_answer(model: TransformersBackend, smiling: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    count = {"type": "integer", "minimum": 1, "maximum": 9}
    form = {"type": "object", "properties": {name: count for name in ("one", "two", "one_more")}}
    text = "Repeat: one two one two one two one more. Answer in JSON."
    asks = [
        GenerationRequest(turns=(Message(text=text, images=(smiling,)),), adapter=adapter, format=shape, max_tokens=24)
        for adapter, shape in (("vqa", None), (None, None), (None, {**form, "required": list(form["properties"])}))
    ]
    guessed = [model.ask(ask) for ask in asks]
    streamed = "".join(model.stream(asks[1]))
    monkeypatch.setattr(embedded, "GUESSED", 0)
    plain = [model.ask(ask) for ask in asks]
    assert [one.text for one in guessed] == [one.text for one in plain]
    assert [(one.tokens, one.finish) for one in guessed] == [(one.tokens, one.finish) for one in plain]
    assert streamed == guessed[1].text


@pytest.mark.parametrize(
    ("said", "next_"),
    [([7, 1, 2, 3, 9, 8, 1, 2, 3], [9, 8, 1, 2, 3]), ([1, 2, 5, 1, 3, 6, 1, 2], [5, 1, 3, 6, 1, 2]), ([1, 2, 3], [])],
)
def test_a_text_is_expected_to_go_on_as_it_did_before(said: list[int], next_: list[int]) -> None:
    assert list(embedded.prompt_lookup(said)) == next_
