"""What a figure must reach, and what is aimed at: ``thresholds.toml``, by run and metric."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from pydantic import model_validator

from faceagent.types import FrozenModel

FILE = "thresholds.toml"


class FigureThreshold(FrozenModel):
    """Lowest or highest value that passes, and the value aimed at."""

    min: float | None = None
    max: float | None = None
    target: float | None = None

    @model_validator(mode="after")
    def _one_side(self) -> "FigureThreshold":
        if (self.min is None) == (self.max is None):
            raise ValueError("a threshold is either a min or a max")
        return self

    def met(self, value: float) -> bool:
        """Whether a figure passes."""
        return value >= self.min if self.min is not None else value <= (self.max or 0.0)

    @property
    def sign(self) -> str:
        """The side on which a figure must lie."""
        return "≥" if self.min is not None else "≤"

    @property
    def limit(self) -> float:
        """The lowest or highest value that passes."""
        return self.min if self.min is not None else (self.max or 0.0)


@cache
def thresholds() -> Mapping[str, Mapping[str, FigureThreshold]]:
    """Run → metric → threshold."""
    text = resources.files("evals").joinpath(FILE).read_text(encoding="utf-8")
    return {
        run: {metric: FigureThreshold.model_validate(one) for metric, one in metrics.items()}
        for run, metrics in tomllib.loads(text).items()
    }
