"""A small sample of the hostile inputs, and that the counters of the run count."""

import warnings
from pathlib import Path

import pytest

from evals.benchmarks import fuzz
from evals.benchmarks.fuzz import Outcome, run_intake
from evals.data.hostile_inputs import HostileInputs
from faceagent.intake import Input


@pytest.fixture
def inputs(tmp_path: Path) -> HostileInputs:
    return HostileInputs.prepared(1, tmp_path)


def test_hostile_inputs_of_every_kind_are_answered(inputs: HostileInputs) -> None:
    outcome = Outcome()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run_intake(inputs, range(300), outcome)
    assert not outcome.failures
    assert outcome.inputs == 300 and outcome.slowest < fuzz.SLOWEST
    assert {"picture", "unsupported_format", "corrupt_picture", "missing_file", "too_many_pixels"} <= set(
        outcome.answers
    )


def test_an_input_follows_from_the_seed_and_its_number(inputs: HostileInputs) -> None:
    for number in range(3):
        assert inputs.make(number) == inputs.make(number)


def test_an_exception_is_a_failure_and_slowness_misses_the_bar(
    inputs: HostileInputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(one: Input) -> list[str]:
        raise KeyError(one)

    monkeypatch.setattr(fuzz, "_take", broken)
    outcome = Outcome()
    run_intake(inputs, range(2), outcome)
    assert len(outcome.failures) == 2 and "KeyError" in outcome.failures[0] and not outcome.passed
    assert not Outcome(slowest=fuzz.SLOWEST + 1).passed and not Outcome(memory=fuzz.MOST_MEMORY + 1).passed
    assert Outcome().passed
