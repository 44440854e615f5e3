"""One verdict as a sentence about one face, and as a clause about one or several faces of many."""

from collections.abc import Sequence

from faceagent.explain.summary.answers import ATTACKS, CLEAN, ORDER, answer_of, side_of
from faceagent.explain.summary.power import attack_types, is_unsure
from faceagent.explain.summary.reasons import FAIR, GOOD, barred, because, name_units
from faceagent.explain.summary.sentences import Sentences
from faceagent.types import Evidence, Face, Question, Verdict

MOST_UNITS = 6
"""Muscle movements named in an answer; the table below lists all."""
OF_ANY_FACE: frozenset[Question] = frozenset({"quality", "provenance"})
"""Questions that need nothing of a face."""


def phrase(
    words: Sentences, verdict: Verdict, evidence: Sequence[Evidence], face: Face | None, *, with_why: bool = False
) -> str:
    """The whole answer about one face, or about the picture; ``with_why``: also why it cannot be told, if so."""
    answer = answer_of(verdict)
    if verdict.reason == "no_face":
        return words.say("no_face")
    if answer == "cannot_tell":
        text, why = words.say("one", verdict.question, answer), because(words, verdict, face, evidence)
        return words.say("with_why" if with_why else "without_why", text=text, why=why)
    if verdict.question in ATTACKS and answer in CLEAN:
        return nothing_found(words, [verdict], evidence)
    if verdict.question == "provenance":
        return words.find("one", "provenance", verdict.label) or verdict.wording
    if verdict.question == "identity" and verdict.label == "forged":
        return words.say("one", "identity", "forged")
    if verdict.question == "action_units" and verdict.label == "none":
        return words.say("one", "action_units", "none_seen" if hides_movements(verdict, evidence) else "none")
    if verdict.question == "quality":
        return _quality(words, verdict, face)
    return words.say("one", verdict.question, answer, labels=label(words, verdict, evidence))


def nothing_found(
    words: Sentences,
    verdicts: Sequence[Verdict],
    evidence: Sequence[Evidence],
    where: str = "",
    *,
    alone: bool = True,
) -> str:
    """That nothing was found, in one sentence: a weak no where any of the tests misses many or the evidence is weak.

    ``alone``: whether it answers all that was asked, so that it may begin with a plain no.
    """
    signs = dict.fromkeys(words.say("signs", one) for each in verdicts for one in attack_types(each, evidence))
    weak = any(is_unsure(one, evidence) for one in verdicts)
    key = "found_none_weak" if weak else "found_none" if alone else "found_none_beside"
    return words.say("signs", key, list=words.join(list(signs), "neither"), where=where)


def clause(words: Sentences, verdict: Verdict, evidence: Sequence[Evidence], many: bool) -> str:
    """What one face does, or several do, without naming them."""
    answer = answer_of(verdict)
    if verdict.question == "identity" and verdict.label == "forged":
        return words.say("some", "forgery", "yes", form=int(many))
    if verdict.question == "action_units" and verdict.label == "none":
        key = "none_seen" if hides_movements(verdict, evidence) else "none_moves"
        return words.say("some", "action_units", key, form=int(many))
    return words.say("some", verdict.question, answer, form=int(many), labels=label(words, verdict, evidence, many))


def hides_movements(verdict: Verdict, evidence: Sequence[Evidence]) -> bool:
    """Whether no movement was found and some could not be measured: such a face is not said to be at rest."""
    if verdict.question != "action_units" or verdict.label != "none":
        return False
    mine = (item for item in evidence if item.question == verdict.question and item.subject == verdict.subject)
    return any(item.status != "ok" for item in mine)


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
        named = name_units(words, shown[:MOST_UNITS], codes=True)
        return named if rest <= 0 else f"{named}{words.tables['list']}{words.say('more_units', n=rest)}"
    return words.find("labels", verdict.question, side_of(verdict), form=form) or side_of(verdict).replace("_", " ")


def _quality(words: Sentences, verdict: Verdict, face: Face | None) -> str:
    """The number with a word for it, and what the face cannot be used for, if anything."""
    value = face.quality.unified if face else 0.0
    grade = "good" if value >= GOOD else "fair" if value >= FAIR else "poor"
    lacking = [one for one in barred(face) if one not in OF_ANY_FACE]
    left = [one for one in ORDER if one not in (*lacking, *OF_ANY_FACE)]
    key, usable = "described", ""
    if verdict.label == "unusable" or not left:
        key = "unusable"
    elif verdict.label == "limited" and lacking:
        # The shorter of the lists of what it can and cannot be used for.
        which, named = ("without", lacking) if len(lacking) <= len(left) else ("only", left)
        key, usable = "use", words.say("usable", which, list=words.join([words.say("subjects", one) for one in named]))
    elif grade == "poor":
        key, usable = "use", words.say("usable", "poor")
    return words.say("one", "quality", key, grade=words.say("grades", grade), quality=f"{value:.0f}", usable=usable)
