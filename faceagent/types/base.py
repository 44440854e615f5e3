"""The base of all data types, and numbers that are rounded as reports need it."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _round6(value: float) -> float:
    return round(value, 6)


Real = Annotated[float, AfterValidator(_round6)]
"""A float rounded to six decimals: enough for every scale here, and reports stay diffable."""

Share = Annotated[float, Field(ge=0, le=1), AfterValidator(_round6)]

Point = tuple[Real, Real]


class FrozenModel(BaseModel):
    """Base of all data types: immutable, unknown fields are rejected."""

    model_config = ConfigDict(frozen=True, extra="forbid")
