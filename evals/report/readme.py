"""The README's table of figures, from the summary of all runs. Every figure in it stands in ``docs/results.json``."""

from collections.abc import Iterator

from evals.plans import FigureRow, plans
from evals.report.summary import Summary
from evals.result import MetricEstimate
from evals.thresholds import FigureThreshold, thresholds

BEGIN = "<!-- figures: generated from docs/results.json -->"
END = "<!-- end of figures -->"


def with_figures(readme: str, summary: Summary) -> str:
    """The README with a fresh table between its markers."""
    before, rest = readme.split(BEGIN)
    return f"{before}{BEGIN}\n{table(summary)}\n{END}{rest.split(END)[1]}"


def table(summary: Summary) -> str:
    """Markdown: one row per planned row all of whose figures were measured."""
    rows = [
        "| set | figure | n | value [95 % interval] | threshold | beside it, and what to know |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*rows, *(line for row in plans().row for line in _row(row, summary))])


def _row(row: FigureRow, summary: Summary) -> Iterator[str]:
    found = [summary.figure(reference) for reference in row.values]
    if any(one is None for one in found):
        return
    values = "; ".join(_figure(one, row.unit) for one in found if one is not None)
    names = list(dict.fromkeys(reference.partition(":")[0] for reference in row.values))
    sizes = "; ".join(f"{run.n:,}" for name in names if (run := summary.run(name)) is not None)
    cells = (row.data, row.figure, sizes, values, _thresholds(row, summary), _beside(row, summary))
    yield f"| {' | '.join(cells)} |"


def _thresholds(row: FigureRow, summary: Summary) -> str:
    """What each value must reach; a value that does not is marked."""
    known: list[tuple[FigureThreshold | None, MetricEstimate | None]] = []
    for reference in row.values:
        run, _, metric = reference.partition(":")
        known.append((thresholds().get(run, {}).get(metric), summary.figure(reference)))
    if all(one is None for one, _ in known):
        return ""
    return "; ".join(_threshold(one, figure) if one is not None else "none" for one, figure in known)


def _threshold(one: FigureThreshold, figure: MetricEstimate | None) -> str:
    missed = figure is not None and figure.value is not None and not one.met(figure.value)
    return f"{one.sign} {_plain(one.limit)}{' (missed)' if missed else ''}"


def _beside(row: FigureRow, summary: Summary) -> str:
    told = ""
    for words, reference in row.beside:
        one = summary.figure(reference)
        if one is not None and one.value is not None:
            told += f"{'; ' if told else ''}{words + ' ' if words else ''}{number(one.value, row.unit)}"
    return ". ".join(part for part in (told, row.note) if part)


def _figure(one: MetricEstimate, unit: str) -> str:
    value = f"**{number(one.value or 0.0, unit)}**{unit}"
    if one.low is None or one.high is None:
        return value
    return f"{value} [{number(one.low, unit)}, {number(one.high, unit)}]"


def number(value: float, unit: str = "") -> str:
    """Three decimals without the leading zero; two for what has a unit, one from ten on."""
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if unit else _without_zero(f"{value:.3f}")


def _plain(value: float) -> str:
    return _without_zero(f"{value:g}")


def _without_zero(text: str) -> str:
    if float(text) == 0:
        return "0"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text
