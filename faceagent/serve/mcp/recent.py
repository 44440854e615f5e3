"""The latest reports of a server, held in memory so that clients can read them as resources.

Pages and heat maps are drawn when they are read, from the bytes of the pictures that are held with the report. Both a
number of reports and a number of bytes is the limit; the oldest go first. Nothing is written to disk.
"""

import base64
import hashlib
import io
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Self
from urllib.parse import quote, unquote

import numpy as np
from mcp_types import BlobResourceContents, Resource, TextResourceContents
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from faceagent.intake import MemoryBlobs, NamedBytes, pixels_of
from faceagent.report import render
from faceagent.report.overlay import overlay
from faceagent.settings import Settings
from faceagent.types import Evidence, Report

MOST_REPORTS = 64
MOST_BYTES = 2**28
"""Bytes of pictures held with reports."""
OVERVIEW_SIDE = 512
"""px, longer side of the small picture with the faces marked."""

SCHEME = "faceagent://reports/"


class Content(NamedTuple):
    """The content of one resource."""

    data: bytes
    mime_type: str

    def encode(self, uri: str) -> TextResourceContents | BlobResourceContents:
        """As MCP sends it: text as it is, pictures in base64."""
        if self.mime_type.startswith("image/"):
            return BlobResourceContents(uri=uri, mime_type=self.mime_type, blob=base64.b64encode(self.data).decode())
        return TextResourceContents(uri=uri, mime_type=self.mime_type, text=self.data.decode())


@dataclass(frozen=True)
class KeptReport:
    """One report with the bytes of its pictures. ``owner`` may read it."""

    id: str
    owner: str
    report: Report
    pictures: tuple[bytes, ...]
    settings: Settings

    @classmethod
    def of(cls, id: str, owner: str, report: Report, pictures: Iterable[NamedBytes], settings: Settings) -> Self:
        """The report with those of the pictures that it is about."""
        used = {one.sha256 for one in (report.picture, *report.references) if one is not None}
        data = {hashlib.sha256(one.data).hexdigest(): one.data for one in pictures}
        return cls(id, owner, report, tuple(data[key] for key in used & data.keys()), settings)

    @property
    def size(self) -> int:
        """Bytes of the pictures held."""
        return sum(map(len, self.pictures))

    def _blobs(self) -> MemoryBlobs:
        """A store that decodes the pictures anew: pixels are not held with the report."""
        blobs = MemoryBlobs(budget=0, restore=partial(pixels_of, settings=self.settings))
        for data in self.pictures:
            blobs.put(data)
        return blobs

    def resource(self) -> Resource:
        """Its entry in the list of resources."""
        summary = self.report.summary
        return Resource(
            uri=report_uri(self.id),
            name=self.report.source,
            title=f"Report on {self.report.source}",
            description=summary.answer if summary else None,
            mime_type="application/json",
        )

    def overview(self) -> Content | None:
        """A small JPEG of the picture with the faces marked by their ids; None where it could not be read."""
        if self.report.picture is None:
            return None
        pixels = self._blobs().pixels(self.report.picture.sha256)
        picture = Image.fromarray(pixels)
        picture.thumbnail((OVERVIEW_SIDE, OVERVIEW_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
        scale = picture.width / pixels.shape[1]
        draw = ImageDraw.Draw(picture)
        for face in self.report.faces:
            x0, y0, x1, y1 = (value * scale for value in face.box)
            draw.rectangle((x0, y0, x1, y1), outline=(255, 64, 64), width=2)
            label = draw.textbbox((x0 + 3, y0 + 2), face.id)
            draw.rectangle((label[0] - 2, label[1] - 1, label[2] + 2, label[3] + 1), fill=(255, 64, 64))
            draw.text((x0 + 3, y0 + 2), face.id, fill="white")
        return Content(_encoded(picture, "JPEG"), "image/jpeg")

    def maps(self) -> list[Evidence]:
        """The evidence that has a heat map."""
        return [item for item in self.report.evidence if item.heatmap is not None]

    def heat_map(self, item: Evidence) -> Content:
        """The heat map of one piece of evidence over the face it was measured on, PNG. Raises KeyError without one."""
        if item.heatmap is None or self.report.picture is None:
            raise KeyError(item.id)
        pixels = self._blobs().pixels(self.report.picture.sha256)
        landmarks = next((face.landmarks for face in self.report.faces if face.id == item.subject), ())
        drawn: NDArray[np.uint8] = overlay(pixels, item.heatmap, landmarks)
        return Content(_encoded(Image.fromarray(drawn), "PNG"), "image/png")

    def content(self, path: str) -> Content:
        """What is under ``path``: report.json, report.html, overview.jpg or heatmaps/ID.png. Raises KeyError."""
        if path == "report.json":
            return Content(self.report.model_dump_json(indent=1).encode(), "application/json")
        if path == "report.html":
            return Content(render(self.report, self._blobs()).encode(), "text/html")
        if path == "overview.jpg" and (overview := self.overview()) is not None:
            return overview
        drawn = {item.id: item for item in self.maps()}
        return self.heat_map(drawn[map_name(path)])


class RecentReports:
    """The latest reports. Safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._kept: OrderedDict[str, KeptReport] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, report: Report, pictures: Iterable[NamedBytes], owner: str) -> KeptReport:
        """Keep a report with the bytes of its picture and its references."""
        kept = KeptReport.of(secrets.token_hex(8), owner, report, pictures, self._settings)
        with self._lock:
            self._kept[kept.id] = kept
            while len(self._kept) > 1 and (len(self._kept) > MOST_REPORTS or self._bytes() > MOST_BYTES):
                self._kept.popitem(last=False)
        return kept

    def _bytes(self) -> int:
        return sum(one.size for one in self._kept.values())

    def resources(self, owner: str) -> list[Resource]:
        """What this owner may read, the latest first."""
        with self._lock:
            return [one.resource() for one in reversed(self._kept.values()) if one.owner == owner]

    def read(self, uri: str, owner: str) -> Content:
        """The content of the resource ``uri``. Raises KeyError where this owner has no such resource."""
        id, _, path = uri.removeprefix(SCHEME).partition("/")
        with self._lock:
            kept = self._kept.get(id) if uri.startswith(SCHEME) else None
        if kept is None or kept.owner != owner:
            raise KeyError(uri)
        return kept.content(path)


def report_uri(id: str) -> str:
    """Address of a report as JSON."""
    return f"{SCHEME}{id}/report.json"


def page_uri(id: str) -> str:
    """Address of a report as an HTML page."""
    return f"{SCHEME}{id}/report.html"


def map_uri(id: str, evidence: str) -> str:
    """Address of the heat map of one piece of evidence."""
    return f"{SCHEME}{id}/heatmaps/{quote(evidence, safe='')}.png"


def map_name(path: str) -> str:
    """The id of the evidence whose heat map is under ``path``. Raises KeyError for the path of something else."""
    if not path.startswith("heatmaps/") or not path.endswith(".png"):
        raise KeyError(path)
    return unquote(path.removeprefix("heatmaps/").removesuffix(".png"))


def _encoded(picture: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **({"quality": 86} if kind == "JPEG" else {"optimize": True}))
    return buffer.getvalue()
