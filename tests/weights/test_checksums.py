"""A flipped byte in weights that no catalogue entry names is refused, and the file is named."""

import shutil
from pathlib import Path

import pytest

from faceagent.errors import WeightsCorrupt
from faceagent.settings import Settings
from faceagent.vlm import embedded_model
from faceagent.weights.checksums import SUMS, verify_sums, write_sums


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def test_a_folder_is_what_was_written(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"x" * 100)
    write_sums(tmp_path, ["a", "b"])
    verify_sums(tmp_path, remedy="")
    flip(tmp_path / "b")
    verify_sums(tmp_path, ["a"], remedy="")
    with pytest.raises(WeightsCorrupt, match="/b has sha256 .* Do this"):
        verify_sums(tmp_path, remedy="Do this.")
    (tmp_path / "b").unlink()
    with pytest.raises(WeightsCorrupt, match="/b cannot be read"):
        verify_sums(tmp_path, remedy="")
    with pytest.raises(WeightsCorrupt, match="expected None"):
        verify_sums(tmp_path, [SUMS], remedy="")
    (tmp_path / SUMS).unlink()
    with pytest.raises(WeightsCorrupt, match=f"{SUMS} cannot be read"):
        verify_sums(tmp_path, remedy="")


@pytest.mark.parametrize("name", ["projector.safetensors", "vqa/adapter_model.safetensors", "vqa/adapter_config.json"])
def test_a_flipped_byte_of_our_own_weights_is_refused_by_name(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    ours = tmp_path / "weights"
    shutil.copytree(embedded_model.weights_folder(), ours)
    monkeypatch.setattr(embedded_model, "weights_folder", lambda: ours)
    assert all(check.state == "ok" for check in embedded_model.verify(Settings(cache=tmp_path)))
    flip(ours / name)
    with pytest.raises(WeightsCorrupt, match=name):
        embedded_model.model_folder(settings)
    (found,) = [check for check in embedded_model.verify(Settings(cache=tmp_path)) if check.state != "ok"]
    assert found.state == "corrupt" and name in found.detail


def test_a_flipped_byte_of_the_assembled_model_is_refused_by_name(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / "vlm" / "0123"
    made.mkdir(parents=True)
    (made / "model.safetensors").write_bytes(b"x" * 100)
    write_sums(made, ["model.safetensors"])
    monkeypatch.setattr(embedded_model, "_assembled", lambda *_: made)
    assert embedded_model.model_folder(settings) == made
    flip(made / "model.safetensors")
    with pytest.raises(WeightsCorrupt, match=r"model\.safetensors"):
        embedded_model.model_folder(settings)
    checks = embedded_model.verify(Settings(cache=tmp_path))
    assert [check.id for check in checks if check.state == "corrupt"] == ["vlm_assembled_0123"]


def test_what_ships_with_the_encoder_is_checked_too() -> None:
    from faceagent.encoder.verify import verify_shipped

    states = {check.id: check.state for check in verify_shipped()}
    assert {"adapter_forgery", "adapter_occlusion"} <= set(states) and set(states.values()) == {"ok"}


@pytest.mark.parametrize("damage", [b"{", b'{"name": "occlusion"}', b"\xff\xfe"])
def test_a_card_that_cannot_be_read_is_refused_by_name(tmp_path: Path, damage: bytes) -> None:
    from faceagent.encoder.head_card import CARD, HEAD
    from faceagent.encoder.occlusion import read_head

    folder = tmp_path / "occlusion"
    folder.mkdir()
    (folder / HEAD).write_bytes(b"")
    (folder / CARD).write_bytes(damage)
    with pytest.raises(WeightsCorrupt, match="card.json of the adapter 'occlusion' cannot be read"):
        read_head(folder)
