"""Texts in a language without a folder in ``lexicon/``: which one it is, and what becomes of them."""

import re
import tomllib
from functools import cache
from typing import cast

from faceagent import policy
from faceagent.router.languages import LEXICON
from faceagent.router.plan import DialogueContext, Intent, Plan
from faceagent.router.reader import NO_REQUEST, Reading
from faceagent.router.rules import Advice, plan_by_rules
from faceagent.types import QUESTIONS

FOREIGN = 0.8
"""Probability from which a text counts as another language; also what the reader needs to understand it."""
SURE_TOPIC = 0.5
"""Probability from which a topic is refused."""


def foreign_language(text: str, reading: Reading) -> str | None:
    """The language of a text where it has no folder in ``lexicon/``: by its script, else as the reader reads it."""
    letters = sum(mark.isalpha() for mark in text)
    for code, entry in _other_languages().items():
        if "characters" in entry and 3 * len(re.findall(f"[{entry['characters']}]", text.lower())) > letters:
            return code
    known = {code: share for code, share in reading.language.items() if code in _other_languages()}
    best = max(known, key=lambda code: known[code])
    return best if known[best] >= FOREIGN and "characters" not in _other_languages()[best] else None


def plan_foreign(text: str, context: DialogueContext, reading: Reading, language: str) -> Plan:
    """The plan of a text in another language: what the reader is sure of, else which languages are read."""
    kind, share = reading.best_kind
    topics = tuple(name for name, chance in reading.topics.items() if chance >= SURE_TOPIC)
    questions = tuple(one for one in QUESTIONS if reading.questions[one] >= FOREIGN)
    if topics:
        return plan_by_rules(text, context, Advice("refused", (), topics, language="en"))
    if share >= FOREIGN and kind not in (NO_REQUEST, "refused") and (questions or kind not in ("analyse", "compare")):
        advice = Advice(
            cast(Intent, kind), questions or None, dropped=frozenset(policy.TOPICS), has_purpose=False, language="en"
        )
        return plan_by_rules(text, context, advice)
    asks = str(_other_languages()[language]["reply"])
    advice = Advice("unclear", (), dropped=frozenset(policy.TOPICS), has_purpose=False, language="en")
    return plan_by_rules(text, context, advice).model_copy(update={"clarification": asks})


@cache
def _other_languages() -> dict[str, dict[str, str]]:
    return tomllib.loads(LEXICON.joinpath("other_languages.toml").read_text(encoding="utf-8"))
