"""From the text of an answer to a value that satisfies its schema, or the reason why there is none.

No backend is trusted to have enforced the schema: servers ignore options they do not know, and say nothing.
"""

import json
from collections.abc import Mapping
from typing import Any

import jsonschema

from faceagent.errors import VlmAnswerInvalid

QUOTED = 80
"""Characters of an answer that an error quotes."""


def parsed(text: str, schema: Mapping[str, Any], *, whole: bool = True) -> Any:
    """The value that ``text`` is, JSON and valid under ``schema``. ``whole``: the model ended its answer by itself.

    Raises VlmAnswerInvalid, saying what is wrong in words that a model can act on.
    """
    if not whole:
        raise VlmAnswerInvalid("The answer was cut off at its longest permitted length.")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise VlmAnswerInvalid(f"The answer is not JSON: {_short(text)!r}.") from error
    fault = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(value))
    if fault is not None:
        where = fault.json_path.removeprefix("$").lstrip(".") or "the whole"
        raise VlmAnswerInvalid(f"The answer does not satisfy its schema at {where}: {_short(fault.message)}.")
    return value


def _short(text: str) -> str:
    return text if len(text) <= QUOTED else f"{text[:QUOTED]}…"
