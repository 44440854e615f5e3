"""CSV files as spreadsheets write them: commas, semicolons or tabs; UTF-8, or Windows-1252 where it is not."""

import csv
import io
from pathlib import Path
from typing import NamedTuple

from faceagent.errors import InputError

DELIMITERS = ",;\t"


class Spreadsheet(NamedTuple):
    """Columns as named in the first line, rows as text (with their line number), and what a reader should know."""

    columns: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]
    notes: tuple[str, ...]


def read(path: Path) -> Spreadsheet:
    """The table in a file; cells beyond the named columns are left out. Raises InputError when it is no text."""
    raw = path.read_bytes()
    notes: tuple[str, ...] = ()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
        notes = (f"{path.name} is not UTF-8; it was read as Windows-1252.",)
    if "\0" in text:
        raise InputError(f"{path} is no text.", remedy="A table with commas between its columns is expected.")
    first = text.partition("\n")[0]
    table = csv.DictReader(io.StringIO(text), delimiter=max(DELIMITERS, key=first.count))
    try:
        columns = tuple(name.strip() for name in table.fieldnames or () if name.strip())
        rows = tuple(
            (table.line_num, {key.strip(): (value or "").strip() for key, value in row.items() if key and key.strip()})
            for row in table
        )
    except csv.Error as error:
        raise InputError(f"{path}, line {table.line_num}: {error}.", remedy="Mend that line.") from error
    return Spreadsheet(columns, rows, notes)
