import json

import numpy as np
import pytest
from PIL import Image

from evals.data.synthesis.located_faces import LocatedFace
from evals.views import portrait, whole
from finetune.data.samples import TrainingSample, read_samples, write_samples
from finetune.text import __main__ as door
from finetune.text.case import RejectedCase
from finetune.text.forgery import evidence_sample, maker_sample
from finetune.text.forgery_cases import make_pictures


@pytest.fixture(scope="module")
def faces(astronaut, settings, tmp_path_factory):
    """The same picture under the names of three people: enough for makers and donors."""
    path = tmp_path_factory.mktemp("faces") / "a.png"
    Image.fromarray(astronaut).save(path)
    view = portrait(whole(path, settings), settings)
    return [
        LocatedFace(
            "muxspace_expressions", str(path), f"muxspace_expressions/{name}", view.face.box, view.face.landmarks
        )
        for name in ("Ada", "Bea", "Cleo")
    ]


def test_forgeries_are_made_written_and_measured_again(faces, settings, tmp_path):
    made = list(make_pictures(faces, tmp_path, "pictures", settings, seed=4))
    again = list(make_pictures(faces, tmp_path, "again", settings, seed=4))
    assert [one.shot.maker is None for one in made] == [True, False, True]
    assert [bool(one.touched) for one in made] == [False, True, False]
    for one, other in zip(made, again, strict=True):
        pixels = [np.asarray(Image.open(tmp_path / shot.path)) for shot in (one.shot, other.shot)]
        assert np.array_equal(*pixels)
        assert one.case is not None and one.case.truth == ("forged" if one.touched else "bona_fide")
        said = {item.id: item.statement for item in one.case.evidence}
        assert said["F1:expert_morph"].endswith("N/A.") and "P(fake) = 0." in said["F1:expert_splice"]
        text = evidence_sample(one.case, one.touched, (), 0)
        assert isinstance(text, TrainingSample | RejectedCase)
        assert json.loads(maker_sample(one.shot, one.source, "k", 0).answer)["regions"] == list(one.touched)


def test_preference_pairs_from_the_command_line(tmp_path, capsys):
    samples = [
        TrainingSample(
            id=f"a{n}",
            prompt="?",
            answer=f"answer {n % 2}",
            question="forgery",
            source=f"s:{n}",
            seed=n,
            meta={"engine": "known", "label": str(n % 2)},
        )
        for n in range(40)
    ]
    write_samples(samples, tmp_path / "in.jsonl")
    door.main(["swap", "--samples", str(tmp_path / "in.jsonl"), "--out", str(tmp_path / "out.jsonl")])
    pairs = list(read_samples(tmp_path / "out.jsonl"))
    assert len(pairs) == 40 and all(one.rejected != one.answer for one in pairs)
    assert "swap 0 20" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["swap"], ["expression"], ["forgery"], ["nothing"]])
def test_a_command_that_lacks_something_is_refused(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("FACEAGENT_DATA", raising=False)
    with pytest.raises(SystemExit):
        door.main([*arguments, "--out", str(tmp_path / "o.jsonl")])
    assert "error" in capsys.readouterr().err
