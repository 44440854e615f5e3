"""What is started: the command line and the variables of ``vllm serve``, as a function of settings and nothing else.

Every flag stands here with its reason. Starting, watching and stopping belong to ``server``.
"""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from faceagent.errors import ModelUnavailable
from faceagent.settings import Settings
from faceagent.vlm.assemble import adapters, model_folder
from faceagent.vlm.environment import Build

HOST = "127.0.0.1"
CACHE_GIB = 1
"""Memory for keys and values on a CPU: 23,000 tokens of the embedded model."""
SEQUENCES: Mapping[Build, int] = {"cpu": 16, "cuda": 64}
"""Requests that run side by side."""
RANK = 16
"""Of a LoRA whose card does not say; vLLM's own default."""
RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM takes as the largest rank."""


WITHHELD = frozenset({"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "OMP_NUM_THREADS", "VLLM_API_KEY"})
"""Variables that the server does not inherit: they are our Python's, or decide what is for the settings to decide."""


class Served(NamedTuple):
    """A model and the adapters that go with it."""

    path: str
    """A folder, or a name on the hub."""
    name: str
    """What requests call it."""
    adapters: Mapping[str, Path]


def served(settings: Settings) -> Served:
    """What the profile serves: the embedded model with our adapters, or the model and adapters of the settings.

    Raises ModelUnavailable when a part of the embedded model cannot be had.
    """
    if settings.vlm_served is None:
        folder = model_folder(settings)
        return Served(str(folder), folder.name, adapters())
    home = settings.vlm_adapters
    found = (
        {} if home is None else {path.parent.name: path.parent for path in sorted(home.glob("*/adapter_config.json"))}
    )
    return Served(settings.vlm_served, settings.vlm_served, found)


def arguments(what: Served, settings: Settings, build: Build, port: int) -> list[str]:
    """What follows ``vllm``. The key is not among it: other users can read a command line."""
    said = [
        "serve", what.path,
        "--served-model-name", what.name,
        # Nobody but this machine is served.
        "--host", HOST, "--port", str(port),
        "--max-model-len", str(settings.vlm_length),
        "--max-num-seqs", str(SEQUENCES[build]),
        "--tensor-parallel-size", str(settings.vlm_parallel),
        "--limit-mm-per-prompt", json.dumps({"image": 4, "video": 0}),
        # A domain that cannot exist: an empty list would let the server fetch any URL.
        "--allowed-media-domains", "media.invalid",
        # The second question on a picture reads it from the cache.
        "--enable-prefix-caching",
        # Without this a weak model writes white space for ever.
        "--structured-outputs-config", json.dumps({"backend": "xgrammar", "disable_any_whitespace": True}),
        "--enable-lora",
        "--max-loras", str(max(len(what.adapters), 1) + (build == "cpu")),
        "--max-lora-rank", str(_rank(what.adapters.values())),
    ]  # fmt: skip
    if build == "cpu":
        # One place for adapters stays empty (above): vLLM's CPU kernels look a request without an adapter up at index
        # -1, so that a full house lends it the last one (vllm-project/vllm, pull request 48421).
        # bfloat16 flips near ties against the model in this process; graphs only pay on a GPU; the usual blocks of 128
        # tokens are longer than most of our prompts, and only whole blocks are found again.
        said += ["--dtype", "float32", "--enforce-eager", "--block-size", "32"]
    if what.adapters:
        said += ["--lora-modules", *(f"{name}={path}" for name, path in what.adapters.items())]
    return said


def variables(settings: Settings) -> dict[str, str]:
    """The environment of the server: ours, with its switches set, no telemetry, and nothing of our Python's."""
    ours = {
        name: value for name, value in os.environ.items() if name not in WITHHELD and not name.startswith("FACEAGENT_")
    }
    switches = {
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1",
        "VLLM_MEDIA_URL_ALLOW_REDIRECTS": "0",
    }
    # Whoever knows the machine better may say so.
    wishes = {
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
    return {**wishes, **ours, **switches}


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
