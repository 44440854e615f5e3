"""Composes a ``Summary``: the answer over all faces and questions, then why, how sure and what next for each."""

from collections.abc import Iterable, Sequence

from faceagent.explain.summary import each
from faceagent.explain.summary.aggregate import answer_text, spoken_of
from faceagent.explain.summary.answers import answer_of, ranked
from faceagent.explain.summary.numbers import numbers
from faceagent.explain.summary.phrases import phrase
from faceagent.explain.summary.power import trust
from faceagent.explain.summary.reasons import cause, leading, next_step, reason
from faceagent.explain.summary.sentences import Sentences, sentences_in
from faceagent.types import (
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
    problem: Problem | None = None,
    refused: Sequence[Refused | PolicyDecision] = (),
) -> Summary:
    """The direct answer to what was asked about one picture.

    Args:
        verdicts: of one picture; those on other questions and subjects are left out.
        evidence: everything recorded about the picture; names the strongest reason.
        faces: the faces of the picture, largest first; they give the order and why a face cannot be used.
        questions: what was asked; None: every question that has a verdict.
        subjects: ids of the faces asked about; None: all. Verdicts on the whole picture are always kept.
        style: "short" is the answer alone, "plain" has no numbers of the calibration, "expert" adds them.
        language: code of the language; English where there are no sentences in it.
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
    known = {face.id: face for face in faces}
    order = ranked(chosen, [face.id for face in faces])
    grounds = {one.id: reason(words, one, evidence, known.get(one.subject)) for one in order}
    findings = tuple(
        Finding(
            question=one.question,
            subject=one.subject,
            answer=answer_of(one),
            verdict=one.id,
            text=phrase(words, one, evidence, known.get(one.subject)),
            reason=None if style == "short" else grounds[one.id][0],
        )
        for one in order
    )
    answer = words.paragraph([*told, answer_text(words, order, evidence, known, with_why=style == "short")])
    if style == "short":
        return Summary(language=words.language, style=style, answer=answer, findings=findings, cites=_ids(order))
    spoken = spoken_of(order)
    placed = {item.id for item in evidence if item.region}

    def why(one: Verdict) -> list[str]:
        text, _ = grounds[one.id]
        if answer_of(one) == "cannot_tell":
            text = cause(words, one, known.get(one.subject))
        return [text] if text else []

    def what_next(one: Verdict) -> list[str]:
        return [next_step(words, one, known.get(one.subject), placed=not placed.isdisjoint(grounds[one.id][1]))]

    sure = each.lines(words, spoken, lambda one: trust(words, one, leading(one, evidence)))
    if style == "expert":
        sure = "\n".join(text for text in (sure, numbers(words, order)) if text) or None
    return Summary(
        language=words.language,
        style=style,
        answer=answer,
        reason=each.lines(words, spoken, why),
        trust=sure,
        next_step=each.lines(words, spoken, what_next),
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
