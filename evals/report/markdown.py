"""From the results of planned runs to one Markdown page: what each set is, what was measured, what each figure says.

Knows results and records; opens no picture.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from evals import records
from evals.meanings import meaning, shown
from evals.result import Measured, Result


class Done(NamedTuple):
    """A run that has a result: its set, the part of the set that was taken, and what a reader must know of it."""

    result: Result
    folder: Path
    data: str
    part: str
    note: str


def page(runs: Iterable[Done]) -> str:
    """The whole document."""
    done = list(runs)
    sets = list(dict.fromkeys(run.data for run in done))
    parts = [
        _text("results_head.md"),
        *_versions(run.result for run in done),
        "## At a glance\n",
        "| task | set | tool | n | first figure | beside it |\n|---|---|---|---|---|---|",
        *(_glance(run) for run in done),
        "",
    ]
    for name in sets:
        parts += _set(name, [run for run in done if run.data == name])
    parts += [
        "## Published by others\n",
        "These figures are other people's, on other sets or by other protocols. They are no comparison.\n",
        "| task | system | set | figure | how the protocol differs |\n|---|---|---|---|---|",
        *_published(),
        "",
    ]
    return "\n".join(parts)


def _set(name: str, runs: Sequence[Done]) -> Iterator[str]:
    known = _sets().get(name, {"title": name, "what": "", "seen": ""})
    yield f"## {known['title']}\n"
    yield f"`{name}`. {known['what']} {known['seen']}\n"
    yield "| task, tool | n | left out | without an answer | figure | value [95 %] | what it says |"
    yield "|---|---|---|---|---|---|---|"
    for run in runs:
        yield from _rows(run)
    notes = [f"- {_words(run.result.task)}, {run.result.tool}{run.part and f', {run.part}'}: {run.note}."
             for run in runs if run.note]  # fmt: skip
    yield from ("", *notes, "") if notes else ("",)


def _rows(run: Done) -> Iterator[str]:
    """One line per figure; whose they are stands on the first, cues that need no detector follow in italics."""
    result = run.result
    told = f"**{_words(result.task)}**, {_tool(result)}{run.part and f', {run.part}'}"
    lead = f"{told} | {result.dataset.n:,} | {result.dataset.skipped} | {_silent(run.folder)}"
    lines = [(name, result.metrics[name], "") for name in shown(result.task, list(result.metrics))]
    lines += [(name, one, "*") for name, one in result.baselines.items()]
    if result.dataset.n == 0:
        lines = [(name, one, mark) for name, one, mark in lines if mark]
        lead += " (nothing could be scored)"
    for place, (name, one, mark) in enumerate(lines):
        word, says = meaning(result.task, name)
        yield f"| {lead if place == 0 else ' | | |'} | {mark}{word}{mark} | {_figure(one)} | {says} |"


def _silent(folder: Path) -> str:
    """Faces that were presented and got no answer, as a share."""
    _, rows = records.load(folder)
    answered = records.sort_out(rows).presented.numbers("answered")
    silent = int((answered == 0).sum())
    return f"{silent} ({silent / len(answered):.1%})" if len(answered) else ""


def _glance(run: Done) -> str:
    result = run.result
    first = next(iter(shown(result.task, list(result.metrics))), "")
    figure = f"{meaning(result.task, first)[0]} {_figure(result.metrics[first])}" if first else ""
    beside = _beside(result)
    part = f", {run.part}" if run.part else ""
    title = _sets().get(run.data, {}).get("title", run.data)
    return f"| {_words(result.task)} | {title}{part} | {result.tool} | {result.dataset.n:,} | {figure} | {beside} |"


def _beside(result: Result) -> str:
    """The strongest trivial cue, or the first figure of what stands beside the tool."""
    others = list(result.baselines.items())
    if not others:
        return ""
    cues = all(name.endswith("_auc") for name, _ in others)
    name, one = max(others, key=lambda other: other[1].value or 0.0) if cues else others[0]
    return f"{meaning(result.task, name)[0]} {_figure(one)}"


def _figure(one: Measured) -> str:
    if one.value is None:
        return "undefined"
    span = "" if one.low is None or one.high is None else f" [{_short(one.low)}, {_short(one.high)}]"
    return f"**{_short(one.value)}**{span}"


def _short(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def _tool(result: Result) -> str:
    version = result.versions.get(f"tool {result.tool}", "")
    return f"{result.tool} {version}".strip()


def _words(task: str) -> str:
    return task.replace("_", " ")


def _versions(results: Iterable[Result]) -> Iterator[str]:
    spoken: dict[str, str] = {}
    for result in results:
        spoken |= {name: text for name, text in result.versions.items() if not name.startswith("weights")}
    if spoken:
        yield "Versions: " + ", ".join(f"{name} {version}" for name, version in sorted(spoken.items())) + ".\n"


@cache
def _sets() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads(resources.files("evals").joinpath("sets.toml").read_text(encoding="utf-8"))


def _text(name: str) -> str:
    return resources.files("evals.report").joinpath("templates", name).read_text(encoding="utf-8")


def _published() -> Iterator[str]:
    text = resources.files("evals").joinpath("published.toml").read_text(encoding="utf-8")
    for one in tomllib.loads(text)["figure"]:
        cells = " | ".join(one[key] for key in ("task", "system", "set", "figure", "differs"))
        yield f"| {cells} |".replace("_", " ")
