import pytest

from faceagent.errors import InputError
from finetune.data.samples import SamplePicture, TrainingSample, read_samples, split_samples, write_samples


def sample(number, **changes):
    values = {
        "id": f"t{number}",
        "images": (SamplePicture(path=f"s/{number}.jpg"),),
        "prompt": f"What is shown? {number}",
        "answer": "{}",
        "question": "forgery",
        "source": f"s:{number}",
        "seed": number,
        "meta": {"label": "real" if number % 2 else "fake"},
    }
    return TrainingSample.model_validate(values | changes)


def test_a_file_gives_back_what_was_written(tmp_path):
    told = [
        sample(
            1,
            images=(
                SamplePicture(path="a.jpg"),
                SamplePicture(path="b.jpg", maker="splice", parameters={"regions": ("nose",)}),
            ),
        ),
        sample(2, system="Be brief.", rejected="no", answer="two\nlines\u2028and more"),
    ]
    assert write_samples([], tmp_path / "none.jsonl") == 0 and not list(read_samples(tmp_path / "none.jsonl"))
    assert write_samples(told, tmp_path / "deep" / "a.jsonl") == 2
    assert list(read_samples(tmp_path / "deep" / "a.jsonl")) == told


@pytest.mark.parametrize("line", ["{", "[]", '{"id": "x"}', '{"id": "x", "surprise": 1}'])
def test_a_broken_line_is_named(tmp_path, line):
    (tmp_path / "a.jsonl").write_text(sample(1).model_dump_json() + "\n" + line + "\n")
    with pytest.raises(InputError, match="line 2"):
        list(read_samples(tmp_path / "a.jsonl"))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="nothing.jsonl"):
        list(read_samples(tmp_path / "nothing.jsonl"))


def test_sides_are_disjoint_by_source_and_stay_for_ever():
    train, held = split_samples(sample(number) for number in range(200))
    assert not {one.source for one in train} & {one.source for one in held}
    assert 5 <= len(held) <= 40
    assert sample(3).held_out == sample(3, id="other", prompt="else").held_out


def test_refuses_what_would_make_figures_lie():
    good = [sample(number) for number in range(60)]
    train, held = split_samples(good)
    with pytest.raises(InputError, match="both sides need some"):
        split_samples([])
    with pytest.raises(InputError, match="both sides need some"):
        split_samples(train)
    with pytest.raises(InputError, match="stands twice"):
        split_samples([*good, good[0]])
    with pytest.raises(InputError, match="on both sides"):
        split_samples([*good, sample(99, source=held[0].source, images=train[0].images)])
    same = {"images": (), "prompt": "?", "answer": "!"}
    with pytest.raises(InputError, match="are training samples"):
        split_samples([*good, sample(98, source=held[0].source, **same), sample(97, source=train[0].source, **same)])
    with pytest.raises(InputError, match="say 'fake'"):
        split_samples(sample(number, meta={"label": "fake"}) for number in range(60))
