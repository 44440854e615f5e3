"""What doctor says about weights: one line each, with a remedy that works where the file lies."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from faceagent.cli import doctor
from faceagent.cli.findings import Finding
from faceagent.settings import Settings

Run = Callable[..., subprocess.CompletedProcess[bytes]]
NAME = "face_detection_yunet_2023mar.onnx"


def about_yunet(settings: Settings) -> Finding:
    (finding,) = (finding for finding in doctor.examine(settings) if finding.what == "weights yunet")
    return finding


def test_the_remedy_for_a_broken_file_depends_on_whose_it_is(tmp_path: Path) -> None:
    for folder in (tmp_path / "cache" / "weights" / "yunet", tmp_path / "mine"):
        folder.mkdir(parents=True)
        (folder / NAME).write_bytes(b"wrong")
    cached = about_yunet(Settings(cache=tmp_path / "cache"))
    assert cached.state == "missing" and "expected" in cached.found
    assert cached.remedy == "Run `faceagent weights pull yunet`, which replaces it."
    assert cached.remedy not in cached.found
    mine = about_yunet(Settings(cache=tmp_path / "cache", weights=tmp_path / "mine"))
    assert str(tmp_path / "mine" / NAME) in mine.found
    assert mine.remedy == "Put the right file there, or take this one away."


def test_weights_that_are_not_there_are_pulled(tmp_path: Path) -> None:
    finding = about_yunet(Settings(cache=tmp_path))
    assert (finding.found, finding.remedy) == ("not on this machine", "Run `faceagent weights pull yunet`.")


def about(settings: Settings, what: str) -> Finding:
    (finding,) = (finding for finding in doctor.examine(settings) if finding.what == what)
    return finding


def test_it_says_who_answers_for_the_vision_language_model(tmp_path: Path) -> None:
    assert "adapter" in about(Settings(cache=tmp_path), "vision-language model").found
    away = about(Settings(cache=tmp_path, vlm_endpoint="http://127.0.0.1:9/v1"), "vision-language model")
    assert away.state == "missing" and "cannot be reached" in away.found and "vlm serve" in (away.remedy or "")
    none = about(Settings(cache=tmp_path), "vLLM's environment")
    assert none.state == "optional" and none.remedy == "Run `faceagent vlm setup`."


def test_doctor_says_what_is_there_and_what_mends_the_rest(run: Run, tmp_path: Path) -> None:
    assert run("doctor").returncode == 0
    empty = run("doctor", FACEAGENT_CACHE=str(tmp_path))
    assert empty.returncode == 1
    assert b"faceagent weights pull" in empty.stdout
