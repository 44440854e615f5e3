"""The offline grammar: sentences drawn from ``phrases.toml``, reproducible by the generator."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

import numpy as np

_CHOICE = re.compile(r"<([^<>]*)>")
_SLOT = re.compile(r"{(\w+)(:cap)?}")


@cache
def load_phrases() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """The whole grammar: group → kind → alternatives."""
    text = resources.files("finetune.text").joinpath("phrases.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def render_phrase(rng: np.random.Generator, group: str, kind: str, /, **slots: str) -> str:
    """One sentence of a kind. Raises KeyError for an unknown kind or slot."""
    alternatives = load_phrases()[group][kind]
    text = alternatives[int(rng.integers(len(alternatives)))]
    text = _CHOICE.sub(lambda found: _one(rng, found[1].split("|")), text)
    return _SLOT.sub(lambda found: _capital(slots[found[1]]) if found[2] else slots[found[1]], text)


def join_words(words: Sequence[str]) -> str:
    """Words as an English list: "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _one(rng: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(rng.integers(len(choices)))]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
