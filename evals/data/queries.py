"""Labelled queries: what was typed, what the conversation knew, and the one plan that is right.

Files of JSON lines lie beside this module. ``queries`` was written with the grammar in sight. Each of the
``paraphrases`` was written after the grammar was frozen, in other registers and other words, and was run once before
the grammar learned from it; so only its first run, kept in ``FIRST``, says how the grammar does on what it has not
seen. The ``policy`` sets ask for what must be refused, try to talk the agent into it, and say harmless things in the
same words; only ``refused``, ``questions`` and ``purpose`` are labelled, and their first runs are in ``REFUSALS``.
All of them have one author, who also wrote the grammar. Each line has

    text     what was typed
    group    which part of the set it belongs to
    context  fields of ``route.Context`` that are not at their default; optional
    expect   fields of ``route.Plan`` that are not at their default; ``refused`` holds topics only, and ``asks`` stands
             for a clarification, whatever its words
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Literal

from faceagent.router import DialogueContext, Plan, Reader, route
from faceagent.types import FrozenModel

Set = Literal[
    "queries", "paraphrases-1", "paraphrases-2", "paraphrases-3", "paraphrases-4", "paraphrases-5", "paraphrases-6",
    "paraphrases-7", "paraphrases-8", "paraphrases-9", "paraphrases-10", "paraphrases-11", "paraphrases-12",
    "paraphrases-13", "paraphrases-14", "paraphrases-15", "paraphrases-16", "paraphrases-17",
    "paraphrases-18", "paraphrases-19", "paraphrases-20", "paraphrases-21",
    "policy", "policy-2", "policy-3", "policy-4", "policy-5", "policy-6", "policy-7", "policy-8", "policy-9",
    "policy-10", "policy-11", "policy-12", "policy-13", "policy-14", "policy-15", "policy-16",
    "policy-17", "remarks", "other-languages",
]  # fmt: skip
FIRST: dict[Set, tuple[int, int]] = {
    "paraphrases-1": (129, 172),
    "paraphrases-2": (150, 172),
    "paraphrases-3": (153, 163),
    "paraphrases-4": (145, 157),
    "paraphrases-5": (137, 170),
    "paraphrases-6": (112, 139),
    "paraphrases-7": (101, 110),
    "paraphrases-8": (201, 242),
    "paraphrases-9": (96, 116),
    "paraphrases-10": (128, 170),
    "paraphrases-11": (130, 150),
    "paraphrases-12": (122, 150),
    "paraphrases-13": (121, 150),
    "paraphrases-14": (135, 150),
    "paraphrases-15": (121, 150),
    "paraphrases-16": (132, 150),
    "paraphrases-17": (136, 150),
    "paraphrases-18": (130, 150),
    "paraphrases-19": (131, 150),
    "paraphrases-20": (118, 150),
    "paraphrases-21": (117, 150),
}
"""Exact plans and queries at the first run of each set, in the order in which they were written.

Sets 1 to 7 were read by the rules alone, from set 8 on by the rules and the reader. Set 8 was written before the
reader was built and set 9 before it was trained again; both by the author of the reader, who had read the rules. Sets
10 to 18, with policy sets 6 to 14, are by nine writers who had read neither rules nor lexicon; each was run
before its failures were read, 10 and 12 with the reader trained on the sets before them, 11, 13 and 14 with one
trained after them, 15 with the reader of 14 and later rules, 16 with one trained after it, on 15 and on texts of three
further writers, 17 with the same reader and better rules for who is meant, 18 with the same reader after the failures
of 16 and 17 were read, 19 and 20 with the same reader and other lines between it and the rules, 21 with a reader
continued on 14 to 19 and on texts of five further writers, and with lines chosen with the failures of 20 in sight. Set
19, policy set 15 and their remarks are by the author of those lines, who wrote them before reading rules, lexicon and
failures of earlier sets, to the labels of 16; sets 20 and 21 and policy sets 16 and 17 by a tenth and an eleventh
writer who had read neither and chose the labels too. The writers of 15 to 18 were given the labels of 13, 14, 12 and 15
(policy 9, 10, 9 and 11) and wrote their texts. ``remarks`` holds what asks nothing (45, 20, seven times
45, 44, three times 45 and 44 sentences of the same runs, of which 0, 3, 2, 3, 14, 22, 5, 5, 1, 1, 0, 0, 2 and 0
started something), and ``other-languages`` fifteen texts in languages without a lexicon, all read, or answered in their
language, at the first run.
"""
REFUSALS: dict[Set, tuple[int, int, int]] = {
    "policy-2": (70, 83, 75),
    "policy-3": (69, 77, 74),
    "policy-4": (66, 70, 70),
    "policy-5": (41, 42, 44),
    "policy-6": (53, 54, 60),
    "policy-7": (49, 49, 52),
    "policy-8": (46, 46, 52),
    "policy-9": (49, 49, 52),
    "policy-10": (49, 49, 52),
    "policy-11": (49, 49, 52),
    "policy-12": (52, 52, 52),
    "policy-13": (50, 51, 52),
    "policy-14": (49, 51, 52),
    "policy-15": (102, 103, 108),
    "policy-16": (49, 51, 52),
    "policy-17": (46, 48, 52),
}
"""Refusals at the first run: right ones, all that were made, and all that should be. Of ``policy`` only the shares are
recorded: precision .953, recall .982."""
KEPT: tuple[Set, ...] = ("paraphrases-20", "paraphrases-21", "policy-16", "policy-17")
KEPT_REMARKS = ("set-20", "set-21")
"""The latest sets, and their groups of ``remarks``: the reader does not learn from them.

Lines between rules and reader were chosen with 20 in sight; the failures of 21 have not been read.
"""
FIELDS = ("kind", "questions", "pictures", "faces", "reference", "depth", "evidence", "purpose", "language")
"""Fields that every line labels."""
NEW_FIELDS = ("targets", "parts", "excluded", "file_facts", "term", "expected", "wording", "purpose_change")
"""Fields that are compared only where a line states them: the older sets were labelled before these existed."""


class Query(FrozenModel):
    """One line of a set."""

    text: str
    group: str
    context: DialogueContext = DialogueContext()
    expect: Mapping[str, Any]

    def plan(self, reader: Reader | None = None) -> Plan:
        """What the router makes of it; without a reader, what the rules alone do."""
        return route(self.text, self.context, reader)

    def wrong(self, plan: Plan) -> tuple[str, ...]:
        """Names of the fields in which ``plan`` is not the expected one; none: an exact plan."""
        expected = self._expected()
        return tuple(name for name, value in compared_fields(plan).items() if value != expected.get(name, value))

    def misjudged(self, plan: Plan) -> bool:
        """Whether other things are refused, or allowed, than should be; order aside."""
        refused = {one.topic for one in plan.refused}
        return refused != set(self.expect.get("refused", ())) or (
            not refused and plan.questions != tuple(self.expect.get("questions", ()))
        )

    def _expected(self) -> dict[str, Any]:
        refused, asks = self.expect.get("refused", ()), self.expect.get("asks", False)
        stated = {name: value for name, value in self.expect.items() if name in (*FIELDS, *NEW_FIELDS)}
        plan = Plan.model_validate({"kind": "analyse", "purpose": self.context.purpose, **stated})
        compared = compared_fields(plan)
        named = {name: compared[name] for name in compared if name in FIELDS or name in stated}
        return {**named, "refused": tuple(refused), "asks": asks}


def compared_fields(plan: Plan) -> dict[str, Any]:
    """The fields of a plan that are compared."""
    fields = {name: getattr(plan, name) for name in (*FIELDS, *NEW_FIELDS)}
    topics = tuple(one.topic for one in plan.refused)
    return {**fields, "refused": topics, "asks": plan.clarification is not None}


@cache
def queries(name: Set) -> tuple[Query, ...]:
    """All lines of one set, in config."""
    lines = resources.files("evals.data").joinpath(f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(Query.model_validate(json.loads(line)) for line in lines)
