"""From keys to what rooms take: the nouns of one picture, and the views that tools look at."""

from collections.abc import Iterable
from functools import partial
from typing import TypeVar

from faceagent.agent.state import REFERENCES, PipelineState, RunContext
from faceagent.faces import main_face
from faceagent.storage.record import Record
from faceagent.tools.base import View
from faceagent.types import Face, FrozenModel, Picture
from faceagent.vlm.portrait import shown

N = TypeVar("N", bound=FrozenModel)


def item_of(key: str) -> str:
    """The part of a key that says which picture of the run it belongs to."""
    return key.partition("/")[0]


def of_item(record: Record, keys: Iterable[str], item: str, kind: type[N]) -> tuple[N, ...]:
    """The nouns of that kind that belong to one item, in order."""
    return tuple(record.get(key, kind) for key in keys if item_of(key) == item and record.is_a(key, kind))


def view_of(context: RunContext, key: str, references: tuple[View, ...] = ()) -> View:
    """The view of the face or picture under ``key``."""
    record = context.record
    face = record.get(key, Face) if record.is_a(key, Face) else None
    picture = record.get(f"{item_of(key)}/{face.picture}", Picture) if face else record.get(key, Picture)
    return View(
        picture=picture,
        pixels=partial(context.blobs.pixels, picture.sha256),
        original=partial(context.blobs.get, picture.sha256),
        face=face,
        references=references,
    )


def portrait(context: RunContext, key: str) -> bytes:
    """The face under ``key`` as a vision-language model sees it."""
    view = view_of(context, key)
    if view.face is None:
        raise TypeError(f"{key} is no face")
    return shown(view.pixels(), view.face.box, large=context.settings.vlm_url is not None)


def reference_views(context: RunContext, state: PipelineState) -> tuple[View, ...]:
    """The main face of every reference. One without a face stays, whole, so that a tool can say so."""
    faces = of_item(context.record, state.get("faces", []), REFERENCES, Face)
    views = []
    for picture in of_item(context.record, state["pictures"], REFERENCES, Picture):
        best = main_face(tuple(face for face in faces if face.picture == picture.id), picture)
        views.append(view_of(context, f"{REFERENCES}/{picture.id if best is None else best.id}"))
    return tuple(views)
