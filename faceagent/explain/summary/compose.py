"""Composes a ``Summary``: the answer over all faces and questions, then reason, trust and next step of what matters."""

from collections.abc import Iterable, Sequence

from faceagent.explain.summary.aggregate import NOT_LED_WITH, answer_text
from faceagent.explain.summary.answers import ATTACKS, answer_of, ranked
from faceagent.explain.summary.numbers import numbers
from faceagent.explain.summary.phrases import phrase
from faceagent.explain.summary.power import trust
from faceagent.explain.summary.reasons import because, leading, next_step, reason
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
    led = [one for one in order if one.question not in NOT_LED_WITH and not _silent_file(one)]
    first = led[0] if led else order[0]
    face = known.get(first.subject)
    findings = tuple(
        Finding(
            question=one.question,
            subject=one.subject,
            answer=answer_of(one),
            verdict=one.id,
            text=phrase(words, one, evidence, known.get(one.subject)),
            reason=None if style == "short" else reason(words, one, evidence, known.get(one.subject))[0],
        )
        for one in order
    )
    answer = words.paragraph([*told, answer_text(words, order, evidence, known, with_why=style == "short")])
    if style == "short":
        return Summary(language=words.language, style=style, answer=answer, findings=findings, cites=_ids(order, []))
    why, grounds = reason(words, first, evidence, face)
    why = why or _cause(words, first, face)
    sure = trust(words, first, leading(first, evidence))
    why, sure = _placed(words, order, first, why), _placed(words, order, first, sure)
    if style == "expert":
        sure = words.paragraph([text for text in (sure, numbers(words, order)) if text]) or None
    return Summary(
        language=words.language,
        style=style,
        answer=answer,
        reason=why,
        trust=sure,
        next_step=next_step(words, first, face, placed=any(item.id in grounds and item.region for item in evidence)),
        findings=findings,
        cites=_ids(order, grounds),
    )


def _cause(words: Sentences, verdict: Verdict, face: Face | None) -> str | None:
    """Why a verdict could not be reached, as a sentence; None where there is one."""
    if verdict.reason == "no_face":
        return words.say("reason", "no_face")
    if not _is_open(verdict):
        return None
    return words.say("without_why", text=words.capital(because(words, verdict, face)))


def _placed(words: Sentences, order: Sequence[Verdict], verdict: Verdict, text: str | None) -> str | None:
    """A sentence about one verdict of several, with what it is about before it."""
    subject = words.find("subjects", verdict.question)
    if text is None or verdict.reason == "no_face":
        return text
    same = [one for one in order if one.question == verdict.question]
    if len({(answer_of(one), one.label) for one in same}) > 1:
        text = words.say("of_face", subject=verdict.subject, text=text)
    # A cause that stands for all attacks needs no subject.
    together = _is_open(verdict) and all(_is_open(one) for one in order if one.question in ATTACKS)
    if subject is None or len({one.question for one in order}) == 1 or together:
        return text
    return words.say("about", subject=words.capital(subject), text=text)


def _is_open(verdict: Verdict) -> bool:
    return answer_of(verdict) == "cannot_tell"


def _silent_file(verdict: Verdict) -> bool:
    """Whether a verdict says only that the file says nothing, which leads no summary of other questions."""
    return verdict.question == "provenance" and answer_of(verdict) == "cannot_tell"


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


def _ids(order: Sequence[Verdict], grounds: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*(one.id for one in order), *grounds]))
