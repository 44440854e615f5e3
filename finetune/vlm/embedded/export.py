"""Export of trained weights as the package ships them: projector and adapters in half precision."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from faceagent.vlm.embedded_model import PROJECTOR
from faceagent.weights.checksums import write_sums

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


def export_projector(state: Mapping[str, torch.Tensor], home: Path) -> Path:
    """Write ``projector.safetensors`` into ``home``."""
    home.mkdir(parents=True, exist_ok=True)
    save_file(_halved(state), home / PROJECTOR)
    (home / PROJECTOR).chmod(0o644)
    write_shipped_sums(home)
    return home / PROJECTOR


def export_adapter(tuned: Any, name: str, home: Path) -> Path:
    """Write the adapter of a PEFT model into ``home``/``name``, as PEFT and vLLM read it."""
    folder = home / name
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as draft:
        tuned.save_pretrained(draft)
        config = json.loads((Path(draft) / CONFIG).read_text(encoding="utf-8"))
        # The local path of the base model must not ship.
        config["base_model_name_or_path"] = None
        (folder / CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        lora = {key: value for key, value in load_file(Path(draft) / WEIGHTS).items() if "lora_" in key}
        save_file(_halved(lora), folder / WEIGHTS)
    (folder / WEIGHTS).chmod(0o644)
    write_shipped_sums(home)
    return folder


def write_shipped_sums(home: Path) -> None:
    """Record the hashes of projector and adapters, which the product checks before it loads them."""
    found = [home / PROJECTOR, *home.glob(f"*/{CONFIG}"), *home.glob(f"*/{WEIGHTS}")]
    write_sums(home, [path.relative_to(home).as_posix() for path in found if path.is_file()])


def _halved(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value.detach().to(torch.float16).contiguous() for name, value in state.items()}
