"""The evaluation is found beside the package in a checkout, and nowhere else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from faceagent.cli import checkout as module
from faceagent.cli.checkout import checkout

ROOT = Path(__file__).parents[2]
OURS = '[project]\nname = "faceagent"\n'


def _beside(folder: Path, project: str | None, *, evaluation: bool = True) -> Path:
    """The package's folder as it would be under ``folder``."""
    if project is not None:
        (folder / "pyproject.toml").write_text(project, encoding="utf-8")
    if evaluation:
        (folder / "evals").mkdir()
        (folder / "evals" / "cli.py").touch()
    return folder / "faceagent"


def test_this_is_a_checkout() -> None:
    assert checkout() == ROOT


@pytest.mark.parametrize(
    ("project", "evaluation", "found"),
    [
        (OURS, True, True),
        (OURS, False, False),
        (None, True, False),
        ('[project]\nname = "another"\n', True, False),
        ("[tool.ruff]\n", True, False),
        ("this is no TOML [", True, False),
    ],
)
def test_only_a_folder_with_our_project_and_the_evaluation_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: str | None, evaluation: bool, found: bool
) -> None:
    monkeypatch.setattr(module, "PACKAGE", _beside(tmp_path, project, evaluation=evaluation))
    assert checkout() == (tmp_path if found else None)


def test_the_evaluation_of_the_checkout_goes_before_another_package_called_evals(tmp_path: Path) -> None:
    (tmp_path / "evals").mkdir()
    for name in ("__init__.py", "cli.py"):
        (tmp_path / "evals" / name).write_text("raise SystemExit('the foreign package was loaded')\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "faceagent", "eval", "--help"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "compare" in done.stdout
