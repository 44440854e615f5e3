"""Text as the grammar reads it: one case, no accents, one script for Chinese, punctuation only where it ends a clause.

Linear in the length of the text. Knows no word of any language but the tables it is handed.
"""

import re
import unicodedata
from collections.abc import Mapping

from faceagent.types import FrozenModel

MOST = 4000
"""Characters of one turn that are read; a longer turn is asked for again, shorter."""

_EVIDENCE = re.compile(
    r"(?<![a-z0-9_])(?:v:)?(?:[rp]\d{1,3})?f\d{1,3}:[a-z0-9_.:-]*[a-z0-9_]|(?<![a-z0-9_])[rp]\d{1,3}:[a-z0-9_.:-]*[a-z0-9_]"
    r"|(?<![a-z0-9_])v:[a-z0-9_.:-]*[a-z0-9_]|(?<![a-z0-9_])e\d{1,4}(?![a-z0-9_])",
    re.IGNORECASE | re.ASCII,
)
_NUMBER_SIGN = re.compile(r"\bno\. ?(?=\d)|#(?=\d)")
_STOP = re.compile(r"[;!?。！？；\n]|\.(?=\s|$)|(?<=[a-z一-鿿]):(?=\s)|——?|(?<=\s)-(?=\s)")
_PAUSE = re.compile(r"[,，、()（）]")
_APOSTROPHE = re.compile("['’‘`´ʼ]")
_WILL = re.compile(f"{_APOSTROPHE.pattern}ll\\b")
"""Without its apostrophe "I'll" would be ill."""
_SPACES = re.compile(r"\s+")
_AROUND_HAN = re.compile(r"(?<=[㐀-鿿]) | (?=[㐀-鿿])")
_SPELT_OUT = re.compile(r"(?<![a-z0-9])(?:[a-z0-9] ){2,}[a-z0-9](?![a-z0-9])")
_LEET = str.maketrans("01345$@", "oieassa")
_MIXED = re.compile(r"(?=[a-z0-9]*[a-z])(?=[a-z0-9]*\d)[a-z0-9]{4,}")
_LOOKALIKES = str.maketrans("асеорхуіјѕԁһӏᴀмтвнкαεορυικνт", "aceopxyijsdhiamtbhkaeopuiknt")
_FOREIGN_LETTER = re.compile(r"[Ͱ-ԯ]")


class Said(FrozenModel):
    """One turn's text, ready to be matched.

    ``text`` holds words set apart by single spaces, ``,`` and ``;`` as words of their own where a clause pauses or
    ends, and no space beside a Chinese character.
    """

    text: str
    evidence: tuple[str, ...] = ()


def normalise(raw: str, simplified: Mapping[int, int]) -> Said:
    """``raw`` in the grammar's spelling. ``simplified``: traditional characters to simplified ones, by code point."""
    text = unicodedata.normalize("NFKC", raw[:MOST])
    text = "".join(" " if mark < " " and mark != "\n" else mark for mark in text if unicodedata.category(mark) != "Cf")
    evidence = tuple(dict.fromkeys(found.group().upper() for found in _EVIDENCE.finditer(text)))
    text = _EVIDENCE.sub(" ", text).casefold()
    text = unicodedata.normalize("NFD", text)
    text = "".join(mark for mark in text if unicodedata.category(mark) != "Mn").translate(simplified)
    if _FOREIGN_LETTER.search(text):
        text = text.translate(_LOOKALIKES)
    text = _APOSTROPHE.sub("", _WILL.sub(" will", text))
    text = _NUMBER_SIGN.sub(" number ", text)
    text = _PAUSE.sub(" \x01 ", _STOP.sub(" \x02 ", text))
    text = "".join(mark if mark.isalnum() or mark in "\x01\x02" else " " for mark in text)
    text = _SPACES.sub(" ", text).strip().replace("\x01", ",").replace("\x02", ";")
    return Said(text=_AROUND_HAN.sub("", text), evidence=evidence)


def undisguised(text: str) -> str:
    """``text`` with words in digits or spelt out letter by letter put together, for what must not be missed."""
    joined = _SPELT_OUT.sub(lambda found: found.group().replace(" ", ""), text)
    return _MIXED.sub(lambda found: found.group().translate(_LEET), joined)


def readable(raw: str) -> bool:
    """Whether ``raw`` is text that somebody could have typed, and not the bytes of a file."""
    head = raw[:MOST]
    odd = sum(1 for mark in head if mark == "\ufffd" or _unlike_text(mark))
    return odd * 20 <= len(head)


def _unlike_text(mark: str) -> bool:
    return unicodedata.category(mark) in ("Cc", "Cs", "Co", "Cn") and mark not in "\n\r\t"
