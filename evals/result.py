"""The result of one run: the one JSON object that ``faceagent eval run --json`` writes."""

import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

import faceagent
from evals.metrics.bootstrap import Estimate
from faceagent.errors import FaceagentError, InputError
from faceagent.tools.base import Tool
from faceagent.types import FrozenModel

NAME = "result.json"
PACKAGES = ("numpy", "onnxruntime", "opencv-python-headless", "torch", "inspect-ai")


class MetricEstimate(FrozenModel):
    """A figure with its 95 % bootstrap interval; null where it is undefined."""

    value: float | None
    low: float | None
    high: float | None


class Data(FrozenModel):
    """What was measured on: ``n`` scored cases, ``skipped`` rows and pictures that were not."""

    path: str
    sha256: str
    n: int
    skipped: int


class Result(FrozenModel):
    """One task, one tool, one set."""

    task: str
    tool: str
    profile: str
    dataset: Data
    metrics: Mapping[str, MetricEstimate]
    baselines: Mapping[str, MetricEstimate]
    seed: int
    versions: Mapping[str, str]


def rounded(estimates: Mapping[str, Estimate]) -> dict[str, MetricEstimate]:
    """Estimates rounded to what the page can hold."""
    return {
        name: MetricEstimate(**{key: None if one is None else round(one, 6) for key, one in found._asdict().items()})
        for name, found in estimates.items()
    }


def read(path: Path) -> Result:
    """The result in a file, or in a run's folder. Raises InputError when there is none."""
    file = path / NAME if path.is_dir() else path
    try:
        return Result.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} holds no result of an evaluation ({type(error).__name__}).",
            remedy="Give a folder that `faceagent eval run --out` wrote, or a file that --json wrote.",
        ) from error


def versions(tools: Sequence[Tool]) -> dict[str, str]:
    """What was measured and on what: program, interpreter, packages, the tools and their weights."""
    found = {"faceagent": faceagent.__version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    for tool in tools:
        found[f"tool {tool.spec.name}"] = tool.spec.version
        try:
            found |= {f"weights {one.id}": one.sha256 for one in tool.stamp().weights}
        except FaceagentError as error:
            found[f"weights of {tool.spec.name}"] = error.code
    return found
