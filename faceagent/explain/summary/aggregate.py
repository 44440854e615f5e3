"""One answer over several faces and several questions: groups of faces that share an answer, in one sentence each."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from faceagent.explain.summary.answers import ATTACKS, CLEAN, MATCHES, ORDER, alarm, answer_of, match, side_of
from faceagent.explain.summary.phrases import clause, hides_movements, nothing_found, phrase
from faceagent.explain.summary.places import name_faces
from faceagent.explain.summary.power import is_unsure, scope
from faceagent.explain.summary.reasons import because
from faceagent.explain.summary.sentences import Sentences
from faceagent.types import QUESTIONS, Evidence, Face, Question, Verdict

MOST_GROUPS = 4
"""Groups of faces told apart in one sentence."""
FEW_ASKED = 5
"""Questions up to which each has its sentence, also one that cannot be answered."""
NOT_LED_WITH: frozenset[Question] = frozenset({"quality", "action_units"})
"""Questions that a summary of many questions leaves to the tables, unless nothing else was asked."""


class Basis(NamedTuple):
    """What the sentences on one picture are made from; ``places`` names its faces, see ``places_of``."""

    words: Sentences
    evidence: Sequence[Evidence]
    faces: Mapping[str, Face]
    places: Mapping[str, str]


def answer_text(basis: Basis, order: Sequence[Verdict], *, with_why: bool) -> str:
    """The answer to everything asked; ``order`` is by importance and not empty.

    ``with_why``: also why something cannot be told; else that is told beside it.
    """
    words = basis.words
    if any(one.reason == "no_face" for one in order):
        told = [
            phrase(words, one, basis.evidence, None)
            for one in order
            if one.question == "provenance" and alarm(one) == 0
        ]
        return words.paragraph([*told, words.say("no_face")])
    asked = list(dict.fromkeys(one.question for one in order))
    if len(asked) == 1:
        return _question(basis, order, with_why)
    return words.paragraph(_several(basis, order, asked, with_why))


def spoken_of(order: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts that the answer to everything asked speaks of, in the order in which it does."""
    raised, quiet, kept = _parts(order)
    asked = dict.fromkeys([*raised, *(one for one in kept if one == "identity"), *quiet, *kept])
    return [one for question in asked for one in order if one.question == question]


def remainder(basis: Basis, order: Sequence[Verdict], unasked: Sequence[Question]) -> str | None:
    """What the answer does not speak of, in one sentence: measured as well, open, not checked; or None.

    ``unasked`` are the questions that no verdict is on, where everything was asked.
    """
    words = basis.words
    if any(one.reason == "no_face" for one in order):
        return None
    told = {one.question for one in spoken_of(order)}
    left = [one for one in order if one.question not in told]
    answered = {one.question for one in left if answer_of(one) != "cannot_tell"}
    open_ones = {one.question: one for one in reversed(left) if one.question not in answered}
    groups = {
        "below": [words.say("subjects", one) for one in QUESTIONS if one in answered],
        "open": [_open(basis, open_ones[one]) for one in QUESTIONS if one in open_ones],
        "unchecked": [words.say("subjects", one) for one in QUESTIONS if one in unasked],
    }
    parts = [words.say("remainder", key, list=words.join(named)) for key, named in groups.items() if named]
    return words.say("without_why", text=words.capital(words.tables["groups"].join(parts))) if parts else None


def _open(basis: Basis, verdict: Verdict) -> str:
    """A question that cannot be told, with the reason in brackets."""
    words, face = basis.words, basis.faces.get(verdict.subject)
    why = because(words, verdict, face, basis.evidence)
    return words.say("remainder", "because", subject=words.say("subjects", verdict.question), why=why)


def _parts(order: Sequence[Verdict]) -> tuple[list[Question], list[Question], list[Question]]:
    """The questions to lead with, the attacks without an alarm, and the others that an answer to all of them speaks of.

    Questions with an alarm lead; before them, among several faces, which of them is the person looked for.
    """
    asked = list(dict.fromkeys(one.question for one in order))
    raised = list(dict.fromkeys(one.question for one in order if alarm(one) < 2))
    compared = [one for one in order if one.question == "identity"]
    if len(compared) > 1 and any(match(one) < len(MATCHES) for one in compared):
        raised = list(dict.fromkeys(("identity", *raised)))
    quiet = [question for question in ATTACKS if question in asked and question not in raised]
    others = [question for question in ORDER if question in asked and question not in (*ATTACKS, *raised)]
    if len(asked) <= FEW_ASKED:
        return raised, quiet, others
    answered = {one.question for one in order if answer_of(one) != "cannot_tell"}
    kept = [question for question in others if question in answered and question not in NOT_LED_WITH]
    return raised, quiet, kept if raised or quiet or kept else asked[:1]


def _several(basis: Basis, order: Sequence[Verdict], asked: Sequence[Question], with_why: bool) -> list[str]:
    """Alarms first, then the attacks that were not found together, then what the faces show."""
    by_question = {question: [one for one in order if one.question == question] for question in asked}
    raised, quiet, kept = _parts(order)
    told: list[str] = []

    def add(question: Question) -> None:
        told.append(_question(basis, by_question[question], with_why, counted=bool(told)))

    for question in raised:
        found = by_question[question]
        # "Yes" answers one question; beside others the sentence says what was found.
        if len(found) == 1:
            told.append(_finding(basis, found[0]))
        else:
            add(question)
    if "identity" in kept:
        add("identity")
    told += _not_found(basis, {question: by_question[question] for question in quiet}, with_why, counted=bool(told))
    for question in sorted(set(kept) - {"identity"}, key=ORDER.index):
        add(question)
    return told


def _finding(basis: Basis, verdict: Verdict) -> str:
    """What one face shows, without an answer to a question before it."""
    words = basis.words
    if verdict.question == "provenance":
        return phrase(words, verdict, basis.evidence, None)
    does = clause(words, verdict, basis.evidence, many=False)
    return words.say("without_why", text=words.say("group", subject=words.say("this_face"), does=does))


def _not_found(
    basis: Basis, quiet: Mapping[Question, Sequence[Verdict]], with_why: bool, *, counted: bool
) -> Iterator[str]:
    """Questions about attacks that raised no alarm, in their order; what is as sure, or as open, in one sentence."""
    answered = [one for one, found in quiet.items() if any(answer_of(each) != "cannot_tell" for each in found)]
    unclear = [one for one in quiet if one not in answered]
    total = len({verdict.subject for found in quiet.values() for verdict in found})
    whole = [one for one in answered if all(answer_of(each) != "cannot_tell" for each in quiet[one])]
    # Answers that are surer stand apart from a weak no.
    unsure = [one for one in whole if any(is_unsure(each, basis.evidence) for each in quiet[one])]
    groups = [
        [one for one in whole if one not in unsure],
        unsure,
        unclear,
        *([one] for one in answered if one not in whole),
    ]
    for questions in sorted((one for one in groups if one), key=lambda found: ATTACKS.index(found[0])):
        found = [each for one in questions for each in quiet[one]]
        if questions[0] in whole:
            yield _nothing_found(basis, found, total, alone=False)
        elif len(questions) == 1:
            yield _question(basis, found, with_why, counted=counted)
        else:
            yield _open_together(basis, found, total, with_why)
        counted = True


def _open_together(basis: Basis, found: Sequence[Verdict], total: int, with_why: bool) -> str:
    """Several questions that stayed open for every face, in one sentence."""
    words = basis.words
    listed = words.join([words.say("open", one) for one in dict.fromkeys(each.question for each in found)], "either")
    if with_why and total == 1 and len({one.reason for one in found}) == 1:
        first = found[0]
        why = because(words, first, basis.faces.get(first.subject), basis.evidence)
        return words.say("open_why", list=listed, why=why)
    return words.say("also_open", form=int(total > 1), list=listed)


def _question(basis: Basis, verdicts: Sequence[Verdict], with_why: bool, *, counted: bool = False) -> str:
    """One question over all its faces; ``counted``: the sentences before say how many there are."""
    words, evidence = basis.words, basis.evidence
    question, total = verdicts[0].question, len(verdicts)
    answers = {answer_of(one) for one in verdicts}
    if question in ATTACKS and answers <= CLEAN:
        return _nothing_found(basis, verdicts, total)
    if total == 1:
        (only,) = verdicts
        return phrase(words, only, evidence, basis.faces.get(only.subject), with_why=with_why)
    groups: dict[tuple[str, str, bool], list[Verdict]] = {}
    for one in verdicts:
        answer = answer_of(one)
        # How firmly nothing was found is told beside the answer.
        key = "no" if question in ATTACKS and answer in CLEAN else answer
        groups.setdefault((key, side_of(one), hides_movements(one, evidence)), []).append(one)
    by_urgency = sorted(groups.values(), key=lambda found: alarm(found[0]))
    said = [_group(basis, found, total) for found in by_urgency]
    if answers <= CLEAN and words.find("some", question, "none"):
        said = [words.say("some", question, "none")]
    if len(said) > MOST_GROUPS:
        rest = sum(len(found) for found in by_urgency[MOST_GROUPS:])
        said = [*said[:MOST_GROUPS], words.say("more_faces", n=rest)]
    joined = words.tables["groups"].join(said)
    count = words.say("faces", form=1, n=total)
    text = (
        words.say("without_why", text=words.capital(joined))
        if counted
        else words.say("each", faces=count, groups=joined)
    )
    return words.paragraph([text, *scope(words, verdicts, basis.evidence)])


def _group(basis: Basis, found: Sequence[Verdict], total: int) -> str:
    """The faces that share an answer, and what they do."""
    words = basis.words
    names = [one.subject for one in found]
    subject = words.say("all_faces") if len(found) == total else name_faces(words, names, basis.places)
    return words.say("group", subject=subject, does=clause(words, found[0], basis.evidence, len(found) > 1))


def _nothing_found(basis: Basis, verdicts: Sequence[Verdict], total: int, *, alone: bool = True) -> str:
    """That nothing was found in any of the faces, and what was not looked for."""
    words, evidence = basis.words, basis.evidence
    where = words.say("in_faces", n=total) if total > 1 else ""
    told = nothing_found(words, verdicts, evidence, where, alone=alone)
    return words.paragraph([told, *scope(words, verdicts, basis.evidence)])
