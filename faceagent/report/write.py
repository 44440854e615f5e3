"""Puts reports into a folder: ``report.json`` and ``report.html`` for each picture, and an index over many.

Files appear whole or not at all, and never outside the folder that was asked for, whatever a picture is called.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from faceagent.errors import InputError
from faceagent.intake.blobs import Blobs
from faceagent.report.html import render, render_index, thumbnail
from faceagent.types import Problem, Report, Verdict

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


class Row(NamedTuple):
    """What the index keeps of a report: small, so that thousands of pictures can have one."""

    source: str
    link: str
    faces: int
    thumbnail: str | None
    verdicts: tuple[Verdict, ...]
    problem: Problem | None


def write(report: Report, folder: Path, blobs: Blobs) -> Path:
    """Write ``report.json`` and ``report.html`` into ``folder``; returns the folder. Raises InputError if it cannot."""
    page = render(report, blobs).encode()
    with _writable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        replace(folder / "report.json", report.model_dump_json(indent=1).encode())
        replace(folder / "report.html", page)
    return folder


def row(report: Report, where: Path, folder: Path, blobs: Blobs) -> Row:
    """The row of a report that was written to ``where``, for the index in ``folder``."""
    return Row(
        source=report.source,
        link=(where.relative_to(folder) / "report.html").as_posix(),
        faces=len(report.faces),
        thumbnail=thumbnail(blobs.pixels(report.picture.sha256)) if report.picture else None,
        verdicts=report.verdicts,
        problem=report.problem,
    )


def index(rows: Sequence[Row], folder: Path) -> Path:
    """Write ``index.html`` over several reports below ``folder``; returns its path. Raises InputError if it cannot."""
    with _writable(folder):
        replace(folder / "index.html", render_index(rows).encode())
    return folder / "index.html"


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"The report cannot be written to {folder}: {error.strerror}.", remedy="Choose another --out folder."
        ) from error


def folder_name(report: Report) -> str:
    """A name for the picture's own folder: readable, and free of anything that a path could mean.

    Equal only for the same bytes under the same name.
    """
    stem = _UNSAFE.sub("-", Path(report.source).stem)[:60].strip("-") or "picture"
    content = report.picture.sha256 if report.picture else ""
    return f"{stem}-{hashlib.sha256(f'{content} {report.source}'.encode()).hexdigest()[:8]}"


def replace(path: Path, data: bytes) -> None:
    """Write ``data`` under ``path`` so that a reader sees the old file or the new one, never half of it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
