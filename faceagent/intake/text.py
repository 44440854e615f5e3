"""Text that came with a picture: file names, EXIF strings, claim generators. None of it is trusted.

``clean`` makes such text safe to carry and short enough to print. It does not escape: HTML, a terminal or a
prompt have rules of their own, and whoever writes there follows them.
"""

import unicodedata

LIMIT = 120
"""Characters kept of one foreign string."""


def clean(text: object, limit: int = LIMIT) -> str:
    """One line of printable text, at most ``limit`` characters.

    Control, format (zero width, right-to-left override), surrogate and private-use characters are dropped;
    runs of white space become one space.
    """
    # Cut first: a megabyte of white space must not cost a megabyte of work. The slack is for what is dropped.
    raw = str(text)[: 8 * limit]
    kept = "".join(" " if mark.isspace() else mark for mark in raw if mark.isspace() or _printable(mark))
    words = " ".join(kept.split())
    return words if len(words) <= limit else words[: limit - 1] + "…"


def _printable(mark: str) -> bool:
    return not unicodedata.category(mark).startswith("C")
