"""The fixed words of the pages in every language."""

from string import Formatter
from typing import get_args

import pytest

from faceagent.report.headings import BASE, headings_in
from faceagent.settings import SummaryLanguage
from faceagent.types import QUESTIONS


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


def test_every_question_has_a_title_and_an_unknown_language_is_english() -> None:
    assert all(headings_in("es").title(question) for question in QUESTIONS)
    assert headings_in("xx").title("forgery") == headings_in(BASE).title("forgery")
