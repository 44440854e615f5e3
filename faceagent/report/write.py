"""Writes reports to a folder: ``report.json``, ``report.html`` and a signed PDF for each picture, and an index of many.

Files appear complete or not at all, and never outside the given folder, whatever the name of a picture is.
"""

import errno
import hashlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from faceagent.atomic_write import atomic_write
from faceagent.errors import InputError, OutputError
from faceagent.intake.blobs import Blobs
from faceagent.report.html import render, render_index
from faceagent.report.signed_pdf import SIGNATURE, PdfMaker
from faceagent.types import Problem, Report

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""Errors of a disk, as opposed to those of a folder that was chosen badly."""

SIGNED_FILES = ("report.pdf", SIGNATURE)
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


class IndexEntry(NamedTuple):
    """The entry of one report in the index: small, so that an index can have thousands."""

    source: str
    link: str
    faces: int
    thumbnail: str | None
    answer: str
    problem: Problem | None


def write(report: Report, folder: Path, blobs: Blobs, pdf: PdfMaker | None = None) -> Path:
    """Write ``report.json``, ``report.html`` and, with ``pdf``, the signed PDF into ``folder``; all or none.

    Returns the folder. Raises InputError when it cannot be written, OutputError when there is no room.
    """
    source = report.model_dump_json(indent=1).encode()
    files = {"report.json": source, "report.html": render(report, blobs).encode()}
    if pdf is not None:
        files |= dict(zip(SIGNED_FILES, pdf.make(report, source, blobs), strict=True))
    new = not folder.exists()
    before = {name for name in files if (folder / name).exists()}
    with _writable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with ExitStack() as drafts:
                # Each appears under its name only when all of them lie there whole.
                for name, data in files.items():
                    drafts.enter_context(atomic_write(folder / name)).write_bytes(data)
        except OSError:
            with suppress(OSError):
                for name in files.keys() - before:
                    (folder / name).unlink(missing_ok=True)
                if new:
                    folder.rmdir()
            raise
    return folder


def make_folder(folder: Path) -> None:
    """Make ``folder`` and see that files can be written there. Raises InputError or OutputError."""
    with _writable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass


def index_entry(report: Report, where: Path, folder: Path) -> IndexEntry:
    """The entry of a report that was written to ``where``, for the index in ``folder``."""
    return IndexEntry(
        source=report.source,
        link=(where.relative_to(folder) / "report.html").as_posix(),
        faces=len(report.faces),
        thumbnail=report.thumbnail,
        answer=report.summary.line if report.summary else "",
        problem=report.problem,
    )


def index(rows: Sequence[IndexEntry], folder: Path) -> Path:
    """Write ``index.html`` over several reports below ``folder``; returns its path. Raises as ``write`` does."""
    with _writable(folder):
        _write(folder / "index.html", render_index(rows))
    return folder / "index.html"


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise OutputError(
                f"The report cannot be written to {folder}: {error.strerror}.",
                remedy="Free some space and run the same command again; it goes on where it stopped.",
            ) from error
        raise InputError(
            f"The report cannot be written to {folder}: {error.strerror}.", remedy="Choose another --out folder."
        ) from error


def folder_name(report: Report, taken: set[str] | None = None) -> str:
    """A name for the picture's own folder: readable, only letters, digits, hyphens and underscores.

    Two reports have the same name only for the same bytes under the same source. ``taken`` are the names given in this
    run: one of them is given a number, and the new name is added.
    """
    stem = _UNSAFE.sub("-", Path(report.source).stem)[:60].strip("-") or "picture"
    content = report.picture.sha256 if report.picture else ""
    name = f"{stem}-{hashlib.sha256(f'{content} {report.source}'.encode()).hexdigest()[:8]}"
    if taken is None:
        return name
    number = 1
    unique = name
    while unique in taken:
        number += 1
        unique = f"{name}-{number}"
    taken.add(unique)
    return unique


def _write(path: Path, text: str) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
