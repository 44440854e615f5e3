"""Makes a validated plan from free text: by rules first, by a model only where the rules find nothing."""

from faceagent.router.model import questions_by_model
from faceagent.router.plan import DialogueContext, FaceReference, Plan
from faceagent.router.replies import reply
from faceagent.router.rules import plan_by_rules
from faceagent.types import Refused
from faceagent.vlm.protocol import Backend

__all__ = ["DialogueContext", "Plan", "Refused", "FaceReference", "route"]


def route(text: str, context: DialogueContext | None = None, backend: Backend | None = None) -> Plan:
    """What one turn asks for. Never raises for what was typed; a text that is not understood is asked back.

    Args:
        text: the turn, in a language that has a folder in ``lexicon/``.
        context: what is known from the conversation before; default: one picture, no reference, no questions yet.
        backend: asked only where the rules find nothing; without one the plan asks back.
    """
    known = context or DialogueContext()
    plan = plan_by_rules(text, known)
    if backend is None or plan.kind != "unclear" or plan.clarification != reply("unclear", plan.language):
        return plan
    return plan_by_rules(text, known, questions_by_model(text, backend))
