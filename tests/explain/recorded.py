"""Verdicts, faces and evidence of the tests on the summary."""

import re

from faceagent.explain.summary.answers import YES
from faceagent.types import QUESTIONS, Evidence, Face, Quality, Question, Score, ToolStamp, Verdict

LABELS: dict[str, tuple[str, ...]] = {
    "forgery": ("forged", "bona_fide"),
    "morph": ("morph", "bona_fide"),
    "spoof": ("spoof", "live"),
    "identity": ("genuine", "other_person", "forged"),
    "gender": ("male", "female"),
    "expression": ("neutral", "happy", "surprise", "sadness", "fear", "anger", "disgust", "other"),
    "action_units": ("AU12C", "none"),
    "age": ("25-37 years",),
    "quality": ("usable", "limited", "unusable"),
    "provenance": ("invalid", "trusted", "well_formed_untrusted", "declares_synthetic"),
}
JARGON = re.compile(r"\bLLR?\b|\bLR\b|likelihood|BPCER|APCER|operating point|calibrat|logit", re.IGNORECASE)


def verdict(question: Question, label: str, subject: str = "F1", **changes: object) -> Verdict:
    values: dict[str, object] = {
        "id": f"V:{subject}:{question}",
        "question": question,
        "subject": subject,
        "label": label,
        "wording": "Recorded.",
        "status": "stable",
    }
    return Verdict.model_validate(values | changes)


def face(name: str = "F1", **changes: object) -> Face:
    quality = Quality(unified=80, sharpness=80, illumination=70, exposure=90, resolution=60, pose=95, visibility=100)
    values: dict[str, object] = {
        "id": name,
        "picture": "P1",
        "box": (0, 0, 50, 50),
        "confidence": 0.9,
        "points5": (),
        "quality": quality,
    }
    return Face.model_validate(values | changes)


def row(count: int) -> list[Face]:
    """Faces side by side, F1 on the left."""
    return [face(f"F{place + 1}", box=(100 * place, 0, 100 * place + 50, 50)) for place in range(count)]


def item(name: str, question: Question, **changes: object) -> Evidence:
    values: dict[str, object] = {
        "id": f"F1:{name}",
        "tool": ToolStamp(name=question, version="1"),
        "question": question,
        "subject": "F1",
        "statement": "Recorded.",
    }
    return Evidence.model_validate(values | changes)


SPLICE = item("forgery", "forgery", score=Score(value=4.0, scale="logit", calibration="forgery/splice-1"))
MOUTH = item("forgery_mouth", "forgery", region="mouth", score=Score(value=0.8, scale="probability"))


def every_verdict() -> list[Verdict]:
    """One per question and label, firm and leaning, and one per reason that leaves a question open."""
    said = [
        verdict(question, label, status=status)
        for question in QUESTIONS
        for label in LABELS[question]
        for status in ("stable", "leans")
        if status == "stable" or question in (*YES, "gender", "expression")
    ]
    unsure = [
        verdict(question, "inconclusive", status="uncertain", reason=reason)
        for question in QUESTIONS
        for reason in (
            "weak_evidence",
            "contradictory",
            "unstable",
            "open_set",
            "face_unusable",
            "absent",
            "no_reference",
        )
    ]
    return [*said, *unsure]
