"""Pictures composed of portraits whose places, ages and genders are known, each with a description of one face.

Every picture shows three to five portraits in one row, or in a back row of smaller and a front row of larger ones. The
portraits are FRLL's neutral ones (age and gender as its people stated them) and, for age, SFHQ's synthetic children,
adults and seniors. Labels per picture: ``text`` (the description, in one of three languages), ``kind``, ``boxes``
(JSON, x0, y0, x1, y1 in px of every portrait) and ``targets`` (JSON, indices of the boxes that are meant: one, or
several where the description is ambiguous and must be asked back).
"""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.data.folder import label_rows
from evals.synthetic_data import write_labels
from faceagent.errors import InputError

NAME = "composed_people"
PER_KIND = 20
"""Pictures of each kind of description."""
SEED = 6
UNIT = 200
"""Side of a portrait of the usual size, px."""
GAP = 20
GREY = 128
APART = 15.0
"""Years between the oldest (or youngest) and everybody else, where that is asked for."""
BANDS = {"small child": 5.0, "30 year old adult": 30.0, "wrinkly 70 year old senior": 70.0}
"""SFHQ's captions of age, in years."""
GEOMETRY = ("left", "right", "middle", "second", "back", "front", "largest", "smallest")
"""Kinds of description for which places and sizes suffice."""
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
"""What is asked, by kind, in English, Chinese and Spanish."""


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


def make(data: Path, folder: Path) -> Path:
    """Write the set into ``folder``; returns the folder. Raises InputError when a source set is not below ``data``."""
    people = list(_people(data))
    chance = random.Random(SEED)  # noqa: S311  (draws pictures, not secrets)
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for kind, texts in TEXTS.items():
        for number in range(PER_KIND):
            tiles, targets = _layout(kind, people, chance)
            name = kind.replace(",", "").replace(" ", "_")
            file = f"{name}_{number:02}.png"
            cv2.imwrite(str(folder / file), _composed(tiles)[:, :, ::-1])
            rows.append(
                {
                    "file": file,
                    "kind": name,
                    "text": texts[number % len(texts)],
                    "boxes": json.dumps([tile.box for tile in tiles]),
                    "targets": json.dumps([tiles.index(tile) for tile in targets]),
                }
            )
    return write_labels(folder, rows)


def _people(data: Path) -> Iterator[Person]:
    """FRLL's neutral portraits with stated age and gender, and SFHQ's with the age of their caption."""
    table = data / "frll_london" / "london_info.csv"
    if not table.is_file():
        raise InputError(f"frll_london is not below {data}.", remedy="Name the folder that holds the labelled sets.")
    for line in table.read_text(encoding="utf-8").splitlines()[1:]:
        name, age, gender, *_ = line.split(",")
        file = table.parent / "neutral_front" / f"{name}_03.jpg"
        if file.is_file() and age.isdigit():
            yield Person(file, float(age), gender)
    for row in label_rows(data / "sfhq_t2i_tiles"):
        if row["query_label"] in BANDS:
            yield Person(data / "sfhq_t2i_tiles" / row["file"], BANDS[row["query_label"]])


def _layout(kind: str, people: Sequence[Person], chance: random.Random) -> tuple[list[Tile], list[Tile]]:
    """The portraits in their places, and the tiles that are meant: several where the description is ambiguous."""
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
    """Who is shown, and of whom the words, places aside, are true; nobody in particular: none."""
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


def _composed(tiles: Sequence[Tile]) -> NDArray[np.uint8]:
    width = max(tile.box[2] for tile in tiles) + GAP
    height = max(tile.box[3] for tile in tiles) + GAP
    canvas = np.full((height, width, 3), GREY, dtype=np.uint8)
    for tile in tiles:
        x0, y0, x1, y1 = tile.box
        image = cv2.imread(str(tile.person.file))
        if image is None:
            raise InputError(f"{tile.person.file} cannot be read.", remedy="Restore the picture.")
        canvas[y0:y1, x0:x1] = cv2.resize(image, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA)[:, :, ::-1]
    return canvas
