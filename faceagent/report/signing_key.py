"""The Ed25519 key that signs reports: made on first use in the user's own folder, or given by the setting.

The private key never leaves its file, which only its owner may read. Its public half lies beside it, to be handed to
those who check reports.
"""

import hashlib
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from platformdirs import user_data_path

from faceagent.atomic_write import PART, atomic_write
from faceagent.errors import InputError, OutputError, SettingsError
from faceagent.settings import Settings

PRIVATE, PUBLIC = "signing-key.pem", "signing-key.pub.pem"
OWNER_ONLY = 0o600
FINGERPRINT = 64
"""Hexadecimal digits of a fingerprint."""


def signing_key(settings: Settings) -> Ed25519PrivateKey:
    """The key of this installation; the first call makes one where the setting names none.

    Raises:
        SettingsError: the file of the setting is missing, is no such key, or others may read it.
        OutputError: a new key cannot be written.
    """
    if settings.signing_key is not None:
        return _read(settings.signing_key)
    path = user_data_path("faceagent") / PRIVATE
    if not path.exists():
        _make(path)
    key = _read(path)
    if not path.with_name(PUBLIC).exists():
        _publish(key.public_key(), path.with_name(PUBLIC))
    return key


def own_fingerprint(settings: Settings) -> str | None:
    """The fingerprint of this installation's key; None where it has none yet, or none that can be used."""
    path = settings.signing_key or user_data_path("faceagent") / PRIVATE
    try:
        return fingerprint(_read(path).public_key()) if path.exists() else None
    except SettingsError:
        return None


def fingerprint(key: Ed25519PublicKey) -> str:
    """SHA-256 of the public key as DER, in hexadecimal; what OpenSSL calls the digest of the SubjectPublicKeyInfo."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def trusted_fingerprint(given: str) -> str:
    """The fingerprint that ``--key`` stands for: the fingerprint itself, or the PEM file of a public key.

    Raises InputError for anything else.
    """
    plain = given.strip().lower().replace(":", "")
    if len(plain) == FINGERPRINT and all(mark in "0123456789abcdef" for mark in plain):
        return plain
    try:
        key = load_pem_public_key(Path(given).read_bytes())
    except OSError as error:
        message = f"The key {given!r} is neither a fingerprint of {FINGERPRINT} digits nor a file that can be read."
        raise InputError(message, remedy="Name the PEM file of the signer's public key.") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError(f"{given} holds no public key.", remedy="Name a PEM file with a PUBLIC KEY.") from error
    if not isinstance(key, Ed25519PublicKey):
        raise InputError(f"The key in {given} is not an Ed25519 key.")
    return fingerprint(key)


def _make(path: Path) -> None:
    private = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}{PART}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY), "wb") as file:
                file.write(private)
            # A link is not made where the name exists: of two processes that make a key, both use the first one.
            with suppress(FileExistsError):
                os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error


def _publish(key: Ed25519PublicKey, path: Path) -> None:
    try:
        with atomic_write(path) as draft:
            draft.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> OutputError:
    message = f"The signing key cannot be written to {path}: {error.strerror}."
    return OutputError(message, remedy="Name another file with FACEAGENT_SIGNING_KEY.")


def _read(path: Path) -> Ed25519PrivateKey:
    try:
        mode = path.stat().st_mode
        data = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"The signing key {path} cannot be read: {error.strerror}.") from error
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise SettingsError(f"Others may read the signing key {path}.", remedy=f"Run: chmod 600 {path}")
    try:
        key = load_pem_private_key(data, password=None)
    except TypeError as error:
        raise SettingsError(f"The signing key {path} is encrypted.", remedy="Name one without a password.") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SettingsError(f"{path} holds no private key.", remedy="Name a PEM file with a PRIVATE KEY.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"The key in {path} is not an Ed25519 key.")
    return key
