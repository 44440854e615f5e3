import json
import re

import numpy as np
import pytest

from faceagent.explain import explanation_prompt
from faceagent.tools.action_units import Activation, intensity
from faceagent.tools.expression import read, supporting_units
from faceagent.tools.facs import neutral, table
from faceagent.types import Evidence, Score, Step, ToolStamp, Verdict
from finetune.data.samples import SamplePicture, TrainingSample
from finetune.text.annotators import GrammarAnnotator, ModelAnnotator
from finetune.text.case import ExplanationCase, RejectedCase, rejected_sentences
from finetune.text.exp_cot import exp_cot
from finetune.text.grammar import load_phrases, render_phrase

BY = ToolStamp(name="t", version="1")
CODES = sorted(unit.code for unit in table().units)


def case(number, deviations, truth=None, verdict=None):
    """A face whose units deviate so much; all others by nothing."""
    levels = {code: float(deviations.get(code, 0.0)) for code in CODES}
    found = {}
    for unit in table().units:
        value = intensity(unit, levels[unit.code], neutral())
        present = levels[unit.code] >= neutral().ranges[unit.code].present
        found[unit.code] = Activation(levels[unit.code], value, value, value, present)
    reading = read(levels)
    units = [
        Evidence(
            id=f"F1:AU{unit.code}",
            tool=BY,
            question="action_units",
            subject="F1",
            label="present" if found[unit.code].present else "absent",
            region="left_eye" if unit.region == "eyes" else unit.region,
            facts={"name": unit.name, "z": levels[unit.code]},
            score=Score(value=found[unit.code].intensity, scale="intensity"),
            statement=f"{unit.key} ({unit.name}) is present at intensity {found[unit.code].intensity:.1f} of 5."
            if found[unit.code].present
            else f"{unit.key} ({unit.name}) is absent.",
        )
        for unit in table().units
    ]
    cites = tuple(f"F1:AU{code}" for code in supporting_units(reading, found))
    words = f"The apparent expression is {reading.label}."
    expression = Evidence(
        id="F1:expression",
        tool=BY,
        question="expression",
        subject="F1",
        label=reading.label,
        statement=words,
        distribution=reading.logits,
        cites=cites,
    )
    label = verdict or reading.label
    return ExplanationCase(
        id=f"c{number}",
        images=(SamplePicture(path=f"{number}.jpg"),),
        source=f"s:{number}",
        evidence=(*units, expression),
        verdict=Verdict(
            id="V:F1:expression",
            question="expression",
            subject="F1",
            label=label,
            wording=f"Apparent {label}.",
            status="stable",
        ),
        truth=truth or label,
    )


def random_cases(count):
    rng = np.random.default_rng(5)
    for number in range(count):
        active = rng.choice(CODES, int(rng.integers(0, 6)), replace=False)
        yield case(number, {int(code): rng.uniform(1, 6) for code in active})


def steps(made):
    return [step for steps in json.loads(made.answer).values() for step in steps]


def test_no_two_of_two_thousand_texts_are_alike_and_every_claim_was_measured():
    cases = list(random_cases(2800))
    made = list(exp_cot(cases, GrammarAnnotator(), seed=3))
    kept = [(one, case) for one, case in zip(made, cases, strict=True) if isinstance(one, TrainingSample)]
    assert len(kept) >= 2000
    assert len({re.sub(r"\d", "", one.answer) for one, _ in kept}) == len(kept)
    for one, its in kept:
        assert list(json.loads(one.answer)) == list(explanation_prompt.SECTIONS["expression"])
        assert its.truth in steps(one)[-1]["text"].lower() and steps(one)[-1]["cites"] == ["V"]
        cited = {cite for step in steps(one) for cite in step["cites"]}
        assert all(f"[{cite}]" in one.prompt for cite in cited)
        shown = {
            item.id for item in explanation_prompt.select_evidence(its.verdict, its.evidence) if item.label == "present"
        }
        assert shown <= {f"F1:{cite}" for cite in cited}


def test_the_same_seed_writes_the_same_and_another_does_not():
    first, again, other = (
        [one.answer for one in exp_cot(random_cases(50), GrammarAnnotator(), seed) if isinstance(one, TrainingSample)]
        for seed in (1, 1, 2)
    )
    assert first == again
    assert sum(a != b for a, b in zip(first, other, strict=False)) > 35


def test_a_face_whose_units_do_not_carry_the_label_is_rejected():
    happy = {12: 4.0, 6: 3.0}
    (kept,) = exp_cot([case(0, happy)], GrammarAnnotator(), 0)
    assert isinstance(kept, TrainingSample) and kept.meta["label"] == "happy"
    (wrong,) = exp_cot([case(0, happy, truth="anger")], GrammarAnnotator(), 0)
    assert isinstance(wrong, RejectedCase) and "not the truth" in wrong.reason
    (talked,) = exp_cot([case(0, happy, truth="anger", verdict="anger")], GrammarAnnotator(), 0)
    assert isinstance(talked, RejectedCase) and "led to happy, not to anger" in talked.reason


def test_reflection_tells_the_faint_units_that_the_label_rests_on():
    half = {code: neutral().ranges[code].present - 0.05 for code in (4, 15)}
    assert all(value > 0.5 for value in half.values())
    its = case(0, {1: 4.0, **half, 2: 2.2})
    assert its.verdict.label == "sadness"
    (made,) = exp_cot([its], GrammarAnnotator(), 0)
    assert isinstance(made, TrainingSample) and made.meta["tries"] == 2
    assert {"AU4", "AU15"} <= set(re.findall(r"AU\d+", made.answer))


def test_an_open_verdict_is_explained_as_open():
    (made,) = exp_cot([case(0, {12: 4.0}, truth="anger", verdict="inconclusive")], GrammarAnnotator(), 0)
    assert isinstance(made, TrainingSample)
    assert "nconclusive" in steps(made)[-1]["text"] and "appy" in made.answer


def test_the_label_is_inferred_from_the_words_alone():
    writer = GrammarAnnotator()
    assert writer.infer("AU12 (lip corner puller) is present at intensity 4.0 of 5.") == "happy"
    assert writer.infer("No unit stands out.") == "neutral"
    assert writer.infer("AU99 is present at intensity 5.0 of 5.") == "neutral"


class Model:
    """A chat function that answers as told, and counts."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def __call__(self, system, user, seed):
        self.asked.append((system, user))
        return self.answers[(len(self.asked) - 1) % len(self.answers)]


def line(text, *cites):
    return json.dumps([{"text": text, "cites": list(cites)}])


def test_an_endpoint_writes_and_is_checked():
    its = case(0, {12: 4.0})
    level = next(item for item in its.evidence if item.id == "F1:AU12").score.value
    model = Model(
        line(f"The mouth smiles: AU12 at {level:.1f} of 5.", "F1:AU12"),
        "Happy.",
        line("A smile makes it happy.", "F1:expression"),
        line("The verdict is happy.", "V:F1:expression"),
    )
    (made,) = exp_cot([its], ModelAnnotator(model, "m"), 0)
    assert isinstance(made, TrainingSample) and made.meta["annotator"] == "m" and "The mouth smiles" in made.answer
    assert "happy" not in model.asked[0][1] + model.asked[1][1]  # the label is not given away


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (("no json",), "cites nothing"),
        ((line("AU4 at 9.9 of 5.", "F1:AU12"), "happy"), "names AU4"),
        ((line("A smile.", "F1:AU12"), "I am not sure"), "led to i am not sure"),
        ((line("A smile.", "F1:AU12"), "happy", line("So.", "F9:AU1")), "names|cites|not recorded"),
    ],
)
def test_an_endpoint_that_answers_badly_makes_no_text(answers, reason):
    (made,) = exp_cot([case(0, {12: 4.0})], ModelAnnotator(Model(*answers), "m"), 0)
    assert isinstance(made, RejectedCase)
    assert re.search(reason, made.reason), made.reason


def test_every_phrase_can_be_said_and_names_no_number():
    slots = dict.fromkeys(re.findall(r"{(\w+)", str(load_phrases())), "x")
    rng = np.random.default_rng(0)
    for group, kinds in load_phrases().items():
        for kind, alternatives in kinds.items():
            assert not any(
                re.search(r"\d", text.replace("of 5", "").replace("of 1", "").replace("/100", ""))
                for text in alternatives
            ), (group, kind)
            for _ in range(4 * len(alternatives)):
                assert not re.search(r"[<>{}|]", render_phrase(rng, group, kind, **slots))
    assert {str(code) for code in CODES} <= set(load_phrases()["look"])


def test_what_the_check_strikes_is_a_fault():
    its = case(0, {12: 4.0})
    assert rejected_sentences("expression", [Step(section="s", text="AU4 is at 4.4.", cites=("F1:AU12",))], its)
    assert not rejected_sentences("expression", [Step(section="s", text="AU12 is there.", cites=("F1:AU12",))], its)
