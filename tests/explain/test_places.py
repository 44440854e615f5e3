"""Faces are named by where a viewer sees them."""

from collections.abc import Sequence

import pytest

from faceagent.explain.summary.places import name_faces, places_of
from faceagent.explain.summary.sentences import languages, sentences_in
from faceagent.types import Face, Quality

QUALITY = Quality(unified=80, sharpness=80, illumination=70, exposure=90, resolution=60, pose=95, visibility=100)


def faces(centres: Sequence[tuple[int, int]]) -> list[Face]:
    """Faces of 40 px at these centres, F1 first."""
    return [
        Face(
            id=f"F{number}",
            picture="P1",
            box=(x - 20, y - 20, x + 20, y + 20),
            confidence=0.9,
            points5=(),
            quality=QUALITY,
        )
        for number, (x, y) in enumerate(centres, start=1)
    ]


@pytest.mark.parametrize(
    ("centres", "expected"),
    [
        ([(50, 50)], []),
        ([(150, 50), (50, 60)], ["on the right", "on the left"]),
        ([(150, 50), (50, 60), (250, 40)], ["in the middle", "on the left", "on the right"]),
        (
            [(50, 50), (150, 60), (250, 40), (350, 50)],
            ["on the far left", "number 2 from the left", "number 3 from the left", "on the far right"],
        ),
        ([(50, 50), (60, 150)], ["at the top", "at the bottom"]),
        # Apart both ways, but more so sideways.
        ([(50, 50), (350, 150)], ["on the left", "on the right"]),
        (
            [(50, 50), (150, 50), (100, 150)],
            ["on the left in the upper row", "on the right in the upper row", "at the bottom"],
        ),
        (
            [(50, 50), (150, 50), (50, 150), (100, 150), (150, 150)],
            [
                "on the left in the upper row",
                "on the right in the upper row",
                "on the left in the lower row",
                "in the middle in the lower row",
                "on the right in the lower row",
            ],
        ),
    ],
)
def test_a_face_is_named_by_its_row_and_its_place_in_it(centres: list[tuple[int, int]], expected: list[str]) -> None:
    found = places_of(sentences_in("en"), faces(centres))
    assert found == {f"F{number}": f"{place} (F{number})" for number, place in enumerate(expected, start=1)}


@pytest.mark.parametrize("language", languages())
def test_every_face_has_a_name_of_its_own(language: str) -> None:
    crowd = faces([(60 * column, 60 * line) for line in range(5) for column in range(5)])
    named = places_of(sentences_in(language), crowd)
    assert len({text.partition("F")[0] for text in named.values()}) == 25


def test_many_faces_are_counted() -> None:
    words, crowd = sentences_in("en"), faces([(60 * place, 50) for place in range(7)])
    named = name_faces(words, [face.id for face in crowd], places_of(words, crowd))
    assert named.startswith("the faces on the far left (F1), number 2 from the left (F2)") and named.endswith(
        "and 4 more"
    )
