"""``--fail-on``: after which verdicts ``faceagent analyze`` ends with the exit code ``FLAGGED``.

The conditions are those of ``judge.conditions``; here, a label may also be given in any language of the chat.
"""

from collections.abc import Iterable
from functools import cache

from faceagent.agent.chat import phrases
from faceagent.judge import conditions
from faceagent.judge.conditions import Line
from faceagent.router.languages import available_languages


def parse(texts: Iterable[str]) -> list[Line]:
    """The conditions. Raises InputError for one that names no label, action or question, or no probability."""
    given = [text.strip() for text in texts]
    recorded = conditions.parse(_named().get(text.casefold().replace("_", " "), text) for text in given)
    return [line._replace(text=text) for line, text in zip(recorded, given, strict=True)]


@cache
def _named() -> dict[str, str]:
    """The label by each of its names: as recorded, and as each language of the chat says it."""
    known = sorted(conditions.labels())
    names = {phrases.label(language, label).casefold(): label for language in available_languages() for label in known}
    return names | {label.replace("_", " "): label for label in known}
