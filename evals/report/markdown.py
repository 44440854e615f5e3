"""The page of results as Markdown: what each set is, what was measured, what each figure says.

Made from the summary alone, so that the page can be written again without runs or pictures.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources

from evals.metric_docs import listed, meaning
from evals.report.summary import RunSummary, Summary
from evals.result import MetricEstimate
from evals.thresholds import thresholds


def page(summary: Summary) -> str:
    """The whole document."""
    sets = list(dict.fromkeys(run.data for run in summary.runs))
    parts = [
        _text("results_head.md"),
        *_versions(summary),
        "## At a glance\n",
        "| task | set | tool | n | first figure | beside it |\n|---|---|---|---|---|---|",
        *(_glance(run) for run in summary.runs),
        "",
    ]
    for name in sets:
        parts += _set(name, [run for run in summary.runs if run.data == name])
    parts += [
        "## Published by others\n",
        "These figures are other people's, on other sets or by other protocols. They are no comparison.\n",
        "| task | system | set | figure | how the protocol differs |\n|---|---|---|---|---|",
        *_published(),
        "",
    ]
    return "\n".join(parts)


def _set(name: str, runs: Sequence[RunSummary]) -> Iterator[str]:
    known = _sets().get(name, {"title": name, "what": "", "seen": ""})
    yield f"## {known['title']}\n"
    yield " ".join(part for part in (f"`{name}`.", known["what"], known["seen"]) if part) + "\n"
    yield "| task, tool | n | left out | without an answer | figure | value [95 %] | what it says |"
    yield "|---|---|---|---|---|---|---|"
    for run in runs:
        yield from _rows(run)
    notes = [f"- {_words(run.task)}, {run.tool}{run.part and f', {run.part}'}: {run.note}." for run in runs if run.note]
    yield from ("", *notes, "") if notes else ("",)


def _rows(run: RunSummary) -> Iterator[str]:
    """One line per figure; whose they are stands on the first, features that need no detector follow in italics."""
    head = f"**{_words(run.task)}**, {f'{run.tool} {run.version}'.strip()}{run.part and f', {run.part}'}"
    lead = f"{head} | {run.n:,} | {run.skipped} | {_unanswered(run)}"
    lines = [(name, run.metrics[name], "") for name in listed(run.task, list(run.metrics))]
    lines += [(name, one, "*") for name, one in run.baselines.items()]
    if run.n == 0:
        lines = [(name, one, mark) for name, one, mark in lines if mark]
        lead += " (nothing could be scored)"
    for place, (name, one, mark) in enumerate(lines):
        word, says = meaning(run.task, name)
        value = f"{_figure(one)}{_threshold(run.name, name, one)}"
        yield f"| {lead if place == 0 else ' | | |'} | {mark}{word}{mark} | {value} | {says} |"


def _threshold(run: str, metric: str, one: MetricEstimate) -> str:
    """What the figure must reach, where that is stated."""
    known = thresholds().get(run, {}).get(metric)
    if known is None:
        return ""
    missed = "" if one.value is None or known.met(one.value) else ", missed"
    aimed = "" if known.target is None else f", target {known.target:g}"
    return f" ({known.sign} {known.limit:g}{aimed}{missed})"


def _unanswered(run: RunSummary) -> str:
    """Faces that were presented and got no answer, as a share."""
    return f"{run.unanswered} ({run.unanswered / run.presented:.1%})" if run.presented else ""


def _glance(run: RunSummary) -> str:
    first = next(iter(listed(run.task, list(run.metrics))), "")
    figure = f"{meaning(run.task, first)[0]} {_figure(run.metrics[first])}" if first else ""
    part = f", {run.part}" if run.part else ""
    title = _sets().get(run.data, {}).get("title", run.data)
    return f"| {_words(run.task)} | {title}{part} | {run.tool} | {run.n:,} | {figure} | {_beside(run)} |"


def _beside(run: RunSummary) -> str:
    """The strongest trivial feature, or the first figure of what stands beside the tool."""
    others = [(name, one) for name, one in run.baselines.items() if "." not in name]
    if not others:
        return ""
    features = all(name.endswith("_auc") for name, _ in others)
    name, one = max(others, key=lambda other: other[1].value or 0.0) if features else others[0]
    return f"{meaning(run.task, name)[0]} {_figure(one)}"


def _figure(one: MetricEstimate) -> str:
    if one.value is None:
        return "undefined"
    span = "" if one.low is None or one.high is None else f" [{_short(one.low)}, {_short(one.high)}]"
    return f"**{_short(one.value)}**{span}"


def _short(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def _words(task: str) -> str:
    return task.replace("_", " ")


def _versions(summary: Summary) -> Iterator[str]:
    known = {name: text for name, text in summary.versions.items() if not name.startswith("weights")}
    if known:
        yield "Versions: " + ", ".join(f"{name} {version}" for name, version in sorted(known.items())) + ".\n"


@cache
def _sets() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads(resources.files("evals.data").joinpath("sets.toml").read_text(encoding="utf-8"))


def _text(name: str) -> str:
    return resources.files("evals.report").joinpath("templates", name).read_text(encoding="utf-8")


def _published() -> Iterator[str]:
    text = resources.files("evals").joinpath("published.toml").read_text(encoding="utf-8")
    for one in tomllib.loads(text)["figure"]:
        cells = " | ".join(one[key] for key in ("task", "system", "set", "figure", "differs"))
        yield f"| {cells} |".replace("_", " ")
