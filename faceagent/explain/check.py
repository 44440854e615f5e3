"""The check after every explanation: steps that the evidence does not support are removed and listed in ``struck``.

A step is kept when every id it cites exists; when every number, action unit, region and side it names is in the cited
evidence; when it gives no muscle the opposite direction; when it calls no quiet region conspicuous and no different
region alike, or the reverse; when a claim about no region, or about only one, is true of all measured regions; and when
it speaks of no part of the face that cannot be seen, unless to say so.
Other claims of a sentence are not checked.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from faceagent.explain.heat import COLD, HOT
from faceagent.judge.wording import of_100
from faceagent.types import Evidence, Explanation, FacePart, Step, Verdict

_UNIT = re.compile(r"\bAU\s?(\d{1,2})\b")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*")
_PLACE = re.compile(
    r"\b((?:left|right)(?=:? (?:eye|side|half|corner|cheek|brow|lip|\d))|eyes?|nose|mouth|skin|outer face)\b"
)
_UP = re.compile(r"\b(up|upwards|raised?|lift(?:s|ed)?|rises?)\b")
_DOWN = re.compile(r"\b(down|downwards|lowered|depressed|dropped|drops|sinks?)\b")
_RAISES, _LOWERS = re.compile(r"\b(raiser|puller)\b"), re.compile(r"\b(lowerer|depressor|drop)\b")
_LOUD = re.compile(r"\b(stands? out|conspicuous|suspicious|speaks? for a splice)\b")
_QUIET = re.compile(r"\b(quiet|inconspicuous|unremarkable|nothing here|no trace)\b")
_ALIKE = re.compile(r"\b(alike|the same|agrees?|no difference)\b")
_UNLIKE = re.compile(r"\b(unlike|different|differs?|(?<!no )difference)\b")
_NONE = re.compile(r"\b(no|none of the) (\w+ )?(regions?|parts?)\b")
_ONE = re.compile(r"\b(only|nothing but) the\b|\bno other\b")


_OF_PARTS: tuple[tuple[tuple[FacePart, ...], re.Pattern[str]], ...] = (
    (("mouth",), re.compile(r"\b(mouth|lips?|smil(?:e|es|ing)|teeth|grin(?:s|ning)?)\b")),
    (("nose",), re.compile(r"\b(nose|nostrils?)\b")),
    (("right_eye", "left_eye"), re.compile(r"\b(eyes?|eyelids?|lids?|gaze|squint(?:s|ing)?|pupils?)\b")),
    (("right_eye",), re.compile(r"\b(right eye|both eyes)\b")),
    (("left_eye",), re.compile(r"\b(left eye|both eyes)\b")),
    (("right_brow", "left_brow"), re.compile(r"\b((?:eye)?brows?)\b")),
    (("right_cheek", "left_cheek"), re.compile(r"\b(cheeks?)\b")),
    (("chin",), re.compile(r"\b(chin|jaw)\b")),
    (("forehead",), re.compile(r"\b(forehead)\b")),
)
"""Words that speak of parts of the face; sides are the subject's own."""


class _Named(NamedTuple):
    """The action units, numbers and places (regions and sides) that a text names."""

    units: frozenset[str]
    numbers: frozenset[str]
    places: frozenset[str]


def check(explanation: Explanation, evidence: Iterable[Evidence], verdict: Verdict) -> Explanation:
    """``explanation`` without the steps that the evidence does not support; ``struck`` lists the removed ones."""
    record: dict[str, Evidence | Verdict] = {item.id: item for item in evidence} | {verdict.id: verdict}
    recorded: dict[str, _Named] = {}
    about = (verdict.subject, verdict.question)
    measured = [item for item in record.values() if isinstance(item, Evidence) and item.region]
    regions = [item for item in measured if (item.subject, item.question) == about]
    hidden = _hidden_words([item for item in record.values() if item.subject == verdict.subject])
    kept: list[Step] = []
    rejected: list[str] = list(explanation.struck)
    for step in explanation.steps:
        for cite in step.cites:
            if cite in record and cite not in recorded:
                recorded[cite] = _named(_record_text(record[cite]))
        cited = [record[cite] for cite in step.cites if cite in record]
        fault = _unsupported(step, recorded) or _wrong_count(step, regions) or _contradicted(step, cited)
        fault = fault or _unseen(step, hidden, cited)
        if fault is None:
            kept.append(step)
        else:
            rejected.append(f"{step.text} ({fault})")
    return explanation.model_copy(update={"steps": tuple(kept), "struck": tuple(rejected)})


def _record_text(noun: Evidence | Verdict) -> str:
    """The words and numbers of a record; without hashes and versions, whose digits would support any number."""
    if isinstance(noun, Verdict):
        return f"{noun.id} {noun.label} {noun.wording}"
    numbers: tuple[float | None, ...] = (noun.score.value, noun.score.low, noun.score.high) if noun.score else ()
    if noun.score and noun.score.scale == "cosine":
        numbers += (of_100(noun.score.value), 100)
    place = f"{noun.region}".replace("_", " ")
    return " ".join(map(str, (noun.id, noun.statement, noun.label, place, *numbers, *noun.facts.values())))


def _named(text: str) -> _Named:
    places = (place.removesuffix("s") if place == "eyes" else place for place in _PLACE.findall(text.lower()))
    return _Named(frozenset(_UNIT.findall(text)), frozenset(_NUMBER.findall(text)), frozenset(places))


def _unsupported(step: Step, recorded: Mapping[str, _Named]) -> str | None:
    """What a step names that is not in the evidence it cites, or None."""
    if not step.cites:
        return "cites nothing"
    unknown = [cite for cite in step.cites if cite not in recorded]
    if unknown:
        return f"cites {', '.join(unknown)}, which was not recorded"
    named = _named(step.text)
    units = named.units.difference(*(recorded[cite].units for cite in step.cites))
    numbers = named.numbers.difference(*(recorded[cite].numbers for cite in step.cites))
    places = named.places.difference(*(recorded[cite].places for cite in step.cites))
    for names in ([f"AU{unit}" for unit in units], numbers, places):
        if names:
            return f"names {', '.join(sorted(names))}, which is not in what it cites"
    return None


def _wrong_count(step: Step, regions: Sequence[Evidence]) -> str | None:
    """Which claim about no region, or about only one, is false for ``regions``, or None."""
    text = step.text.lower()
    allowed = 0 if _NONE.search(text) else 1
    if allowed and not _ONE.search(text):
        return None
    hot = sum(1 for item in regions if item.question == "forgery" and item.score and item.score.value >= HOT)
    unlike = sum(1 for item in regions if item.label == "different")
    if hot > allowed and _LOUD.search(text):
        return f"{hot} regions stand out"
    if unlike > allowed and _UNLIKE.search(text):
        return f"{unlike} regions differ"
    return None


def _contradicted(step: Step, cited: Sequence[Evidence | Verdict]) -> str | None:
    """Which claim of a step contradicts all the evidence it cites, or None."""
    text = step.text.lower()
    items = [item for item in cited if isinstance(item, Evidence)]
    moves = [str(item.facts.get("name", "")) for item in items if item.question == "action_units"]
    heat = [item.score.value for item in items if item.question == "forgery" and item.region and item.score]
    likeness = [item.label for item in items if item.question == "identity" and item.region]
    none = _NONE.search(text)
    contrary = {
        "moves the muscle the wrong way": (moves and all(map(_RAISES.search, moves)) and _only(_DOWN, _UP, text))
        or (moves and all(map(_LOWERS.search, moves)) and _only(_UP, _DOWN, text)),
        "calls conspicuous what is quiet": heat and max(heat) < HOT and _LOUD.search(text) and not none,
        "calls quiet what is not": heat and min(heat) > COLD and _QUIET.search(text),
        "calls alike what differs": likeness and "same" not in likeness and _ALIKE.search(text),
        "calls different what is alike": likeness and "different" not in likeness and _UNLIKE.search(text) and not none,
    }
    return next((fault for fault, found in contrary.items() if found), None)


def _hidden_words(items: Sequence[Evidence | Verdict]) -> list[re.Pattern[str]]:
    """The words that speak of parts of the face that the evidence says cannot be seen."""
    parts = {
        part
        for item in items
        if isinstance(item, Evidence) and item.status != "ok"
        for part in str(item.facts.get("hidden_parts", "")).split(", ")
    }
    return [words for names, words in _OF_PARTS if parts.issuperset(names)]


def _unseen(step: Step, hidden: Sequence[re.Pattern[str]], cited: Sequence[Evidence | Verdict]) -> str | None:
    """Which hidden part a step speaks of although nothing it cites names it, or None."""
    told = " ".join(_record_text(item) for item in cited).lower()
    named = (match[0] for words in hidden for match in words.finditer(step.text.lower()))
    unseen = next((name for name in named if not re.search(rf"\b{re.escape(name)}\b", told)), None)
    return None if unseen is None else f"speaks of the {unseen}, which cannot be seen"


def _only(wanted: re.Pattern[str], other: re.Pattern[str], text: str) -> bool:
    return wanted.search(text) is not None and other.search(text) is None
