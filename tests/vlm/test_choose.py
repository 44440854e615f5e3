"""Settings decide who answers; what cannot work is refused without showing a secret; and the scripted backend."""

from pathlib import Path

import pytest

from faceagent.errors import ModelUnavailable, SettingsError, VlmAnswerInvalid
from faceagent.settings import Settings, load
from faceagent.vlm import choose, embedded_model
from faceagent.vlm.openai_backend import OpenAIBackend
from faceagent.vlm.protocol import GenerationRequest, Message
from faceagent.vlm.scripted import Scripted
from faceagent.vlm.transformers_backend import TransformersBackend

FORM = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


def test_the_profile_decides_and_an_endpoint_overrides_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceagent.vlm.transformers_backend.model_folder", lambda settings: tmp_path)
    monkeypatch.setattr("faceagent.vlm.transformers_backend.adapters", dict)
    assert isinstance(choose.backend(Settings(cache=tmp_path)), TransformersBackend)
    for settings in (
        Settings(cache=tmp_path, profile="gpu"),
        Settings(cache=tmp_path, vlm_endpoint="http://[::1]:1/v1"),
    ):
        chosen = choose.backend(settings)
        assert isinstance(chosen, OpenAIBackend)
        assert choose.backend(settings) is chosen
        chosen.close()
    assert Settings(profile="gpu", vlm_port=99).vlm_url == "http://127.0.0.1:99/v1"


def test_a_build_without_weights_of_ours_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_model, "weights_folder", lambda: tmp_path)
    with pytest.raises(ModelUnavailable, match="no projector"):
        choose.backend(Settings(cache=tmp_path / "cache"))


@pytest.mark.parametrize("url", ["here", "ftp://a/v1", "http://", "http://a:99999/v1", "http://me:hunter2@a/v1"])
def test_what_is_no_endpoint_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("FACEAGENT_VLM_ENDPOINT", url)
    with pytest.raises(SettingsError, match="FACEAGENT_VLM_ENDPOINT") as caught:
        load()
    assert "hunter2" not in str(caught.value)


def test_a_key_is_cleaned_checked_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEAGENT_VLM_KEY", " sk-1234\n")
    settings = load()
    assert settings.vlm_key is not None and settings.vlm_key.get_secret_value() == "sk-1234"
    assert "sk-1234" not in repr(settings) + settings.model_dump_json()
    monkeypatch.setenv("FACEAGENT_VLM_KEY", "sk-12\n34")
    with pytest.raises(SettingsError) as caught:
        load()
    assert "34" not in str(caught.value) and caught.value.__cause__ is None
    monkeypatch.setenv("FACEAGENT_VLM_KEY", "")
    assert load().vlm_key is None


def test_the_scripted_backend_follows_its_script_and_validates_like_the_others() -> None:
    ask = GenerationRequest(turns=(Message(text="?"),), format=FORM)
    backend = Scripted(['{"a":1}', "no", ModelUnavailable("gone")])
    assert backend.ask(ask).parsed == {"a": 1}
    with pytest.raises(VlmAnswerInvalid, match="not JSON"):
        backend.ask(ask)
    with pytest.raises(ModelUnavailable, match="gone"):
        backend.ask(ask)
    assert backend.asked == [ask] * 3
    told = Scripted(lambda ask: f"yes, {ask.turns[-1].text}")
    assert "".join(told.stream(GenerationRequest(turns=(Message(text="it is so"),)))) == "yes, it is so"
    assert Scripted(lambda ask: "no").score(ask.model_copy(update={"format": None}), ("yes", "no")) == {
        "yes": 0,
        "no": 1,
    }
