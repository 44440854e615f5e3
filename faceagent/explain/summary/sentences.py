"""The sentences of a summary per language, from ``sentences/<language>.toml``; what a language lacks is in English.

This module knows how a language joins words and chooses between one and several. It knows no verdict.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

FOLDER = resources.files("faceagent.explain.summary").joinpath("sentences")
BASE = "en"


@cache
def languages() -> tuple[str, ...]:
    """Codes of the languages that have sentences, English first."""
    codes = {entry.name.removesuffix(".toml") for entry in FOLDER.iterdir() if entry.name.endswith(".toml")}
    return (BASE, *sorted(codes - {BASE}))


@dataclass(frozen=True)
class Sentences:
    """The sentences of one language, completed in English."""

    language: str
    tables: Mapping[str, Any]

    def say(self, *path: str, form: int = 0, **values: object) -> str:
        """The sentence at a path such as ("one", "forgery", "yes"), its places filled.

        ``form`` chooses among the forms of a list: 0 for one, 1 for several. Raises KeyError for an unknown path.
        """
        found: Any = self.tables
        for key in path:
            found = found[key]
        text = found[min(form, len(found) - 1)] if isinstance(found, list) else found
        return str(text).format(**values)

    def find(self, *path: str, form: int = 0, **values: object) -> str | None:
        """Like ``say``; None where there is no such sentence."""
        try:
            return self.say(*path, form=form, **values)
        except KeyError:
            return None

    def join(self, words: Sequence[str], last: str = "last") -> str:
        """``a``, ``a and b``, ``a, b and c``; ``last`` names the word before the last one."""
        if len(words) < 2:
            return "".join(words)
        return f"{self.tables['list'].join(words[:-1])}{self.tables[last]}{words[-1]}"

    def capital(self, text: str) -> str:
        """The text with its first letter in upper case."""
        return text[:1].upper() + text[1:]

    def paragraph(self, sentences: Sequence[str]) -> str:
        """Sentences one after the other, as the language spaces them."""
        return str(self.tables["space"]).join(sentences)


@cache
def sentences_in(language: str) -> Sentences:
    """The sentences of a language; those of English where it is not known."""
    code = language if language in languages() else BASE
    base, own = _read(BASE), _read(code)
    return Sentences(code, _merged(base, own))


def _merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **base,
        **{
            key: _merged(base[key], value) if isinstance(value, dict) and isinstance(base.get(key), dict) else value
            for key, value in own.items()
        },
    }


def _read(code: str) -> dict[str, Any]:
    return tomllib.loads(FOLDER.joinpath(f"{code}.toml").read_text(encoding="utf-8"))
