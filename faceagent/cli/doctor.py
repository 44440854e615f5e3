"""What is installed, which device really runs, what is missing, and the command that mends it."""

import importlib.util
import platform
from collections.abc import Iterator
from importlib import metadata
from typing import Literal, NamedTuple

from faceagent import weights
from faceagent.errors import FaceagentError
from faceagent.settings import Settings
from faceagent.vlm import assemble, environment, server
from faceagent.vlm.remote import OpenAIBackend
from faceagent.vlm.wire import HttpClient

REQUIRED = (
    "pydantic", "langgraph", "open_clip_torch", "peft", "transformers", "torch", "onnxruntime",
    "opencv-python-headless", "c2pa-python",
)  # fmt: skip
OPTIONAL = {
    "bitsandbytes": "pip install 'faceagent[train]'",
    "inspect-ai": "pip install 'faceagent[evals]'",
    "pi-heif": "pip install 'faceagent[heif]'",
}
ENDPOINT_SECONDS = 3.0
"""Time that an endpoint has to say that it is there."""


class Finding(NamedTuple):
    """One thing that was looked at."""

    state: Literal["ok", "optional", "missing"]
    what: str
    found: str
    remedy: str | None = None


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at the interpreter, packages, devices, weights and a configured endpoint; loads and fetches no model."""
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
    yield from _vlm(settings)


def _vlm(settings: Settings) -> Iterator[Finding]:
    """Who would answer for the vision-language model, and whether vLLM could be served or is."""
    what = "vision-language model"
    if settings.vlm_url is not None:
        wire = HttpClient(settings.vlm_url, settings.vlm_key, ENDPOINT_SECONDS, 0)
        try:
            names = sorted(OpenAIBackend(wire).adapters())
            yield Finding("ok", what, f"{settings.vlm_url}, adapters: {', '.join(names) or 'none'}")
        except FaceagentError as error:
            yield Finding("missing", what, error.message, error.remedy)
        finally:
            wire.close()
    elif assemble.adapters():
        yield Finding("ok", what, f"embedded, in this process, adapters: {', '.join(assemble.adapters())}")
    else:
        yield Finding("optional", what, "this build ships no adapter; the ledger explains")
    try:
        made = environment.find(settings)
        yield Finding("ok", "vLLM's environment", f"{made.build}, {made.folder}")
    except FaceagentError as error:
        yield Finding("optional", "vLLM's environment", error.message, error.remedy)
    state = server.find(settings)
    if state is not None:
        yield Finding("ok", "vLLM's server", f"process {state.pid}, {state.url}")


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
