"""The folder of one run over many pictures: every report as soon as it is made, an index, and a journal.

The journal has one line for every report that was written: with it a later run with the same request goes on where
this one stopped, however it ended. A report belongs to the bytes of its picture and to everything that decides what is
said about them, see ``run_key``. This module analyses nothing.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import Field, ValidationError

from faceagent.errors import FaceagentError, OutputError
from faceagent.intake.blobs import Blobs
from faceagent.report.signed_pdf import PdfMaker
from faceagent.report.write import SIGNED_FILES, IndexEntry, folder_name, index, index_entry, make_folder, write
from faceagent.settings import Settings
from faceagent.types import FrozenModel, Problem, Report, Request
from faceagent.version import __version__

logger = logging.getLogger(__name__)

JOURNAL = "journal.jsonl"


class _Line(FrozenModel):
    """One line of the journal: what the report is about, where it is, and its entry in the index."""

    key: str
    sha256: str
    source: str
    folder: str
    faces: int
    thumbnail: str | None
    answer: str
    problem: Problem | None = Field(default=None)


def run_key(
    request: Request, settings: Settings, explain: str, references: Iterable[str], tools: Mapping[str, str]
) -> str:
    """A digest of everything besides the picture that decides what a report says.

    Args:
        request: questions, purpose and jurisdiction.
        settings: of the run.
        explain: who explains.
        references: sha256 of the reference pictures, or their names where they cannot be read.
        tools: version of every tool, by name.
    """
    parts = {
        "version": __version__,
        "request": request.model_dump(mode="json"),
        "settings": settings.deciding,
        "explain": explain,
        "references": list(references),
        "tools": dict(tools),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class RunFolder:
    """Where the reports of one run are written."""

    def __init__(
        self,
        folder: Path,
        key: str,
        unwritten: list[tuple[str, str]],
        *,
        alone: bool,
        fresh: bool,
        pdf: PdfMaker | None = None,
    ) -> None:
        """Make the folder and read its journal; with ``fresh`` the journal begins anew.

        Args:
            folder: where to write.
            key: see ``run_key``.
            unwritten: gets the names of pictures whose reports cannot be written, and why.
            alone: the run has one picture, whose report is written into ``folder`` itself, without index and journal.
            fresh: no earlier report is used.
            pdf: makes a PDF of every report; None: there is none.

        Raises:
            InputError: the folder cannot be made or written.
            OutputError: there is no room for it.
        """
        self._folder, self._key, self._alone, self._pdf = folder, key, alone, pdf
        self._rows: list[IndexEntry] = []
        self._taken: set[str] = set()
        self._earlier: dict[tuple[str, str], list[_Line]] = {}
        self._unwritten = unwritten
        self._needed = ("report.html", *(SIGNED_FILES if pdf is not None else ()))
        make_folder(folder)
        if not alone:
            lines = [] if fresh else [line for line in _read(folder / JOURNAL) if line.key == key]
            for line in lines:
                self._earlier.setdefault((line.source, line.sha256), []).append(line)

    def has(self, source: str) -> bool:
        """Whether an earlier run has written a report on a picture of this name."""
        return any(name == source for name, _ in self._earlier)

    def earlier(self, source: str, sha256: str) -> Report | None:
        """The report that an earlier run has written on these bytes under this name; it joins the index."""
        lines = self._earlier.get((source, sha256), [])
        while lines:
            line = lines.pop(0)
            place = self._folder / line.folder
            try:
                found = Report.model_validate_json((place / "report.json").read_text(encoding="utf-8"))
                written = all((place / name).is_file() for name in self._needed)
            except (OSError, ValueError):
                continue
            if written and found.picture is not None and found.picture.sha256 == sha256:
                self._taken.add(line.folder)
                self._rows.append(_entry(line))
                return found if line.thumbnail is None else found.with_thumbnail(line.thumbnail)
        return None

    def add(self, report: Report, blobs: Blobs) -> None:
        """Write a report and its line; where that fails, the reason is kept in ``unwritten`` and the run goes on."""
        place = self._folder if self._alone else self._folder / folder_name(report, self._taken)
        try:
            write(report, place, blobs, self._pdf)
            if not self._alone:
                entry = index_entry(report, place, self._folder)
                self._rows.append(entry)
                self._append(report, place.name, entry)
        except FaceagentError as error:
            logger.error("%s", error)
            self._unwritten.append((report.source, error.message))

    def close(self) -> None:
        """Write the index of all reports, those of earlier runs included."""
        if self._alone or not self._rows:
            return
        try:
            index(self._rows, self._folder)
        except FaceagentError as error:
            logger.error("%s", error)
            self._unwritten.append(("index.html", error.message))

    def _append(self, report: Report, folder: str, entry: IndexEntry) -> None:
        if report.picture is None:
            # What could not be read is tried again: the file may have been repaired.
            return
        line = _Line(
            key=self._key,
            sha256=report.picture.sha256,
            source=report.source,
            folder=folder,
            faces=entry.faces,
            thumbnail=entry.thumbnail,
            answer=entry.answer,
            problem=entry.problem,
        )
        try:
            with (self._folder / JOURNAL).open("a", encoding="utf-8") as journal:
                # One write call: a killed process leaves at most the last line cut short.
                journal.write("\n" * _is_cut(self._folder / JOURNAL) + line.model_dump_json() + "\n")
        except OSError as error:
            raise OutputError(f"{self._folder / JOURNAL} cannot be written: {error.strerror}.") from error


def _is_cut(journal: Path) -> bool:
    """Whether the last line of the journal has no end."""
    with journal.open("rb") as stream:
        if stream.seek(0, 2) == 0:
            return False
        stream.seek(-1, 2)
        return stream.read(1) != b"\n"


def _read(journal: Path) -> list[_Line]:
    """The lines that are whole."""
    found = []
    try:
        text = journal.read_bytes().decode("utf-8", "replace")
    except OSError:
        return []
    for line in text.splitlines():
        try:
            found.append(_Line.model_validate_json(line))
        except ValidationError:
            continue
    return found


def _entry(line: _Line) -> IndexEntry:
    return IndexEntry(
        source=line.source,
        link=f"{line.folder}/report.html",
        faces=line.faces,
        thumbnail=line.thumbnail,
        answer=line.answer,
        problem=line.problem,
    )
