"""What figures mean, in words. Knows names only; the table is ``metric_docs.toml``."""

import tomllib
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources

SHARED = "all"


@cache
def _table() -> dict[str, dict[str, str]]:
    return tomllib.loads(resources.files("evals").joinpath("metric_docs.toml").read_text(encoding="utf-8"))


def meaning(task: str, metric: str) -> tuple[str, str]:
    """The figure's name in words and what it says; its bare name and nothing where the table is silent."""
    text, part = _lookup(task, metric)
    if not text:
        text, part = _lookup(SHARED, metric)
    name, _, says = text.partition(": ")
    spoken = name or metric.replace("_", " ")
    return (f"{spoken} ({part.replace('_', ' ')})" if part else spoken), says


def of_task(task: str) -> dict[str, str]:
    """The figures that matter most of a task, in order, each with its meaning."""
    return {name: ": ".join(meaning(task, name)) for name in _table().get(task, {})}


def listed(task: str, metrics: list[str]) -> list[str]:
    """Which of a run's metrics an overview shows, in the table's order; all of them where it knows no such task."""
    known = list(_table().get(task, {}))
    chosen = [name for pattern in known for name in metrics if fnmatchcase(name, pattern)]
    return list(dict.fromkeys(chosen)) or metrics


def _lookup(task: str, metric: str) -> tuple[str, str]:
    """The text under a name, and what a name that stands for many leaves open."""
    table = _table().get(task, {})
    if metric in table:
        return table[metric], ""
    pattern = next((one for one in table if "*" in one and fnmatchcase(metric, one)), "")
    return table.get(pattern, ""), metric.removeprefix(pattern.rstrip("*")) if pattern else ""
