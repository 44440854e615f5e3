"""One run: a set is read, its cases are observed batch by batch, and the records are scored.

The records decide everything that follows, so a run that was interrupted goes on where it stopped, and one that is
repeated unchanged observes nothing again. "Unchanged" includes the program's own source: see ``fingerprint``.
"""

import difflib
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import evals
import faceagent
from evals import inspect_log
from evals.data import Case, Cases, Dataset, Skip, open_dataset
from evals.data.dataset import digest, track_columns
from evals.metrics.bootstrap import ROUNDS, Estimate, estimate
from evals.records import CaseRow, Records, same_header, sort_records
from evals.result import NAME, Data, Result, rounded, versions
from evals.runner import Runner
from evals.task import EvalTask, Values
from evals.tasks import TASKS
from faceagent.errors import InputError
from faceagent.settings import Settings

BATCH = 16
"""Cases observed together: enough to share a model call, few enough that their pictures fit in memory."""
GROUP = 8 * BATCH
"""Cases that share one sample of the inspect log."""
LOGS = "logs"
SCORED_BY = "scored_by"
"""File with the fingerprint of the program that scored a run."""
NAMED = 8
"""Columns that are named when a task does not read them."""

RecordKey = Literal["source", "protocol"]
Progress = Callable[[int, int], None]
"""Cases done, cases in all."""


@dataclass(frozen=True)
class RunConfig:
    """What to run."""

    task: str
    data: Path
    settings: Settings
    tool: str | None = None
    split: str | None = None
    limit: int | None = None
    out: Path | None = None
    seed: int = 0
    rounds: int = ROUNDS
    fresh: bool = False
    pictures: Path | None = None
    """Where the pictures of a JSON descriptor or a list of pairs lie, when that is not beside it."""
    where: tuple[str, str] | None = None
    """Column and value: only rows that say so."""
    key: RecordKey = "source"
    """What else must be unchanged for earlier observations to count: the program's source, or only the task's
    protocol version beside the versions of tools and weights."""


@dataclass(frozen=True)
class RunOutcome:
    """What came of it."""

    result: Result
    folder: Path
    log: Path
    skips: tuple[Skip, ...]
    notes: tuple[str, ...]


class Prepared(NamedTuple):
    """A run before its first observation: what is measured, with what, and where its records go."""

    task: EvalTask
    chosen: "Chosen"
    runner: Runner
    folder: Path
    header: Mapping[str, Any]
    """First line of the records: equal headers, equal observations."""


def prepare(config: RunConfig) -> Prepared:
    """Read the set and hash what is measured. Raises InputError when the set, the tool or the task cannot be used."""
    TASKS.freeze()
    if config.task not in TASKS:
        near = difflib.get_close_matches(config.task, TASKS, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(TASKS)}."
        raise InputError(f"There is no evaluation task called {config.task!r}.", remedy=hint)
    task = TASKS.get(config.task)
    cache_folder = config.settings.cache / "evals"
    chosen = select_cases(config, task, cache_folder / "pictures" / config.data.name)
    runner = Runner(chosen.root, config.settings, chosen.tool)
    sha256 = digest(chosen.root, chosen.cases)
    folder = config.out or cache_folder / f"{task.name}-{chosen.name}-{chosen.tool}-{sha256[:8]}"
    header = {
        "task": task.name,
        "tool": chosen.tool,
        "profile": config.settings.profile,
        "root": str(chosen.root.resolve()),
        "sha256": sha256,
        "fingerprint": fingerprint() if config.key == "source" else f"protocol {task.version}",
        "versions": versions(runner.measured_tools),
        "left_out": Counter(skip.reason for skip in chosen.skips),
    }
    return Prepared(task, chosen, runner, folder, header)


def run(
    config: RunConfig, progress: Progress = lambda done, total: None, prepared: Prepared | None = None
) -> RunOutcome:
    """Run one task on one set. Raises InputError when the set, the tool or the task cannot be used."""
    task, chosen, runner, folder, header = prepared or prepare(config)
    with Records(folder, header, fresh=config.fresh) as records:
        log, scores = _observe_and_score(task, runner, chosen.cases, records, folder, config, header, progress)
    left_out = (*chosen.skips, *scores.skips)
    result = Result(
        task=task.name,
        tool=chosen.tool,
        profile=config.settings.profile,
        dataset=Data(path=str(config.data), sha256=header["sha256"], n=scores.n, skipped=len(left_out)),
        metrics=rounded(scores.metrics),
        baselines=rounded(scores.baselines),
        seed=config.seed,
        versions=header["versions"],
    )
    (folder / NAME).write_text(result.model_dump_json(indent=2) + "\n", encoding="utf-8")
    (folder / SCORED_BY).write_text(fingerprint(), encoding="utf-8")
    notes = (*chosen.notes, *_explained(result, chosen.cases, left_out, chosen.root))
    return RunOutcome(result, folder, log, left_out, notes)


def is_current(prepared: Prepared) -> bool:
    """Whether a folder holds the result of just this run, scored by the program as it is now."""
    result, scored_by = prepared.folder / NAME, prepared.folder / SCORED_BY
    return (
        result.is_file()
        and scored_by.is_file()
        and scored_by.read_text(encoding="utf-8") == fingerprint()
        and same_header(prepared.folder, prepared.header)
    )


class Chosen(NamedTuple):
    """What of a set is measured with which tool; the set's own rows are let go."""

    tool: str
    cases: tuple[Case, ...]
    name: str
    root: Path
    skips: tuple[Skip, ...]
    notes: tuple[str, ...]


def select_cases(config: RunConfig, task: EvalTask, export: Path) -> Chosen:
    """The cases of a run. Raises InputError when the set has none for the task."""
    whole = open_dataset(config.data, export=export, split=config.split, root=config.pictures)
    dataset, looked_at = track_columns(whole if config.where is None else _only(whole, *config.where))
    tool, found = choose(task, dataset, config.tool)
    if config.limit is not None:
        found = found._replace(cases=limited(found.cases, config.limit))
    skips = (*dataset.skips, *found.skips)
    if not found.cases:
        raise InputError(
            f"{dataset.name} has no case for {task.name}: {_reasons(skips) or 'no rows'}.",
            remedy=f"The task reads: {task.needs}.",
        )
    pictures = any(case.file for case in found.cases)  # typed queries are read as a whole
    unread = [name for name in dataset.columns if pictures and name not in looked_at and name != "split"]
    more = f" and {len(unread) - NAMED} more" if len(unread) > NAMED else ""
    ignored = [f"Columns that {task.name} does not read: {', '.join(unread[:NAMED])}{more}."] if unread else []
    return Chosen(tool, found.cases, dataset.name, dataset.root, skips, (*dataset.notes, *found.notes, *ignored))


def _only(dataset: Dataset, column: str, value: str) -> Dataset:
    found = dataset.only(value, column)
    if not found.items:
        raise InputError(f"{dataset.name} has no row whose {column} is {value!r}.")
    return found


class Scores(NamedTuple):
    """Metrics and baselines with intervals, how many cases they rest on, and the cases that were skipped."""

    metrics: dict[str, Estimate]
    baselines: dict[str, Estimate]
    n: int
    skips: list[Skip]


def _observe_and_score(
    task: EvalTask,
    runner: Runner,
    everything: Sequence[Case],
    records: Records,
    folder: Path,
    config: RunConfig,
    header: Mapping[str, Any],
    progress: Progress,
) -> tuple[Path, Scores]:
    done = 0
    total = len(everything)
    found: list[Scores] = []

    def observe(group: Sequence[Case]) -> Sequence[Values | Skip]:
        nonlocal done
        for batch in parts(group, BATCH):
            missing = [case for case in batch if case.id not in records]
            if missing:
                records.add(missing, task.observe(runner, missing))
            done += len(batch)
            progress(done, total)
        return [answer for _, answer in records.of(group)]

    def summarise() -> Mapping[str, Estimate]:
        if done < total:
            return {}  # interrupted: inspect closes its log all the same
        found.append(score(task, records.of(everything), seed=config.seed, rounds=config.rounds))
        return {**found[-1].metrics, **{f"baseline_{name}": one for name, one in found[-1].baselines.items()}}

    metadata = {**header, "dataset": config.data.name, "seed": config.seed, "rounds": config.rounds, "cases": total}
    log = inspect_log.run(
        task,
        runner.subject,
        list(parts(everything, GROUP)),
        observe,
        summarise,
        folder=folder / LOGS,
        metadata=metadata,
    )
    return log, found[-1]


def score(task: EvalTask, rows: Iterable[CaseRow], *, seed: int = 0, rounds: int = ROUNDS) -> Scores:
    """The figures over cases, in the order of their ids, and what was observed about them."""
    table, cued, seen, skips = sort_records(rows)
    undefined = dict.fromkeys(task.names, Estimate(None, None, None))
    metrics = (
        undefined | estimate(task.measurement(table), table.clusters, rounds=rounds, seed=seed)
        if len(table)
        else undefined
    )
    if len(seen):
        metrics |= estimate(task.responses(seen), seen.clusters, rounds=rounds, seed=seed)
    baselines = estimate(task.baselines(cued), cued.clusters, rounds=rounds, seed=seed) if len(cued) else {}
    return Scores(metrics, baselines, len(table), skips)


def choose(task: EvalTask, dataset: Dataset, wanted: str | None) -> tuple[str, Cases]:
    """The tool to measure and its cases: the one asked for, else the one that understands most of the labels."""
    if wanted is not None:
        if wanted not in task.tools:
            raise InputError(f"{task.name} cannot measure {wanted!r}.", remedy=f"It measures: {', '.join(task.tools)}.")
        return wanted, task.read(dataset, wanted)
    found: list[tuple[bool, int, str, Cases]] = []
    refusal: InputError | None = None
    for name in task.tools:
        try:
            cases = task.read(dataset, name)
        except InputError as error:
            refusal = refusal or error
            continue
        one_class = len({str(case.truth.get("class", place)) for place, case in enumerate(cases.cases)}) < 2
        found.append((one_class, -len(cases.cases), name, cases))
    if not found:
        raise refusal or InputError(f"{task.name} has no tool.")
    best = min(found, key=lambda one: one[:2])
    return best[2], best[3]


def limited(cases: Sequence[Case], limit: int) -> tuple[Case, ...]:
    """``limit`` cases, the same for any order of the rows: whole clusters in the order of their names' hashes."""
    if limit < 1:
        raise InputError(f"A limit of {limit} leaves nothing.", remedy="Give 1 or more.")

    def place(case: Case) -> tuple[str, str]:
        return hashlib.sha256(case.cluster.encode()).hexdigest(), case.id

    return tuple(sorted(sorted(cases, key=place)[:limit], key=lambda case: case.id))


def parts(cases: Sequence[Case], size: int) -> Iterator[Sequence[Case]]:
    """Runs of ``size`` cases, sorted by id so that rows in another order make the same parts."""
    ordered = sorted(cases, key=lambda case: case.id)
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]


@cache
def fingerprint() -> str:
    """sha256 over the source of faceagent and evals: records of another program are not this program's."""
    found = hashlib.sha256()
    for package in (faceagent, evals):
        root = Path(package.__file__ or "").parent
        for path in sorted(root.rglob("*")):
            if path.suffix in (".py", ".toml", ".json", ".npz", ".safetensors") and path.is_file():
                found.update(f"{path.relative_to(root)}\n".encode() + path.read_bytes())
    return found.hexdigest()[:16]


def _explained(result: Result, cases: Sequence[Case], skips: Sequence[Skip], root: Path) -> Iterator[str]:
    """What a reader must know beside the numbers."""
    if skips:
        yield f"{len(skips)} left out: {_reasons(skips)}."
    if any(skip.reason == "missing_file" for skip in skips):
        yield f"Pictures are looked for below {root}; --pictures names another folder for a list or a JSON descriptor."
    if result.dataset.n == 0 and skips:
        yield f"Nothing could be scored. {Counter(skip.message for skip in skips).most_common(1)[0][0]}"
        return
    classes = {str(case.truth["class"]) for case in cases if "class" in case.truth}
    undefined = [name for name, one in result.metrics.items() if one.value is None]
    if len(classes) == 1 and undefined:
        yield f"Only one class is labelled ({classes.pop()}); undefined: {', '.join(undefined)}."
    elif undefined:
        yield f"Undefined on these cases: {', '.join(undefined)}."


def _reasons(skips: Sequence[Skip]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in Counter(skip.reason for skip in skips).most_common())
