"""``faceagent reproduce``: runs a report again on its picture and says what differs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError
from rich.text import Text

from faceagent import weights
from faceagent.cli.exit_codes import ERROR
from faceagent.cli.render import err, out, strip_control_characters
from faceagent.cli.verify_report import read
from faceagent.errors import InputError
from faceagent.settings import load
from faceagent.types import Report

if TYPE_CHECKING:
    from faceagent.report.differences import Comparison, Difference

MOST = 40
"""Differing values that are listed."""


def reproduce(
    report: Annotated[Path, typer.Argument(metavar="REPORT", help="report.json of an earlier run.")],
    picture: Annotated[Path, typer.Argument(metavar="PICTURE", help="Its picture, as it was received.")],
    reference: Annotated[
        list[Path] | None, typer.Option("--reference", "-r", help="A reference of the report. Repeatable.")
    ] = None,
) -> None:
    """Run a report again with its own settings, and say which values differ, and what was different here.

    Ends with 0 where every value is the same, else with 1.
    """
    from faceagent.agent.reproduce import reproduce as run_again
    from faceagent.agent.reproduce import settings_of

    try:
        before = Report.model_validate_json(read(report))
    except ValidationError as error:
        raise InputError(f"{report} is no report.json, or a damaged one.") from error
    if not before.manifest.settings:
        err.print("The report does not name its settings; those of this machine are used.")
    weights.ready(load(**settings_of(before)))
    found = run_again(before, read(picture), [read(path) for path in reference or ()])
    _print(found)
    if found.values:
        raise typer.Exit(ERROR)


def _print(found: "Comparison") -> None:
    if found.environment:
        out.print("What was different here:")
        _list(found.environment)
    if not found.values:
        out.print(f"The same: all {found.compared:,} values of the report.")
        return
    out.print(f"{len(found.values):,} of {found.compared:,} values differ:")
    _list(found.values)
    sizes = [size for one in found.values if (size := one.size) is not None]
    if found.labels:
        out.print(f"Verdicts with another label: {len(found.labels)}.")
    else:
        out.print("Every verdict has the same label.")
    if sizes:
        out.print(f"The largest difference of a number is {max(sizes):.6g}.")


def _list(pairs: "Sequence[Difference]") -> None:
    for one in pairs[:MOST]:
        words = f"  {one.place}: {_shown(one.before)} -> {_shown(one.after)}"
        out.print(Text(strip_control_characters(words)), soft_wrap=True)
    if len(pairs) > MOST:
        out.print(f"  … and {len(pairs) - MOST:,} more")


def _shown(value: object) -> str:
    return "nothing" if value is None else str(value)
