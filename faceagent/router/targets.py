"""Which picture or face each question of a turn is about: "is the first one fake, and how old is he in the second?".

Works on normalized text. A clause with a picture or a face of its own is the place of the questions in it; a clause
without one goes on about the place of the clause before.
"""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from faceagent.router.grammar import Grammar
from faceagent.router.plan import FaceReference, ImageReference, Target
from faceagent.types import Question

_HAN = re.compile(r"[㐀-鿿]")
Finder = Callable[[str], Sequence[Question]]


def find_targets(
    text: str,
    lists: Grammar,
    asked: Sequence[Question],
    questions_of: Finder,
    pictures_of: Callable[[str], tuple[ImageReference, ...]],
    faces_of: Callable[[str], tuple[FaceReference, ...]],
) -> tuple[Target, ...]:
    """One target for each question and place; empty where all questions are about the same.

    Args:
        text: the normalized turn.
        lists: the grammar.
        asked: the questions of the whole turn; only these become targets.
        questions_of: the questions of a clause.
        pictures_of: the pictures that a clause names.
        faces_of: the faces that a clause refers to.
    """
    if len(asked) < 2 or "identity" in asked:
        return ()
    found: list[Target] = []
    pictures: tuple[ImageReference, ...] = ()
    faces: tuple[FaceReference, ...] = ()
    for clause in _clauses(text, lists):
        own_pictures, own_faces = pictures_of(clause), faces_of(clause)
        if own_pictures:
            pictures, faces = own_pictures, ()
        faces = own_faces or faces
        for question in questions_of(clause):
            if question in asked:
                found.append(Target(question=question, pictures=pictures or ("this",), faces=faces))
    places = {(one.pictures, one.faces) for one in found}
    complete = {one.question for one in found} == set(asked)
    return tuple(dict.fromkeys(found)) if complete and len(places) > 1 and not _is_grid(found) else ()


def _is_grid(found: Sequence[Target]) -> bool:
    """Whether every question is asked about every place, so that the targets say no more than the plan."""
    places = {(one.pictures, one.faces) for one in found}
    return len(set(found)) == len(places) * len({one.question for one in found})


def _clauses(text: str, lists: Grammar) -> list[str]:
    cuts = [0, *(hit.start for hit in lists.hits("joiners", text)), len(text)]
    return [text[start:end] for start, end in pairwise(sorted(set(cuts)))]


def place_faces(
    faces: Sequence[tuple[FaceReference, int, int]], pictures: Sequence[tuple[ImageReference, int, int]], text: str
) -> tuple[FaceReference, ...]:
    """Each face with the picture that stands nearest to its words, where the text names more than one picture.

    "The woman in the first photo" names the picture after the person, "第一张照片里的女人" before; a picture that
    stands alone, as in "is she also in the second?", belongs to nobody.

    Args:
        faces: each reference with the start and end of its words.
        pictures: each picture that is named with the start and end of its words.
        text: the normalized turn.
    """
    free = [one for one in pictures if one[0] not in ("both", "all", "this")]
    if len({name for name, _, _ in free}) < 2:
        return tuple(face for face, _, _ in faces)
    placed = []
    for face, start, end in faces:
        near = min(free, key=lambda one: _distance(text, one, start, end), default=None)
        if near is not None and face.picture is None and not face.every and _distance(text, near, start, end) <= NEAR:
            free.remove(near)
            face = face.model_copy(update={"picture": near[0]})
        placed.append(face)
    return tuple(placed)


NEAR = 16
"""Characters between the words for a face and for its picture, such as " standing in the "."""


def _distance(text: str, picture: tuple[ImageReference, int, int], start: int, end: int) -> int:
    _, first, last = picture
    after = first >= end
    gap = text[end:first] if after else text[last:start] if last <= start else ""
    # In Chinese the picture always comes first, and nothing crosses the end of a clause.
    return len(gap) + (NEAR + 1 if ";" in gap or (after and _HAN.search(text[first:last])) else 0)
