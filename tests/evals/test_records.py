"""What is kept about cases: in memory by column, on disk by line."""

import json
import tracemalloc

import numpy as np
import pytest

from evals.data import Case, Skip
from evals.observations import Observations
from evals.records import Records, load, sort_records

ROWS = [
    {"score": 1.5, "word": "a", "row": [1.0, 2.0]},
    {"late": 7, "word": "b", "score": float("nan")},
    {"row": [3.0, 4.0], "flag": True, "nested": {"clean": {"score": 1}}},
]


def test_answers_are_the_rows_that_were_put_in():
    found = Observations(ROWS)
    assert len(found) == 3 and list(found) == [
        {"score": 1.5, "word": "a", "row": [1.0, 2.0]},
        {"late": 7.0, "word": "b"},  # what is not a number is missing
        {"row": [3.0, 4.0], "flag": 1.0, "nested": {"clean": {"score": 1}}},
    ]
    assert found[-1] == found[2] and list(found[1:]) == [found[1], found[2]]
    assert set(found.names) == {"score", "word", "row", "late", "flag", "nested"}
    with pytest.raises(IndexError):
        found[3]


def test_answers_by_column():
    found = Observations(ROWS)
    assert np.array_equal(found.numbers("score"), [1.5, np.nan, np.nan], equal_nan=True)
    assert np.array_equal(found.numbers("row"), [[1, 2], [np.nan, np.nan], [3, 4]], equal_nan=True)
    assert np.array_equal(found.numbers("late"), [np.nan, 7, np.nan], equal_nan=True)
    assert np.isnan(found.numbers("never")).all() and found.numbers("never").shape == (3,)
    assert found.words("word") == ["a", "b", ""] and found.words("never") == ["", "", ""]
    assert found.words("late") == ["", "7.0", ""]
    assert Observations().numbers("score").shape == (0,)


def test_a_kind_may_change_from_case_to_case():
    found = Observations([{"x": "unknown"}, {"x": 2.0}, {}])
    assert found.words("x") == ["unknown", "2.0", ""]
    later = Observations([{"x": 2.0}, {"x": "unknown"}])
    assert list(later) == [{"x": 2.0}, {"x": "unknown"}] and later.words("x") == ["2.0", "unknown"]


def test_answers_are_small():
    rng = np.random.default_rng(0)
    tracemalloc.start()
    rows = (
        {"score": value, "called": 1.0, "scale": "logit", "line": f"shi{'pp'}ed", "row": rng.random(32).tolist()}
        for value in rng.random(5000).tolist()
    )
    found = Observations(rows)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found) == 5000 and kept / 5000 < 500  # bytes; as dictionaries of objects it is about 1,500


def _case(name):
    return Case(name, f"{name}.png", {"class": "attack"}, name, ("b.png",))


def test_records_come_back_in_order_and_as_they_were(tmp_path):
    with Records(tmp_path, {"run": 1}) as records:
        records.add([_case("c"), _case("a")], [{"score": 2.0}, Skip("a", "no_face", "No face.")])
        records.add([_case("b")], [{"skipped": ["too_blurry", "Blurred."], "cue_sharpness": 1.0}])
        assert "a" in records and "d" not in records
        assert [answer for _, answer in records.of([_case("a"), _case("c")])][1] == {"score": 2.0}
    header, rows = load(tmp_path)
    rows = list(rows)
    assert header == {"run": 1} and [case for case, _ in rows] == [_case("a"), _case("b"), _case("c")]
    found = sort_records(rows)
    assert [case.id for case in found.scored.cases] == ["c"] and found.cued is found.scored
    assert [skip.reason for skip in found.skips] == ["no_face", "too_blurry"]
    assert found.presented.numbers("answered").tolist() == [0, 0, 1]
    assert [case.id for case in sort_records(rows[:2]).cued.cases] == ["b"]


@pytest.mark.parametrize("tail", ['{"id": "c", "fi', "[1]\n", '{"no": "id"}\n', '{"id": "c"}'])
def test_what_was_cut_off_is_observed_again(tmp_path, tail):
    with Records(tmp_path, {"run": 1}) as records:
        records.add([_case("a"), _case("b")], [{"score": 1.0}, {"score": 2.0}])
    with records.path.open("a") as file:
        file.write(tail)
    with Records(tmp_path, {"run": 1}) as records:
        assert "b" in records and "c" not in records
        records.add([_case("c")], [{"score": 3.0}])
    assert [values["score"] for _, values in load(tmp_path)[1]] == [1.0, 2.0, 3.0]
    assert all(json.loads(line) for line in records.path.read_text().splitlines())
    with Records(tmp_path, {"run": 2}) as records:
        assert "a" not in records  # another run
