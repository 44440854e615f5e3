"""The mapping of every measurement to a number from 0 to 100."""


def ramp(value: float, zero: float, full: float) -> float:
    """0 at ``zero``, 100 at ``full`` and beyond, linear between; ``zero`` may be the larger of the two."""
    return min(100.0, max(0.0, 100.0 * (value - zero) / (full - zero)))
