"""``faceagent doctor``: checks the installation and names the command that repairs what is missing."""

import importlib.util
import platform
from collections.abc import Iterator
from importlib import metadata
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from faceagent import weights
from faceagent.cli.exit_codes import ERROR
from faceagent.cli.findings import Finding
from faceagent.cli.render import out
from faceagent.errors import FaceagentError
from faceagent.settings import Settings, load
from faceagent.weights.telemetry import import_onnxruntime

REQUIRED = (
    "pydantic",
    "langgraph",
    "open_clip_torch",
    "peft",
    "transformers",
    "torch",
    "onnxruntime",
    "opencv-python-headless",
    "c2pa-python",
)
OPTIONAL = {
    "bitsandbytes": "for training, in a checkout of the repository: pip install --editable '.[train]'",
    "inspect-ai": "for `faceagent eval`, in a checkout of the repository: pip install --editable '.[evals]'",
    "pi-heif": "pip install 'faceagent[heif]'",
}
ENDPOINT_SECONDS = 3.0
"""Time limit for the answer of a configured endpoint."""


def doctor(
    server: Annotated[
        bool, typer.Option("--server", help="Check the service instead; FACEAGENT_SERVICE_KEY is the key.")
    ] = False,
    url: Annotated[
        str | None, typer.Option(help="The service's address, with --server; default: FACEAGENT_SERVICE_URL.")
    ] = None,
) -> None:
    """Say what is installed, which device really runs, what is missing, and the command that mends it."""
    table = Table("", "what", "found", "remedy", expand=True)
    styles = {"ok": "green", "optional": "dim", "missing": "red"}
    # The clients of the service and of the model would take half a second of every other command's start.
    from faceagent.cli.doctor_server import examine_server

    findings = list(examine_server(url) if server or url else examine(load()))
    for finding in findings:
        table.add_row(
            Text(finding.state, style=styles[finding.state]),
            finding.what,
            Text(finding.found),
            Text(finding.remedy or ""),
        )
    out.print(table)
    if any(finding.state == "missing" for finding in findings):
        raise typer.Exit(ERROR)


def examine(settings: Settings) -> Iterator[Finding]:
    """Check the interpreter, packages, devices, weights and a configured endpoint. Loads and downloads no model."""
    yield Finding("ok", "Python", platform.python_version())
    for name in REQUIRED:
        version = _version(name)
        if version is None:
            yield Finding("missing", name, "not installed", "pip install faceagent")
        else:
            yield Finding("ok", name, version)
    for name, command in OPTIONAL.items():
        version = _version(name)
        if version is None:
            yield Finding("optional", name, "not installed", command)
        else:
            yield Finding("ok", name, version)
    yield from _check_devices(settings)
    for check in weights.verify(settings):
        if settings.profile not in weights.entry(check.id).profiles:
            continue
        good = check.state in ("ok", "unpinned")
        state = check.detail.removesuffix(check.remedy or "").strip() or check.state
        remedy = None if good else check.remedy
        yield Finding("ok" if good else "missing", f"weights {check.id}", state, remedy)
    yield from _check_vlm(settings)


def _check_vlm(settings: Settings) -> Iterator[Finding]:
    """Which vision-language model is used, and whether vLLM is set up and running."""
    from faceagent.vlm import embedded_model, environment, server
    from faceagent.vlm.http_client import HttpClient
    from faceagent.vlm.openai_backend import OpenAIBackend

    what = "vision-language model"
    if settings.vlm_url is not None:
        client = HttpClient(settings.vlm_url, server.key_for(settings), ENDPOINT_SECONDS, 0)
        try:
            names = sorted(OpenAIBackend(client).adapters())
            yield Finding("ok", what, f"{settings.vlm_url}, adapters: {', '.join(names) or 'none'}")
        except FaceagentError as error:
            yield Finding("missing", what, error.message, error.remedy)
        finally:
            client.close()
    elif embedded_model.adapters():
        yield Finding("ok", what, f"embedded, in this process, adapters: {', '.join(embedded_model.adapters())}")
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


def _check_devices(settings: Settings) -> Iterator[Finding]:
    """Which device each runtime uses."""
    yield Finding("ok", "profile", settings.profile)
    if importlib.util.find_spec("onnxruntime") is not None:
        cuda = "CUDAExecutionProvider" in import_onnxruntime().get_available_providers()
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
