"""Numbers in words; a word never stands without its number.

The verbal scale follows the ENFSI guideline for evaluative reporting (2015): it names the support that the
evidence lends to one proposition over the other, not the probability that a proposition is true.
"""

SCALE: tuple[tuple[float, str], ...] = (
    (0.0, "no"),
    (0.301, "weak"),
    (1.0, "moderate"),
    (2.0, "moderately strong"),
    (3.0, "strong"),
    (4.0, "very strong"),
    (6.0, "extremely strong"),
)
"""Lower end of |log10 LR| and its word; an LR between 1/2 and 2 supports neither side."""


def support(llr: float) -> str:
    """The word for a log10 likelihood ratio of this size."""
    return next(word for floor, word in reversed(SCALE) if abs(llr) >= floor)


def ratio(llr: float) -> str:
    """A log10 likelihood ratio as text: ``LR 35``, ``LR 1/200``. At most two significant digits."""
    size = 10 ** abs(llr)
    rounded = float(f"{size:.2g}")
    text = f"{rounded:.1f}" if rounded < 10 and rounded != int(rounded) else f"{rounded:,.0f}"
    return f"LR {text}" if llr >= 0 or text == "1" else f"LR 1/{text}"


def percent(probability: float) -> str:
    """A probability as a percentage, never rounded to 0 or 100."""
    if probability < 0.01:
        return "under 1 %"
    if probability > 0.99:
        return "over 99 %"
    return f"{probability:.0%}".replace("%", " %")


def join(words: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def of_100(cosine: float) -> int:
    """A cosine as N of 100: 0 for the opposite, 100 for the same vector."""
    return round(50 * (1 + max(-1.0, min(1.0, cosine))))
