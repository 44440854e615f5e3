"""How far an answer can be trusted: the power of its test, from the operating point of the calibration behind it."""

from collections.abc import Sequence

from faceagent.explain.summary.answers import ATTACKS, answer_of
from faceagent.explain.summary.reasons import GENERATED
from faceagent.explain.summary.sentences import Sentences
from faceagent.judge.calibrate import Platt, calibration_of
from faceagent.types import Answer, Evidence, Verdict

FEW = 0.05
"""A share below which "about 0 in 10" would be said."""
NEARLY_ALL = 0.95
UNJUDGED = frozenset({"face_unusable", "no_face", "open_set", "no_evidence", "crashed", "weights_missing"})
"""Reasons for which no test gave an answer at all."""


def trust(words: Sentences, verdict: Verdict, weighed: Sequence[Evidence]) -> list[str]:
    """Sentences on how sure an answer is: how often such a test is right. ``weighed`` is what the verdict rests on."""
    answer = answer_of(verdict)
    if verdict.reason == "no_face":
        return [words.say("trust", "no_face")]
    if verdict.question == "provenance":
        key = {"declares_synthetic": "declared", "inconclusive": "silent"}.get(verdict.label, "signed")
        return [words.say("trust", key)]
    if answer == "cannot_tell":
        power = _power(words, verdict, weighed, answer) if verdict.reason not in UNJUDGED else None
        close = verdict.question == "expression" and verdict.reason == "weak_evidence"
        return [power or words.say("trust", "no_favourite" if close else "unjudged")]
    if verdict.question in (*ATTACKS, "identity"):
        firm = words.say("strength", verdict.strength) if verdict.strength else None
        power = _power(words, verdict, weighed, answer)
        return [text for text in (firm, power) if text]
    if verdict.question == "age":
        return [words.say("trust", "range", level=8), words.say("trust", "appearance")]
    if verdict.probability is not None:
        right = min(9, round(10 * verdict.probability.value))
        said = words.say("trust", "looks_right" if verdict.question == "expression" else "right", right=right)
        return [said, words.say("trust", "appearance")] if verdict.question == "gender" else [said]
    return [words.say("trust", {"action_units": "units", "quality": "measured"}.get(verdict.question, "looks"))]


def _power(words: Sentences, verdict: Verdict, weighed: Sequence[Evidence], answer: Answer) -> str | None:
    fitted = {one.id: one for item in weighed if isinstance(one := calibration_of(item), Platt)}
    tests = [one for one in fitted.values() if one.operating_points]
    if not tests:
        return None
    if verdict.question == "identity" and verdict.label != "forged":
        errors = tests[0].operating_points[0].errors
        return words.say(
            "trust",
            "power_identity_open" if answer == "cannot_tell" else "power_identity",
            strangers=_rare(words, errors.get("fmr", 0.0), "strangers"),
            missed=_of(words, errors.get("fnmr", 0.0)),
        )
    if answer in ("yes", "leans_yes"):
        # The test that spoke; a clean result is told with all of them.
        tests = tests[:1]
    shares: dict[str, float] = {}
    for one in tests:
        attacks = words.find("attacks", one.attack_type or verdict.question) or one.positive
        # Of two tests for the same attacks the weaker one is told: what they find together was not measured.
        shares[attacks] = min(shares.get(attacks, 1.0), 1 - one.operating_points[0].errors.get("apcer", 1.0))
    found = [words.say("trust_found", count=_tenths(words, one), attacks=attacks) for attacks, one in shares.items()]
    alarms = max(one.operating_points[0].errors.get("bpcer", 0.0) for one in tests)
    key = {"yes": "power", "leans_yes": "power_weak", "cannot_tell": "power_open"}.get(answer, "power_no")
    power = words.say("trust", key, found=words.join(found), alarms=_rare(words, alarms, "alarms"))
    if verdict.question == "forgery" and key == "power_no" and not any(one.attack_type == GENERATED for one in tests):
        return words.paragraph([power, words.say("trust", "not_generated")])
    return power


def _tenths(words: Sentences, share: float) -> str:
    """A share as "about 4 in 10"."""
    if share < FEW:
        return words.say("counts", "few")
    return words.say("counts", "most") if share > NEARLY_ALL else words.say("counts", "tenths", n=round(10 * share))


def _of(words: Sentences, share: float) -> str:
    """A small share as "about 10 in 100"."""
    return (
        words.say("counts", "of", n=round(100 * share), total=100)
        if share >= 0.01
        else words.say("counts", "of_few", total=100)
    )


def _rare(words: Sentences, share: float, what: str) -> str:
    """A rare event with its noun: "3 false alarms in 100 genuine pictures", "1 in 1,000 pairs of strangers"."""
    total = 100 if share >= 0.0095 else 1000
    count = round(total * share)
    whole = f"{total:,}".replace(",", words.tables["thousands"])
    if not count:
        return words.say("counts", f"{what}_few", total=whole)
    return words.say("counts", what, form=int(count > 1), count=count, total=whole)
