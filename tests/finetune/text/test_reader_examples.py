"""The sentences the reader is trained with: labels are registered names, and what is kept for measuring stays out."""

import random

import pytest

from evals.data.queries import queries
from faceagent import policy
from faceagent.policy import PURPOSES
from faceagent.router.plan import FILE_FACTS, KINDS
from faceagent.types import QUESTIONS
from finetune.text.reader.examples import Example, labelled_queries, written
from finetune.text.reader.templates import Lists, expand, retype


def drawn() -> random.Random:
    return random.Random(0)  # noqa: S311  # choices of training text


@pytest.fixture(scope="module")
def sentences() -> list[Example]:
    return list(written())


def test_every_label_is_registered(sentences: list[Example]) -> None:
    assert len(sentences) > 5000
    for one in sentences:
        assert one.kind in (*KINDS, "follow", "everything"), one
        assert set(one.questions) <= set(QUESTIONS), one
        assert set(one.topics) <= set(policy.TOPICS), one
        assert set(one.facts or ()) <= set(FILE_FACTS), one
        # "" where a purpose is taken back, or stated without its name.
        assert one.purpose in PURPOSES or (one.kind, one.purpose) == ("purpose", ""), one


def test_languages_are_told_by_tag_or_script(sentences: list[Example]) -> None:
    tongues = {one.text: one.language for one in sentences}
    assert tongues["Wie alt ist er?"] == "de"
    assert tongues["何歳に見えますか"] == "ja"
    assert tongues["这照片靠谱吗，不会是电脑做的吧"] == "zh"


def test_a_set_that_is_left_out_gives_no_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("finetune.text.reader.examples.TRAINED", ("paraphrases-8", "paraphrases-9"))
    monkeypatch.setattr("finetune.text.reader.examples.labelled_by_others", lambda: iter(()))
    left, other = ({query.text for query in queries(name)} for name in ("paraphrases-9", "paraphrases-8"))
    kept = {one.text for one in labelled_queries(["paraphrases-9"])}
    assert len(left & kept) <= 3  # one-word turns such as "age pls" may coincide
    assert len(other & kept) > 200


def test_a_template_labels_the_people_it_names() -> None:
    lists = Lists({"pic": ["photo", "picture"]}, {"who": [("the man on the left", ("word:man", "side:left"))]})
    found = list(expand("is {who} real in the {pic}", lists, 4, drawn()))
    assert {one.text for one in found} == {
        "is the man on the left real in the photo",
        "is the man on the left real in the picture",
    }
    assert all(one.details == ("word:man", "side:left") for one in found)
    assert [one.details for one in expand("is it {real|fake}", lists, 2, drawn())] == [None, None]


def test_retyped_text_stays_readable() -> None:
    draw = drawn()
    text = "Is the woman on the left smiling?"
    made = {retype(text, draw) for _ in range(50)}
    assert len(made) > 10
    assert all(abs(len(one) - len(text)) <= 4 for one in made)
    assert retype("她在笑吗？", draw) in ("她在笑吗？", "她在笑吗")
