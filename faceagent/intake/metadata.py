"""EXIF and XMP as a fixed list of plain fields: what the file declares about camera, software, dates and origin.

Everything here can be written by anyone with any editor, so it is testimony, never proof. Where a picture was
taken is nobody's business: coordinates are looked at only for whether there are any. XML is parsed without
entities, DTDs or network.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from PIL import Image

from faceagent.intake.decode import hushed, open_picture
from faceagent.intake.headers import sniff
from faceagent.intake.origins import EDITORS, GENERATORS, SYNTHETIC, known, source_type
from faceagent.intake.text import clean
from faceagent.types import Problem

MAX_XMP = 2**20
"""Bytes of an XMP packet that are parsed; a packet with a history of a thousand steps stays below it."""

_EXIF_IFD, _GPS_IFD, _USER_COMMENT = 0x8769, 0x8825, 0x9286
_EXIF_FIELDS = {0x010F: "camera_make", 0x0110: "camera_model", 0x0131: "software", 0x0132: "modified"}
_EXIF_MORE = {0x9003: "taken", 0x9004: "digitised", 0xA434: "lens_model"}
_XMP_FIELDS = {
    "{http://ns.adobe.com/tiff/1.0/}Make": "camera_make",
    "{http://ns.adobe.com/tiff/1.0/}Model": "camera_model",
    "{http://ns.adobe.com/tiff/1.0/}Software": "software",
    "{http://ns.adobe.com/xap/1.0/}CreatorTool": "creator_tool",
    "{http://ns.adobe.com/xap/1.0/}CreateDate": "created",
    "{http://ns.adobe.com/xap/1.0/}ModifyDate": "modified",
    "{http://ns.adobe.com/photoshop/1.0/}DateCreated": "taken",
}
_AGENT = "{http://ns.adobe.com/xap/1.0/sType/ResourceEvent#}softwareAgent"
_CREDIT = "{http://ns.adobe.com/photoshop/1.0/}Credit"
_SOURCE_TYPE = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
_GPS = re.compile(r"\{http://ns\.adobe\.com/exif/1\.0/\}GPS(Latitude|Longitude)")
_RESOURCE = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}resource"
_DATES = frozenset({"modified", "taken", "digitised", "created"})
_DATE = re.compile(r"\d{4}[:-]\d\d[:-]\d\d([ T]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d)?)?")
_PNG_MARKS = {"invokeai_metadata": "invokeai", "workflow": "comfyui", "sd-metadata": "stable diffusion"}
_SETTINGS = re.compile(r"\bSteps: \d+.*\bSampler: ", re.DOTALL)
"""The line that Stable Diffusion front ends write beside the prompt."""


@dataclass(frozen=True)
class Metadata:
    """What was found. Field values are cleaned, short, foreign text; the tuples hold only known names."""

    exif: Mapping[str, str] = field(default_factory=dict)
    xmp: Mapping[str, str] = field(default_factory=dict)
    source_type: str | None = None
    """IPTC digital source type, for example "trainedAlgorithmicMedia"."""
    generators: tuple[str, ...] = ()
    editors: tuple[str, ...] = ()
    gps: bool = False
    damaged: tuple[str, ...] = ()
    """Which blocks are there and cannot be read: "exif", "xmp"."""

    @property
    def present(self) -> bool:
        """Whether the file says anything about itself at all."""
        return bool(self.exif or self.xmp or self.source_type or self.generators or self.gps or self.damaged)

    @property
    def synthetic(self) -> bool:
        """Whether the file declares that a generative model made it, or part of it."""
        return self.source_type in SYNTHETIC or bool(self.generators)


@dataclass
class _Found:
    exif: dict[str, str] = field(default_factory=dict)
    xmp: dict[str, str] = field(default_factory=dict)
    source_type: str | None = None
    agents: list[str] = field(default_factory=list)
    gps: bool = False
    damaged: list[str] = field(default_factory=list)


def read_metadata(data: bytes) -> Metadata:
    """The metadata of a picture as received. Never raises for content; what cannot be read is named as damaged."""
    kind = sniff(data)
    found = _Found()
    if kind is not None:
        try:
            with hushed():
                picture = open_picture(kind, data)
            if not isinstance(picture, Problem):
                with picture:
                    if kind == "PNG" and _after_pixels(data):
                        picture.load()
                    _read(picture, found)
        except Exception:
            # A file broken this early has its own reason code from decoding; here it just has nothing to say.
            found.damaged.append("file")
    texts = [*found.agents, *(found.exif.get("software", ""), found.xmp.get("software", ""))]
    texts.append(found.xmp.get("creator_tool", ""))
    return Metadata(
        exif=found.exif,
        xmp=found.xmp,
        source_type=found.source_type,
        generators=known(GENERATORS, texts),
        editors=known(EDITORS, texts),
        gps=found.gps,
        damaged=tuple(found.damaged),
    )


def _after_pixels(data: bytes) -> bool:
    # Pillow reads PNG chunks behind the pixels only while decoding; that cost is paid only when they exist.
    pixels = data.find(b"IDAT")
    return any(data.find(mark, pixels) >= 0 for mark in (b"eXIf", b"XML:com.adobe.xmp"))


def _read(picture: Image.Image, found: _Found) -> None:
    if "exif" in picture.info or "Raw profile type exif" in picture.info:
        try:
            with hushed():
                _read_exif(picture.getexif(), found)
        except Exception:
            # Pillow's EXIF reader fails on damaged blocks with almost any exception.
            found.damaged.append("exif")
    packet = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp")
    if packet:
        try:
            _read_xmp(packet.encode() if isinstance(packet, str) else packet, found)
        except (ParseError, DefusedXmlException, ValueError, LookupError):
            found.damaged.append("xmp")
    for key, value in picture.info.items():
        if key == "parameters" and isinstance(value, str) and _SETTINGS.search(value[:65536]):
            found.agents.append("stable diffusion")
        elif key in _PNG_MARKS and isinstance(value, str):
            found.agents.append(_PNG_MARKS[key])
        elif key == "Software" and isinstance(value, str):
            found.exif.setdefault("software", clean(value))


def _read_exif(exif: Image.Exif, found: _Found) -> None:
    more = exif.get_ifd(_EXIF_IFD)
    for fields, values in ((_EXIF_FIELDS, exif), (_EXIF_MORE, more)):
        for tag, name in fields.items():
            _keep(found.exif, name, _words(values.get(tag)))
    found.gps = found.gps or len(exif.get_ifd(_GPS_IFD)) > 1
    comment = more.get(_USER_COMMENT)
    if isinstance(comment, bytes) and _SETTINGS.search(comment[:65536].replace(b"\0", b"").decode("latin-1")):
        found.agents.append("stable diffusion")


def _read_xmp(packet: bytes, found: _Found) -> None:
    if len(packet) > MAX_XMP:
        raise ValueError("the XMP packet is too large")
    root: Element = fromstring(packet.strip(b"\0 \r\n\t"), forbid_dtd=True)
    for element in root.iter():
        # XMP writes the same thing as an attribute or as an element, as it pleases.
        value = element.get(_RESOURCE) or element.text or ""
        for tag, text in ((element.tag, value), *element.attrib.items()):
            _read_property(str(tag), text.strip(), found)


def _read_property(tag: str, text: str, found: _Found) -> None:
    if not text:
        return
    if tag in _XMP_FIELDS:
        _keep(found.xmp, _XMP_FIELDS[tag], text)
    elif tag == _SOURCE_TYPE:
        found.source_type = source_type(text[:256])
    elif tag in (_AGENT, _CREDIT) and len(found.agents) < 64:
        found.agents.append(clean(text))
    elif _GPS.fullmatch(tag):
        found.gps = True


def _keep(fields: dict[str, str], name: str, text: str) -> None:
    words = clean(text)
    if words and (name not in _DATES or _DATE.fullmatch(words)):
        fields.setdefault(name, words)


def _words(value: Any) -> str:
    if isinstance(value, str):
        # Pillow reads EXIF text as Latin-1; most programs write UTF-8.
        value = value.encode("latin-1", "replace")
    return value[:4096].decode("utf-8", "replace") if isinstance(value, bytes) else ""
