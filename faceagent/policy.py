"""Question × purpose × jurisdiction → allow, allow with notice, or refuse. Strictest by default.

The rows are data; the first matching row decides. They are an engineer's reading of the law, not legal advice; each
names the rule it follows so that a reader can check it. Topics that are never allowed (race, ethnicity, orientation,
religion, health, attractiveness) have no question and no tool, only an entry in ``TOPICS`` with a notice.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args

from faceagent.errors import InputError, PolicyRefusal
from faceagent.types import QUESTIONS, PolicyDecision, Question, Request

Purpose = Literal["unstated", "research", "forensics", "moderation", "workplace", "education", "surveillance"]
Jurisdiction = Literal["strictest", "eu", "us", "other"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
JURISDICTIONS: tuple[Jurisdiction, ...] = get_args(Jurisdiction)

GROUPS: dict[str, tuple[Question, ...]] = {"attributes": ("age", "gender")}
"""Names for several questions at once."""


class PolicyRow(NamedTuple):
    """One row of the table; ``None`` matches everything."""

    questions: frozenset[Question]
    purposes: frozenset[Purpose] | None
    jurisdictions: frozenset[Jurisdiction] | None
    decision: Literal["allow", "allow_with_notice", "refuse"]
    rule: str
    notice: str | None


_EU = frozenset[Jurisdiction]({"strictest", "eu"})
_FEELINGS = frozenset[Question]({"expression", "action_units"})
_CATEGORIES = frozenset[Question]({"age", "gender"})
_COMPARING = frozenset[Question]({"identity", "morph"})
"""Morph detection can compare the face with a reference."""

TABLE: tuple[PolicyRow, ...] = (
    PolicyRow(
        _FEELINGS,
        frozenset({"workplace", "education"}),
        _EU,
        "refuse",
        "EU AI Act Art. 5(1)(f)",
        "Inferring emotions of people at work or in education is prohibited.",
    ),
    PolicyRow(
        _FEELINGS | _CATEGORIES | _COMPARING,
        frozenset({"surveillance"}),
        None,
        "refuse",
        "house rule 1",
        "faceagent does not profile or track people who were not asked.",
    ),
    PolicyRow(
        _FEELINGS,
        None,
        _EU,
        "allow_with_notice",
        "EU AI Act Art. 50(3)",
        "Tell the people shown that their expression is analysed. It says what a face appears to show, not what "
        "a person feels.",
    ),
    PolicyRow(
        _CATEGORIES,
        None,
        _EU,
        "allow_with_notice",
        "EU AI Act Art. 50(3)",
        "Tell the people shown that age and gender are estimated. Both are appearances, with known bias.",
    ),
    PolicyRow(
        _COMPARING,
        None,
        _EU,
        "allow_with_notice",
        "GDPR Art. 9",
        "Comparing faces processes biometric data. Compare only with references you may use.",
    ),
    PolicyRow(
        _COMPARING,
        None,
        None,
        "allow_with_notice",
        "house rule 2",
        "Comparing faces processes biometric data. Compare only with references you may use.",
    ),
    PolicyRow(frozenset(QUESTIONS), None, None, "allow", "no rule of this table", None),
)


class Topic(NamedTuple):
    """A topic that no question answers and no purpose allows."""

    rule: str
    notice: str


_CATEGORISING = "EU AI Act Art. 5(1)(g)"
TOPICS: dict[str, Topic] = {
    "race": Topic(_CATEGORISING, "Race, ethnicity, skin type and origin are never inferred from a face."),
    "orientation": Topic(_CATEGORISING, "Sexual orientation is never inferred from a face."),
    "religion": Topic(_CATEGORISING, "Religion is never inferred from a face."),
    "politics": Topic(_CATEGORISING, "Political opinion is never inferred from a face."),
    "health": Topic("GDPR Art. 9", "Health, disability and illness are never inferred from a face."),
    "attractiveness": Topic("house rule 3", "Faces are not rated for attractiveness."),
    "character": Topic("house rule 4", "Character, intelligence and honesty cannot be read from a face."),
    "criminality": Topic("EU AI Act Art. 5(1)(d)", "Criminality cannot be read from a face."),
    "open_identification": Topic(
        "house rule 5", "Nobody is identified from a face alone. Give a reference picture you may use to compare with."
    ),
}
"""What is refused whatever the purpose, by name of the topic."""

OPT_IN: frozenset[Question] = _CATEGORIES
"""Answered only when named in the request."""


def expand(names: Iterable[str]) -> tuple[Question, ...]:
    """Questions for the names a person typed, groups expanded, without repeats. Raises InputError."""
    found: dict[Question, None] = {}
    for name in names:
        if name in GROUPS:
            found.update(dict.fromkeys(GROUPS[name]))
        elif name in QUESTIONS:
            found[name] = None
        else:
            raise InputError(
                f"There is no question called {name!r}.", remedy=f"Ask one of: {', '.join((*QUESTIONS, *GROUPS))}."
            )
    return tuple(found)


def decide(question: Question, purpose: str, jurisdiction: str) -> PolicyDecision:
    """The first matching row's decision. Raises InputError for a purpose or jurisdiction that does not exist."""
    for kind, value, known in (("purpose", purpose, PURPOSES), ("jurisdiction", jurisdiction, JURISDICTIONS)):
        if value not in known:
            raise InputError(f"There is no {kind} called {value!r}.", remedy=f"Choose one of: {', '.join(known)}.")
    row = next(
        row
        for row in TABLE
        if question in row.questions
        and (row.purposes is None or purpose in row.purposes)
        and (row.jurisdictions is None or jurisdiction in row.jurisdictions)
    )
    return PolicyDecision(
        question=question,
        purpose=purpose,
        jurisdiction=jurisdiction,
        decision=row.decision,
        rule=row.rule,
        notice=row.notice,
    )


def unasked(*, has_reference: bool) -> tuple[Question, ...]:
    """The questions that are decided about where a request names none."""
    return tuple(name for name in QUESTIONS if name not in OPT_IN and (name != "identity" or has_reference))


def review(request: Request, *, has_reference: bool) -> tuple[PolicyDecision, ...]:
    """Decide every question of the request, or every default question when none was named.

    Raises PolicyRefusal when every question that was asked by name is refused.
    """
    asked = request.questions or unasked(has_reference=has_reference)
    decisions = tuple(decide(question, request.purpose, request.jurisdiction) for question in asked)
    if request.questions and all(decision.decision == "refuse" for decision in decisions):
        first = decisions[0]
        raise PolicyRefusal(
            f"{first.question} is refused for the purpose {first.purpose!r}: {first.notice}",
            rule=first.rule,
            remedy=f"The rule is {first.rule}.",
        )
    return decisions
