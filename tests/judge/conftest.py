from collections.abc import Callable

import pytest

from faceagent.judge import calibrate
from faceagent.judge.calibrate import _ADAPTER
from faceagent.types import Evidence, Score, ToolStamp

BINARY = {
    "scale": "logit",
    "positive": "forged",
    "negative": "bona_fide",
    "fitted_on": "hand-made",
    "n_positive": 1000,
    "n_negative": 1000,
}
POINT = {"name": "BPCER 5 %", "threshold": 0.5, "errors": {"bpcer": 0.05}}
# slope ln(10): a score of 1 is a log10 LR of 1.
CALIBRATIONS = [
    {"id": "test/plain", "kind": "platt", "slope": 2.302585, "intercept": 0.0, "cap_log10": 3.0, **BINARY},
    {"id": "test/point", "kind": "platt", "slope": 2.302585, "intercept": 0.0, "cap_log10": 3.0,
     "operating_points": [{"name": "strict", "threshold": 1.5, "errors": {"bpcer": 0.01}}], **BINARY},
    {"id": "test/line", "kind": "threshold", "operating_points": [POINT], **BINARY},
    {"id": "test/labels", "kind": "temperature", "labels": ["happy", "sadness", "neutral"], "T": 1.0, "n": 1000,
     "fitted_on": "hand-made"},
]  # fmt: skip


@pytest.fixture(autouse=True)
def _calibrations(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {str(record["id"]): _ADAPTER.validate_python(record) for record in CALIBRATIONS}
    shipped = calibrate._shipped()
    monkeypatch.setattr(calibrate, "_shipped", lambda: {**shipped, **made})


@pytest.fixture
def measured() -> Callable[..., Evidence]:
    """Evidence about face F1 with a score and a calibration."""

    def make(name: str, value: float, calibration: str | None = "test/plain", **changes: object) -> Evidence:
        values: dict[str, object] = {
            "id": f"F1:{name}",
            "tool": ToolStamp(name=name, version="1"),
            "question": "forgery",
            "subject": "F1",
            "score": Score(value=value, scale="logit", calibration=calibration),
            "statement": f"{name} says {value}.",
        }
        return Evidence.model_validate(values | changes)

    return make
