"""Export of a linear fit on encoder features as an adapter folder: a branch that is only a head."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from faceagent.encoder.branch import CONFIG_FILE, HEAD, AdapterConfig
from faceagent.encoder.crop import SCALE
from faceagent.encoder.head import Head
from faceagent.encoder.tower import Tower
from faceagent.weights.store import sha256_of
from finetune.detectors.linear import LinearFit

ADAPTERS = Path(str(resources.files("faceagent.encoder").joinpath("adapters")))
"""Folder of the shipped branches."""


def write_linear_head(
    folder: Path,
    tower: Tower,
    fit: LinearFit,
    *,
    name: str,
    version: str,
    labels: Sequence[str],
    taps: Sequence[int],
) -> None:
    """Store a fit as the branch ``name``.

    Its outputs are the logits of ``labels``, its features those of ``taps`` in the order of
    ``faceagent.encoder.intermediate_features``. A binary fit has one label.
    """
    folder.mkdir(parents=True, exist_ok=True)
    head = Head(tower.width, len(labels), 0, own=False, tap_features=fit.weight.shape[1])
    given = {"linear.weight": fit.weight, "linear.bias": fit.bias, "mean": fit.mean, "spread": fit.spread}
    state = {f"tapped.{key}": torch.tensor(np.asarray(value), dtype=torch.float32) for key, value in given.items()}
    head.load_state_dict(state)
    save_file({key: value.contiguous() for key, value in head.state_dict().items()}, folder / HEAD)
    config = AdapterConfig(
        name=name,
        version=version,
        base=tower.stamp,
        tuning="none",
        last_blocks=0,
        labels=tuple(labels),
        taps=tuple(taps),
        margin=SCALE,
        files={HEAD: sha256_of(folder / HEAD)},
    )
    (folder / CONFIG_FILE).write_text(config.model_dump_json(indent=1) + "\n", encoding="utf-8")
