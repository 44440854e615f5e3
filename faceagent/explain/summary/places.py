"""Faces named by where they are: "on the left (F1)", "in the upper row on the right (F4)".

The names follow from the boxes alone: rows from top to bottom, and in each row from left to right, as a viewer sees it.
"""

from collections.abc import Mapping, Sequence
from statistics import median

from faceagent.explain.summary.sentences import Sentences
from faceagent.types import Face

ROW = 0.8
"""Vertical distance between the centres of two faces, in heights of a face, from which they stand in two rows."""
SIDES = {2: ("left", "right"), 3: ("left", "middle", "right")}
LEVELS = {2: ("top", "bottom"), 3: ("top", "centre", "bottom")}
ROWS = {2: ("upper_row", "lower_row"), 3: ("upper_row", "middle_row", "lower_row")}
MOST_NAMED = 4
"""Faces named one by one in a sentence; of more, the rest is counted."""


def places_of(words: Sentences, faces: Sequence[Face]) -> Mapping[str, str]:
    """Where each of several faces of one picture is, with its id in brackets; empty for one face or none.

    In the order in which they are named: row by row from the top, each from the left.
    """
    if len(faces) < 2:
        return {}
    rows = _rows(faces)
    if all(len(row) == 1 for row in rows) and _reach(faces, 0) >= _reach(faces, 1):
        # One below the other, but further apart sideways.
        rows = [sorted(faces, key=lambda face: _centre(face, 0))]
    found: dict[str, str] = {}
    for number, row in enumerate(rows):
        for place, face in enumerate(row):
            where = _where(words, (number, len(rows)), (place, len(row)))
            found[face.id] = words.say("places", "named", place=where, id=face.id)
    return found


def name_faces(words: Sentences, names: Sequence[str], places: Mapping[str, str], within: str = "subject") -> str:
    """Faces as a sentence names them: "the faces on the left (F1) and on the right (F2)".

    ``within``: "subject" of a sentence, or "lead" before what is said of them.
    """
    told = [places.get(name, name) for name in names]
    if len(told) > MOST_NAMED:
        told = [*told[: MOST_NAMED - 1], words.say("more_faces", n=len(told) - MOST_NAMED + 1)]
    return words.say("places", within, form=int(len(names) > 1), names=words.join(told))


def _rows(faces: Sequence[Face]) -> list[list[Face]]:
    """The faces row by row from the top, each row from the left."""
    ordered = sorted(faces, key=lambda face: _centre(face, 1))
    gap = ROW * median(face.box[3] - face.box[1] for face in faces)
    rows = [[ordered[0]]]
    for before, face in zip(ordered, ordered[1:], strict=False):
        if _centre(face, 1) - _centre(before, 1) > gap:
            rows.append([])
        rows[-1].append(face)
    return [sorted(row, key=lambda face: _centre(face, 0)) for row in rows]


def _where(words: Sentences, row: tuple[int, int], column: tuple[int, int]) -> str:
    """The place of a face from its row and its place in it, each with how many there are."""
    if row[1] == 1:
        return _column(words, *column)
    if column[1] == 1:
        number, total = row
        level = LEVELS.get(total)
        return words.say("places", level[number]) if level else words.say("places", "level", n=number + 1)
    number, total = row
    name = ROWS.get(total)
    line = words.say("places", name[number]) if name else words.say("places", "row", n=number + 1)
    return words.say("places", "both", row=line, column=_column(words, *column))


def _column(words: Sentences, place: int, total: int) -> str:
    sides = SIDES.get(total)
    if sides:
        return words.say("places", sides[place])
    if place in (0, total - 1):
        return words.say("places", "far_right" if place else "far_left")
    return words.say("places", "nth", n=place + 1)


def _centre(face: Face, axis: int) -> float:
    return (face.box[axis] + face.box[axis + 2]) / 2


def _reach(faces: Sequence[Face], axis: int) -> float:
    """How far apart the outermost centres are."""
    centres = [_centre(face, axis) for face in faces]
    return max(centres) - min(centres)
