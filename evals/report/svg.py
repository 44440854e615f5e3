"""Curves, matrices and bars as inline SVG, coloured by the page's style sheet so that they follow light and dark.

Knows figures and the figures' metrics, no task. Every number a reader could want is also in a table of the page.
"""

import math
from collections.abc import Mapping, Sequence
from html import escape

from evals.plots import Bars, ConfusionGrid, Plot, Series
from evals.result import MetricEstimate

WIDTH, HEIGHT = 420, 330
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 12, 42
KEY = 16
"""Height of a line of the legend, which stands below the plot: inside, it would lie over curves."""
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
"""Distances between ticks, but for powers of ten."""
FLOOR = 1e-3
"""Lowest rate on a logarithmic axis; curves below it run along the edge."""


def draw(figure: Plot | ConfusionGrid | Bars, metrics: Mapping[str, MetricEstimate]) -> str:
    """One figure as an ``svg`` element; empty when none of the metrics it shows is defined."""
    if isinstance(figure, Plot):
        return _plot(figure)
    if isinstance(figure, ConfusionGrid):
        return _grid(figure)
    known = [(name, metrics[key]) for name, key in figure.items if key in metrics and metrics[key].value is not None]
    return _bars(figure.title, known) if known else ""


def _plot(figure: Plot) -> str:
    across, up = _axes(figure)
    parts = [_frame(figure, across, up)]
    if figure.diagonal:
        ends = f"{across.at(across.low):.1f} {up.at(up.low):.1f}L{across.at(across.high):.1f} {up.at(up.high):.1f}"
        parts.append(f'<path class="chance" d="M{ends}"/>')
    for number, series in enumerate(figure.series):
        points = [f"{across.at(x):.1f} {up.at(y):.1f}" for x, y in zip(series.x, series.y, strict=True)]
        if len(points) > 1:
            parts.append(f'<path class="line c{number % 8}" d="M{"L".join(points)}"/>')
        if len(points) <= 12:
            dots = "".join(f"M{point}h0" for point in points)
            parts.append(f'<path class="dot c{number % 8}" d="{dots}"/>')
    named = figure.series if len(figure.series) > 1 else ()
    for number, series in enumerate(named):
        x, y = LEFT + (number % 2) * (WIDTH - LEFT) / 2, HEIGHT + 4 + KEY * (number // 2)
        parts.append(f'<path class="line c{number % 8}" d="M{x} {y}h18"/>')
        parts.append(f'<text x="{x + 24}" y="{y + 4}">{escape(series.name)}</text>')
    return _svg(WIDTH, HEIGHT + KEY * math.ceil(len(named) / 2), figure.title, "".join(parts))


class _Axis:
    """Where a value lies, in px."""

    def __init__(self, low: float, high: float, start: float, end: float, logarithmic: bool) -> None:
        self.start, self.end, self.logarithmic = start, end, logarithmic
        self.step = 0.0 if logarithmic else _step(high - low)
        self.low = low if logarithmic else math.floor(low / self.step + 1e-9) * self.step
        self.high = high if logarithmic else math.ceil(high / self.step - 1e-9) * self.step

    def at(self, value: float) -> float:
        if self.logarithmic:
            span = math.log10(self.high / self.low)
            share = math.log10(max(value, self.low) / self.low) / span
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)

    def ticks(self) -> list[tuple[float, str]]:
        if self.logarithmic:
            return [(value, f"{value:g}") for value in (0.001, 0.01, 0.1, 1.0) if self.low <= value <= self.high]
        count = round((self.high - self.low) / self.step)
        return [(value, f"{value:.3g}") for value in (self.low + self.step * place for place in range(count + 1))]


def _step(span: float) -> float:
    """A round distance that gives four or five ticks."""
    power = 10.0 ** math.floor(math.log10(span / 4))
    return next(step * power for step in STEPS if step * power >= span / 5 - 1e-12)


def _axes(figure: Plot) -> tuple[_Axis, _Axis]:
    if figure.logarithmic:
        xs = ys = (FLOOR, 1.0)
    elif figure.unit:
        xs = ys = (0.0, 1.0)
    else:
        xs, ys = _reach(figure.series, 0), _reach(figure.series, 1)
    return (
        _Axis(*xs, LEFT, WIDTH - RIGHT, figure.logarithmic),
        _Axis(*ys, HEIGHT - BOTTOM, TOP, figure.logarithmic),
    )


def _reach(series: Sequence[Series], axis: int) -> tuple[float, float]:
    """From zero, or from half of the highest value where all that is to be seen lies above that."""
    values = [value for one in series for value in (one.y if axis else one.x)]
    low, high = min(values, default=0.0), max(values, default=1.0)
    if high <= 0:
        return 0.0, 1.0
    return (high / 2 if axis and low >= high / 2 else 0.0), high


def _frame(figure: Plot, across: _Axis, up: _Axis) -> str:
    parts = [
        f'<rect class="plane" x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT - TOP - BOTTOM}"/>'
    ]
    for value, text in across.ticks():
        x = across.at(value)
        parts.append(f'<path class="tick" d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{text}</text>')
    for value, text in up.ticks():
        y = up.at(value)
        parts.append(f'<path class="tick" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">{text}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text class="axis" x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(figure.x)}</text>')
    y = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        f'<text class="axis" transform="translate(13 {y}) rotate(-90)" text-anchor="middle">{escape(figure.y)}</text>'
    )
    return "".join(parts)


def _grid(figure: ConfusionGrid) -> str:
    side, left, top = 46, 92, 20 + 5 * max(map(len, figure.columns))
    width, height = left + side * len(figure.columns) + 34, top + side * len(figure.rows) + 8
    parts = []
    for place, name in enumerate(figure.columns):
        x = left + side * place + side / 2
        parts.append(f'<text transform="translate({x + 4} {top - 8}) rotate(-45)">{escape(name)}</text>')
    for row, (name, cells) in enumerate(zip(figure.rows, figure.cells, strict=True)):
        y = top + side * row
        parts.append(f'<text x="{left - 8}" y="{y + side / 2 + 4}" text-anchor="end">{escape(name)}</text>')
        total = sum(cells)
        for column, count in enumerate(cells):
            share = count / total if total else 0.0
            x = left + side * column
            square = f'x="{x}" y="{y}" width="{side - 2}" height="{side - 2}"'
            parts.append(f'<rect class="cell" {square}/><rect class="heat" fill-opacity="{share:.3f}" {square}/>')
            tone = " inverse" if share > 0.55 else ""
            parts.append(
                f'<text class="count{tone}" x="{x + side / 2 - 1}" y="{y + side / 2 + 3}" text-anchor="middle">'
                f"{count:g}</text>"
            )
    # A small matrix is not blown up to the width of a plot.
    return _svg(max(width, WIDTH), height, figure.title, "".join(parts))


def _bars(title: str, items: Sequence[tuple[str, MetricEstimate]]) -> str:
    row, left, right = 22, 170, 64
    width, height = 460, row * len(items) + 10
    values = [value for _, one in items for value in (one.value, one.high) if value is not None]
    top = max(1.0, *values)
    room = width - left - right
    parts = []
    for place, (name, one) in enumerate(items):
        value, low, high = one.value or 0.0, one.low, one.high
        y = 6 + row * place
        parts.append(f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{escape(name)}</text>')
        parts.append(f'<rect class="track" x="{left}" y="{y}" width="{room}" height="15" rx="2"/>')
        parts.append(
            f'<rect class="fill" x="{left}" y="{y}" width="{max(value, 0) / top * room:.1f}" height="15" rx="2"/>'
        )
        if low is not None and high is not None:
            start, end = (left + max(end, 0) / top * room for end in (low, high))
            parts.append(f'<path class="whisker" d="M{start:.1f} {y + 7.5}H{end:.1f}"/>')
        parts.append(f'<text x="{width - right + 8}" y="{y + 12}">{value:.3g}</text>')
    return _svg(width, height, title, "".join(parts))


def _svg(width: float, height: float, title: str, body: str) -> str:
    return f'<svg class="figure" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">{body}</svg>'
