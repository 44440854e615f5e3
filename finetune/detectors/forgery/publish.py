"""Export of a trained branch: PEFT's two files, the head, and the card with their hashes."""

from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import nn

from faceagent.encoder.branch import CONFIG_FILE, HEAD, AdapterConfig
from faceagent.encoder.crop import SCALE
from faceagent.encoder.merge_adapter import ADAPTER
from faceagent.encoder.tower import Tower
from faceagent.errors import InputError
from faceagent.weights.store import sha256_of
from finetune.detectors.forgery.features import FeatureCache
from finetune.detectors.forgery.recipe import LABELS, ForgeryRecipe
from finetune.detectors.forgery.scores import spectrum_auc

LIMIT = 4 * 2**20
"""bytes; an adapter ships inside the package."""


def write_branch(folder: Path, recipe: ForgeryRecipe, tower: Tower, model: Any, head: nn.Module) -> None:
    """Write the adapter folder; ``model`` is the PEFT model. Raises InputError when it is too large to ship."""
    model.save_pretrained(str(folder))
    # PEFT leaves an empty form behind; the model card is written by hand.
    (folder / "README.md").unlink(missing_ok=True)
    save_file({name: value.contiguous().cpu() for name, value in head.state_dict().items()}, folder / HEAD)
    size = sum((folder / name).stat().st_size for name in (ADAPTER, HEAD))
    if size > LIMIT:
        raise InputError(f"{recipe.name} has {size} bytes, more than the {LIMIT} that may ship.", remedy="Lower rank.")
    config = AdapterConfig(
        name=recipe.name,
        version=recipe.version,
        base=tower.stamp,
        tuning=recipe.adapter.mode,
        last_blocks=recipe.adapter.last_blocks,
        stop=recipe.adapter.stop,
        rank=recipe.adapter.rank if recipe.adapter.mode == "lora" else 0,
        labels=LABELS,
        patch_labels=LABELS,
        margin=SCALE,
        files={name: sha256_of(folder / name) for name in (ADAPTER, HEAD)},
    )
    (folder / CONFIG_FILE).write_text(config.model_dump_json(indent=1) + "\n", encoding="utf-8")


def baselines(data: FeatureCache) -> dict[str, float | int]:
    """AUC of a logistic regression on radial spectra on the same validation side, and the sizes of both sides."""
    return {
        "trivial_splice": spectrum_auc(data.profile, data.forged, data.held_out),
        "training_pairs": len(data.pairs(held_out=False)),
        "validation_pairs": len(data.pairs(held_out=True)),
    }
