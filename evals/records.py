"""What was observed, one JSON line per case: appended while a run goes on, read again when it is resumed.

The file is all that scoring, comparing and reporting need; no picture is opened again for them, and no more than one
line of it is in memory at a time. The first line says what the run is; a file with another first line belongs to
another run and is begun anew.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self

from evals.data import Case, Skip
from evals.observations import Observations
from evals.task import SKIPPED, UNPRESENTED, CaseTable, Values

NAME = "records.jsonl"
CaseRow = tuple[Case, Values | Skip]
"""A case and what was observed about it, or why nothing was."""


class Records:
    """The observations of one run. Use as a context manager; every batch is on disk before the next begins."""

    def __init__(self, folder: Path, header: Mapping[str, Any], *, fresh: bool = False) -> None:
        self.path = folder / NAME
        self._places: dict[str, int] = {}
        folder.mkdir(parents=True, exist_ok=True)
        first = json.dumps(header, sort_keys=True)
        if fresh or not self._resume(first):
            self._places = {}
            self.path.write_text(first + "\n", encoding="utf-8")
        self._file = self.path.open("a+b")
        self._file.seek(0, 2)

    def _resume(self, first: str) -> bool:
        if not self.path.is_file():
            return False
        with self.path.open("r+b") as file:
            if file.readline() != (first + "\n").encode():
                return False
            whole = file.tell()
            for name, place, end in _lines(file):
                self._places[name] = place
                whole = end
            # A run that was killed in the middle of a line; what follows cannot be trusted either.
            file.truncate(whole)
        return True

    def __contains__(self, case: object) -> bool:
        return case in self._places

    def add(self, cases: Sequence[Case], answers: Sequence[Values | Skip]) -> None:
        """Keep the answers of a batch."""
        for case, answer in zip(cases, answers, strict=True):
            what = {"reason": answer.reason, "message": answer.message} if isinstance(answer, Skip) else dict(answer)
            key = "skip" if isinstance(answer, Skip) else "values"
            record = {
                "id": case.id,
                "file": case.file,
                "truth": dict(case.truth),
                "cluster": case.cluster,
                "others": list(case.others),
                key: what,
            }
            self._places[case.id] = self._file.tell()
            self._file.write(json.dumps(record).encode() + b"\n")
        self._file.flush()

    def of(self, cases: Sequence[Case]) -> Iterator[CaseRow]:
        """These cases with their answers, in order, read from the file one at a time."""
        with self.path.open("rb") as file:
            for case in cases:
                yield case, _answer(_record(file, self._places[case.id]))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def _lines(file: BinaryIO) -> Iterator[tuple[str, int, int]]:
    """Id of every whole record from here on, where its line begins, and where it ends."""
    place = file.tell()
    for line in iter(file.readline, b""):
        try:
            name = str(json.loads(line)["id"])
        except (ValueError, KeyError, TypeError):
            return
        if not line.endswith(b"\n"):
            return
        yield name, place, place + len(line)
        place += len(line)


def _record(file: BinaryIO, place: int) -> dict[str, Any]:
    file.seek(place)
    found: dict[str, Any] = json.loads(file.readline())
    return found


def _answer(record: Mapping[str, Any]) -> Values | Skip:
    if "skip" in record:
        return Skip(record["id"], record["skip"]["reason"], record["skip"]["message"])
    values: Values = record["values"]
    return values


def same_header(folder: Path, header: Mapping[str, Any]) -> bool:
    """Whether the records in ``folder`` are of the run that ``header`` describes."""
    try:
        with (folder / NAME).open("rb") as file:
            return file.readline() == (json.dumps(header, sort_keys=True) + "\n").encode()
    except OSError:
        return False


def load(folder: Path) -> tuple[dict[str, Any], Iterator[CaseRow]]:
    """Header of a run, and its cases with their answers in the order of their ids."""
    with (folder / NAME).open("rb") as file:
        header: dict[str, Any] = json.loads(file.readline())
        places = sorted((name, place) for name, place, _ in _lines(file))
    return header, _rows(folder / NAME, [place for _, place in places])


def _rows(path: Path, places: Sequence[int]) -> Iterator[CaseRow]:
    with path.open("rb") as file:
        for place in places:
            row = _record(file, place)
            yield Case(row["id"], row["file"], row["truth"], row["cluster"], tuple(row["others"])), _answer(row)


class SortedRecords(NamedTuple):
    """The rows of a run, sorted by what they are good for."""

    scored: CaseTable
    cued: CaseTable
    """What baselines are computed over: the scored cases, or those with cues at least where nothing was scored."""
    presented: CaseTable
    """Every case with a face that could have been answered, and whether it was: ``answered``, 0 or 1."""
    skips: list[Skip]


def sort_records(rows: Iterable[CaseRow]) -> SortedRecords:
    """Sort rows, which come in the order of their ids."""
    scored, cued, presented, skips = TableBuilder(), TableBuilder(), TableBuilder(), []
    for case, answer in rows:
        skip = _skip(case, answer)
        if skip is None or skip.reason not in UNPRESENTED:
            presented.append(case, {"answered": float(skip is None)})
        if skip is not None:
            skips.append(skip)
        if not isinstance(answer, Skip):
            (scored if skip is None else cued).append(case, answer)
    one = scored.table()
    return SortedRecords(one, one if len(one) else cued.table(), presented.table(), skips)


class TableBuilder:
    """Collects the rows of a table."""

    def __init__(self) -> None:
        self.cases: list[Case] = []
        self.values = Observations()

    def append(self, case: Case, values: Values) -> None:
        """Add a row."""
        self.cases.append(case)
        self.values.append(values)

    def table(self) -> CaseTable:
        """What was added so far."""
        return CaseTable(tuple(self.cases), self.values)


def _skip(case: Case, answer: Values | Skip) -> Skip | None:
    """Why a case is not scored, if it is not."""
    if isinstance(answer, Skip):
        return answer
    return Skip(case.id, *answer[SKIPPED]) if SKIPPED in answer else None
