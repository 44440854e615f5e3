"""Composes a ``Summary``: the answer over all faces and questions, then why, how sure and what next for each."""

from collections.abc import Iterable, Sequence

from faceagent.explain.summary import each
from faceagent.explain.summary.aggregate import Basis, answer_text, remainder, spoken_of
from faceagent.explain.summary.answers import answer_of, ranked
from faceagent.explain.summary.numbers import numbers
from faceagent.explain.summary.phrases import phrase
from faceagent.explain.summary.places import places_of
from faceagent.explain.summary.power import trust
from faceagent.explain.summary.reasons import cause, next_step, reason
from faceagent.explain.summary.sentences import Sentences, sentences_in
from faceagent.types import (
    QUESTIONS,
    Evidence,
    Face,
    Finding,
    PolicyDecision,
    Problem,
    Question,
    Refused,
    Style,
    Summary,
    Verdict,
)


def summarize(
    verdicts: Iterable[Verdict],
    evidence: Sequence[Evidence] = (),
    faces: Sequence[Face] = (),
    *,
    questions: Iterable[Question] | None = None,
    subjects: Iterable[str] | None = None,
    style: Style = "plain",
    language: str = "en",
    everything: bool = False,
    problem: Problem | None = None,
    refused: Sequence[Refused | PolicyDecision] = (),
) -> Summary:
    """The direct answer to what was asked about one picture.

    Args:
        verdicts: of one picture; those on other questions and subjects are left out.
        evidence: everything recorded about the picture; names the strongest reason.
        faces: the faces of the picture; they give the order, from the left, and why a face cannot be used.
        questions: what was asked; None: every question that has a verdict.
        subjects: ids of the faces asked about; None: all. Verdicts on the whole picture are always kept.
        style: "short" is the answer alone, "plain" has no numbers of the calibration, "expert" adds them.
        language: code of the language; English where there are no sentences in it.
        everything: whether no question was asked by name, so that it matters what was not checked.
        problem: why the picture could not be analysed, if so.
        refused: what was asked and is not answered; each is said once.
    """
    words = sentences_in(language)
    told = _refusals(words, refused)
    if problem is not None:
        return _unreadable(words, style, problem)
    chosen = _chosen(verdicts, faces, questions, subjects)
    if not chosen:
        return Summary(language=words.language, style=style, answer=words.paragraph(told or [words.say("nothing")]))
    basis = Basis(words, evidence, {face.id: face for face in faces}, places_of(words, faces))
    order = ranked(chosen, list(basis.places))
    grounds = {
        one.id: reason(words, one, evidence, basis.faces.get(one.subject), codes=style == "expert") for one in order
    }
    findings = tuple(
        Finding(
            question=one.question,
            subject=one.subject,
            answer=answer_of(one),
            verdict=one.id,
            text=phrase(words, one, evidence, basis.faces.get(one.subject), with_why=True),
            reason=None if style == "short" else grounds[one.id][0],
        )
        for one in order
    )
    told.append(answer_text(basis, order, with_why=style == "short"))
    if style == "short":
        answer = words.paragraph(told)
        return Summary(language=words.language, style=style, answer=answer, findings=findings, cites=_ids(order))
    left = remainder(basis, order, _unasked(order, refused) if everything else ())
    # A line of its own, so that a page can set it apart.
    answer = "\n".join([words.paragraph(told), *([left] if left else [])])
    spoken = spoken_of(order)
    placed = {item.id for item in evidence if item.region}

    def why(one: Verdict) -> list[str]:
        text, _ = grounds[one.id]
        if answer_of(one) == "cannot_tell":
            text = cause(words, one, basis.faces.get(one.subject), evidence)
        return [text] if text else []

    def what_next(one: Verdict) -> list[str]:
        in_place = not placed.isdisjoint(grounds[one.id][1])
        return [next_step(words, one, basis.faces.get(one.subject), evidence, placed=in_place)]

    sure = each.lines(words, spoken, basis.places, lambda one: trust(words, one, evidence))
    if style == "expert":
        sure = "\n".join(text for text in (sure, numbers(words, order, basis.places)) if text) or None
    return Summary(
        language=words.language,
        style=style,
        answer=answer,
        reason=each.lines(words, spoken, basis.places, why),
        trust=sure,
        next_step=each.lines(words, spoken, basis.places, what_next),
        findings=findings,
        cites=_ids(order, *(grounds[one.id][1] for one in spoken)),
    )


def _chosen(
    verdicts: Iterable[Verdict],
    faces: Sequence[Face],
    questions: Iterable[Question] | None,
    subjects: Iterable[str] | None,
) -> list[Verdict]:
    asked = None if questions is None else set(questions)
    about = None if subjects is None else set(subjects)
    known = {face.id for face in faces}
    return [
        one
        for one in verdicts
        if (asked is None or one.question in asked)
        and (about is None or one.subject in about or one.subject not in known)
    ]


def _unasked(order: Sequence[Verdict], refused: Sequence[Refused | PolicyDecision]) -> list[Question]:
    """The questions that no verdict is on and no rule refused."""
    answered = {one.question for one in order}
    barred = {one.question for one in refused if isinstance(one, PolicyDecision) and one.decision == "refuse"}
    return [one for one in QUESTIONS if one not in answered | barred]


def _refusals(words: Sentences, refused: Sequence[Refused | PolicyDecision]) -> list[str]:
    """Each refusal once, as one sentence."""
    said: dict[str, None] = {}
    for one in refused:
        if isinstance(one, PolicyDecision) and one.decision != "refuse":
            continue
        topic: str = one.topic if isinstance(one, Refused) else one.question
        notice = words.find("notices", topic) or words.find("notices", one.rule) or one.notice or one.rule
        topic = words.find("topics", topic) or words.find("questions", topic) or topic.replace("_", " ")
        said[words.say("refused", topic=topic, notice=notice)] = None
    return list(said)


def _unreadable(words: Sentences, style: Style, problem: Problem) -> Summary:
    why = words.find("because", problem.reason) if words.language != "en" else None
    answer = words.say("unreadable", why=f"{why}{words.tables['stop']}" if why else problem.message)
    step = problem.remedy if words.language == "en" else words.say("next", "other_picture")
    return Summary(language=words.language, style=style, answer=answer, next_step=None if style == "short" else step)


def _ids(order: Sequence[Verdict], *grounds: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*(one.id for one in order), *(name for found in grounds for name in found)]))
