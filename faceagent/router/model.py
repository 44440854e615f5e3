"""Asks a language model which registered questions a text asks, where the rules find none.

The schema allows the model to name registered questions only, and policy decides about them as about typed ones. The
model is not asked about a text that the rules refused, that is out of scope, or that could not be read.
"""

import logging

from faceagent import prompts
from faceagent.errors import ModelUnavailable, VlmAnswerInvalid
from faceagent.intake.text import clean
from faceagent.router.replies import question_names
from faceagent.types import QUESTIONS, Question
from faceagent.vlm.protocol import Backend, GenerationRequest, Message

logger = logging.getLogger(__name__)

MAX_CHARACTERS = 400
"""Characters of the text that the model gets."""
MAX_TOKENS = 64
ANSWER_SCHEMA = {
    "type": "object",
    "properties": {"questions": {"type": "array", "items": {"enum": list(QUESTIONS)}, "maxItems": len(QUESTIONS)}},
    "required": ["questions"],
    "additionalProperties": False,
}


def questions_by_model(text: str, backend: Backend) -> tuple[Question, ...]:
    """The questions that the model finds in ``text``; none when it is unavailable or its answer is invalid."""
    names = question_names("en")
    prompt = prompts.prompt("any/route").render(
        {
            "text": clean(text, MAX_CHARACTERS).replace('"', "'"),
            "questions": [{"name": one, "words": names[one]} for one in QUESTIONS],
        }
    )
    request = GenerationRequest(turns=(Message(text=prompt),), format=ANSWER_SCHEMA, max_tokens=MAX_TOKENS)
    try:
        answer = backend.ask(request)
    except (ModelUnavailable, VlmAnswerInvalid) as error:
        logger.warning("the model could not name the questions of a text: %s", error)
        return ()
    named = answer.parsed.get("questions", ()) if isinstance(answer.parsed, dict) else ()
    return tuple(one for one in QUESTIONS if one in named)
