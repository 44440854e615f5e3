"""Moderation policies: rules over what was found, decided by the strictest one that is met.

A rule is met when one face meets all of its conditions, or the picture does; what holds for the picture holds for its
faces. The order of rules means nothing: of all
that are met, the strictest decides, so that a lenient rule never hides a strict one. Where none is met, ``otherwise``
decides. No question is known by name here; conditions are ``judge.conditions``.
"""

from collections.abc import Hashable, Sequence
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, Field

from faceagent import policy
from faceagent.errors import InputError
from faceagent.judge.action import NOTHING_ASKED
from faceagent.judge.conditions import Condition, Subjects, parse_condition
from faceagent.types import QUESTIONS, SUBJECT, FrozenModel, Judged, Question
from faceagent.types.service import Decision, Moderation, RuleTrace

STRICTNESS: tuple[Decision, ...] = ("allow", "review", "block")
MOST_RULES = 200
TWICE = "a key stands twice"
ALIAS = "aliases are not read; write it out"


def _condition(text: str) -> str:
    try:
        return parse_condition(text).text
    except InputError as error:
        raise ValueError(str(error)) from None


ConditionText = Annotated[str, Field(max_length=100), AfterValidator(_condition)]


class Rule(FrozenModel):
    """One rule."""

    when: tuple[ConditionText, ...] = Field(
        min_length=1, max_length=20, description="conditions that all have to be met"
    )
    then: Decision
    reason: str = Field(default="", max_length=500, description="what to tell whoever asks why")


class PolicyDocument(FrozenModel):
    """What to do with a picture, by rules."""

    description: str = Field(default="", max_length=2000)
    rules: tuple[Rule, ...] = Field(min_length=1, max_length=MOST_RULES)
    otherwise: Decision = Field(default="review", description="where no rule is met")

    def questions(self, asked: Sequence[str], *, has_reference: bool) -> tuple[Question, ...]:
        """What is measured for a decision: all that needs no asking, what the rules name, and what was asked besides.

        So whoever sends a picture cannot leave out what a rule is about. Empty: all that needs no asking is enough.
        """
        named = [parse_condition(text).question for rule in self.rules for text in rule.when]
        whole = policy.unasked(has_reference=has_reference)
        further = {*policy.expand(asked), *(one for one in named if one is not None)} - set(whole)
        return tuple(one for one in QUESTIONS if one in whole or one in further) if further else ()


STRICTEST = PolicyDocument(
    description="Built in. Blocks what the shipped policy of action acts on; allows what was measured and is clear.",
    rules=(
        Rule(when=("act",), then="block", reason="A calibrated detector decided for the adverse side."),
        Rule(when=("unreadable",), then="block", reason="The picture cannot be read."),
        Rule(when=("review",), then="review", reason="Evidence leans to the adverse side, or could not be gathered."),
        Rule(when=("unmeasured",), then="review", reason="A measurement could not be made."),
        Rule(when=("no_face",), then="review", reason="No face was found, so nothing was measured."),
        Rule(when=("unusable",), then="review", reason="A face cannot be used for any question."),
    ),
    otherwise="allow",
)
"""The policy called ``strictest``: what applies where none is named."""
BUILT_IN = {"strictest": STRICTEST}


class _PolicyLoader(yaml.SafeLoader):
    """Refuses a key that stands twice, of which PyYAML would keep the last without a word, and every alias.

    Aliases and merged keys make a few lines stand for billions of values.
    """

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.constructor.ConstructorError(None, None, ALIAS, self.get_mark())
        node: yaml.Node | None = super().compose_node(parent, index)
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: list[Any] = []
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, TWICE, key.start_mark)
            seen.append(key.value)
        return super().construct_mapping(node, deep)


def read_policy(text: str) -> PolicyDocument:
    """A document in YAML or JSON. Raises InputError, or ValidationError with the field."""
    try:
        found = yaml.load(text, _PolicyLoader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None)
        why = f": {problem}" if problem in (TWICE, ALIAS) else ""
        raise InputError(f"The policy is no valid YAML or JSON{where}{why}.") from None
    except RecursionError:
        raise InputError("The policy is nested too deeply.") from None
    return PolicyDocument.model_validate(found)


def moderate(
    report: Judged, document: PolicyDocument, *, name: str | None = None, version: int | None = None
) -> Moderation:
    """The decision of a policy on a report; name and version are those under which it is stored."""
    conditions = [[parse_condition(text) for text in rule.when] for rule in document.rules]
    found = [[one.met_by(report) for one in rule] for rule in conditions]
    unmeasured = [_unmeasured(report, rule) for rule in conditions]
    subjects = [_common(one) for one in found]
    met = [bool(one) for one in subjects]
    decision = max(
        (rule.then for rule, is_met in zip(document.rules, met, strict=True) if is_met),
        key=STRICTNESS.index,
        default=document.otherwise,
    )
    trace = tuple(
        RuleTrace(
            rule=place,
            when=rule.when,
            then=rule.then,
            reason=rule.reason,
            met=met[place],
            decided=met[place] and rule.then == decision,
            subjects=subjects[place],
            unmeasured=unmeasured[place],
        )
        for place, rule in enumerate(document.rules)
    )
    reasons = tuple(dict.fromkeys(one.reason or " and ".join(one.when) for one in trace if one.decided))
    return Moderation(
        decision=decision,
        reasons=reasons or ("No rule is met.",),
        trace=trace,
        unmeasured=tuple(one for one in QUESTIONS if any(one in rule for rule in unmeasured)),
        policy=name,
        version=version,
    )


def _unmeasured(report: Judged, conditions: Sequence[Condition]) -> tuple[Question, ...]:
    """The questions that a rule is about and that were not measured: it may look not met, and could not be."""
    asked = {one.question for one in report.verdicts if one.reason not in NOTHING_ASKED}
    named = {one.question for one in conditions}
    return tuple(one for one in QUESTIONS if one in named and one not in asked)


def _common(found: list[Subjects]) -> Subjects:
    """The subjects that meet every condition; a condition that the picture meets does not narrow them."""
    narrow = [one for one in found if SUBJECT not in one]
    if not narrow:
        return (SUBJECT,)
    return tuple(subject for subject in dict.fromkeys(narrow[0]) if all(subject in one for one in narrow))


class NamedPolicy(FrozenModel):
    """A document, and the name and version under which it is stored; neither where it is not."""

    document: PolicyDocument
    name: str | None = None
    version: int | None = None

    def decide(self, report: Judged) -> Moderation:
        """Its decision on a report."""
        return moderate(report, self.document, name=self.name, version=self.version)
