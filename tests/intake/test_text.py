from hypothesis import given
from hypothesis import strategies as st

from faceagent.intake.text import LIMIT, clean


@given(st.text(max_size=3000))
def test_cleaned_text_is_one_short_printable_line(text: str) -> None:
    cleaned = clean(text)
    assert len(cleaned) <= LIMIT and cleaned.isprintable() and cleaned == cleaned.strip()
    assert clean(cleaned) == cleaned


def test_words_survive() -> None:
    assert clean("  Müller &\tSøn\n") == "Müller & Søn"
    assert clean("a" * 500) == "a" * (LIMIT - 1) + "…"
