"""The signing key: made once, kept from others, and refused where it is not what it should be."""

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from faceagent.errors import InputError, OutputError, SettingsError
from faceagent.report import signing_key as keys
from faceagent.settings import Settings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(keys, "user_data_path", lambda name: tmp_path / name)
    return tmp_path / "faceagent"


def test_the_first_use_makes_a_key_that_only_its_owner_reads(home: Path) -> None:
    assert keys.own_fingerprint(Settings()) is None
    made = keys.signing_key(Settings())
    assert stat.S_IMODE((home / keys.PRIVATE).stat().st_mode) == 0o600
    assert sorted(path.name for path in home.iterdir()) == [keys.PRIVATE, keys.PUBLIC]
    again = keys.signing_key(Settings())
    assert again.private_bytes_raw() == made.private_bytes_raw()
    own = keys.fingerprint(made.public_key())
    assert keys.own_fingerprint(Settings()) == own == keys.trusted_fingerprint(str(home / keys.PUBLIC))


def test_all_who_make_the_key_at_once_use_the_same_one(home: Path) -> None:
    found: list[bytes] = []
    barrier = threading.Barrier(6)

    def make() -> None:
        barrier.wait()
        found.append(keys.signing_key(Settings()).private_bytes_raw())

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6 and len(set(found)) == 1
    assert sorted(path.name for path in home.iterdir()) == [keys.PRIVATE, keys.PUBLIC]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(keys, "user_data_path", lambda name: tmp_path / "file" / name)
    with pytest.raises(OutputError, match="FACEAGENT_SIGNING_KEY"):
        keys.signing_key(Settings())


def write(path: Path, data: bytes, mode: int = 0o600) -> Settings:
    path.write_bytes(data)
    path.chmod(mode)
    return Settings(signing_key=path)


def pem(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey, password: bytes | None = None) -> bytes:
    hidden = NoEncryption() if password is None else BestAvailableEncryption(password)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, hidden)


@pytest.mark.parametrize(
    ("data", "mode", "words"),
    [
        (lambda: pem(Ed25519PrivateKey.generate()), 0o644, "Others may read"),
        (lambda: pem(Ed25519PrivateKey.generate(), b"secret"), 0o600, "encrypted"),
        (lambda: pem(ec.generate_private_key(ec.SECP256R1())), 0o600, "not an Ed25519 key"),
        (lambda: b"no key", 0o600, "no private key"),
        (lambda: b"", 0o600, "no private key"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused_in_words(
    tmp_path: Path, data: Callable[[], bytes], mode: int, words: str
) -> None:
    if os.name != "posix" and mode == 0o644:
        pytest.skip("permissions are those of POSIX")
    settings = write(tmp_path / "key.pem", data(), mode)
    with pytest.raises(SettingsError, match=words):
        keys.signing_key(settings)
    assert keys.own_fingerprint(settings) is None


def test_a_key_of_the_setting_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        keys.signing_key(Settings(signing_key=tmp_path / "missing.pem"))
    assert list(tmp_path.iterdir()) == []


def test_a_trusted_key_is_a_fingerprint_or_a_public_key(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    own = keys.fingerprint(key.public_key())
    spaced = ":".join(own.upper()[place : place + 2] for place in range(0, 64, 2))
    assert keys.trusted_fingerprint(own) == keys.trusted_fingerprint(spaced) == own
    private, other = tmp_path / "private.pem", tmp_path / "ec.pem"
    private.write_bytes(pem(key))
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    other.write_bytes(curve.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    for given in (own[:-1], str(tmp_path / "missing"), str(private), str(other), ""):
        with pytest.raises(InputError):
            keys.trusted_fingerprint(given)
