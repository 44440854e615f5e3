"""Why, how sure and what next for each question and face that an answer speaks of; what is the same is said once."""

from collections.abc import Callable, Mapping, Sequence

from faceagent.explain.summary.phrases import name_faces
from faceagent.explain.summary.sentences import Sentences
from faceagent.types import Question, Verdict

MOST_GROUPS = 6
"""Groups of faces that are told apart for one question; the tables hold all."""


def lines(words: Sentences, spoken: Sequence[Verdict], said_of: Callable[[Verdict], Sequence[str]]) -> str | None:
    """One line per question, led by the question where there are several; None where nothing is to be said.

    ``spoken`` are the verdicts that the answer speaks of, by importance; ``said_of`` gives the sentences on one.
    """
    asked = list(dict.fromkeys(one.question for one in spoken))
    found: dict[str, list[Question]] = {}
    for question in asked:
        line = _line(words, {one.subject: said_of(one) for one in spoken if one.question == question})
        if line:
            found.setdefault(line, []).append(question)
    if list(found.values()) == [asked]:
        return next(iter(found))
    return "\n".join(_led(words, questions, line) for line, questions in found.items()) or None


def _led(words: Sentences, questions: Sequence[Question], line: str) -> str:
    subject = words.join([words.say("subjects", one) for one in questions])
    return words.say("about", subject=words.capital(subject), text=line)


def _line(words: Sentences, said: Mapping[str, Sequence[str]]) -> str:
    """The sentences on one question: first those that hold for all its faces, then the others with their faces."""
    faces_of: dict[str, list[str]] = {}
    for face, sentences in said.items():
        for sentence in sentences:
            faces_of.setdefault(sentence, []).append(face)
    groups: dict[tuple[str, ...], list[str]] = {}
    for sentence, faces in faces_of.items():
        groups.setdefault(tuple(faces), []).append(sentence)
    told = groups.pop(tuple(said), [])
    for group, sentences in list(groups.items())[:MOST_GROUPS]:
        told.append(words.say("about", subject=name_faces(words, group), text=words.paragraph(sentences)))
    if left := {face for group in list(groups)[MOST_GROUPS:] for face in group}:
        told.append(words.say("left_out", form=int(len(left) > 1), n=len(left)))
    return words.paragraph(told)
