"""The glossary: every language explains every term, and a term is found as people write it."""

import pytest

from faceagent.explain.glossary import define, terms
from faceagent.explain.summary import languages


@pytest.mark.parametrize("language", languages())
def test_every_term_is_explained_in_every_language(language: str) -> None:
    found = dict(terms(language))
    assert len(found) == len(dict(terms("en")))
    for name, text in found.items():
        assert define(name, language) == text
    if language != "en":
        assert not set(found.values()) & set(dict(terms("en")).values())


@pytest.mark.parametrize("term", ["Bona-fide", "BONA FIDE", "bona fide"])
def test_spelling_does_not_matter(term: str) -> None:
    assert define(term) == define("bona fide") is not None


def test_an_action_unit_is_explained_with_its_intensity() -> None:
    assert "closed eyes" in (define("AU43") or "") and "marked" in (define("au 12 C") or "")
    assert define("AU99") is None and define("nonsense") is None


def test_english_terms_are_known_in_other_languages() -> None:
    assert define("FMR", "zh") and define("FMR", "zh") != define("FMR", "en")
