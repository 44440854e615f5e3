"""Turns that begin with a slash: plans without routing. ``/evidence E7`` means the same in a terminal and over HTTP."""

import re

from faceagent.policy import GROUPS, decide
from faceagent.router import DialogueContext, Plan
from faceagent.router.plan import Intent, Language
from faceagent.types import QUESTIONS, Question

KINDS: dict[str, Intent] = {
    "why": "why",
    "change": "what_would_change",
    "evidence": "evidence",
    "faces": "list_faces",
    "again": "rerun",
    "help": "help",
}
"""What may follow the slash."""
_SPLIT = re.compile(r"[\s,]+")
_EVIDENCE = re.compile(r"E\d+|[A-Z]+\d+(F\d+)?:\w+")


def plan_command(text: str, known: DialogueContext, language: Language) -> Plan | None:
    """The plan of a slash command; None for any other text. Questions and ids of evidence may follow the command."""
    if not text.startswith("/"):
        return None
    name, *words = _SPLIT.split(text[1:].strip().lower())
    if name not in KINDS:
        return None
    named = [question for word in words for question in _questions(word)]
    asked = [question for question in QUESTIONS if question in named] or list(known.questions)
    allowed = [one for one in asked if decide(one, known.purpose, known.jurisdiction).decision != "refuse"]
    kind = KINDS[name]
    return Plan(
        kind=kind,
        questions=tuple(allowed) if kind != "list_faces" and (named or kind != "evidence") else (),
        evidence=tuple(_evidence_id(word) for word in words if _is_evidence(word)),
        purpose=known.purpose,
        jurisdiction=known.jurisdiction,
        language=language,
    )


def _questions(word: str) -> tuple[Question, ...]:
    return GROUPS.get(word) or tuple(question for question in QUESTIONS if question == word)


def _is_evidence(word: str) -> bool:
    return _EVIDENCE.fullmatch(word.upper()) is not None or _EVIDENCE.fullmatch(_evidence_id(word)) is not None


def _evidence_id(word: str) -> str:
    """An id of evidence as it was typed, its subject in capitals."""
    subject, colon, name = word.partition(":")
    return f"{subject.upper()}{colon}{name}"
