"""Training conversations are balanced and use no words of the test questions."""

import numpy as np

from evals.data.visual_questions import PHRASES
from finetune.vlm.embedded.sampling import sample_examples, sample_questions

FACTS = [
    {"side": side, "smile": smile, "light": light, "forged": "yes", "altered": part}
    for side, part in (("left", "eyes"), ("right", "nose"), ("front", "mouth"))
    for smile in ("yes", "no", "no", "no")
    for light in ("dark", "bright")
]
SEEN = np.zeros((len(FACTS), 64, 1536), np.float16)
ROWS = range(len(FACTS))


def test_lessons_are_the_same_for_a_seed_and_answers_balanced() -> None:
    one, two = (sample_examples(SEEN, FACTS, list(ROWS), 400, 3) for _ in range(2))
    assert [example.turns for example in one] == [example.turns for example in two]
    weights = {"smile": 1, "side": 1}
    smiles = [
        a
        for example in sample_examples(SEEN, FACTS, list(ROWS), 400, 3, 1, weights)
        for q, a in example.turns
        if "smil" in q
    ]
    assert 0.35 < smiles.count("yes") / len(smiles) < 0.65


def test_the_exam_asks_in_words_that_lessons_never_use() -> None:
    taught = {question for example in sample_examples(SEEN, FACTS, list(ROWS), 600, 0) for question, _ in example.turns}
    for topic in ("side", "smile", "light"):
        asked = sample_questions(FACTS, list(ROWS), topic, 12, 0)
        assert asked
        assert {one.question for _, one in asked} == {PHRASES[topic][-1]}
        assert taught.isdisjoint(one.question for _, one in asked)
        answers = [one.answer for _, one in asked]
        assert len({answers.count(answer) for answer in answers}) == 1
