"""ZIP files as lists of pictures, read in memory within bounds; no size in a header is believed.

Names inside only name pictures in reports. An archive inside an archive is not opened: it is an item, and no picture.
"""

import io
import zipfile
import zlib
from collections.abc import Iterator

from faceagent.intake.sources import printable_name
from faceagent.serve.errors import ApiError, unprocessable
from faceagent.serve.uploads import LONGEST_NAME, UNNAMED
from faceagent.storage.database.jobs import NewItem

CHUNK = 2**20


class Budget:
    """How many items and bytes one job may still have."""

    def __init__(self, items: int, size: int) -> None:
        self._items, self._bytes, self._most = items, size, (items, size)

    def take(self, size: int, items: int = 1) -> None:
        """Count an item. Raises ApiError (413) where the job has become too large."""
        self._items -= items
        self._bytes -= size
        if self._items < 0:
            raise ApiError(413, f"A job has up to {self._most[0]:,} items.")
        if self._bytes < 0:
            raise ApiError(413, f"A job has up to {self._most[1]:,} bytes, unpacked.")


def unpack(data: bytes, field: str, budget: Budget) -> Iterator[NewItem]:
    """The files of a ZIP. Raises ApiError: 413 beyond the budget, 422 for what is no readable ZIP."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                if _is_passed_over(member.filename):
                    continue
                yield NewItem(_name_inside(member.filename), _read(archive, member, budget))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, OverflowError, MemoryError):
        raise unprocessable(field, "This is no ZIP file, or a damaged one.") from None
    except (RuntimeError, NotImplementedError):
        raise unprocessable(field, "The ZIP is encrypted or compressed in a way that is not read.") from None


def _is_passed_over(name: str) -> bool:
    """Folders, and what desktops add by themselves."""
    parts = name.replace("\\", "/").split("/")
    return parts[-1] == "" or any(part.startswith(".") and part.strip(".") for part in parts) or "__MACOSX" in parts


def _name_inside(path: str) -> str:
    """The name of a file with its folders, which tell files of one name apart; nothing leads out of the archive."""
    parts = [part for part in path.replace("\\", "/").split("/") if part.strip(". ") and not part.endswith(":")]
    return printable_name("/".join(parts)[-LONGEST_NAME:] or UNNAMED)


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, budget: Budget) -> bytes:
    found = bytearray()
    budget.take(0)
    with archive.open(member) as file:
        while chunk := file.read(CHUNK):
            # Counted as it comes out: a bomb ends at the job's limit, whatever its header says.
            budget.take(len(chunk), items=0)
            found += chunk
    return bytes(found)
