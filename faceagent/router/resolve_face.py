"""Finds the face that a description means: by number, place and size, recorded age and gender, and visual traits.

Each word of a ``FaceReference`` gives every face a weight from 0 to 1, the probability that the word is true of it. A
side or a superlative selects the extreme face among those that the words are true of. This module measures nothing and
knows no policy: ``needs`` names the questions whose evidence would help, and the caller gets it where it is allowed.
"""

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist, median

from pydantic import Field

from faceagent.router.plan import FaceReference
from faceagent.types import Evidence, Face, FrozenModel, Question, Score, Share

SURE = 0.6
"""Share of all weights that the best face must have; below it the description is ambiguous."""
NOBODY = 0.15
"""When no face has this weight, nobody fits the description."""
RIVAL = 0.25
"""Weight, relative to the best face, from which a face is a rival; in a crowd no share of all weights is large."""
FEMALE, MALE = frozenset({"woman", "girl"}), frozenset({"man", "boy"})
AGES = {"child": (-math.inf, 16.0), "baby": (-math.inf, 4.0), "old": (55.0, math.inf), "young": (-math.inf, 35.0)}
"""Range of years in which a word is true. Girl and boy have none, because they are also said of adults."""
HAIR = frozenset({"blond", "dark_hair", "red_hair", "grey_hair", "long_hair", "short_hair"})
VISUAL_TRAITS = HAIR | {"glasses", "beard", "moustache", "hat", "bald"}
"""Traits that no tool measures; a ``TraitScorer`` scores them."""
STEP = 0.6
"""Distance at which one face lies clearly beyond another, in widths of a face."""
LARGER = 2.5
"""Widths of a face that count as much as a doubling of its size."""
OLDER = 8.0
"""Difference of two apparent ages at which their order is likely, in years: the error of the tool on new pictures."""
NORMAL_80 = 1.2816
"""Half the width of an 80 % interval of a normal distribution, in standard deviations."""

TraitScorer = Callable[[Face, str], float | None]
"""Probability from 0 to 1 that a face shows a trait of ``VISUAL_TRAITS``; None when it cannot be scored."""
Weights = list[float]
Steps = Callable[[int, int], float]


class FaceMatch(FrozenModel):
    """The face that is meant. Without one, ``rivals`` are the faces it could be; no rivals mean that nobody fits."""

    face: str | None
    confidence: Share = Field(description="share of all weights that the best face has; uncalibrated")
    rivals: tuple[str, ...] = Field(default=(), description="other faces it could be, likeliest first")
    unknown: tuple[str, ...] = Field(default=(), description="words of the description that could not be checked")


def needs(reference: FaceReference, faces: Sequence[Face]) -> tuple[Question, ...]:
    """The questions whose evidence ``resolve`` can use for this description; none where side and number suffice."""
    if len(faces) < 2 or reference.every or reference.index is not None:
        return ()
    wanted: list[Question] = []
    if reference.superlative in ("oldest", "youngest") or set(AGES) & set(reference.words):
        wanted.append("age")
    if (FEMALE | MALE) & set(reference.words):
        wanted.append("gender")
    return tuple(wanted)


def resolve(
    reference: FaceReference,
    faces: Sequence[Face],
    evidence: Sequence[Evidence] = (),
    score_trait: TraitScorer | None = None,
) -> FaceMatch:
    """The face that ``reference`` describes among the faces of one picture; the caller handles ``every``.

    Args:
        reference: the description.
        faces: all faces of the picture, as found.
        evidence: the evidence about them; only age and gender are used.
        score_trait: scores visual traits; without it these words are ``unknown`` and change no weight.
    """
    if not faces:
        return FaceMatch(face=None, confidence=0.0)
    if reference.index is not None:
        return _numbered(reference.index, reference, faces)
    by_word = {word: _weights(word, faces, evidence, score_trait) for word in reference.words}
    columns = [found for found in by_word.values() if found is not None]
    weights = [math.prod(column[i] for column in columns) for i in range(len(faces))]
    unknown = [word for word, found in by_word.items() if found is None]
    for name in (reference.side, reference.superlative):
        steps = None if name is None else _steps(name, faces, evidence)
        if steps is not None:
            weights = _extreme(weights, steps)
        elif name is not None:
            unknown.append(name)
    return _chosen(faces, weights, tuple(unknown))


def _numbered(index: int, reference: FaceReference, faces: Sequence[Face]) -> FaceMatch:
    """The face of that number: 2 is F2, and with a side the second from that side."""
    ordered = list(faces)
    if reference.side in ("left", "right"):
        ordered.sort(key=lambda face: _centre(face)[0], reverse=reference.side == "right")
        chosen = ordered[index - 1].id if index <= len(ordered) else None
    else:
        chosen = next((face.id for face in faces if face.id.endswith(f"F{index}")), None)
    return FaceMatch(face=chosen, confidence=float(chosen is not None))


def _weights(
    word: str, faces: Sequence[Face], evidence: Sequence[Evidence], score_trait: TraitScorer | None
) -> Weights | None:
    """Probability that ``word`` is true of each face; None when nothing is known about any of them."""
    found = [_weight(word, face, evidence, score_trait) for face in faces]
    if all(weight is None for weight in found):
        return None
    return [0.5 if weight is None else weight for weight in found]


def _weight(word: str, face: Face, evidence: Sequence[Evidence], score_trait: TraitScorer | None) -> float | None:
    if word in FEMALE | MALE:
        male = _male(face, evidence)
        return None if male is None else male if word in MALE else 1.0 - male
    if word in AGES:
        age = _age(face, evidence)
        return None if age is None else _between(*AGES[word], *age)
    return score_trait(face, word) if score_trait is not None and word in VISUAL_TRAITS else None


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
    about = (one for one in evidence if one.subject == face.id and one.question == question and one.status == "ok")
    # What rests on another item, the distance from the training faces, is no estimate.
    return next((one.score for one in about if not one.cites), None)


def _between(low: float, high: float, mean: float, spread: float) -> float:
    """Probability that a normal variable lies between two values."""
    return NormalDist(mean, spread).cdf(high) - NormalDist(mean, spread).cdf(low)


def _extreme(weights: Weights, steps: Steps) -> Weights:
    """Probability that each face is the extreme one of those that are meant."""
    return [
        weight * math.prod(1.0 - other * steps(j, i) for j, other in enumerate(weights) if j != i)
        for i, weight in enumerate(weights)
    ]


def _steps(name: str, faces: Sequence[Face], evidence: Sequence[Evidence]) -> Steps | None:
    """How clearly face ``j`` lies beyond face ``i`` in the direction of ``name``, 0 to 1; None when it is unknown."""
    if name in ("oldest", "youngest"):
        ages = [_age(face, evidence) for face in faces]
        if any(age is None for age in ages):
            return None
        years = [age[0] if name == "oldest" else -age[0] for age in ages if age is not None]
        return lambda j, i: 1.0 - math.exp(-max(years[j] - years[i], 0.0) / OLDER)
    places = _places(name, faces)
    return lambda j, i: 1.0 - math.exp(-max(places[j] - places[i], 0.0) / STEP)


def _places(name: str, faces: Sequence[Face]) -> list[float]:
    """Position of each face in the direction of ``name``, in widths of a face or the equivalent."""
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
    """The face with most of the weight, or the rivals where no face has enough of it."""
    total = sum(weights)
    order = sorted(range(len(faces)), key=lambda i: -weights[i])
    if weights[order[0]] < NOBODY:
        return FaceMatch(face=None, confidence=0.0, unknown=unknown)
    share = weights[order[0]] / total
    likely = tuple(faces[i].id for i in order if weights[i] >= RIVAL * weights[order[0]])
    if share >= SURE:
        return FaceMatch(face=likely[0], confidence=share, rivals=likely[1:], unknown=unknown)
    return FaceMatch(face=None, confidence=share, rivals=likely, unknown=unknown)
