"""Plots of a training run: ``curves.png`` from its ``log.jsonl``, and reliability diagrams."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from numpy.typing import ArrayLike
from PIL import Image, ImageDraw

from evals.metrics.calibration import reliability

WIDTH, HEIGHT, MARGIN = 480, 320, 44
INK, RULE = (40, 40, 40), (225, 225, 225)
COLOURS = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (230, 159, 0), (86, 180, 233))
"""Okabe and Ito's palette, which colour-blind readers can distinguish."""


def draw_curves(log: Path, target: Path) -> None:
    """Draw the whole log: one line per logged value, validation values as dots."""
    looks = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    steps = [float(look["step"]) for look in looks]
    sheet = Image.new("RGB", (2 * WIDTH, HEIGHT), "white")
    for column, (key, title) in enumerate((("loss", "training loss"), ("validation", "validation"))):
        lines = {name: [float(look[key][name]) for look in looks] for name in looks[0][key]}
        sheet.paste(_panel(title, steps, lines), (column * WIDTH, 0))
    sheet.save(target)


def draw_reliability(
    target: Path, title: str, probability: ArrayLike, truth: ArrayLike, weights: ArrayLike | None = None
) -> None:
    """Share of true cases over mean predicted probability in ten bins, with the diagonal of perfect calibration."""
    bins = reliability(probability, truth, weights=weights)
    some = bins.share > 0
    given = list(bins.confidence[some])
    target.parent.mkdir(parents=True, exist_ok=True)
    _panel(f"reliability: {title}", given, {"given": given, "true": list(bins.accuracy[some])}).save(target)


def _panel(title: str, steps: Sequence[float], lines: Mapping[str, Sequence[float]]) -> Image.Image:
    panel = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(panel)
    values = [value for line in lines.values() for value in line]
    low, high = min(values), max(values)
    spread, span = high - low or 1.0, steps[-1] - steps[0] or 1.0

    def place(step: float, value: float) -> tuple[float, float]:
        x = MARGIN + (step - steps[0]) / span * (WIDTH - 1.5 * MARGIN)
        return x, HEIGHT - MARGIN - (value - low) / spread * (HEIGHT - 2 * MARGIN)

    draw.text((MARGIN, 12), title, fill=INK)
    for quarter in range(5):
        value = low + quarter / 4 * spread
        y = place(steps[0], value)[1]
        draw.line((MARGIN, y, WIDTH - MARGIN / 2, y), fill=RULE)
        draw.text((6, y - 6), f"{value:.3f}", fill=INK)
    for step in (steps[0], steps[-1]):
        draw.text((place(step, low)[0] - 10, HEIGHT - MARGIN + 6), f"{step:.4g}", fill=INK)
    for index, (name, line) in enumerate(lines.items()):
        colour = COLOURS[index % len(COLOURS)]
        points = [place(step, value) for step, value in zip(steps, line, strict=True)]
        draw.line(points, fill=colour, width=2)
        for x, y in points:
            draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill=colour)
        draw.text((MARGIN + 84 * index, HEIGHT - 18), name, fill=colour)
    return panel
