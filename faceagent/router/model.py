"""What the rules leave open, put to a language model: which registered questions does this text ask?

The model may only name questions that exist; the schema allows nothing else, and what it names is looked at by policy
like anything that was typed. It is never asked about a text that the rules refused, took for other business or could
not read.
"""

import logging

from faceagent import prompts
from faceagent.errors import ModelUnavailable, VlmAnswerInvalid
from faceagent.intake.text import clean
from faceagent.router.replies import words_of
from faceagent.types import QUESTIONS, Question
from faceagent.vlm.protocol import Backend, GenerationRequest, Message

logger = logging.getLogger(__name__)

LONGEST = 400
"""Characters of the text that are shown to the model."""
MOST_TOKENS = 64
FORM = {
    "type": "object",
    "properties": {"questions": {"type": "array", "items": {"enum": list(QUESTIONS)}, "maxItems": len(QUESTIONS)}},
    "required": ["questions"],
    "additionalProperties": False,
}


def questions_by_model(text: str, backend: Backend) -> tuple[Question, ...]:
    """The questions that the model reads in ``text``; none when it reads none, or cannot be asked or understood."""
    words = words_of("en")
    shown = prompts.prompt("any/route").render(
        {
            "text": clean(text, LONGEST).replace('"', "'"),
            "questions": [{"name": one, "words": words[one]} for one in QUESTIONS],
        }
    )
    try:
        answer = backend.ask(GenerationRequest(turns=(Message(text=shown),), format=FORM, max_tokens=MOST_TOKENS))
    except (ModelUnavailable, VlmAnswerInvalid) as error:
        logger.warning("the model was not understood about a question: %s", error)
        return ()
    named = answer.parsed.get("questions", ()) if isinstance(answer.parsed, dict) else ()
    return tuple(one for one in QUESTIONS if one in named)
