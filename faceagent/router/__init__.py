"""Makes a validated plan from free text: rules first, and a small model for what they leave open."""

from faceagent.router.arbitration import arbitrate
from faceagent.router.plan import DialogueContext, FaceReference, Plan
from faceagent.router.reader import Reader, open_reader
from faceagent.router.rules import is_question, plan_by_rules
from faceagent.types import Refused

__all__ = ["DialogueContext", "FaceReference", "Plan", "Reader", "Refused", "open_reader", "route"]


def route(text: str, context: DialogueContext | None = None, reader: Reader | None = None) -> Plan:
    """What one turn asks for. Never raises for what was typed; a text that is not understood is asked back.

    Args:
        text: the turn, in any language; without a reader in one that has a folder in ``lexicon/``.
        context: what is known from the conversation before; default: one picture, no reference, no questions yet.
        reader: the model that reads what the rules leave open, see ``open_reader``; None: the rules alone.
    """
    known = context or DialogueContext()
    if reader is None or not is_question(text):
        return plan_by_rules(text, known)
    return arbitrate(text, known, reader.read(text, follows=bool(known.questions)))
