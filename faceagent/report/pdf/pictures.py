"""The pictures of the PDF as files for the template: the picture, its faces, references and heat maps."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceagent.report.figures import crop, hot_region, jpeg, region_words
from faceagent.report.headings import Headings
from faceagent.report.overlay import overlay
from faceagent.report.pdf.legible import Value
from faceagent.types import Evidence, Face, Picture

SIDE, REFERENCE_SIDE, CROP_SIDE = 1600, 700, 320
"""px of the longer side in the PDF."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Files:
    """Files by the name under which the template opens them; names are made here and never come from a picture."""

    named: dict[str, bytes] = field(default_factory=dict)

    def add(self, suffix: str, data: bytes) -> str:
        """Keep a file; returns its name."""
        name = f"picture{len(self.named):04}.{suffix}"
        self.named[name] = data
        return name


def whole(files: Files, pixels: Pixels, picture: Picture, faces: Sequence[Face], alt: str) -> Value:
    """A picture with the boxes of its faces, in per cent of its sides."""
    width, height = picture.width / 100, picture.height / 100
    boxes: list[Value] = []
    for face in faces:
        x0, x1 = (min(max(x, 0.0), picture.width) / width for x in (face.box[0], face.box[2]))
        y0, y1 = (min(max(y, 0.0), picture.height) / height for y in (face.box[1], face.box[3]))
        boxes.append({"id": face.id, "x": x0, "y": y0, "width": x1 - x0, "height": y1 - y0})
    ratio = picture.width / picture.height
    return {"file": files.add("jpg", jpeg(pixels, SIDE)), "alt": alt, "boxes": boxes, "ratio": ratio}


def reduced(files: Files, pixels: Pixels, alt: str) -> Value:
    """A picture without marks."""
    side = pixels.shape[1] / pixels.shape[0]
    return {"file": files.add("jpg", jpeg(pixels, REFERENCE_SIDE)), "alt": alt, "boxes": [], "ratio": side}


def face_crop(files: Files, pixels: Pixels, face: Face, alt: str) -> Value:
    """The square around a face."""
    return {"file": files.add("jpg", jpeg(crop(pixels, face), CROP_SIDE)), "alt": alt}


def heat_map(
    files: Files, pixels: Pixels, face: Face, item: Evidence, evidence: Sequence[Evidence], words: Headings
) -> Value:
    """A heat map over its face, with what it points to in words."""
    if item.heatmap is None:
        return None
    hot, score = hot_region(item, evidence)
    buffer = io.BytesIO()
    Image.fromarray(overlay(pixels, item.heatmap, face.landmarks, hot)).save(buffer, "PNG", optimize=True)
    said = (
        words.say("none_stands_out")
        if hot is None
        else words.say("outlined", place=region_words(hot, words.language), score=f"{score:.2f}")
    )
    title = words.document("heat_map", question=words.title(item.question), face=words.say("face", id=face.id))
    return {
        "file": files.add("png", buffer.getvalue()),
        "alt": title,
        "caption": f"{title}. {words.say('brighter')}. {said}",
    }
