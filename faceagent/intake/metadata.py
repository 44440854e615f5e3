"""EXIF and XMP as a fixed list of plain fields: what the file declares about camera, software, dates and origin.

Everything here can be written by anyone with any editor, so it is testimony, never proof. Where a picture was
taken is nobody's business: coordinates are looked at only for whether there are any. XML is parsed without
entities, DTDs or network.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from faceagent.intake.decoders import NoDecoder, open_picture
from faceagent.intake.exif import read_exif
from faceagent.intake.formats import sniff
from faceagent.intake.generators import declared
from faceagent.intake.headers import Header
from faceagent.intake.origins import EDITORS, GENERATORS, SYNTHETIC, camera_name, known, source_type
from faceagent.intake.text import clean
from faceagent.intake.walk import read_header

MAX_XMP = 2**20
"""Bytes of an XMP packet that are parsed; a packet with a history of a thousand steps stays below it."""

_CAMERA = frozenset({"camera_make", "camera_model"})
_EXIF_FIELDS = ("camera_make", "camera_model", "software", "modified", "taken", "digitised", "lens_model")
_XMP_FIELDS = {
    "{http://ns.adobe.com/tiff/1.0/}Make": "camera_make",
    "{http://ns.adobe.com/tiff/1.0/}Model": "camera_model",
    "{http://ns.adobe.com/tiff/1.0/}Software": "software",
    "{http://ns.adobe.com/xap/1.0/}CreatorTool": "creator_tool",
    "{http://ns.adobe.com/xap/1.0/}CreateDate": "created",
    "{http://ns.adobe.com/xap/1.0/}ModifyDate": "modified",
    "{http://ns.adobe.com/photoshop/1.0/}DateCreated": "taken",
}
_IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
_AGENTS = frozenset(
    {
        "{http://ns.adobe.com/xap/1.0/sType/ResourceEvent#}softwareAgent",
        "{http://ns.adobe.com/photoshop/1.0/}Credit",
        f"{_IPTC}AISystemUsed",
    }
)
"""Properties that name a program or a service."""
_NOTES = {
    "{http://purl.org/dc/elements/1.1/}description": "description",
    "{http://ns.adobe.com/exif/1.0/}UserComment": "user_comment",
    "{http://ns.adobe.com/tiff/1.0/}ImageDescription": "description",
}
"""Properties in which generators write how they made the picture."""
_ITEM = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li"
_SOURCE_TYPE = f"{_IPTC}DigitalSourceType"
_GPS = re.compile(r"\{http://ns\.adobe\.com/exif/1\.0/\}GPS(Latitude|Longitude)")
_RESOURCE = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}resource"
_DATES = frozenset({"modified", "taken", "digitised", "created"})
_DATE = re.compile(r"\d{4}[:-]\d\d[:-]\d\d([ T]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d)?)?")
_PNG_PROGRAMS = frozenset({"software", "source", "creator", "title"})
"""Texts of a PNG that name what made it."""


@dataclass(frozen=True)
class Metadata:
    """What was found. Field values are cleaned, short, foreign text; the tuples hold only known names."""

    exif: Mapping[str, str] = field(default_factory=dict)
    xmp: Mapping[str, str] = field(default_factory=dict)
    source_type: str | None = None
    """IPTC digital source type, for example "trainedAlgorithmicMedia"."""
    generators: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    """Models that a generator says it used, cleaned and short."""
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
    texts: dict[str, str] = field(default_factory=dict)
    gps: bool = False
    damaged: list[str] = field(default_factory=list)


def read_metadata(data: bytes) -> Metadata:
    """The metadata of a picture as received. Never raises for content; what cannot be read is named as damaged."""
    kind = sniff(data)
    found = _Found()
    if kind is not None:
        try:
            header = read_header(kind, data)
            if kind in ("AVIF", "HEIF"):
                header = _opened(kind, header)
            _read(header, found)
        except NoDecoder:
            pass
        except Exception:
            # A file broken this early has its own reason code from decoding; here it just has nothing to say.
            found.damaged.append("file")
    programs = [*found.agents, found.exif.get("software", ""), found.xmp.get("software", "")]
    programs.append(found.xmp.get("creator_tool", ""))
    said = declared(found.texts)
    return Metadata(
        exif=found.exif,
        xmp=found.xmp,
        source_type=found.source_type,
        generators=tuple(sorted({*known(GENERATORS, programs), *said.generators})),
        models=said.models,
        editors=known(EDITORS, programs),
        gps=found.gps,
        damaged=tuple(found.damaged),
    )


def _opened(kind: str, header: Header) -> Header:
    """The header with the blocks that only the decoder of the format finds."""
    opened = open_picture(kind, header, seconds=1.0)
    return Header(exif=opened.exif, xmp=opened.xmp)


def _read(header: Header, found: _Found) -> None:
    if header.exif:
        try:
            _read_exif(header.exif, found)
        except ValueError:
            found.damaged.append("exif")
    if header.xmp:
        try:
            _read_xmp(header.xmp, found)
        except (ParseError, DefusedXmlException, ValueError, LookupError):
            found.damaged.append("xmp")
    for key, text in header.texts.items():
        if key.lower() in _PNG_PROGRAMS:
            found.agents.append(clean(text))
        if key == "Software":
            found.exif.setdefault("software", clean(text))
        found.texts.setdefault(key, text)


def _read_exif(block: bytes, found: _Found) -> None:
    fields = read_exif(block)
    for name in _EXIF_FIELDS:
        if name in fields.texts:
            _keep(found.exif, name, fields.texts[name])
    found.gps = found.gps or fields.gps
    for name, text in fields.texts.items():
        found.texts.setdefault(f"exif_{name}", text)


def _read_xmp(packet: bytes, found: _Found) -> None:
    if len(packet) > MAX_XMP:
        raise ValueError("the XMP packet is too large")
    root: Element = fromstring(packet.strip(b"\0 \r\n\t"), forbid_dtd=True)
    for element in root.iter():
        # XMP writes the same thing as an attribute or as an element, as it pleases; texts in languages as a list.
        value = element.get(_RESOURCE) or element.text or ""
        if element.tag in _NOTES and not value.strip():
            value = next((item.text or "" for item in islice(element.iter(), 8) if item.tag == _ITEM), "")
        for tag, text in ((element.tag, value), *element.attrib.items()):
            _read_property(str(tag), text.strip(), found)


def _read_property(tag: str, text: str, found: _Found) -> None:
    if not text:
        return
    if tag in _XMP_FIELDS:
        _keep(found.xmp, _XMP_FIELDS[tag], text)
    elif tag == _SOURCE_TYPE:
        found.source_type = source_type(text[:256])
    elif tag in _AGENTS and len(found.agents) < 64:
        found.agents.append(clean(text))
    elif tag in _NOTES:
        found.texts.setdefault(f"xmp_{_NOTES[tag]}", text)
    elif _GPS.fullmatch(tag):
        found.gps = True


def _keep(fields: dict[str, str], name: str, text: str) -> None:
    words = clean(text)
    if name in _CAMERA:
        words = camera_name(words)
    if words and (name not in _DATES or _DATE.fullmatch(words)):
        fields.setdefault(name, words)
