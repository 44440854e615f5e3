"""Makes a validated plan from free text by rules."""

from faceagent.router.plan import DialogueContext, FaceReference, Plan
from faceagent.router.rules import plan_by_rules
from faceagent.types import Refused

__all__ = ["DialogueContext", "Plan", "Refused", "FaceReference", "route"]


def route(text: str, context: DialogueContext | None = None) -> Plan:
    """What one turn asks for. Never raises for what was typed; a text that is not understood is asked back.

    Args:
        text: the turn, in a language that has a folder in ``lexicon/``.
        context: what is known from the conversation before; default: one picture, no reference, no questions yet.
    """
    return plan_by_rules(text, context or DialogueContext())
