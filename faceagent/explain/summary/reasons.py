"""The strongest reason of an answer and where in the face it is; and what to do next. Both follow from the record."""

from collections.abc import Iterable, Sequence

from faceagent.explain.heat import COLD, HOT
from faceagent.explain.summary.answers import ATTACKS, CLEAN, ORDER, answer_of, side_of
from faceagent.explain.summary.sentences import Sentences
from faceagent.faces.quality_score import weakest
from faceagent.judge.calibrate import Platt, Threshold, calibration_of
from faceagent.judge.wording import of_100
from faceagent.types import Evidence, Face, Question, Verdict

UNITS = 3
"""Most muscle movements named in one sentence."""
GENERATED = "generated as a whole"
GOOD, FAIR = 70, 50
"""Quality of 100 from which a face is good and fair; below the second it is poor, and a better picture is advised."""

_REMEDIES = {
    "open_set": "real_photo",
    "no_reference": "give_reference",
    "reference_unusable": "other_reference",
    "references_differ": "other_reference",
    "same_file": "another_photo",
    "too_young": "for_adults",
    "weights_missing": "install",
    "not_installed": "install",
    "crashed": "report",
    "no_face": "closer_picture",
    "unstable": "original",
}
_IMPLIED = {"low_resolution": "face_too_small"}
"""Reasons that say nothing more beside another."""
_FACE_REMEDIES = {
    "outside_picture": "whole_face",
    "occluded": "whole_face",
    "extreme_pose": "another_face",
    "face_too_small": "larger_face",
    "low_resolution": "larger_face",
}


def leading(verdict: Verdict, evidence: Sequence[Evidence]) -> list[Evidence]:
    """The evidence that a verdict rests on, the item that carries it first: of calibrated ones the most convincing."""
    record = {item.id: item for item in evidence}
    named = [record[name] for name in (*verdict.supports, *verdict.contradicts) if name in record]
    sign = -1.0 if (verdict.llr or 0.0) < 0 else 1.0

    def strength(item: Evidence) -> float:
        fitted = calibration_of(item)
        if not isinstance(fitted, Platt) or item.score is None:
            return -1e9
        return sign * fitted.ratio(item.score.value).value

    return sorted(named, key=strength, reverse=True)


def reason(
    words: Sentences, verdict: Verdict, evidence: Sequence[Evidence], face: Face | None, *, codes: bool = False
) -> tuple[str | None, list[str]]:
    """The sentence and the ids of the evidence it rests on; no sentence where nothing can be told.

    What was measured without an answer coming of it is named as well. ``codes``: muscle movements with their codes.
    """
    answer = answer_of(verdict)
    weighed = leading(verdict, evidence)
    if answer == "cannot_tell":
        return None, [item.id for item in weighed if item.score is not None]
    if verdict.question == "forgery" or (verdict.question == "identity" and verdict.label == "forged"):
        return _forgery(words, verdict, weighed, evidence)
    cited = [item.id for item in weighed[:1]]
    if verdict.question in ATTACKS:
        side = "no" if answer in CLEAN else "leans" if answer == "leans_yes" else "yes"
        return words.say("reason", f"{verdict.question}_{side}"), cited
    if verdict.question == "identity":
        return _identity(words, verdict, weighed, evidence)
    if verdict.question == "expression":
        return _expression(words, verdict, weighed, codes)
    if verdict.question == "action_units":
        return words.say("reason", "units"), [item.id for item in weighed[:UNITS]]
    if verdict.question == "quality":
        return _quality(words, verdict, face)
    if verdict.question == "provenance":
        key = "declares" if verdict.label == "declares_synthetic" else "signed"
        return words.say("reason", f"provenance_{key}"), cited
    return words.say("reason", f"estimate_{verdict.question}"), cited


def cause(words: Sentences, verdict: Verdict, face: Face | None, evidence: Sequence[Evidence] = ()) -> str:
    """Why nothing can be told, as a sentence."""
    if verdict.reason == "no_face":
        return words.say("reason", "no_face")
    return words.say("without_why", text=words.capital(because(words, verdict, face, evidence)))


def because(words: Sentences, verdict: Verdict, face: Face | None, evidence: Sequence[Evidence] = ()) -> str:
    """Why nothing can be told, as a clause."""
    lacking = _clauses(words, _obstacles(verdict, face, evidence))
    if lacking:
        return words.join(lacking[:2], "also")
    if verdict.reason == "weak_evidence" and verdict.question in ("expression", "identity"):
        return words.say("because", f"weak_{verdict.question}")
    return words.find("because", verdict.reason or "no_evidence") or words.say("because", "no_evidence")


def _obstacles(verdict: Verdict, face: Face | None, evidence: Sequence[Evidence]) -> tuple[str, ...]:
    """What a face lacks for a question, where that is why nothing can be told."""
    if verdict.reason == "face_unusable" and face is not None:
        return face.reasons.get(verdict.question, ())
    if verdict.reason != "not_measurable":
        return ()
    mine = [one for one in evidence if one.subject == verdict.subject and one.question == verdict.question]
    return tuple(dict.fromkeys(str(one.facts["cause"]) for one in mine if "cause" in one.facts))


def _clauses(words: Sentences, reasons: Sequence[str]) -> list[str]:
    """What a face lacks, as clauses; what another one says already is left out."""
    return [text for one in reasons if (text := words.find("because", one)) and _IMPLIED.get(one) not in reasons]


def next_step(
    words: Sentences,
    verdict: Verdict,
    face: Face | None,
    evidence: Sequence[Evidence] = (),
    *,
    placed: bool = False,
) -> str:
    """What a reader can do next. ``placed``: whether the reason names a place in the face."""
    answer, question = answer_of(verdict), verdict.question
    if answer == "cannot_tell" and question != "provenance":
        lacking = _obstacles(verdict, face, evidence)
        fitting = lacking or verdict.reason == "face_unusable"
        # Whether a picture is genuine is for experts to see; what a face shows, for anybody.
        otherwise = "look" if question == "expression" else "person"
        return words.say("next", _better(lacking) if fitting else _REMEDIES.get(verdict.reason or "", otherwise))
    if question in ATTACKS or (question == "identity" and verdict.label == "forged"):
        if answer == "yes" or question == "identity":
            return words.say("next", "forgery_yes" if placed else "attack_yes")
        return words.say("next", "attack_leans_yes" if answer == "leans_yes" else "attack_no")
    if question == "identity":
        side = "leans" if answer.startswith("leans") else answer
        return words.say("next", f"identity_{side}")
    if question == "provenance":
        steps = {"declares_synthetic": "declares", "invalid": "invalid", "inconclusive": "silent"}
        return words.say("next", steps.get(verdict.label, "signed"))
    if question == "quality":
        if verdict.label != "usable":
            return words.say("next", _better(why for found in (face.reasons if face else {}).values() for why in found))
        return words.say("next", "quality_fair" if face and face.quality.unified < FAIR else "quality_good")
    return words.say("next", "expression" if question in ("expression", "action_units") else "described")


def _better(reasons: Iterable[str]) -> str:
    """What kind of picture would do, from what this one lacks."""
    return next((_FACE_REMEDIES[one] for one in reasons if one in _FACE_REMEDIES), "better_picture")


def barred(face: Face | None) -> list[Question]:
    """The questions that a face cannot be used for."""
    return [one for one in ORDER if face and face.reasons.get(one)]


def _forgery(
    words: Sentences, verdict: Verdict, weighed: Sequence[Evidence], evidence: Sequence[Evidence]
) -> tuple[str, list[str]]:
    parts = [
        item for item in evidence if item.subject == verdict.subject and item.question == "forgery" and item.region
    ]
    regional = [item for item in parts if item.score]
    top = max(regional, key=lambda item: item.score.value if item.score else 0.0, default=None)
    heat = top.score.value if top is not None and top.score is not None else 0.0
    where = words.say("where", top.region) if top is not None and top.region else ""
    lead = weighed[0] if weighed else None
    cited = [lead.id] if lead else []
    if answer_of(verdict) in CLEAN and verdict.label != "forged":
        if top is not None and heat > COLD:
            key = "forgery_hot" if heat >= HOT else "forgery_warm"
            return words.say("reason", key, where=words.capital(where)), [*cited, top.id]
        # A part that could not be checked is not said to be inconspicuous.
        key = "forgery_whole" if not regional else "forgery_none" if len(regional) == len(parts) else "forgery_seen"
        return words.say("reason", key), cited
    fitted = calibration_of(lead) if lead else None
    if isinstance(fitted, Platt) and fitted.attack_type == GENERATED:
        return _generated(words, verdict, evidence, cited)
    if top is not None and heat >= HOT:
        return words.say("reason", "spliced", where=where), [*cited, top.id]
    leans = answer_of(verdict) == "leans_yes"
    return words.say("reason", "spliced_nowhere_leans" if leans else "spliced_nowhere"), cited


def _generated(
    words: Sentences, verdict: Verdict, evidence: Sequence[Evidence], cited: list[str]
) -> tuple[str, list[str]]:
    for item in evidence:
        fitted = calibration_of(item)
        if item.subject != verdict.subject or not isinstance(fitted, Threshold) or item.score is None:
            continue
        point = fitted.operating_point()
        if item.label and point is not None and item.score.value >= point.threshold:
            family = item.label.replace("_", " ")
            return words.say("reason", "generated_family", family=family), [*cited, item.id]
    return words.say("reason", "generated"), cited


def _identity(
    words: Sentences, verdict: Verdict, weighed: Sequence[Evidence], evidence: Sequence[Evidence]
) -> tuple[str | None, list[str]]:
    compared = [*weighed, *(item for item in evidence if item.subject == verdict.subject)]
    item = next((one for one in compared if one.question == "identity" and one.score and not one.region), None)
    if item is None or item.score is None:
        return None, []
    cosine = item.score.scale == "cosine"
    likeness = of_100(item.score.value) if cosine else round(item.score.value)
    answer = answer_of(verdict)
    side = {"yes": "yes", "leans_yes": "leans"}.get(answer, "no")
    fitted = calibration_of(item)
    point = fitted.operating_point() if isinstance(fitted, Platt) else None
    if side == "no" and cosine and point is not None:
        return words.say("reason", "identity_no_line", likeness=likeness, line=of_100(point.threshold)), [item.id]
    return words.say("reason", f"identity_{side}", likeness=likeness), [item.id]


def _expression(words: Sentences, verdict: Verdict, weighed: Sequence[Evidence], codes: bool) -> tuple[str, list[str]]:
    """By the movements where they say the same, else by the look of the face; no movement is a ground for "neutral"."""
    shown = [item for item in weighed if item.question == "action_units" and item.label == "present"][:UNITS]
    cited = [item.id for item in shown or weighed[:1]]
    label = side_of(verdict)
    neutral = label == "neutral"
    by_units = str(next((item.facts["by_units"] for item in weighed if "by_units" in item.facts), label))
    if by_units == label and not shown:
        return words.say("reason", "expression_rest" if neutral else "expression_faint"), cited
    units = name_units(words, shown, codes=codes)
    if by_units == label:
        return words.say("reason", "neutral" if neutral else "expression", units=units), cited
    look = "look_units" if shown and not neutral else "look"
    other = words.find("labels", "expression", by_units) or by_units
    return words.paragraph(
        [words.say("reason", look, units=units), words.say("reason", "look_against", other=other)]
    ), cited


def name_units(words: Sentences, units: Sequence[Evidence], *, codes: bool) -> str:
    """Action units as a reader sees them: "raised cheeks", and with their codes "raised cheeks (AU6)"."""
    named = [item.id.rpartition(":")[2] for item in units]
    said = [words.find("units", code) or code for code in named]
    return words.join([f"{text} ({code})" for text, code in zip(said, named, strict=True)] if codes else said)


def _quality(words: Sentences, verdict: Verdict, face: Face | None) -> tuple[str | None, list[str]]:
    found = tuple(dict.fromkeys(one for reasons in (face.reasons if face else {}).values() for one in reasons))
    why = _clauses(words, found)
    if why:
        return words.say("without_why", text=words.capital(words.join(why[:UNITS], "also"))), []
    if face is None:
        return None, []
    values = {name: getattr(face.quality, name) for name in words.tables["components"]}
    lowest = weakest(values)
    return words.say("reason", "quality_weakest", component=words.say("components", lowest)), [
        f"{verdict.subject}:{lowest}"
    ]
