import pytest
from PIL import Image

from faceagent.errors import InputError
from faceagent.types import ToolStamp
from faceagent.vlm.protocol import Answer
from finetune.data.samples import SamplePicture
from finetune.text.backends import picture_model, text_model
from finetune.text.feature_assessment import agrees, assess_features, expert_evidence, load_features, parse_yes_no

REAL = [SamplePicture(path=f"real/{number}") for number in range(40)]
FAKE = [SamplePicture(path=f"fake/{number}") for number in range(40)]
BY = ToolStamp(name="t", version="1")


def look(shot, question):
    fake, number = shot.path.split("/")[0] == "fake", int(shot.path.split("/")[1])
    if "eyes differ" in question:
        return "Yes, clearly." if fake else "No."
    if "seam" in question:
        return "YES"  # whatever is shown
    if "hair" in question:
        return "I cannot tell, sorry."
    if "grain" in question:
        return "no" if fake else "yes"  # the wrong way round
    return "yes" if number % 2 else "no"


def test_features_are_ranked_by_what_the_model_really_sees():
    ranked = {one.feature.id: one for one in assess_features(load_features(), REAL, FAKE, look)}
    assert next(iter(ranked)) == "eyes_shape" and ranked["eyes_shape"].balanced == 1 and ranked["eyes_shape"].strong
    assert ranked["seam"].balanced == 0.5 and not ranked["seam"].strong
    assert (ranked["seam"].real_accuracy, ranked["seam"].fake_accuracy) == (0, 1)
    assert ranked["hair"].unparsed == 80 and ranked["hair"].balanced == 0
    assert list(ranked)[-2:] == ["hair", "noise"]
    assert [one.id for one in load_features()] and sum(one.strong for one in ranked.values()) == 1
    for one in ranked.values():
        assert 0 <= one.low <= one.balanced <= one.high <= 1


def test_the_interval_narrows_with_more_pictures():
    few = assess_features(load_features()[:1], REAL[:10], FAKE[:10], look)[0]
    many = assess_features(load_features()[:1], REAL, FAKE, look)[0]
    assert few.high - few.low > many.high - many.low


def test_too_few_pictures_are_refused():
    with pytest.raises(InputError, match="too few"):
        assess_features(load_features(), REAL, FAKE[:9], look)


def test_features_are_questions_with_names_of_their_own():
    assert len({one.id for one in load_features()}) == len(load_features()) >= 30
    assert all(one.question.endswith("?") for one in load_features())


@pytest.mark.parametrize(
    ("answer", "meant"),
    [("Yes.", "yes"), ("no", "no"), ("Well, no: yes", "no"), ("", None), ("nothing", None), ("eyes", None)],
)
def test_yes_and_no_are_found_as_words(answer, meant):
    assert parse_yes_no(answer) == meant


def test_experts_speak_in_three_decimals_or_not_at_all():
    assert expert_evidence("blending", 0.97349, "F1", BY).statement == "Expert blending: P(fake) = 0.973."
    missing = expert_evidence("diffusion", None, "F1", BY)
    assert missing.statement == "Expert diffusion: P(fake) = N/A." and missing.status == "unavailable"
    assert agrees(expert_evidence("a", 0.7, "F1", BY), fake=True) and not agrees(
        expert_evidence("a", 0.69, "F1", BY), fake=True
    )
    assert agrees(expert_evidence("a", 0.3, "F1", BY), fake=False) and not agrees(
        expert_evidence("a", 0.31, "F1", BY), fake=False
    )
    assert not agrees(missing, fake=True) and not agrees(missing, fake=False)


class Door:
    name = "door"

    def __init__(self):
        self.asked = []

    def ask(self, ask):
        self.asked.append(ask)
        return Answer(text="No.", tokens=1, seconds=0, finish="stop", model="m")


def test_the_products_backends_serve_as_annotator_and_as_eyes():
    door = Door()
    assert text_model(door)("Be brief.", "Well?", 3) == "No."
    seen = picture_model(door, lambda shot: Image.new("RGB", (8, 8)), adapter="forgery")(REAL[0], "Seam?")
    assert seen == "No."
    assert door.asked[0].system == "Be brief." and not door.asked[0].turns[0].images
    assert door.asked[1].adapter == "forgery" and door.asked[1].turns[0].images[0].startswith(b"\x89PNG")
