"""The fixed words of the pages in every language."""

from itertools import zip_longest
from string import Formatter
from typing import get_args

import pytest

from faceagent.policy import JURISDICTIONS, PURPOSES
from faceagent.report.figures import region_words
from faceagent.report.headings import BASE, headings_in
from faceagent.settings import SummaryLanguage
from faceagent.types import QUESTIONS, PolicyDecision, Region


def places(text: str | list[str]) -> set[str]:
    whole = text if isinstance(text, str) else " ".join(text)
    return {name for _, name, _, _ in Formatter().parse(whole) if name}


@pytest.mark.parametrize("language", get_args(SummaryLanguage))
def test_every_language_has_all_words_with_the_same_places(language: str) -> None:
    base, own = headings_in(BASE), headings_in(language)
    assert own.language == language
    for name, table in base.tables.items():
        for key, text in table.items():
            assert places(own.tables[name][key]) == places(text), (name, key)
            if language != BASE and name == "page" and key not in ("id", "size_value"):
                assert own.tables[name][key] != text, key


@pytest.mark.parametrize("language", get_args(SummaryLanguage))
def test_what_policy_decided_is_in_the_language(language: str) -> None:
    words = headings_in(language)
    for decision, purpose, jurisdiction in zip_longest(
        get_args(PolicyDecision.model_fields["decision"].annotation), PURPOSES, JURISDICTIONS, fillvalue=""
    ):
        for table, name in (("policy", decision), ("purposes", purpose), ("jurisdictions", jurisdiction)):
            assert not name or name in words.tables[table], (table, name)
    one = PolicyDecision(
        question="expression", decision="refuse", rule="Art. 5", purpose="workplace", jurisdiction="strictest"
    )
    if language == "es":
        assert words.policy(one) == ("Expresión", "rechazado", "Art. 5", "trabajo; las normas más estrictas")


def test_every_question_has_a_title_and_an_unknown_language_is_english() -> None:
    assert all(headings_in("es").title(question) for question in QUESTIONS)
    assert headings_in("xx").title("forgery") == headings_in(BASE).title("forgery")


@pytest.mark.parametrize("region", get_args(Region))
def test_the_caption_of_a_map_names_its_region_in_every_language(region: Region) -> None:
    named = {language: region_words(region, language) for language in get_args(SummaryLanguage)}
    assert len(set(named.values())) == len(named)
    assert not any("_" in one for one in named.values())
