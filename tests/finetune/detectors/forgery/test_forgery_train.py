"""The trainer from pictures to an adapter, killed on the way: what it finishes is the run it would have been."""

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from evals.data.held_out import is_held_out
from faceagent.encoder.branch import ADAPTER, HEAD, load_branch
from faceagent.encoder.encoder import Encoder
from faceagent.encoder.tower import load_tower
from faceagent.settings import Settings
from finetune.detectors.forgery import train as encoder_lora

RECIPE = """
name = "small"
version = "0"
tower = "dinov2_vits14_224"
[data]
seed = 3
[data.counts]
fairface_train_4k = 7
sfhq_tiles = 7
[adapter]
last_blocks = 1
rank = 2
[optimiser]
epochs = 3
pairs = 2
warmup = 2
patch_dropout = 0.25
check_every = 2
patience = 9
"""


class Killed(BaseException):
    """What a lost machine looks like from the inside: nothing is tidied up."""


@pytest.fixture(scope="module")
def data(astronaut: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sets of one face under changing light: three sources on the validation side, four on the training side."""
    root = tmp_path_factory.mktemp("data")
    for origin in ("fairface_train_4k", "sfhq_tiles"):
        (root / origin).mkdir()
        files = [*_names(origin, held_out=True, count=3), *_names(origin, held_out=False, count=4)]
        (root / origin / "labels.csv").write_text("\n".join(["file", *files]) + "\n", encoding="utf-8")
        for index, file in enumerate(files):
            face = astronaut[:260, 90:350, ::-1][:, :: (-1) ** index]
            cv2.imwrite(str(root / origin / file), cv2.convertScaleAbs(face, alpha=1 - 0.05 * index))
    return root


def _names(origin: str, *, held_out: bool, count: int) -> list[str]:
    sides: Iterator[str] = (f"{number:03d}.png" for number in range(1000))
    chosen = (name for name in sides if is_held_out(f"{origin}/{name}") is held_out)
    return [next(chosen) for _ in range(count)]


def _train(data: Path, folder: Path) -> Path:
    recipe = folder / "small.toml"
    folder.mkdir(exist_ok=True)
    recipe.write_text(RECIPE, encoding="utf-8")
    encoder_lora.main([str(recipe), "--data", str(data), "--runs", str(folder)])
    return folder / "small"


def test_a_killed_run_goes_on_to_the_same_adapter(
    data: Path, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _train(data, tmp_path / "whole")

    step, done = encoder_lora.Trainer.step, list[int]()

    def fatal(trainer: encoder_lora.Trainer, rows: NDArray[np.int64]) -> dict[str, float]:
        if len(done) == 3:
            raise Killed
        done.append(1)
        return step(trainer, rows)

    monkeypatch.setattr(encoder_lora.Trainer, "step", fatal)
    with pytest.raises(Killed):
        _train(data, tmp_path / "killed")
    monkeypatch.setattr(encoder_lora.Trainer, "step", step)
    torch.manual_seed(99)
    resumed = _train(data, tmp_path / "killed")

    looks = [json.loads(line)["step"] for line in (resumed / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert looks == sorted(set(looks)) and looks[0] == 2 and len(looks) >= 3
    assert (resumed / "curves.png").is_file()
    for name in (ADAPTER, HEAD):
        first, second = load_file(whole / "adapter" / name), load_file(resumed / "adapter" / name)
        assert first.keys() == second.keys()
        for key, value in first.items():
            torch.testing.assert_close(value, second[key], atol=1e-6, rtol=0)

    # A run that begins with another's weights and learns nothing has its adapter.
    monkeypatch.setattr(encoder_lora, "train", lambda trainer: {})
    recipe, out = tmp_path / "whole" / "small.toml", tmp_path / "copy"
    options = ["--data", str(data), "--runs", str(tmp_path / "whole"), "--out", str(out), "--start-from", str(whole)]
    encoder_lora.main([str(recipe), *options])
    for key, value in load_file(whole / "adapter" / ADAPTER).items():
        torch.testing.assert_close(value, load_file(out / ADAPTER)[key], atol=0, rtol=0)

    tower = load_tower(settings)
    output = Encoder(tower, [load_branch(resumed / "adapter", tower)]).run([np.zeros((224, 224, 3), np.uint8)])
    assert np.isfinite(output["small"].logits).all()


def test_a_state_does_not_change_with_later_steps(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The best look is kept, not a name for whatever the weights are at the end."""
    scores = iter([0.9, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0])
    seen: list[torch.Tensor] = []

    def validate(trainer: encoder_lora.Trainer) -> dict[str, float]:
        seen.append(trainer.head.pooled.weight.detach().clone())  # type: ignore[union-attr]
        return {"mean": next(scores)}

    monkeypatch.setattr(encoder_lora.Trainer, "validate", validate)
    run = _train(data, tmp_path)
    kept = load_file(run / "adapter" / HEAD)["pooled.weight"]
    torch.testing.assert_close(kept, seen[0], atol=0, rtol=0)
    assert not torch.equal(kept, seen[-1])
