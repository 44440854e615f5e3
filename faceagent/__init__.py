"""faceagent: a multimodal reasoning agent for explainable face analysis.

    from faceagent import analyze
    for verdict in analyze("photo.jpg").verdicts:
        print(verdict.wording)

Importing this package imports no torch and no model.
"""

import importlib
from typing import TYPE_CHECKING, Any

from faceagent.errors import FaceagentError, InputError, ModelUnavailable, OutputError, PolicyRefusal
from faceagent.settings import Settings
from faceagent.types import Evidence, Explanation, Face, Picture, Problem, Report, Verdict
from faceagent.version import __version__

if TYPE_CHECKING:
    from faceagent.agent.analyst import Analyst, aanalyze, aanalyze_many, analyze, analyze_many

__all__ = [
    "Analyst",
    "Evidence",
    "Explanation",
    "Face",
    "FaceagentError",
    "InputError",
    "ModelUnavailable",
    "OutputError",
    "Picture",
    "PolicyRefusal",
    "Problem",
    "Report",
    "Settings",
    "Verdict",
    "__version__",
    "aanalyze",
    "aanalyze_many",
    "analyze",
    "analyze_many",
]

_LAZY = {"Analyst", "aanalyze", "aanalyze_many", "analyze", "analyze_many"}


def __getattr__(name: str) -> Any:
    # The agent brings langgraph along, which takes longer to import than everything else together.
    if name in _LAZY:
        return getattr(importlib.import_module("faceagent.agent.analyst"), name)
    raise AttributeError(f"module 'faceagent' has no attribute {name!r}")
