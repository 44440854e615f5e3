"""The inspect-ai side: a task whose solver is our tool and whose scorer carries our metrics, and its ``.eval`` log.

One inspect sample is one group of cases. Tools are batch first, and inspect spends about 6 ms of CPU and 17 kB of
memory on every sample of its own (measured, see docs/decisions), which at one case per sample would outweigh light
tools and grow with the set. The output of a sample is the records of its cases, one line of JSON each.
"""

import gc
import json
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
Summarise = Callable[[], Mapping[str, Estimate]]


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
    """Solve and score every group; returns the log's path. Raises what the tool or the scorer raised.

    Raises KeyboardInterrupt after Ctrl-C, when inspect has closed its log.
    """
    try:
        import inspect_ai
    except ImportError as error:
        raise ModelUnavailable(
            "Evaluation needs the package inspect-ai.", remedy="pip install --editable '.[evals]'"
        ) from error
    failures: list[BaseException] = []
    with warnings.catch_warnings():
        # inspect leaves a stream open; it is collected here, where nobody is told about it.
        warnings.simplefilter("ignore", ResourceWarning)
        logs = inspect_ai.eval(
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
    if not logs or logs[0].status == "cancelled":
        raise KeyboardInterrupt
    log = logs[0]
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

    @solver(name="faceagent")
    def faceagent_tool() -> Solver:
        """The registered tool, over one group."""

        async def solve(state: TaskState, generate: Generate) -> TaskState:
            del generate
            group = groups[int(str(state.sample_id)) - 1]
            try:
                answers = await run_sync(observe, group)
            except Exception as error:
                failures.append(error)
                raise
            # As text: inspect keeps the state of many samples and every score to the end, and text is small.
            lines = [_record(case, answer) for case, answer in zip(group, answers, strict=True)]
            state.output = ModelOutput.from_content(f"faceagent/{tool}", "\n".join(lines))
            state.metadata["scored"] = sum(not isinstance(answer, Skip) for answer in answers) / len(answers)
            state.metadata["summary"] = _summary(answers)
            state.completed = True
            return state

        return solve

    @metric(name="protocol")
    def protocol() -> Metric:
        """All metrics of the task over all cases, each with the ends of its interval."""

        def compute(scores: list[SampleScore]) -> dict[str, str | int | float | bool | None]:
            del scores  # the complete records are scored; the log's leave long rows out
            try:
                found = summarise()
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
        """The share of the group that could be scored."""

        async def score(state: TaskState, target: Target) -> Score:
            del target
            return Score(value=state.metadata["scored"], answer=state.metadata["summary"])

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


def _record(case: Case, answer: Values | Skip) -> str:
    """A case as one line of JSON, long rows of numbers left out."""
    record: dict[str, Any] = {"id": case.id, "truth": dict(case.truth)}
    if isinstance(answer, Skip):
        return json.dumps({**record, "skip": [answer.reason, answer.message]})
    return json.dumps(
        {**record, "values": {key: value for key, value in answer.items() if not isinstance(value, list | dict)}}
    )


def _summary(answers: Sequence[Values | Skip]) -> str:
    reasons = Counter(answer.reason for answer in answers if isinstance(answer, Skip))
    left_out = "".join(f", {count} {reason}" for reason, count in reasons.most_common())
    return f"{len(answers) - reasons.total()} of {len(answers)} scored{left_out}"
