"""The data sets that shipped weights learn from, and what their file names and labels mean."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingSet:
    """One data set.

    Attributes:
        synthetic: True when a generator made the faces: they show no real person.
        person: Pattern whose first group is the person in a file name; None when names do not say.
        coarse: True when its makers stored it at JPEG quality 75; the other sets are stored at 90 and more.
    """

    synthetic: bool
    person: str | None = None
    coarse: bool = False


TRAINING_SETS: dict[str, TrainingSet] = {
    "fairface_train_4k": TrainingSet(synthetic=False, coarse=True),
    "fairface_train_more": TrainingSet(synthetic=False, coarse=True),
    "us_portraits": TrainingSet(synthetic=False),
    "muxspace_expressions": TrainingSet(synthetic=False, person=r"(.+?)_\d+\.\w+$"),
    "frll_london": TrainingSet(synthetic=False, person=r"(\d+)"),
    "sfhq_tiles": TrainingSet(synthetic=True),
    "sfhq_t2i_tiles": TrainingSet(synthetic=True),
    "faker_sd3": TrainingSet(synthetic=True),
    "openpeople": TrainingSet(synthetic=True, person=r"(P\d+)"),
}
"""All sets that may be trained on, by folder name. Any other set is refused."""

EXPRESSION_SET = "muxspace_expressions"
EXPRESSION_LABELS = {"happiness": "happy", "contempt": "other"}
"""Labels of ``EXPRESSION_SET`` whose name differs from the label of the product."""
