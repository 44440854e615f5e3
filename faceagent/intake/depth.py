"""By which rule numbers of any kind become 8-bit values, or why none applies.

| numbers | rule |
|---|---|
| truth values | black and white |
| 8-bit integers | as they are |
| 16-bit integers | the whole range, 0 to 65,535, becomes 0 to 255 |
| wider or signed integers | up to 255 as they are, up to 65,535 as 16-bit ones |
| floats up to 1 | 0 to 1 becomes 0 to 255 |
| floats from 2 | as integers |
| anything negative, above 65,535 or not a number | refused, because only a guess could show it |
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

SLACK = 0.02
"""By how much a float may leave its range; resampling overshoots that far."""
_FULL = 65_535


class UnclearValues(Exception):
    """No rule applies. The message completes "The values …"; ``remedy`` says what to give instead."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = "Give 8-bit values, 16-bit values, or floats from 0 to 1."


def scale_of(values: NDArray[Any], *, full: bool = False) -> tuple[float, str | None]:
    """The factor by which ``values`` become 0 to 255, and the note to leave. Raises UnclearValues.

    ``full``: the values are 16-bit ones, however small the largest is.
    """
    kind = values.dtype.kind
    if kind == "b":
        return 255.0, None
    if kind not in "uif":
        raise UnclearValues(f"are of type {values.dtype}")
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise UnclearValues("contain NaN or infinity")
    if low < (-SLACK if kind == "f" and high <= 1 + SLACK else 0 if kind != "f" else -SLACK * 255):
        raise UnclearValues(f"reach from {low:g} to {high:g}")
    if kind == "f" and high <= 1 + SLACK and not full:
        return 255.0, "values from 0 to 1 scaled to 8 bits"
    if kind == "f" and high < 2 and not full:
        raise UnclearValues(f"reach to {high:g}, which is neither 1 nor 255")
    if values.dtype.itemsize == 1 or (high <= 255 * (1 + SLACK) and not full and values.dtype != np.uint16):
        return 1.0, None if values.dtype == np.uint8 else "values from 0 to 255 read as 8 bits"
    if high <= _FULL:
        return 255 / _FULL, "16 bits per channel scaled to 8"
    raise UnclearValues(f"reach to {high:g}")


def to_8_bits(values: NDArray[Any], scale: float) -> NDArray[np.uint8]:
    """``values`` × ``scale``, rounded and clipped."""
    if scale == 1.0 and values.dtype == np.uint8:
        return np.asarray(values, dtype=np.uint8)
    wide: NDArray[np.floating[Any]] = values.astype(np.float64 if values.dtype.itemsize > 4 else np.float32)
    wide *= scale
    return np.asarray(np.clip(np.rint(wide), 0, 255), dtype=np.uint8)
