"""What only a checkout of the repository has: the evaluation, ``evals/`` beside the package.

The installed package does not hold it (docs/decisions/0014), and a package called ``evals`` that somebody else
installed is never loaded in its place.
"""

import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from faceagent.errors import InputError

PACKAGE = Path(__file__).resolve().parents[1]


def checkout() -> Path | None:
    """The root of the checkout that this package runs from; None where it is installed by itself."""
    root = PACKAGE.parent
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    except (OSError, ValueError):
        return None
    return root if project.get("name") == "faceagent" and (root / "evals" / "cli.py").is_file() else None


def add_evaluation(app: typer.Typer) -> None:
    """Add the command ``eval``: the evaluation of the checkout, else a hidden one that says how to get it.

    Imports the evaluation's command line, which imports nothing heavy.
    """
    root = checkout()
    if root is None:
        app.command("eval", hidden=True, context_settings=_ANY)(_no_evaluation)
        return
    if str(root) not in sys.path[:1]:
        sys.path.insert(0, str(root))  # before a package of the same name in site-packages
    app.add_typer(import_module("evals.cli").app, name="eval")


_ANY = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def _no_evaluation(arguments: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """Measure tools on labelled sets; needs a checkout of the repository."""
    del arguments
    raise InputError(
        "The evaluation is not part of the installed package.",
        remedy="Clone the repository, run `make weights` there, then `.venv/bin/faceagent eval`.",
    )
