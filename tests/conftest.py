"""Fixtures that every test may use. Real weights come from the user cache, pulled once before the tests."""

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
import skimage.transform
from numpy.typing import NDArray

from faceagent.explain import summarize
from faceagent.settings import Settings
from faceagent.types import (
    Evidence,
    Face,
    HeatMap,
    Manifest,
    Picture,
    Probability,
    Quality,
    Report,
    Request,
    Score,
    ToolStamp,
    Verdict,
    WeightStamp,
)

LONGEST = (
    "e2e/test_openapi_contract.py",
    "packaging/test_empty_environment.py",
    "e2e/desk/test_desk_bad_input.py",
    "e2e/test_shared_jobs.py",
    "finetune/vlm/large/test_vlm_train.py",
    "e2e/test_service.py",
    "agent/test_kept_results.py",
    "agent/test_forked_analyst.py",
    "cli/test_analyze_command.py",
    "security/test_nothing_goes_out.py",
    "e2e/test_mcp_stdio.py",
    "packaging/test_wheel.py",
    "e2e/desk/test_desk_accessibility.py",
    "finetune/test_add_family.py",
    "e2e/test_service_clients.py",
    "cli/test_chat_command.py",
    "cli/test_main.py",
    "tools/test_visibility_kinds.py",
    "vlm/test_embedded_model.py",
    "finetune/detectors/forgery/test_forgery_train.py",
    "contract/test_quiet_start.py",
)
"""The files that take longest, the longest first. Begun last, one would leave the other workers idle till it ends."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where several workers share the tests, put ``LONGEST`` first; xdist would begin the files of most tests first."""
    here, place = Path(__file__).parent, {name: at for at, name in enumerate(LONGEST)}
    assert all((here / name).is_file() for name in LONGEST), "LONGEST names a file that is not there"
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: place.get(item.path.relative_to(here).as_posix(), len(place)))


@pytest.fixture(scope="session")
def settings() -> Settings:
    """The embedded profile with one worker, so that tests are as repeatable as they can be."""
    return Settings(workers=2)


@pytest.fixture(scope="session")
def astronaut() -> NDArray[np.uint8]:
    """512×512 RGB, one smiling face near the top; public domain (NASA)."""
    pixels: NDArray[np.uint8] = skimage.data.astronaut()
    return pixels


@pytest.fixture(scope="session")
def stranger(astronaut: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """320×680 RGB, one face of nobody: the astronaut's with other eyes, nose and mouth, and far wider.

    Its SFace cosine with the astronaut is .02.
    """
    head = astronaut[:320, 60:400]
    right_eye, left_eye, nose, mouth = np.array([(140.7, 101.3), (187.2, 102.4), (163.0, 125.1), (162.2, 143.0)])
    changes = ((right_eye, 0.9, 28), (left_eye, 0.9, 28), (nose, -0.6, 33), (mouth, 0.7, 42))

    def source(points: NDArray[np.float64]) -> NDArray[np.float64]:
        for centre, strength, reach in changes:
            away = points - centre
            near = np.clip(1 - np.hypot(*away.T) / reach, 0, 1) ** 2
            points = centre + away * (1 + strength * near)[:, np.newaxis]
        return points

    changed = (255 * skimage.transform.warp(head, source, mode="edge")).astype(np.uint8)
    return np.asarray(cv2.resize(changed, None, fx=2.0, fy=1.0, interpolation=cv2.INTER_CUBIC), np.uint8)


KEPT = ("FACEAGENT_CACHE", "FACEAGENT_WORKERS")
"""The second one to run the tests with one worker: nothing may wait for a thread that is not there."""


@pytest.fixture(autouse=True)
def _quiet_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No FACEAGENT_* variable of the person who runs the tests may change what they see, but for ``KEPT``."""
    for name in [name for name in os.environ if name.startswith("FACEAGENT_") and name not in KEPT]:
        monkeypatch.delenv(name)
    logging.getLogger("faceagent").setLevel(logging.WARNING)
    yield


@pytest.fixture(scope="session")
def sample_report() -> Callable[..., Report]:
    """``sample_report(faces=2, language="zh")``: a finished report on 64×48 px, put together without any model."""
    return _sample_report


def _sample_report(faces: int = 1, language: str = "en", source: str = "photo.png", references: int = 0) -> Report:
    """Every face was called forged with support of LR 19, and looks happy."""
    quality = Quality.model_validate(dict.fromkeys(Quality.model_fields, 80.0))
    stamp = WeightStamp(id="minifasnet_v2", sha256="a5eb02e1843f19b5386b953cc4c9f011c3f985d0ee2bb9819eea9a142099bec0")
    tool = ToolStamp(name="forgery", version="0.0.1", weights=(stamp,))
    box = (8.0, 8.0, 40.0, 40.0)
    points = ((16.0, 18.0), (32.0, 18.0), (24.0, 25.0), (18.0, 32.0), (30.0, 32.0))
    found, evidence, verdicts = [], [], []
    for number in range(1, faces + 1):
        name = f"F{number}"
        found.append(Face(id=name, picture="P1", box=box, confidence=0.9, points5=points, quality=quality))
        evidence += [
            Evidence(
                id=f"{name}:forgery",
                tool=tool,
                question="forgery",
                subject=name,
                score=Score(value=2.0, scale="logit", calibration="forgery/splice-1"),
                heatmap=HeatMap(box=box, values=((0.1, 0.9), (0.2, 0.3))),
                statement="The score is 2.0.",
            ),
            Evidence(
                id=f"{name}:AU12",
                tool=ToolStamp(name="action_units", version="0.0.1"),
                question="action_units",
                subject=name,
                label="present",
                score=Score(value=3.0, scale="intensity"),
                facts={"name": "lip corner puller"},
                statement="AU12 is present at intensity 3.0 of 5.",
            ),
        ]
        verdicts.append(
            Verdict(
                id=f"V:{name}:forgery",
                question="forgery",
                subject=name,
                label="forged",
                wording="Forged, 95 %.",
                supports=(f"{name}:forgery",),
                status="stable",
                strength="moderate",
                positive=Probability(value=0.95, low=0.9, high=0.99, calibration="forgery/splice-1"),
                action="act",
            )
        )
    shared = {"width": 64, "height": 48, "format": "PNG", "bytes": 1234, "mode": "RGB", "orientation": 1}
    return Report(
        request=Request(),
        source=source,
        summary=summarize(verdicts, evidence, found, style="plain", language=language),
        picture=Picture(id="P1", sha256="1" * 64, source=source, faces_found=faces, **shared),
        references=tuple(
            Picture(id=f"R{number}", sha256=str(number + 1) * 64, source=f"reference{number}.png", **shared)
            for number in range(1, references + 1)
        ),
        faces=tuple(found),
        evidence=tuple(evidence),
        verdicts=tuple(verdicts),
        limitations=("None of this is proof.",),
        manifest=Manifest(
            faceagent="0.1.0",
            python="3.11.7",
            packages={"numpy": "2.4.6"},
            profile="embedded",
            seed=0,
            platform="Linux x86_64",
            settings={"max_faces": 64},
            weights=(stamp,),
            created="2026-01-31T12:00:00+00:00",
        ),
    )
