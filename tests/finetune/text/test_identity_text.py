import json

import pytest

from faceagent.judge.wording import of_100
from faceagent.types import Evidence, Score, ToolStamp, Verdict
from finetune.data.samples import SamplePicture, TrainingSample
from finetune.text.case import ExplanationCase, RejectedCase
from finetune.text.identity import TABLE, comparison_sample
from finetune.text.preference import swapped_samples

BY = ToolStamp(name="identity", version="1")


def case(number, cosine, truth, label=None, regions=None, forged=False):
    """A pair; ``regions``: label by region, "same" where nothing else is said."""
    items = [
        Evidence(
            id=f"F1:identity_{place}",
            tool=BY,
            question="identity",
            subject="F1",
            region=place,
            label=(regions or {}).get(place, "same"),
            score=Score(value=0.71, scale="cosine"),
            statement=f"Cosine of the {place} is 0.71.",
        )
        for _, place in TABLE
    ]
    alike = Evidence(
        id="F1:identity",
        tool=BY,
        question="identity",
        subject="F1",
        score=Score(value=cosine, scale="cosine"),
        statement=f"The face and reference R1 have a cosine similarity of {cosine:.2f}.",
    )
    forgery = Evidence(
        id="F1:forgery",
        tool=BY,
        question="forgery",
        subject="F1",
        label="forged" if forged else "bona_fide",
        statement="The raw output is 0.88 of 1.",
    )
    verdict = Verdict(
        id="V:F1:identity",
        question="identity",
        subject="F1",
        label=label or truth,
        wording="It is so.",
        status="stable",
        supports=("F1:identity", "F1:forgery"),
    )
    return ExplanationCase(
        f"i{number}",
        (SamplePicture(path=f"{number}.png"), SamplePicture(path="r.png")),
        f"s:{number}",
        (alike, *items, forgery),
        verdict,
        truth,
    )


def test_six_regions_the_similarity_and_forgery_are_told():
    shown = case(0, 0.62, "forged", regions={"mouth": "different", "right_eye": "not visible"}, forged=True)
    made = comparison_sample(shown, 1)
    assert isinstance(made, TrainingSample) and made.meta["similarity"] == 81 and "81/100" in made.prompt
    told = json.loads(made.answer)
    steps = {step["cites"][0]: (name, step["text"]) for name, steps in told.items() for step in steps}
    assert {place for _, place in TABLE} < set(steps)
    assert steps["mouth"][0] == "Mouth" and any(word in steps["mouth"][1] for word in ("iffer", "nlike"))
    assert "isible" in steps["right_eye"][1] and "0.71" in steps["nose"][1]
    assert "81/100" in steps["identity"][1] and steps["forgery"] == ("Overall", "The raw output is 0.88 of 1.")
    assert list(steps)[-1] == "V" and "forged" in steps["V"][1]


def test_a_look_alike_and_a_forgery_of_the_same_similarity_are_told_apart():
    like = comparison_sample(case(0, 0.8, "other_person", regions={"nose": "different"}), 1)
    fake = comparison_sample(case(1, 0.8, "forged", forged=True), 1)
    assert like.meta["similarity"] == fake.meta["similarity"]
    ends = [json.loads(made.answer)["Conclusion"][0]["text"] for made in (like, fake)]
    assert "other person" in ends[0] and "forged" in ends[1]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"label": "genuine"}, "not the truth"), ({"regions": {"nose": "odd"}}, "'odd'")],
)
def test_what_cannot_be_told_truly_is_rejected(changes, reason):
    made = comparison_sample(case(0, 0.5, "forged", **changes), 1)
    assert isinstance(made, RejectedCase) and reason in made.reason
    bare = case(0, 0.5, "forged")
    bare = ExplanationCase(bare.id, bare.images, bare.source, bare.evidence[1:], bare.verdict, bare.truth)
    assert comparison_sample(bare, 1).reason == "no similarity was measured"


def test_the_scale_of_the_similarity():
    assert [of_100(value) for value in (-1, 0, 1, 1.0001)] == [0, 50, 100, 100]


def test_preference_swaps_answers_within_a_side_and_prefers_another_label():
    samples = [comparison_sample(case(n, 0.5, "genuine" if n % 2 else "other_person"), n) for n in range(60)]
    pairs = list(swapped_samples(samples, 5))
    by_id = {one.id: one for one in samples}
    assert (
        len(pairs) == 60 and pairs == list(swapped_samples(samples, 5)) and pairs != list(swapped_samples(samples, 6))
    )
    for pair in pairs:
        other = by_id[pair.meta["swapped_with"]]
        assert pair.rejected == other.answer != pair.answer
        assert other.held_out == pair.held_out and other.source != pair.source
        assert other.meta["label"] != pair.meta["label"]
    other = [one.model_copy(update={"meta": {**one.meta, "engine": "else"}}) for one in samples[:1]]
    assert not list(swapped_samples([samples[1], *other], 5)) and not list(swapped_samples(samples[:1], 5))
