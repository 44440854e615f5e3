"""The agent: does it call the right tools for what was typed, and does it recover when a tool breaks?

Queries are a set of their own (JSON lines), or one of the shipped ones goes with every picture. Which tools a turn
calls follows from its plan and from policy, as in a conversation; the plan that is right gives the calls that are.
For every picture one tool, chosen by the picture's name, is made to crash: the report must be whole, say that this
tool failed and why, and everything that the other tools recorded must be as it was.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence

import numpy as np

from evals.data import Case, Cases, Dataset, Skip, typed
from evals.data.queries import FIELDS, Query
from evals.metrics.arrays import Reals, mean, mean_among
from evals.metrics.bootstrap import Measurement
from evals.plots import Bars, Figure
from evals.runner import Runner
from evals.task import CaseTable, EvalTask, Values
from faceagent.agent.analyst import Analyst
from faceagent.agent.chat.planning import tools_of_query
from faceagent.router import DialogueContext, Plan, open_reader
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
    """Every query; or every picture, each with one of the shipped queries that no rule was written for."""
    del tool
    if "expect" in dataset.columns:
        return Cases(tuple(Case(item.id, item.file, item.labels, item.id) for item in dataset.items))
    shipped = typed.read(typed.latest()).items
    cases = tuple(
        Case(item.id, item.file, shipped[_draw(item.id, len(shipped))].labels, item.id) for item in dataset.items
    )
    return Cases(cases, (), ("Every picture goes with one of the shipped queries; recovery is of the pictures.",))


def _draw(name: str, n: int) -> int:
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % n


def observe(runner: Runner, cases: Sequence[Case]) -> list[Values | Skip]:
    """The calls of every query against the right ones; reports with and without the broken tool, compared."""
    logger = logging.getLogger("faceagent.tools.base")
    before, logger.disabled = logger.disabled, True  # the crashes are ours; their traces would only drown real ones
    try:
        answers: list[Values | Skip] = []
        for case in cases:
            found = _observe(runner, case) if case.file else {}
            answers.append(
                found if isinstance(found, Skip) else {**found, **selected(runner, typed.query_of(case.truth))}
            )
        return answers
    finally:
        logger.disabled = before


def selected(runner: Runner, query: Query) -> dict[str, float | str]:
    """How the calls for a query differ from those of the right plan, and whether the plan is the right one."""
    plan = query.plan(open_reader(runner.settings))
    right = {key: value for key, value in query.expect.items() if key in FIELDS}
    asks = "?" if query.expect.get("asks") else None
    meant = Plan.model_validate({"kind": "analyse", "purpose": query.context.purpose, **right, "clarification": asks})
    called, wanted = calls(runner.tools, plan, query.context), calls(runner.tools, meant, query.context)
    return {
        "selected": float(called == wanted),
        "missing": float(len(wanted - called)),
        "extra": float(len(called - wanted)),
        "group": query.group,
        "called": ", ".join(sorted(called)) or "none",
        "wanted": ", ".join(sorted(wanted)) or "none",
    }


def calls(tools: Mapping[str, Tool], plan: Plan, context: DialogueContext) -> set[str]:
    """The tools that the product's own planner calls first for a plan, when only what it refers to was measured."""
    return set(tools_of_query(plan, context, [tool.spec for tool in tools.values()]))


def _observe(runner: Runner, case: Case) -> Values | Skip:
    path = str(runner.root / case.file)
    whole = runner.analyst.analyze(path)
    if whole.problem is not None:
        return Skip(case.id, whole.problem.reason, whole.problem.message)
    working = sorted({item.tool.name for item in whole.evidence if item.status == "ok"})
    if not working:
        return Skip(case.id, "no_evidence", f"No tool measured anything on {case.file}.")
    victim = working[_draw(case.id, len(working))]
    with Analyst(runner.settings, {**runner.tools, victim: Broken(runner.tools[victim])}) as analyst:
        hurt = analyst.analyze(path)
    return {"recovered": float(recovered(whole, hurt, victim)), "broken": victim}


def recovered(whole: Report, hurt: Report, victim: str) -> bool:
    """Whether the report with a broken tool is complete, says so, and lost nothing else."""
    lost = [item for item in hurt.evidence if item.tool.name == victim and item.status != "not_applicable"]
    others = [{item.id: item for item in report.evidence if item.tool.name != victim} for report in (whole, hurt)]
    asked = {(verdict.question, verdict.subject) for verdict in whole.verdicts}
    return (
        hurt.problem is None
        and bool(lost)
        and all(item.status == "failed" and item.reason == "crashed" for item in lost)
        and others[0] == others[1]
        and asked == {(verdict.question, verdict.subject) for verdict in hurt.verdicts}
        and len(hurt.explanations) == len(hurt.verdicts)
    )


def measurement(table: CaseTable) -> Measurement:
    """Share of queries with exactly the right calls, and per group; calls missing and extra; recovery, per tool."""
    chosen, groups = table.numbers("selected"), np.array(table.words("group"))
    columns = {"missing_calls": table.numbers("missing"), "extra_calls": table.numbers("extra")}
    recovery, broken = table.numbers("recovered"), np.array(table.words("broken"))
    tried = ~np.isnan(recovery)

    def measure(weights: Reals) -> Mapping[str, Reals]:
        found = {"tool_selection": mean(chosen, weights)}
        found |= {name: mean(values, weights) for name, values in columns.items()}
        kinds = sorted(set(groups.tolist()))
        found |= {f"tool_selection.{name}": mean_among(chosen, groups == name, weights) for name in kinds}
        if tried.any():
            found["recovery"] = mean_among(recovery, tried, weights)
            for name in sorted(set(broken[tried].tolist())):
                found[f"recovery.{name}"] = mean_among(recovery, tried & (broken == name), weights)
        return found

    return measure


def everything(table: CaseTable) -> Measurement:
    """Calling every tool whatever is typed, or none: how often that happens to be right."""
    wanted = np.array(table.words("wanted"))
    names, counts = np.unique(wanted, return_counts=True)
    commonest = names[int(np.argmax(counts))]
    return lambda weights: {"always_the_commonest_calls": mean(wanted == commonest, weights)}


def figures(table: CaseTable) -> tuple[Figure, ...]:
    """Tool selection per group of queries."""
    names = sorted(set(table.words("group")))
    items = tuple((name, f"tool_selection.{name}") for name in names)
    return (Bars("Tool selection per group of queries", items),) if len(names) > 1 else ()


def failures(table: CaseTable) -> Reals:
    """Queries with the most calls missing or extra, and pictures on which the agent did not recover."""
    amiss = table.numbers("missing") + table.numbers("extra") + (table.numbers("recovered") == 0)
    return np.where(amiss > 0, amiss, np.nan)


TASK = EvalTask(
    name="agent",
    title="The right calls, and recovery from a failing tool",
    protocol="Queries: the tools that the turn calls against those of the labelled plan; tool_selection is the share "
    "of queries with exactly the right set, missing_calls and extra_calls are means per query. Pictures: one working "
    "tool is made to crash; the report must be whole, name the failure, and keep everything else as it was.",
    tools=("analyze",),
    needs="nothing but pictures; or .jsonl lines with text and expect (evals/data/*.jsonl ship with faceagent)",
    read=read,
    observe=observe,
    measurement=measurement,
    baselines=everything,
    figures=figures,
    failures=failures,
    names=("tool_selection", "missing_calls", "extra_calls"),
)
