"""The CSV file of ``faceagent analyze --csv``: written at the end of a run, whole or not at all."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from faceagent.atomic_write import atomic_write
from faceagent.errors import InputError, OutputError

if TYPE_CHECKING:
    from faceagent.types import Report


class CsvFile:
    """Collects the rows of a run. Raises InputError for unknown columns, and where no file can lie at ``path``."""

    def __init__(self, path: Path, columns: str) -> None:
        # Here and not above: it brings OpenCV along, which ``--help`` does without.
        from faceagent.report.face_rows import FaceTable, parse_columns

        if path.is_dir() or not path.parent.is_dir():
            why = "is a folder" if path.is_dir() else "lies in a folder that does not exist"
            raise InputError(f"{path} {why}.", remedy="Name a file in an existing folder with --csv.")
        self._path, self._text = path, io.StringIO(newline="")
        self._table = FaceTable(self._text, parse_columns(columns))

    def add(self, report: "Report") -> None:
        """Add the rows of one picture."""
        self._table.add(report)

    def write(self) -> None:
        """Write what was added. Raises OutputError when it cannot be written."""
        try:
            with atomic_write(self._path) as temporary:
                temporary.write_text(self._text.getvalue(), encoding="utf-8", newline="")
        except OSError as error:
            raise OutputError(
                f"{self._path} cannot be written: {error.strerror}.", remedy="Name another file with --csv."
            ) from error
