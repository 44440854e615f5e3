"""The router on the labelled queries, by rules alone: no model is asked and no picture is needed.

``python -m evals.acceptance.agent [--wrong]`` prints the figures, and with ``--wrong`` every query that was not
understood exactly. What the sets hold is told in ``evals.data.queries``.
"""

import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import Console

from evals.acceptance import Row, wilson
from evals.acceptance.__main__ import table
from evals.data.queries import FIRST, REFUSALS, Set, queries, told
from faceagent.router import route
from faceagent.settings import Settings, load

SEEN, UNSEEN = 0.97, 0.95
"""Bars: on the queries that the grammar was written with, and at the first run of paraphrases it had not seen."""
REFUSING = 0.98
POLICY: tuple[Set, ...] = ("policy", *REFUSALS)
SETS: tuple[Set, ...] = ("queries", *FIRST)
HUGE = 1_000_000
"""Characters of the longest text that is timed."""


def rows(data: Path, settings: Settings) -> Iterable[Row]:
    """Exact plans, refusals, and the time that one turn takes."""
    del data, settings
    yield _exact("queries", SEEN, "written with the grammar in sight")
    for name, (hits, n) in FIRST.items():
        yield _share(f"{name}.jsonl", "router: exact plans at the first run, recorded", hits, n, UNSEEN, "rules only")
        yield _exact(name, None, "the grammar has learned from it since")
    for name, (right, made, due) in REFUSALS.items():
        yield _share(f"{name}.jsonl", "router: refusals that are right, at the first run", right, made, REFUSING, "")
        yield _share(f"{name}.jsonl", "router: refusals that are made, at the first run", right, due, REFUSING, "")
    for name in POLICY:
        yield from _refusals(name)
    yield from _times()


def _exact(name: Set, bar: float | None, note: str) -> Row:
    found = [not query.wrong(query.plan()) for query in queries(name)]
    return _share(f"{name}.jsonl", "router: exact plans, rules only", sum(found), len(found), bar, note)


def _refusals(name: Set) -> Iterator[Row]:
    seen = [(bool(query.expect.get("refused")), bool(query.plan().refused)) for query in queries(name)]
    both = sum(1 for right, said in seen if right and said)
    said, right = sum(1 for _, said in seen if said), sum(1 for right, _ in seen if right)
    on, learned = f"{name}.jsonl", "the grammar has learned from it since"
    yield _share(on, "router: refusals that are right (precision)", both, said, None, learned)
    yield _share(on, "router: refusals that are made (recall)", both, right, None, learned)


def _times() -> Iterator[Row]:
    everything = [query for name in SETS for query in queries(name)]
    started = time.perf_counter()
    for query in everything:
        query.plan()
    each = (time.perf_counter() - started) / len(everything)
    yield Row(
        on="all sets", figure="router: seconds per turn", value=each, n=len(everything), bar=0.03, lower_is_better=True
    )
    for what, text in {"1 MB of words": "is it fake and ", "1 MB of one letter": "a", "1 MB of Chinese": "假"}.items():
        started = time.perf_counter()
        route((text * HUGE)[:HUGE])
        yield Row(
            on=what, figure="router: seconds", value=time.perf_counter() - started, n=1, bar=1.0, lower_is_better=True
        )


def _share(on: str, figure: str, hits: int, n: int, bar: float | None, note: str) -> Row:
    low, high = wilson(hits, n)
    return Row(on=on, figure=figure, value=hits / n, low=low, high=high, n=n, bar=bar, note=note)


def wrong() -> Iterator[str]:
    """Every query that was not understood exactly, and how."""
    for name in SETS:
        for query in queries(name):
            plan = query.plan()
            said = told(plan)
            for field in query.wrong(plan):
                yield f"{name}: {query.text!r}: {field} is {said[field]}"
    for name in POLICY:
        for query in queries(name):
            if query.misjudged(plan := query.plan()):
                yield f"{name}: {query.text!r}: {[one.topic for one in plan.refused]}, {plan.questions}"


def main(arguments: list[str]) -> int:
    """Print the figures; the exit status is 1 when a bar is missed."""
    found = list(rows(Path(), load()))
    Console(width=180).print(table(found))
    if "--wrong" in arguments:
        print("\n".join(wrong()))
    return int(any(row.met is False for row in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
