"""Overlap of two texts, for explanations that have a reference."""

import re
from collections.abc import Sequence

import numpy as np

from evals.metrics.arrays import Reals


def rouge_l(reference: str, text: str) -> float:
    """ROUGE-L F1 (Lin 2004): the longest common subsequence of words; case and punctuation are ignored."""
    one, other = words(reference), words(text)
    if not one or not other:
        return 0.0
    common = _longest_common(one, other)
    return 2 * common / (len(one) + len(other))


def words(text: str) -> list[str]:
    """Runs of letters and digits in lower case, as the usual implementations of ROUGE split texts."""
    return re.findall(r"[^\W_]+", text.lower())


def _longest_common(one: Sequence[str], other: Sequence[str]) -> int:
    row = [0] * (len(other) + 1)
    for word in one:
        before = 0
        for index, candidate in enumerate(other, start=1):
            before, row[index] = row[index], before + 1 if word == candidate else max(row[index], row[index - 1])
    return row[-1]


def rege(recognition: Reals, overlap: Reals) -> Reals:
    """REGE (Li et al. 2024, EmoLA): recognition accuracy and text overlap, each 0-1, added; 0-2."""
    return np.asarray(recognition + overlap)
