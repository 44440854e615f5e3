"""Parsing and validating the JSON answer of a model.

No backend is trusted to have enforced the schema: servers ignore options that they do not know, without an error.
"""

import json
from collections.abc import Mapping
from typing import Any

from faceagent.errors import VlmAnswerInvalid

QUOTED = 80
"""Characters of an answer that an error quotes."""


def parse_answer(text: str, schema: Mapping[str, Any], *, whole: bool = True) -> Any:
    """``text`` parsed as JSON and validated against ``schema``. ``whole``: the model ended its answer by itself.

    Raises VlmAnswerInvalid, with a message from which a model can correct its answer.
    """
    if not whole:
        raise VlmAnswerInvalid("The answer was cut off at its longest permitted length.")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise VlmAnswerInvalid(f"The answer is not JSON: {_short(text)!r}.") from error
    import jsonschema  # with the first answer: most runs have no model

    fault = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(value))
    if fault is not None:
        where = fault.json_path.removeprefix("$").lstrip(".") or "the whole"
        raise VlmAnswerInvalid(f"The answer does not satisfy its schema at {where}: {_short(fault.message)}.")
    return value


def _short(text: str) -> str:
    return text if len(text) <= QUOTED else f"{text[:QUOTED]}…"
