"""One answer over several faces and several questions: groups of faces that share an answer, in one sentence each."""

from collections.abc import Iterator, Mapping, Sequence

from faceagent.explain.summary.answers import ATTACKS, ORDER, alarm, answer_of, side_of
from faceagent.explain.summary.phrases import clause, name_faces, phrase
from faceagent.explain.summary.reasons import because
from faceagent.explain.summary.sentences import Sentences
from faceagent.types import Evidence, Face, Question, Verdict

MOST_GROUPS = 4
"""Groups of faces told apart in one sentence."""
FEW_ASKED = 5
"""Questions up to which each has its sentence, also one that cannot be answered."""
NOT_LED_WITH: frozenset[Question] = frozenset({"quality", "action_units"})
"""Questions that a summary of many questions leaves to the tables, unless nothing else was asked."""


def answer_text(
    words: Sentences,
    order: Sequence[Verdict],
    evidence: Sequence[Evidence],
    faces: Mapping[str, Face],
    *,
    with_why: bool = True,
) -> str:
    """The answer to everything asked; ``order`` is by importance and not empty.

    ``with_why``: also why something cannot be told, where nothing else was asked; else that is told beside it.
    """
    if any(one.reason == "no_face" for one in order):
        told = [phrase(words, one, evidence, None) for one in order if one.question == "provenance" and alarm(one) == 0]
        return words.paragraph([*told, words.say("no_face")])
    asked = list(dict.fromkeys(one.question for one in order))
    if len(order) == 1:
        return phrase(words, order[0], evidence, faces.get(order[0].subject), with_why=with_why)
    if len(asked) == 1:
        return _question(words, list(order), evidence, faces)
    return words.paragraph(list(_several(words, order, asked, evidence, faces)))


def spoken_of(order: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts that the answer to everything asked speaks of, the most important question first."""
    asked = {question: None for part in _parts(order) for question in part}
    return [one for question in asked for one in order if one.question == question]


def _parts(order: Sequence[Verdict]) -> tuple[list[Question], list[Question], list[Question]]:
    """The questions with an alarm, the attacks without one, and the others that an answer to all of them speaks of."""
    asked = list(dict.fromkeys(one.question for one in order))
    raised = list(dict.fromkeys(one.question for one in order if alarm(one) < 2))
    quiet = [question for question in ATTACKS if question in asked and question not in raised]
    others = [question for question in ORDER if question in asked and question not in (*ATTACKS, *raised)]
    if len(asked) <= FEW_ASKED:
        return raised, quiet, others
    answered = {one.question for one in order if answer_of(one) != "cannot_tell"}
    kept = [question for question in others if question in answered and question not in NOT_LED_WITH]
    return raised, quiet, kept if raised or quiet or kept else asked[:1]


def _several(
    words: Sentences,
    order: Sequence[Verdict],
    asked: Sequence[Question],
    evidence: Sequence[Evidence],
    faces: Mapping[str, Face],
) -> Iterator[str]:
    """Alarms first, then the attacks that were not found together, then what the faces show."""
    by_question = {question: [one for one in order if one.question == question] for question in asked}
    raised, quiet, kept = _parts(order)
    for question in raised:
        found = by_question[question]
        # "Yes" answers one question; beside others the sentence says what was found.
        yield _finding(words, found[0], evidence) if len(found) == 1 else _question(words, found, evidence, faces)
    first = [question for question in kept if question == "identity"]
    for question in first:
        yield _question(words, by_question[question], evidence, faces)
    yield from _not_found(words, {question: by_question[question] for question in quiet}, evidence, faces)
    for question in sorted((one for one in kept if one not in first), key=ORDER.index):
        yield _question(words, by_question[question], evidence, faces)


def _finding(words: Sentences, verdict: Verdict, evidence: Sequence[Evidence]) -> str:
    """What one face shows, without an answer to a question before it."""
    if verdict.question == "provenance":
        return phrase(words, verdict, evidence, None)
    does = clause(words, verdict, evidence, many=False)
    return words.say("without_why", text=words.say("group", subject=words.say("this_face"), does=does))


def _not_found(
    words: Sentences,
    quiet: Mapping[Question, Sequence[Verdict]],
    evidence: Sequence[Evidence],
    faces: Mapping[str, Face],
) -> Iterator[str]:
    """Questions about attacks that raised no alarm, in one sentence; then those that stayed open for every face."""
    answered = [one for one, found in quiet.items() if any(answer_of(each) != "cannot_tell" for each in found)]
    unclear = [one for one in quiet if one not in answered]
    total = len({verdict.subject for found in quiet.values() for verdict in found})
    whole = [one for one in answered if all(answer_of(each) != "cannot_tell" for each in quiet[one])]
    if whole:
        where = words.say("in_faces", form=int(total > 1), n=total)
        signs = words.join([words.say("signs", one) for one in whole], "neither")
        yield words.say("signs", "found_none", list=signs, where=where)
    for question in answered:
        if question not in whole:
            # Open for some faces: each face has its own part of the sentence.
            yield _question(words, quiet[question], evidence, faces)
    if len(unclear) == 1:
        yield _question(words, quiet[unclear[0]], evidence, faces)
    elif unclear:
        left = words.join([words.say("open", one) for one in unclear], "either")
        first = quiet[unclear[0]][0]
        if total == 1 and len({quiet[one][0].reason for one in unclear}) == 1:
            yield words.say("open_why", list=left, why=because(words, first, faces.get(first.subject)))
        else:
            yield words.say("also_open", form=int(total > 1), list=left)


def _question(
    words: Sentences, verdicts: Sequence[Verdict], evidence: Sequence[Evidence], faces: Mapping[str, Face]
) -> str:
    """One question over all its faces."""
    if len(verdicts) == 1:
        (only,) = verdicts
        return phrase(words, only, evidence, faces.get(only.subject))
    question, total = verdicts[0].question, len(verdicts)
    groups: dict[tuple[str, str], list[Verdict]] = {}
    for one in verdicts:
        groups.setdefault((answer_of(one), side_of(one)), []).append(one)
    said = [
        _group(words, found, evidence, total) for found in sorted(groups.values(), key=lambda found: alarm(found[0]))
    ]
    if {answer for answer, _ in groups} <= {"no", "leans_no"} and words.find("some", question, "none"):
        said = [words.say("some", question, "none")]
    if len(said) > MOST_GROUPS:
        rest = sum(len(found) for found in list(groups.values())[MOST_GROUPS:])
        said = [*said[:MOST_GROUPS], words.say("more_faces", n=rest)]
    count = words.say("faces", form=int(total > 1), n=total)
    return words.capital(words.say("each", faces=count, groups=words.tables["groups"].join(said)))


def _group(words: Sentences, found: Sequence[Verdict], evidence: Sequence[Evidence], total: int) -> str:
    """The faces that share an answer, and what they do."""
    names = [one.subject for one in found]
    subject = words.say("all_faces") if len(found) == total else name_faces(words, names)
    return words.say("group", subject=subject, does=clause(words, found[0], evidence, len(found) > 1))
