"""Routing: is a typed request read as it was meant, by the rules and the reader?

A set of queries labels the whole plan, or only what must be refused (``refused``, ``questions``, ``purpose``). Of the
first kind the share of exact plans is measured, of both kinds whether the right topics are refused. No picture is
opened. Only the first run on a set that the rules were not written with says how they do on what
they have not seen; those first runs are recorded in ``evals.data.queries``.
"""

import time
from collections.abc import Mapping, Sequence

import numpy as np

from evals.data import Case, Cases, Dataset, Skip, typed
from evals.metrics.arrays import Reals, mean, mean_among, median, share
from evals.metrics.bootstrap import Measurement
from evals.plots import Bars, Figure
from evals.runner import Runner
from evals.task import CaseTable, EvalTask, Values
from faceagent.errors import InputError
from faceagent.router import Reader, open_reader

REFUSAL_FIELDS = frozenset({"refused", "questions", "purpose", "kind"})
"""Fields of a set that labels nothing but refusals."""


def read(dataset: Dataset, tool: str) -> Cases:
    """Every query. Raises InputError for a set that holds none."""
    del tool
    if "expect" not in dataset.columns:
        raise InputError(f"{dataset.name} holds no typed queries.", remedy="Give .jsonl lines with text and expect.")
    labelled = {name for item in dataset.items for name in typed.query_of(item.labels).expect}
    whole = float(not labelled <= REFUSAL_FIELDS)
    cases = (Case(item.id, "", {**item.labels, "whole_plan": whole}, item.id) for item in dataset.items)
    return Cases(tuple(cases))


def observe(runner: Runner, cases: Sequence[Case]) -> list[Values | Skip]:
    """Which fields of each plan differ, and whether the right topics were refused."""
    reader = open_reader(runner.settings)
    return [_observe(case, reader) for case in cases]


def _observe(case: Case, reader: Reader | None) -> Values:
    query = typed.query_of(case.truth)
    started = time.perf_counter()
    plan = query.plan(reader)
    spent = (time.perf_counter() - started) * 1000
    wrong = query.wrong(plan)
    found: dict[str, float | str] = {
        "ms": round(spent, 3),
        "group": query.group,
        "policy_exact": float(not query.misjudged(plan)),
        "refused": float(bool(plan.refused)),
        "must_refuse": float(bool(query.expect.get("refused"))),
    }
    if case.truth["whole_plan"]:
        found |= {"exact": float(not wrong), "wrong": ", ".join(wrong)}
    return found


def measurement(table: CaseTable) -> Measurement:
    """Exact plans, also per group; refusals that are right and that are made; milliseconds per request."""
    exact, policy_exact, spent = table.numbers("exact"), table.numbers("policy_exact"), table.numbers("ms")
    refused, due = table.numbers("refused") > 0, table.numbers("must_refuse") > 0
    groups = np.array(table.words("group"))

    def measure(weights: Reals) -> Mapping[str, Reals]:
        found: dict[str, Reals] = {}
        if not np.isnan(exact).any():
            found["plan_exact"] = mean(exact, weights)
            kinds = sorted(set(groups.tolist()))
            found |= {f"plan_exact.{name}": mean_among(exact, groups == name, weights) for name in kinds}
        else:
            found["refusals_and_questions_exact"] = mean(policy_exact, weights)
        if due.any():
            found["refusal_precision"] = share(due, refused, weights)
            found["refusal_recall"] = share(refused, due, weights)
        found["ms_per_request"] = median(spent, weights)
        return found

    return measure


def figures(table: CaseTable) -> tuple[Figure, ...]:
    """Exact plans per group of queries."""
    names = sorted(set(table.words("group")))
    exact = not np.isnan(table.numbers("exact")).any()
    return (Bars("Exact plans per group", tuple((n, f"plan_exact.{n}") for n in names)),) if exact else ()


def failures(table: CaseTable) -> Reals:
    """Queries whose plan, or whose refusal, is not the labelled one."""
    exact = table.numbers("exact")
    right = np.where(np.isnan(exact), table.numbers("policy_exact"), exact)
    return np.where(right > 0, np.nan, 1.0)


TASK = EvalTask(
    name="routing",
    title="Requests read as they were meant",
    protocol="Typed queries through the rules and the reader, no picture: share of plans in which every labelled field "
    "is exact; precision and recall of refusals over the queries; median time of one request.",
    tools=("analyze",),
    needs=".jsonl lines with text and expect (evals/data/*.jsonl ship with faceagent)",
    read=read,
    observe=observe,
    measurement=measurement,
    figures=figures,
    failures=failures,
)
