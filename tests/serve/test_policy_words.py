"""What a policy does is told in sentences, in every language, for every condition that there is."""

import re

import pytest

from faceagent.judge.calibrate import two_sided
from faceagent.judge.conditions import ACTIONS, labels
from faceagent.serve.moderation import STRICTEST, read_policy
from faceagent.serve.policy_words import sentences
from faceagent.types import INCONCLUSIVE, LANGUAGES, Quality

DOCUMENT = """
rules:
  - when: [forgery>=0.9, "sharpness<20"]
    then: block
  - when: [spoof=inconclusive]
    then: review
otherwise: allow
"""
TOLD = {
    "en": (
        "Block if the probability of “manipulated” (question “Manipulated?”) is 90 % or more and the quality "
        "“Sharpness” of a face is below 20 of 100.",
        "Ask a person to look if the answer to “Print or screen?” is “cannot be told”.",
        "If no rule is met: allow.",
    ),
    "es": (
        "Bloquear si la probabilidad de «manipulada» (pregunta «¿Manipulada?») es del 90 % o más y la calidad "
        "«Nitidez» de una cara está por debajo de 20 de 100.",
        "Pedir que lo mire una persona si la respuesta a «¿Papel o pantalla?» es «no se puede saber».",
        "Si no se cumple ninguna regla: permitir.",
    ),
    "zh": (
        "如果“篡改”的概率（问题“是否篡改？”）为90 %或更高，并且人脸的质量项“清晰度”低于20（满分100），则拦截。",
        "如果“是否翻拍？”的回答为“无法判断”，则请人查看。",
        "没有规则符合时：放行。",
    ),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_rule_is_one_sentence(language: str) -> None:
    assert sentences(read_policy(DOCUMENT), language) == TOLD[language]
    assert len(sentences(STRICTEST, language)) == len(STRICTEST.rules) + 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_condition_has_words(language: str) -> None:
    conditions = [*labels(), *ACTIONS, "no_face", "unreadable", "unmeasured", f"forgery={INCONCLUSIVE}"]
    conditions += [f"{question}{sign}0.5" for question in two_sided() for sign in (">", ">=")]
    conditions += [f"{name}{sign}40" for name in Quality.model_fields for sign in ("<", "<=")]
    rules = "".join(f'  - when: ["{one}"]\n    then: review\n' for one in conditions)
    told = sentences(read_policy(f"rules:\n{rules}"), language)
    assert len(set(told)) > len(conditions) - 5, "labels of one meaning alone share a sentence"
    assert not [one for one in told if re.search(r"[{}_]|None", one)]
