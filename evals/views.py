"""Labelled pictures the way the tools see them: through the product's own intake and face finder.

Knows nothing of labels, sets or tools.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from faceagent import intake
from faceagent.faces import main_face
from faceagent.settings import Settings
from faceagent.tools.base import Pixels, View
from faceagent.tools.visibility import find_visible_faces
from faceagent.types import Picture, Problem, Source


def whole(path: Path, settings: Settings, name: str = "P1") -> View | None:
    """The view of a picture file as a whole, or None when it cannot be read."""
    blobs = intake.MemoryBlobs()
    source = Source(kind="path", ref=str(path), name=path.name)
    picture = intake.take(source, blobs, settings, id=name)
    if isinstance(picture, Problem):
        return None
    return View(picture, partial(blobs.pixels, picture.sha256), partial(blobs.get, picture.sha256))


def drawn(pixels: Pixels, name: str = "P1") -> View:
    """The view of pixels that were never in a file."""
    height, width = pixels.shape[:2]
    picture = Picture(
        id=name,
        sha256="0" * 64,
        width=width,
        height=height,
        format="PNG",
        bytes=1,
        source=name,
        mode="RGB",
        orientation=1,
    )
    return View(picture, lambda: pixels, lambda: b"")


def portrait(view: View | None, settings: Settings) -> View | None:
    """The view of a picture's main face, or None without one."""
    if view is None:
        return None
    face = main_face(find_visible_faces(view.picture, view.pixels(), settings), view.picture)
    return None if face is None else View(view.picture, view.pixels, view.original, face)


def portraits(folder: Path, files: Iterable[str], settings: Settings) -> Iterator[tuple[str, View | None]]:
    """File name and main face, one picture in memory at a time."""
    for file in files:
        yield file, portrait(whole(folder / file, settings), settings)
