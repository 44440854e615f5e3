"""Why, how sure and what next for each question and face that an answer speaks of; what is the same is said once."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from faceagent.explain.summary.places import name_faces
from faceagent.explain.summary.sentences import Sentences
from faceagent.types import Verdict

Key = TypeVar("Key", bound=str)

MOST_GROUPS = 6
"""Groups of faces that are told apart for one question; the tables hold all."""


def lines(
    words: Sentences,
    spoken: Sequence[Verdict],
    places: Mapping[str, str],
    said_of: Callable[[Verdict], Sequence[str]],
) -> str | None:
    """First what holds for all questions, then one line per group of questions, led by them; None for nothing.

    ``spoken`` are the verdicts that the answer speaks of, by importance; ``places`` names their faces; ``said_of``
    gives the sentences on one.
    """
    asked = list(dict.fromkeys(one.question for one in spoken))
    said = {
        question: _told(words, places, {one.subject: said_of(one) for one in spoken if one.question == question})
        for question in asked
    }
    told: list[str] = []
    for questions, sentences in _shared({question: found for question, found in said.items() if found}):
        text = words.paragraph(sentences)
        if len(questions) < len(asked):
            subject = words.join([words.say("subjects", one) for one in questions])
            text = words.say("about", subject=words.capital(subject), text=text)
        told.append(text)
    return "\n".join(told) or None


def _told(words: Sentences, places: Mapping[str, str], said: Mapping[str, Sequence[str]]) -> list[str]:
    """The sentences on one question: first those that hold for all its faces, then the others with their faces."""
    groups = _shared(said)
    told = groups[0][1] if groups and len(groups[0][0]) == len(said) else []
    apart = groups[1:] if told else groups
    for faces, sentences in apart[:MOST_GROUPS]:
        subject = words.capital(name_faces(words, faces, places, "lead"))
        told.append(words.say("about", subject=subject, text=words.paragraph(sentences)))
    if left := {face for faces, _ in apart[MOST_GROUPS:] for face in faces}:
        told.append(words.say("left_out", form=int(len(left) > 1), n=len(left)))
    return told


def _shared(said: Mapping[Key, Sequence[str]]) -> list[tuple[list[Key], list[str]]]:
    """Sentences by who shares them: those of all keys first, then by the first key that has them."""
    keys_of: dict[str, list[Key]] = {}
    for key, sentences in said.items():
        for sentence in sentences:
            keys_of.setdefault(sentence, []).append(key)
    groups: dict[tuple[Key, ...], list[str]] = {}
    for sentence, keys in keys_of.items():
        groups.setdefault(tuple(keys), []).append(sentence)
    ordered = sorted(groups.items(), key=lambda group: len(group[0]) < len(said))
    return [(list(keys), sentences) for keys, sentences in ordered]
