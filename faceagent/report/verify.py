"""Checks a report against its signature, file by file, and says in words what matches and what does not.

Nothing is believed that is not signed: digests are those of the signed statement, and every file is hashed anew. This
module reads no file; a caller hands it bytes.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from pydantic import ValidationError

from faceagent.report.signature import JSON, PDF, PICTURE, SignatureInvalid, Statement, opened
from faceagent.types import Report

Outcome = Literal["matches", "differs", "not_checked"]


class Check(NamedTuple):
    """One thing that was looked at: ``differs`` says that something is wrong, ``not_checked`` that it was not given."""

    outcome: Outcome
    text: str


class Verification(NamedTuple):
    """All checks, in order, and what was signed where that can be believed."""

    checks: tuple[Check, ...]
    statement: Statement | None = None

    @property
    def passed(self) -> bool:
        """Whether the signature is one of a trusted key and nothing differs."""
        return self.statement is not None and all(one.outcome != "differs" for one in self.checks)


class Material(NamedTuple):
    """The files to check; references by the names that the caller gives them."""

    pdf: bytes | None = None
    report: bytes | None = None
    picture: bytes | None = None
    references: Mapping[str, bytes] = {}


def verify(material: Material, envelope: bytes | None, trusted: Collection[str]) -> Verification:
    """Check files against the envelope of their signature.

    Args:
        material: the files.
        envelope: the signature; None: there is none.
        trusted: fingerprints of the keys of whom the reader trusts.
    """
    if envelope is None:
        text = "There is no signature, so nothing tells whether these files were changed."
        return Verification((Check("differs", text), *_consistent(material.report)))
    try:
        statement, key = opened(envelope)
    except SignatureInvalid as error:
        return Verification((Check("differs", str(error)), *_consistent(material.report)))
    signer = _signer(key, trusted)
    checks = (signer, *_files(material, statement), *_consistent(material.report))
    return Verification(checks, statement if signer.outcome == "matches" else None)


def _signer(key: str, trusted: Collection[str]) -> Check:
    if key in trusted:
        return Check("matches", f"The signature is genuine: key {key}.")
    text = (
        f"The signature fits its key, but it is not known whose key that is: {key}. Ask the signer for the fingerprint "
        "of the key, in another way than with the report, and give it with --key."
    )
    return Check("differs", text)


def _files(material: Material, statement: Statement) -> Iterator[Check]:
    for place, data in ((PDF, material.pdf), (JSON, material.report)):
        if data is not None or statement.digest(place) is not None:
            yield _file(place, data, statement)
    yield _picture(material, statement)
    yield from _references(material.references, statement.references)


def _file(place: str, data: bytes | None, statement: Statement) -> Check:
    signed = statement.digest(place)
    if data is None:
        return Check("not_checked", f"{place} was signed with SHA-256 {signed}; it is not here.")
    found = hashlib.sha256(data).hexdigest()
    if signed is None:
        return Check("differs", f"{place} (SHA-256 {found}) is not among the signed files.")
    if found != signed:
        return Check(
            "differs", f"{place} is not the file that was signed: its SHA-256 is {found}, signed was {signed}."
        )
    return Check("matches", f"{place} is byte for byte what was signed: SHA-256 {found}.")


def _picture(material: Material, statement: Statement) -> Check:
    signed = statement.digest(PICTURE)
    if material.picture is None:
        text = "The report is about no readable picture." if signed is None else (
            f"The picture (SHA-256 {signed}) was not given; name it with --picture to check it."
        )  # fmt: skip
        return Check("not_checked", text)
    found = hashlib.sha256(material.picture).hexdigest()
    if signed is None:
        return Check("differs", f"The picture (SHA-256 {found}) belongs to no picture of this report.")
    if found != signed:
        return Check("differs", f"The picture is another file: its SHA-256 is {found}, the report's is {signed}.")
    return Check("matches", f"The picture is the one that was analysed: SHA-256 {found}.")


def _references(given: Mapping[str, bytes], signed: Sequence[str]) -> Iterator[Check]:
    found = {name: hashlib.sha256(data).hexdigest() for name, data in given.items()}
    for name, digest in found.items():
        if digest in signed:
            yield Check("matches", f"{name} is a reference of this report: SHA-256 {digest}.")
        else:
            yield Check("differs", f"{name} is no reference of this report: SHA-256 {digest}.")
    for digest in signed:
        if digest not in found.values():
            yield Check("not_checked", f"A reference (SHA-256 {digest}) was not given; name it with --reference.")


def _consistent(source: bytes | None) -> Iterator[Check]:
    """Whether a report can be read, and names no evidence that it does not hold."""
    if source is None:
        return
    try:
        report = Report.model_validate_json(source)
    except ValidationError:
        yield Check("differs", "report.json is no report, or a damaged one.")
        return
    known = {one.id for one in report.evidence} | {one.id for one in report.verdicts}
    named = {name for one in report.verdicts for name in (*one.supports, *one.contradicts)}
    named |= {name for one in report.explanations for step in one.steps for name in step.cites}
    if missing := sorted(named - known):
        yield Check("differs", f"report.json names evidence that it does not hold: {', '.join(missing[:5])}.")
    else:
        yield Check("matches", f"report.json holds all evidence that it names ({len(report.evidence)} pieces).")
