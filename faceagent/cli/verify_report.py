"""``faceagent verify-report``: checks the signature of a report and hashes everything anew."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from faceagent.cli.exit_codes import ERROR
from faceagent.cli.render import out, strip_control_characters
from faceagent.errors import InputError
from faceagent.settings import load

WORDS = {"matches": ("ok", "green"), "differs": ("DIFFERS", "bold red"), "not_checked": ("not checked", "yellow")}
PDF_MAGIC = b"%PDF-"


def verify_report(
    report: Annotated[Path, typer.Argument(metavar="REPORT", help="report.pdf or report.json.")],
    picture: Annotated[Path | None, typer.Option("--picture", help="The picture as it was received.")] = None,
    reference: Annotated[
        list[Path] | None, typer.Option("--reference", "-r", help="A reference picture. Repeatable.")
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            "--key",
            help="A key you trust: its fingerprint, or the PEM file. Repeatable. Default: your own.",
            metavar="KEY",
        ),
    ] = None,
    signature: Annotated[
        Path | None, typer.Option("--signature", help="Default: REPORT.sig, or report.pdf.sig beside it.")
    ] = None,
) -> None:
    """Check the signature of a report, and hash the report and its pictures anew.

    Ends with 0 where the signature is that of a trusted key and nothing differs, else with 1.
    """
    from faceagent.report import verify
    from faceagent.report.signing_key import own_fingerprint, trusted_fingerprint

    own = own_fingerprint(load())
    trusted = [trusted_fingerprint(one) for one in key] if key else [own] if own else []
    data = read(report)
    is_pdf = data.startswith(PDF_MAGIC)
    beside = _beside(report, "report.json" if is_pdf else "report.pdf")
    found = verify.verify(
        verify.Material(
            pdf=data if is_pdf else beside,
            report=beside if is_pdf else data,
            picture=None if picture is None else read(picture),
            references={str(path): read(path) for path in reference or ()},
        ),
        _signature(report, signature),
        trusted,
    )
    for check in found.checks:
        word, style = WORDS[check.outcome]
        out.print(Text.assemble((f"{word:<12}", style), strip_control_characters(check.text)), soft_wrap=True)
    if found.statement is not None:
        said = found.statement.predicate
        words = f"Signed: case {said.case}, {said.signed}, by faceagent {said.faceagent}."
        out.print(Text(f"{'':<12}{strip_control_characters(words)}"), soft_wrap=True)
    out.print(Text("The report is genuine." if found.passed else "The report is NOT confirmed.", style="bold"))
    if not found.passed:
        raise typer.Exit(ERROR)


def read(path: Path) -> bytes:
    """The bytes of a file that was named. Raises InputError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error


def _beside(report: Path, name: str) -> bytes | None:
    """The other file of a report, where both have the names that faceagent gives them."""
    path = report.with_name(name)
    expected = "report.pdf" if name == "report.json" else "report.json"
    return read(path) if report.name == expected and path.is_file() else None


def _signature(report: Path, given: Path | None) -> bytes | None:
    if given is not None:
        return read(given)
    for path in (report.with_name(f"{report.name}.sig"), report.with_name("report.pdf.sig")):
        if path.is_file():
            return read(path)
    return None
