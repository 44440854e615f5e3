"""``analyze --pdf``, ``verify-report`` and ``reproduce``; one analysis for all, and commands in this process."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from faceagent import Analyst, InputError, Settings
from faceagent.cli import main
from faceagent.cli.reproduce import reproduce
from faceagent.cli.verify_report import verify_report
from faceagent.report import signing_key as keys

Check = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def made(photo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a signed report on one question, and the key's folder beside it."""
    folder = tmp_path_factory.mktemp("signed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "user_data_path", lambda name: folder / "data" / name)
        with Analyst(Settings(workers=1)) as analyst:
            options = {"out": folder / "out", "pdf": True, "case": "K 1/26", "examiner": "Dr. Example"}
            analyst.analyze(str(photo), questions=["quality"], **options)
    return folder


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made / "out", tmp_path / "out")
    return tmp_path / "out"


@pytest.fixture
def check(made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Check:
    """``check(report, "fingerprint", picture=…, data="elsewhere")``: exit code and output of verify-report."""

    def run(report: Path, *trusted: object, picture: Path | None = None, data: str = "data") -> tuple[int, str]:
        monkeypatch.setattr(keys, "user_data_path", lambda name: made / data / name)
        return _ended(lambda: verify_report(report, picture=picture, key=list(map(str, trusted))), capsys)

    return run


def _ended(command: Callable[[], None], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = 0
    try:
        command()
    except typer.Exit as end:
        code = end.exit_code
    return code, capsys.readouterr().out


def test_the_commands_are_registered() -> None:
    names = {command.callback.__name__ for command in main.app.registered_commands if command.callback}
    assert {"verify_report", "reproduce"} <= names


def test_what_was_written_is_genuine_and_a_changed_byte_is_named(
    check: Check, made: Path, photo: Path, copy: Path
) -> None:
    code, said = check(made / "out" / "report.pdf", picture=photo)
    assert (code, said.count("ok ")) == (0, 5), said
    assert "K 1/26" in said and "The report is genuine." in said
    text = (copy / "report.json").read_text(encoding="utf-8")
    (copy / "report.json").write_text(text.replace('"seed": 0', '"seed": 1'), encoding="utf-8")
    code, said = check(copy / "report.json")
    assert code == 1
    assert "DIFFERS" in said and "report.json is not the file that was signed" in said and "NOT confirmed" in said


def test_who_has_another_key_needs_the_signers(check: Check, made: Path) -> None:
    report = made / "out" / "report.pdf"
    code, said = check(report, data="elsewhere")
    assert code == 1 and "not known whose key" in said
    key = re.search("[0-9a-f]{64}", said)
    assert key is not None
    assert check(report, key[0], data="elsewhere")[0] == 0
    assert check(report, made / "data" / "faceagent" / keys.PUBLIC, data="elsewhere")[0] == 0
    assert check(report, "0" * 64)[0] == 1


def test_a_missing_signature_and_files_that_are_not_there(check: Check, made: Path, copy: Path) -> None:
    (copy / "report.pdf.sig").unlink()
    code, said = check(copy / "report.pdf")
    assert code == 1 and "There is no signature" in said
    for report, *trusted in ((copy / "none.pdf",), (made / "out" / "report.pdf", "nothing")):
        with pytest.raises(InputError):
            check(report, *trusted)


def test_a_pdf_needs_a_folder_and_a_case_number_that_can_be_printed(made: Path, photo: Path) -> None:
    with Analyst(Settings(workers=1)) as analyst:
        with pytest.raises(InputError, match="folder"):
            analyst.analyze(str(photo), pdf=True)
        for case in ("", "x" * 61, "a\nb"):
            with pytest.raises(InputError, match="case number"):
                analyst.analyze(str(photo), pdf=True, case=case, out=made / "never")
    assert not (made / "never").exists()


def test_a_run_is_reproduced_and_a_changed_value_is_named(
    made: Path, photo: Path, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = _ended(lambda: reproduce(made / "out" / "report.json", photo), capsys)
    assert code == 0 and "The same: all" in said
    report = json.loads((copy / "report.json").read_text(encoding="utf-8"))
    report["evidence"][0]["score"]["value"] += 1
    report["manifest"]["packages"]["numpy"] = "1.0"
    (copy / "report.json").write_text(json.dumps(report), encoding="utf-8")
    code, said = _ended(lambda: reproduce(copy / "report.json", photo), capsys)
    assert code == 1
    assert "numpy: 1.0 ->" in said and "1 of" in said and report["evidence"][0]["id"] in said
    assert "Every verdict has the same label." in said


def test_another_picture_another_reference_and_no_report_are_refused(made: Path, photo: Path, copy: Path) -> None:
    report, page = made / "out" / "report.json", copy / "report.html"
    with pytest.raises(InputError, match="another picture"):
        reproduce(report, page)
    with pytest.raises(InputError, match="No reference"):
        reproduce(report, photo, [photo])
    with pytest.raises(InputError, match=r"no report\.json"):
        reproduce(page, photo)
