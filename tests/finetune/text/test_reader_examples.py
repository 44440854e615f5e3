"""The sentences the reader is trained with: labels are registered names, and what is kept for measuring stays out."""

from evals.data.queries import queries
from faceagent import policy
from faceagent.policy import PURPOSES
from faceagent.router.plan import FILE_FACTS, KINDS
from faceagent.types import QUESTIONS
from finetune.text.reader.examples import KEPT, TRAINED, examples, written


def test_every_label_is_registered() -> None:
    found = list(written())
    assert len(found) > 1500
    for one in found:
        assert one.kind in (*KINDS, "follow", "everything"), one
        assert set(one.questions) <= set(QUESTIONS), one
        assert set(one.topics) <= set(policy.TOPICS), one
        assert set(one.facts or ()) <= set(FILE_FACTS), one
        assert one.purpose in PURPOSES, one


def test_languages_are_told_by_tag_or_script() -> None:
    tongues = {one.text: one.language for one in written()}
    assert tongues["Wie alt ist er?"] == "de"
    assert tongues["何歳に見えますか"] == "ja"
    assert tongues["这照片靠谱吗，不会是电脑做的吧"] == "zh"


def test_sets_kept_for_measuring_are_not_trained_on() -> None:
    assert not set(KEPT) & set(TRAINED)
    kept = {query.text for name in KEPT for query in queries(name)}
    assert len(kept & {one.text for one in examples()}) <= 3  # one-word turns such as "age pls" may coincide
