"""A language is a folder: it is found, merged, recognized, and answered in."""

import shutil
import tomllib
from pathlib import Path

import pytest

from faceagent.router import DialogueContext, FaceReference, languages, route
from faceagent.router.grammar import grammar
from faceagent.router.languages import available_languages, detect_language

WORDS = """
[language]
words = ["ist", "das", "ein", "wie", "die"]
marks = "ßäöü"

[questions]
forgery = ["gefalscht", "echt*"]
age = ["wie alt"]

[sides]
left = ["links"]

[people]
woman = ["frau"]

[topics]
religion = ["welche* religion"]
"""
REPLIES = 'unclear = "Das habe ich nicht verstanden. Möglich sind: {questions}."\n[questions]\nage = "Alter"\n'


@pytest.fixture
def lexicon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the lexicon that a test may add folders to."""
    copy = tmp_path / "lexicon"
    shutil.copytree(str(languages.LEXICON), copy)
    monkeypatch.setattr(languages, "LEXICON", copy)
    return copy


@pytest.fixture
def german(lexicon: Path) -> Path:
    folder = lexicon / "de"
    folder.mkdir()
    (folder / "words.toml").write_text(WORDS, encoding="utf-8")
    (folder / "replies.toml").write_text(REPLIES, encoding="utf-8")
    return folder


def test_the_shipped_languages() -> None:
    assert available_languages() == ("en", "es", "zh")
    assert [one.code for one in grammar().languages] == ["en", "es", "zh"]


def test_a_question_in_a_new_language_is_understood(german: Path) -> None:
    text = "Ist das Foto gefälscht, und wie alt ist die Frau links?"
    plan = route(text)
    assert (plan.language, plan.kind, plan.questions) == ("de", "analyse", ("forgery", "age"))
    assert plan.faces == (FaceReference(side="left", words=("woman",)),)
    shutil.rmtree(german)
    assert route("Is it fake?").language == "en"


def test_a_refusal_holds_in_a_new_language(german: Path) -> None:
    assert [one.topic for one in route("Welche Religion ist das?", DialogueContext()).refused] == ["religion"]


def test_a_reply_that_a_language_lacks_is_english(german: Path) -> None:
    plan = route("Das ist ein Blub")
    assert plan.language == "de"
    assert plan.clarification is not None and plan.clarification.startswith("Das habe ich nicht verstanden.")
    assert "Alter" in plan.clarification and "apparent gender" in plan.clarification
    assert "no picture" in (route("ist das echt?", DialogueContext(pictures=0)).clarification or "")


def test_english_spanish_and_chinese_stay_as_they_are_beside_a_new_language(german: Path) -> None:
    for text, language in (("Is this man real?", "en"), ("¿Es real esta foto?", "es"), ("这张照片是真的吗", "zh")):
        assert (route(text).language, route(text).questions) == (language, ("forgery",))


def test_a_list_that_english_does_not_have_is_an_error(lexicon: Path) -> None:
    (lexicon / "xx").mkdir()
    (lexicon / "xx" / "words.toml").write_text('[questions]\nforgerie = ["faux"]\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"lexicon/xx: \[questions\] forgerie"):
        languages.load_tables()


def test_every_shipped_language_has_all_replies() -> None:
    english = languages.read_sentences("en", languages.REPLIES)
    for code in available_languages():
        replies = languages.read_sentences(code, languages.REPLIES)
        assert set(replies) == set(english)
        assert set(replies["questions"]) == set(english["questions"])


def test_every_shipped_language_stands_alone() -> None:
    """Each folder has phrases for every question and every refused topic."""
    for code in available_languages():
        folder = languages.LEXICON.joinpath(code)
        questions = tomllib.loads(folder.joinpath("questions.toml").read_text(encoding="utf-8"))["questions"]
        topics = tomllib.loads(folder.joinpath("topics.toml").read_text(encoding="utf-8"))["topics"]
        assert set(questions) == set(grammar().tables["questions"])
        assert set(topics) == set(grammar().tables["topics"])


@pytest.mark.parametrize(
    ("raw", "text", "language"),
    [
        ("xyz", "xyz", "en"),
        ("niño", "nino", "es"),
        ("¿Foto? hmm", "foto ; hmm", "es"),
        ("what does 假 mean", "what does假mean", "en"),
    ],
)
def test_the_language_is_told_by_script_words_and_marks(raw: str, text: str, language: str) -> None:
    assert detect_language(text, raw, grammar().languages) == language
