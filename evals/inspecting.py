"""The inspect-ai side: a task whose solver is our tool and whose scorer carries our metrics, and its ``.eval`` log.

One inspect sample is one group of cases. Tools are batch first, and inspect spends about 6 ms of CPU and 17 kB of
memory on every sample of its own (measured, see docs/decisions), which at one case per sample would outweigh light
tools and grow with the set. The log holds every case's record once, inside its group's score.
"""

import gc
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evals.data import Case, Skip
from evals.metrics.bootstrap import Estimate
from evals.task import EvalTask, Values
from faceagent.errors import FaceagentError, ModelUnavailable

Observe = Callable[[Sequence[Case]], Sequence[Values | Skip]]
Summarise = Callable[[Sequence[Mapping[str, Any]]], Mapping[str, Estimate]]


def run(
    task: EvalTask,
    tool: str,
    groups: Sequence[Sequence[Case]],
    observe: Observe,
    summarise: Summarise,
    *,
    folder: Path,
    metadata: Mapping[str, Any],
) -> Path:
    """Solve and score every group; returns the log's path. Raises what the tool or the scorer raised."""
    try:
        import inspect_ai
    except ImportError as error:
        raise ModelUnavailable(
            "Evaluation needs the package inspect-ai.", remedy="pip install 'faceagent[evals]'"
        ) from error
    failures: list[BaseException] = []
    with warnings.catch_warnings():
        # inspect leaves a stream open; it is collected here, where nobody is told about it.
        warnings.simplefilter("ignore", ResourceWarning)
        [log] = inspect_ai.eval(
            _task(task, tool, groups, observe, summarise, failures, metadata),
            model="none/none",
            display="none",
            log_dir=str(folder),
            log_format="eval",
            log_realtime=False,
            score_display=False,
            max_samples=1,
            log_samples=True,
            fail_on_error=True,
        )
        gc.collect()
    if failures:
        raise failures[0]
    if log.status != "success":
        raise FaceagentError(f"inspect-ai ended with {log.status}: {log.error.message if log.error else 'no reason'}.")
    return Path(log.location)


def _task(
    task: EvalTask,
    tool: str,
    groups: Sequence[Sequence[Case]],
    observe: Observe,
    summarise: Summarise,
    failures: list[BaseException],
    metadata: Mapping[str, Any],
) -> Any:
    from anyio.to_thread import run_sync
    from inspect_ai import Task
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import ModelOutput
    from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, metric, scorer
    from inspect_ai.solver import Generate, Solver, TaskState, solver

    observed: dict[int, list[dict[str, Any]]] = {}

    @solver(name="faceagent")
    def faceagent_tool() -> Solver:
        """The registered tool, over one group."""

        async def solve(state: TaskState, generate: Generate) -> TaskState:
            del generate
            number = int(str(state.sample_id)) - 1
            try:
                answers = await run_sync(observe, groups[number])
            except Exception as error:
                failures.append(error)
                raise
            observed[number] = [_record(case, answer) for case, answer in zip(groups[number], answers, strict=True)]
            state.output = ModelOutput.from_content(f"faceagent/{tool}", _summary(observed[number]))
            state.completed = True
            return state

        return solve

    @metric(name="protocol")
    def protocol() -> Metric:
        """All metrics of the task over all cases, each with the ends of its interval."""

        def compute(scores: list[SampleScore]) -> dict[str, str | int | float | bool | None]:
            records = [record for one in scores for record in (one.score.metadata or {}).get("records", [])]
            try:
                found = summarise(records)
            except Exception as error:
                failures.append(error)
                raise
            values: dict[str, str | int | float | bool | None] = {}
            for name, estimate in found.items():
                ends = (("", estimate.value), ("_low", estimate.low), ("_high", estimate.high))
                values |= {f"{name}{end}": value for end, value in ends if value is not None}
            return values

        return compute

    @scorer(metrics=[protocol()], name=task.name)
    def score_batch() -> Scorer:
        """The share of the group that could be scored; the records travel along for the metrics."""

        async def score(state: TaskState, target: Target) -> Score:
            del target
            records = observed.pop(int(str(state.sample_id)) - 1)
            scored = sum("values" in record for record in records)
            return Score(value=scored / len(records), answer=_summary(records), metadata={"records": records})

        return score

    samples = [
        Sample(
            id=number,
            input=f"{group[0].id} ... {group[-1].id} ({len(group)} cases)",
            target=task.protocol,
        )
        for number, group in enumerate(groups, start=1)
    ]
    return Task(
        name=task.name,
        dataset=MemoryDataset(samples, name=str(metadata["dataset"]), shuffled=False),
        solver=faceagent_tool(),
        scorer=score_batch(),
        metadata=dict(metadata),
    )


def _record(case: Case, answer: Values | Skip) -> dict[str, Any]:
    if isinstance(answer, Skip):
        return {"id": case.id, "truth": dict(case.truth), "skip": [answer.reason, answer.message]}
    shown = {key: value for key, value in answer.items() if not isinstance(value, list | dict)}
    return {"id": case.id, "truth": dict(case.truth), "values": shown}


def _summary(records: Sequence[Mapping[str, Any]]) -> str:
    reasons = Counter(record["skip"][0] for record in records if "skip" in record)
    left_out = "".join(f", {count} {reason}" for reason, count in reasons.most_common())
    return f"{len(records) - reasons.total()} of {len(records)} scored{left_out}"
