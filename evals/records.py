"""What was observed, one JSON line per case: appended while a run goes on, read again when it is resumed.

The file is all that scoring, comparing and reporting need; no picture is opened again for them. The first line says
what the run is; a file with another first line belongs to another run and is begun anew.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from evals.data import Case, Skip
from evals.task import SKIPPED, UNPRESENTED, Table, Values

NAME = "records.jsonl"


class Records:
    """The observations of one run. Use as a context manager; every batch is on disk before the next begins."""

    def __init__(self, folder: Path, header: Mapping[str, Any], *, fresh: bool = False) -> None:
        self.path = folder / NAME
        self._found: dict[str, Values | Skip] = {}
        folder.mkdir(parents=True, exist_ok=True)
        first = json.dumps(header, sort_keys=True)
        if fresh or not self._resume(first):
            self.path.write_text(first + "\n", encoding="utf-8")
        self._file = self.path.open("a", encoding="utf-8")

    def _resume(self, first: str) -> bool:
        if not self.path.is_file():
            return False
        lines = self.path.read_text(encoding="utf-8").split("\n")
        if lines[0] != first:
            return False
        whole = [lines[0]]
        for line in lines[1:-1]:
            try:
                record = json.loads(line)
            except ValueError:
                break  # a run that was killed in the middle of a line; what follows cannot be trusted either
            self._found[record["id"]] = _answer(record)
            whole.append(line)
        self.path.write_text("\n".join(whole) + "\n", encoding="utf-8")
        return True

    def __contains__(self, case: object) -> bool:
        return case in self._found

    def add(self, cases: Sequence[Case], answers: Sequence[Values | Skip]) -> None:
        """Keep the answers of a batch."""
        for case, answer in zip(cases, answers, strict=True):
            self._found[case.id] = answer
            what = {"reason": answer.reason, "message": answer.message} if isinstance(answer, Skip) else dict(answer)
            key = "skip" if isinstance(answer, Skip) else "values"
            record = {"id": case.id, "file": case.file, "truth": dict(case.truth), "cluster": case.cluster,
                      "others": list(case.others), key: what}  # fmt: skip
            self._file.write(json.dumps(record) + "\n")
        self._file.flush()

    def of(self, cases: Sequence[Case]) -> list[Values | Skip]:
        """The answers of these cases, in order."""
        return [self._found[case.id] for case in cases]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def _answer(record: Mapping[str, Any]) -> Values | Skip:
    if "skip" in record:
        return Skip(record["id"], record["skip"]["reason"], record["skip"]["message"])
    values: Values = record["values"]
    return values


def load(folder: Path) -> tuple[dict[str, Any], list[Case], list[Values | Skip]]:
    """Header, cases and answers of a run, in the order of their ids."""
    with (folder / NAME).open(encoding="utf-8") as file:
        header: dict[str, Any] = json.loads(next(file))
        rows = sorted((json.loads(line) for line in file if line.strip()), key=lambda row: str(row["id"]))
    cases = [Case(row["id"], row["file"], row["truth"], row["cluster"], tuple(row["others"])) for row in rows]
    return header, cases, [_answer(row) for row in rows]


def tables(cases: Sequence[Case], answers: Sequence[Values | Skip]) -> tuple[Table, Table, list[Skip]]:
    """The scored cases; those with cues, for baselines where nothing was scored; and what was skipped."""
    order = sorted(range(len(cases)), key=lambda index: cases[index].id)
    scored, cued, skips = [], [], []
    for index in order:
        case, answer = cases[index], answers[index]
        if isinstance(answer, Skip):
            skips.append(answer)
        elif SKIPPED in answer:
            reason, message = answer[SKIPPED]
            skips.append(Skip(case.id, reason, message))
            cued.append((case, answer))
        else:
            scored.append((case, answer))
    return _table(scored), _table(scored or cued), skips


def presented(cases: Sequence[Case], answers: Sequence[Values | Skip]) -> Table:
    """Every case with a face that could have been answered, and whether it was: ``answered``, 0 or 1."""
    rows = []
    for case, answer in zip(cases, answers, strict=True):
        reason = answer.reason if isinstance(answer, Skip) else str(answer.get(SKIPPED, [""])[0])
        if reason not in UNPRESENTED:
            rows.append((case, {"answered": float(not reason)}))
    return _table(sorted(rows, key=lambda row: row[0].id))


def _table(rows: Sequence[tuple[Case, Values]]) -> Table:
    return Table(tuple(case for case, _ in rows), tuple(values for _, values in rows))
