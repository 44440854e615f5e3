"""The likelihood ratio of apparent gender. The table of ages is in ``ages``."""

import numpy as np

from finetune.calibration import platt
from finetune.calibration.records import CalibrationRecord, binary_record, operating_point
from finetune.detectors.attributes.data import AttributeRows
from finetune.detectors.linear import Reals

CHILDREN = ("0-2", "3-9", "10-19")
"""Age bands for which gender is neither chosen nor calibrated."""
ADULT = 20
"""First year of the bands for which it is."""


def gender_record(rows: AttributeRows, logits: Reals, identifier: str) -> CalibrationRecord:
    """Platt fit of the mixed logit on adults; its operating point is where both genders are equally likely."""
    adult = ~np.isin(rows.band, CHILDREN)
    male, female = logits[adult & rows.man], logits[adult & ~rows.man]
    fitted = platt.fit(male, female)
    even = -fitted.intercept / fitted.slope
    errors = {"men_called_female": float(np.mean(male < even)), "women_called_male": float(np.mean(female >= even))}
    record = binary_record(
        identifier,
        "logit",
        ("male", "female"),
        (male, female),
        (np.arange(len(male)), np.arange(len(female))),
        [operating_point("even", even, errors)],
        fitted_on=f"FairFace train, aged {ADULT} and over, out of fold",
        note="Apparent gender in the two classes that the annotators were given. Not fitted for children.",
    )
    return record | {"youngest": ADULT}
