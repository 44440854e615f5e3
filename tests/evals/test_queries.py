"""The labelled queries, held to the figures they reached."""

import pytest

from evals.data.queries import FIRST, REFUSALS, Query, Set, queries
from faceagent.router import Plan

RULES: tuple[Set, ...] = tuple(name for name in FIRST if int(name.rpartition("-")[2]) <= 7)
"""Sets that the rules have learned from; the later ones are the reader's."""
LEAST: dict[Set, float] = {"queries": 0.97, **dict.fromkeys(RULES, 0.95)}


@pytest.mark.parametrize("name", LEAST)
def test_exact_plans_by_rules_alone(name: Set) -> None:
    found = queries(name)
    wrong = [query.text for query in found if query.wrong(query.plan())]
    assert len(wrong) <= (1 - LEAST[name]) * len(found), wrong


@pytest.mark.parametrize("name", ["policy", "policy-2", "policy-3"])
def test_refusals(name: Set) -> None:
    right = {query.text for query in queries(name) if query.expect.get("refused")}
    said = {query.text for query in queries(name) if query.plan().refused}
    assert len(right & said) >= 0.98 * len(said), said - right
    assert len(right & said) >= 0.98 * len(right), right - said


def test_the_sets_are_as_large_as_they_should_be_and_say_nothing_twice() -> None:
    assert len(queries("queries")) >= 400
    for name, (exact, of) in FIRST.items():
        assert exact <= of == len(queries(name)) >= 100
    for name in ("queries", *FIRST, "policy", *REFUSALS, "remarks", "other-languages"):
        seen = [(query.text, query.context) for query in queries(name)]
        assert len(seen) == len(set(seen))


def test_a_difference_is_named() -> None:
    query = Query(text="is it real?", group="en", expect={"questions": ["quality"], "asks": True})
    assert query.wrong(query.plan()) == ("questions", "asks")
    assert query.wrong(Plan(kind="analyse", questions=("quality",), clarification="which?")) == ()
    assert query.misjudged(query.plan())
