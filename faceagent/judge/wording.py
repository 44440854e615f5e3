"""Numbers in words; a word never stands without its number.

The verbal scale is that of the ENFSI Guideline for Evaluative Reporting in Forensic Science (2015, table 1): it names
the support that the evidence lends to one proposition over the other, not the probability that a proposition is true.
The guideline speaks of weak support from a ratio of 2 on and of none at 1; between them nothing is claimed here.
"""

from faceagent.types import Strength

LEANS = 0.3
"""|log10 LR| from which evidence lends weak support: a ratio of 2, rounded as calibrations round theirs."""
SCALE: tuple[tuple[float, Strength], ...] = (
    (0.0, "none"),
    (LEANS, "weak"),
    (1.0, "moderate"),
    (2.0, "moderately_strong"),
    (3.0, "strong"),
    (4.0, "very_strong"),
    (6.0, "extremely_strong"),
)
"""Lower end of |log10 LR| and its word."""
_ROUNDING = 1e-6


def strength(llr: float) -> Strength:
    """The place of a log10 likelihood ratio of this size on the scale."""
    return next(word for floor, word in reversed(SCALE) if abs(llr) >= floor - _ROUNDING)


def support(llr: float) -> str:
    """The words for a log10 likelihood ratio of this size: "no", "weak", "moderately strong"."""
    return "no" if (word := strength(llr)) == "none" else word.replace("_", " ")


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
