"""What is installed, which device really runs, what is missing, and the command that mends it."""

import importlib.util
import platform
from collections.abc import Iterator
from importlib import metadata
from typing import Literal, NamedTuple

from faceagent import weights
from faceagent.settings import Settings

REQUIRED = (
    "pydantic", "langgraph", "open_clip_torch", "peft", "transformers", "torch", "onnxruntime",
    "opencv-python-headless", "c2pa-python",
)  # fmt: skip
OPTIONAL = {
    "vllm": "pip install 'faceagent[vllm]' (in an environment of its own)",
    "bitsandbytes": "pip install 'faceagent[train]'",
    "inspect-ai": "pip install 'faceagent[evals]'",
    "pi-heif": "pip install 'faceagent[heif]'",
}


class Finding(NamedTuple):
    """One thing that was looked at."""

    state: Literal["ok", "optional", "missing"]
    what: str
    found: str
    remedy: str | None = None


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at the interpreter, packages, devices and weights; fetches nothing and loads no model."""
    yield Finding("ok", "Python", platform.python_version())
    for name in REQUIRED:
        version = _version(name)
        if version is None:
            yield Finding("missing", name, "not installed", "pip install faceagent")
        else:
            yield Finding("ok", name, version)
    for name, remedy in OPTIONAL.items():
        version = _version(name)
        if version is None:
            yield Finding("optional", name, "not installed", remedy)
        else:
            yield Finding("ok", name, version)
    yield from _devices(settings)
    for check in weights.verify(settings):
        if settings.profile not in weights.entry(check.id).profiles:
            continue
        good = check.state in ("ok", "unpinned")
        state = check.detail.removesuffix(check.remedy or "").strip() or check.state
        mend = None if good else check.remedy
        yield Finding("ok" if good else "missing", f"weights {check.id}", state, mend)


def _devices(settings: Settings) -> Iterator[Finding]:
    """Which device each runtime would really use."""
    yield Finding("ok", "profile", settings.profile)
    if importlib.util.find_spec("onnxruntime") is not None:
        import onnxruntime

        cuda = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
        lost = settings.device == "cuda" and not cuda
        remedy = "pip install onnxruntime-gpu, or set FACEAGENT_PROFILE=embedded" if lost else None
        yield Finding("missing" if lost else "ok", "onnxruntime runs on", "cuda" if cuda else "cpu", remedy)
    if importlib.util.find_spec("torch") is not None:
        import torch

        cuda = torch.cuda.is_available()
        lost = settings.device == "cuda" and not cuda
        remedy = "install a CUDA build of torch, or set FACEAGENT_PROFILE=embedded" if lost else None
        name = f"cuda, {torch.cuda.get_device_name(0)}" if cuda else f"cpu, {torch.get_num_threads()} threads"
        yield Finding("missing" if lost else "ok", "torch runs on", name, remedy)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
