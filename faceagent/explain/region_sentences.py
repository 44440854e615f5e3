"""Regions of a face in few sentences: those that share a level or a label together, the strongest first.

Every sentence cites the evidence of all the regions it names, and repeats only numbers that stand in it.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from faceagent.explain.heat import COLD, HOT
from faceagent.judge.wording import join
from faceagent.types import Evidence, Region

NAMES: dict[Region, str] = {
    "left_eye": "the left eye",
    "right_eye": "the right eye",
    "nose": "the nose",
    "mouth": "the mouth",
    "skin": "the skin",
    "outer_face": "the outer face",
    "overall": "the face as a whole",
}
WEAK = "single regions are weak evidence"
_BOTH_EYES = {"left_eye", "right_eye"}


class Sentence(NamedTuple):
    """A sentence and the ids of the evidence it rests on."""

    text: str
    cites: tuple[str, ...]


def heat_sentences(regions: Sequence[Evidence]) -> Iterator[Sentence]:
    """What a detector's heat says region by region; scores are from 0 to 1, the most conspicuous regions first."""
    scored = sorted((item for item in regions if item.score), key=_value, reverse=True)
    hot = [item for item in scored if _value(item) >= HOT]
    between = [item for item in scored if COLD < _value(item) < HOT]
    quiet = [item for item in scored if _value(item) <= COLD]
    if hot:
        yield _sentence(hot, "stands out", "stand out", "as a part of another picture would")
    elif scored:
        top = scored[0]
        text = f"No region stands out; the strongest is {NAMES[top.region or 'overall']} with {_value(top):.2f} of 1."
        yield Sentence(text, (top.id,))
        between = [item for item in between if item is not top]
        quiet = [item for item in quiet if item is not top]
    if between:
        yield _sentence(between, "lies in between", "lie in between", "")
    if quiet:
        yield _sentence(quiet, "is quiet", "are quiet", "")


def likeness_sentences(regions: Sequence[Evidence]) -> Iterator[Sentence]:
    """Which regions look the same as in the reference and which look different, with their cosine similarities."""
    for label, one, several in (
        ("different", "looks different from", "look different from"),
        ("same", "looks the same as in", "look the same as in"),
    ):
        found = sorted((item for item in regions if item.label == label and item.score), key=_value, reverse=True)
        if found:
            values = _range(found, "")
            verb = one if len(found) == 1 else several
            text = f"{_capital(_names(found))} {verb} the reference (cosine similarity {values}); {WEAK}."
            yield Sentence(text, tuple(item.id for item in found))


def _sentence(found: Sequence[Evidence], one: str, several: str, meaning: str) -> Sentence:
    verb = one if len(found) == 1 else several
    tail = f", {meaning}" if meaning else ""
    text = f"{_capital(_names(found))} {verb} ({_range(found, ' of 1')}){tail}."
    return Sentence(text, tuple(item.id for item in found))


def _names(found: Sequence[Evidence]) -> str:
    """The regions as a list; both eyes are one entry."""
    regions = [item.region or "overall" for item in found]
    if set(regions) >= _BOTH_EYES:
        first = min(regions.index("left_eye"), regions.index("right_eye"))
        rest = [NAMES[region] for region in regions if region not in _BOTH_EYES]
        return join([*rest[:first], "both eyes", *rest[first:]])
    return join([NAMES[region] for region in regions])


def _range(found: Sequence[Evidence], unit: str) -> str:
    low, high = f"{_value(found[-1]):.2f}", f"{_value(found[0]):.2f}"
    return f"{high}{unit}" if low == high else f"{low} to {high}{unit}"


def _value(item: Evidence) -> float:
    return item.score.value if item.score is not None else 0.0


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
