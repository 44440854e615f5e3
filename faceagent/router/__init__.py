"""Free text → a validated plan: rules first, a model only for what the rules leave open."""

from faceagent.router.model import questions_by_model
from faceagent.router.plan import DialogueContext, FaceReference, Plan
from faceagent.router.replies import reply
from faceagent.router.rules import plan_by_rules
from faceagent.types import Refused
from faceagent.vlm.protocol import Backend

__all__ = ["DialogueContext", "Plan", "Refused", "FaceReference", "route"]


def route(text: str, context: DialogueContext | None = None, backend: Backend | None = None) -> Plan:
    """What one turn asks for. Never raises for what was typed; what cannot be understood asks back.

    Args:
        text: the turn, in English, Chinese or Spanish.
        context: what the conversation knows before it; default: one picture, no reference, nothing asked yet.
        backend: asked only where the rules understand nothing; without one the plan asks back.
    """
    known = context or DialogueContext()
    plan = plan_by_rules(text, known)
    if backend is None or plan.kind != "unclear" or plan.clarification != reply("unclear", plan.language):
        return plan
    return plan_by_rules(text, known, questions_by_model(text, backend))
