"""Text as it is printed: nothing that is invisible, that reverses its surroundings, or that no font can show.

PDF/A forbids characters without a glyph. The exact text stays in ``report.json``, which is attached.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from faceagent.report.pdf.fonts import coverage

Value: TypeAlias = "str | float | bool | None | Sequence[Value] | Mapping[str, Value]"
"""What the template gets, as JSON."""
JOINERS = "\u200c\u200d"
"""Invisible, and needed to shape Indic scripts, Persian and emoji."""
BREAK = "\u200b"
LONGEST = 28
"""Characters that may stand together without a place to break the line."""
_UNBROKEN = re.compile(rf"[^\s\u2e80-\U0010ffff]{{{LONGEST},}}")
_DIGEST = re.compile(r"[0-9a-f]{40,128}")
_VARIANTS = range(0xFE00, 0xFE10)


def legible(text: str) -> str:
    """``text`` with spaces for line ends and "[U+202E]" for what cannot be shown; long words get places to break."""
    shown = "".join(map(_shown, text))
    return _UNBROKEN.sub(lambda found: _breakable(found[0]), shown)


def all_legible(value: Value) -> Value:
    """``legible`` on every text in a JSON value."""
    if isinstance(value, str):
        return legible(value)
    if isinstance(value, Sequence):
        return [all_legible(one) for one in value]
    if isinstance(value, Mapping):
        return {name: all_legible(one) for name, one in value.items()}
    return value


def _shown(mark: str) -> str:
    code = ord(mark)
    if mark in "\n\r\t":
        return " "
    if code in _VARIANTS:
        return ""
    if mark in JOINERS:
        return mark
    if unicodedata.category(mark).startswith("C") or code not in coverage():
        return f"[U+{code:04X}]"
    return mark


def _breakable(word: str) -> str:
    if _DIGEST.fullmatch(word):
        return word
    parts, length = list[str](), 0
    for place, mark in enumerate(word):
        parts.append(mark)
        length += 1
        after = word[place + 1 : place + 2]
        # Never between a letter and what combines with it.
        together = not after or unicodedata.combining(after) or after in JOINERS or mark in JOINERS
        if not together and (length >= LONGEST or (mark in "_-./\\" and length >= LONGEST // 4)):
            parts.append(BREAK)
            length = 0
    return "".join(parts)
