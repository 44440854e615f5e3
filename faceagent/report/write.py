"""Puts reports into a folder: ``report.json`` and ``report.html`` for each picture, and an index over many.

Files appear whole or not at all, and never outside the folder that was asked for, whatever a picture is called.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from faceagent.errors import InputError
from faceagent.intake.blobs import Blobs
from faceagent.report.html import render, render_index
from faceagent.types import Report

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


def write(report: Report, folder: Path, blobs: Blobs) -> Path:
    """Write ``report.json`` and ``report.html`` into ``folder``; returns the folder. Raises InputError if it cannot."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace(folder / "report.json", report.model_dump_json(indent=1).encode())
        replace(folder / "report.html", render(report, blobs).encode())
    except OSError as error:
        raise InputError(
            f"The report cannot be written to {folder}: {error.strerror}.", remedy="Choose another --out folder."
        ) from error
    return folder


def index(reports: Sequence[tuple[Report, Path]], folder: Path) -> Path:
    """Write ``index.html`` over several reports, each with its own folder below ``folder``; returns its path."""
    rows = [(report, where.relative_to(folder).as_posix() + "/report.html") for report, where in reports]
    replace(folder / "index.html", render_index(rows).encode())
    return folder / "index.html"


def outline(report: Report) -> Report:
    """The report without its bulk: enough for a row of the index, small enough to keep for thousands of pictures."""
    faces = tuple(face.model_copy(update={"landmarks": (), "blendshapes": {}}) for face in report.faces)
    return report.model_copy(update={"faces": faces, "evidence": (), "explanations": ()})


def folder_name(report: Report) -> str:
    """A name for the picture's own folder: readable, unique by content, free of anything a path could mean."""
    stem = _UNSAFE.sub("-", Path(report.source).stem)[:60].strip("-") or "picture"
    digest = report.picture.sha256 if report.picture else hashlib.sha256(report.source.encode()).hexdigest()
    return f"{stem}-{digest[:8]}"


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
