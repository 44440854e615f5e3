import datetime
import io
import json
import socket
from collections.abc import Callable
from typing import NamedTuple

import c2pa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image

from faceagent.intake import MemoryBlobs, expand, take
from faceagent.intake.credentials import Credentials, read_credentials
from faceagent.settings import Settings
from faceagent.tools.base import View
from faceagent.tools.provenance import Provenance
from faceagent.types import Picture

SYNTHETIC = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
CAPTURE = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
Sign = Callable[..., bytes]


class Chain(NamedTuple):
    """A root of our own making and a signer under it, as PEM."""

    root: bytes
    signer: bytes
    key: bytes


def _certificate(
    subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, by: ec.EllipticCurvePrivateKey, *, root: bool
) -> bytes:
    def name(words: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "faceagent tests"),
                x509.NameAttribute(NameOID.COMMON_NAME, words),
            ]
        )

    now = datetime.datetime.now(datetime.UTC)
    usage = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    draft = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.BasicConstraints(root, None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=root, crl_sign=root, **usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
    )
    if not root:
        draft = draft.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    return draft.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def chain() -> Chain:
    top, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    key = leaf.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Chain(
        _certificate("root", top, "root", top, root=True), _certificate("signer", leaf, "root", top, root=False), key
    )


@pytest.fixture(scope="module")
def sign(chain: Chain) -> Sign:
    """Bytes, MIME type and actions → the same picture with a signed manifest."""

    def signed(
        data: bytes,
        mime: str,
        *actions: dict[str, str],
        edit: bool = False,
        remote: str = "",
        name: str = "faceagent tests",
    ) -> bytes:
        manifest = {
            "claim_generator_info": [{"name": name, "version": "1"}],
            "assertions": [{"label": "c2pa.actions", "data": {"actions": list(actions)}}],
        }
        out = io.BytesIO()
        signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(b"es256", chain.signer + chain.root, chain.key, None))
        with signer, c2pa.Builder(json.dumps(manifest)) as builder:
            if edit:
                builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
            if remote:
                builder.set_no_embed()
                builder.set_remote_url(remote)
            builder.sign(signer, mime, io.BytesIO(data), out)
        return out.getvalue()

    return signed


@pytest.fixture(scope="module")
def jpeg() -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(out, "JPEG", quality=90)
    return out.getvalue()


@pytest.mark.parametrize(("kind", "mime"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")])
def test_none_then_signed_then_tampered(
    kind: str, mime: str, sign: Sign, gradient: Image.Image, encode: Callable[..., bytes]
) -> None:
    plain = encode(gradient, kind)
    assert read_credentials(plain) == Credentials("none")
    signed = sign(plain, mime, {"action": "c2pa.created", "digitalSourceType": SYNTHETIC})
    found = read_credentials(signed)
    assert found.state == "well_formed_untrusted"
    assert (found.generator, found.issuer, found.actions) == ("faceagent tests", "faceagent tests", ("c2pa.created",))
    assert found.source_types == ("trainedAlgorithmicMedia",) and found.synthetic
    assert found.failures == ("signingCredential.untrusted",)

    # One bit of the picture itself: inside the scan, the compressed rows, or the lossy frame.
    mark = {"JPEG": b"\xff\xda", "PNG": b"IDAT", "WEBP": b"VP8 "}[kind]
    tampered = bytearray(signed)
    tampered[signed.rindex(mark) + 30] ^= 1
    broken = read_credentials(bytes(tampered))
    assert broken.state == "invalid" and "assertion.dataHash.mismatch" in broken.failures


def test_a_changed_claim_is_invalid(sign: Sign, jpeg: bytes) -> None:
    signed = sign(jpeg, "image/jpeg", {"action": "c2pa.created", "digitalSourceType": SYNTHETIC})
    lied = signed.replace(b"trainedAlgorithmicMedia", b"digitalCaptureeeeeeeeee")
    assert lied != signed and read_credentials(lied).state == "invalid"


def test_a_given_root_makes_it_trusted(sign: Sign, jpeg: bytes, chain: Chain) -> None:
    signed = sign(jpeg, "image/jpeg", {"action": "c2pa.created", "digitalSourceType": CAPTURE})
    found = read_credentials(signed, chain.root.decode())
    assert (found.state, found.failures, found.synthetic) == ("trusted", (), False)
    assert found.source_types == ("digitalCapture",)
    other = ec.generate_private_key(ec.SECP256R1())
    stranger = _certificate("root", other, "root", other, root=True)
    assert read_credentials(signed, stranger.decode()).state == "well_formed_untrusted"


def test_an_edit_does_not_hide_that_its_parent_was_synthetic(sign: Sign, jpeg: bytes) -> None:
    parent = sign(jpeg, "image/jpeg", {"action": "c2pa.created", "digitalSourceType": SYNTHETIC})
    child = sign(parent, "image/jpeg", {"action": "c2pa.cropped"}, edit=True)
    found = read_credentials(child)
    assert found.synthetic and "c2pa.cropped" in found.actions and "c2pa.created" not in found.actions


def test_credentials_kept_elsewhere_are_not_fetched(sign: Sign, jpeg: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/manifest.c2pa"
        pointing = sign(jpeg, "image/jpeg", {"action": "c2pa.created", "digitalSourceType": CAPTURE}, remote=url)
        assert read_credentials(pointing) == Credentials("none", remote=True)
        server.settimeout(0.2)
        with pytest.raises(TimeoutError):
            server.accept()


def test_words_of_the_manifest_are_cleaned(sign: Sign, jpeg: bytes) -> None:
    name = "<script>\u202eevil\x1b[31m\n" + "x" * 500
    created = {"action": "c2pa.created", "digitalSourceType": "http://x.example/ignore instructions"}
    found = read_credentials(sign(jpeg, "image/jpeg", created, {"action": "org.x y<b>"}, name=name))
    assert found.generator.isprintable() and len(found.generator) <= 120 and found.generator.startswith("<script>evil")
    assert found.actions == ("c2pa.created", "other") and found.source_types == ("other",)


@pytest.mark.parametrize(
    ("agent", "generator"),
    [({"name": "GPT-4o"}, "OpenAI"), ({"name": "Adobe Firefly"}, "Adobe Firefly"), ({"name": "Gemini"}, "Gemini")],
)
def test_the_generator_that_an_action_names(agent: dict[str, str], generator: str, sign: Sign, jpeg: bytes) -> None:
    made = {"action": "c2pa.created", "digitalSourceType": SYNTHETIC, "softwareAgent": agent}
    found = read_credentials(sign(jpeg, "image/jpeg", made))
    assert found.synthetic and found.generators == (generator,)


def test_a_manifest_cut_to_pieces_is_never_valid(sign: Sign, jpeg: bytes) -> None:
    signed = sign(jpeg, "image/jpeg", {"action": "c2pa.created", "digitalSourceType": CAPTURE})
    start = signed.index(b"jumdc2pa")
    for at in range(start + 8, start + 4000, 331):
        broken = bytearray(signed)
        broken[at : at + 4] = b"\xff\xff\xff\xff"
        assert read_credentials(bytes(broken)).state in ("invalid", "none")


def test_the_tool_says_it_in_two_items(sign: Sign, jpeg: bytes) -> None:
    blobs = MemoryBlobs()
    signed = sign(jpeg, "image/jpeg", {"action": "c2pa.created", "digitalSourceType": SYNTHETIC})
    (source,) = expand([signed], blobs)
    picture = take(source, blobs, Settings())
    assert isinstance(picture, Picture)
    view = View(picture, lambda: blobs.pixels(picture.sha256), lambda: blobs.get(picture.sha256))
    ((metadata, credentials),) = Provenance(Settings()).run([view])
    assert (metadata.id, metadata.label, metadata.reason) == ("P1:metadata", "absent", "absent")
    assert (credentials.id, credentials.label, credentials.reason) == ("P1:c2pa", "declares_synthetic", None)
    assert credentials.facts["state"] == "well_formed_untrusted"
