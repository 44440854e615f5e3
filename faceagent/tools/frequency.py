"""Traces that cameras, compression and editing leave in a picture: spectrum, JPEG grid, recompression, noise.

Evidence, not a verdict. Nothing here is calibrated, because resizing, saving again and every messenger service
change the same measures as an edit does; a radial spectrum that separates one generator from one camera would call
pictures of the next camera forged. So there is no label and no likelihood, only measurements and their description.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from faceagent.settings import Settings
from faceagent.tools import jpeg
from faceagent.tools.base import FollowUp, Pixels, ToolSpec, View, stamped
from faceagent.tools.jpeg import Reals
from faceagent.types import Evidence, Reason, Score, Status, ToolStamp

WINDOW = 512
"""px: of larger pictures the middle is measured, which bounds the time and keeps every block whole."""
SMALLEST = 64
"""px: below this side there are too few blocks and frequencies."""
GRID_SEEN = 1.2
"""Grid strength from which the statement says "shows". 137 uncompressed pictures (FRLL, SFHQ) stayed below 1.19."""
PERIODIC = 0.3
"""Periodicity from which the statement says "is periodic". The same 137, compressed once, stayed below 0.23."""
BLOCK = 32
"""px: side of the blocks whose noise is compared."""
SLOPE_BAND = (0.05, 0.7)
"""Part of the band, as a share of the Nyquist frequency, in which the slope is fitted."""

# The inverse of each EXIF orientation: counter-clockwise quarter turns, then whether to mirror.
_UNDO = {
    1: (0, False),
    2: (0, True),
    3: (2, False),
    4: (2, True),
    5: (3, True),
    6: (1, False),
    7: (1, True),
    8: (3, False),
}


class Frequency:
    """Four measurements of the picture as a whole; no weights."""

    spec: ClassVar[ToolSpec] = ToolSpec(
        name="frequency",
        version="1.0.0",
        title="Frequency and compression traces",
        summary="Radial spectrum, JPEG grid, traces of recompression and noise: evidence without a verdict.",
        questions=("forgery",),
        follow_ups=(FollowUp(verdict="forgery", answers="forgery", priority=0),),
        skip_when_brief=True,
        scope="picture",
    )

    def __init__(self, settings: Settings) -> None:
        del settings

    def stamp(self) -> ToolStamp:
        """Name and version; there are no weights, and no device but the processor."""
        return stamped(self.spec)

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        """``P1:jpeg_grid``, ``P1:double_jpeg``, ``P1:spectrum`` and ``P1:noise`` for every view."""
        return [self._measure(view) for view in batch]

    def _measure(self, view: View) -> tuple[Evidence, ...]:
        pixels, orientation = view.pixels(), view.picture.orientation
        upright = stored(pixels, 1)
        # JPEG blocks lie on the grid of the stored picture; turning or mirroring it upright moves them off that grid.
        luminance = upright if orientation == 1 else stored(pixels, orientation)
        if min(luminance.shape) < SMALLEST:
            words = f"Frequency traces: not measured, the picture is smaller than {SMALLEST} px."
            return (self._item(view, "jpeg_grid", words, status="not_applicable", reason="low_resolution"),)
        return (
            self._grid(view, luminance),
            self._double(view, luminance),
            self._spectrum(view, upright),
            self._noise(view, upright),
        )

    def _grid(self, view: View, luminance: Reals) -> Evidence:
        found = jpeg.grid(luminance)
        facts: dict[str, float | str] = {"strength": found.strength, "offset_x": found.x, "offset_y": found.y}
        moved = (found.x, found.y) != (0, 0)
        if found.strength < GRID_SEEN:
            words = "No 8 by 8 compression grid shows in the pixels."
        elif moved:
            words = (
                f"An 8 by 8 compression grid shows, shifted by {found.x} and {found.y} px: the picture was "
                "compressed, then cropped or moved."
            )
        elif view.picture.format == "JPEG":
            words = "The 8 by 8 compression grid of the file shows in the pixels, in its usual place."
        else:
            words = "An 8 by 8 compression grid shows: the picture was a JPEG before it was saved in this format."
        return self._item(view, "jpeg_grid", words, value=found.strength, facts=facts)

    def _double(self, view: View, luminance: Reals) -> Evidence:
        table = jpeg.luminance_table(view.original()) if view.picture.format == "JPEG" else None
        if table is None:
            words = "Recompression cannot be measured: the file carries no JPEG quantisation table."
            return self._item(view, "double_jpeg", words, status="not_applicable", reason="not_measurable")
        quality, standard = jpeg.quality_of(table)
        facts: dict[str, float | str] = {"quality": quality, "standard_table": "yes" if standard else "no"}
        saved = f"saved at about quality {quality}"
        value = jpeg.periodicity(luminance, table)
        if value is None:
            words = f"The file was {saved}; too little detail is left to look for an earlier compression."
            return self._item(view, "double_jpeg", words, facts=facts, status="not_applicable", reason="not_measurable")
        words = (
            f"The file was {saved}; its coefficients are periodic, as after an earlier and stronger JPEG compression."
            if value >= PERIODIC
            else f"The file was {saved}; its coefficients show no sign of an earlier and stronger JPEG compression."
        )
        return self._item(view, "double_jpeg", words, value=value, facts=facts)

    def _spectrum(self, view: View, luminance: Reals) -> Evidence:
        slope, high = spectrum(luminance)
        words = (
            f"Spectral power falls with frequency to the power {slope:.1f}; "
            f"{100 * high:.2g} % of it lies in the upper half of the band."
        )
        facts = {"slope": slope, "high_share": high}
        return self._item(view, "spectrum", words, value=high, facts=facts)

    def _noise(self, view: View, luminance: Reals) -> Evidence:
        level, spread, odd = noise(luminance)
        words = (
            f"Noise in the smooth parts is about {level:.1f} grey levels; its strongest blocks have "
            f"{spread:.1f} times that of the weakest, and it differs most {odd}."
        )
        facts: dict[str, float | str] = {"level": level, "spread": spread, "differs_most": odd}
        return self._item(view, "noise", words, value=spread, facts=facts)

    def _item(
        self,
        view: View,
        name: str,
        words: str,
        *,
        value: float | None = None,
        facts: dict[str, float | str] | dict[str, float] | None = None,
        status: Status = "ok",
        reason: Reason | None = None,
    ) -> Evidence:
        return Evidence(
            id=f"{view.subject}:{name}",
            tool=self.stamp(),
            question="forgery",
            subject=view.subject,
            score=None if value is None else Score(value=value, scale="ratio"),
            facts=facts or {},
            statement=words,
            status=status,
            reason=reason,
        )


def stored(pixels: Pixels, orientation: int) -> Reals:
    """Luminance (0-255) of at most 512×512 px from the middle, turned back to how the file stores it.

    The window starts at a multiple of eight, so that JPEG blocks begin at its corner.
    """
    turns, mirrored = _UNDO[orientation]
    raw = np.rot90(pixels, turns)
    raw = raw[:, ::-1] if mirrored else raw
    top, left = (max(0, side - WINDOW) // 2 // 8 * 8 for side in raw.shape[:2])
    window = np.ascontiguousarray(raw[top : top + WINDOW, left : left + WINDOW])
    # Computed in float: rounding to whole grey levels would blur the coefficients' steps.
    return np.asarray(window.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32))


def spectrum(luminance: Reals) -> tuple[float, float]:
    """Slope of log power against log frequency, and the share of the power above half the Nyquist frequency.

    The mean over all directions, Hann window, on the largest centred square. Natural pictures lie near -2.
    """
    side = min(luminance.shape)
    top, left = ((length - side) // 2 for length in luminance.shape)
    square = luminance[top : top + side, left : left + side]
    window, inside, ring, counts = _rings(side)
    power = np.abs(np.fft.rfft2((square - square.mean()) * window)) ** 2
    total = np.bincount(ring, weights=power[inside], minlength=side // 2)
    mean = total / np.maximum(counts, 1)
    frequency = (np.arange(side // 2) + 0.5) / (side // 2)
    band = (frequency >= SLOPE_BAND[0]) & (frequency <= SLOPE_BAND[1]) & (mean > 0)
    slope = np.polyfit(np.log(frequency[band]), np.log(mean[band]), 1)[0] if band.sum() > 2 else 0.0
    return float(slope), float(total[frequency > 0.5].sum() / max(total.sum(), 1e-12))


@lru_cache(maxsize=16)
def _rings(side: int) -> tuple[Reals, NDArray[np.bool_], NDArray[np.int64], NDArray[np.intp]]:
    """For a square of that side: Hann window, the frequencies inside Nyquist, their ring, and each ring's size."""
    window: Reals = np.hanning(side).astype(np.float32)
    radius = np.hypot(np.fft.fftfreq(side)[:, np.newaxis] * 2, np.fft.rfftfreq(side)[np.newaxis] * 2)
    inside = (radius > 0) & (radius < 1)
    ring = (radius[inside] * (side // 2)).astype(np.int64)
    return np.outer(window, window), inside, ring, np.bincount(ring, minlength=side // 2)


def noise(luminance: Reals) -> tuple[float, float, str]:
    """Noise level in grey levels, ratio of the 90th to the 10th percentile over blocks, and where it differs most.

    Immerkær's (1996) filter ignores slopes and edges of first order; of the blocks only the smoother half counts,
    because texture is measured as noise.
    """
    mask = np.array([(1, -2, 1), (-2, 4, -2), (1, -2, 1)], dtype=np.float32)
    residual = np.abs(cv2.filter2D(luminance, -1, mask)) * (np.sqrt(np.pi / 2) / 6)
    levels, texture = _per_block(residual), _per_block(luminance, spread=True)
    smooth = texture <= np.median(texture)
    chosen = np.maximum(levels[smooth], 0.05)
    middle = float(np.median(chosen))
    low, high = np.quantile(chosen, (0.1, 0.9))
    odd = np.where(smooth, np.abs(np.log(np.maximum(levels, 0.05) / middle)), -1.0)
    row, column = np.unravel_index(int(np.argmax(odd)), odd.shape)
    return middle, float(high / low), _place(int(row), int(column), *odd.shape)


def _per_block(values: Reals, *, spread: bool = False) -> Reals:
    rows, columns = (side // BLOCK for side in values.shape)
    tiles = values[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    return np.asarray(tiles.std(axis=(1, 3)) if spread else tiles.mean(axis=(1, 3)))


def _place(row: int, column: int, rows: int, columns: int) -> str:
    """The block's place as words, on a three by three grid over the window."""
    upright = ("at the top", "in the middle", "at the bottom")[3 * row // rows]
    across = (" left", "", " right")[3 * column // columns]
    return upright + across
