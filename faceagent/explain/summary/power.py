"""How far an answer can be trusted: the power of its test, from the operating point of the calibration behind it."""

from collections.abc import Mapping, Sequence

from faceagent.explain.summary.answers import ATTACKS, CLEAN, answer_of
from faceagent.explain.summary.reasons import GENERATED, leading
from faceagent.explain.summary.sentences import Sentences
from faceagent.judge.calibrate import Platt, calibration_of
from faceagent.types import Evidence, Strength, Verdict

FEW = 0.05
"""A share below which "about 0 in 10" would be said."""
NEARLY_ALL = 0.95
MEASURED = frozenset({"weak_evidence", "below_operating_point", "contradictory", "unstable", "uncalibrated"})
"""Reasons for which a test gave a result that answers nothing; for the others it gave none."""
NOT_COMPARED = frozenset({"same_file", "no_reference", "reference_unusable"})
"""Reasons for which two faces were not compared at all."""

GRADES = ("not_very", "fairly", "quite", "very")
MOST_WRONG = (1 / 3, 0.15, 0.05)
"""Share of wrong answers of that side up to which a test allows the second, third and fourth grade."""
_BY_STRENGTH: dict[Strength, int] = {"none": 0, "weak": 0, "moderate": 1, "moderately_strong": 2}


def trust(words: Sentences, verdict: Verdict, evidence: Sequence[Evidence]) -> list[str]:
    """Sentences on how sure an answer is: how often such a test is right."""
    answer = answer_of(verdict)
    if verdict.reason == "no_face":
        return [words.say("trust", "no_face")]
    if verdict.question == "provenance":
        key = {"declares_synthetic": "declared", "inconclusive": "open"}.get(verdict.label, "signed")
        return [words.say("trust", "silent" if verdict.reason == "absent" else key)]
    if answer == "cannot_tell":
        # No rates: they belong to answers.
        known = (
            "open" if verdict.reason in MEASURED else "not_compared" if verdict.reason in NOT_COMPARED else "unjudged"
        )
        return [words.say("trust", known)]
    if verdict.question in (*ATTACKS, "identity"):
        shown = verdict.question == "spoof" and answer in CLEAN
        return [_power(words, verdict, evidence), *([words.say("trust", "clean_spoof")] if shown else [])]
    if verdict.question == "age":
        return [words.say("trust", "range", level=8), words.say("trust", "appearance")]
    feeling = [words.say("trust", "looks")] if verdict.question == "expression" else []
    if verdict.probability is not None:
        right = words.say("trust", "right", right=min(9, round(10 * verdict.probability.value)))
        return [right, *(feeling or [words.say("trust", "appearance")])]
    if verdict.question == "quality":
        promise = [words.say("trust", "no_promise")] if verdict.label == "usable" else []
        return [words.say("trust", "measured"), *promise]
    return feeling or [words.say("trust", "units" if verdict.question == "action_units" else "looks")]


def certainty(verdict: Verdict, evidence: Sequence[Evidence]) -> int:
    """How sure a firm answer or a lean is, as a place in ``GRADES``: the lower of what evidence and test allow."""
    by_evidence = _BY_STRENGTH.get(verdict.strength, 3) if verdict.strength else int(verdict.decided)
    return min(by_evidence, _allowed(verdict, evidence))


def is_unsure(verdict: Verdict, evidence: Sequence[Evidence]) -> bool:
    """Whether a firm answer or a lean is not very sure: the evidence is weak, or the test errs often on that side."""
    return certainty(verdict, evidence) == 0


def scope(words: Sentences, verdicts: Sequence[Verdict], evidence: Sequence[Evidence]) -> list[str]:
    """What clean results do not cover though they seem to: faces generated as a whole, where no test looks for them."""
    for verdict in verdicts:
        types = {one.attack_type for one in _tests(verdict, evidence)}
        if verdict.question == "forgery" and answer_of(verdict) in CLEAN and types and GENERATED not in types:
            return [words.say("signs", "not_generated")]
    return []


def attack_types(verdict: Verdict, evidence: Sequence[Evidence]) -> list[str]:
    """The kinds of attacks that the tests behind a verdict look for; the question itself where they name none."""
    types = [one.attack_type or verdict.question for one in _tests(verdict, evidence)]
    return list(dict.fromkeys(types)) or [verdict.question]


def _power(words: Sentences, verdict: Verdict, evidence: Sequence[Evidence]) -> str:
    answer = answer_of(verdict)
    sure = words.say("sure", GRADES[certainty(verdict, evidence)])
    found = _found(words, verdict, evidence)
    if verdict.question in ATTACKS and answer in CLEAN:
        if not found:
            return words.say("trust", "clean_unknown", sure=sure)
        weak = "clean_weak" if _allowed(verdict, evidence) else "clean_misses"
        key = weak if is_unsure(verdict, evidence) else "clean"
        return words.say("trust", key, sure=sure, missed=_shares(words, {name: 1 - one for name, one in found.items()}))
    tests = _tests(verdict, evidence)
    if not tests:
        return words.say("without_why", text=sure)
    if verdict.question == "identity" and verdict.label != "forged":
        errors = tests[0].operating_points[0].errors
        # The error that this answer may be.
        if answer in CLEAN:
            return words.say("trust", "power_other_person", sure=sure, missed=_of(words, errors.get("fnmr", 0.0)))
        strangers = _rare(words, errors.get("fmr", 0.0), "strangers")
        return words.say("trust", "power_same_person", sure=sure, strangers=strangers)
    alarms = max(one.operating_points[0].errors.get("bpcer", 0.0) for one in tests)
    key = "power_weak" if answer == "leans_yes" else "power"
    return words.say("trust", key, sure=sure, found=_shares(words, found), alarms=_rare(words, alarms, "alarms"))


def _shares(words: Sentences, shares: Mapping[str, float]) -> str:
    """Shares of attacks by kind: "about 5 in 10 swapped or pasted faces"."""
    return words.join([words.say("share", count=_tenths(words, one), attacks=name) for name, one in shares.items()])


def _tests(verdict: Verdict, evidence: Sequence[Evidence]) -> list[Platt]:
    """The tests behind a verdict, the strongest first: of a finding the one that spoke, of a clean result all."""
    fitted = {one.id: one for item in leading(verdict, evidence) if isinstance(one := calibration_of(item), Platt)}
    tests = [one for one in fitted.values() if one.operating_points]
    return tests if _clean(verdict) else tests[:1]


def _found(words: Sentences, verdict: Verdict, evidence: Sequence[Evidence]) -> dict[str, float]:
    """The share of attacks that the tests behind a verdict find, by kind."""
    shares: dict[str, float] = {}
    for one in _tests(verdict, evidence):
        attacks = words.find("attacks", one.attack_type or verdict.question) or one.positive
        # Of two tests for the same attacks the weaker one is told: what they find together was not measured.
        shares[attacks] = min(shares.get(attacks, 1.0), 1 - one.operating_points[0].errors.get("apcer", 1.0))
    return shares


def _allowed(verdict: Verdict, evidence: Sequence[Evidence]) -> int:
    """The best grade that the errors of the tests allow: for a no those that miss, for a yes those that accuse."""
    compared = verdict.question == "identity" and verdict.label != "forged"
    missing, accusing = ("fnmr", "fmr") if compared else ("apcer", "bpcer")
    name = missing if _clean(verdict) else accusing
    wrong = [one.operating_points[0].errors.get(name, 0.0) for one in _tests(verdict, evidence)]
    return sum(max(wrong, default=0.0) <= most for most in MOST_WRONG)


def _clean(verdict: Verdict) -> bool:
    """Whether nothing was found; a face that looks forged answers no to whose it is, and something was found."""
    return answer_of(verdict) in CLEAN and verdict.label != "forged"


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
