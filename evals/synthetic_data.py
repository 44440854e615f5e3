"""Pictures that the project can make itself: one public-domain photograph, changed in ways whose truth is known.

Source is ``skimage.data.astronaut()`` (NASA, public domain). Every maker writes pictures and labels.csv into a folder.
"""

import csv
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

from faceagent.faces import find_faces, main_face
from faceagent.faces.ibug68 import ibug68
from faceagent.settings import Settings
from faceagent.types import Picture

Pixels = NDArray[np.uint8]
LabelRow = Mapping[str, str | float]


def portrait() -> Pixels:
    """384×384 RGB around the face."""
    whole: Pixels = skimage.data.astronaut()  # type: ignore[no-untyped-call]
    return np.ascontiguousarray(whole[:384, 40:424])


def warped(pixels: Pixels, angle: float, scale: float) -> tuple[Pixels, NDArray[np.float64]]:
    """The picture turned and scaled about its middle, and the 2×3 matrix that did it."""
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, scale)
    turned = cv2.warpAffine(pixels, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(turned, np.uint8), np.asarray(matrix, np.float64)


def lit(pixels: Pixels, gamma: float) -> Pixels:
    """Brighter (gamma below 1) or darker."""
    return (255 * (pixels / 255.0) ** gamma).round().astype(np.uint8)


def as_print(pixels: Pixels, side: float) -> Pixels:
    """As a small, flat, faintly striped print held before a plain wall."""
    height, width = pixels.shape[:2]
    small = cv2.resize(pixels, None, fx=side, fy=side, interpolation=cv2.INTER_AREA).astype(np.float64)
    stripes = 10 * np.sin(np.arange(small.shape[0]) * 1.9)[:, np.newaxis, np.newaxis]
    paper = np.clip(small * 0.72 + 52 + stripes, 0, 255)
    wall = np.full((height, width, 3), (150, 148, 140), np.uint8)
    top, left = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
    wall[top : top + small.shape[0], left : left + small.shape[1]] = paper.round().astype(np.uint8)
    return wall


def write(folder: Path, pictures: Iterable[tuple[str, Pixels, LabelRow]]) -> None:
    """Store pictures as PNG and their labels."""
    rows: list[LabelRow] = []
    for name, pixels, labels in pictures:
        cv2.imwrite(str(folder / name), np.ascontiguousarray(pixels[..., ::-1]))
        rows.append({"file": name, **labels})
    write_labels(folder, rows)


def write_labels(folder: Path, rows: Iterable[LabelRow]) -> Path:
    """Write labels.csv with the columns of all rows; returns the folder."""
    listed = list(rows)
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, fieldnames=list(dict.fromkeys(name for row in listed for name in row)))
        table.writeheader()
        table.writerows(listed)
    return folder


def variants() -> list[tuple[str, Pixels]]:
    """The photograph in eight guises that change nothing about the person."""
    source = portrait()
    return [
        *((f"turned{angle:+}.png", warped(source, angle, 1.0)[0]) for angle in (-12, 0, 12)),
        *((f"scaled{scale:g}.png", warped(source, 0, scale)[0]) for scale in (0.7, 1.4)),
        *((f"gamma{gamma:g}.png", lit(source, gamma)) for gamma in (0.6, 1.6)),
        ("mirrored.png", np.ascontiguousarray(source[:, ::-1])),
    ]


def make_landmarks(folder: Path) -> None:
    """Truth: the points found on the source, moved as its pixels were moved."""
    source = portrait()
    height, width = source.shape[:2]
    picture = Picture(id="P1", sha256="0" * 64, width=width, height=height, format="PNG", bytes=1, source="portrait",
                      mode="RGB", orientation=1)  # fmt: skip
    face = main_face(find_faces(picture, source, Settings()), picture)
    if face is None:
        raise RuntimeError("no face was found on the photograph that the suite is made of")
    points = ibug68(np.asarray(face.landmarks))
    made = []
    for angle, scale in ((0, 1.0), (-15, 1.0), (15, 1.0), (0, 0.75), (0, 1.3), (8, 1.2)):
        turned, matrix = warped(source, angle, scale)
        moved = points @ matrix[:, :2].T + matrix[:, 2]
        labels = {
            f"{axis}{index}": round(float(moved[index, place]), 2)
            for index in range(68)
            for place, axis in enumerate("xy")
        }
        made.append((f"a{angle}s{scale:g}.png", turned, labels))
    write(folder, made)


def make_expression(folder: Path) -> None:
    """She smiles, whatever the guise."""
    write(folder, ((name, pixels, {"emotion": "happy"}) for name, pixels in variants()))


def make_attributes(folder: Path) -> None:
    """A woman, 43 years old when the photograph was taken."""
    write(folder, ((name, pixels, {"age": 43, "gender": "female"}) for name, pixels in variants()))


def make_spoof(folder: Path) -> None:
    """The photograph against drawings of it as a print."""
    source = portrait()
    live = [(name, pixels, {"label": "live"}) for name, pixels in variants()[:5]]
    print_ = [
        (f"print{gamma:g}_{side:g}.png", as_print(lit(source, gamma), side), {"label": "print"})
        for gamma in (0.8, 1.0, 1.3)
        for side in (0.6, 0.8)
    ]
    write(folder, [*live, *print_])


def make_pose(folder: Path) -> None:
    """No angles are known; what mirroring must do is."""
    write(folder, ((name, pixels, {"subject": name}) for name, pixels in variants()))


SUITES: Mapping[str, tuple[str, Callable[[Path], None]]] = {
    "landmarks": ("landmarks", make_landmarks),
    "expression": ("expression", make_expression),
    "attributes": ("attributes", make_attributes),
    "spoof": ("spoof", make_spoof),
    "calibration": ("calibration", make_spoof),
    "pose": ("pose", make_pose),
    "explanation": ("explanation", make_expression),
}
"""Suite → the task that measures it and the maker of its pictures."""
