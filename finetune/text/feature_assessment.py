"""Which forgery features a vision-language model can see: yes/no questions ranked by balanced accuracy.

The model feature assessment of X²-DFD (Chen et al. 2024): the untuned model answers every question on genuine and on
forged pictures. Features that it answers well are strong and may be trained on; features that it answers at chance are
weak and are left to detectors. Assess on training pictures, never on test pictures: the choice of features is part of
training.
"""

import math
import re
import tomllib
from collections.abc import Callable, Sequence
from importlib import resources

from pydantic import Field

from evals.metrics.proportion import wilson
from faceagent.errors import InputError
from faceagent.types import Evidence, FrozenModel, Region, Score, ToolStamp
from finetune.data.samples import SamplePicture

AskModel = Callable[[SamplePicture, str], str]
"""Picture and question → the model's answer."""

STRONG = 0.5
"""Balanced accuracy that the lower end of a strong feature's interval must exceed: chance."""
EXPERT = ":expert_"
"""Separates subject and name in the id of expert evidence."""
FEWEST = 10
"""Least number of pictures of each kind."""

_YES_NO = re.compile(r"\b(yes|no)\b", re.IGNORECASE)


class ForgeryFeature(FrozenModel):
    """One question about forgery, to be answered yes on a forged face and no on a genuine one."""

    id: str
    kind: str = Field(description="what it looks at: texture, shape, light, edges, …")
    regions: tuple[Region, ...] = Field(description="where it looks; empty: the whole face")
    question: str


class AssessedFeature(FrozenModel):
    """A feature and how well a model answers it. An answer that is neither yes nor no counts as wrong."""

    feature: ForgeryFeature
    real_accuracy: float
    fake_accuracy: float
    balanced: float
    low: float = Field(description="95 % interval of the balanced accuracy, each side by Wilson's score")
    high: float
    unparsed: int

    @property
    def strong(self) -> bool:
        """Whether the lower end of the interval is above chance."""
        return self.low > STRONG


def load_features() -> tuple[ForgeryFeature, ...]:
    """The shipped questions."""
    text = resources.files("finetune.text").joinpath("features.toml").read_text(encoding="utf-8")
    return tuple(ForgeryFeature.model_validate(row) for row in tomllib.loads(text)["feature"])


def assess_features(
    asked: Sequence[ForgeryFeature], real: Sequence[SamplePicture], fake: Sequence[SamplePicture], ask: AskModel
) -> tuple[AssessedFeature, ...]:
    """All features on all pictures, best first. Raises InputError with too few pictures of either kind."""
    if min(len(real), len(fake)) < FEWEST:
        raise InputError(
            f"{len(real)} genuine and {len(fake)} forged pictures are too few to assess features.",
            remedy=f"Give {FEWEST} or more of each.",
        )
    found = []
    for feature in asked:
        question = f"{feature.question} Answer yes or no."
        no = [parse_yes_no(ask(shot, question)) for shot in real]
        yes = [parse_yes_no(ask(shot, question)) for shot in fake]
        found.append(_assessed(feature, no, yes))
    return tuple(sorted(found, key=lambda one: (-one.balanced, one.feature.id)))


def parse_yes_no(answer: str) -> str | None:
    """The first "yes" or "no" of an answer, lower case, or None."""
    match = _YES_NO.search(answer)
    return match[1].lower() if match else None


def _assessed(feature: ForgeryFeature, real: Sequence[str | None], fake: Sequence[str | None]) -> AssessedFeature:
    right = (sum(one == "no" for one in real), sum(one == "yes" for one in fake))
    sizes = (len(real), len(fake))
    shares = [hits / size for hits, size in zip(right, sizes, strict=True)]
    balanced = sum(shares) / 2
    # The two sides are independent: their distances to Wilson's bounds add as squares (Newcombe's method 10, 1998).
    bounds = [wilson(hits, size) for hits, size in zip(right, sizes, strict=True)]
    below = math.hypot(*(share - low for share, (low, _) in zip(shares, bounds, strict=True))) / 2
    above = math.hypot(*(high - share for share, (_, high) in zip(shares, bounds, strict=True))) / 2
    return AssessedFeature(
        feature=feature,
        real_accuracy=shares[0],
        fake_accuracy=shares[1],
        balanced=balanced,
        low=balanced - below,
        high=balanced + above,
        unparsed=sum(one is None for one in (*real, *fake)),
    )


def expert_evidence(name: str, probability: float | None, subject: str, by: ToolStamp) -> Evidence:
    """The score of a detector for a weak feature as evidence: P(fake) with three decimals, N/A without a score."""
    value = "N/A" if probability is None else f"{probability:.3f}"
    return Evidence(
        id=f"{subject}{EXPERT}{name}",
        tool=by,
        question="forgery",
        subject=subject,
        score=None if probability is None else Score(value=probability, scale="probability"),
        statement=f"Expert {name}: P(fake) = {value}.",
        status="unavailable" if probability is None else "ok",
        reason="not_measurable" if probability is None else None,
    )


def agrees(item: Evidence, fake: bool) -> bool:
    """Whether an expert supports the truth clearly: P(fake) of 0.7 or more, or 0.3 or less (X²-DFD)."""
    return item.score is not None and (item.score.value >= 0.7 if fake else item.score.value <= 0.3)
