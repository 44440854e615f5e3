import importlib
from urllib.parse import urlsplit

import pytest
from pydantic import ValidationError

from faceagent.errors import InputError
from faceagent.weights import Entry, entries, entry, of_profile, stamp

PUBLISHERS = {"github.com", "storage.googleapis.com", "huggingface.co"}


def test_every_entry_says_what_it_is_and_whose() -> None:
    for item in entries():
        assert item.license and item.training_data and item.purpose and item.title, item.id
        assert isinstance(item.commercial, bool)
        assert item.profiles, item.id


def test_every_entry_can_be_had_in_exactly_one_way() -> None:
    for item in entries():
        fetched = bool(item.files) and bool(item.urls or item.mirrors)
        converted = item.conversion is not None
        verified_by_the_user = item.sha256 is None and not converted and not item.mirrors and bool(item.urls)
        assert [fetched, converted, verified_by_the_user].count(True) == 1, item.id


def test_sources_are_the_publishers_own_or_exact_packages() -> None:
    for item in entries():
        for url in item.urls:
            parts = urlsplit(url)
            assert parts.scheme == "https" and parts.netloc in PUBLISHERS, url
        for mirror in item.mirrors:
            name, _, version = mirror.package.partition("==")
            assert name and version, mirror.package


def test_the_default_profile_admits_commercial_use_and_is_pinned() -> None:
    ids = of_profile("embedded")
    assert {"yunet", "face_landmarker", "sface", "age", "gender", "minifasnet_v2_onnx", "minifasnet_v1se_onnx"} <= set(
        ids
    )
    for weight_id in ids:
        item = entry(weight_id)
        assert item.commercial, weight_id
        assert item.files or item.conversion, weight_id


def test_conversions_name_a_pinned_source_and_a_function_that_exists() -> None:
    for item in entries():
        if item.conversion is not None:
            source = entry(item.conversion.source)
            assert source.sha256 is not None
            assert source.license == item.license and source.commercial == item.commercial
            module, _, name = item.conversion.function.partition(":")
            assert callable(getattr(importlib.import_module(module), name))


def test_nothing_is_kept_in_a_format_that_runs_code_on_loading() -> None:
    for item in entries():
        suffix = item.file.rpartition(".")[2]
        # The two PyTorch states are read with weights_only, and only to write them as ONNX.
        assert suffix in {"onnx", "task", "gguf", "safetensors", "bin"} or item.id in {
            "minifasnet_v2",
            "minifasnet_v1se",
        }


def test_a_misspelt_id_gets_a_suggestion() -> None:
    with pytest.raises(InputError, match="Did you mean 'yunet'"):
        entry("yunett")


def test_a_stamp_names_the_weights_that_spoke() -> None:
    assert stamp("sface").sha256 == entry("sface").sha256
    assert stamp("minifasnet_v2_onnx") == stamp("minifasnet_v2")
    assert stamp("gend_clip_l_14").sha256 == "unpinned"


@pytest.mark.parametrize(
    "change",
    [
        {"sha256": "f" * 64},
        {"sha256": "nonsense", "bytes": 1},
        {"file": "../outside.onnx"},
        {"file": "folder/inside.onnx"},
        {"conversion": {"source": "b", "function": "m:f", "version": 1}, "urls": ["https://example.org/x"]},
        {"surprise": 1},
    ],
)
def test_a_row_that_contradicts_itself_is_refused(change: dict[str, object]) -> None:
    row = {
        "id": "a",
        "title": "A",
        "purpose": "testing",
        "file": "a.onnx",
        "license": "MIT",
        "commercial": True,
        "training_data": "none",
        "profiles": ["embedded"],
    }
    Entry.model_validate(row)
    with pytest.raises(ValidationError):
        Entry.model_validate({**row, **change})
