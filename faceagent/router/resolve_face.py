"""Which face a description means: by number and place, by the record of age and gender, by looking where a model can.

A ``FaceReference`` holds words; each word becomes a weight per face, 0 to 1: how likely it is true of that face. A
place or a superlative asks for the extreme one among the faces that the words are true of. This module measures nothing
and decides no policy: ``needs`` names the questions whose evidence would help, and the caller gets it where allowed.
"""

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist, median

from pydantic import Field

from faceagent.router.plan import FaceReference
from faceagent.types import Evidence, Face, FrozenModel, Question, Score, Share

SURE = 0.6
"""Share of all weights that the best face must hold; below it the description is ambiguous."""
NOBODY = 0.15
"""When no face has more weight than this, nobody fits the description."""
RIVAL = 0.25
"""Weight, as a part of the best face's, from which on a face is named as a rival: in a crowd no share is large."""
FEMALE, MALE = frozenset({"woman", "girl"}), frozenset({"man", "boy"})
AGES = {"child": (-math.inf, 16.0), "baby": (-math.inf, 4.0), "old": (55.0, math.inf), "young": (-math.inf, 35.0)}
"""Years between which a word is true. A girl or a boy may be any age: people say so of adults."""
SEEN = frozenset({
    "glasses", "beard", "moustache", "hat", "bald", "blond", "dark_hair", "red_hair", "grey_hair", "long_hair",
    "short_hair",
})  # fmt: skip
"""Traits that only a look at the face can tell."""
STEP = 0.6
"""How far apart two faces must be for one to be clearly beyond the other, in widths of a face."""
LARGER = 2.5
"""Widths of a face that count as much as one doubling of its size: sizes are measured well, and compared by eye."""
OLDER = 8.0
"""Years by which two apparent ages must differ for the order to be likely: the tool's error on new pictures."""
NORMAL_80 = 1.2816
"""Half the width of an 80 % interval in standard deviations."""

TraitScorer = Callable[[Face, str], float | None]
"""How likely a face shows a trait of ``SEEN``, 0 to 1; None when it cannot be told."""
Weights = list[float]
Steps = Callable[[int, int], float]


class FaceMatch(FrozenModel):
    """The face that was meant. Without one, ``rivals`` are the faces it could be; none of them when it is nobody."""

    face: str | None
    confidence: Share = Field(description="share of all weights that the best face holds; uncalibrated")
    rivals: tuple[str, ...] = Field(default=(), description="other faces it could be, likeliest first")
    unknown: tuple[str, ...] = Field(default=(), description="what was said of the face and could not be looked at")


def needs(who: FaceReference, faces: Sequence[Face]) -> tuple[Question, ...]:
    """The questions whose evidence ``resolve`` can use for this description; none where place and number suffice."""
    if len(faces) < 2 or who.every or who.index is not None:
        return ()
    wanted: list[Question] = []
    if who.superlative in ("oldest", "youngest") or set(AGES) & set(who.words):
        wanted.append("age")
    if (FEMALE | MALE) & set(who.words):
        wanted.append("gender")
    return tuple(wanted)


def resolve(
    who: FaceReference, faces: Sequence[Face], evidence: Sequence[Evidence] = (), look: TraitScorer | None = None
) -> FaceMatch:
    """The face that ``who`` describes among the faces of one picture; ``who.every`` is for the caller.

    Args:
        who: the description.
        faces: all faces of the picture, as found.
        evidence: what is recorded about them; age and gender are read, where ``needs`` asked for them.
        look: tells traits that no tool measures; without it they are ``unknown``, and nobody is preferred by them.
    """
    if not faces:
        return FaceMatch(face=None, confidence=0.0)
    if who.index is not None:
        return _numbered(who.index, who, faces)
    told = {word: _weights(word, faces, evidence, look) for word in who.words}
    columns = [found for found in told.values() if found is not None]
    weights = [math.prod(column[i] for column in columns) for i in range(len(faces))]
    unknown = [word for word, found in told.items() if found is None]
    for name in (who.side, who.superlative):
        steps = None if name is None else _steps(name, faces, evidence)
        if steps is not None:
            weights = _extreme(weights, steps)
        elif name is not None:
            unknown.append(name)
    return _chosen(faces, weights, tuple(unknown))


def _numbered(index: int, who: FaceReference, faces: Sequence[Face]) -> FaceMatch:
    """Face 2 is F2; the second from the left is counted from there."""
    ordered = list(faces)
    if who.side in ("left", "right"):
        ordered.sort(key=lambda face: _centre(face)[0], reverse=who.side == "right")
        chosen = ordered[index - 1].id if index <= len(ordered) else None
    else:
        chosen = next((face.id for face in faces if face.id.endswith(f"F{index}")), None)
    return FaceMatch(face=chosen, confidence=float(chosen is not None))


def _weights(
    word: str, faces: Sequence[Face], evidence: Sequence[Evidence], look: TraitScorer | None
) -> Weights | None:
    """How likely ``word`` is true of each face; None when nothing is known about any of them."""
    found = [_weight(word, face, evidence, look) for face in faces]
    if all(weight is None for weight in found):
        return None
    return [0.5 if weight is None else weight for weight in found]


def _weight(word: str, face: Face, evidence: Sequence[Evidence], look: TraitScorer | None) -> float | None:
    if word in FEMALE | MALE:
        male = _male(face, evidence)
        return None if male is None else male if word in MALE else 1.0 - male
    if word in AGES:
        age = _age(face, evidence)
        return None if age is None else _between(*AGES[word], *age)
    return look(face, word) if look is not None and word in SEEN else None


def _male(face: Face, evidence: Sequence[Evidence]) -> float | None:
    score = _score(face, "gender", evidence)
    return None if score is None else 1.0 / (1.0 + math.exp(-score.value))


def _age(face: Face, evidence: Sequence[Evidence]) -> tuple[float, float] | None:
    """Mean and standard deviation in years."""
    score = _score(face, "age", evidence)
    if score is None or score.low is None or score.high is None:
        return None
    return score.value, max((score.high - score.low) / 2 / NORMAL_80, 1.0)


def _score(face: Face, question: Question, evidence: Sequence[Evidence]) -> Score | None:
    return next(
        (one.score for one in evidence if one.subject == face.id and one.question == question and one.status == "ok"),
        None,
    )


def _between(low: float, high: float, mean: float, spread: float) -> float:
    """Probability that a normal variable lies between two values."""
    return NormalDist(mean, spread).cdf(high) - NormalDist(mean, spread).cdf(low)


def _extreme(weights: Weights, steps: Steps) -> Weights:
    """How likely each face is the most extreme one of those that are meant: it is, and nobody beyond it is."""
    return [
        weight * math.prod(1.0 - other * steps(j, i) for j, other in enumerate(weights) if j != i)
        for i, weight in enumerate(weights)
    ]


def _steps(name: str, faces: Sequence[Face], evidence: Sequence[Evidence]) -> Steps | None:
    """How clearly face ``j`` lies beyond face ``i`` in the direction of ``name``, 0 to 1; None when it is not known."""
    if name in ("oldest", "youngest"):
        ages = [_age(face, evidence) for face in faces]
        if any(age is None for age in ages):
            return None
        years = [age[0] if name == "oldest" else -age[0] for age in ages if age is not None]
        return lambda j, i: 1.0 - math.exp(-max(years[j] - years[i], 0.0) / OLDER)
    places = _places(name, faces)
    return lambda j, i: 1.0 - math.exp(-max(places[j] - places[i], 0.0) / STEP)


def _places(name: str, faces: Sequence[Face]) -> list[float]:
    """How far each face lies in the direction of ``name``, in widths of a face or what counts as much."""
    unit = median(face.box[2] - face.box[0] for face in faces)
    across = [_centre(face)[0] / unit for face in faces]
    sizes = [LARGER * math.log2((face.box[2] - face.box[0]) / unit) for face in faces]
    if name in ("left", "right"):
        return [-x if name == "left" else x for x in across]
    if name == "middle":
        return [-abs(x - (min(across) + max(across)) / 2) for x in across]
    if name in ("largest", "smallest"):
        return [size if name == "largest" else -size for size in sizes]
    # Who stands in front is larger, and lower in the picture.
    nearness = [size + _centre(face)[1] / unit / 2 for size, face in zip(sizes, faces, strict=True)]
    return [near if name == "front" else -near for near in nearness]


def _centre(face: Face) -> tuple[float, float]:
    x0, y0, x1, y1 = face.box
    return (x0 + x1) / 2, (y0 + y1) / 2


def _chosen(faces: Sequence[Face], weights: Weights, unknown: tuple[str, ...]) -> FaceMatch:
    """The face with most of the weight, unless it is nobody or another could as well be meant."""
    total = sum(weights)
    order = sorted(range(len(faces)), key=lambda i: -weights[i])
    if weights[order[0]] < NOBODY:
        return FaceMatch(face=None, confidence=0.0, unknown=unknown)
    share = weights[order[0]] / total
    likely = tuple(faces[i].id for i in order if weights[i] >= RIVAL * weights[order[0]])
    if share >= SURE:
        return FaceMatch(face=likely[0], confidence=share, rivals=likely[1:], unknown=unknown)
    return FaceMatch(face=None, confidence=share, rivals=likely, unknown=unknown)
