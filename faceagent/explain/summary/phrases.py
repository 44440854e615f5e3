"""One verdict as a sentence about one face, and as a clause about one or several faces of many."""

from collections.abc import Sequence

from faceagent.explain.summary.answers import answer_of, side_of
from faceagent.explain.summary.reasons import because, name_units
from faceagent.explain.summary.sentences import Sentences
from faceagent.types import Evidence, Face, Verdict

MOST_UNITS = 6
"""Muscle movements named in an answer; the table below lists all."""
MOST_NAMED = 6
"""Faces named one by one in a sentence; of more, the rest is counted."""


def phrase(
    words: Sentences, verdict: Verdict, evidence: Sequence[Evidence], face: Face | None, *, with_why: bool = True
) -> str:
    """The whole answer about one face, or about the picture; ``with_why``: also why it cannot be told, if so."""
    answer = answer_of(verdict)
    if verdict.reason == "no_face":
        return words.say("no_face")
    if answer == "cannot_tell":
        text = words.say("one", verdict.question, answer)
        return words.say("with_why" if with_why else "without_why", text=text, why=because(words, verdict, face))
    if verdict.question == "provenance":
        return words.find("one", "provenance", verdict.label) or verdict.wording
    if verdict.question == "identity" and verdict.label == "forged":
        return words.say("one", "identity", "forged")
    if verdict.question == "action_units" and verdict.label == "none":
        return words.say("one", "action_units", "none")
    return words.say(
        "one",
        verdict.question,
        answer,
        labels=label(words, verdict, evidence),
        quality=f"{face.quality.unified:.0f}" if face else "0",
    )


def clause(words: Sentences, verdict: Verdict, evidence: Sequence[Evidence], many: bool) -> str:
    """What one face does, or several do, without naming them."""
    answer = answer_of(verdict)
    if verdict.question == "identity" and verdict.label == "forged":
        return words.say("some", "forgery", "yes", form=int(many))
    if verdict.question == "action_units" and verdict.label == "none":
        return words.say("some", "action_units", "none_moves", form=int(many))
    return words.say("some", verdict.question, answer, form=int(many), labels=label(words, verdict, evidence, many))


def label(words: Sentences, verdict: Verdict, evidence: Sequence[Evidence], many: bool = False) -> str:
    """The label of a verdict as a reader says it."""
    form = int(many)
    if verdict.question == "age":
        low, _, high = verdict.label.removesuffix(" years").partition("-")
        return words.say("labels", "age", "years", form=form, low=low, high=high)
    if verdict.question == "action_units":
        record = {item.id: item for item in evidence}
        shown = [record[name] for name in verdict.supports if name in record]
        if not shown:
            return verdict.label.replace("+", words.tables["list"])
        shown.sort(key=lambda item: -(item.score.value if item.score else 0.0))
        rest = len(shown) - MOST_UNITS
        named = name_units(words, shown[:MOST_UNITS])
        return named if rest <= 0 else f"{named}{words.tables['list']}{words.say('more_units', n=rest)}"
    return words.find("labels", verdict.question, side_of(verdict), form=form) or side_of(verdict).replace("_", " ")


def name_faces(words: Sentences, names: Sequence[str]) -> str:
    """Faces as a sentence names them: "F1, F2 and 4 more"."""
    if len(names) <= MOST_NAMED:
        return words.join(names)
    return words.join([*names[: MOST_NAMED - 1], words.say("more_faces", n=len(names) - MOST_NAMED + 1)])
