"""Builds the wheel, installs it in an environment of its own, and runs programs there, away from the checkout."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE = 240.0
"""Seconds for one command on a busy machine: a hanging one ends before its test does."""
_NONE: Mapping[str, str] = {}


def build(folder: Path) -> Path:
    """The wheel of this checkout, built into ``folder`` without the network."""
    _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], ROOT)
    (wheel,) = folder.glob("*.whl")
    return wheel


class Environment:
    """A virtual environment without the checkout. Programs run in ``folder``, with the variables of ``settings``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings: dict[str, str] = {}
        _run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], folder)
        self._bin = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")

    @property
    def site_packages(self) -> Path:
        """Where packages are installed."""
        base = str(self.folder / "venv")
        return Path(sysconfig.get_path("purelib", "venv", vars={"base": base, "platbase": base}))

    def install(self, *arguments: str, timeout: float = PATIENCE) -> None:
        """``pip install`` with these arguments, by the pip of the environment that runs the tests."""
        pip = [sys.executable, "-m", "pip", "--python", str(self._bin / "python"), "--disable-pip-version-check"]
        # Without compiling what is never imported here: most of it.
        _run([*pip, "install", "--quiet", "--no-compile", *arguments], self.folder, timeout)

    def borrow(self) -> None:
        """Let it import the packages of the environment that runs the tests, but for those installed as editable.

        Python does not read the ``.pth`` files of a folder that a ``.pth`` file names, so the checkout stays out.
        """
        (self.site_packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")

    def remove(self) -> None:
        """Delete it with everything that was written there."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def python(self, program: str, timeout: float = PATIENCE) -> str:
        """What the program prints. Raises AssertionError with everything it said when it fails."""
        return _run([str(self._bin / "python"), "-c", program], self.folder, timeout)

    def faceagent(self, *arguments: str, code: int = 0, timeout: float = PATIENCE) -> str:
        """What the installed command prints, standard error included."""
        return _run([str(self._bin / "faceagent"), *arguments], self.folder, timeout, code, self.settings)


def _run(
    command: list[str], folder: Path, timeout: float = PATIENCE, code: int = 0, settings: Mapping[str, str] = _NONE
) -> str:
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        command,
        cwd=folder,
        env={**environment, "COLUMNS": "200", **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == code, f"{' '.join(command)[:300]} ended with {done.returncode}:\n{done.stdout[-3000:]}"
    return done.stdout


IMPORT_ALL = """
import importlib, json, pkgutil, sys
import faceagent
names = ["faceagent"] + [found.name for found in pkgutil.walk_packages(faceagent.__path__, "faceagent.")]
missing = {}
for name in names:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing[name] = error.name
others = sorted({"evals", "finetune"} & set(sys.modules))
print(json.dumps({"place": faceagent.__file__, "modules": len(names), "missing": missing, "others": others}))
"""
"""Prints where the package lies, its modules, those that lack a package, and which others of ours came along."""


def assert_imports(installed: Environment, missing: Sequence[str]) -> None:
    """Every module of the installed package imports, but for ``missing``: modules and packages that need an extra."""
    found = json.loads(installed.python(IMPORT_ALL))
    assert Path(found["place"]).is_relative_to(installed.site_packages)
    assert found["modules"] == len(list((ROOT / "faceagent").rglob("*.py")))
    assert [name for name in found["missing"] if not name.startswith(tuple(missing))] == []
    assert all(any(name.startswith(one) for name in found["missing"]) for one in missing)
    assert found["others"] == []
