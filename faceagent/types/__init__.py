"""The data types of a report: picture → faces → evidence → verdict → explanation → report; all are frozen.

This module knows shapes, units and ranges. It knows no model, no file and no pixel: pixels live in the
blob store under the sha256 of the bytes they were decoded from.

Conventions: pixel coordinates have their origin at the top left corner of the upright picture; angles are
degrees, yaw positive when the nose points to the picture's right, pitch positive when it points down, roll
positive when the head is turned clockwise; "left" and "right" of a face are the subject's own.
"""

from faceagent.types.base import (
    FrozenModel,
    Point,
    Real,
    Share,
)
from faceagent.types.evidence import (
    MOST_PATCHES,
    Evidence,
    HeatMap,
    Score,
    ToolStamp,
    WeightStamp,
)
from faceagent.types.explanations import (
    Explanation,
    Finding,
    Step,
    Summary,
)
from faceagent.types.faces import (
    Face,
    FaceFrame,
    PartVisibility,
    Pose,
    Quality,
    TurnedPhotograph,
)
from faceagent.types.findings import Findings, Judged
from faceagent.types.pictures import (
    Picture,
    Problem,
    Source,
)
from faceagent.types.report import (
    LostReference,
    Manifest,
    PolicyDecision,
    Refused,
    Report,
    Request,
)
from faceagent.types.verdicts import (
    OperatingPoint,
    Probability,
    Rollup,
    Verdict,
)
from faceagent.types.vocabulary import (
    INCONCLUSIVE,
    LANGUAGES,
    OCCLUDERS,
    PARTS,
    QUESTIONS,
    STYLES,
    SUBJECT,
    Action,
    Answer,
    FacePart,
    Occluder,
    Question,
    Reason,
    Region,
    Scale,
    Stability,
    Status,
    Strength,
    Style,
    SummaryLanguage,
)

__all__ = [
    "Action",
    "Answer",
    "Evidence",
    "Explanation",
    "Face",
    "FaceFrame",
    "FacePart",
    "Finding",
    "Findings",
    "FrozenModel",
    "HeatMap",
    "INCONCLUSIVE",
    "Judged",
    "LANGUAGES",
    "LostReference",
    "MOST_PATCHES",
    "Manifest",
    "OCCLUDERS",
    "Occluder",
    "OperatingPoint",
    "PARTS",
    "PartVisibility",
    "Picture",
    "Point",
    "PolicyDecision",
    "Pose",
    "Probability",
    "Problem",
    "QUESTIONS",
    "Quality",
    "Question",
    "Real",
    "Reason",
    "Refused",
    "Region",
    "Report",
    "Request",
    "Rollup",
    "STYLES",
    "SUBJECT",
    "Scale",
    "Score",
    "Share",
    "Source",
    "Stability",
    "Status",
    "Step",
    "Strength",
    "Style",
    "Summary",
    "SummaryLanguage",
    "ToolStamp",
    "TurnedPhotograph",
    "Verdict",
    "WeightStamp",
]
