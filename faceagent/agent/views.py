"""From record keys to what the pipeline's functions take: views for tools, crops for a model, findings for a report."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TypeVar

from faceagent.agent.explainer import MOST_FACES
from faceagent.agent.pipeline import Findings, ReferenceFindings
from faceagent.agent.state import RunContext
from faceagent.faces import FoundFaces
from faceagent.storage.keys import REFERENCES, item_of, picture_key, record_key, reference_key
from faceagent.storage.record import Record
from faceagent.tools.base import View
from faceagent.types import Evidence, Explanation, Face, FrozenModel, LostReference, Picture, Problem, Verdict
from faceagent.vlm.face_image import encode_upright_face

N = TypeVar("N", bound=FrozenModel)


def of_item(record: Record, keys: Iterable[str], item: str, kind: type[N]) -> tuple[N, ...]:
    """The records of that kind that belong to one item, in the order of ``keys``."""
    return tuple(record.get(key, kind) for key in keys if item_of(key) == item and record.is_a(key, kind))


def put_faces(record: Record, found: Mapping[str, FoundFaces | Problem]) -> list[str]:
    """Record the faces found in pictures, by the pictures' keys; returns the faces' keys.

    The picture's record gets the number of faces found, the size below which some may have been missed, and which ones
    cover another. A picture on which the face finder failed becomes the problem with it.
    """
    keys: list[str] = []
    for key, faces in found.items():
        if isinstance(faces, Problem):
            record.put(key, faces)
        else:
            searched = {
                "faces_found": faces.total,
                "faces_incomplete_below": faces.incomplete_below,
                "faces_covering": faces.covering,
            }
            record.put(key, record.get(key, Picture).model_copy(update=searched))
            keys += [record.put(record_key(item_of(key), face.id), face) for face in faces.faces]
    return keys


def view_of(context: RunContext, key: str, references: tuple[View, ...] = ()) -> View:
    """The view of the face or picture under ``key``."""
    record = context.record
    face = record.get(key, Face) if record.is_a(key, Face) else None
    picture = record.get(record_key(item_of(key), face.picture), Picture) if face else record.get(key, Picture)
    return View(
        picture=picture,
        pixels=partial(context.blobs.pixels, picture.sha256),
        original=partial(context.blobs.get, picture.sha256),
        face=face,
        references=references,
    )


def reference_views(context: RunContext, pictures: Iterable[str], faces: Iterable[str]) -> tuple[View, ...]:
    """Every face of every reference. One without a face stays, whole, so that a tool can say so.

    Args:
        context: the run.
        pictures: keys of pictures; those that are no references are left aside.
        faces: keys of faces; likewise.
    """
    found = of_item(context.record, faces, REFERENCES, Face)
    views = []
    for picture in of_item(context.record, pictures, REFERENCES, Picture):
        names = [face.id for face in found if face.picture == picture.id] or [picture.id]
        views += [view_of(context, record_key(REFERENCES, name)) for name in names]
    return tuple(views)


def largest_faces(keys: Iterable[str], most: int) -> list[str]:
    """At most ``most`` keys of each item; the keys of faces come largest first."""
    seen: Counter[str] = Counter()
    kept = []
    for key in keys:
        seen[item_of(key)] += 1
        if seen[item_of(key)] <= most:
            kept.append(key)
    return kept


def face_crop(context: RunContext, key: str) -> bytes:
    """The face under ``key`` as a vision-language model sees it, PNG."""
    view = view_of(context, key)
    if view.face is None:
        raise TypeError(f"{key} is no face")
    return encode_upright_face(view.pixels(), view.face, large=context.settings.vlm_url is not None)


def explained_crops(context: RunContext, item: str, faces: Iterable[str]) -> dict[str, Callable[[], bytes]]:
    """Crops of the faces of one item that a model may explain, by face id; the largest few of a crowd."""
    mine = [key for key in faces if item_of(key) == item][:MOST_FACES]
    return {context.record.get(key, Face).id: partial(face_crop, context, key) for key in mine}


def findings_of(record: Record, keys: Iterable[str], item: str, source: str) -> Findings:
    """What the record holds about one item under ``keys``, for a report; ``source`` is what the picture is called."""
    mine = [key for key in keys if item_of(key) == item]
    subject = picture_key(item)
    return Findings(
        source=source,
        picture=record.get(subject, Picture) if record.is_a(subject, Picture) else None,
        problem=record.get(subject, Problem) if record.is_a(subject, Problem) else None,
        faces=of_item(record, mine, item, Face),
        evidence=of_item(record, mine, item, Evidence),
        verdicts=of_item(record, mine, item, Verdict),
        explanations=of_item(record, mine, item, Explanation),
    )


def reference_findings_of(context: RunContext, keys: Iterable[str]) -> ReferenceFindings:
    """What the record holds about the references under ``keys``, for a report."""
    record = context.record
    kept = list(keys)
    return ReferenceFindings(
        pictures=of_item(record, kept, REFERENCES, Picture),
        faces=of_item(record, kept, REFERENCES, Face),
        lost=tuple(
            LostReference(source=source.name, problem=record.get(key, Problem))
            for number, source in enumerate(context.references, start=1)
            if record.is_a(key := reference_key(number), Problem)
        ),
    )
