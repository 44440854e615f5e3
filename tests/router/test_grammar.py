"""The compiled lexicon, the notation of phrases, and typing errors."""

import pytest

from faceagent import policy
from faceagent.router.grammar import compile_grammar, grammar
from faceagent.router.plan import KINDS, ImageReference, Side, Superlative
from faceagent.router.spelling import is_one_edit
from faceagent.types import QUESTIONS


def test_every_list_has_a_name_that_is_known() -> None:
    tables = grammar().tables
    assert set(tables["questions"]) == {*QUESTIONS, *policy.GROUPS}
    assert set(tables["topics"]) == set(policy.TOPICS)
    assert set(tables["kinds"]) <= set(KINDS)
    assert set(tables["purpose"]) <= set(policy.PURPOSES)
    assert set(tables["sides"]) == set(Side.__args__)
    assert set(tables["superlatives"]) == set(Superlative.__args__)
    assert set(tables["pictures"]) <= set(ImageReference.__args__)


MACROS = {"letters": {"traditional": "", "simplified": ""}, "spelling": {"words": [], "real": []}}


def test_the_notation() -> None:
    lists = compile_grammar(
        {"macros": {"small": ["the", "and"], "pet": ["cat", "dog*"], "does": ["chas*"]}, **MACROS,
         "t": {"gap": ["show .. {pet}"], "near": ["the ~ {pet}"], "ending": ["bark*"], "han": ["看 .. 猫"],
         "both": ["{pet} & {does}"], "zh": ["猫 & 追"]}}
    )  # fmt: skip
    assert lists.names("t", "show me that cat") == ["gap"]
    assert lists.names("t", "show me all of your cat") == []
    assert lists.names("t", "the big old dog") == ["near"]
    assert lists.names("t", "the bird and dog") == []
    assert lists.names("t", "barking") == ["ending"]
    assert lists.names("t", "embark") == []
    assert lists.names("t", "看一下那只猫吧") == ["han"]
    assert lists.names("t", "dogs like chasing") == ["both"]
    assert lists.names("t", "chased by a dog") == ["both"]
    assert lists.names("t", "chased ; dog") == []
    assert lists.names("t", "猫在追我") == lists.names("t", "追那只猫") == ["zh"]


@pytest.mark.parametrize("phrases", [[], "word", ["a (b"]])
def test_a_list_that_cannot_work_is_named(phrases: object) -> None:
    with pytest.raises(ValueError, match=r"\[t\] odd"):
        compile_grammar({"macros": {"small": ["the"]}, **MACROS, "t": {"odd": phrases}})


@pytest.mark.parametrize(
    ("slip", "word", "near"),
    [
        ("expresion", "expression", True),
        ("genuien", "genuine", True),
        ("fkae", "fake", True),
        ("fale", "fake", False),
        ("quolity", "quality", True),
        ("qualities", "quality", False),
        ("hapy", "happy", True),
        ("harpy", "happy", False),
    ],
)
def test_one_slip_of_the_finger(slip: str, word: str, near: bool) -> None:
    assert is_one_edit(slip, word) is near
