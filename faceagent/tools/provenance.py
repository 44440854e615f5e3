"""Provenance: what the file declares about its own origin, as two separate pieces of evidence.

``metadata`` is EXIF and XMP, which anyone can write. ``c2pa`` is content credentials, which are signed. Most genuine
files have neither; that is no sign of forgery, and the statements say so. Pixels are not read.

Statements contain only words from this program. Text from the file (camera names, issuers) is cleaned, shortened and
kept in the facts, where reports escape it and from where no prompt takes it.
"""

from collections.abc import Sequence
from typing import ClassVar

from faceagent.errors import SettingsError
from faceagent.intake.credentials import Credentials, read_credentials
from faceagent.intake.metadata import Metadata, read_metadata
from faceagent.settings import Settings
from faceagent.tools.base import ToolSpec, View, stamped
from faceagent.types import Evidence, ToolStamp

_WORDS = {"exif": "EXIF", "xmp": "XMP", "file": "file"}


class Provenance:
    """Reads the bytes as received; needs no weights and runs in about a millisecond."""

    spec: ClassVar[ToolSpec] = ToolSpec(
        name="provenance",
        version="1.1.0",
        title="Provenance",
        summary="EXIF and XMP metadata, and C2PA content credentials, as the file carries them",
        questions=("provenance",),
        scope="picture",
    )

    def __init__(self, settings: Settings) -> None:
        self._anchors = ""
        if settings.trust_anchors is not None:
            try:
                self._anchors = settings.trust_anchors.read_text()
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(
                    f"FACEAGENT_TRUST_ANCHORS cannot be read: {settings.trust_anchors}.",
                    remedy="Give a PEM file, or unset it.",
                ) from error

    def stamp(self) -> ToolStamp:
        """Name and version; there are no weights, and no device but the processor."""
        return stamped(self.spec)

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        """``<picture>:metadata`` and ``<picture>:c2pa`` for every view."""
        return [self._measure(view) for view in batch]

    def _measure(self, view: View) -> tuple[Evidence, ...]:
        data = view.original()
        return (
            self._metadata(view, read_metadata(data)),
            self._credentials(view, read_credentials(data, self._anchors)),
        )

    def _metadata(self, view: View, found: Metadata) -> Evidence:
        return Evidence(
            id=f"{view.subject}:metadata",
            tool=self.stamp(),
            question="provenance",
            subject=view.subject,
            label=_metadata_label(found),
            facts=_metadata_facts(found),
            statement=_metadata_statement(found),
            reason=None if found.present else "absent",
        )

    def _credentials(self, view: View, found: Credentials) -> Evidence:
        return Evidence(
            id=f"{view.subject}:c2pa",
            tool=self.stamp(),
            question="provenance",
            subject=view.subject,
            label=_credentials_label(found),
            facts=_credentials_facts(found),
            statement=_credentials_statement(found),
            reason="absent" if found.state == "none" else None,
        )


def _metadata_label(found: Metadata) -> str:
    if found.synthetic:
        return "declares_synthetic"
    if found.editors:
        return "names_editor"
    return "present" if found.present else "absent"


def _metadata_facts(found: Metadata) -> dict[str, float | str]:
    facts: dict[str, float | str] = {}
    for prefix, fields in (("exif", found.exif), ("xmp", found.xmp)):
        facts.update({f"{prefix}_{name}": value for name, value in fields.items()})
    if found.source_type is not None:
        facts["digital_source_type"] = found.source_type
    for name, values in (
        ("generators", found.generators),
        ("generator_models", found.models),
        ("editors", found.editors),
        ("damaged", found.damaged),
    ):
        if values:
            facts[name] = ", ".join(values)
    if found.present:
        facts["gps_position"] = "yes" if found.gps else "no"
    return facts


def _metadata_statement(found: Metadata) -> str:
    if not found.present:
        return (
            "The file carries no EXIF or XMP metadata. Most web sites and messengers remove it, so its absence is "
            "no sign of forgery."
        )
    parts = []
    if found.generators:
        parts.append(f"declare a generator of pictures ({', '.join(found.generators)})")
    if found.source_type is not None:
        parts.append(f"declare the digital source type {found.source_type}")
    if any(name.startswith("camera_") for name in (*found.exif, *found.xmp)):
        parts.append("name a camera")
    if found.editors:
        parts.append(f"name editing software ({', '.join(found.editors)})")
    if {"taken", "created", "digitised", "modified"} & {*found.exif, *found.xmp}:
        parts.append("give dates")
    if found.gps:
        parts.append("hold a position (not shown here)")
    if found.damaged:
        parts.append(f"are damaged ({', '.join(_WORDS[name] for name in found.damaged)})")
    clause = "; they ".join(parts) if parts else "hold only technical fields"
    return f"The metadata {clause}. Anyone can write or change such data."


def _credentials_label(found: Credentials) -> str:
    if found.state == "none":
        return "absent"
    return "declares_synthetic" if found.synthetic and found.state != "invalid" else found.state


def _credentials_facts(found: Credentials) -> dict[str, float | str]:
    facts: dict[str, float | str] = {"state": found.state}
    for name, text in (("generator", found.generator), ("issuer", found.issuer), ("signed", found.signed)):
        if text:
            facts[name] = text
    for name, values in (
        ("generators", found.generators),
        ("actions", found.actions),
        ("digital_source_types", found.source_types),
        ("failures", found.failures),
    ):
        if values:
            facts[name] = ", ".join(values)
    if found.remote:
        facts["remote"] = "yes"
    return facts


def _credentials_statement(found: Credentials) -> str:
    if found.state == "none":
        elsewhere = " It points to credentials kept elsewhere, which were not fetched." if found.remote else ""
        return (
            "The file carries no C2PA content credentials. Most genuine pictures carry none, so their absence is no "
            f"sign of forgery.{elsewhere}"
        )
    if found.state == "invalid":
        return (
            "The file carries C2PA content credentials that do not validate: it was changed after signing, or the "
            "signature is bad. What they claim counts for nothing."
        )
    signer = "a trusted signer" if found.state == "trusted" else "a signer that is on no trust list given here"
    which = f" ({', '.join(found.generators)})" if found.generators else ""
    claim = f" They declare that a generative model{which} made the picture or part of it." if found.synthetic else ""
    return f"The file carries C2PA content credentials that fit its bytes, signed by {signer}.{claim}"
