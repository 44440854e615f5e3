"""The detached signature of a report: a DSSE envelope around an in-toto statement, signed with Ed25519.

One signature is about all files of a case: the PDF, ``report.json``, the picture and the references stand in the
statement with their SHA-256, so that none can be exchanged for that of another case. Both formats are published ones
(DSSE v1, in-toto Statement v1), and any program that knows them can check them; ``docs/reports.md`` shows how with
OpenSSL. The envelope carries the public key, but a key that comes with a signature proves nothing about who signed.
"""

import base64
import binascii
import hashlib
from typing import Annotated, Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from faceagent.report.signing_key import fingerprint
from faceagent.types import Report
from faceagent.version import __version__

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:faceagent:signed-report:1"
LARGEST = 2**20
"""Bytes of a signature file; an own one has a few thousand."""

PDF, JSON, PICTURE = "report.pdf", "report.json", "picture"
"""Names of the signed files: their places in a case, never names of files."""

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Digest(_Strict):
    """The digest of one file."""

    sha256: Sha256


class Subject(_Strict):
    """One signed file."""

    name: str = Field(max_length=60)
    digest: Digest


class SignedCase(_Strict):
    """What is signed beside the digests."""

    case: str = Field(max_length=60)
    signed: str = Field(max_length=40, description="UTC, ISO 8601")
    faceagent: str = Field(max_length=40)
    public_key: str = Field(max_length=1000, description="PEM")


class Statement(_Strict):
    """An in-toto statement."""

    type_: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type")
    subject: tuple[Subject, ...] = Field(min_length=1, max_length=200)
    predicateType: Literal["urn:faceagent:signed-report:1"]  # noqa: N815 -- the name in the format
    predicate: SignedCase

    def digest(self, name: str) -> str | None:
        """The signed digest of the file with that place; None where it was not signed."""
        return next((one.digest.sha256 for one in self.subject if one.name == name), None)

    @property
    def references(self) -> tuple[str, ...]:
        """The signed digests of the references."""
        return tuple(one.digest.sha256 for one in self.subject if one.name.startswith("reference "))


class _Signature(_Strict):
    keyid: str = Field(max_length=200)
    sig: str = Field(max_length=200)


class _Envelope(_Strict):
    payload: str
    payloadType: Literal["application/vnd.in-toto+json"]  # noqa: N815 -- the name in the format
    signatures: tuple[_Signature, ...] = Field(min_length=1, max_length=10)


class SignatureInvalid(Exception):  # noqa: N818 -- a result of a check, never seen by a user as an exception
    """The envelope is no valid signature; the text says why."""


def sign(
    key: Ed25519PrivateKey, report: Report, source: bytes, *, case: str, signed: str, pdf: bytes | None = None
) -> bytes:
    """The envelope that signs a report with everything that it is about.

    Args:
        key: of the signer.
        report: names the picture and the references by their digests.
        source: the bytes of ``report.json``.
        case: number of the case.
        signed: the moment, UTC, ISO 8601.
        pdf: the PDF that was made of it.
    """
    files = {} if pdf is None else {PDF: hashlib.sha256(pdf).hexdigest()}
    files[JSON] = hashlib.sha256(source).hexdigest()
    if report.picture is not None:
        files[PICTURE] = report.picture.sha256
    files |= {f"reference {one.id}": one.sha256 for one in report.references}
    public = key.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    statement = Statement.model_validate(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in files.items()],
            "predicateType": PREDICATE_TYPE,
            "predicate": {"case": case, "signed": signed, "faceagent": __version__, "public_key": pem},
        }
    )
    payload = statement.model_dump_json(by_alias=True).encode()
    signature = base64.b64encode(key.sign(signed_bytes(payload))).decode()
    envelope = _Envelope(
        payload=base64.b64encode(payload).decode(),
        payloadType=PAYLOAD_TYPE,
        signatures=(_Signature(keyid=fingerprint(public), sig=signature),),
    )
    return envelope.model_dump_json(indent=1).encode() + b"\n"


def opened(envelope: bytes) -> tuple[Statement, str]:
    """What an envelope says and the fingerprint of the key that it was signed with.

    The key is the one inside: whether it belongs to the signer has to be known from elsewhere.

    Raises:
        SignatureInvalid: it is no envelope, or what it says is not what was signed.
    """
    if len(envelope) > LARGEST:
        raise SignatureInvalid("The signature file is too large to be one.")
    try:
        outer = _Envelope.model_validate_json(envelope)
        payload = base64.b64decode(outer.payload, validate=True)
        statement = Statement.model_validate_json(payload)
        signatures = [base64.b64decode(one.sig, validate=True) for one in outer.signatures]
        key = load_pem_public_key(statement.predicate.public_key.encode())
    except (ValidationError, binascii.Error, ValueError) as error:
        raise SignatureInvalid("The signature file is damaged, or no signature of a report.") from error
    if not isinstance(key, Ed25519PublicKey):
        raise SignatureInvalid("The signature was made with another kind of key than Ed25519.")
    if len({one.name for one in statement.subject}) < len(statement.subject):
        raise SignatureInvalid("The signature names a file twice.")
    if not any(_holds(key, signature, payload) for signature in signatures):
        raise SignatureInvalid("The signature does not fit what it says: it was changed after it was signed.")
    return statement, fingerprint(key)


def signed_bytes(payload: bytes) -> bytes:
    """The bytes that are signed: the pre-authentication encoding of DSSE v1."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def _holds(key: Ed25519PublicKey, signature: bytes, payload: bytes) -> bool:
    try:
        key.verify(signature, signed_bytes(payload))
    except InvalidSignature:
        return False
    return True
