"""The command line and the environment variables of ``vllm serve``, from the settings alone.

Every flag has its reason here. ``server`` starts and stops the process.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from faceagent.errors import ModelUnavailable
from faceagent.settings import Settings
from faceagent.vlm.embedded_model import adapters, model_folder
from faceagent.vlm.environment import Build

HOST = "127.0.0.1"
CACHE_GIB = 1
"""Memory for keys and values on a CPU: 23,000 tokens of the embedded model."""
SEQUENCES: Mapping[Build, int] = {"cpu": 16, "cuda": 64}
"""Requests that run side by side."""
RANK = 16
"""Largest LoRA rank when there is no adapter; vLLM's own default."""
RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""The values that vLLM accepts for --max-lora-rank."""

ADAPTER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""A name that is no flag and no other notation of vLLM's command line."""

WITHHELD = frozenset({"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "OMP_NUM_THREADS", "VLLM_API_KEY"})
"""Variables that the server does not inherit: they concern our Python, or the settings decide about them."""


class ServedModel(NamedTuple):
    """A model and its adapters."""

    path: str
    """A folder, or a name on the hub."""
    name: str
    """The model name in requests."""
    adapters: Mapping[str, Path]


def served_model(settings: Settings) -> ServedModel:
    """The embedded model with our adapters, or the model and adapters of the settings.

    Raises ModelUnavailable when a part of the embedded model is unavailable.
    """
    if settings.vlm_served is None:
        folder = model_folder(settings)
        return ServedModel(str(folder), folder.name, adapters())
    home = settings.vlm_adapters
    folders = [] if home is None else [path.parent for path in sorted(home.glob("*/adapter_config.json"))]
    for folder in folders:
        if not ADAPTER_NAME.fullmatch(folder.name):
            raise ModelUnavailable(
                f"An adapter cannot be called {folder.name!r}.",
                remedy="Use letters, digits, dots, hyphens and underscores, with a letter or digit first.",
            )
    found = {folder.name: folder for folder in folders}
    return ServedModel(settings.vlm_served, settings.vlm_served, found)


def arguments(model: ServedModel, settings: Settings, build: Build, port: int) -> list[str]:
    """The arguments of ``vllm``. The key is not among them: other users can read a command line."""
    found = [
        "serve", model.path,
        "--served-model-name", model.name,
        # Only this machine can connect.
        "--host", HOST, "--port", str(port),
        "--max-model-len", str(settings.vlm_length),
        "--max-num-seqs", str(SEQUENCES[build]),
        "--tensor-parallel-size", str(settings.vlm_parallel),
        "--limit-mm-per-prompt", json.dumps({"image": 4, "video": 0}),
        # A domain that cannot exist: an empty list would let the server fetch any URL.
        "--allowed-media-domains", "media.invalid",
        # A second question about a picture reuses its tokens from the cache.
        "--enable-prefix-caching",
        # Without this a weak model can generate white space without end.
        "--structured-outputs-config", json.dumps({"backend": "xgrammar", "disable_any_whitespace": True}),
        "--enable-lora",
        "--max-loras", str(max(len(model.adapters), 1) + (build == "cpu")),
        "--max-lora-rank", str(_rank(model.adapters.values())),
    ]  # fmt: skip
    if build == "cpu":
        # One adapter slot stays empty (above): vLLM's CPU kernels look up a request without an adapter at index -1,
        # and with all slots used that is the last adapter (vllm-project/vllm, pull request 48421).
        # bfloat16 decides near ties differently from the model in this process; graphs help only on a GPU; the default
        # blocks of 128 tokens are longer than most of our prompts, and only whole blocks are cached.
        found += ["--dtype", "float32", "--enforce-eager", "--block-size", "32"]
    if model.adapters:
        found += ["--lora-modules", *(f"{name}={path}" for name, path in model.adapters.items())]
    return found


def variables(settings: Settings) -> dict[str, str]:
    """The environment of the server: ours without Python's variables, with vLLM's switches set and no telemetry."""
    ours = {
        name: value for name, value in os.environ.items() if name not in WITHHELD and not name.startswith("FACEAGENT_")
    }
    switches = {
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        # Every adapter is named on the command line: nobody may load another one.
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "0",
        "VLLM_MEDIA_URL_ALLOW_REDIRECTS": "0",
    }
    # The user's own values of these take precedence.
    defaults = {
        "VLLM_CACHE_ROOT": str(settings.cache / "vllm"),
        "VLLM_CONFIG_ROOT": str(settings.cache / "vllm"),
        "VLLM_CPU_KVCACHE_SPACE": str(CACHE_GIB),
        # "nobind" collapses to a third of the speed.
        "VLLM_CPU_OMP_THREADS_BIND": "auto",
    }
    if settings.offline or settings.vlm_served is None:
        switches["HF_HUB_OFFLINE"] = "1"
    if settings.vlm_key is not None:
        switches["VLLM_API_KEY"] = settings.vlm_key.get_secret_value()
    return {**defaults, **ours, **switches}


def _rank(folders: Iterable[Path]) -> int:
    ranks = [RANK]
    for folder in folders:
        try:
            ranks.append(int(json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))["r"]))
        except (OSError, ValueError, KeyError) as error:
            raise ModelUnavailable(f"The adapter in {folder} has no readable card: {error}.") from error
    largest = max(ranks)
    if largest > RANKS[-1]:
        raise ModelUnavailable(f"vLLM serves LoRAs up to rank {RANKS[-1]}; one here has {largest}.")
    return min(rank for rank in RANKS if rank >= largest)
