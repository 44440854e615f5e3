"""Which face a description means, on pictures composed of portraits whose places, ages and genders are known.

Every picture is a wall of three to five portraits in one row, or in a back row of smaller and a front row of larger
ones. Descriptions in three languages are read by the router and resolved among the faces found. An ambiguous one ("the
woman" where there are two) is right when it is asked back with the right candidates. The portraits are FRLL's neutral
ones (age and gender as its people stated them) and, for age, SFHQ's synthetic children, adults and seniors.
"""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from evals.acceptance import MissingSet, Row, labels, wilson
from evals.views import drawn
from faceagent.faces import find_faces
from faceagent.router import FaceReference, route
from faceagent.router.resolve_face import FaceMatch, needs, resolve
from faceagent.settings import Settings
from faceagent.tools.attributes import Attributes
from faceagent.tools.base import Pixels, View
from faceagent.types import Evidence, Face

PICTURES = 20
"""Composed for each kind of description."""
BAR = 0.9
SEED = 6
UNIT = 200
"""Side of a portrait of the usual size, px."""
GAP = 20
GREY = 128
APART = 15.0
"""Years between the oldest (or youngest) and everybody else, where that is asked for."""
BANDS = {"small child": 5.0, "30 year old adult": 30.0, "wrinkly 70 year old senior": 70.0}
"""SFHQ's captions of age, in years."""


@dataclass(frozen=True)
class Person:
    """One portrait, and what is known about it; None: not known."""

    file: Path
    age: float | None = None
    gender: str | None = None


@dataclass(frozen=True)
class Tile:
    """A portrait in its place, px: x0, y0, x1, y1."""

    person: Person
    box: tuple[int, int, int, int]

    def holds(self, face: Face) -> bool:
        """Whether the middle of the face lies in it."""
        x, y = (face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2
        return self.box[0] <= x <= self.box[2] and self.box[1] <= y <= self.box[3]


TEXTS: Mapping[str, tuple[str, ...]] = {
    "left": ("Is the person on the left smiling?", "左边的人在笑吗？", "¿Sonríe la persona de la izquierda?"),
    "right": (
        "How is the person on the right feeling?",
        "右边的人开心吗？",
        "¿Está contenta la persona de la derecha?",
    ),
    "middle": ("Is the face in the middle real?", "中间的人是真的吗？", "¿Es real la cara del medio?"),
    "second": (
        "Is the second person from the left real?",
        "左边第二个人是真的吗？",
        "¿Es real la segunda persona de la izquierda?",
    ),
    "back": ("Is the person in the back smiling?", "后面的人在笑吗？", "¿Sonríe la persona del fondo?"),
    "front": ("Is the person in front smiling?", "前面的人在笑吗？", "¿Sonríe la persona de delante?"),
    "largest": ("Is the largest face fake?", "最大的脸是假的吗？", "¿Es falsa la cara más grande?"),
    "smallest": ("Is the smallest face fake?", "最小的脸是假的吗？", "¿Es falsa la cara más pequeña?"),
    "woman": ("Is the woman smiling?", "女士在笑吗？", "¿Sonríe la mujer?"),
    "man": ("Is the man smiling?", "男士在笑吗？", "¿Sonríe el hombre?"),
    "woman on the left": (
        "Is the woman on the left sad?",
        "左边的女人难过吗？",
        "¿Está triste la mujer de la izquierda?",
    ),
    "man on the right": ("Is the man on the right sad?", "右边的男人难过吗？", "¿Está triste el hombre de la derecha?"),
    "oldest": ("Is the oldest person happy?", "年纪最大的人高兴吗？", "¿Está feliz la persona más vieja?"),
    "youngest": ("Is the youngest person happy?", "最年轻的人高兴吗？", "¿Está feliz la persona más joven?"),
    "woman, of two": ("Is the woman smiling?", "女士在笑吗？", "¿Sonríe la mujer?"),
    "man, of two": ("Is the man smiling?", "男士在笑吗？", "¿Sonríe el hombre?"),
}
"""What is asked, by kind."""
GEOMETRY = ("left", "right", "middle", "second", "back", "front", "largest", "smallest")


def rows(data: Path, settings: Settings) -> Iterable[Row]:
    """Share of descriptions that led to the right face, by kind and over all, and with boxes alone."""
    tool = Attributes(settings)
    people = list(_people(data))
    chance = random.Random(SEED)  # noqa: S311  (draws pictures, not secrets)
    known, blind = [], []
    for kind, texts in TEXTS.items():
        right, alone = [], []
        for number in range(PICTURES):
            tiles, target = _layout(kind, people, chance)
            pixels, who = _composed(tiles), route(texts[number % len(texts)]).faces[0]
            view = drawn(pixels)
            faces = find_faces(view.picture, pixels, settings)
            right.append(_right(resolve(who, faces, _evidence(tool, view, faces, who)), faces, target))
            alone.append(_right(resolve(who, faces), faces, target))
        known += right
        blind += alone
        note = "places and sizes suffice" if kind in GEOMETRY else f"with boxes alone {np.mean(alone):.3f}"
        yield _share(f"people: {kind}", right, note)
    yield _share("people: all kinds", known, f"with boxes alone {np.mean(blind):.3f}", BAR)
    names = list(TEXTS)
    places = [ok for place, ok in enumerate(known) if names[place // PICTURES] in GEOMETRY]
    yield _share("people: by place, size and number", places, "boxes alone", BAR)
    others = [ok for place, ok in enumerate(known) if names[place // PICTURES] not in GEOMETRY]
    yield _share("people: by age and gender", others, "with the attributes tool", BAR)


def _share(figure: str, right: Sequence[bool], note: str, bar: float | None = None) -> Row:
    low, high = wilson(sum(right), len(right))
    value = float(np.mean(right))
    return Row(on="composed", figure=figure, value=value, low=low, high=high, n=len(right), bar=bar, note=note)


def _people(data: Path) -> Iterator[Person]:
    """FRLL's neutral portraits with stated age and gender, and SFHQ's with the age of their caption."""
    table = data / "frll_london" / "london_info.csv"
    if not table.is_file():
        raise MissingSet(f"frll_london is not below {data}")
    for line in table.read_text(encoding="utf-8").splitlines()[1:]:
        name, age, gender, *_ = line.split(",")
        file = table.parent / "neutral_front" / f"{name}_03.jpg"
        if file.is_file() and age.isdigit():
            yield Person(file, float(age), gender)
    for row in labels(data, "sfhq_t2i_tiles"):
        if row["query_label"] in BANDS:
            yield Person(data / "sfhq_t2i_tiles" / row["file"], BANDS[row["query_label"]])


def _layout(kind: str, people: Sequence[Person], chance: random.Random) -> tuple[list[Tile], list[Tile]]:
    """A wall of portraits, and the tiles that are right: one, or several where the description is ambiguous."""
    cast, wanted = _cast(kind, people, chance)
    chance.shuffle(cast)
    if kind in ("back", "front"):
        return _two_rows(kind, cast, chance)
    sizes = [UNIT * chance.uniform(0.9, 1.1) for _ in cast]
    if kind in ("largest", "smallest"):
        odd = chance.randrange(len(cast))
        sizes[odd], wanted = UNIT * (1.6 if kind == "largest" else 0.6), [cast[odd]]
    tiles = _row(cast, sizes, 0, chance)
    fitting = [tile for tile in tiles if tile.person in wanted] or tiles
    place = {"left": 0, "right": -1, "middle": len(tiles) // 2, "second": 1}
    if "of two" in kind:
        return tiles, fitting
    chosen = place.get(kind.rpartition(" ")[2], 0)
    return tiles, [fitting[chosen]]


def _cast(kind: str, people: Sequence[Person], chance: random.Random) -> tuple[list[Person], list[Person]]:
    """Who is on the wall, and whom the words, places aside, are true of; nobody in particular: none."""
    adults = [one for one in people if one.gender is not None]
    if kind in ("oldest", "youngest"):
        ages = {one: one.age or 0.0 for one in people}
        target = chance.choice([one for one, age in ages.items() if (age >= 60 if kind == "oldest" else age < 10)])
        others = [
            one for one, age in ages.items() if abs(age - ages[target]) >= APART and age <= 70 and one is not target
        ]
        return [target, *chance.sample(others, chance.randint(2, 3))], [target]
    word = kind.split(" ")[0].rstrip(",")
    if word in ("woman", "man"):
        gender = "female" if word == "woman" else "male"
        meant = chance.sample([one for one in adults if one.gender == gender], 1 if kind == word else 2)
        rest = chance.sample([one for one in adults if one.gender != gender], chance.randint(1, 2) + (kind == word))
        return [*meant, *rest], meant
    return chance.sample(adults, chance.choice([3, 5]) if kind == "middle" else chance.randint(3, 5)), []


def _row(cast: Sequence[Person], sizes: Sequence[float], top: int, chance: random.Random) -> list[Tile]:
    tiles, x = [], GAP
    for person, size in zip(cast, sizes, strict=True):
        y = top + GAP + chance.randint(0, GAP)
        tiles.append(Tile(person, (x, y, x + int(size), y + int(size))))
        x += int(size) + GAP
    return tiles


def _two_rows(kind: str, cast: list[Person], chance: random.Random) -> tuple[list[Tile], list[Tile]]:
    """A back row, smaller and higher, and a front row; the row that is asked for has one person in it."""
    one, others = cast[:1], cast[1:4]
    back, front = (one, others) if kind == "back" else (others, one)
    behind = _row(back, [UNIT * 0.6] * len(back), 0, chance)
    before = _row(front, [UNIT * 1.1] * len(front), int(UNIT * 0.6) + GAP, chance)
    return [*behind, *before], behind if kind == "back" else before


def _composed(tiles: Sequence[Tile]) -> Pixels:
    width = max(tile.box[2] for tile in tiles) + GAP
    height = max(tile.box[3] for tile in tiles) + GAP
    wall = np.full((height, width, 3), GREY, dtype=np.uint8)
    for tile in tiles:
        x0, y0, x1, y1 = tile.box
        image = cv2.imread(str(tile.person.file))
        if image is None:
            raise MissingSet(f"{tile.person.file} cannot be read")
        wall[y0:y1, x0:x1] = cv2.resize(image, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA)[:, :, ::-1]
    return wall


def _evidence(tool: Attributes, view: View, faces: Sequence[Face], who: FaceReference) -> list[Evidence]:
    """What the conversation would measure for this description."""
    if not needs(who, faces):
        return []
    views = [View(view.picture, view.pixels, view.original, face) for face in faces]
    return [item for found in tool.run(views) for item in found]


def _right(found: FaceMatch, faces: Sequence[Face], target: Sequence[Tile]) -> bool:
    """Whether the one face is meant, or all that could be are asked about."""
    named = [face for face in faces if face.id == found.face or (found.face is None and face.id in found.rivals)]
    if len(target) == 1:
        return found.face is not None and bool(named) and target[0].holds(named[0])
    every = all(any(tile.holds(face) for face in named) for tile in target)
    return found.face is None and every and all(any(tile.holds(face) for tile in target) for face in named)
