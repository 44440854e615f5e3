"""What kind of attack a positive finding looks like, and which family of generators made it, in one sentence."""

from collections.abc import Sequence

from faceagent.judge.calibrate import Platt, Threshold, calibration_of
from faceagent.types import Evidence


def attack_type_note(fitted: Platt, lead: Evidence, evidence: Sequence[Evidence]) -> tuple[str, tuple[str, ...]]:
    """A sentence about the attack type and the generator's family of a positive finding, and the ids it rests on.

    A family that belongs to another attack type than the leading one is named with an "if".
    """
    if fitted.attack_type is None:
        return "", ()
    kinds = [item for item in evidence if item.label and isinstance(calibration_of(item), Threshold)]
    own = tuple(item.id for item in kinds if lead.id in item.cites)
    families = "".join(
        f" {'Family' if item.id in own else 'Family of generators, if it was generated instead'}: {_family(item)}."
        for item in kinds
    )
    return f" It looks {fitted.attack_type.replace('_', ' ')}.{families}", own


def _family(item: Evidence) -> str:
    """The label of a score that reaches its threshold, else the calibration's label for an unknown family."""
    fitted = calibration_of(item)
    point = fitted.operating_point() if isinstance(fitted, Threshold) else None
    if not isinstance(fitted, Threshold) or point is None or item.score is None:
        return "not calibrated"
    named = item.label if item.score.value >= point.threshold else fitted.negative
    return (named or "").replace("_", " ")
