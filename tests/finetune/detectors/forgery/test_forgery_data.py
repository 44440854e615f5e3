"""Pairs that must not be trained on are refused."""

import pytest

from faceagent.errors import InputError
from finetune.detectors.forgery.data import check_pairs


def test_a_source_on_both_sides_is_refused() -> None:
    with pytest.raises(InputError, match="person 7"):
        check_pairs(["person 7", "person 7"], [False, False], [False, True])


def test_an_empty_set_is_refused() -> None:
    with pytest.raises(InputError, match="not a single pair"):
        check_pairs([], [], [])


def test_hardly_any_photographs_are_refused() -> None:
    names = [str(index) for index in range(40)]
    with pytest.raises(InputError, match="training side is unbalanced"):
        check_pairs(names, [True] * 29 + [False] + [False, True] * 5, [False] * 30 + [True] * 10)
