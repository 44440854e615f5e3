"""Shares of yes and no: the interval of a proportion."""

import math

Z = 1.959963984540054
"""Normal quantile of a two-sided 95 % interval."""


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % Wilson score interval (Wilson 1927) of ``hits`` among ``n``.

    Raises ValueError unless 0 <= hits <= n and n > 0.
    """
    if not 0 <= hits <= n or n == 0:
        raise ValueError(f"{hits} of {n} is no proportion")
    share = hits / n
    middle = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)
