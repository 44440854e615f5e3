"""The agent: does it recover when a tool breaks in the middle of its work?

For every picture one tool, chosen by the picture's name, is made to crash. The report must be whole, say that this
tool failed and why, and everything that the other tools recorded must be as it was.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence

from evals.bench import Bench
from evals.data import Case, Cases, Dataset, Skip
from evals.metrics.arrays import Reals, mean
from evals.metrics.bootstrap import Measurement
from evals.task import EvalTask, Table, Values
from faceagent.agent.analyst import Analyst
from faceagent.tools.base import Tool, ToolSpec, View
from faceagent.types import Evidence, Report, ToolStamp


class Broken:
    """A registered tool whose every run crashes."""

    def __init__(self, tool: Tool) -> None:
        self.spec: ToolSpec = tool.spec
        self._tool = tool

    def stamp(self) -> ToolStamp:
        """As the tool's own."""
        return self._tool.stamp()

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        """Never returns."""
        raise RuntimeError("broken on purpose, to see whether the agent recovers")


def read(dataset: Dataset, tool: str) -> Cases:
    """Every picture."""
    del tool
    return Cases(tuple(Case(item.id, item.file, {}, item.id) for item in dataset.items))


def observe(bench: Bench, cases: Sequence[Case]) -> list[Values | Skip]:
    """Reports with and without the broken tool, compared."""
    logger = logging.getLogger("faceagent.tools.base")
    before, logger.disabled = logger.disabled, True  # the crashes are ours; their traces would only drown real ones
    try:
        return [_observe(bench, case) for case in cases]
    finally:
        logger.disabled = before


def _observe(bench: Bench, case: Case) -> Values | Skip:
    path = str(bench.root / case.file)
    whole = bench.analyst.analyze(path)
    if whole.problem is not None:
        return Skip(case.id, whole.problem.reason, whole.problem.message)
    working = sorted({item.tool.name for item in whole.evidence if item.status == "ok"})
    if not working:
        return Skip(case.id, "no_evidence", f"No tool measured anything on {case.file}.")
    victim = working[int(hashlib.sha256(case.id.encode()).hexdigest(), 16) % len(working)]
    with Analyst(bench.settings) as analyst:
        # An agent of its own: the tools of a shared one must not be touched.
        analyst._tools = {**bench.tools, victim: Broken(bench.tools[victim])}
        hurt = analyst.analyze(path)
    return {"recovered": float(recovered(whole, hurt, victim)), "broken": victim}


def recovered(whole: Report, hurt: Report, victim: str) -> bool:
    """Whether the report with a broken tool is complete, says so, and lost nothing else."""
    lost = [item for item in hurt.evidence if item.tool.name == victim and item.status != "not_applicable"]
    others = [
        {item.id: item for item in report.evidence if item.tool.name != victim} for report in (whole, hurt)
    ]  # fmt: skip
    asked = {(verdict.question, verdict.subject) for verdict in whole.verdicts}
    return (
        hurt.problem is None
        and bool(lost)
        and all(item.status == "failed" and item.reason == "crashed" for item in lost)
        and others[0] == others[1]
        and asked == {(verdict.question, verdict.subject) for verdict in hurt.verdicts}
        and len(hurt.explanations) == len(hurt.verdicts)
    )


def measurement(table: Table) -> Measurement:
    """Share of pictures on which the agent recovered, overall and per broken tool."""
    values, broken = table.numbers("recovered"), table.words("broken")

    def measure(weights: Reals) -> Mapping[str, Reals]:
        found = {"recovery": mean(values, weights)}
        for name in sorted(set(broken)):
            rows = [index for index, word in enumerate(broken) if word == name]
            found[f"recovery.{name}"] = mean(values[rows], weights[..., rows])
        return found

    return measure


TASK = EvalTask(
    name="agent",
    title="Recovery from a failing tool",
    protocol="One working tool per picture is made to crash; the report must be whole, name the failure, and keep "
    "everything else as it was.",
    tools=("analyze",),
    needs="nothing but pictures",
    read=read,
    observe=observe,
    measurement=measurement,
    names=("recovery",),
)
