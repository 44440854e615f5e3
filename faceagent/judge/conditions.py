"""Conditions on what was found: one language for ``--fail-on`` of the command line and for moderation policies.

About a verdict: a label ("forged"; a lean does not count), an action of the shipped policy ("act", "review"), a
question with a probability at even odds ("forgery>=0.9"; it counts only where the face is one that the detectors know),
or a question with a label ("forgery=inconclusive"). About a report as a whole, for policies: "no_face", "unreadable",
"unmeasured", and a component of a face's quality from 0 to 100 ("quality<40", "sharpness<20"). The labels and the
questions with two sides are those of the shipped calibrations.
"""

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Literal, NamedTuple

from faceagent.errors import InputError
from faceagent.judge.action import ADVERSE
from faceagent.judge.calibrate import two_sided
from faceagent.types import INCONCLUSIVE, QUESTIONS, SUBJECT, Action, Judged, Quality, Question, Verdict

UNFITTED = ("genuine", "unusable", "limited")
"""Labels that follow from no calibration and from no rule of action."""
ACTIONS: dict[str, tuple[Action, ...]] = {"act": ("act",), "review": ("review", "act")}
"""Actions that can be named, and the recommendations that meet each."""
_LINE = re.compile(r"(\w+)\s*>=?\s*(\d*\.?\d+)\s*(%?)")
_LABELLED = re.compile(r"(\w+)\s*=\s*(\w+)")
_QUALITY = re.compile(r"(\w+)\s*(<=?)\s*(\d*\.?\d+)")
_BELOW: dict[str, Callable[[float, float], bool]] = {"<": operator.lt, "<=": operator.le}

Subjects = tuple[str, ...]
"""Ids of the faces, or of the picture, that meet a condition."""


class Meaning(NamedTuple):
    """What a condition says, in parts that can be put into words.

    ``name`` is what holds of the report ("no_face"), the action, the label, or the component of the quality; of a
    probability it is the label of that side, ``question``'s. ``limit`` is a probability from 0 to 1, or a quality from
    0 to 100; ``strict`` leaves the limit itself out.
    """

    kind: Literal["report", "action", "label", "probability", "quality"]
    name: str
    question: Question | None = None
    limit: float = 0.0
    strict: bool = False


class Line(NamedTuple):
    """One condition as it was typed, whether a verdict meets it, and what it says."""

    text: str
    met_by: Callable[[Verdict], bool]
    meaning: Meaning


class Condition(NamedTuple):
    """One condition as it was typed, the subjects of a report that meet it, and what it says."""

    text: str
    met_by: Callable[[Judged], Subjects]
    meaning: Meaning

    @property
    def question(self) -> Question | None:
        """The question that it is about, if it is one."""
        return self.meaning.question


def parse(texts: Iterable[str]) -> list[Line]:
    """The conditions on verdicts. Raises InputError for one that names no label, action or question."""
    return [_condition(text.strip()) for text in texts]


def met(lines: Sequence[Line], report: Judged) -> list[tuple[Line, Verdict]]:
    """Every condition that a verdict of the report meets."""
    return [(line, verdict) for line in lines for verdict in report.verdicts if line.met_by(verdict)]


def parse_condition(text: str) -> Condition:
    """A condition on a report, those on verdicts included. Raises InputError for anything else."""
    text = text.strip()
    if text in _ON_REPORTS:
        return Condition(text, _ON_REPORTS[text], Meaning("report", text))
    found = _QUALITY.fullmatch(text)
    name = "unified" if found and found[1] == "quality" else found[1] if found else ""
    if found is not None and name in Quality.model_fields:
        below, limit = _BELOW[found[2]], float(found[3])
        return Condition(
            text,
            lambda report: tuple(face.id for face in report.faces if below(getattr(face.quality, name), limit)),
            Meaning("quality", name, limit=limit, strict=found[2] == "<"),
        )
    line = _condition(text)
    return Condition(text, lambda report: tuple(verdict.subject for _, verdict in met([line], report)), line.meaning)


def _no_face(report: Judged) -> Subjects:
    return (SUBJECT,) if report.picture is not None and not report.faces else ()


def _unreadable(report: Judged) -> Subjects:
    return (SUBJECT,) if report.problem is not None else ()


def _unmeasured(report: Judged) -> Subjects:
    """Something was asked that could not be measured for a reason that lies with the program, not the picture."""
    return tuple(dict.fromkeys(one.subject for one in report.evidence if one.status in ("unavailable", "failed")))


_ON_REPORTS: dict[str, Callable[[Judged], Subjects]] = {
    "no_face": _no_face,
    "unreadable": _unreadable,
    "unmeasured": _unmeasured,
}


@cache
def labels() -> frozenset[str]:
    """Labels that can be named."""
    fitted = {label for pair in two_sided().values() for label in pair}
    return frozenset({*UNFITTED, *fitted, *(label for found in ADVERSE.values() for label in found)})


def question_of(label: str) -> Question | None:
    """The one question that a label answers, by the calibrations, else by the rules of action; None: several do."""
    for known in (two_sided(), ADVERSE):
        found = [one for name, its in known.items() if label in its and (one := _question(name))]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _condition(text: str) -> Line:
    if text in ACTIONS:
        wanted = ACTIONS[text]
        return Line(text, lambda verdict: verdict.action in wanted, Meaning("action", text))
    if text in labels():
        return Line(text, lambda verdict: verdict.firm_label == text, Meaning("label", text, question_of(text)))
    labelled = _LABELLED.fullmatch(text)
    if labelled is not None and labelled[2] in {*labels(), INCONCLUSIVE} and (about := _question(labelled[1])):
        label = labelled[2]
        meaning = Meaning("label", label, about)
        return Line(text, lambda verdict: verdict.question == about and verdict.firm_label == label, meaning)
    found = _LINE.fullmatch(text)
    question = None if found is None else _question(found[1])
    if found is None or question is None:
        raise InputError(
            f"{text!r} is no condition.",
            remedy=f"Give a label ({', '.join(sorted(labels()))}), an action (act, review), a question with a "
            'probability or a label, such as "forgery>=0.9" or "forgery=inconclusive", or, in a moderation policy, '
            f'something of the report ({", ".join(_ON_REPORTS)}, "quality<40").',
        )
    if question not in two_sided():
        raise InputError(
            f"{question} has no probability of two sides to compare with.",
            remedy=f"These have one: {', '.join(two_sided())}.",
        )
    least = float(found[2]) / (100 if found[3] else 1)
    if not 0 < least <= 1:
        raise InputError(f"{text!r} is no probability.", remedy="Give one above 0 and up to 1, such as 0.9.")
    meaning = Meaning("probability", two_sided()[question][0], question, least, ">=" not in text)
    return Line(text, _at_least(question, least, strict=meaning.strict), meaning)


def _question(name: str) -> Question | None:
    return next((one for one in QUESTIONS if one == name), None)


def _at_least(question: str, least: float, *, strict: bool) -> Callable[[Verdict], bool]:
    def met_by(verdict: Verdict) -> bool:
        if verdict.question != question or verdict.positive is None or verdict.reason == "open_set":
            return False
        return verdict.positive.value > least if strict else verdict.positive.value >= least

    return met_by
