"""What the terms of a report mean, in the languages of the summary; also codes such as AU12, AU12E.

The terms stand in ``<language>.toml``: ``names`` are how people write a term, ``text`` is its meaning in one or two
sentences. English names are known in every language.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

from faceagent.explain.summary.sentences import BASE, languages, sentences_in

_UNIT = re.compile(r"(?:au|action unit|unidad de accion|动作单元)\s*0*(\d{1,2})\s*([a-e])?")
_PLAIN = re.compile(r"[^\w㐀-鿿]+")


def define(term: str, language: str = BASE) -> str | None:
    """The meaning of a term as typed, in the language; None where the glossary does not know it."""
    wanted = _key(term)
    unit = _UNIT.fullmatch(wanted)
    if unit:
        return _unit(f"AU{unit[1]}", unit[2], language)
    for code in dict.fromkeys((language, BASE)):
        for name, entry in _terms(code).items():
            if wanted in map(_key, entry["names"]):
                return str(_terms(language).get(name, entry)["text"])
    return None


def terms(language: str = BASE) -> Iterator[tuple[str, str]]:
    """Every term with its meaning, under the name that is written first."""
    for name, entry in _terms(BASE).items():
        own = _terms(language).get(name, entry)
        yield str(own["names"][0]), str(own["text"])


def _unit(code: str, intensity: str | None, language: str) -> str | None:
    words = sentences_in(language)
    name = words.find("units", code)
    if name is None:
        return None
    frame = _read(language)
    text = str(frame["unit"]).format(code=code, name=name)
    if intensity is None:
        return text
    letter = intensity.upper()
    return words.paragraph([text, str(frame["intensity"]).format(letter=letter, strength=frame["levels"][letter])])


def _key(term: str) -> str:
    """A term without case, accents and punctuation; an action unit as "au12e"."""
    plain = term.casefold().translate(str.maketrans("áéíóúüñ", "aeiouun"))
    return _PLAIN.sub(" ", plain).strip()


def _terms(language: str) -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = _read(language)["terms"]
    return found


@cache
def _read(language: str) -> Mapping[str, Any]:
    code = language if language in languages() else BASE
    return tomllib.loads(resources.files(__package__).joinpath(f"{code}.toml").read_text(encoding="utf-8"))
